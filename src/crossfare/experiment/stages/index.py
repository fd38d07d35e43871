"""Index a collection for BM25."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from crossfare import meter, retrieve
from crossfare.data.collection import Collection
from crossfare.experiment.files import inputs
from crossfare.experiment.stages.collection import characters_of
from crossfare.experiment.stages.stage import Stage
from crossfare.experiment.stages.work import Work
from crossfare.store import Store
from crossfare.types import Progress, Step, Usage

if TYPE_CHECKING:
    from crossfare.experiment.forecast.counting import Counter


def _run(step: Step, store: Store, work: Path, progress: Progress | None) -> Usage:
    settings = retrieve.BM25(**step.params["settings"])
    meter.load("bm25s", "Stemmer")
    with meter.meter("cpu") as measured, Collection.open(inputs(step, store, "passages")[0]) as collection:
        retrieve.build(collection.passages(), work / "artifact", settings, progress=progress)
    return measured.usage


def _work(step: Step, counter: Counter) -> Work:
    passages = counter.collections.read_by(step)
    return Work({"character": passages.characters * passages.stretch})


def _did(step: Step, _: Usage, store: Store) -> float | None:
    return characters_of(inputs(step, store, "passages")[0])


INDEX = Stage(_run, _work, packages=("bm25s",), unit="character", did=_did)
