"""Forecast what a spec will cost: every step's usage, and from it every method's costs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from pathlib import Path
from typing import Literal

from crossfare import pretrained
from crossfare.compare import Component, Decision, Option, RunRecord, read_run
from crossfare.compare.estimates import estimate
from crossfare.compare.model import Part
from crossfare.compare.model import Rate as UnitPrice
from crossfare.errors import ConfigError
from crossfare.experiment import steps as planning
from crossfare.experiment.cell import CellSteps
from crossfare.experiment.forecast import billed_tokens, latencies, published
from crossfare.experiment.forecast.billed_tokens import Billed
from crossfare.experiment.forecast.counting import Counter, Material, Passages, Work
from crossfare.experiment.forecast.planner import EngineFacts, ForecastPlanner, accelerated
from crossfare.experiment.forecast.rates import TOKENS, Measurements, Rate, Rates, keys, parameters
from crossfare.experiment.runner import offers_of, resources_of
from crossfare.experiment.spec import Spec
from crossfare.ledger import Book, Catalogue, Entry
from crossfare.ledger.book import STORAGE
from crossfare.report.forecast import RECURRING, Assumption, Plan
from crossfare.store import Store
from crossfare.tasks import TASKS
from crossfare.types import RunSpec, Step, TaskName, Usage

Level = Literal["low", "expected", "high"]
LEVELS: tuple[Level, ...] = ("low", "expected", "high")
_QUANTUM = Decimal("1e-9")


@dataclass(frozen=True, slots=True)
class StepForecast:
    """What one step will use, at the least, as expected and at the most.

    ``unit`` and ``amount`` are the work that ``rate`` is per; ``lacking`` says what to state where the
    seconds cannot be told.
    """

    step: Step
    resources: tuple[str, ...]
    usages: Mapping[Level, Usage]
    exact: bool
    unit: str = ""
    amount: float = 0.0
    rate: Rate | None = None
    source: str = ""
    lacking: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Basis:
    """What a forecast goes by: the steps finished here, pilot runs, and what the user states."""

    measurements: Measurements
    runs: tuple[RunRecord, ...] = ()
    stated: Mapping[str, Rate] = field(default_factory=dict)
    store: Store | None = None
    hardware: str | None = None

    @classmethod
    def gather(
        cls,
        runs: Sequence[Path] = (),
        *,
        stated: Mapping[str, Rate] | None = None,
        store: Store | None = None,
        hardware: str | None = None,
    ) -> Basis:
        """Read the cache and the pilot runs.

        Raises:
            DataError: a folder is no run directory.
        """
        store = store or Store()
        found = Measurements()
        for folder in runs:
            found.read_run(folder)
        found.read_store(store, skip=frozenset(found.observations))
        return cls(found, tuple(read_run(folder) for folder in runs), stated or {}, store, hardware)


class Forecaster:
    """Forecasts the steps of a spec.

    Args:
        basis: what the rates are from.
        finished: whether finished steps count with what they used, and their output may be read.
        given: materials and collections that stand for references of the spec.
        sizes: parameters of models that are known by their size alone.
    """

    def __init__(
        self,
        spec: Spec,
        basis: Basis,
        *,
        finished: bool = True,
        given: Mapping[str, Material | Passages] | None = None,
        sizes: Mapping[str, int] | None = None,
    ) -> None:
        planning.check(spec)
        _refuse_unknown(basis.stated, spec)
        self.spec = spec
        self.basis = basis
        self.finished = finished
        with ForecastPlanner(spec) as planner:
            self.cells = planner.plan()
            self.steps = {step.id: step for cell in self.cells for step in cell.all}
            self._facts, folders = planner.facts(), _folders(self.steps.values())
            self.catalogue = Catalogue.load([spec.path(file) for file in spec.prices.files])
            self.resources = resources_of(spec, self.cells)
            self._kept = {step.id for cell in self.cells for step in cell.one_time}
            self._names = _names(self.cells)
            self.rates = Rates(
                basis.measurements.observations.values(),
                stated=basis.stated,
                published=published.rates(),
                sizes={**_sizes(self.cells, folders), **(sizes or {})},
            )
            self.counter = Counter(
                self.steps,
                self._engine,
                store=basis.store if finished else None,
                ratios=basis.measurements.mean_ratios(),
                stretches=basis.measurements.mean_stretches(),
                answers=basis.measurements.mean_answers(),
                given=given,
                folders=folders,
                default_ratio=basis.stated[TOKENS].expected if TOKENS in basis.stated else None,
            )
            self.hardware = _hardware(basis, spec, self.catalogue)
            self.forecasts = {step.id: self.forecast(step) for step in self.steps.values()}

    def _engine(self, identity: Mapping[str, str]) -> EngineFacts:
        return self._facts[identity["name"], identity["revision"]]

    # -- steps --------------------------------------------------------------------------------

    def forecast(self, step: Step, *, without: Collection[str] = ()) -> StepForecast:
        """What a step will use; nothing that the steps ``without`` tell is looked at."""
        made = self._forecast(step, without)
        if step.id not in self._kept:
            return made
        store = self.basis.store
        done = self.finished and store is not None and store.done(step.id)
        stored = store.size(step.id) if done and store else self.counter.stored_bytes(step)
        return replace(made, usages={level: replace(each, stored_bytes=stored) for level, each in made.usages.items()})

    def _forecast(self, step: Step, without: Collection[str]) -> StepForecast:
        resources = self.resources[step.id]
        store = self.basis.store
        if self.finished and store is not None and store.done(step.id):
            usage = store.usage(step.id)
            return StepForecast(step, resources, dict.fromkeys(LEVELS, usage), True, source="finished here")
        if not resources:
            return StepForecast(step, (), dict.fromkeys(LEVELS, Usage()), True)
        counter = self.counter
        if without:
            learnt = self.basis.measurements
            counter = counter.with_learnt(learnt.mean_ratios(without), learnt.mean_answers(without))
        work = counter.work(step)
        usage = Usage(characters=work.characters, requests=work.requests, annotated=work.annotated, measured=False)
        if not self._by_time(resources):
            return self._by_count(step, resources, usage, work, without)
        return self._timed(step, resources, usage, work, without)

    def _by_time(self, resources: Sequence[str]) -> bool:
        return any(self._unit(name) == "device-hour" for name in resources)

    def _unit(self, resource: str) -> str:
        offer = offers_of(self.spec).get(resource, self.spec.prices.compute)
        return self.catalogue.get(self.spec.prices.compute if offer == "compute" else offer).unit

    def _by_count(
        self, step: Step, resources: tuple[str, ...], usage: Usage, work: Work, without: Collection[str]
    ) -> StepForecast:
        unit = self._unit(resources[0])
        if step.stage == "latency":
            usage = replace(usage, characters=round(work.amounts["character"] * _most_requests(step)))
            work = replace(work, characters=usage.characters, exact=False, note="timed as often as it may be")
        if unit == "token" and work.characters is not None:
            return self._by_token(step, resources, usage, work, without)
        billed = {"character": work.characters, "example": work.annotated}.get(unit)
        lacking = "" if billed is not None else f"{step.label}: its offer bills by the {unit}, which is not forecast"
        amount = float(billed or 0)
        usages = dict.fromkeys(LEVELS, usage)
        return StepForecast(
            step, resources, usages, work.exact, unit, amount, source=work.source, lacking=lacking, note=work.note
        )

    def _by_token(
        self, step: Step, resources: tuple[str, ...], usage: Usage, work: Work, without: Collection[str]
    ) -> StepForecast:
        measured = [
            Billed(name, used.input_tokens / used.characters, used.output_tokens / used.characters, where)
            for name, used, where in self.basis.measurements.translated[str(step.params["engine"]["name"])]
            if name not in without and used.characters and used.input_tokens and used.output_tokens is not None
        ]
        stretch = self.counter.stretches.get((str(step.params["source"]), str(step.params["target"])), 1.0)
        characters = work.characters or 0
        found = billed_tokens.forecast(characters, work.requests or 0, stretch, measured, self.basis.stated)
        usages = {
            level: replace(usage, input_tokens=found.read[index], output_tokens=found.written[index])
            for index, level in enumerate(LEVELS)
        }
        read = float(found.read[1])
        return StepForecast(step, resources, usages, False, "token", read, source=found.source, note=work.note)

    def _timed(
        self, step: Step, resources: tuple[str, ...], usage: Usage, work: Work, without: Collection[str]
    ) -> StepForecast:
        name = self._names.get(step.id, "")
        own = keys(step, self.steps.get)
        if step.stage == "latency" and (called := self._calls(step, own, without)):
            whole = called.rate(step, work.amounts["character"])
            return self._at(step, resources, usage, replace(work, amounts={"step": 1.0}), whole)
        rate = self.rates.find(step, name, own, self.hardware, without)
        if rate is None and step.stage in {"latency", "back-project"} and step.params["engine"]:
            alike = replace(step, stage="translate")
            rate = self.rates.find(alike, name, keys(alike, self.steps.get), self.hardware, without)
        if rate is not None and rate.offer and name in self.spec.engines and not self._translates(step):
            rate = None  # what is given back or looked up is not what the paper timed
        if rate is None and step.stage == "back-project" and self._unit(resources[0]) == "character":
            return self._by_count(step, resources[:1], usage, work, without)
        if work.lacking or rate is None or rate.unit not in work.amounts:
            return self._unknown(step, resources, usage, work)
        if rate.offer and _same_hardware(rate.offer, self.spec.prices.compute):
            rate = replace(rate, offer=None)
        return self._at(step, resources, usage, work, rate)

    def _calls(self, step: Step, own: Sequence[str], without: Collection[str]) -> latencies.Calls | None:
        """What a call of the step's engine takes, as other timings of it tell; what the user states comes first."""
        name = self._names.get(step.id, "")
        if {"latency", f"latency:{name}"} & set(self.rates.stated):
            return None
        known = [
            timed
            for timed in self.basis.measurements.latencies
            if timed.step.id not in without and all(self._on(each["hardware"]) for each in timed.found)
        ]
        for level, key in enumerate(own):
            alike = [timed for timed in known if keys(timed.step, lambda _: None)[level] == key]
            if (found := latencies.Calls.of(alike)) is not None:
                return found
        return None

    def _at(self, step: Step, resources: tuple[str, ...], usage: Usage, work: Work, rate: Rate) -> StepForecast:
        amounts = {level: self._amount(step, work, rate, level) for level in LEVELS}
        read = work.amounts.get("token")
        usages = {
            level: replace(
                usage,
                seconds=rate.fixed + amounts[level] * getattr(rate, level),
                input_tokens=None if read is None or step.stage == "translate" else round(read),
                hardware=self.hardware,
            )
            for level in LEVELS
        }
        if rate.offer:
            resources = (f"compute ({rate.offer})",)
        amount = amounts["expected"]
        return StepForecast(step, resources, usages, work.exact, rate.unit, amount, rate, rate.source, note=work.note)

    def _translates(self, step: Step) -> bool:
        return bool(step.params["engine"]) and self._engine(step.params["engine"]).translates

    def _amount(self, step: Step, work: Work, rate: Rate, level: Level) -> float:
        amount = work.amounts[rate.unit]
        if step.stage != "latency" or rate.unit == "step":
            return amount
        return amount * latencies.requests(step, amount * getattr(rate, level))

    def _unknown(self, step: Step, resources: tuple[str, ...], usage: Usage, work: Work) -> StepForecast:
        unit = {"finetune": "token", "predict": "token", "embed": "token"}.get(step.stage, next(iter(work.amounts), ""))
        name = self._names.get(step.id, "")
        what = f"{step.stage}:{name}" if name else step.stage
        if work.lacking:
            lacking = (
                f"{what} on {self.hardware}: {work.lacking} are not known; give --rate {TOKENS}=0.25 or so, "
                "or --from a run of this model"
            )
        else:
            lacking = (
                f"{what} on {self.hardware}: no rate is measured or published; give --rate {what}=SECONDS "
                f"(per {unit}), or --from a run that has it"
            )
        amount = work.amounts.get(unit, 0.0)
        return StepForecast(
            step, resources, dict.fromkeys(LEVELS, usage), work.exact, unit, amount, lacking=lacking, note=work.note
        )

    # -- money --------------------------------------------------------------------------------

    def book(self, level: Level, forecasts: Mapping[str, StepForecast] | None = None) -> Book:
        """The ledger that the run is forecast to write."""
        found = self.forecasts if forecasts is None else forecasts
        offers = offers_of(self.spec) | {f"compute ({offer})": offer for offer in (published.V100, published.TPU)}
        catalogue = Catalogue([*self.catalogue, *published.prices(self.catalogue)])
        entries = (
            Entry(each.step.id, each.step.stage, each.step.label, each.usages[level], each.resources)
            for each in found.values()
            if not each.lacking
        )
        return Book(catalogue, offers, entries)

    def plans(self, months: int = 12) -> tuple[Plan, ...]:
        """One plan per task and target language; translations are kept for ``months``."""
        first = self.spec.seeds[0]
        groups: dict[tuple[TaskName, str], list[CellSteps]] = {}
        for cell in self.cells:
            if cell.cell.seed == first:
                groups.setdefault((cell.cell.task, cell.cell.target), []).append(cell)
        records = {level: self._record(level) for level in LEVELS}
        return tuple(self._plan(task, target, cells, records, months) for (task, target), cells in groups.items())

    def _record(self, level: Level) -> RunRecord:
        """The forecast as the run it will be: for the prices it is billed at."""
        return RunRecord(self.spec.name, Path(), (), self.book(level), {}, {}, self.hardware)

    def _plan(
        self,
        task: TaskName,
        target: str,
        cells: Sequence[CellSteps],
        records: Mapping[Level, RunRecord],
        months: int,
    ) -> Plan:
        qualities, latencies, unknown = {}, {}, {}
        options: dict[Level, list[Option]] = {level: [] for level in LEVELS}
        for cell in cells:
            key, label = cell.cell.without_seed, _label(cell.cell, cells)
            quality, qualities[key] = self._quality(cell.cell)
            added, latencies[key] = self._latency(cell)
            unknown[key] = self._lacking(cell)
            for index, level in enumerate(LEVELS):
                options[level].append(
                    Option(
                        key,
                        label,
                        fixed=self._components(_once(cell), records[level]),
                        recurring=self._components(_again(cell), records[level], self._examples(cell)),
                        quality=quality[1],
                        low=quality[0],
                        high=quality[2],
                        latency_ms=None if added is None else added[index],
                        engine=_engine_label(cell.cell),
                        kept=_kept(cell, records[level]),
                    )
                )
        made = {
            level: Decision(
                task,
                target,
                TASKS[task].metric,
                _rates_of(records[level], options[level]),
                tuple(options[level]),
                months=months,
            )
            for level in LEVELS
        }
        notes = tuple(
            dict.fromkeys(each.note for cell in cells for step in cell.all if (each := self.forecasts[step.id]).note)
        )
        return Plan(
            made["low"], made["expected"], made["high"], qualities, latencies, unknown, self._assumptions(cells), notes
        )

    def _examples(self, cell: CellSteps) -> int:
        return max(1, self.counter.material(cell.test.id).examples)

    def _components(
        self, steps: Sequence[tuple[Part, Step]], record: RunRecord, examples: int | None = None
    ) -> tuple[Component, ...]:
        sums: dict[tuple[Part, str], Decimal] = {}
        entries = {entry.step_id: entry for entry in record.book}
        with localcontext(prec=50, rounding=ROUND_HALF_EVEN):
            per = Decimal(1) if examples is None else Decimal(1000) / examples
            for part, step in steps:
                entry = entries.get(step.id)
                for resource in entry.resources if entry else ():
                    for bill in record.bills(resource):
                        assert entry is not None
                        known = (part, bill.name)
                        sums[known] = sums.get(known, Decimal(0)) + bill.quantity(entry) * per
            return tuple(Component(part, name, total.quantize(_QUANTUM)) for (part, name), total in sums.items())

    def _lacking(self, cell: CellSteps) -> tuple[str, ...]:
        parts = [("", step) for _, step in _once(cell)] + [(RECURRING, step) for _, step in _again(cell)]
        return tuple(
            dict.fromkeys(
                mark + self.forecasts[step.id].lacking for mark, step in parts if self.forecasts[step.id].lacking
            )
        )

    def _assumptions(self, cells: Sequence[CellSteps]) -> tuple[Assumption, ...]:
        found: dict[str, Assumption] = {}
        for step in (step for cell in cells for _, step in (*_once(cell), *_again(cell))):
            each = self.forecasts[step.id]
            rate, name = each.rate, self._names.get(step.id, "")
            used = each.usages["expected"]
            amount, unit = (each.amount, each.unit) if each.unit else _used(used)
            source = each.source or "not known"
            what = f"{step.label}" + (f" ({name})" if name and name not in step.label else "")
            found[step.id] = Assumption(
                what,
                amount,
                unit,
                each.exact,
                low=rate.low if rate else None,
                expected=rate.expected if rate else None,
                high=rate.high if rate else None,
                source=source,
            )
        return (*found.values(), *self._storage(cells))

    def _storage(self, cells: Sequence[CellSteps]) -> list[Assumption]:
        """What has to be kept on disk of what is translated once."""
        found = []
        for step in planning.distinct(step for cell in cells for step in cell.one_time):
            each = self.forecasts[step.id]
            stored, done = each.usages["expected"].stored_bytes or 0, each.source == "finished here"
            source = "finished here" if done else "estimated: UTF-8 text, and a record around it"
            found.append(Assumption(f"{step.label}, kept", stored, "byte", done, None, None, None, source))
        return found

    # -- quality and latency ------------------------------------------------------------------

    def _quality(self, cell: RunSpec) -> tuple[tuple[float, float, float], str]:
        for run in self.basis.runs:
            for alike in (_same_cell, _same_method):
                scores = [result.score for result in run.results if alike(result.spec, cell)]
                if scores:
                    found = estimate(scores)
                    other = "" if alike is _same_cell else " with another model"
                    return (found.low, found.value, found.high), f"score measured in run {run.name}{other}"
        engine = self.spec.engines[cell.engine] if cell.engine else None
        if (score := published.quality(cell, engine)) is not None:
            bound = ", an upper bound" if score.upper_bound else ""
            return (
                score.value,
                score.value,
                score.value,
            ), f"score published: Rosa et al. 2021, Table {score.table}{bound}"
        unknown = float("nan")
        return (unknown, unknown, unknown), ""

    def _latency(self, cell: CellSteps) -> tuple[tuple[float, float, float] | None, str]:
        """Milliseconds that translation adds to one request: half of them, 95 and 99 of 100 take less."""
        if not cell.recurring:
            return (0.0, 0.0, 0.0), ""
        engine = self.spec.engines[str(cell.cell.engine)]
        if engine.engine == "reference":
            return None, ""
        for step in cell.latency:
            if (measured := self._measured_latency(step)) is not None:
                return measured
        if engine.engine == "echo" and not engine.price:
            return None, ""
        if (paper := published.latency_ms(cell.cell, engine)) is not None:
            return (paper[0], paper[0], paper[0]), f"added ms {paper[1]}"
        return None, ""

    def _on(self, machine: str) -> bool:
        """Whether a timing is of the hardware that is forecast for; accelerators are named "1 x NAME"."""
        return self.hardware in machine if " x " in machine else self.hardware == "cpu"

    def _measured_latency(self, step: Step) -> tuple[tuple[float, float, float], str] | None:
        asked = self.counter.work(step).amounts["character"]
        own = keys(step, self.steps.get)
        for level, key in enumerate(own):
            for timed in self.basis.measurements.latencies:
                single = next((each for each in timed.found if each["batch_size"] == 1), None)
                if (
                    single
                    and self._on(single["hardware"])
                    and keys(timed.step, lambda _: None)[level] == key
                    and timed.characters
                ):
                    scale = 1000 * asked / timed.characters
                    triple = (single["p50"] * scale, single["p95"] * scale, single["p99"] * scale)
                    kin = "" if level == 0 else ", another language pair or model"
                    return triple, f"added ms {timed.where}: 50th, 95th and 99th percentile of a request{kin}"
        rate = self.rates.find(replace(step, stage="translate"), self._names.get(step.id, ""), own, self.hardware)
        if rate is None or rate.offer:
            return None
        low, expected, high = (1000 * asked * value for value in (rate.low, rate.expected, rate.high))
        return (low, expected, high), "added ms from the rate of translating a dataset"


