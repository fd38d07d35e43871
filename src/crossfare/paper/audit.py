"""Recompute every cost and latency of the paper's Table 1 from its own Tables 6 to 8, hours and prices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal, localcontext
from typing import Any, Literal, TypeVar

from crossfare.errors import ConfigError
from crossfare.ledger import Catalogue
from crossfare.paper.audited import Audited, Computation
from crossfare.paper.claims import Claim, claims
from crossfare.paper.findings import BreakEven, Finding, break_evens, findings
from crossfare.paper.published import Input, Printed, inputs, printed
from crossfare.types import Usage

DAY = date(2021, 12, 15)
GPU, API, TPU = "paper-v100-mean", "paper-api-mean", "tpu-v3-8"
_HOUR, _PER_1K = Decimal(3600), Decimal(1000)

Hours = Literal["stated", "implied"]
Billing = Literal["paragraph", "question"]
_HOURS: tuple[Hours, ...] = ("stated", "implied")
_BILLING: tuple[Billing, ...] = ("paragraph", "question")
_Choice = TypeVar("_Choice", bound=str)

_ROWS = {"qa": "QA", "nli": "NLI", "ranking": "Ranking", "ranking-1": "Strategy 1", "ranking-2": "Strategy 2"}
_COLUMNS = {"one-time": ("one-time", "USD"), "recurring": ("per 1k", "USD/1k"), "latency": ("latency", "s/batch")}


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What the paper leaves open, and can be read either way.

    ``batch_size``  how many examples the printed seconds a batch are for; recurring costs of the open
                    models follow from it
    ``hours``       how long translating a training set took: as stated in the text, or as implied by
                    the printed cost
    ``billing``     what an example of QA is, to an API: a paragraph with all its questions, as in the
                    paper's averages, or a question, which sends its paragraph again
    """

    batch_size: int = 32
    hours: Hours = "stated"
    billing: Billing = "paragraph"

    @classmethod
    def parse(cls, *, batch_size: int, hours: str, billing: str) -> Assumptions:
        """Make assumptions of what a user typed.

        Raises:
            ConfigError: a choice does not exist, or a batch is empty.
        """
        if batch_size < 1:
            raise ConfigError(f"a batch holds at least one example, not {batch_size}")
        return cls(batch_size, _choice("hours", hours, _HOURS), _choice("billing", billing, _BILLING))


@dataclass(frozen=True, slots=True)
class Audit:
    """Every cell recomputed, break-even volumes, what else was found, and what the paper concludes."""

    assumptions: Assumptions
    cells: tuple[Audited, ...]
    break_evens: tuple[BreakEven, ...]
    findings: tuple[Finding, ...]
    prices: tuple[str, ...]
    claims: tuple[Claim, ...]

    def cell(self, name: str) -> Audited:
        """A cell by its name, such as "qa-one-time-open"."""
        return next(cell for cell in self.cells if cell.name == name)


def audit(assumptions: Assumptions | None = None) -> Audit:
    """Recompute Table 1 under the given assumptions (without any: those of the paper)."""
    with localcontext(prec=28):
        made = _Audit(assumptions or Assumptions(), Catalogue.load())
        cells = tuple(made.cell(name, figure) for name, figure in printed().items())
        return Audit(
            made.assumptions,
            cells,
            break_evens({cell.name: cell for cell in cells}),
            findings(made.gpu_usd, made.api_usd, made.tpu_usd),
            tuple(made.catalogue.get(offer, DAY).ref for offer in (GPU, API, TPU)),
            claims(),
        )


