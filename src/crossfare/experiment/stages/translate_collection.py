"""Strategy 1 of the paper: translate every passage, once."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from crossfare import data, translate
from crossfare.data.collection import Collection
from crossfare.experiment.files import engine_of, inputs, memory_of, write_yield
from crossfare.experiment.stages.stage import nothing_learnt
from crossfare.experiment.stages.translate import TRANSLATE
from crossfare.experiment.stages.work import Work
from crossfare.store import Store
from crossfare.types import Progress, Step, Usage

if TYPE_CHECKING:
    from crossfare.experiment.forecast.counting import Counter


def _run(step: Step, store: Store, work: Path, progress: Progress | None) -> Usage:
    translation = translation_of(step, store)
    with Collection.open(inputs(step, store, "data")[0]) as collection:
        passages = translation.stream(collection.passages(), expected=len(collection), progress=progress)
        data.collection.write(passages, work / "artifact", language=translation.target)
    write_losses(translation, work)
    return translation.usage


def translation_of(step: Step, store: Store) -> translate.PassageTranslation:
    """What translates the passages of a step."""
    memory = memory_of(store)
    return translate.PassageTranslation(engine_of(step), step.params["source"], step.params["target"], memory)


def write_losses(translation: translate.PassageTranslation, work: Path) -> None:
    """In the shape in which a dataset's losses are written."""
    lost = [asdict(each) for each in translation.lost]
    write_yield(work, translation.yield_, {"report": {"lost": lost}})


def _work(step: Step, counter: Counter) -> Work:
    return counter.collections.translated(step)


TRANSLATE_COLLECTION = replace(
    TRANSLATE, run=_run, work=_work, makes="passages", like="translate", learn=nothing_learnt
)
