"""Fine-tune a model."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from crossfare.data import artifact
from crossfare.errors import DataError
from crossfare.experiment.files import inputs
from crossfare.experiment.stages import tokens
from crossfare.experiment.stages.keys import MODEL_KIN, Find, called, model_keys
from crossfare.experiment.stages.stage import Stage
from crossfare.experiment.stages.work import Work
from crossfare.store import Store, write_json
from crossfare.strict import parse_json
from crossfare.tasks import TASKS
from crossfare.types import Progress, Step, Usage, digest

if TYPE_CHECKING:
    from crossfare.experiment.forecast.counting import Counter
    from crossfare.experiment.forecast.measurements import Measurements

# What of the hyperparameters changes how long a token takes, not how many there are.
_COSTLY = ("batch_size", "max_length", "crop", "freeze_layers", "freeze_embeddings", "precision", "optimizer", "loss")


def _run(step: Step, store: Store, work: Path, progress: Progress | None) -> Usage:
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


def _work(step: Step, counter: Counter) -> Work:
    task, settings = TASKS[step.params["task"]], step.params["training"]
    read, features = 0.0, 0
    for train in step.inputs["train"]:
        made = counter.datasets.made_by(train)
        ratio = counter.ratio(step, made.dataset.language)
        if ratio is None:
            return Work(exact=False, lacking=f"tokens per character in {made.dataset.language}")
        count, rows = task.training_tokens(made.dataset.examples, ratio * made.stretch, settings)
        read, features = read + count * made.copies, features + round(rows * made.copies)
    times = tokens.epochs(settings, features)
    steps = settings.get("max_steps") or times * features / settings["batch_size"]
    return Work({"token": read * times, "step": float(steps), "example": times * features}, exact=False)


def tokens_read(_: Step, usage: Usage, __: Store) -> float | None:
    """How much a model read."""
    return usage.input_tokens


def _keys(step: Step, _: Find) -> tuple[str, ...]:
    settings = digest({name: step.params["training"].get(name) for name in _COSTLY}, 8)
    return model_keys(step, str(step.params["task"]), settings)


def _learn(found: Measurements, step: Step, usage: Usage, store: Store) -> None:
    """Tokens per character of a model that read a single dataset."""
    task = TASKS[step.params["task"]]
    if usage.input_tokens is None or len(step.inputs["train"]) != 1 or task.searches:
        return
    dataset, settings = artifact.read(store.artifact(step.inputs["train"][0])), step.params["training"]

    def count(ratio: float) -> float:
        read, features = task.training_tokens(dataset.examples, ratio, settings)
        return read * tokens.epochs(settings, features)

    learn_ratio(found, step, step, dataset.language, tokens.solve(float(usage.input_tokens), count))


def learn_ratio(found: Measurements, step: Step, model: Step, language: str, ratio: float | None) -> None:
    """Keep what ``step`` tells of a model's tokens per character, under its revision and its name."""
    if ratio is not None:
        for name in (str(model.params["model"]), called(model)):
            found.ratios[name, language].append((step.id, ratio))


def parameters(folder: Path) -> int | None:
    """The number of a checkpoint's weights without its embeddings; None if it has no safetensors file."""
    try:
        with (folder / "model.safetensors").open("rb") as file:
            length = min(int.from_bytes(file.read(8), "little"), _LONGEST_HEADER)
            header = parse_json(file.read(length), f"{folder}, header")
        kept = [each["shape"] for name, each in header.items() if name != "__metadata__" and "embed" not in name]
        total = sum(int(math.prod(shape)) for shape in kept)
    except (OSError, DataError, AttributeError, KeyError, TypeError, ValueError):
        return None
    return total if total else None


def _size(step: Step, store: Store) -> int | None:
    return parameters(store.artifact(step.id))


_LONGEST_HEADER = 100_000_000  # bytes, as safetensors itself has it

FINETUNE = Stage(
    _run,
    _work,
    packages=("torch", "transformers"),
    weight=30,
    unit="token",
    did=tokens_read,
    keys=_keys,
    kin=MODEL_KIN,
    called="checkpoint",
    learn=_learn,
    size=_size,
)
