"""Which cell of a run is deployed: the one asked for, or the one that is recommended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from crossfare import compare
from crossfare.compare import RunRecord
from crossfare.errors import ConfigError
from crossfare.experiment.methods import BM25, METHODS
from crossfare.experiment.methods import method as method_named
from crossfare.types import Result, RunSpec

_EXAMPLES = Decimal(12 * 100_000)
"""Examples that the recommendation counts costs over: what `crossfare recommend` takes by default."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is known of the cell that is wanted; ``model`` is a role ("source-encoder") or a checkpoint."""

    task: str | None = None
    target: str | None = None
    method: str | None = None
    engine: str | None = None
    model: str | None = None
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class _Property:
    """Something that tells cells apart: its option, how to read it off a cell, and under which names."""

    option: str
    names: Callable[[RunSpec], tuple[str, ...]]


_PROPERTIES = (
    _Property("task", lambda cell: (cell.task,)),
    _Property("target", lambda cell: (cell.target,)),
    _Property("method", lambda cell: (cell.method,)),
    _Property("engine", lambda cell: (cell.engine or "none",)),
    _Property("model", lambda cell: (cell.model, cell.checkpoint)),
    _Property("seed", lambda cell: (str(cell.seed),)),
)


def is_served(cell: RunSpec) -> bool:
    """Whether requests can be answered alone: by no embedding of a whole collection, and no ensemble of ranking."""
    row = METHODS[cell.method]
    return (bool(row.train_on) or BM25 in row.models) and not (row.parents and cell.task == "ranking")


def is_exported(cell: RunSpec) -> bool:
    """Whether it is one fine-tuned model."""
    row = METHODS[cell.method]
    return bool(row.train_on) and not row.parents


def choose(run: RunRecord, asked: Asked, fits: Callable[[RunSpec], bool] = is_served) -> Result:
    """Find the one cell that is asked for.

    Where no method is named it is the one that `compare.recommend` chooses among the cells that fit, without
    translations that were only looked up. Where no seed is named it is the first: seeds are repetitions,
    and to take the one with the best score would be to choose on the test set.

    Raises:
        ConfigError: no cell fits, or several do; the message lists what there is.
    """
    if asked.method:
        asked = replace(asked, method=method_named(asked.method).name)
    found = list(run.results)
    for each in _PROPERTIES:
        wanted = getattr(asked, each.option)
        if wanted is None:
            continue
        kept = [result for result in found if str(wanted) in each.names(result.spec)]
        if not kept:
            there = _values(each, found)
            raise ConfigError(f"{run.name} has no such cell with {each.option} {wanted!r}; there: {', '.join(there)}")
        found = kept
    _demand_one(found, ("task", "target"))
    if asked.method is None:
        found = _recommended(run, [result for result in found if fits(result.spec)])
    _demand_one(found, ("method", "engine", "model"))
    return found[0]


def _recommended(run: RunRecord, found: Sequence[Result]) -> list[Result]:
    """Of cells of one task and target, those (one per seed) of the recommended method."""
    if not found:
        raise ConfigError(f"{run.name} has no cell there that could be used so; name a --method to see why")
    engines = {result.spec.engine for result in found if result.spec.engine}
    looked_up = any(run.engines[name].reference for name in engines)
    there = replace(run, results=tuple(found))
    (decision,) = compare.decisions([there], without=("reference",) if looked_up else ())
    chosen = compare.recommend(decision, _EXAMPLES).chosen
    assert chosen is not None  # there are no constraints
    return [result for result in found if result.spec.without_seed == chosen.key]


def _demand_one(found: Sequence[Result], options: Sequence[str]) -> None:
    for each in (one for one in _PROPERTIES if one.option in options):
        values = _values(each, found)
        if len(values) > 1:
            raise ConfigError(f"several cells fit; say which with --{each.option}: {', '.join(values)}")


def _values(each: _Property, found: Sequence[Result]) -> list[str]:
    """What tells these cells apart: the first name that does."""
    for names in zip(*(each.names(result.spec) for result in found), strict=True):
        if len(distinct := list(dict.fromkeys(names))) > 1:
            return distinct
    return [each.names(found[0].spec)[0]]
