"""From a spec to a matrix of cells, to shared steps, to results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from crossfare.experiment.engines import EngineState, engine_table, list_engines
from crossfare.experiment.quality import score_line, score_translation
from crossfare.experiment.runner import Run, default_jobs, dry_run, run
from crossfare.experiment.single import translate_file, tune_markers
from crossfare.experiment.spec import Spec, cells, load_spec, missing, narrowed

__all__ = [
    "EngineState",
    "Run",
    "Spec",
    "cells",
    "default_jobs",
    "demo",
    "demo_spec",
    "dry_run",
    "engine_table",
    "list_engines",
    "load_spec",
    "missing",
    "narrowed",
    "run",
    "score_line",
    "score_translation",
    "translate_file",
    "tune_markers",
]


def demo_spec(*, seeds: tuple[int, ...] = ()) -> Spec:
    """The spec of the offline demo, with other seeds if given."""
    spec = load_spec(Path(__file__).with_name("demo.yaml"))
    return spec.model_copy(update={"seeds": seeds}) if seeds else spec


def demo(
    *, targets: tuple[str, ...] = (), tasks: tuple[str, ...] = (), seeds: tuple[int, ...] = (), **options: Any
) -> Run:
    """Run the offline demo, or a part of it; ``options`` are those of `run`."""
    return run(narrowed(demo_spec(seeds=seeds), targets=targets, tasks=tasks), **options)
