"""What offers ask or give each month, over the months that are looked at: fees, free amounts, least charges.

At its unit price a method's cost is a line over the volume. A month's terms change that: what is used of an offer costs
nothing up to its free amount, and its minimum up to where it would come to that. So the cost is a line in pieces, each
month the same but for the first, in which what is paid once is used as well. Money is counted in USD at the unit price.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from crossfare.ledger.price import UnitPrice, usd_of

if TYPE_CHECKING:
    from crossfare.compare.model import Component, Option

Line = tuple[Fraction, Fraction]
"""What is paid however much is served, and what for each example, in USD."""


@dataclass(frozen=True, slots=True)
class Account:
    """What a method uses of an offer with terms, in USD at its unit price: ``once``, and for ``each`` example.

    ``free``, ``fee`` and ``minimum`` are those of a month, in USD, over ``months``.
    """

    resource: str
    once: Fraction
    each: Fraction
    free: Fraction
    fee: Fraction
    minimum: Fraction
    months: int

    def line(self, examples: Fraction | None) -> Line:
        """What its terms add to the cost, as a line that holds about a number of examples; None: at the largest."""
        first, later = (self._month(used, examples) for used in (self.once, Fraction(0)))
        return first[0] + (self.months - 1) * later[0], first[1] + (self.months - 1) * later[1]

    def _month(self, used: Fraction, examples: Fraction | None) -> Line:
        """A month in which so much is used besides what is served."""
        rising = self.each / self.months
        if not used and not rising:
            return Fraction(0), Fraction(0)
        if used > self._until or (rising and (examples is None or used + rising * examples >= self._until)):
            return self.fee - self.free, Fraction(0)
        return self.fee + self.minimum - used, -rising

    @property
    def _until(self) -> Fraction:
        """Up to here a month's use costs the same."""
        return self.free + self.minimum

    def kinks(self) -> Iterator[Fraction]:
        """At which numbers of examples another line begins."""
        if self.each:
            for used in (self.once, Fraction(0)):
                if used < self._until:
                    yield (self._until - used) * self.months / self.each


def accounts(option: Option, rates: Mapping[str, UnitPrice], months: int) -> tuple[Account, ...]:
    """What a method uses of the offers that have terms."""
    if not any(rate.terms for rate in rates.values()):
        return ()
    once, each = _by_resource(option.fixed, rates), _by_resource(option.recurring, rates)
    found = []
    for name in dict.fromkeys((*once, *each)):
        rate = rates[name]
        if rate.terms:
            terms = rate.terms
            free = Fraction(terms.free) * Fraction(rate.usd) / Fraction(rate.per)
            own = (once.get(name, Fraction(0)), each.get(name, Fraction(0)) / 1000)
            found.append(Account(name, *own, free, Fraction(terms.fee), Fraction(terms.minimum), months))
    return tuple(found)


def _by_resource(components: Iterable[Component], rates: Mapping[str, UnitPrice]) -> Mapping[str, Fraction]:
    found: dict[str, Fraction] = defaultdict(Fraction)
    for each in components:
        if each.quantity:
            found[each.resource] += Fraction(usd_of([(each.quantity, rates[each.resource])]))
    return found
