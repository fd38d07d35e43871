"""What each stage does when its step is executed: read inputs, call the library, write the artifact.

These functions run in worker processes. Each returns the `Usage` of its work, never money.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import cast

from crossfare import data, latency, meter, translate
from crossfare.data import artifact
from crossfare.data.collection import Collection
from crossfare.errors import DataError
from crossfare.experiment.files import (
    LATENCIES,
    SCORES,
    Execution,
    engine_of,
    input_data,
    inputs,
    memory_of,
    read_predictions,
    read_predictions_of,
    read_yield,
    write_predictions,
    write_yield,
)
from crossfare.experiment.qa_stages import answering_latency, back_project, translate_unmarked
from crossfare.experiment.quality import world_quality
from crossfare.experiment.ranking_stages import RANKING_STAGES, without_lost
from crossfare.store import Store, write_json
from crossfare.tasks import TASKS
from crossfare.types import (
    Dataset,
    Example,
    PairExample,
    Progress,
    QAExample,
    Step,
    Usage,
    Yield,
    content_revision,
)


def execute(step: Step, store: Store, progress: Progress | None = None) -> Usage:
    """Make a step unless it is done, and return what it consumed when it ran."""
    with store.making(step) as work:
        if work is None:
            return store.usage(step.id)
        with meter.energy() as metered:
            usage = _STAGES[step.stage](step, store, work, progress)
        usage = meter.with_energy(usage, metered.usage)
        store.finish(step, usage)
        return usage


def _dataset(step: Step, __: Store, work: Path, _: Progress | None) -> Usage:
    with meter.meter("cpu") as measured:
        loaded = load_data(step)
        artifact.write(loaded.dataset, work / "artifact")
        write_json(
            work / "artifact" / "report.json", {"summary": list(loaded.report.summary()), **asdict(loaded.report)}
        )
    annotated = len(loaded.dataset) if step.params.get("annotated") else None
    return replace(measured.usage, annotated=annotated)


def load_data(step: Step) -> data.Loaded:
    """Load the dataset of a step as it asks for it."""
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
        unescape=params.get("unescape", False),
        **{name: step.runtime[name] for name in ("collection", "qrels", "queries") if step.runtime.get(name)},
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
    original = input_data(step, store, "original")
    loaded = load_data(step)
    translated = loaded.dataset
    by_id: dict[str, Example] = {example.id: example for example in translated.examples}
    answers: list[translate.ProjectedAnswer] = []
    reasons: list[translate.Lost] = []
    if chosen := projection_of(step):
        sources = {example.id: example for example in original.examples if isinstance(example, QAExample)}
        pairs = [(sources[example.id], example) for example in loaded.unplaced if example.id in sources]
        recovered, answers, reasons = translate.recover_answers(pairs, chosen)
        by_id |= {example.id: example for example in recovered}
    kept = tuple(by_id[example.id] for example in original.examples if example.id in by_id)
    linted = translate.lint_examples(original.examples, kept, source=original.language, target=step.params["language"])
    if step.params.get("drop_bad"):
        kept = tuple(example for example in kept if example.id not in linted.flagged)
        reasons += linted.losses
    if not kept:
        raise DataError(
            f"{step.runtime['ref']}: no example has an id of the source training set, or lint let none pass"
        )
    left = {example.id for example in kept}
    lost = tuple(example.id for example in original.examples if example.id not in left)
    engine = step.params["engine"]
    artifact.write(replace(_with_examples(translated, kept), origin=engine), work / "artifact")
    explained = {"answers": [asdict(answer) for answer in answers if answer.id in left]} if chosen else {}
    report = {**explained, "lost": list(map(asdict, reasons)), "lint": linted.as_dict()}
    write_yield(work, Yield(len(kept), len(original), lost), {"report": report})
    return Usage(characters=billed_characters(original), hardware="provider", measured=False)


def projection_of(step: Step) -> translate.Projection | None:
    """How a step carries answers into its translation, where the spec says so."""
    chosen = step.runtime.get("projection")
    return translate.Projection(**chosen) if chosen else None


def billed_characters(dataset: Dataset) -> int:
    """Code points an API bills for a dataset: each context once, and in ranking each query and passage."""
    texts: list[str] = []
    once: set[str] = set()
    for example in dataset.examples:
        if isinstance(example, QAExample):
            texts.append(example.question)
            once.add(example.context)
        elif isinstance(example, PairExample):
            texts += example.texts
        else:
            once.update(example.texts)
    return sum(map(len, texts)) + sum(map(len, once))


def _translate(step: Step, store: Store, work: Path, progress: Progress | None) -> Usage:
    if step.params.get("unmarked"):
        return translate_unmarked(step, store, work, progress)
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
    if not result.dataset.examples:
        raise DataError(f"no example survived translation by {engine.name}; first loss: {result.report.lost[0].reason}")
    artifact.write(result.dataset, work / "artifact")
    quality = world_quality(result.dataset, step.params["target"])
    write_yield(work, result.yield_, {"report": result.report.as_dict(), "quality": quality})
    return result.usage


def _finetune(step: Step, store: Store, work: Path, progress: Progress | None) -> Usage:
    task = TASKS[step.params["task"]]
    validation = inputs(step, store, "validation")
    tuned = task.finetune(
        step.runtime["model"],
        [artifact.read(folder) for folder in inputs(step, store, "train")],
        validation=artifact.read(validation[0]) if validation else None,
        out=work / "artifact",
        hyper=task.hyperparameters(**step.runtime["training"]),
        seed=step.params["seed"],
        progress=progress,
        report_to=step.runtime["report_to"],
    )
    record = {"steps": tuned.steps, "train_loss": tuned.train_loss, "notes": list(tuned.notes), "log": list(tuned.log)}
    record |= {"model_notes": list(tuned.model_notes)} if tuned.model_notes else {}
    write_json(work / "artifact" / "training.json", record)
    return tuned.usage


def _predict(step: Step, store: Store, work: Path, progress: Progress | None) -> Usage:
    task = TASKS[step.params["task"]]
    model, dataset, options = str(inputs(step, store, "model")[0]), input_data(step, store), step.params["options"]
    if "candidates" in step.inputs:
        found = read_predictions(step, store, "candidates")
        run = without_lost(found, inputs(step, store, "passages")[0], depth=options.get("depth"))
        with Collection.open(inputs(step, store, "passages")[0]) as passages:
            predicted = task.predict(
                model, dataset, candidates=run, passages=passages, options=options, progress=progress
            )
    else:
        predicted = task.predict(model, dataset, options=options, progress=progress)
    write_predictions(predicted.predictions, work)
    return predicted.usage


def _score(step: Step, store: Store, work: Path, _: Progress | None) -> Usage:
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


def _latency(step: Step, store: Store, work: Path, progress: Progress | None) -> Usage:
    if "marked" in step.inputs:
        return answering_latency(step, store, work, progress)
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
        for done, size in enumerate(asked["batch_sizes"]):
            limits = {name: asked[name] for name in ("repeats", "warmup", "max_seconds")}
            latencies.append(latency.measure(serve, requests, batch_size=size, **limits))
            if progress:
                progress(done + 1, len(asked["batch_sizes"]))
    (work / "artifact" / "latency.json").write_bytes(LATENCIES.dump_json(tuple(latencies)))
    return sent if step.params.get("billed") or sent.served_seconds is not None else measured.usage


def _ensemble(step: Step, store: Store, work: Path, _: Progress | None) -> Usage:
    with meter.meter("cpu") as measured:
        models = [read_predictions_of(folder) for folder in inputs(step, store, "predictions")]
        combined = TASKS[step.params["task"]].combine(models, input_data(step, store))
    write_predictions(combined, work)
    return measured.usage


def _requests(step: Step, store: Store) -> list[tuple[str, ...]]:
    """The texts that serving sends for each input: in ranking by strategy 2, its candidates too."""
    examples = input_data(step, store).examples
    if "candidates" not in step.inputs:
        return [example.texts for example in examples]
    found = {run.id: [name for name, _ in run.scores] for run in read_predictions(step, store, "candidates")}
    with Collection.open(inputs(step, store, "passages")[0]) as passages:
        return [(*example.texts, *(passages[name] for name in found[example.id])) for example in examples]


_STAGES: dict[str, Execution] = {
    "dataset": _dataset,
    "existing": _existing,
    "translate": _translate,
    "finetune": _finetune,
    "predict": _predict,
    "score": _score,
    "latency": _latency,
    "ensemble": _ensemble,
    "back-project": back_project,
    **RANKING_STAGES,
}
