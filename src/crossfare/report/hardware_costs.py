"""What stands behind totals besides unit prices, in words: for how long hardware is paid, and what months cost."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from crossfare.compare import Decision, always_on
from crossfare.report import numbers


def hardware_notes(decisions: Sequence[Decision], examples: Decimal) -> tuple[str, ...]:
    """For how long hardware is paid for, and what it costs to keep it."""
    instances = [
        each for decision in decisions for option in decision.options for each in always_on(decision, option, examples)
    ]
    if not instances:
        return ()
    utilisation = decisions[0].utilisation
    instances.sort(key=lambda each: each.busy)
    kept = {each.resource: each for each in instances}.values()  # the busiest of each
    costs = " and ".join(f"{each.resource} {numbers.amount(each.usd_per_year / each.count)} USD" for each in kept)
    busy = max(each.busy for each in kept)
    needed = (
        "the time that the volume needs"
        if utilisation == 1
        else f"the time that the volume needs at a utilisation of {float(100 * utilisation):g} %"
    )
    return (
        f"Serving pays for {needed}. One instance kept always on, a year: {costs}; at this volume it would work "
        f"{numbers.amount(100 * busy)} % of the time at the most.",
    )


def terms_notes(decision: Decision) -> tuple[str, ...]:
    """What the offers in use ask or give each month, which is in the totals."""
    told = []
    for name, rate in decision.rates.items():
        terms = rate.terms
        parts = [f"{terms.free:,.0f} {rate.unit}s free"] if terms.free else []
        parts += [f"a fee of {numbers.amount(terms.fee)} USD"] if terms.fee else []
        parts += [f"at least {numbers.amount(terms.minimum)} USD"] if terms.minimum else []
        told += [f"{name} {' and '.join(parts)}"] if parts else []
    if not told:
        return ()
    return (f"Totals are bills of months, in each of which an offer that is used has: {'; '.join(told)}.",)
