"""What a cell of a run is made of, as it lies in the run directory: the steps by the part they play when serving."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crossfare.compare import RunRecord
from crossfare.errors import ConfigError, DataError
from crossfare.experiment.spec import Spec, load_spec
from crossfare.store import Store
from crossfare.types import Result, RunSpec

_SERVED = ("predict", "back-project", "retrieve")


@dataclass(frozen=True, slots=True)
class StepRecord:
    """A finished step as its step.json tells it."""

    id: str
    stage: str
    params: Mapping[str, Any]
    inputs: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Parts:
    """One cell: what it scored and cost, and the artifacts it was made of."""

    run: RunRecord
    result: Result
    spec: Spec

    @property
    def cell(self) -> RunSpec:
        """The cell's place in the matrix."""
        return self.result.spec

    @property
    def answering(self) -> StepRecord:
        """The step that made the predictions which were scored."""
        score = next(step for step in self.result.steps if step.startswith("score-"))
        return self.source(self.step(score), "predictions")

    @property
    def predict(self) -> StepRecord:
        """The step in which the cell's model answered; of a method without a model, the first stage."""
        step = self.answering
        return self.source(step, "predictions") if step.stage == "back-project" else step

    def source(self, step: StepRecord, role: str) -> StepRecord:
        """The step that fills a role of another one."""
        return self.step(step.inputs[role][0])

    def step(self, step_id: str) -> StepRecord:
        """Read a step's record.

        Raises:
            DataError: the step is no longer there.
        """
        path = self._store.folder(step_id) / "step.json"
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            inputs = {role: tuple(ids) for role, ids in record["inputs"].items()}
            return StepRecord(record["id"], record["stage"], record["params"], inputs)
        except (OSError, ValueError, KeyError) as error:
            raise self._gone(step_id) from error

    def artifact(self, step: StepRecord) -> Path:
        """The folder of what a step made.

        Raises:
            DataError: it is no longer there.
        """
        if not self._store.done(step.id):
            raise self._gone(step.id)
        return self._store.artifact(step.id)

    @property
    def _store(self) -> Store:
        return Store(self.run.folder)

    def _gone(self, step_id: str) -> DataError:
        return DataError(
            f"{self.run.folder}: its step {step_id} is no longer in the cache; run the spec again to make it anew"
        )


def read_parts(run: RunRecord, result: Result) -> Parts:
    """Bring together what belongs to a cell.

    Raises:
        ConfigError: its answers are made in a way that cannot be served.
        DataError: a step is no longer there.
    """
    parts = Parts(run, result, load_spec(run.folder / "spec.yaml"))
    if parts.answering.stage not in _SERVED:
        raise ConfigError(
            f"{result.spec.method} is not served: its answers are made by {parts.answering.stage} over a "
            "whole data set; choose another --method"
        )
    return parts
