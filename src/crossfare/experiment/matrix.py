"""The matrix of a spec: which cells there are, and why others that it asks for cannot be run."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

from crossfare.experiment.methods import method
from crossfare.experiment.spec import ExtraCells, Spec
from crossfare.types import Method, RunSpec, TaskName

_Engines = tuple[str | None, str | None]
"""The engine of a cell, and that of its training data if it is another one."""


def cells(spec: Spec) -> tuple[RunSpec, ...]:
    """Expand the matrix, in the order of the paper's tables: task, method, engine, model, target.

    A cell that cannot exist (no gold data, no existing translation) is left out; `missing` names
    it, so that a table can say why it is empty.
    """
    return tuple(cell for cell, reason in _combinations(spec) if reason is None)


def missing(spec: Spec) -> tuple[tuple[RunSpec, str], ...]:
    """The cells of the matrix that cannot be run, each with its reason."""
    return tuple((cell, reason) for cell, reason in _combinations(spec) if reason is not None)


def _combinations(spec: Spec) -> Iterator[tuple[RunSpec, str | None]]:
    rows = [ExtraCells(method=name, model=model) for name in spec.methods for model in method(name).models]
    for task, task_spec in spec.tasks.items():
        for asked in (*rows, *spec.extra_cells):
            row = method(asked.method)
            if task not in row.tasks or (asked.tasks and task not in asked.tasks):
                continue
            tried = (name for name, engine in spec.engines.items() if engine.is_tried_with(task, row.name))
            engines = (asked.engines or tuple(tried)) if row.translates else (None,)
            for engine, trainer in product(engines, asked.train_engines or (None,)):
                made_by = (engine, None if trainer == engine else trainer)
                for target in (t for t in spec.targets if t in task_spec.test or "*" in task_spec.test):
                    yield from _cells_of(spec, task, row, asked.model, made_by, target)


def _cells_of(
    spec: Spec, task: TaskName, row: Method, model: str, engines: _Engines, target: str
) -> Iterator[tuple[RunSpec, str | None]]:
    reason = _why_not(spec, task, row, engines, target)
    engine, trainer = engines
    made_by: dict[str, Any] = {
        "engine": engine,
        "engine_label": _label(spec, engine),
        "train_engine": trainer,
        "train_engine_label": _label(spec, trainer),
    }
    sizes = (*spec.tasks[task].gold_sizes, None) if row.train_on == ("target",) else (None,)
    seeds = spec.seeds if row.train_on else spec.seeds[:1]  # nothing is left to chance without training
    for size, checkpoint, seed in product(sizes, spec.checkpoints(model, target), seeds):
        cell = {"seed": seed, "checkpoint": checkpoint, "gold_size": size, **made_by}
        yield RunSpec(task, row.name, model, spec.source, target, **cell), reason


def _label(spec: Spec, engine: str | None) -> str | None:
    return (spec.engines[engine].label or engine) if engine else None


def _why_not(spec: Spec, task: TaskName, row: Method, engines: _Engines, target: str) -> str | None:
    gold = spec.tasks[task].gold
    if "target" in row.train_on and target not in gold and "*" not in gold:
        return f"no gold training data in {target}"
    if row.translates and target == spec.source:
        return "the source language needs no translation"
    engine, trainer = engines
    if engine is None:
        return None
    infers = row.infer_on == "translated"
    if trainer is None:
        return _why_no_translation(spec, task, engine, target, trains=row.trains_on_translation, infers=infers)
    return _why_no_translation(spec, task, trainer, target, trains=True, infers=False) or _why_no_translation(
        spec, task, engine, target, trains=False, infers=infers
    )


def _why_no_translation(
    spec: Spec, task: TaskName, engine: str, target: str, *, trains: bool, infers: bool
) -> str | None:
    given = spec.engines[engine]
    if given.engine == "existing":
        if infers:
            return f"{engine} is an existing translation of the training set only"
        return None if target in given.existing.get(task, {}) else f"no existing {engine} translation into {target}"
    ways = [(spec.source, target)] if trains else []
    ways += [(target, spec.source)] if infers else []
    for a, b in ways if given.models else []:
        if given.model_for(task, a, b) is None:
            return f"engine {engine} has no model for {task} {a}-{b} (there: {', '.join(given.models)})"
    return None
