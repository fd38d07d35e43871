"""Table 1 forecast: what each of the paper's methods costs, at its prices or today's, with what it left out if asked.

Every quantity is that of the audit: hours of the text, characters of Tables 6 to 8, seconds a batch of Table 1. Which
kind an engine is, open or commercial, is said by the cell; nothing is read, run or fetched.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Any

from crossfare.compare.model import Component, Decision, Option, Part, usd
from crossfare.data.catalog import published
from crossfare.errors import ConfigError
from crossfare.ledger import Catalogue
from crossfare.ledger.price import UnitPrice
from crossfare.paper.audit import DAY, Audit, audit
from crossfare.paper.claims import tested_on, wilson
from crossfare.paper.published import Printed, PublishedScore, inputs, packaged, printed, published_scores
from crossfare.report.columns import method_name
from crossfare.translate.engines import declared
from crossfare.types import TaskName, Usage

PARTS = ("fine-tuning", "inference", "annotation")
TARGETS = ("pt", "de", "vi")
PRICES = ("paper", "today")
_COSTS = {"translate-infer-strategy-1": "ranking-1", "translate-infer-strategy-2": "ranking-2"}
_THOUSAND = Decimal(1000)
_UNKNOWN = (float("nan"),) * 3  # a quality with its interval


@dataclass(frozen=True, slots=True)
class StudyTerms:
    """What is asked of the forecast.

    ``prices``   those of the paper's day, or today's
    ``parts``    what the paper left out and is to be counted: of `PARTS`
    ``api``      an offer, or an engine with one, in place of the commercial engine's
    ``device``   an offer in place of the one that prices a V100's hours
    ``gold``     how many examples are labelled, in place of those of the published sets
    """

    prices: str = "paper"
    parts: tuple[str, ...] = ()
    api: str = ""
    device: str = ""
    gold: int | None = None
    tasks: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        given = packaged("plan.yaml")
        named: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (("--prices", (self.prices,), PRICES),)
        named += (
            ("--with", self.parts, PARTS),
            ("--tasks", self.tasks, tuple(given["models"])),
            ("--targets", self.targets, TARGETS),
        )
        for flag, values, known in named:
            if unknown := [value for value in values if value not in known]:
                raise ConfigError(f"{flag} {unknown[0]}: the paper's are {', '.join(known)}")
        if self.gold is not None and "annotation" not in self.parts:
            raise ConfigError("--gold says how many examples are labelled; count them with --with annotation")


def cell_name(task: str, method: str, part: str, engine: str | None) -> str:
    """What table1.yaml calls a cost or latency of a method, such as "ranking-1-recurring-open"."""
    return f"{_COSTS.get(method, task)}-{part}-{engine}"


def cost_cells(task: str, method: str, engine: str | None) -> dict[str, Printed]:
    """The costs and the latency that Table 1 prints of a method: "one-time", "recurring", "latency"."""
    never = {"translate-train": ("recurring", "latency"), "translate-infer": ("one-time",)}  # a strategy may have all
    names = {
        part: cell_name(task, method, part, engine)
        for part in ("one-time", "recurring", "latency")
        if method.startswith("translate") and part not in never.get(method, ())
    }
    return {part: printed()[name] for part, name in names.items() if name in printed()}


def forecast(asked: StudyTerms) -> tuple[Decision, ...]:
    """What each method of Table 1 costs: a decision for every task and target language.

    Raises:
        ConfigError: something is asked that the paper does not have, or an offer that bills something else.
    """
    made = StudyPlanner(asked)
    tasks = asked.tasks or tuple(made.given["models"])
    return tuple(made.decision(task, target) for task in tasks for target in asked.targets or TARGETS)


class StudyPlanner:
    """The quantities of every method, and what prices them."""

    def __init__(self, asked: StudyTerms) -> None:
        self.asked = asked
        self.given: Mapping[str, Any] = packaged("plan.yaml")
        self.catalogue = Catalogue.load()
        self.audit: Audit = audit()

    @cached_property
    def offers(self) -> Mapping[str, str]:
        """What prices each resource, by the resource."""
        priced = {name: offers[self.asked.prices] for name, offers in self.given["prices"].items()}
        if self.asked.api:
            info = declared(self.asked.api)
            if info.kind == "open":
                raise ConfigError(f"--engine {self.asked.api}: it runs on your own device; price that with --compute")
            priced["commercial"] = self._billing("--engine", info.offer or self.asked.api, "character")
        if self.asked.device:
            priced["open"] = self._billing("--compute", self.asked.device, "device-hour")
        return priced

    def _billing(self, flag: str, offer: str, unit: str) -> str:
        """An offer that bills by the unit that the paper's tables count."""
        if (billed := self.catalogue.get(offer).unit) != unit:
            raise ConfigError(f"{flag} {offer}: it bills by the {billed}; name an offer that bills by the {unit}")
        return offer

    def rate(self, resource: str, task: str) -> UnitPrice:
        """What a resource costs; labels have no price of the paper's."""
        if resource == "annotation":
            offer, day = self.given["annotation"][task], None
        else:
            offer = self.offers[resource]
            stated = {"open": self.asked.device, "commercial": self.asked.api}.get(resource)
            day = DAY if self.asked.prices == "paper" and not stated else None
        (bill,) = self.catalogue.get(offer, day).bills(resource)
        return bill.rate

    def decision(self, task: TaskName, target: str) -> Decision:
        """The methods of one task and language, as Table 1 has them; in-language where labels are counted."""
        rows = [score for score in published_scores(task, table=1) if score.language == "pt"]
        scores = {(each.method, each.engine): each for each in published_scores(task, table=1, language=target)}
        options = [self._option(row, scores.get((row.method, row.engine)), target) for row in rows]
        if "annotation" in self.asked.parts and (gold := self._gold(task, target)):
            options.append(gold)
        used = {each.resource for option in options for each in (*option.fixed, *option.recurring)}
        rates = {name: self.rate(name, task) for name in sorted(used)}
        _, tested = tested_on(task, target)
        return Decision(task, target, rows[0].metric, rates, tuple(options), tested=tested)

    def _option(self, row: PublishedScore, score: PublishedScore | None, target: str) -> Option:
        assert row.method
        once, again = (self._translation(row, part, target) for part in ("one-time", "recurring"))
        latency = cost_cells(row.task, row.method, row.engine).get("latency")
        option = Option(
            f"{row.method} {row.engine or ''}".strip(),
            method_name(row.method) + (f" ({self.given['labels'][row.engine]})" if row.engine else ""),
            (*once, *self._tuned(row.task)),
            (*again, *self._run(row.task)),
            *_UNKNOWN,
            latency_ms=float(latency.figure) * 1000 if latency else 0.0,
            engine=self.given["labels"].get(row.engine, ""),
            note="upper bound" if row.upper_bound else "",
        )
        return self._scored(score, target, option)

    def _gold(self, task: TaskName, target: str) -> Option | None:
        """Labels of the target language: the paper's own set, or as many as were asked for."""
        scores = [each for table in (2, 3) for each in published_scores(task, table=table, language=target)]
        score = next((each for each in scores if each.method == "in-language"), None)
        count = self.asked.gold or (self._labelled(task, target) if score else 0)
        if not count:
            return None
        labels = (Component("annotation", "annotation", Decimal(count)),)
        fixed = (*labels, *self._tuned(task, Fraction(count)))
        option = Option("in-language", f"In-language ({count:,} labels)", fixed, self._run(task), *_UNKNOWN)
        return self._scored(None if self.asked.gold else score, target, option)

    def _labelled(self, task: str, target: str) -> int:
        examples = {row.name: row.examples for row in published()}
        return examples[self.given["gold"][task][target]]

    def _scored(self, score: PublishedScore | None, target: str, option: Option) -> Option:
        if score is None:
            return option
        low, high = wilson(score.value, tested_on(score.task, target)[1])
        return replace(option, quality=score.value, low=low, high=high)

    # -- quantities -------------------------------------------------------------------------------

    def _translation(self, row: PublishedScore, part: str, target: str) -> tuple[Component, ...]:
        """What translating takes, once or for 1,000 examples: as the audit recomputes the cell of Table 1."""
        if part not in cost_cells(row.task, row.method or "", row.engine):
            return ()
        cell = self.audit.cell(cell_name(row.task, row.method or "", part, row.engine))
        found = next((each for each in cell.others if each.language == target), cell.computed)
        return (Component("translation", row.engine or "", _quantity(found.usage)),)

    def _tuned(self, task: str, examples: Fraction | None = None) -> tuple[Component, ...]:
        """Fine-tuning one model, on the paper's training set or on so many examples."""
        if "fine-tuning" not in self.asked.parts:
            return ()
        given = self.given["models"][task]
        seconds = _seconds(given["tuning"]) * Fraction(given["times"])
        if examples is not None and "learns" in given:  # the reranker takes as many steps whatever it learns from
            seconds = seconds * examples / Fraction(inputs()[given["learns"]].value)
        return (Component("fine-tuning", given["on"], _decimal(seconds)),)

    def _run(self, task: str) -> tuple[Component, ...]:
        """Running a model on 1,000 examples."""
        if "inference" not in self.asked.parts:
            return ()
        given = self.given["models"][task]
        seconds = _seconds(given["reading"]) * Fraction(given["part"]) / Fraction(inputs()[given["per"]].value)
        return (Component("inference", given["on"], _decimal(seconds * 1000)),)

    # -- the study --------------------------------------------------------------------------------

    def study(self, decisions: Sequence[Decision]) -> Iterator[tuple[str, Mapping[str, Decimal]]]:
        """What all that stands in Tables 2, 3 and 5 costs together, by task and by what is paid."""
        for task in dict.fromkeys(each.task for each in decisions):
            paid: dict[str, Decimal] = {}
            for own in (each for each in decisions if each.task == task):
                for what, amount in self._paid(own):
                    paid[what] = paid.get(what, Decimal(0)) + amount
            yield task, paid

    def _paid(self, decision: Decision) -> Iterator[tuple[str, Decimal]]:
        """What was spent on one language: by the options of Table 1 that have a score, and were run."""
        for option in decision.options:
            if option.quality != option.quality or option.note:
                continue
            units = self._tested(decision.task, decision.target)
            for part, paid in by_part(decision, option.fixed):
                if part != "fine-tuning":
                    yield part, paid
            for part, paid in by_part(decision, option.recurring):
                if part == "translation":
                    yield "test sets", paid * units / _THOUSAND
        models, readings = self._models(decision.task, decision.target)
        some = decision.options[0]  # all fine-tune and run the same kind of model
        for part, paid in (*by_part(decision, some.fixed), *by_part(decision, some.recurring)):
            if part == "fine-tuning":
                yield part, paid * models
            elif part == "inference":
                yield part, paid * readings * decision.tested / _THOUSAND

    def _tested(self, task: TaskName, target: str) -> Decimal:
        """How many of what an example is in Tables 6 and 7 a test set has: paragraphs or questions."""
        name, examples = tested_on(task, target)
        units = inputs().get(f"{name}/units")
        return units.value if units else Decimal(examples)

    def _models(self, task: TaskName, target: str) -> tuple[int, int]:
        """How many models were fine-tuned for a language first, and how many times its test set was read."""
        seen: set[tuple[str, ...]] = set()
        languages = self.asked.targets or TARGETS
        for language in languages[: languages.index(target)]:
            seen |= {self._model(row) for row in self._rows(task, language)}
        rows = self._rows(task, target)
        return len({self._model(row) for row in rows} - seen), len(rows)

    def _rows(self, task: TaskName, language: str) -> list[PublishedScore]:
        """The rows of the paper's own in Tables 2, 3 and 5."""
        found = published_scores(task, language=language)
        return [each for each in found if each.row and each.training and "et al." not in each.checkpoint]

    def _model(self, row: PublishedScore) -> tuple[str, ...]:
        """What tells a model from others: what it began as, and what it learnt from."""
        began = self.given["checkpoints"].get(row.checkpoint, {}).get(row.language, row.checkpoint)
        own = (row.language, row.engine or "") if "target" in row.training else ()
        return (began, row.training, *own)


def by_part(decision: Decision, components: Sequence[Component]) -> Iterator[tuple[Part, Decimal]]:
    """What components cost, by the part of the work that they are for."""
    for part in dict.fromkeys(each.part for each in components):
        yield part, usd([each for each in components if each.part == part], decision.rates)


def _quantity(usage: Usage) -> Decimal:
    return Decimal(usage.characters) if usage.characters else Decimal(str(usage.seconds))


def _seconds(name: str) -> Fraction:
    took = inputs()[name]
    return Fraction(took.value) * {"h": 3600, "min": 60}[took.unit]


def _decimal(exact: Fraction) -> Decimal:
    return Decimal(exact.numerator) / Decimal(exact.denominator)