def _once(cell: CellSteps) -> list[tuple[Part, Step]]:
    found: list[tuple[Part, Step]] = [("translation", step) for step in cell.one_time]
    found += [("annotation", step) for step in cell.gold]
    return [*found, *(("fine-tuning", step) for step in cell.fine_tunings)]


def _kept(cell: CellSteps, record: RunRecord) -> tuple[Component, ...]:
    """The bytes of what is translated once."""
    entries = {entry.step_id: entry for entry in record.book}
    kept = sum(entries[step.id].usage.stored_bytes or 0 for step in cell.one_time if step.id in entries)
    return (Component("storage", STORAGE, Decimal(kept)),) if kept else ()


def _again(cell: CellSteps) -> list[tuple[Part, Step]]:
    found: list[tuple[Part, Step]] = [("translation", step) for step in cell.recurring]
    return [*found, *(("inference", step) for step in cell.inference)]


def _rates_of(record: RunRecord, options: Sequence[Option]) -> dict[str, UnitPrice]:
    used = {each.resource for option in options for each in (*option.fixed, *option.recurring, *option.kept)}
    bills = (bill for resource in record.resources for bill in record.bills(resource))
    return {bill.name: bill.rate for bill in bills if bill.name in used}


def _names(cells: Sequence[CellSteps]) -> dict[str, str]:
    """What the spec calls the engine or the model of a step."""
    found: dict[str, str] = {}
    for cell in _single(cells):
        for step in cell.all:
            if step.stage.startswith("translate") or step.stage in {"latency", "existing", "back-project"}:
                found.setdefault(step.id, cell.cell.engine or "")
            elif step.stage in {"finetune", "embed"} or step in cell.inference:
                found.setdefault(step.id, "" if step.stage == "retrieve" else cell.cell.checkpoint)
    return found


