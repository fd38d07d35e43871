"""What the stages of QA by translating at inference do; see `qa_steps`."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from crossfare import latency, meter, translate
from crossfare.data import artifact
from crossfare.ensemble import nearest
from crossfare.errors import DataError, StaleArtifact
from crossfare.experiment.charges import Charge
from crossfare.experiment.files import (
    LATENCIES,
    engine_named,
    engine_of,
    input_data,
    inputs,
    memory_of,
    read_predictions,
    write_predictions,
    write_yield,
)
from crossfare.experiment.quality import world_quality
from crossfare.store import Store, write_json
from crossfare.strict import read_json
from crossfare.translate.alignment import EncoderAligner
from crossfare.translate.back_projection import BackProjection, BackProjector, Found
from crossfare.translate.bitext import bitext, spans, translate_aligned, translate_questions
from crossfare.translate.outcome import Lost
from crossfare.translate.projection.projected import Parallel
from crossfare.translate.sentences import Span
from crossfare.types import Prediction, Progress, QAExample, Step, Usage, Yield

_SEGMENTS = "segments.json"


def translate_unmarked(step: Step, store: Store, work: Path, progress: Progress | None) -> Usage:
    """Translate questions and contexts as when serving, and write which segment became which.

    A context that several questions share is translated once here, but would come with each of them when serving:
    usage is scaled to what serving sends, by characters.
    """
    engine, memory = engine_of(step), memory_of(store)
    done = translate_questions(
        input_data(step, store), engine, target=step.params["target"], memory=memory, progress=progress
    )
    result = done.translated
    if not result.dataset.examples:
        raise DataError(f"no example survived translation by {engine.name}; first loss: {result.report.lost[0].reason}")
    artifact.write(result.dataset, work / "artifact")
    write_json(work / "artifact" / _SEGMENTS, _segments(done.contexts))
    quality = world_quality(result.dataset, step.params["target"])
    write_yield(work, result.yield_, {"report": result.report.as_dict(), "quality": quality})
    return result.usage.scaled(done.repeated)


@dataclass(frozen=True, slots=True)
class Candidates:
    """A prediction, the translated context it points at, and its best spans with their scores."""

    prediction: Prediction
    context: Parallel
    spans: list[tuple[Span, float]]

    @classmethod
    def of(cls, prediction: Prediction, context: Parallel, n_best: int) -> Candidates:
        """The ``n_best`` spans of a prediction."""
        return cls(prediction, context, _spans(prediction, context.target, n_best))

    @property
    def places(self) -> list[tuple[Parallel, Span]]:
        """What is to be carried back."""
        return [(self.context, span) for span, _ in self.spans]


def candidates(step: Step, store: Store) -> list[Candidates]:
    """What a step carries back, once its inputs are made."""
    contexts = _contexts(step, store)
    predictions = read_predictions(step, store, "predictions")
    return [Candidates.of(each, contexts[each.id], step.params["n_best"]) for each in predictions]


def carry_back(
    projector: BackProjector, asked: Sequence[Candidates]
) -> tuple[list[tuple[Prediction, Found | None]], BackProjection]:
    """The predictions on the original contexts, each with how its best span was found, and what that took."""
    done = projector.project([place for each in asked for place in each.places])
    found = iter(done.found)
    return [_projected(each.prediction, [(next(found), score) for _, score in each.spans]) for each in asked], done


def back_project(step: Step, store: Store, work: Path, progress: Progress | None) -> Usage:
    """Find predicted answers in the contexts that were asked about; what is not found is an empty prediction."""
    answered = candidates(step, store)
    projector = projector_of(step.params, step.runtime, memory_of(store), step.runtime.get("charge"))
    made_of, done = carry_back(projector, answered)
    if progress:
        progress(len(done.found), len(done.found))
    write_predictions(tuple(made for made, _ in made_of), work)
    asked = [example.id for example in input_data(step, store).examples]
    answers = {each.prediction.id: each.prediction.output for each in answered}
    _write_report(work, asked, answers, [(made.id, best) for made, best in made_of])
    return done.usage if not step.runtime["billed"] else done.own + _without_seconds(done.translating)


def answering_latency(step: Step, store: Store, work: Path, progress: Progress | None) -> Usage:
    """Time translating questions with their contexts and projecting an answer back, and the first of them alone.

    The answers are those that were marked in the translated test set: how long it takes does not depend on what a
    model answers.
    """
    engine, asked, params = engine_of(step), step.params["asked"], step.params
    projector = projector_of(params["back"], step.runtime["back"], None, step.runtime.get("charge"))
    translating: list[float] = []
    sent = Usage()

    def serve(batch: Sequence[tuple[tuple[str, ...], str]]) -> None:
        nonlocal sent
        start = time.perf_counter()
        texts = [text for request, _ in batch for text in request]
        done = translate_aligned(texts, engine, source=params["source"], target=params["target"])
        translating.append(time.perf_counter() - start)
        answered = zip(done.pairs[::2], (answer for _, answer in batch), strict=True)
        back = projector.project([(pair, _place(answer, pair.target)) for pair, answer in answered if pair is not None])
        sent += done.segments.usage + back.translating

    with meter.meter() as measured:
        requests = _requests(step, store)
        found: dict[str, list[Any]] = {"latency.json": [], "translation.json": []}
        for done, size in enumerate(asked["batch_sizes"]):
            translating.clear()
            limits = {name: asked[name] for name in ("repeats", "warmup", "max_seconds")}
            found["latency.json"].append(latency.measure(serve, requests, batch_size=size, **limits))
            found["translation.json"].append(latency.summary(translating[asked["warmup"] :], size))
            if progress:
                progress(done + 1, len(asked["batch_sizes"]))
    for name, latencies in found.items():
        (work / "artifact" / name).write_bytes(LATENCIES.dump_json(tuple(latencies)))
    return sent if params.get("billed") else measured.usage


def _requests(step: Step, store: Store) -> list[tuple[tuple[str, ...], str]]:
    """Context and question of each example whose answer is known in the source language, and that answer."""
    answers = {each.id: cast("QAExample", each).answers[0].text for each in input_data(step, store, "marked").examples}
    examples = (example for example in input_data(step, store).examples if example.id in answers)
    return [(translate.texts_of(example), answers[example.id]) for example in examples]


def _place(answer: str, translation: str) -> Span:
    """A span to project: the answer's, or as many characters where this translation words it otherwise."""
    start = max(0, translation.find(answer))
    return start, min(len(translation), start + len(answer))


