"""A whole comparison small enough for a test: real models of a few thousand weights, real steps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

import tiny_models
from crossfare.experiment import Spec, load_spec

TRAINING = {"max_steps": 2, "batch_size": 4, "max_length": 48, "learning_rate": 1.0e-3}


def task(name: str, **changes: Any) -> dict[str, Any]:
    """One task on a few examples of the embedded world."""
    data = {role: {"ref": f"world:{name}", "limit": size} for role, size in (("train", 12), ("test", 8), ("gold", 6))}
    return {**data, "training": TRAINING, "prediction": {"max_length": 96, "stride": 16}, **changes}


def spec(folder: Path, **changes: Any) -> Spec:
    """Zero-shot and translate-train (echo) for NLI into Portuguese, with ``changes``."""
    model = tiny_models.checkpoint("bert")
    values: dict[str, Any] = {
        "name": "tiny",
        "targets": ["pt"],
        "tasks": {"nli": task("nli")},
        "methods": ["zero-shot", "translate-train"],
        "models": {"target-encoder": model, "source-encoder": model},
        "engines": {"echo": {"engine": "echo", "label": "Echo"}},
        "prices": {"annotation": {"nli": "annotation-nli", "qa": "annotation-qa"}},
        "latency": {"repeats": 0},
        **changes,
    }
    path = folder / "tiny.yaml"
    path.write_text(yaml.safe_dump(values), encoding="utf-8")
    return load_spec(path)
