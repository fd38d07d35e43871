"""What would have to change for another method to be recommended?

Total cost is linear in each price and in the volume, and so is net benefit. So the recommendation can change only where
two methods come to the same or one meets the budget: closed forms, tried in order of their distance.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import combinations
from typing import Literal

from crossfare.compare.model import Decision, Option, quantity_of
from crossfare.compare.recommend import Constraints, Recommendation, recommend
from crossfare.compare.timing_noise import difference

VOLUME = "volume"
_FAR = 10**9

Side = Literal["below", "above"]
_Line = tuple[Fraction, Fraction]  # intercept and slope of a method's total cost


@dataclass(frozen=True, slots=True)
class Flip:
    """Beyond ``threshold`` another method is ``chosen`` (None: none keeps the constraints any more).

    ``what`` is a resource, with prices in USD for what its rate bills, or "volume", in examples.
    """

    what: str
    side: Side
    current: Decimal
    threshold: Decimal
    chosen: Option | None

    @property
    def factor(self) -> Decimal | None:
        """The threshold as a multiple of the current value; None if that is zero."""
        with localcontext(prec=28):
            return self.threshold / self.current if self.current else None


def price_flips(made: Recommendation) -> tuple[Flip, ...]:
    """For each priced resource, the nearest lower and higher price that change the recommendation.

    A side that is not listed has none: the recommendation holds down to a price of zero, or however
    dear the resource gets.
    """
    decision, examples = made.decision, made.examples
    found: list[Flip] = []
    for resource, rate in decision.rates.items():
        costs = [_in_price(decision, option, resource, examples) for option in decision.options]
        lines = [(at - gain * Fraction(examples), slope) for (at, slope), gain in zip(costs, _gains(made), strict=True)]

        def choose(price: Decimal, resource: str = resource) -> Option | None:
            return recommend(decision.at_price(resource, price), examples, made.constraints, made.aim).chosen

        def told(one: Option, other: Option, price: Decimal, resource: str = resource) -> bool:
            return _told(made, decision.at_price(resource, price), one, other, examples)

        found += _flips(resource, costs, lines, rate.usd, made, choose, told)
    return tuple(found)


def volume_flips(made: Recommendation) -> tuple[Flip, ...]:
    """The nearest smaller and larger number of examples that change the recommendation."""
    decision = made.decision
    costs = [
        (Fraction(decision.fixed_usd(option)), Fraction(decision.recurring_usd_per_1k(option)) / 1000)
        for option in decision.options
    ]
    lines = [(at, slope - gain) for (at, slope), gain in zip(costs, _gains(made), strict=True)]

    def choose(examples: Decimal) -> Option | None:
        return recommend(decision, examples, made.constraints, made.aim).chosen

    def told(one: Option, other: Option, examples: Decimal) -> bool:
        return _told(made, decision, one, other, examples)

    return tuple(_flips(VOLUME, costs, lines, made.examples, made, choose, told))


def _gains(made: Recommendation) -> list[Fraction]:
    """What an example served by each method is worth in USD: nothing, if nobody said what an error is worth."""
    if made.aim.worth is None:
        return [Fraction(0)] * len(made.decision.options)
    scores = made.decision.draws_of(made.decision.options).mean(axis=0)
    return [Fraction(made.aim.worth) * Fraction(float(score)) for score in scores]


def _told(made: Recommendation, decision: Decision, one: Option, other: Option, examples: Decimal) -> bool:
    """Whether it is known which of two methods costs less, or with a worth brings more, as far as seconds go."""
    gains = dict(zip((option.key for option in made.decision.options), _gains(made), strict=True))
    apart = difference(decision, one, other)
    return replace(apart, each=apart.each - gains[one.key] + gains[other.key]).told(examples)


def _in_price(decision: Decision, option: Option, resource: str, examples: Decimal) -> _Line:
    """Total cost as a function of one price."""
    intercept, slope = Fraction(0), Fraction(0)
    for name, rate in decision.rates.items():
        units = quantity_of(option, name, examples, decision.months) / Fraction(rate.per)
        if name == resource:
            slope += units
        else:
            intercept += units * Fraction(rate.usd)
    return intercept, slope


def _flips(
    what: str,
    costs: Sequence[_Line],
    lines: Sequence[_Line],
    current: Decimal,
    made: Recommendation,
    choose: Callable[[Decimal], Option | None],
    told: Callable[[Option, Option, Decimal], bool],
) -> list[Flip]:
    """The nearest thresholds: where another method is chosen, and is better beyond all doubt about seconds.

    So must the one that is chosen now, here. A method that costs as much as far as is known is no reason to change.
    """
    here, events = Fraction(current), _events(costs, lines, made.constraints)
    above = sorted(x for x in events if x >= here)
    below = sorted((x for x in events if 0 < x <= here), reverse=True)
    sides: tuple[tuple[Side, list[Fraction]], ...] = (("below", below), ("above", above))
    found = []
    for side, crossed in sides:
        ends = [*crossed[1:], Fraction(0) if side == "below" else 2 * crossed[-1] + 1] if crossed else []
        for x, end in zip(crossed, ends, strict=True):
            chosen = choose(_decimal((x + end) / 2))
            far = Decimal(0) if side == "below" else _FAR * _decimal(x)
            within_noise = made.chosen and chosen and not all(told(made.chosen, chosen, at) for at in (current, far))
            if chosen != made.chosen and not within_noise:
                found.append(Flip(what, side, current, _decimal(x), chosen))
                break
    return found


def _events(costs: Sequence[_Line], lines: Sequence[_Line], constraints: Constraints) -> set[Fraction]:
    """Where two lines cross, and where one's cost meets the budget."""
    pairs = list(combinations(lines, 2))
    if constraints.max_usd is not None:
        pairs += [(line, (Fraction(constraints.max_usd), Fraction(0))) for line in costs]
    return {(d - b) / (a - c) for (b, a), (d, c) in pairs if a != c}


def _decimal(value: Fraction) -> Decimal:
    with localcontext(prec=28):
        return Decimal(value.numerator) / Decimal(value.denominator)
