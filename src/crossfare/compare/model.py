"""The decision model: what each method delivers and what it costs, as plain data with little arithmetic.

Everything that depends on a price, a volume or a time is computed here, from a few formulas, so that another
program can compute the same from `Decision.to_json` alone:

    one-time (USD)       = sum over one-time components of quantity * rate.usd / rate.per
    kept (USD / month)   = sum over kept components of quantity * rate.usd / rate.per
    recurring (USD / 1k) = sum over recurring components of quantity * rate.usd / rate.per
    fixed (USD)          = one-time + kept * months
    total (USD)          = fixed + recurring * examples / 1000 + terms

    terms (USD)          = sum over months and over resources with terms, of those used in the month, of
                           fee + max(minimum, used - free) - used, where used and free are worth their unit price,
                           and used is a month's part of what recurs, in the first month with what is paid once

where the quantities of recurring components are those of 1,000 examples, and of kept ones those of a month. Money is
Decimal, every component rounded to 1e-12 USD; sums and products of these are exact.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import combinations
from typing import Any, Literal

from crossfare.compare.measured import CONFIDENCE, Floats
from crossfare.compare.monthly import Line, accounts
from crossfare.compare.timing import Timing
from crossfare.compare.uncertainty import Belief, apart
from crossfare.ledger.price import PRECISION, UnitPrice, usd_of

_TOTAL = Decimal("1e-15")
"""Totals are kept to this."""

Part = Literal["translation", "annotation", "fine-tuning", "inference", "storage"]


@dataclass(frozen=True, slots=True)
class Component:
    """A quantity of a priced resource that a method uses for one part of its work.

    ``timing`` names the work whose seconds it is (`Decision.timings`); "" of what was counted, which is exact.
    """

    part: Part
    resource: str
    quantity: Decimal
    timing: str = ""


@dataclass(frozen=True, slots=True)
class Option:
    """One method with its engine and model: what there is to choose from.

    ``fixed``       what is paid once: translation, annotation, fine-tuning
    ``recurring``   what is paid per 1,000 examples: translation, inference
    ``kept``        what is paid per month: storage of translations that were paid once
    ``quality``     the score, mean over ``seeds``, with its 95 % interval ``low`` to ``high``
    ``latency_ms``  added by translation to one request (95th percentile); 0 if nothing is
                    translated when serving, None if it was not measured
    ``engine``      what its translation engine is called, or its two, "" without one
    ``note``        what a reader must know of it, such as that its translation is no system's
    ``reference``   whether its engine looks translations up instead of translating
    ``baseline``    what a trivial system scores on the same test examples, None if that is not known
    """

    key: str
    label: str
    fixed: tuple[Component, ...]
    recurring: tuple[Component, ...]
    quality: float
    low: float
    high: float
    latency_ms: float | None = 0.0
    seeds: int = 1
    engine: str = ""
    note: str = ""
    reference: bool = False
    kept: tuple[Component, ...] = ()
    baseline: float | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """The methods there are for one task and target language (or a mean over several).

    ``belief`` is what their true scores may be, jointly, by option key; None where nothing but intervals is known.
    ``tested`` is the number of test examples of a language. ``months`` is how long translations are kept. ``notes``
    say how the figures were brought together. ``timings`` say how well the seconds are known that components stand on.
    ``utilisation`` is the part of the time that works, of the time that hardware is paid for while serving: recurring
    seconds are those worked, over it.
    """

    task: str
    target: str
    metric: str
    rates: Mapping[str, UnitPrice]
    options: tuple[Option, ...]
    belief: Belief | None = field(default=None, compare=False)
    notes: tuple[str, ...] = ()
    months: int = 12
    tested: int = 0
    timings: Mapping[str, Timing] = field(default_factory=dict)
    utilisation: Decimal = Decimal(1)

    def once_usd(self, option: Option) -> Decimal:
        """What is paid once."""
        return usd(option.fixed, self.rates)

    def kept_usd_per_month(self, option: Option) -> Decimal:
        """What keeping its translations costs a month."""
        return usd(option.kept, self.rates)

    def fixed_usd(self, option: Option) -> Decimal:
        """What is paid however much is served: once, and for keeping translations over the months."""
        with localcontext(prec=PRECISION):
            return self.once_usd(option) + self.kept_usd_per_month(option) * self.months

    def recurring_usd_per_1k(self, option: Option) -> Decimal:
        """What 1,000 examples cost when serving."""
        return usd(option.recurring, self.rates)

    def total_usd(self, option: Option, examples: Decimal) -> Decimal:
        """What the method costs until ``examples`` examples are served, as many each month."""
        with localcontext(prec=PRECISION):
            listed = self.fixed_usd(option) + self.recurring_usd_per_1k(option) * examples / 1000
            return listed + self.terms_usd(option, examples)

    def terms_usd(self, option: Option, examples: Decimal) -> Decimal:
        """What the monthly terms of its offers add to its cost at their unit prices: fees, less what is free."""
        at = Fraction(examples)
        lines = [each.line(at) for each in accounts(option, self.rates, self.months)]
        usd = sum((once + again * at for once, again in lines), Fraction(0))
        with localcontext(prec=PRECISION):
            return (Decimal(usd.numerator) / Decimal(usd.denominator)).quantize(_TOTAL) if usd else Decimal(0)

    def cost_line(self, option: Option, examples: Fraction | None) -> Line:
        """The line that its total cost is about a number of examples; None: at the largest."""
        once, again = Fraction(self.fixed_usd(option)), Fraction(self.recurring_usd_per_1k(option)) / 1000
        lines = [each.line(examples) for each in accounts(option, self.rates, self.months)]
        return sum((line[0] for line in lines), once), sum((line[1] for line in lines), again)

    def kinks(self, option: Option) -> tuple[Fraction, ...]:
        """At which numbers of examples its total cost goes on as another line, in order."""
        return tuple(sorted({n for each in accounts(option, self.rates, self.months) for n in each.kinks()}))

    @property
    def believed(self) -> Belief:
        """What the true scores may be; from the intervals alone if no more is known."""
        if self.belief is not None:
            return self.belief
        return apart({option.key: (option.quality, option.low, option.high) for option in self.options})

    def draws_of(self, options: Sequence[Option]) -> Floats:
        """Joint draws of the true scores of some methods, a column each: the same ones whichever are left out."""
        believed = self.believed
        return believed.draws[:, [believed.keys.index(option.key) for option in options]]

    def beats_baseline(self, option: Option) -> bool:
        """Whether it is shown to score more than a trivial system, as far as that is known."""
        return option.baseline is None or float((self.draws_of([option]) > option.baseline).mean()) >= CONFIDENCE

    def at_price(self, resource: str, usd: Decimal) -> Decision:
        """The same methods with another price of one resource, in USD for what its rate bills."""
        return replace(self, rates={**self.rates, resource: replace(self.rates[resource], usd=usd)})

    def to_json(self) -> dict[str, Any]:
        """Plain data for other programs: Decimals as text, the difference of every two methods."""
        found = {
            name: plain(getattr(self, name))
            for name in ("task", "target", "metric", "months", "tested", "utilisation", "rates", "timings", "options")
        }
        believed = self.believed
        pairs = [{"a": a, "b": b, **plain(believed.difference(a, b))} for a, b in combinations(believed.keys, 2)]
        return {**found, "pairs": pairs, "notes": list(self.notes)}


def plain(value: Any, *, by_key: bool = False) -> Any:
    """Any of these as JSON has it: a record as an object of its fields, a Decimal as text.

    An option is an object, or ``by_key`` its key.
    """
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, Option) and by_key:
        return value.key
    if is_dataclass(value):
        value = {each.name: getattr(value, each.name) for each in fields(value)}
    if isinstance(value, Mapping):
        return {name: plain(each, by_key=by_key) for name, each in value.items()}
    return [plain(each, by_key=by_key) for each in value] if isinstance(value, (tuple, list)) else value


def usd(components: Iterable[Component], rates: Mapping[str, UnitPrice]) -> Decimal:
    """What components cost together, each rounded as in the ledger."""
    with localcontext(prec=PRECISION):
        return sum((usd_of([(each.quantity, rates[each.resource])]) for each in components), Decimal(0))


def quantity_of(option: Option, resource: str, examples: Decimal, months: int) -> Fraction:
    """How much of a resource a method uses until ``examples`` examples are served, in the unit of its rate."""
    fixed, kept, per_1k = (
        sum((Fraction(each.quantity) for each in components if each.resource == resource), Fraction(0))
        for components in (option.fixed, option.kept, option.recurring)
    )
    return fixed + kept * months + per_1k * Fraction(examples) / 1000
