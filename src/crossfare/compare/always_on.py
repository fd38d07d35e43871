"""What serving costs if hardware is kept for it, beside what it costs by the second."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal, localcontext

from crossfare.compare.model import Decision, Option
from crossfare.ledger.price import PRECISION, QUANTUM

HOURS_A_YEAR = 8760
_SECONDS_A_MONTH = Decimal(HOURS_A_YEAR * 3600) / 12


@dataclass(frozen=True, slots=True)
class Instance:
    """Hardware that answers requests, kept on all the time: what that costs, and how much of the time it works.

    ``count`` instances are needed, one for each second that the volume takes in a second, and one at the least.
    ``busy`` is the part of the time that one of them would work, more than 1 where several are needed.
    """

    resource: str
    source: str
    count: int
    usd_per_year: Decimal
    busy: Decimal


def always_on(decision: Decision, option: Option, examples: Decimal) -> tuple[Instance, ...]:
    """The hardware that a method serves with, at a number of examples over the decision's months.

    One instance for each resource that is billed by the time; none where everything is billed by what is sent.
    """
    found = []
    with localcontext(prec=PRECISION):
        for resource, rate in decision.rates.items():
            used = [each.quantity for each in option.recurring if each.resource == resource]
            if rate.unit == "second" and used:
                seconds = sum(used) * decision.utilisation * examples / 1000
                busy = seconds / (_SECONDS_A_MONTH * decision.months)
                count = max(1, int(busy.to_integral_value(ROUND_CEILING)))
                usd = count * HOURS_A_YEAR * 3600 * rate.usd / rate.per
                found.append(Instance(resource, rate.source, count, usd.quantize(QUANTUM), busy))
    return tuple(found)


def always_on_usd(instances: Sequence[Instance]) -> Decimal:
    """What they cost together in a year."""
    return sum((each.usd_per_year for each in instances), Decimal(0))
