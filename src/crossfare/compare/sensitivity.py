"""What would have to change for another method to be recommended?

Total cost is linear in each price and in the volume, and so is net benefit. So the recommendation can change only where
two methods come to the same or one meets the budget: closed forms, tried in order of their distance.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import combinations, pairwise
from typing import Literal

from crossfare.compare.model import Decision, Option, quantity_of
from crossfare.compare.monthly import accounts
from crossfare.compare.recommend import Constraints, Recommendation, recommend
from crossfare.compare.timing_noise import decimal_of, difference

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
        found_lines = [_in_price(decision, option, resource, examples) for option in decision.options]
        costs = [line for own in found_lines for line in own]
        lines = [
            (at - gain * Fraction(examples), slope)
            for own, gain in zip(found_lines, _gains(made), strict=True)
            for at, slope in own
        ]

        def choose(price: Decimal, resource: str = resource) -> Option | None:
            return recommend(decision.at_price(resource, price), examples, made.constraints, made.aim).chosen

        def told(one: Option, other: Option, price: Decimal, resource: str = resource) -> bool:
            return _told(made, decision.at_price(resource, price), one, other, examples)

        found += _flips(resource, costs, lines, rate.usd, made, choose, told)
    return tuple(found)


def volume_flips(made: Recommendation) -> tuple[Flip, ...]:
    """The nearest smaller and larger number of examples that change the recommendation."""
    decision = made.decision
    found_lines = [_in_volume(decision, option) for option in decision.options]
    costs = [line for own in found_lines for line in own]
    lines = [(at, slope - gain) for own, gain in zip(found_lines, _gains(made), strict=True) for at, slope in own]

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
    apart = difference(decision, one, other, Fraction(examples))
    return replace(apart, each=apart.each - gains[one.key] + gains[other.key]).told(examples)


def _in_price(decision: Decision, option: Option, resource: str, examples: Decimal) -> list[_Line]:
    """Total cost as a function of one price: a line, or the lines whose pieces it is where the offer has terms."""
    at = Fraction(examples)
    intercept, slope = Fraction(0), Fraction(0)
    for account in accounts(option, decision.rates, decision.months):
        if account.resource != resource:
            once, again = account.line(at)
            intercept += once + again * at
    for name, rate in decision.rates.items():
        units = quantity_of(option, name, examples, decision.months) / Fraction(rate.per)
        if name == resource:
            slope += units
        else:
            intercept += units * Fraction(rate.usd)
    first, later = _months_in_price(decision, option, resource, examples)
    others = decision.months - 1
    return [
        (intercept + one[0] + others * other[0], slope + one[1] + others * other[1]) for one in first for other in later
    ]


def _months_in_price(
    decision: Decision, option: Option, resource: str, examples: Decimal
) -> tuple[list[_Line], list[_Line]]:
    """What the terms of a resource add in the first month and in each later one, as functions of its price.

    Either the minimum is paid, or what is beyond the free amount: which one depends on the price, so both are here.
    """
    rate, months = decision.rates[resource], decision.months
    all_served = quantity_of(replace(option, fixed=(), kept=()), resource, examples, months)
    once = quantity_of(replace(option, kept=()), resource, Decimal(0), months)
    found = []
    for units in (once + all_served / months, all_served / months):
        fee, least = Fraction(rate.terms.fee), Fraction(rate.terms.fee + rate.terms.minimum)
        pieces = [(least, -units / Fraction(rate.per)), (fee, -Fraction(rate.terms.free) / Fraction(rate.per))]
        found.append(pieces if units and rate.terms else [(Fraction(0), Fraction(0))])
    return found[0], found[1]


def _in_volume(decision: Decision, option: Option) -> list[_Line]:
    """Total cost as a function of the number of examples: a line, or those whose pieces it is."""
    kinks = [Fraction(0), *decision.kinks(option)]
    between = [(low + high) / 2 for low, high in pairwise(kinks)]
    return [decision.cost_line(option, about) for about in (*between, None)]


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
            chosen = choose(decimal_of((x + end) / 2))
            far = Decimal(0) if side == "below" else _FAR * decimal_of(x)
            within_noise = made.chosen and chosen and not all(told(made.chosen, chosen, at) for at in (current, far))
            if chosen != made.chosen and not within_noise:
                found.append(Flip(what, side, current, decimal_of(x), chosen))
                break
    return found


def _events(costs: Sequence[_Line], lines: Sequence[_Line], constraints: Constraints) -> set[Fraction]:
    """Where two lines cross, and where one's cost meets the budget."""
    pairs = list(combinations(lines, 2))
    if constraints.max_usd is not None:
        pairs += [(line, (Fraction(constraints.max_usd), Fraction(0))) for line in costs]
    return {(d - b) / (a - c) for (b, a), (d, c) in pairs if a != c}
