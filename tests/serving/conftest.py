"""One small finished run with every kind of cell that is served; made once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from served import DEPTH

import tiny_run
from crossfare.experiment import Run, run
from crossfare.store import Store


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
        {"method": "ensemble", "model": "target-encoder", "engines": ["echo", "open"]},
        {"method": "ensemble-strategy-2", "model": "target-encoder", "engines": ["echo"]},
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
