"""Rank all passages by an encoder that was not trained for it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from crossfare import tasks
from crossfare.data.collection import Collection
from crossfare.experiment.files import inputs, write_predictions
from crossfare.experiment.stages.finetune import tokens_read
from crossfare.experiment.stages.keys import Find
from crossfare.experiment.stages.retrieve import queries_of
from crossfare.experiment.stages.stage import Stage
from crossfare.experiment.stages.work import Work
from crossfare.store import Store
from crossfare.types import Progress, Step, Usage

if TYPE_CHECKING:
    from crossfare.experiment.forecast.counting import Counter


def _run(step: Step, store: Store, work: Path, progress: Progress | None) -> Usage:
    with Collection.open(inputs(step, store, "passages")[0]) as collection:
        ranked = tasks.dense_run(
            step.runtime["model"],
            queries_of(step, store),
            collection,
            k=step.params["depth"],
            options=step.params["options"],
            progress=progress,
        )
    write_predictions(ranked.predictions, work)
    return ranked.usage


def _work(step: Step, counter: Counter) -> Work:
    made, passages = counter.datasets.read_by(step), counter.collections.read_by(step)
    ratio = counter.ratio(step, passages.language)
    if ratio is None:
        return Work(exact=False, lacking=f"tokens per character in {passages.language}")
    characters = passages.characters * passages.stretch + made.characters
    return Work({"token": characters * ratio + 2 * (passages.count + made.examples)}, exact=False)


def _keys(step: Step, _: Find) -> tuple[str, ...]:
    return (str(step.params["model"]),)


EMBED = Stage(
    _run,
    _work,
    packages=("torch", "transformers"),
    unit="token",
    did=tokens_read,
    keys=_keys,
    called="checkpoint",
)
