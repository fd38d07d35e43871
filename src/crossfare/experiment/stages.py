"""What each stage does when its step is executed: read inputs, call the library, write the artifact.

These functions run in worker processes. Each returns the `Usage` of its work, never money.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from pydantic import TypeAdapter

from crossfare import data, latency, meter, translate
from crossfare.data import artifact
from crossfare.errors import DataError
from crossfare.experiment.engines import make_engine
from crossfare.store import Store, write_json
from crossfare.tasks import TASKS
from crossfare.types import (
    Dataset,
    Engine,
    Example,
    Latency,
    Prediction,
    Progress,
    QAExample,
    Score,
    Step,
    TaskName,
    Usage,
    Yield,
    canonical_json,
    content_revision,
)

PREDICTIONS = TypeAdapter(tuple[Prediction, ...])
SCORES = TypeAdapter(tuple[Score, ...])
LATENCIES = TypeAdapter(tuple[Latency, ...])
YIELD = TypeAdapter(Yield)

Execution = Callable[[Step, Store, Path, Progress | None], Usage]


def execute(step: Step, store: Store, progress: Progress | None = None) -> Usage:
    """Make a step unless it is done, and return what it consumed when it ran."""
    with store.making(step) as work:
        if work is None:
            return store.usage(step.id)
        usage = _STAGES[step.stage](step, store, work, progress)
        store.finish(step, usage)
        return usage


def _inputs(step: Step, store: Store, role: str) -> list[Path]:
    return [store.artifact(step_id) for step_id in step.inputs.get(role, ())]


def _input_data(step: Step, store: Store, role: str = "data") -> Dataset:
    return artifact.read(_inputs(step, store, role)[0])


def _dataset(step: Step, __: Store, work: Path, _: Progress | None) -> Usage:
    with meter.meter("cpu") as measured:
        loaded = _load(step)
        artifact.write(loaded.dataset, work / "artifact")
        write_json(
            work / "artifact" / "report.json", {"summary": list(loaded.report.summary()), **asdict(loaded.report)}
        )
    annotated = len(loaded.dataset) if step.params.get("annotated") else None
    return replace(measured.usage, annotated=annotated)


def _load(step: Step) -> data.Loaded:
    params, ref = step.params, cast("str", step.runtime["ref"])
    kept_ids = step.runtime["ids_of"]
    loaded = data.load(
        ref,
        task=params["task"],
        language=params["language"],
        split=params["split"],
        format=params.get("format"),
        limit=None if kept_ids else params.get("limit"),
        seed=params["seed"],
        labels=params.get("labels"),
    )
    if not kept_ids:
        return loaded
    wanted = {example.id for example in data.load(kept_ids, task=params["task"]).dataset.examples}
    examples = tuple(example for example in loaded.dataset.examples if example.id in wanted)[: params.get("limit")]
    if not examples:
        raise DataError(f"{ref}: no example has an id of {kept_ids}; check ids_of in the spec")
    return replace(loaded, dataset=_with_examples(loaded.dataset, examples))


def _with_examples(dataset: Dataset, examples: tuple[Example, ...]) -> Dataset:
    return replace(dataset, examples=examples, revision=content_revision(examples))


def _existing(step: Step, store: Store, work: Path, _: Progress | None) -> Usage:
    """Take a translation that lies on disk: the examples of the original, matched by id."""
    original = _input_data(step, store, "original")
    translated = _load(step).dataset
    by_id = {example.id: example for example in translated.examples}
    kept = tuple(by_id[example.id] for example in original.examples if example.id in by_id)
    if not kept:
        raise DataError(f"{step.runtime['ref']}: no example has an id of the source training set")
    lost = tuple(example.id for example in original.examples if example.id not in by_id)
    engine = step.params["engine"]
    artifact.write(replace(_with_examples(translated, kept), origin=engine), work / "artifact")
    _write_yield(work, Yield(len(kept), len(original), lost), {})
    return Usage(characters=_characters(original), hardware="provider", measured=False)


def _characters(dataset: Dataset) -> int:
    """Code points an API bills for a dataset, each context once."""
    contexts = {example.context for example in dataset.examples if isinstance(example, QAExample)}
    texts = [
        example.question if isinstance(example, QAExample) else example.premise + example.hypothesis
        for example in dataset.examples
    ]
    return sum(map(len, contexts)) + sum(map(len, texts))


def _write_yield(work: Path, yield_: Yield, details: dict[str, Any]) -> None:
    write_json(work / "artifact" / "yield.json", {**json.loads(YIELD.dump_json(yield_)), **details})


@lru_cache(maxsize=2)
def _engine(name: str, options: str) -> Engine:
    """One engine per worker process: loading a model costs more than many a translation."""
    return make_engine(name, json.loads(options))


def _translate(step: Step, store: Store, work: Path, progress: Progress | None) -> Usage:
    engine = _engine(step.runtime["engine"], canonical_json(step.runtime["options"]))
    markers = step.params["markers"]
    result = translate.translate_dataset(
        _input_data(step, store),
        engine,
        target=step.params["target"],
        memory=translate.TranslationMemory(store.root / "memory.sqlite"),
        markers=translate.Markers(*markers) if markers else None,
        progress=progress,
    )
    if not result.dataset.examples:
        raise DataError(
            f"{step.label}: no example survived translation by {engine.name}; "
            "use an engine that keeps answer delimiters (crossfare tune-markers makes one)"
        )
    artifact.write(result.dataset, work / "artifact")
    _write_yield(work, result.yield_, {"report": result.report.as_dict()})
    return result.usage


def _finetune(step: Step, store: Store, work: Path, progress: Progress | None) -> Usage:
    task = TASKS[cast("TaskName", step.params["task"])]
    validation = _inputs(step, store, "validation")
    tuned = task.finetune(
        step.runtime["model"],
        [artifact.read(folder) for folder in _inputs(step, store, "train")],
        validation=artifact.read(validation[0]) if validation else None,
        out=work / "artifact",
        hyper=task.hyperparameters(**step.runtime["training"]),
        seed=step.params["seed"],
        progress=progress,
        report_to=step.runtime["report_to"],
    )
    record = {"steps": tuned.steps, "train_loss": tuned.train_loss, "notes": list(tuned.notes), "log": list(tuned.log)}
    write_json(work / "artifact" / "training.json", record)
    return tuned.usage


def _predict(step: Step, store: Store, work: Path, progress: Progress | None) -> Usage:
    task = TASKS[cast("TaskName", step.params["task"])]
    model = _inputs(step, store, "model")[0]
    predicted = task.predict(str(model), _input_data(step, store), options=step.params["options"], progress=progress)
    (work / "artifact" / "predictions.json").write_bytes(PREDICTIONS.dump_json(predicted.predictions))
    return predicted.usage


def _score(step: Step, store: Store, work: Path, _: Progress | None) -> Usage:
    task = TASKS[cast("TaskName", step.params["task"])]
    predictions = PREDICTIONS.validate_json((_inputs(step, store, "predictions")[0] / "predictions.json").read_bytes())
    with meter.meter("cpu") as measured:
        scores = task.score(_input_data(step, store), predictions, **step.params["options"])
    (work / "artifact" / "scores.json").write_bytes(SCORES.dump_json(scores))
    return measured.usage


def _latency(step: Step, store: Store, work: Path, progress: Progress | None) -> Usage:
    engine = _engine(step.runtime["engine"], canonical_json(step.runtime["options"]))
    examples = _input_data(step, store).examples
    asked = step.params["asked"]

    def serve(batch: Sequence[Example]) -> None:
        texts = [text for example in batch for text in translate.texts_of(example)]
        translate.translate_texts(texts, engine, source=step.params["source"], target=step.params["target"])

    with meter.meter() as measured:
        latencies = []
        for done, size in enumerate(asked["batch_sizes"]):
            latencies.append(
                latency.measure(serve, examples, batch_size=size, repeats=asked["repeats"], warmup=asked["warmup"])
            )
            if progress:
                progress(done + 1, len(asked["batch_sizes"]))
    (work / "artifact" / "latency.json").write_bytes(LATENCIES.dump_json(tuple(latencies)))
    return measured.usage


_STAGES: dict[str, Execution] = {
    "dataset": _dataset,
    "existing": _existing,
    "translate": _translate,
    "finetune": _finetune,
    "predict": _predict,
    "score": _score,
    "latency": _latency,
}
