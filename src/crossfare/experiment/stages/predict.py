"""Let a fine-tuned model answer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from crossfare.data import artifact
from crossfare.data.collection import Collection
from crossfare.experiment.files import input_data, inputs, read_predictions, read_step, write_predictions
from crossfare.experiment.stages import tokens
from crossfare.experiment.stages.finetune import FINETUNE, learn_ratio, parameters
from crossfare.experiment.stages.keys import Find, model_keys
from crossfare.experiment.stages.loading import billed_characters
from crossfare.experiment.stages.translate_candidates import without_lost
from crossfare.experiment.stages.work import Work
from crossfare.store import Store
from crossfare.tasks import TASKS
from crossfare.types import Progress, Step, Usage

if TYPE_CHECKING:
    from crossfare.experiment.forecast.counting import Counter
    from crossfare.experiment.forecast.measurements import Measurements


def _run(step: Step, store: Store, work: Path, progress: Progress | None) -> Usage:
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


def _work(step: Step, counter: Counter) -> Work:
    model = counter.steps[step.inputs["model"][0]]
    made, options = counter.datasets.read_by(step), step.params["options"]
    ratio = counter.ratio(model, made.dataset.language)
    if ratio is None:
        return Work(exact=False, lacking=f"tokens per character in {made.dataset.language}")
    if "candidates" not in step.inputs:
        read = TASKS[step.params["task"]].inference_tokens(made.dataset.examples, ratio * made.stretch, options)
        return Work({"token": read * made.copies, "example": float(made.examples)}, exact=False)
    passages = counter.collections.read_by(step)
    pairs = made.examples * counter.collections.candidates(step)
    query = made.stretch * billed_characters(made.dataset) / max(1, len(made.dataset))
    read = pairs * tokens.pair_tokens(query, passages.mean, ratio, int(options["max_length"]))
    return Work({"token": read, "example": pairs}, exact=False)


def _keys(step: Step, find: Find) -> tuple[str, ...]:
    model = find(step.inputs["model"][0])
    longest = str(step.params["options"].get("max_length"))
    return model_keys(model, str(step.params["task"]), longest) if model else ()


def _learn(found: Measurements, step: Step, usage: Usage, store: Store) -> None:
    """Tokens per character of a model."""
    model = read_step(store, step.inputs["model"][0])
    if usage.input_tokens is None or "candidates" in step.inputs or model is None:
        return
    dataset, options = artifact.read(store.artifact(step.inputs["data"][0])), step.params["options"]

    def count(ratio: float) -> float:
        return TASKS[step.params["task"]].inference_tokens(dataset.examples, ratio, options)

    learn_ratio(found, step, model, dataset.language, tokens.solve(float(usage.input_tokens), count))


def _size(step: Step, store: Store) -> int | None:
    return parameters(inputs(step, store, "model")[0])


PREDICT = replace(FINETUNE, run=_run, work=_work, weight=4, keys=_keys, learn=_learn, size=_size)
