"""One small finished run with every kind of cell that is served; made once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import tiny_run
from crossfare.data import artifact
from crossfare.experiment import Run, run
from crossfare.experiment.files import PREDICTIONS
from crossfare.serving.messages import NLIRequest, QARequest, RankingRequest, Request
from crossfare.serving.parts import Parts, StepRecord
from crossfare.store import Store
from crossfare.types import Prediction

DEPTH = 6


def spec_changes() -> dict[str, Any]:
    """Both tasks that read, and ranking; echo translates everything, a real model what is asked in QA and NLI."""
    pairs = {"ref": "world:nli", "limit": 8}
    ranking = tiny_run.task(
        "ranking",
        ranking={"depth": DEPTH, "negatives": 2, "mining_depth": 4},
        training={**tiny_run.TRAINING, "optimizer": "adamw", "loss": "listwise"},
        prediction={"max_length": 48},
    )
    models = {
        "qa:*-en": "embedded:marian-xx-en-marked",
        "qa:en-*": "embedded:marian-en-xx-marked",
        "*-en": "embedded:marian-xx-en",
        "en-*": "embedded:marian-en-xx",
    }
    translating = [
        {"method": "translate-train", "model": "target-encoder", "engines": ["echo"]},
        {"method": "translate-infer", "model": "target-encoder", "engines": ["echo", "open"]},
        {"method": "translate-infer", "model": "target-encoder", "engines": ["looked-up"], "tasks": ["nli"]},
        {"method": "translate-infer-strategy-1", "model": "target-encoder", "engines": ["echo"]},
        {"method": "translate-infer-strategy-2", "model": "target-encoder", "engines": ["echo", "open"]},
    ]
    return {
        "name": "served",
        "targets": ["pt", "de"],
        "tasks": {
            "qa": tiny_run.task("qa", test={"pt": {"ref": "world:qa", "limit": 8}}),
            "nli": tiny_run.task("nli", test={"pt": pairs, "de": {**pairs, "labels": "two-class"}}),
            "ranking": {**ranking, "test": {"pt": {"ref": "world:ranking", "limit": 8}}},
        },
        "methods": ["bm25", "bi-encoder", "zero-shot"],
        "extra_cells": translating,
        "engines": {
            "echo": {"engine": "echo", "label": "Echo"},
            "open": {"engine": "ctranslate2", "models": models},
            "looked-up": {"engine": "reference", "options": {"parallel": "world"}, "price": "google-translate"},
        },
        "seeds": [0, 1],
        "prices": {},
    }


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The run."""
    folder = tmp_path_factory.mktemp("served")
    store = Store(folder / "cache")
    return run(tiny_run.spec(folder, **spec_changes()), out=folder / "out", jobs=2, store=store, quiet=True)


@pytest.fixture(scope="session")
def folder(finished: Run) -> Path:
    """Its run directory."""
    return finished.folder


def predictions(parts: Parts, step: StepRecord | None = None) -> tuple[Prediction, ...]:
    """What the run itself predicted for a cell."""
    return PREDICTIONS.validate_json((parts.artifact(step or parts.answering) / "predictions.json").read_bytes())


def asked(parts: Parts) -> list[Request]:
    """The cell's test set as raw requests in the target language."""
    step = parts.source(parts.answering, "data")
    while step.stage != "dataset":
        step = parts.source(step, "data")
    return [request(example) for example in artifact.read(parts.artifact(step)).examples]


def request(example: Any) -> Request:
    """An example as a request."""
    if hasattr(example, "context"):
        return QARequest(id=example.id, context=example.context, question=example.question)
    if hasattr(example, "premise"):
        return NLIRequest(id=example.id, premise=example.premise, hypothesis=example.hypothesis)
    return RankingRequest(id=example.id, query=example.query)
