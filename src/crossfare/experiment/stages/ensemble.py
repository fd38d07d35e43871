"""Combine what several models predict."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from crossfare import meter
from crossfare.experiment.files import examples_made, input_data, inputs, read_predictions_of, write_predictions
from crossfare.experiment.stages.stage import Stage
from crossfare.experiment.stages.work import Work
from crossfare.store import Store
from crossfare.tasks import TASKS
from crossfare.types import Progress, Step, Usage

if TYPE_CHECKING:
    from crossfare.experiment.forecast.counting import Counter


def _run(step: Step, store: Store, work: Path, _: Progress | None) -> Usage:
    with meter.meter("cpu") as measured:
        models = [read_predictions_of(folder) for folder in inputs(step, store, "predictions")]
        combined = TASKS[step.params["task"]].combine(models, input_data(step, store))
    write_predictions(combined, work)
    return measured.usage


def queries(step: Step, counter: Counter) -> Work:
    """What is done example by example."""
    return Work({"query": float(counter.datasets.read_by(step).examples)})


def queries_done(step: Step, _: Usage, store: Store) -> float:
    """How many examples a finished step went through."""
    return float(examples_made(step.inputs["data"][0], store))


ENSEMBLE = Stage(_run, queries, unit="query", did=queries_done)
