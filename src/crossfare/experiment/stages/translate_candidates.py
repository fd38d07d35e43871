"""Strategy 2 of the paper: translate the candidates of every query when serving."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from crossfare import data
from crossfare.data.collection import Collection
from crossfare.experiment.files import inputs, read_predictions, read_yield
from crossfare.experiment.stages.translate_collection import TRANSLATE_COLLECTION, translation_of, write_losses
from crossfare.experiment.stages.work import Work
from crossfare.store import Store
from crossfare.types import Passage, Prediction, Progress, Step, Usage

if TYPE_CHECKING:
    from crossfare.experiment.forecast.counting import Counter


def _run(step: Step, store: Store, work: Path, progress: Progress | None) -> Usage:
    """Translate each distinct candidate.

    A passage that several queries found is translated once here, but would be each time when serving: usage is
    scaled to what serving sends, by characters.
    """
    translation = translation_of(step, store)
    found = [passage for prediction in read_predictions(step, store, "candidates") for passage, _ in prediction.scores]
    distinct = list(dict.fromkeys(found))
    with Collection.open(inputs(step, store, "passages")[0]) as collection:
        texts = (Passage(name, collection[name]) for name in distinct)
        passages = translation.stream(texts, expected=len(distinct), progress=progress)
        data.collection.write(passages, work / "artifact", language=translation.target)
        served = sum(len(collection[name]) for name in found)
    write_losses(translation, work)
    return translation.usage.scaled(served / max(1, translation.characters))


def without_lost(run: Sequence[Prediction], passages: Path, *, depth: int | None = None) -> tuple[Prediction, ...]:
    """A run without the candidates that were lost in translation: what was not translated cannot be ranked.

    They come from the ``depth`` best of each query (None: all), and none moves up in their place: serving translates
    no more than these.
    """
    lost = set(read_yield(passages).lost) if (passages / "yield.json").exists() else set()
    kept = ((each, tuple(scored for scored in each.scores[:depth] if scored[0] not in lost)) for each in run)
    return tuple(replace(each, output=scores[0][0] if scores else "", scores=scores) for each, scores in kept)


def _work(step: Step, counter: Counter) -> Work:
    return counter.collections.candidates_translated(step, counter.datasets.read_by(step).examples)


TRANSLATE_CANDIDATES = replace(TRANSLATE_COLLECTION, run=_run, work=_work)