def _single(cells: Iterable[CellSteps]) -> Iterator[CellSteps]:
    """The cells that have a model of their own: of an ensemble, its parents."""
    for cell in cells:
        if cell.parents:
            yield from _single(cell.parents)
        else:
            yield cell


def _folders(steps: Iterable[Step]) -> dict[str, str]:
    """Where the models of a plan are, by the references that its steps load them by."""
    models = {str(step.runtime["model"]) for step in steps if step.stage in {"finetune", "embed"}}
    return {model: pretrained.resolve(model).path for model in models}


def _sizes(cells: Sequence[CellSteps], folders: Mapping[str, str]) -> dict[str, int]:
    """The parameters of the models that are here, by their name in the spec."""
    found = {}
    for cell in _single(cells):
        if cell.finetune is not None:
            size = parameters(Path(folders[str(cell.finetune.runtime["model"])]))
            if size is not None:
                found[cell.cell.checkpoint] = size
    return found


def _label(cell: RunSpec, cells: Sequence[CellSteps]) -> str:
    alike = [c.cell for c in cells if (c.cell.method, c.cell.engines) == (cell.method, cell.engines)]
    words = [_engine_label(cell)] if cell.engine else []
    if cell.gold_size is not None:
        words.append(f"{cell.gold_size:,} labels")
    if len({other.model for other in alike}) > 1:
        words.append(cell.model)
    if len({other.checkpoint for other in alike if other.model == cell.model}) > 1:
        words.append(cell.checkpoint)
    return f"{cell.method} ({', '.join(words)})" if words else cell.method


