"""What the stages of ranking do when their step is executed; the others are in `stages`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from itertools import chain, islice
from pathlib import Path
from typing import cast

from crossfare import data, meter, retrieve, tasks, translate
from crossfare.data import artifact
from crossfare.data.collection import Collection
from crossfare.experiment.files import (
    Execution,
    engine_of,
    input_data,
    inputs,
    memory_of,
    read_predictions,
    read_yield,
    write_predictions,
    write_yield,
)
from crossfare.store import Store, write_json
from crossfare.types import Passage, Prediction, Progress, QueryExample, Step, Usage, content_revision


def _collection(step: Step, __: Store, work: Path, _: Progress | None) -> Usage:
    params = step.params
    passages = iter(
        data.passages(step.runtime["ref"], language=params["language"], split=params["split"], format=params["format"])
    )
    first = tuple(islice(passages, 1))  # the embedded world is made before its first passage comes, once a process
    with meter.meter("cpu") as measured:
        header = data.collection.write(
            chain(first, passages), work / "artifact", name=params["split"], language=params["language"]
        )
    write_json(work / "artifact" / "report.json", {"summary": list(header.summary())})
    return measured.usage


def _index(step: Step, store: Store, work: Path, progress: Progress | None) -> Usage:
    settings = retrieve.BM25(**step.params["settings"])
    meter.load("bm25s", "Stemmer")
    with meter.meter("cpu") as measured, Collection.open(inputs(step, store, "passages")[0]) as collection:
        retrieve.build(collection.passages(), work / "artifact", settings, progress=progress)
    return measured.usage


def _retrieve(step: Step, store: Store, work: Path, progress: Progress | None) -> Usage:
    queries = [(example.id, example.query) for example in _queries(step, store)]
    index = retrieve.Index.open(inputs(step, store, "index")[0])
    with meter.meter("cpu") as measured:
        run = index.search(queries, step.params["depth"], progress=progress)
    write_predictions(tuple(run), work)
    return measured.usage


def _embed(step: Step, store: Store, work: Path, progress: Progress | None) -> Usage:
    with Collection.open(inputs(step, store, "passages")[0]) as collection:
        ranked = tasks.dense_run(
            step.runtime["model"],
            _queries(step, store),
            collection,
            k=step.params["depth"],
            options=step.params["options"],
            progress=progress,
        )
    write_predictions(ranked.predictions, work)
    return ranked.usage


def _mine(step: Step, store: Store, work: Path, _: Progress | None) -> Usage:
    dataset = input_data(step, store)
    with meter.meter("cpu") as measured, Collection.open(inputs(step, store, "passages")[0]) as collection:
        examples = retrieve.mine(
            _queries(step, store),
            read_predictions(step, store, "candidates"),
            collection,
            negatives=step.params["negatives"],
            depth=step.params["depth"],
            seed=0,
        )
    mined = replace(dataset, examples=examples, revision=content_revision(examples))
    artifact.write(mined, work / "artifact")
    without = retrieve.without_relevant(_queries(step, store))
    summary = [f"{len(without)} queries have no relevant passage and teach nothing: {', '.join(without)}"]
    write_json(work / "artifact" / "report.json", {"summary": summary if without else []})
    return measured.usage


def _translate_collection(step: Step, store: Store, work: Path, progress: Progress | None) -> Usage:
    """Strategy 1: every passage, once."""
    translation = _translation(step, store)
    with Collection.open(inputs(step, store, "data")[0]) as collection:
        passages = translation.stream(collection.passages(), expected=len(collection), progress=progress)
        data.collection.write(passages, work / "artifact", language=translation.target)
    _write_losses(translation, work)
    return translation.usage


def _translate_candidates(step: Step, store: Store, work: Path, progress: Progress | None) -> Usage:
    """Strategy 2: the candidates of every query.

    A passage that several queries found is translated once here, but would be each time when serving: usage is
    scaled to what serving sends, by characters.
    """
    translation = _translation(step, store)
    found = [passage for prediction in read_predictions(step, store, "candidates") for passage, _ in prediction.scores]
    distinct = list(dict.fromkeys(found))
    with Collection.open(inputs(step, store, "passages")[0]) as collection:
        texts = (Passage(name, collection[name]) for name in distinct)
        passages = translation.stream(texts, expected=len(distinct), progress=progress)
        data.collection.write(passages, work / "artifact", language=translation.target)
        served = sum(len(collection[name]) for name in found)
    _write_losses(translation, work)
    return translation.usage.scaled(served / max(1, translation.characters))


def without_lost(run: Sequence[Prediction], passages: Path, *, depth: int | None = None) -> tuple[Prediction, ...]:
    """A run without the candidates that were lost in translation: what was not translated cannot be ranked.

    They come from the ``depth`` best of each query (None: all), and none moves up in their place: serving translates
    no more than these.
    """
    lost = set(read_yield(passages).lost) if (passages / "yield.json").exists() else set()
    kept = ((each, tuple(scored for scored in each.scores[:depth] if scored[0] not in lost)) for each in run)
    return tuple(replace(each, output=scores[0][0] if scores else "", scores=scores) for each, scores in kept)


def _translation(step: Step, store: Store) -> translate.PassageTranslation:
    memory = memory_of(store)
    return translate.PassageTranslation(engine_of(step), step.params["source"], step.params["target"], memory)


def _write_losses(translation: translate.PassageTranslation, work: Path) -> None:
    """In the shape in which a dataset's losses are written."""
    lost = [asdict(each) for each in translation.lost]
    write_yield(work, translation.yield_, {"report": {"lost": lost}})


def _queries(step: Step, store: Store) -> Sequence[QueryExample]:
    return [cast("QueryExample", example) for example in input_data(step, store).examples]


RANKING_STAGES: dict[str, Execution] = {
    "collection": _collection,
    "index": _index,
    "retrieve": _retrieve,
    "embed": _embed,
    "mine": _mine,
    "translate-collection": _translate_collection,
    "translate-candidates": _translate_candidates,
}
