"""The field of a race: the methods of a spec, the steps that trying them takes, and what those will cost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import count, islice
from statistics import fmean

import numpy as np

from crossfare.compare.contenders import method_label
from crossfare.compare.measured import Measured, seed_noises
from crossfare.compare.recommend import Aim
from crossfare.compare.standings import measured_scores
from crossfare.errors import ConfigError
from crossfare.experiment import forecast
from crossfare.experiment.cell import CellSteps, distinct
from crossfare.experiment.charges import charges, paid_engines
from crossfare.experiment.files import SCORES
from crossfare.experiment.preflight import ready
from crossfare.experiment.spec import Spec
from crossfare.experiment.steps import Planner
from crossfare.experiment.test_sets import TestSets
from crossfare.race.outlook import Outlook, Reached, Rule, outlook_of
from crossfare.race.policy import NOTHING, Arm, Expense
from crossfare.store import Store
from crossfare.types import Score

DEFAULT_AIM = Aim()


@dataclass(frozen=True, slots=True)
class Manner:
    """How a race decides.

    ``aim``       what is wanted of the method that is chosen
    ``volume``    examples served a month, over so many ``months``
    ``mean``      whether methods are judged by their mean over the target languages
    ``without``   engines and methods that are left out
    ``seeds``     how many training runs the whole matrix has
    ``pilot``     test examples of a first try, where further ones are paid by the request
    """

    aim: Aim = DEFAULT_AIM
    volume: int = 100_000
    months: int = 12
    mean: bool = False
    without: tuple[str, ...] = ()
    seeds: int = 5
    pilot: int = 200


def seeded(spec: Spec, seeds: int) -> Spec:
    """The spec with so many seeds: its own first, then the next whole numbers."""
    further = (seed for seed in count() if seed not in spec.seeds)
    return spec.model_copy(update={"seeds": (*spec.seeds, *islice(further, max(0, seeds - len(spec.seeds))))[:seeds]})


def piloted(spec: Spec, pilot: int) -> Spec:
    """The spec with a part of each test set: the first examples, or a sample where the file has no other limit.

    What is translated of it is remembered, and not paid again for the whole test set.
    """
    tasks = {}
    for name, task in spec.tasks.items():
        cut = {
            target: ref.model_copy(update={"limit": pilot, "seed": ref.seed or (1 if ref.limit is None else 0)})
            for target, ref in task.test.items()
        }
        tasks[name] = task.model_copy(update={"test": cut})
    return spec.model_copy(update={"tasks": tasks})


class Field:
    """The methods of a spec as arms of a race, and what finished steps say of them."""

    def __init__(self, spec: Spec, store: Store, manner: Manner) -> None:
        self.spec = seeded(spec, manner.seeds)
        self.store = store
        self.manner = manner
        self.catalogue, plan = ready(self.spec, store)
        self.plan = tuple(cell for cell in plan if not _left_out(cell, self.spec, manner.without))
        if not self.plan:
            raise ConfigError("no method is left to race; leave out less")
        self._sizes: dict[str, int] = {}
        self._basis = forecast.Basis.gather(store=store)
        self._learnt = self._done()
        self._cells = self._rows()
        self.pilots = tuple(
            cell for by_size in self._cells.values() if len(by_size) > 1 for row in by_size[0] for cell in row
        )
        self.steps = distinct(step for cell in (*self.plan, *self.pilots) for step in cell.all)
        self._tests = TestSets((*self.plan, *self.pilots), store)
        self._scores: dict[str, Score] = {}

    def _rows(self) -> dict[str, list[list[list[CellSteps]]]]:
        """The cells of each arm, by size of the test set, then by seed: one for each language it is judged in."""
        whole = self._grouped(self.plan)
        counter = forecast.Forecaster(self.spec, self._basis).counter
        for key, rows in whole.items():
            self._sizes[key] = max(1, min(counter.datasets.made_by(cell.test.id).examples for cell in rows[0]))
        paid = paid_engines(self.spec, self.catalogue)
        asked = [
            cell.cell
            for cell in self.plan
            if cell.recurring
            and set(cell.cell.engines) & paid.keys()
            and 0 < self.manner.pilot < self._sizes[self.key(cell)]
        ]
        if not asked:
            return {key: [rows] for key, rows in whole.items()}
        planner = Planner(piloted(self.spec, self.manner.pilot))
        # What is timed is timed once, on the whole test set.
        part = self._grouped([replace(planner.cell(cell), latency=(), measuring=()) for cell in asked])
        return {key: [part[key], rows] if key in part else [rows] for key, rows in whole.items()}

    def _grouped(self, plan: Sequence[CellSteps]) -> dict[str, list[list[CellSteps]]]:
        """The cells of each method by seed; over the mean of languages those methods that are run in all of them."""
        found: dict[str, dict[int, list[CellSteps]]] = defaultdict(lambda: defaultdict(list))
        languages: dict[str, set[str]] = defaultdict(set)
        for cell in plan:
            found[self.key(cell)][cell.cell.seed].append(cell)
            languages[self.decision(cell)].add(cell.cell.target)
        rows = {key: list(by_seed.values()) for key, by_seed in found.items()}
        return {key: own for key, own in rows.items() if len(own[0]) == len(languages[self.decision(own[0][0])])}

    def key(self, cell: CellSteps) -> str:
        """What tells a method from others in its decision: without its language, if it is judged over all."""
        own = cell.cell
        if not self.manner.mean:
            return own.without_seed
        several = len(self.spec.checkpoints(own.model, own.target)) > 1
        return replace(own, target="*", checkpoint=own.checkpoint if several else "").without_seed

    def decision(self, cell: CellSteps) -> str:
        """The decision that a cell belongs to."""
        return cell.cell.task if self.manner.mean else f"{cell.cell.task} {cell.cell.target}"

    # -- arms ---------------------------------------------------------------------------------

    def arms(self, totals: Mapping[str, Decimal]) -> tuple[Arm, ...]:
        """The methods, with what each costs over the horizon."""
        firsts = {key: by_size[-1][0][0] for key, by_size in self._cells.items()}
        crowd: dict[str, list[CellSteps]] = defaultdict(list)
        for cell in firsts.values():
            crowd[self.decision(cell)].append(cell)
        return tuple(
            Arm(
                key,
                self.decision(firsts[key]),
                _label(firsts[key], crowd[self.decision(firsts[key])]),
                tuple(tuple(map(_steps, by_seed)) for by_seed in by_size),
                (self.manner.pilot, self._sizes[key])[-len(by_size) :],
                totals.get(key, Decimal(0)),
            )
            for key, by_size in self._cells.items()
        )

    # -- what it costs ------------------------------------------------------------------------

    def prices(self) -> tuple[dict[str, Expense | None], dict[str, Decimal]]:
        """What each step that is not done will take, and what each arm costs over the horizon, as forecast."""
        self._basis.measurements.read_store(self.store, skip=self._learnt)
        self._learnt = self._done()
        made = forecast.Forecaster(self.spec, self._basis)
        found = self._step_prices(made)
        if self.pilots:
            part = forecast.Forecaster(piloted(self.spec, self.manner.pilot), self._basis)
            found = {**self._step_prices(part), **found}
        return found, self._totals(made)

    def _done(self) -> frozenset[str]:
        """Every step that is in the cache."""
        return frozenset(path.parent.name for path in self.store.root.glob("steps/*/done"))

    def _step_prices(self, made: forecast.Forecaster) -> dict[str, Expense | None]:
        paid = charges(self.spec, self.catalogue, made.resources)
        expected, high = made.book("expected"), made.book("high")
        found: dict[str, Expense | None] = {}
        for step_id, each in made.forecasts.items():
            seconds = each.usages["expected"].seconds or 0.0
            if each.lacking:
                found[step_id] = None
            elif step_id in paid:
                usd = paid[step_id].usd(each.usages["expected"])
                found[step_id] = Expense(usd, max(usd, paid[step_id].usd(each.bound or each.usages["high"])), seconds)
            elif _labels(each.resources):
                found[step_id] = NOTHING
            else:
                usd = expected.cost(step_id).usd
                found[step_id] = Expense(usd, max(usd, high.cost(step_id).usd), seconds)
        return found

    def _totals(self, made: forecast.Forecaster) -> dict[str, Decimal]:
        """USD over the horizon of each arm; over languages their mean."""
        examples = Decimal(self.manner.volume) * self.manner.months
        by_cell = {
            option.key: plan.expected.total_usd(option, examples)
            for plan in made.plans(self.manner.months)
            for option in plan.expected.options
        }
        found = {}
        for key, by_size in self._cells.items():
            own = [by_cell[cell.cell.without_seed] for cell in by_size[-1][0]]
            found[key] = sum(own, Decimal(0)) / len(own)
        return found

    # -- what it found ------------------------------------------------------------------------

    def standings(self, arms: Sequence[Arm], reached: Mapping[str, Reached]) -> dict[str, tuple[Outlook, Rule]]:
        """The scores of what was tried so far, by decision."""
        rows = {arm.key: self._measured(arm, reached[arm.key]) for arm in arms if arm.key in reached}
        found = {}
        for decision in dict.fromkeys(arm.decision for arm in arms):
            tried = [arm for arm in arms if arm.decision == decision and arm.key in reached]
            if tried:
                noises = seed_noises([cell for own in self._of_task(tried[0], rows) for cell in own])
                outlook = outlook_of({arm.key: rows[arm.key] for arm in tried}, reached, noises)
                found[decision] = (outlook, self._rule(tried))
        return found

    def _of_task(self, arm: Arm, rows: Mapping[str, list[Measured]]) -> list[list[Measured]]:
        """What was measured of an arm's task, in all languages."""
        task = self._cells[arm.key][-1][0][0].cell.task
        return [row for key, row in rows.items() if self._cells[key][-1][0][0].cell.task == task]

    def _rule(self, tried: Sequence[Arm]) -> Rule:
        aim, examples = self.manner.aim, self.manner.volume * self.manner.months
        costs = np.array([float(arm.total_usd) for arm in tried])
        worth = None if aim.worth is None else float(aim.worth) * examples
        return Rule(costs, np.array([self._baseline(arm.key) for arm in tried]), aim.margin, worth)

    def _baseline(self, key: str) -> float:
        cells = self._cells[key][-1][0]
        found = [self._tests.baseline(cell) for cell in cells if self.store.done(cell.test.id)]
        known = [each for each in found if each is not None]
        return fmean(known) if len(known) == len(cells) else float("nan")

    def _measured(self, arm: Arm, tried: Reached) -> list[Measured]:
        """Its scores by language."""
        by_seed = self._cells[arm.key][arm.sizes.index(tried.examples)][: tried.seeds]
        return [self._of_language(cells) for cells in zip(*by_seed, strict=True)]

    def _of_language(self, cells: Sequence[CellSteps]) -> Measured:
        trainings = tuple(frozenset(step.id for step in cell.fine_tunings) for cell in cells)
        tested = f"{cells[0].cell.task} {cells[0].cell.target}"
        return measured_scores([self._score(cell) for cell in cells], tested, trainings)

    def _score(self, cell: CellSteps) -> Score:
        """The score of a finished cell, read once."""
        step = cell.score.id
        if step not in self._scores:
            path = self.store.artifact(step) / "scores.json"
            self._scores[step] = SCORES.validate_json(path.read_bytes())[0]
        return self._scores[step]

    def complete(self) -> tuple[CellSteps, ...]:
        """The cells of the matrix that were run."""
        return tuple(cell for cell in self.plan if all(self.store.done(step.id) for step in cell.all))


def _steps(cells: Sequence[CellSteps]) -> frozenset[str]:
    return frozenset(step.id for cell in cells for step in cell.all)


def _labels(resources: Sequence[str]) -> bool:
    """Whether a step stands for labels: they are there, and the race pays nobody for them."""
    return any(name.startswith("annotation:") for name in resources)


def _label(cell: CellSteps, cells: Sequence[CellSteps]) -> str:
    engine = " + ".join(cell.cell.engines.values())
    return method_label(cell.cell, [each.cell for each in cells], engine, cell.cell.checkpoint)


def _left_out(cell: CellSteps, spec: Spec, without: Sequence[str]) -> bool:
    looked_up = {name for name in cell.cell.engines if spec.engines[name].engine == "reference"}
    names = {cell.cell.method, *cell.cell.engines, *(["reference"] if looked_up else [])}
    return bool(names.intersection(without))
