"""From a spec to a matrix of cells, to shared steps, to results.

Names are loaded when first used: translating one file needs nothing of what runs a matrix.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from crossfare.experiment.engine_list import EngineState, list_engines
    from crossfare.experiment.matrix import cells, missing, why_missing
    from crossfare.experiment.quality import score_translation
    from crossfare.experiment.record import Run
    from crossfare.experiment.runner import default_jobs, dry_run, planned_spending, run
    from crossfare.experiment.single import translate_file
    from crossfare.experiment.spec import Spec, load_spec, narrowed
    from crossfare.experiment.spec_reading import read_as

_HOME = {
    **dict.fromkeys(("EngineState", "list_engines"), "engine_list"),
    "score_translation": "quality",
    **dict.fromkeys(("default_jobs", "dry_run", "planned_spending", "run"), "runner"),
    "Run": "record",
    "translate_file": "single",
    **dict.fromkeys(("cells", "missing", "why_missing"), "matrix"),
    **dict.fromkeys(("Spec", "load_spec", "narrowed"), "spec"),
    "read_as": "spec_reading",
}

T = TypeVar("T")

__all__ = [
    "EngineState",
    "Run",
    "Spec",
    "cells",
    "default_folder",
    "default_jobs",
    "demo",
    "demo_spec",
    "dry_run",
    "list_engines",
    "load_spec",
    "missing",
    "narrowed",
    "planned_spending",
    "read_as",
    "run",
    "score_translation",
    "translate_file",
    "why_missing",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def demo_spec(*, seeds: tuple[int, ...] = ()) -> Spec:
    """The spec of the offline demo, with other seeds if given."""
    from crossfare.experiment.spec import load_spec

    spec = load_spec(Path(__file__).with_name("demo.yaml"))
    return spec.model_copy(update={"seeds": seeds}) if seeds else spec


def default_folder(whole: Spec, part: Spec) -> Path:
    """Where a run lies unless it is told: that of a part of a spec, or with other seeds, beside that of the whole."""
    names = [whole.name]
    names += [name for axis in ("tasks", "targets") for name in _other(getattr(whole, axis), getattr(part, axis))]
    names += [f"seed{seed}" for seed in _other(whole.seeds, part.seeds)]
    return Path("runs") / "-".join(names)


def _other(whole: Iterable[T], part: Iterable[T]) -> list[T]:
    return [] if list(part) == list(whole) else list(part)


def demo(
    *, targets: tuple[str, ...] = (), tasks: tuple[str, ...] = (), seeds: tuple[int, ...] = (), **options: Any
) -> Run:
    """Run the offline demo, or a part of it; ``options`` are those of `run`."""
    from crossfare.experiment.runner import run
    from crossfare.experiment.spec import narrowed

    spec = narrowed(demo_spec(seeds=seeds), targets=targets, tasks=tasks)
    return run(spec, **{"out": default_folder(demo_spec(), spec), **options})
