"""Which cell of a run is deployed: the one asked for, or the one that is recommended."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from crossfare import compare
from crossfare.compare import RunRecord
from crossfare.errors import ConfigError
from crossfare.experiment.methods import BM25, METHODS
from crossfare.experiment.methods import method as method_named
from crossfare.tasks import TASKS
from crossfare.types import Result, RunSpec

_EXAMPLES = Decimal(12 * 100_000)
"""Examples that the recommendation counts costs over: what `crossfare recommend` takes by default."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is known of the cell that is wanted; None is anything.

    ``model`` is a role ("source-encoder") or a checkpoint. ``gold_size`` is a number of labels or "all",
    ``train_engine`` what translates the training data of an ensemble of two engines.
    """

    task: str | None = None
    target: str | None = None
    method: str | None = None
    engine: str | None = None
    model: str | None = None
    seed: int | None = None
    gold_size: int | str | None = None
    train_engine: str | None = None


_NAMES: Mapping[str, Callable[[RunSpec], tuple[str, ...]]] = {
    "task": lambda cell: (cell.task,),
    "target": lambda cell: (cell.target,),
    "method": lambda cell: (cell.method,),
    "engine": lambda cell: (cell.engine or "none",),
    "train_engine": lambda cell: (cell.train_engine or cell.engine or "none",),
    "gold_size": lambda cell: ("all" if cell.gold_size is None else str(cell.gold_size),),
    "model": lambda cell: (cell.model, cell.checkpoint),
    "seed": lambda cell: (str(cell.seed),),
}
"""What tells cells apart, by its field in `Wanted`, and under which names a cell has it."""


def is_served(cell: RunSpec) -> bool:
    """Whether requests can be answered alone: by no embedding of a whole collection, and no ensemble of ranking."""
    row = METHODS[cell.method]
    return (bool(row.train_on) or BM25 in row.models) and not (row.parents and TASKS[cell.task].searches)


def is_exported(cell: RunSpec) -> bool:
    """Whether it is one fine-tuned model."""
    row = METHODS[cell.method]
    return bool(row.train_on) and not row.parents


def choose(run: RunRecord, asked: Wanted, fits: Callable[[RunSpec], bool] = is_served) -> Result:
    """Find the one cell that is asked for.

    Where no method is named it is the one that `compare.recommend` chooses among the cells that fit, or where the
    evidence is not enough the one ahead, without translations that were only looked up. Where no seed is named it is
    the first: seeds are repetitions, and to take the one with the best score would be to choose on the test set.
    Whatever else tells the cells that are left apart has to be named.

    Raises:
        ConfigError: no cell fits, several do, or none can be recommended; the message lists what there is.
    """
    if asked.method:
        asked = replace(asked, method=method_named(asked.method).name)
    found = list(run.results)
    for field, names in _NAMES.items():
        wanted = getattr(asked, field)
        if wanted is None:
            continue
        kept = [result for result in found if str(wanted) in names(result.spec)]
        if not kept:
            there = ", ".join(_values(field, found))
            raise ConfigError(f"{run.name} has no such cell with {_option(field)} {wanted!r}; there: {there}")
        found = kept
    _demand_one(found, lambda cell: (cell.task, cell.target))
    if asked.method is None:
        found = _recommended(run, [result for result in found if fits(result.spec)])
    _demand_one(found, lambda cell: (cell.without_seed,))
    return found[0]


def _recommended(run: RunRecord, found: Sequence[Result]) -> list[Result]:
    """Of cells of one task and target, those (one per seed) of the recommended method."""
    if not found:
        raise ConfigError(f"{run.name} has no cell there that could be used so; name a --method to see why")
    engines = {result.spec.engine for result in found if result.spec.engine}
    looked_up = any(run.engines[name].reference for name in engines)
    task, target = found[0].spec.task, found[0].spec.target
    # Of the whole run: how sure scores and seconds are is told from all cells, as where it is recommended.
    without = ("reference",) if looked_up else ()
    (whole,) = compare.decisions([run], tasks=(task,), targets=(target,), without=without)
    fit = {result.spec.without_seed for result in found}
    decision = replace(whole, options=tuple(option for option in whole.options if option.key in fit))
    made = compare.recommend(decision, _EXAMPLES)
    if (chosen := made.chosen or made.leading) is None:  # there are no constraints
        names = ", ".join(option.label for option in decision.options)
        raise ConfigError(
            f"nothing is recommended for {decision.task} {decision.target}: no method of {run.name} is shown to be "
            f"above the trivial baseline, see crossfare recommend; name a --method to use one all the same: {names}"
        )
    return [result for result in found if result.spec.without_seed == chosen.key]


def _demand_one(found: Sequence[Result], names: Callable[[RunSpec], tuple[str, ...]]) -> None:
    """Of what these names tell apart there must be one; else say by which option, and which cells there are."""
    if len({names(result.spec) for result in found}) == 1:
        return
    cells = ", ".join(dict.fromkeys(result.spec.without_seed for result in found))
    for field in _NAMES:
        if len(values := _values(field, found)) > 1:
            listed = "" if field in ("task", "target") else f" (cells: {cells})"
            raise ConfigError(f"several cells fit; say which with --{_option(field)}: {', '.join(values)}{listed}")
    raise ConfigError(f"several cells fit, and no option tells them apart: {cells}")


def _values(field: str, found: Sequence[Result]) -> list[str]:
    """What tells these cells apart: the first name that does."""
    for names in zip(*(_NAMES[field](result.spec) for result in found), strict=True):
        if len(distinct := list(dict.fromkeys(names))) > 1:
            return distinct
    return [_NAMES[field](found[0].spec)[0]]


def _option(field: str) -> str:
    """How the command line calls it."""
    return field.replace("_", "-")
