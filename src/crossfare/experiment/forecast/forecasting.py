"""Forecast what a spec will cost: every step's usage, and from it every method's costs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from crossfare import meter, pretrained
from crossfare.compare.forecast import Plan
from crossfare.experiment import steps as planning
from crossfare.experiment.billing import offers_of, resources_of
from crossfare.experiment.cell import CellSteps
from crossfare.experiment.charges import charges
from crossfare.experiment.forecast import published
from crossfare.experiment.forecast.basis import Basis, hardware, refuse_unknown
from crossfare.experiment.forecast.counting import Counter
from crossfare.experiment.forecast.planner import ForecastPlanner
from crossfare.experiment.forecast.plans import plans
from crossfare.experiment.forecast.rates import TOKENS, Rate, Rates
from crossfare.experiment.forecast.usage import StepForecast, StepUsage
from crossfare.experiment.rehearse import Rehearsed
from crossfare.experiment.spec import Spec
from crossfare.experiment.stages import STAGES
from crossfare.experiment.stages.finetune import parameters
from crossfare.experiment.stages.work import LEVELS, Level, Material, Passages
from crossfare.ledger import Book, Catalogue, Entry
from crossfare.types import Step, Usage


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
        refuse_unknown(basis.stated, spec)
        self.spec = spec
        self.basis = basis
        self.finished = finished
        with ForecastPlanner(spec) as planner:
            self.cells = planner.plan()
            self.steps = {step.id: step for cell in self.cells for step in cell.all}
            self._engines, folders = planner.engines, _folders(self.steps.values())
            self.catalogue = Catalogue.load([spec.path(file) for file in spec.prices.files])
            self.resources = resources_of(spec, self.cells)
            self._charges = charges(spec, self.catalogue, self.resources)
            self._kept = {step.id for cell in self.cells for step in cell.one_time}
            self.names = _names(self.cells)
            self.rates = Rates(
                basis.measurements.observations.values(),
                stated=basis.stated,
                published=published.rates(),
                sizes={**_sizes(self.cells, folders), **(sizes or {})},
                machine=None if basis.hardware else meter.machine_name(),
            )
            self.counter = Counter(
                self.steps,
                self._rehearsed,
                basis.measurements,
                store=basis.store if finished else None,
                given=given,
                folders=folders,
                stated=_stated_ratios(basis.stated),
            )
            self.hardware = hardware(basis, spec, self.catalogue)
            self._usage = StepUsage(
                spec,
                basis,
                self.catalogue,
                self.rates,
                steps=self.steps,
                names=self.names,
                hardware=self.hardware,
            )
            self.forecasts = {step.id: self.forecast(step) for step in self.steps.values()}

    def _rehearsed(self, step: Step) -> Rehearsed:
        """The engine of a step, which will say what it is billed for."""
        identity = step.params["engine"]
        return Rehearsed(self._engines[identity["name"], identity["revision"]], self._charges.get(step.id))

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
        counter = self.counter.without(without) if without else self.counter
        return self._usage.of(step, resources, counter, without)

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

    def plans(self, months: int = 12, utilisation: Decimal = Decimal(1)) -> tuple[Plan, ...]:
        """One plan per task and target language; translations are kept for ``months``.

        Hardware that serves works for a part ``utilisation`` of the time that it is paid for.
        """
        return plans(self, months, utilisation)


def _stated_ratios(stated: Mapping[str, Rate]) -> dict[str, float]:
    """Tokens per character as stated, by a model's name without its folders, or "" for any."""
    split = ((name.partition(":"), rate) for name, rate in stated.items())
    return {Path(name).name: rate.expected for (what, _, name), rate in split if what == TOKENS}


def _names(cells: Sequence[CellSteps]) -> dict[str, str]:
    """What the spec calls the engine or the model of a step."""
    found: dict[str, str] = {}
    for cell in _single(cells):
        for step in cell.all:
            named = {"engine": cell.cell.engine or "", "checkpoint": cell.cell.checkpoint, "": ""}
            found.setdefault(step.id, named[STAGES[step.stage].called])
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
    models = {str(step.runtime["model"]) for step in steps if "model" in step.runtime}
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


def priced(spec: Spec, compute: str | None) -> Spec:
    """The same spec, with device time priced by another offer if one is named."""
    if compute is None:
        return spec
    return spec.model_copy(update={"prices": spec.prices.model_copy(update={"compute": compute})})
