"""For how long hardware is paid, in words."""

from __future__ import annotations

from decimal import Decimal

from crossfare.compare import Decision, always_on
from crossfare.report import numbers


def hardware_notes(decision: Decision, examples: Decimal) -> tuple[str, ...]:
    """For how long hardware is paid for, and what it costs to keep it."""
    instances = [each for option in decision.options for each in always_on(decision, option, examples)]
    if not instances:
        return ()
    instances.sort(key=lambda each: each.busy)
    kept = {each.resource: each for each in instances}.values()  # the busiest of each
    costs = " and ".join(f"{each.resource} {numbers.amount(each.usd_per_year / each.count)} USD" for each in kept)
    busy = max(each.busy for each in kept)
    needed = (
        "the time that the volume needs"
        if decision.utilisation == 1
        else f"the time that the volume needs at a utilisation of {float(100 * decision.utilisation):g} %"
    )
    return (
        f"Serving pays for {needed}. One instance kept always on, a year: {costs}; at this volume it would work "
        f"{numbers.amount(100 * busy)} % of the time at the most.",
    )
