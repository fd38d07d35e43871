"""Score predictions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from crossfare import meter
from crossfare.experiment.files import SCORES, input_data, inputs, read_predictions, read_yield
from crossfare.experiment.stages.keys import Find
from crossfare.experiment.stages.stage import Stage
from crossfare.experiment.stages.work import Work
from crossfare.store import Store
from crossfare.tasks import TASKS
from crossfare.types import Dataset, Progress, QAExample, Step, Usage, digest

if TYPE_CHECKING:
    from crossfare.experiment.forecast.counting import Counter


def _run(step: Step, store: Store, work: Path, _: Progress | None) -> Usage:
    task = TASKS[step.params["task"]]
    predictions = read_predictions(step, store, "predictions")
    options = step.params["options"]
    if translated := inputs(step, store, "translated"):
        options = {**options, "lost": read_yield(translated[0]).lost}
    meter.load(*task.scored_by)
    with meter.meter("cpu") as measured:
        scores = task.score(input_data(step, store), predictions, **options)
    (work / "artifact" / "scores.json").write_bytes(SCORES.dump_json(scores))
    return measured.usage


def _work(step: Step, counter: Counter) -> Work:
    made = counter.datasets.read_by(step)
    return Work({"label": _labels(made.dataset) * made.copies})


def _labels(dataset: Dataset) -> float:
    """What is compared: every gold answer, or one label an example."""
    return float(sum(len(each.answers) if isinstance(each, QAExample) else 1 for each in dataset.examples))


def _did(step: Step, _: Usage, store: Store) -> float:
    return _labels(input_data(step, store))


def _keys(step: Step, _: Find) -> tuple[str, ...]:
    task = str(step.params["task"])
    return (f"{task} {digest(step.params['options'], 8)}", task)


SCORE = Stage(_run, _work, unit="label", did=_did, keys=_keys, kin=("", "other options"))
