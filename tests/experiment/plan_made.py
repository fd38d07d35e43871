"""Runs made without a model: real data and translations, and seconds that follow from the work exactly."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import yaml

from crossfare import data
from crossfare.data import artifact
from crossfare.experiment import Run, Spec, load_spec, run
from crossfare.experiment.cell import distinct
from crossfare.experiment.files import PREDICTIONS
from crossfare.experiment.stages import execute, tokens
from crossfare.experiment.steps import Planner
from crossfare.store import Store
from crossfare.tasks import TASKS
from crossfare.types import Answer, Dataset, Example, PairExample, Prediction, QAExample, Step, Usage

RATIO = 0.25
TRAINING_SECONDS = 2e-4
INFERENCE_SECONDS = 5e-5

_LABELS = ("entailment", "neutral", "contradiction")
_TOWNS = ("Lisbon", "Porto", "Faro")
_WORDS = ("a red fox", "two grey geese", "the old man", "nobody at all", "every one of them", "my cousin's dog")


def pairs(count: int, language: str, split: str) -> Dataset:
    """Pairs of various lengths; premises come again, as in MNLI."""
    examples = tuple(
        PairExample(
            f"{split}{i}",
            f"{_WORDS[i // 3 % 6].capitalize()} sat by {_WORDS[i // 2 % 5]} in {language}." + " It was late." * (i % 4),
            f"{_WORDS[i % 6].capitalize()} did not stand, number {i}.",
            _LABELS[i % 3],
        )
        for i in range(count)
    )
    return Dataset("pairs", "nli", split, language, examples)


def questions(count: int, language: str, split: str) -> Dataset:
    """Questions about paragraphs of several sentences, three for each; every other answer has a second form."""
    examples = []
    for i in range(count):
        town = _TOWNS[i % 3]
        context = f"Paragraph {i // 3} is about towns. One lives in {town} in {language}. Nobody asked. " * (1 + i // 3)
        first = Answer(town, context.index(town))
        second = Answer(f"in {town}", context.index(f"in {town}"))
        examples.append(QAExample(f"{split}{i}", context, f"Where does one live, {i}?", (first, second)[: 1 + i % 2]))
    return Dataset("questions", "qa", split, language, tuple(examples))


def spec(folder: Path, *, tasks: tuple[str, ...] = ("nli", "qa"), **changes: Any) -> Spec:
    """NLI and QA into Portuguese with an API and an engine of one's own, neither of which needs a model."""
    for name in ("target-model", "source-model"):
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / "config.json").write_text(f'{{"name": "{name}"}}')
    for task, make in (("nli", pairs), ("qa", questions)):
        for split, language, count in (("train", "en", 30), ("test", "pt", 24), ("gold", "pt", 9)):
            path = folder / f"{task}-{split}" / artifact.FILE_NAME
            artifact.write(make(count, language, split), path.parent)
    marked = {"projection": "markers"}  # there is no encoder to align with
    values: dict[str, Any] = {
        "name": "made",
        "targets": ["pt"],
        "tasks": {
            task: {
                "train": f"{task}-train",
                "test": f"{task}-test",
                "gold": f"{task}-gold",
                "training": {"epochs": 2, "batch_size": 8, "max_length": 64, "stride": 16},
                "prediction": {"max_length": 64, "stride": 16},
            }
            for task in tasks
        },
        "methods": ["zero-shot", "translate-train", "translate-infer", "in-language"],
        "models": {"target-encoder": str(folder / "target-model"), "source-encoder": str(folder / "source-model")},
        "engines": {
            "api": {
                "engine": "echo",
                "options": {"name": "api"},
                "price": "google-translate",
                "label": "API",
                "kind": "commercial",
                **marked,
            },
            "own": {"engine": "echo", "options": {"name": "own", "granularity": "sentence"}, "label": "Own"} | marked,
        },
        "latency": {"repeats": 0},
        **changes,
    }
    path = folder / "made.yaml"
    path.write_text(yaml.safe_dump(values), encoding="utf-8")
    return load_spec(path)


def finish(spec: Spec, store: Store) -> tuple[Step, ...]:
    """Make every step of a spec: all that needs no model, and what a model would have used."""
    steps = distinct(step for cell in Planner(spec).plan() for step in cell.all)
    for step in steps:
        if step.stage in {"finetune", "predict"}:
            _pretend(step, store)
        else:
            execute(step, store)
    return steps


def made_run(folder: Path, **changes: Any) -> tuple[Run, Spec, Store]:
    """A finished run directory, its spec and its cache."""
    made, store = spec(folder, **changes), Store(folder / "cache")
    finish(made, store)
    return run(made, out=folder / "out", store=store, quiet=True), made, store


def _pretend(step: Step, store: Store) -> None:
    with store.making(step) as work:
        if work is None:
            return
        if step.stage == "finetune":
            examples = [e for name in step.inputs["train"] for e in artifact.read(store.artifact(name)).examples]
            settings = step.params["training"]
            read, features = TASKS[step.params["task"]].training_tokens(examples, RATIO, settings)
            read *= tokens.epochs(settings, features)
            (work / "artifact" / "training.json").write_text("{}", encoding="utf-8")
            usage = Usage(seconds=TRAINING_SECONDS * round(read), input_tokens=round(read), hardware="cpu")
        else:
            asked = artifact.read(store.artifact(step.inputs["data"][0])).examples
            read = TASKS[step.params["task"]].inference_tokens(asked, RATIO, step.params["options"])
            usage = Usage(seconds=INFERENCE_SECONDS * round(read), input_tokens=round(read), hardware="cpu")
            answers = tuple(_answer(example) for example in asked)
            (work / "artifact" / "predictions.json").write_bytes(PREDICTIONS.dump_json(answers))
        store.finish(step, usage)


def _answer(example: Example) -> Prediction:
    if isinstance(example, QAExample):
        town = next(town for town in _TOWNS if town in example.context)
        return Prediction(example.id, town, example.context.index(town), ((town, 1.0),))
    return Prediction(example.id, str(cast("PairExample", example).label))


def saved(dataset: Dataset, path: Path) -> Path:
    """Write a dataset in the format of the path's suffix."""
    data.save(replace(dataset), path)
    return path
