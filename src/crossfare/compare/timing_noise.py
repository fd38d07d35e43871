"""Which differences in cost are larger than what is not known of the seconds that they stand on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction

from crossfare.compare.model import Component, Decision, Option, usd

_Line = tuple[Fraction, Fraction]
"""A cost that is paid however much is served, and one per example, in USD."""


@dataclass(frozen=True, slots=True)
class CostDifference:
    """What one method costs more than another: a line over the volume, of which each timing's part may be off.

    ``parts`` has for each timing its part of the difference, times the margin of the timing. Methods that stand on one
    timing err together, so that only what one has more of it than the other counts; different timings err apart.
    """

    fixed: Fraction
    each: Fraction
    parts: tuple[_Line, ...]

    def usd(self, n: Fraction) -> Fraction:
        """The difference at a number of examples, in USD."""
        return self.fixed + self.each * n

    def told(self, examples: Decimal) -> bool:
        """Whether it is known, at a number of examples, which of the two costs less, or that they cost the same."""
        n = Fraction(examples)
        off = sum(((once + again * n) ** 2 for once, again in self.parts), Fraction(0))
        return off == 0 or self.usd(n) ** 2 > off

    @property
    def told_at_start(self) -> bool:
        """Whether it is known at the smallest volumes."""
        return self.told(Decimal(0))

    @property
    def told_at_length(self) -> bool:
        """Whether it is known at the largest ones."""
        off = sum((again**2 for _, again in self.parts), Fraction(0))
        return off == 0 or self.each**2 > off

    def margin_usd(self, examples: Decimal) -> Decimal:
        """The half-width of its 95 % interval at a number of examples."""
        n = Fraction(examples)
        return _root(sum(((once + again * n) ** 2 for once, again in self.parts), Fraction(0)))

    def crossing(self) -> tuple[Decimal, Decimal]:
        """Between which volumes the two cost the same, of a difference that changes its sign (Fieller's interval).

        It is where the difference is no larger than its margin: between the roots of a quadratic.
        """
        a = self.each**2 - sum((again**2 for _, again in self.parts), Fraction(0))
        b = self.fixed * self.each - sum((once * again for once, again in self.parts), Fraction(0))
        c = self.fixed**2 - sum((once**2 for once, _ in self.parts), Fraction(0))
        root = _root(b * b - a * c)
        with localcontext(prec=28):
            low, high = ((-decimal_of(b) + sign * root) / decimal_of(a) for sign in (-1, 1))
        return low, high


def difference(decision: Decision, a: Option, b: Option, about: Fraction | None) -> CostDifference:
    """What option ``a`` costs more than ``b``, about a number of examples; None: at the largest."""
    (fixed, each), (less, less_each) = (decision.cost_line(option, about) for option in (a, b))
    of_a, of_b = (_timed(decision, option) for option in (a, b))
    parts = []
    for name in dict.fromkeys((*of_a, *of_b)):
        margin = Fraction(decision.timings[name].margin)
        (once_a, again_a), (once_b, again_b) = (of.get(name, (Fraction(0), Fraction(0))) for of in (of_a, of_b))
        parts.append((margin * (once_a - once_b), margin * (again_a - again_b)))
    return CostDifference(fixed - less, each - less_each, tuple(parts))


def told_apart(decision: Decision, a: Option, b: Option, examples: Decimal) -> bool:
    """Whether it is known which of two methods costs less at a number of examples, or that they cost the same."""
    return difference(decision, a, b, Fraction(examples)).told(examples)


def as_cheap(decision: Decision, options: Sequence[Option], examples: Decimal) -> list[Option]:
    """Those that may be the cheapest, as far as is known: it and those that are not told apart from it."""
    about = Fraction(examples)
    cheapest = min(options, key=lambda option: decision.total_usd(option, examples))
    apart = {option.key: difference(decision, option, cheapest, about) for option in options}
    return [option for option in options if not apart[option.key].told(examples) or apart[option.key].usd(about) == 0]


def margin_usd(decision: Decision, option: Option, examples: Decimal) -> Decimal:
    """The half-width of the 95 % interval of a method's total cost, as far as it depends on timed seconds."""
    off = tuple(
        (Fraction(decision.timings[name].margin) * once, Fraction(decision.timings[name].margin) * again)
        for name, (once, again) in _timed(decision, option).items()
    )
    return CostDifference(Fraction(0), Fraction(0), off).margin_usd(examples)


def _timed(decision: Decision, option: Option) -> Mapping[str, _Line]:
    """What a method pays for seconds, by timing: in all and per example."""
    once, again = (_by_timing(decision, components) for components in (option.fixed, option.recurring))
    none = Fraction(0)
    return {name: (once.get(name, none), again.get(name, none) / 1000) for name in dict.fromkeys((*once, *again))}


def _by_timing(decision: Decision, components: Iterable[Component]) -> Mapping[str, Fraction]:
    found: dict[str, Fraction] = defaultdict(Fraction)
    for each in components:
        if each.timing:
            found[each.timing] += Fraction(usd([each], decision.rates))
    return found


def _root(value: Fraction) -> Decimal:
    with localcontext(prec=28):
        return decimal_of(max(value, Fraction(0))).sqrt()


def decimal_of(value: Fraction) -> Decimal:
    """A fraction with 28 digits."""
    with localcontext(prec=28):
        return Decimal(value.numerator) / Decimal(value.denominator)
