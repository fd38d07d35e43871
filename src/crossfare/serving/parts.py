"""What a cell of a run is made of, as it lies in the run directory: the steps by the part they play when serving."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path, PureWindowsPath

from crossfare.compare import RunRecord
from crossfare.errors import ConfigError, DataError
from crossfare.experiment.ensemble_steps import parent_cells
from crossfare.experiment.files import read_step
from crossfare.experiment.methods import METHODS
from crossfare.experiment.spec import Spec, load_spec
from crossfare.store import Store
from crossfare.tasks import TASKS
from crossfare.types import Result, RunSpec, Step, Usage

_SERVED = ("predict", "back-project", "retrieve")


@dataclass(frozen=True, slots=True)
class Parts:
    """One cell, or one of those that an ensemble combines: its artifacts, and what the whole scored and cost.

    ``cell`` is its place in the matrix, ``answering`` the step that made its predictions on the target side.
    """

    run: RunRecord
    result: Result
    spec: Spec
    cell: RunSpec
    answering: Step

    @property
    def parents(self) -> tuple[Parts, ...]:
        """What an ensemble combines, in its order; nothing of any other cell."""
        if self.answering.stage != "ensemble":
            return ()
        steps = map(self.step, self.answering.inputs["predictions"])
        cells = parent_cells(self.spec, self.cell)
        return tuple(replace(self, cell=cell, answering=step) for cell, step in zip(cells, steps, strict=True))

    @property
    def translating(self) -> Parts | None:
        """What translates requests: the cell, or the part of an ensemble that does; None if nothing does."""
        each_model = self.parents or (self,)
        return next((own for own in each_model if METHODS[own.cell.method].infer_on == "translated"), None)

    @property
    def predict(self) -> Step:
        """The step in which the cell's model answered; of a method without a model of its own, what it has instead."""
        step = self.answering
        return self.source(step, "predictions") if step.stage == "back-project" else step

    def source(self, step: Step, role: str) -> Step:
        """The step that fills a role of another one."""
        return self.step(step.inputs[role][0])

    def step(self, step_id: str) -> Step:
        """Read a step's record.

        Raises:
            DataError: the step is no longer there.
        """
        return _read_step(self.run, step_id)

    def artifact(self, step: Step) -> Path:
        """The folder of what a step made.

        Raises:
            DataError: it is no longer there.
            StaleArtifact: it is not as it was made.
        """
        store = Store(self.run.folder)
        store.check(step.id)
        if not store.done(step.id):
            raise _gone(self.run, step.id)
        return store.artifact(step.id)

    def usage(self, step: Step) -> Usage:
        """What a step consumed in the run.

        Raises:
            StaleArtifact: that is no longer there.
        """
        return Store(self.run.folder).usage(step.id)


def _read_step(run: RunRecord, step_id: str) -> Step:
    store = Store(run.folder)
    try:
        step = read_step(store, step_id)
    except (DataError, KeyError, TypeError, AttributeError) as error:
        raise _gone(run, step_id) from error
    if step is None or step.id != step_id:
        store.check(step_id)
        raise _gone(run, step_id)
    return step


def _gone(run: RunRecord, step_id: str) -> DataError:
    return DataError(f"{run.folder}: its step {step_id} is no longer in the cache; run the spec again to make it anew")


def read_parts(run: RunRecord, result: Result) -> Parts:
    """Bring together what belongs to a cell.

    Raises:
        ConfigError: its answers are made in a way that cannot be served.
        DataError: a step is no longer there.
    """
    score = _read_step(run, next(step for step in result.steps if step.startswith("score-")))
    answering = _read_step(run, score.inputs["predictions"][0])
    if answering.stage == "ensemble" and TASKS[result.spec.task].searches:
        raise ConfigError(f"{result.spec.method} is not served: ensembles of ranking are not; choose another --method")
    if answering.stage not in (*_SERVED, "ensemble"):
        raise ConfigError(
            f"{result.spec.method} is not served: its answers are made by {answering.stage} over a "
            "whole data set; choose another --method"
        )
    return Parts(run, result, load_spec(run.folder / "spec.yaml"), result.spec, answering)


def public_name(checkpoint: str) -> str:
    """A model reference without the folder it lies in: ``embedded:x``, ``org/name``, or a folder's own name."""
    if checkpoint.startswith(("embedded:", "offline:")):
        return checkpoint
    local = checkpoint.startswith((".", "/", "~")) or "\\" in checkpoint or checkpoint.count("/") > 1
    if local or Path(checkpoint).exists():
        return PureWindowsPath(checkpoint).name  # reads both kinds of slashes
    return checkpoint
