"""Time what translating adds to serving; in QA, projecting an answer back as well."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from crossfare import latency, meter, translate
from crossfare.data.collection import Collection
from crossfare.experiment.files import LATENCIES, engine_of, input_data, inputs, read_predictions
from crossfare.experiment.stages.back_project import projector_of
from crossfare.experiment.stages.keys import ENGINE_KIN, Find, engine_keys
from crossfare.experiment.stages.stage import Stage, own_device, the_engine
from crossfare.experiment.stages.work import Timed, Work
from crossfare.store import Store
from crossfare.strict import read_json
from crossfare.translate.pieces import translate_aligned
from crossfare.translate.sentences import Span
from crossfare.types import Engine, Latency, Progress, QAExample, Step, Usage

if TYPE_CHECKING:
    from crossfare.experiment.forecast.counting import Counter
    from crossfare.experiment.forecast.measurements import Measurements


_SOME = 200
"""So many texts tell how many characters are billed for one."""


def _run(step: Step, store: Store, work: Path, progress: Progress | None) -> Usage:
    if "marked" in step.inputs:
        return _answering(step, store, work, progress)
    engine, asked = engine_of(step), step.params["asked"]
    sent = Usage()

    def serve(batch: Sequence[Sequence[str]]) -> None:
        nonlocal sent
        texts = [text for request in batch for text in request]
        made = translate.translate_texts(texts, engine, source=step.params["source"], target=step.params["target"])
        sent += made.usage

    with meter.meter() as measured:
        requests = _requests(step, store)
        latencies = []
        for size in _sizes(asked, progress):
            latencies.append(_noted(latency.measure(serve, requests, batch_size=size, **_limits(asked)), engine))
    (work / "artifact" / "latency.json").write_bytes(LATENCIES.dump_json(tuple(latencies)))
    return sent if step.params.get("billed") or sent.served_seconds is not None else measured.usage


def _sizes(asked: Mapping[str, Any], progress: Progress | None) -> Iterator[int]:
    """The batch sizes to be timed, one after the other."""
    for done, size in enumerate(asked["batch_sizes"], 1):
        yield size
        if progress:
            progress(done, len(asked["batch_sizes"]))


def _noted(timed: Latency, engine: Engine) -> Latency:
    """With how many requests may have been in flight, where that is more than one."""
    most = getattr(getattr(engine, "engine", engine), "concurrency", None) or 1
    return replace(timed, hardware=f"{timed.hardware}, up to {most} requests in flight") if most > 1 else timed


def _limits(asked: Mapping[str, Any]) -> dict[str, Any]:
    return {name: asked[name] for name in ("repeats", "warmup", "max_seconds")}


def _requests(step: Step, store: Store) -> list[tuple[str, ...]]:
    """The texts that serving sends for each input: in ranking by strategy 2, its candidates too."""
    examples = input_data(step, store).examples
    if "candidates" not in step.inputs:
        return [example.texts for example in examples]
    found = {run.id: [name for name, _ in run.scores] for run in read_predictions(step, store, "candidates")}
    with Collection.open(inputs(step, store, "passages")[0]) as passages:
        return [(*example.texts, *(passages[name] for name in found[example.id])) for example in examples]


def _answering(step: Step, store: Store, work: Path, progress: Progress | None) -> Usage:
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
        requests = _answered(step, store)
        found: dict[str, list[Any]] = {"latency.json": [], "translation.json": []}
        for size in _sizes(asked, progress):
            translating.clear()
            timed = latency.measure(serve, requests, batch_size=size, **_limits(asked))
            found["latency.json"].append(_noted(timed, engine))
            load = found["latency.json"][-1].load
            alone = latency.summary(translating[asked["warmup"] :], size, load)
            found["translation.json"].append(_noted(alone, engine))
    for name, latencies in found.items():
        (work / "artifact" / name).write_bytes(LATENCIES.dump_json(tuple(latencies)))
    return sent if params.get("billed") else measured.usage


def _answered(step: Step, store: Store) -> list[tuple[tuple[str, ...], str]]:
    """Context and question of each example whose answer is known in the source language, and that answer."""
    answers = {each.id: cast("QAExample", each).answers[0].text for each in input_data(step, store, "marked").examples}
    examples = (example for example in input_data(step, store).examples if example.id in answers)
    return [(example.texts, answers[example.id]) for example in examples]


def _place(answer: str, translation: str) -> Span:
    """A span to project: the answer's, or as many characters where this translation words it otherwise."""
    start = max(0, translation.find(answer))
    return start, min(len(translation), start + len(answer))


def _work(step: Step, counter: Counter) -> Work:
    """Characters that serving one input sends to be translated, and how often it is timed."""
    made = counter.datasets.read_by(step)
    mean = made.characters / max(1, made.examples)
    some = [text for example in made.dataset.examples[:_SOME] for text in example.texts]
    if "candidates" in step.inputs:
        passages = counter.collections.read_by(step)
        mean += counter.collections.candidates(step) * passages.mean
        some += passages.some[:_SOME]
    billed = counter.rehearsed(step).per_character(some, str(step.params["source"]))
    return Work({"character": mean}, timing=step.params["asked"], billed=billed)


def _resources(step: Step, task: str, engine: str) -> tuple[str, ...]:
    """Where requests are billed it is they that are paid, not the time."""
    return (the_engine if step.params.get("billed") else own_device)(step, task, engine)


def _did(step: Step, _: Usage, store: Store) -> float:
    """Characters translated while timing: as many requests as were made, at their mean length."""
    warmup = step.params["asked"]["warmup"]
    return _mean(step, store) * float(sum((each["n"] + warmup) * each["batch_size"] for each in _timings(step, store)))


def _timings(step: Step, store: Store) -> list[dict[str, Any]]:
    return list(read_json(store.artifact(step.id) / "latency.json"))


def _mean(step: Step, store: Store) -> float:
    """Mean characters of a request."""
    requests = _requests(step, store)
    return sum(len(text) for request in requests for text in request) / len(requests)


def _keys(step: Step, _: Find) -> tuple[str, ...]:
    return engine_keys(step, step.params.get("back"))


def _learn(found: Measurements, step: Step, usage: Usage, store: Store) -> None:
    """What was timed."""
    found.latencies.append(Timed(step, tuple(_timings(step, store)), _mean(step, store), found.where, usage.seconds))


LATENCY = Stage(
    _run,
    _work,
    alone=True,
    resources=_resources,
    unit="character",
    did=_did,
    keys=_keys,
    kin=ENGINE_KIN,
    else_like="translate",
    called="engine",
    learn=_learn,
)
