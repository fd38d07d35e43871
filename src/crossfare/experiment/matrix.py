"""The matrix of a spec: which cells there are, and why others that it asks for cannot be run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

from crossfare.errors import ConfigError
from crossfare.experiment.methods import method
from crossfare.experiment.spec import ExtraCells, Spec
from crossfare.types import Method, RunSpec, TaskName

_Engines = tuple[str | None, str | None]
"""The engine of a cell, and that of its training data if it is another one."""


def cells(spec: Spec) -> tuple[RunSpec, ...]:
    """Expand the matrix, in the order of the paper's tables: task, method, engine, model, target.

    A cell that cannot exist (no gold data, no existing translation) is left out; `missing` names
    it, so that a table can say why it is empty.

    Raises:
        ConfigError: a cell is asked for twice.
    """
    found = tuple(cell for cell, reason in _combinations(spec) if reason is None)
    if twice := [cell for cell, times in Counter(found).items() if times > 1]:
        raise ConfigError(f"spec {spec.name!r} asks for {twice[0].id} twice; leave it out of extra_cells")
    return found


def missing(spec: Spec) -> tuple[tuple[RunSpec, str], ...]:
    """The cells that are asked for and cannot be run, each with its reason.

    A method is asked for in every task of the spec that it exists for; one that exists for none of them is missing
    in all. An engine that says which tasks and methods it is tried with is asked for nothing else.
    """
    found = dict.fromkeys(pair for pair in _combinations(spec) if pair[1] is not None)
    return tuple((cell, str(reason)) for cell, reason in found)


def why_missing(absent: Sequence[tuple[RunSpec, str]]) -> tuple[str, ...]:
    """The reasons in lines, one for all cells that share it."""
    alike: dict[str, dict[str, list[str]]] = {}
    for cell, reason in absent:
        engines = f" with {'+'.join(cell.engines)}" if cell.engines else ""
        targets = alike.setdefault(reason, {}).setdefault(f"{cell.task} {cell.variant}{engines}", [])
        if cell.target not in targets:
            targets.append(cell.target)
    return tuple(f"not run: {'; '.join(map(_row_in, rows, rows.values()))}: {reason}" for reason, rows in alike.items())


def _row_in(what: str, targets: Sequence[str]) -> str:
    return f"{what} ({', '.join(targets)})"


def _combinations(spec: Spec) -> Iterator[tuple[RunSpec, str | None]]:
    rows = [ExtraCells(method=name, model=model) for name in spec.methods for model in method(name).models]
    for task in dict.fromkeys((*spec.tasks, *(task for extra in spec.extra_cells for task in extra.tasks))):
        for asked in (*rows, *spec.extra_cells):
            if _is_asked(spec, task, asked):
                yield from _row(spec, task, asked)


def _is_asked(spec: Spec, task: TaskName, asked: ExtraCells) -> bool:
    """Whether a row is meant for a task: it names it, or it names none and is not for other tasks of the spec alone."""
    known = method(asked.method).tasks
    if asked.tasks:
        return task in asked.tasks
    return task in spec.tasks and (task in known or not spec.tasks.keys() & {*known})


def _row(spec: Spec, task: TaskName, asked: ExtraCells) -> Iterator[tuple[RunSpec, str | None]]:
    row = method(asked.method)
    reason = _why_no_row(spec, task, row)
    engines: tuple[str | None, ...] = (None,)
    if row.translates and not reason:
        tried = tuple(name for name, engine in spec.engines.items() if engine.is_tried_with(task, row.name))
        engines = asked.engines or tried
        reason = None if engines else _why_no_engine(spec, task)
    for engine, trainer in product(engines or (None,), (None,) if reason else asked.train_engines or (None,)):
        made_by = (engine, None if trainer == engine else trainer)
        for target in spec.targets:
            yield from _cells_of(spec, task, row, asked.model, made_by, target, reason)


def _why_no_row(spec: Spec, task: TaskName, row: Method) -> str | None:
    if task not in spec.tasks:
        return f"the spec has no task {task}"
    *others, last = row.tasks
    only = f"{', '.join(others)} and {last}" if others else last
    return None if task in row.tasks else f"{row.name} is a method of {only} only"


def _why_no_engine(spec: Spec, task: TaskName) -> str:
    if not spec.engines:
        return "it translates, and the spec names no engine"
    return f"it translates, and no engine ({', '.join(spec.engines)}) is to be tried with it in {task}"


def _cells_of(
    spec: Spec, task: TaskName, row: Method, model: str, engines: _Engines, target: str, reason: str | None
) -> Iterator[tuple[RunSpec, str | None]]:
    """The cells of a row in one language; ``reason`` is why there is none in any language, if so."""
    reason = reason or _why_not(spec, task, row, engines, target)
    engine, trainer = engines
    made_by: dict[str, Any] = {
        "engine": engine,
        "engine_label": _label(spec, engine),
        "train_engine": trainer,
        "train_engine_label": _label(spec, trainer),
    }
    known = spec.tasks.get(task)
    sizes = (*known.gold_sizes, None) if known and row.train_on == ("target",) else (None,)
    seeds = spec.seeds if row.train_on else spec.seeds[:1]  # nothing is left to chance without training
    for size, checkpoint, seed in product(sizes, _checkpoints(spec, model, target, reason), seeds):
        cell = {"seed": seed, "checkpoint": checkpoint, "gold_size": size, **made_by}
        yield RunSpec(task, row.name, model, spec.source, target, **cell), reason


def _checkpoints(spec: Spec, model: str, target: str, reason: str | None) -> tuple[str, ...]:
    try:
        return spec.checkpoints(model, target)
    except ConfigError:
        if reason is None:
            raise
        return ("",)


def _label(spec: Spec, engine: str | None) -> str | None:
    """How tables name an engine: by its label, with its name where another has that label too."""
    if engine is None:
        return None
    labels = [given.label or name for name, given in spec.engines.items()]
    label = spec.engines[engine].label or engine
    return f"{label}, {engine}" if labels.count(label) > 1 else label


def _why_not(spec: Spec, task: TaskName, row: Method, engines: _Engines, target: str) -> str | None:
    test, gold = spec.tasks[task].test, spec.tasks[task].gold
    if target not in test and "*" not in test:
        return f"no {task} test set in {target}"
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