def _engine_label(cell: RunSpec) -> str:
    return " + ".join(cell.engines.values())


def _same_cell(one: RunSpec, other: RunSpec) -> bool:
    return one.without_seed == other.without_seed


def _same_method(one: RunSpec, other: RunSpec) -> bool:
    return _role(one) == _role(other)


def _role(cell: RunSpec) -> tuple[str, ...]:
    return (cell.task, cell.variant, cell.model, cell.target, *cell.engines)


def _used(usage: Usage) -> tuple[float, str]:
    for value, unit in (
        (usage.annotated, "example"),
        (usage.characters, "character"),
        (usage.input_tokens, "token"),
        (usage.seconds, "second"),
    ):
        if value is not None:
            return float(value), unit
    return 0.0, "character"


def _most_requests(step: Step) -> int:
    """Requests that timing a translation sends at the most."""
    asked = step.params["asked"]
    return sum(size * (asked["warmup"] + asked["repeats"]) for size in asked["batch_sizes"])


def _hardware(basis: Basis, spec: Spec, catalogue: Catalogue) -> str:
    """What the run will work on, as its usage will name it."""
    seen = [each.hardware for each in basis.measurements.observations.values()]
    if basis.hardware:
        asked = basis.hardware.lower()
        if asked in {price.offer for price in catalogue}:
            asked = _device(asked)
        fitting = [name for name in seen if asked in name.lower()]
        return max(fitting, key=fitting.count) if fitting else basis.hardware
    offer = spec.prices.compute
    if "cpu" not in offer:
        fitting = [name for name in seen if _device(offer) in name.lower()]
        return max(fitting, key=fitting.count) if fitting else offer
    gpus = [name for name in seen if name != "cpu"]
    return max(gpus, key=gpus.count) if gpus and accelerated() else "cpu"


def _device(offer: str) -> str:
    """The device an offer names: "v100" of "v100-gcp", "cpu" of "cpu-core"."""
    words = offer.replace("paper-", "").split("-")
    return "cpu" if any("cpu" in word for word in words) else words[0]


def _same_hardware(one: str, other: str) -> bool:
    return _device(one) == _device(other)


def priced(spec: Spec, compute: str | None) -> Spec:
    """The same spec, with device time priced by another offer if one is named."""
    if compute is None:
        return spec
    return spec.model_copy(update={"prices": spec.prices.model_copy(update={"compute": compute})})


def _refuse_unknown(stated: Mapping[str, Rate], spec: Spec) -> None:
    """Refuse rates of what is not in the spec.

    Raises:
        ConfigError: a rate names an engine or model that the spec does not have.
    """
    models = {name for given in spec.models.values() for name in (given.values() if isinstance(given, dict) else given)}
    known = {*spec.engines, *models}
    for name in stated:
        _, colon, own = name.partition(":")
        if colon and own not in known:
            raise ConfigError(f"--rate {name}: the spec has no engine or model {own!r}; it has {', '.join(known)}")
