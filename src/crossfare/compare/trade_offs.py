"""Where one method overtakes another: break-even volumes, costs over volumes, and Pareto fronts.

Nothing is said of a difference in cost that lies inside what is not known of seconds (`timing_noise`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import combinations

from crossfare.compare.model import Decision, Option
from crossfare.compare.timing_noise import CostDifference, decimal_of, difference, told_apart

_STEPS = (1, 2, 5)


@dataclass(frozen=True, slots=True)
class BreakEven:
    """``first`` is cheaper up to ``examples`` examples, ``then`` from there on.

    Without ``examples`` the costs never cross: ``first`` costs no more than ``then`` at any volume. ``low`` to
    ``high`` is the 95 % interval of the volume, as far as it depends on seconds that were timed. ``within_noise`` says
    that their uncertainty leaves open which of the two costs less, at the smallest or at the largest volumes: then
    there is no volume to name.
    """

    first: Option
    then: Option
    examples: Decimal | None
    within_noise: bool = False
    low: Decimal | None = None
    high: Decimal | None = None


def break_even(fixed_a: Decimal, per_1k_a: Decimal, fixed_b: Decimal, per_1k_b: Decimal) -> Decimal | None:
    """The number of examples at which two methods cost the same; None if one is never dearer.

    fixed_a + per_1k_a * n / 1000 = fixed_b + per_1k_b * n / 1000, solved for n > 0.
    """
    saved_once, paid_again = fixed_b - fixed_a, per_1k_a - per_1k_b
    if saved_once * paid_again <= 0:
        return None
    with localcontext(prec=28):
        return saved_once * 1000 / paid_again


def break_evens(decision: Decision) -> tuple[BreakEven, ...]:
    """Every pair of methods; those whose costs cross come first, lowest volume first."""
    found = [each for a, b in combinations(decision.options, 2) for each in _between(decision, a, b)]
    return tuple(sorted(found, key=lambda each: (each.examples is None, each.examples or Decimal(0))))


def _between(decision: Decision, a: Option, b: Option) -> Iterator[BreakEven]:
    """Where the costs of two methods cross: once at the most, but for what offers ask or give each month."""
    start, length = (difference(decision, a, b, about) for about in (Fraction(0), None))
    first, then = (a, b) if (start.fixed, start.each, length.each) <= (Fraction(0),) * 3 else (b, a)
    if not (start.told_at_start and length.told_at_length):
        yield BreakEven(first, then, None, within_noise=True)
        return
    crossings = list(_crossings(decision, a, b))
    for examples, apart in crossings:
        cheaper, dearer = (a, b) if apart.each > 0 else (b, a)
        yield BreakEven(cheaper, dearer, examples, False, *apart.crossing())
    if not crossings:
        yield BreakEven(first, then, None)


def _crossings(decision: Decision, a: Option, b: Option) -> Iterator[tuple[Decimal, CostDifference]]:
    """The volumes at which the difference of two costs changes its sign, each with the line that it is about there."""
    starts = [Fraction(0), *sorted({*decision.kinks(a), *decision.kinks(b)})]
    for low, high in zip(starts, [*starts[1:], None], strict=True):
        about = None if high is None else (low + high) / 2
        apart = difference(decision, a, b, about)
        at = -apart.fixed / apart.each if apart.each else None
        if at is not None and low < at and (high is None or at <= high):
            yield decimal_of(at), apart


@dataclass(frozen=True, slots=True)
class Curve:
    """What one method costs in total, at each of a row of volumes."""

    option: Option
    points: tuple[tuple[Decimal, Decimal], ...]


def curves(decision: Decision, volumes: Sequence[Decimal]) -> tuple[Curve, ...]:
    """Total cost over volume, (examples, USD), for every method."""
    return tuple(Curve(o, tuple((n, decision.total_usd(o, n)) for n in volumes)) for o in decision.options)


def grid(decision: Decision, examples: Decimal) -> tuple[Decimal, ...]:
    """Volumes to draw curves over: 1, 2, 5, 10, ... to ten times the asked or the last break-even volume."""
    crossings = [each.examples for each in break_evens(decision) if each.examples is not None]
    last = 10 * max([examples, *crossings])
    found = [Decimal(1)]
    while found[-1] < last:
        decade, step = divmod(len(found), len(_STEPS))
        found.append(Decimal(_STEPS[step]).scaleb(decade))
    return tuple(found)


def cost_front(decision: Decision, examples: Decimal) -> tuple[Option, ...]:
    """The methods that no other one matches in quality at a lower total cost, cheapest first."""
    return front(
        decision.options,
        lambda option: decision.total_usd(option, examples),
        lambda one, other: told_apart(decision, one, other, examples),
    )


def latency_front(decision: Decision) -> tuple[Option, ...]:
    """The methods that no other one matches in quality at a lower added latency, fastest first.

    A method whose latency was not measured is not on it, and keeps no other off it.
    """
    measured = [option for option in decision.options if option.latency_ms is not None]
    return front(measured, lambda option: Decimal(str(option.latency_ms)))


Told = Callable[[Option, Option], bool]
"""Says of two options whether their prices are known well enough to say which is lower."""


def _exact(_: Option, __: Option) -> bool:
    return True


def front(options: Sequence[Option], price: Callable[[Option], Decimal], told: Told = _exact) -> tuple[Option, ...]:
    """The options that are not dominated, lowest ``price`` first; equal ones are all kept."""
    kept = [option for option in options if dominator(option, options, price, told) is None]
    return tuple(sorted(kept, key=price))


def dominator(
    option: Option, others: Sequence[Option], price: Callable[[Option], Decimal], told: Told = _exact
) -> Option | None:
    """An option that is at least as good and costs no more, and is better in one of the two.

    That it costs less must be ``told``: a price within the noise is neither lower nor higher. Of several, the best one,
    and of these the one with the lowest price.
    """
    paid = price(option)
    found = [
        other
        for other in others
        if other.quality >= option.quality
        and (other.quality > option.quality if price(other) == paid else price(other) < paid and told(option, other))
    ]
    return max(found, key=lambda other: (other.quality, -price(other)), default=None)
