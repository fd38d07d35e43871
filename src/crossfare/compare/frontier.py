"""Pareto fronts: the methods that nothing else beats on both counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from crossfare.compare.model import Decision, Option


def cost_front(decision: Decision, examples: Decimal) -> tuple[Option, ...]:
    """The methods that no other one matches in quality at a lower total cost, cheapest first."""
    return front(decision.options, lambda option: decision.total_usd(option, examples))


def latency_front(decision: Decision) -> tuple[Option, ...]:
    """The methods that no other one matches in quality at a lower added latency, fastest first.

    A method whose latency was not measured is not on it, and keeps no other off it.
    """
    measured = [option for option in decision.options if option.latency_ms is not None]
    return front(measured, lambda option: Decimal(str(option.latency_ms)))


def front(options: Sequence[Option], price: Callable[[Option], Decimal]) -> tuple[Option, ...]:
    """The options that are not dominated, lowest ``price`` first; equal ones are all kept."""
    kept = [option for option in options if dominator(option, options, price) is None]
    return tuple(sorted(kept, key=price))


def dominator(option: Option, others: Sequence[Option], price: Callable[[Option], Decimal]) -> Option | None:
    """An option that is at least as good and costs no more, and is better in one of the two.

    Of several, the best one, and of these the one with the lowest price.
    """
    paid = price(option)
    found = [
        other
        for other in others
        if other.quality >= option.quality
        and price(other) <= paid
        and (other.quality > option.quality or price(other) < paid)
    ]
    return max(found, key=lambda other: (other.quality, -price(other)), default=None)