class _Audit:
    """The arithmetic: seconds and characters to money, and every kind of computation that table1.yaml asks for."""

    def __init__(self, assumptions: Assumptions, catalogue: Catalogue) -> None:
        self.assumptions = assumptions
        self.catalogue = catalogue
        self.given: Mapping[str, Input] = inputs()
        self.batch = Decimal(assumptions.batch_size)
        if self.batch != self.given["batch"].value:
            self.given = {**self.given, "batch": Input("batch", self.batch, "examples", "assumption")}

    # -- money --------------------------------------------------------------------------------

    def gpu_usd(self, seconds: Decimal) -> Decimal:
        return self.catalogue.cost(Usage(seconds=float(seconds)), GPU, DAY).usd

    def tpu_usd(self, seconds: Decimal) -> Decimal:
        return self.catalogue.cost(Usage(seconds=float(seconds)), TPU, DAY).usd

    def api_usd(self, characters: Decimal) -> Decimal:
        return self.catalogue.cost(Usage(characters=round(characters)), API, DAY).usd

    def _priced(self, usage: Usage, offer: str, formula: str, made_of: tuple[Input, ...] = ()) -> Computation:
        return Computation(self.catalogue.cost(usage, offer, DAY).usd, formula, made_of, usage=usage)

    def _on_gpu(self, seconds: Decimal, formula: str, made_of: tuple[Input, ...] = ()) -> Computation:
        return self._priced(Usage(seconds=float(seconds)), GPU, f"{formula} x {self._rate(GPU)}", made_of)

    def _by_api(
        self, characters: Decimal, formula: str, made_of: tuple[Input, ...] = (), offer: str = API
    ) -> Computation:
        return self._priced(Usage(characters=round(characters)), offer, f"{formula} x {self._rate(offer)}", made_of)

    def _rate(self, offer: str) -> str:
        price = self.catalogue.get(offer, DAY)
        unit = "h" if price.unit == "device-hour" else "Mch"
        return f"{price.amount:.6g} USD/{unit}"

    # -- cells --------------------------------------------------------------------------------

    def cell(self, name: str, figure: Printed) -> Audited:
        """A cell of Table 1 with all its computations."""
        row, column, engine = next(
            (row, column, name.removeprefix(f"{row}-{column}-"))
            for row in _ROWS
            for column in _COLUMNS
            if name.startswith(f"{row}-{column}-")
        )
        (called, unit), asked = _COLUMNS[column], [figure.computed, *figure.others]
        if self.assumptions.billing == "question" and figure.per_question:
            asked.insert(0, figure.per_question)
        computed, *others = (self._computation(each, figure.figure) for each in asked)
        title = f"{_ROWS[row]} {called}, {engine}"
        return Audited(name, title, unit, figure.figure, computed, tuple(others), figure.note, figure.text)

    def _computation(self, asked: Mapping[str, Any], figure: Decimal) -> Computation:
        """A computation as table1.yaml asks for it; ``figure`` is the printed one."""
        (kind,) = asked.keys() & _KINDS.keys()
        made = _KINDS[kind](self, asked[kind], {**asked, "printed": figure})
        if "times" in asked:  # a query with its candidates, from passages
            often = self.given[asked["times"]]
            formula = f"{often.value} x {made.formula}"
            made = replace(made, value=made.value * often.value, formula=formula, inputs=(*made.inputs, often))
        named = {name: asked[name] for name in ("explains", "remark", "language") if name in asked}
        if "inputs" in asked:
            named["inputs"] = tuple(self.given[name] for name in asked["inputs"])
        return replace(made, **named)

    def _taken(self, name: str) -> Input:
        """A time by its name, or one that is not an input of the paper's, such as "95 s"."""
        value, _, unit = name.partition(" ")
        return Input("", Decimal(value), unit, "") if unit else self.given[name]

    # -- kinds of computations ----------------------------------------------------------------

    def one_time(self, name: str, asked: Mapping[str, Any]) -> Computation:
        """Hours on a V100: those of the text, or those that the printed cost comes to."""
        hours = self.given[name]
        if self.assumptions.hours == "implied":
            implied = (asked["printed"] / self.catalogue.get(GPU, DAY).amount).quantize(Decimal("0.01"))
            hours = Input("implied hours", implied, "h", f"the printed cost at {self._rate(GPU)}")
        return replace(self.hours(str(hours.value), asked), inputs=(hours,))

    def hours(self, hours: str, _: Mapping[str, Any]) -> Computation:
        """Hours on a V100 that nobody states."""
        return self._on_gpu(Decimal(hours) * _HOUR, f"{_short(Decimal(hours))} h")

    def characters(self, names: Sequence[str], asked: Mapping[str, Any]) -> Computation:
        """An API, for all the texts of some sets."""
        made_of = tuple(self.given[name] for name in names)
        total = sum((each.value for each in made_of), Decimal(0))
        return replace(self.count(str(total), asked), inputs=made_of)

    def count(self, characters: str, asked: Mapping[str, Any]) -> Computation:
        """An API, for so many characters."""
        exact = Decimal(characters)
        return self._by_api(exact, f"{_short(exact)} ch", offer=asked.get("offer", API))

    def per_1k(self, name: str, _: Mapping[str, Any]) -> Computation:
        """An API, for 1,000 examples of an average length."""
        example = self.given[name]
        return self._by_api(example.value * _PER_1K, f"1000 x {example.value} ch", (example,))

    def retrieved(self, names: Sequence[str], _: Mapping[str, Any]) -> Computation:
        """An API, for 1,000 queries with their candidates."""
        depth, passage, query = made_of = tuple(self.given[name] for name in names)
        formula = f"1000 x ({depth.value} x {passage.value} + {query.value}) ch"
        return self._by_api(_PER_1K * (depth.value * passage.value + query.value), formula, made_of)

    def again(self, names: Sequence[str], asked: Mapping[str, Any]) -> Computation:
        """An API where every question sends its paragraph again, for 1,000 questions or for all."""
        name, sample, counted = names
        total, each, questions = self.given[name], self.given[f"{name}/each"], self.given[counted]
        context, question, bare = (self.given[f"{sample}-bare{part}"] for part in ("-context", "-question", ""))
        paragraphs = total.value / each.value
        of_one = each.value * (context.value + question.value * paragraphs / questions.value) / bare.value
        times = questions.value if asked.get("whole") else _PER_1K
        made_of = (total, each, questions, context, question, bare)
        made = self._by_api(of_one * times, f"{_short(times)} questions x {of_one:.2f} ch", made_of)
        return replace(made, remark="every question sends its paragraph again")

    def batches_of(self, name: str, _: Mapping[str, Any]) -> Computation:
        """An open model on a V100: 1,000 examples in batches, at the printed seconds a batch."""
        seconds = printed()[name].figure
        latency = Input("latency", seconds, "s/batch", "Table 1")
        made_of = (latency, self.given["batch"])
        return self._on_gpu(_PER_1K / self.batch * seconds, f"1000/{self.batch} batches x {seconds} s", made_of)

    def alone(self, name: str, _: Mapping[str, Any]) -> Computation:
        """The same, each in a batch of its own."""
        seconds = printed()[name].figure
        return self._on_gpu(_PER_1K * seconds, f"1000 x {seconds} s")

    def each(self, names: Sequence[str], _: Mapping[str, Any]) -> Computation:
        """An open model on a V100: 1,000 examples, each its share of the time that a set took."""
        took, examples = made_of = tuple(self.given[name] for name in names)
        formula = f"1000 x {took.value} {took.unit} / {examples.value} {examples.unit}"
        return self._on_gpu(_PER_1K * (took.value / examples.value), formula, made_of)

    def per_batch(self, names: Sequence[str], _: Mapping[str, Any]) -> Computation:
        """Seconds a batch: how long a whole set took, over its batches."""
        took, examples = self._taken(names[0]), self.given[names[1]]
        seconds = took.value * (_HOUR if took.unit == "h" else 1)
        formula = f"{took.value} {took.unit} / ({examples.value:,} {examples.unit} / {self.batch})"
        return Computation(seconds * self.batch / examples.value, formula, (took, examples))

    def over(self, names: Sequence[str], _: Mapping[str, Any]) -> Computation:
        """Seconds an example: how long a whole set took, over its examples."""
        took, examples = self._taken(names[0]), self.given[names[1]]
        formula = f"{took.value} {took.unit} / {examples.value} {examples.unit}"
        made_of = (took, examples) if took.name else (examples,)
        return Computation(took.value / examples.value, formula, made_of)


_KINDS = {
    "one-time": _Audit.one_time,
    "hours": _Audit.hours,
    "characters": _Audit.characters,
    "count": _Audit.count,
    "per-1k": _Audit.per_1k,
    "retrieved": _Audit.retrieved,
    "again": _Audit.again,
    "batches-of": _Audit.batches_of,
    "alone": _Audit.alone,
    "each": _Audit.each,
    "batch": _Audit.per_batch,
    "over": _Audit.over,
}
"""What table1.yaml calls each kind of computation."""


def _short(number: Decimal) -> str:
    """A count as people write it: no exponent, no idle zeros."""
    return f"{number.quantize(Decimal('0.01')).normalize():,f}"


def _choice(name: str, value: str, choices: Sequence[_Choice]) -> _Choice:
    for choice in choices:
        if choice == value:
            return choice
    raise ConfigError(f"--{name} is {' or '.join(choices)}, not {value!r}")