def projector_of(
    params: Mapping[str, Any],
    runtime: Mapping[str, Any],
    memory: translate.TranslationMemory | None,
    charge: Charge | None = None,
) -> BackProjector:
    """What finds answers again, from what identifies the step and what is needed for it (see `qa_steps.projection`)."""
    markers = params["markers"]
    return BackProjector(
        source=params["source"],
        target=params["target"],
        engine=engine_named(runtime["engine"], runtime["options"], charge) if params["engine"] else None,
        aligner=_aligner(runtime["aligner"]) if params["aligner"] else None,
        ways=params["ways"],
        memory=memory,
        markers=translate.Markers(*markers) if markers else None,
    )


@lru_cache(maxsize=1)
def _aligner(model: str) -> EncoderAligner:
    return EncoderAligner(model)


def _spans(prediction: Prediction, context: str, n_best: int) -> list[tuple[Span, float]]:
    """The best spans of a prediction with their scores; of all but the best, only the text is known."""
    if prediction.start is None:
        return []
    best = prediction.start
    found = [((best, best + len(prediction.output)), prediction.scores[0][1] if prediction.scores else 0.0)]
    for text, score in prediction.scores[1:n_best]:
        start = nearest(text, context, best)
        if start is not None:
            found.append(((start, start + len(text)), score))
    return found


def _projected(prediction: Prediction, found: Sequence[tuple[Found | None, float]]) -> tuple[Prediction, Found | None]:
    """The prediction on the original context: how sure a span is counts with how surely it was found again."""
    kept = [(each, score + math.log(each.confidence)) for each, score in found if each is not None]
    kept.sort(key=lambda item: -item[1])
    scores: dict[str, float] = {}
    for each, score in kept:
        scores.setdefault(each.answer.text, score)
    if not kept:
        return Prediction(prediction.id, ""), None
    best = kept[0][0]
    return Prediction(prediction.id, best.answer.text, best.answer.start, tuple(scores.items())), best


def _write_report(
    work: Path, asked: Sequence[str], answers: Mapping[str, str], found: Sequence[tuple[str, Found | None]]
) -> None:
    there = {name: best for name, best in found if best is not None}
    lost = [
        Lost(name, "not found in the original context" if name in answers else "not translated", answers.get(name, ""))
        for name in asked
        if name not in there
    ]
    details = {
        "report": {"lost": [{"id": each.id, "reason": each.reason, "excerpt": each.excerpt} for each in lost]},
        "ways": dict(Counter(each.way for each in there.values())),
    }
    write_yield(work, Yield(len(there), len(asked), tuple(each.id for each in lost)), details)


def _segments(contexts: Mapping[str, Parallel]) -> list[dict[str, Any]]:
    """Each distinct context once, with the examples that ask about it."""
    ids: dict[Parallel, list[str]] = {}
    for name, text in contexts.items():
        ids.setdefault(text, []).append(name)
    return [{"ids": own, "segments": [[*a, *b] for a, b in spans(text)]} for text, own in ids.items()]


def _contexts(step: Step, store: Store) -> dict[str, Parallel]:
    """The contexts by example, each with its translation."""
    folder = inputs(step, store, "translated")[0]
    ours = {each.id: cast("QAExample", each).context for each in input_data(step, store).examples}
    theirs = {each.id: cast("QAExample", each).context for each in artifact.read(folder).examples}
    found: dict[str, Parallel] = {}
    for entry in read_json(folder / _SEGMENTS, error=StaleArtifact, todo=f"delete {folder.parent} and run again"):
        segments = tuple(((a, b), (c, d)) for a, b, c, d in entry["segments"])
        first = entry["ids"][0]
        found |= dict.fromkeys(entry["ids"], bitext(ours[first], theirs[first], segments))
    return found


def _without_seconds(usage: Usage) -> Usage:
    """What a provider bills: its seconds are nobody's device time."""
    return replace(usage, seconds=None, hardware=None)
