"""Translate examples, and of QA either with their answers or as they are asked when serving."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crossfare import translate
from crossfare.data import artifact
from crossfare.errors import DataError
from crossfare.experiment.files import engine_of, input_data, memory_of, write_yield
from crossfare.experiment.quality import world_quality
from crossfare.experiment.rehearse import searched
from crossfare.experiment.stages.keys import ENGINE_KIN, Find, engine_keys
from crossfare.experiment.stages.loading import projection_of
from crossfare.experiment.stages.stage import Stage, the_engine
from crossfare.experiment.stages.work import Work
from crossfare.store import Store, write_json
from crossfare.strict import read_json
from crossfare.translate.bitext import Parallel
from crossfare.translate.dataset import translate_questions
from crossfare.types import Example, Progress, Step, Usage

if TYPE_CHECKING:
    from crossfare.experiment.forecast.counting import Counter
    from crossfare.experiment.forecast.measurements import Measurements

SEGMENTS = "segments.json"


def _run(step: Step, store: Store, work: Path, progress: Progress | None) -> Usage:
    if step.params.get("unmarked"):
        return _run_unmarked(step, store, work, progress)
    engine = engine_of(step)
    markers = step.params["markers"]
    result = translate.translate_dataset(
        input_data(step, store),
        engine,
        target=step.params["target"],
        memory=memory_of(store),
        markers=translate.Markers(*markers) if markers else None,
        projection=projection_of(step),
        drop_bad=step.params.get("drop_bad", False),
        progress=progress,
    )
    _write(result, engine.name, work)
    return result.usage


def _run_unmarked(step: Step, store: Store, work: Path, progress: Progress | None) -> Usage:
    """Translate questions and contexts as when serving, and write which segment became which.

    A context that several questions share is translated once here, but would come with each of them when serving:
    usage is scaled to what serving sends, by characters.
    """
    engine, memory = engine_of(step), memory_of(store)
    done = translate_questions(
        input_data(step, store), engine, target=step.params["target"], memory=memory, progress=progress
    )
    _write(done.translated, engine.name, work)
    write_json(work / "artifact" / SEGMENTS, _segments(done.contexts))
    return done.translated.usage.scaled(done.repeated)


def _write(result: translate.TranslatedDataset, engine: str, work: Path) -> None:
    """What survived, and what is known of its quality."""
    if not result.dataset.examples:
        raise DataError(f"no example survived translation by {engine}; first loss: {result.report.lost[0].reason}")
    artifact.write(result.dataset, work / "artifact")
    quality = world_quality(result.dataset, result.dataset.language)
    write_yield(work, result.yield_, {"report": result.report.as_dict(), "quality": quality})


def _segments(contexts: Mapping[str, Parallel]) -> list[dict[str, Any]]:
    """Each distinct context once, with the examples that ask about it."""
    ids: dict[Parallel, list[str]] = {}
    for name, text in contexts.items():
        ids.setdefault(text, []).append(name)
    return [{"ids": own, "segments": [[*a, *b] for a, b in text.segments]} for text, own in ids.items()]


def _work(step: Step, counter: Counter) -> Work:
    return counter.translated(step)


def _did(_: Step, usage: Usage, __: Store) -> float | None:
    return usage.characters


def _keys(step: Step, _: Find) -> tuple[str, ...]:
    return engine_keys(step)


def _learn(found: Measurements, step: Step, _: Usage, store: Store) -> None:
    """How much longer texts become, and how many answers a cascade had to search for."""
    source, made = (artifact.read(store.artifact(name)) for name in (step.inputs["data"][0], step.id))
    kept = {example.id for example in made.examples}
    before = sum(map(_size, (example for example in source.examples if example.id in kept)))
    after = sum(map(_size, made.examples))
    if before and after:
        found.stretches[source.language, made.language].append((step.id, after / before))
    if step.params.get("projection", {}).get("method") == "cascade":
        record = read_json(store.artifact(step.id) / "yield.json")
        if (share := searched(record["report"])) is not None:
            name, languages = str(step.params["engine"]["name"]), (step.params["source"], step.params["target"])
            found.searched[name, *languages].append((step.id, share))
            found.searched[name,].append((step.id, share))


def _size(example: Example) -> int:
    return sum(map(len, example.texts))


TRANSLATE = Stage(
    _run,
    _work,
    makes="examples",
    weight=10,
    resources=the_engine,
    unit="character",
    did=_did,
    keys=_keys,
    kin=ENGINE_KIN,
    called="engine",
    learn=_learn,
)
