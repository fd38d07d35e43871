"""The cells of one or several runs: what is a repetition of what, and how it is called."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from crossfare.compare.runs import EngineFacts, RunRecord
from crossfare.errors import ConfigError
from crossfare.types import Result, Score

REFERENCE = "reference"


@dataclass(frozen=True, slots=True)
class Cell:
    """One method, engine and model in one target language: its results, each with the run it is from.

    ``mark`` names the run if the same cell of another run stands beside it.
    """

    results: tuple[tuple[RunRecord, Result], ...]
    mark: str = ""

    @property
    def first(self) -> Result:
        """A result that stands for all: they differ in the seed only."""
        return self.results[0][1]

    @property
    def task(self) -> str:
        """The task."""
        return self.first.spec.task

    @property
    def target(self) -> str:
        """The target language."""
        return self.first.spec.target

    @property
    def metric(self) -> str:
        """What its scores measure."""
        return self.first.score.metric

    @property
    def key(self) -> str:
        """What tells it from every other cell."""
        return self.first.spec.without_seed + (f"|{self.mark}" if self.mark else "")

    @property
    def scores(self) -> list[Score]:
        """One per seed."""
        return [result.score for _, result in self.results]

    @property
    def tested(self) -> Hashable:
        """What it was tested on: cells for which this is equal have the same test examples.

        The content of its test set, or where that was not recorded its run: ids alone may be line numbers.
        """
        run, result = self.results[0]
        return result.tested or id(run)

    @property
    def engines(self) -> tuple[tuple[str, EngineFacts], ...]:
        """The labels of its engines, each with what its run says of it."""
        known = self.results[0][0].engines
        return tuple((label, known.get(name, EngineFacts(""))) for name, label in self.first.spec.engines.items())

    @property
    def reference(self) -> bool:
        """Whether its translations were looked up instead of made."""
        return any(facts.reference for _, facts in self.engines)


def gather_cells(runs: Sequence[RunRecord]) -> list[Cell]:
    """The cells of all runs, in order of first appearance; equal ones pooled or marked by run."""
    names = run_names(runs)
    found: dict[str, dict[int, list[Result]]] = defaultdict(lambda: defaultdict(list))
    for index, run in enumerate(runs):
        for result in run.results:
            found[result.spec.without_seed][index].append(result)
    cells = []
    for by_run in found.values():
        pairs = {index: tuple((runs[index], result) for result in own) for index, own in by_run.items()}
        together = tuple(pair for own in pairs.values() for pair in own)
        if len(pairs) == 1 or _alike(together):
            cells.append(Cell(together))
        else:
            cells += [Cell(own, names[index]) for index, own in pairs.items()]
    return cells


def run_names(runs: Sequence[RunRecord]) -> list[str]:
    """What to call each run: its name, or its folder where names are equal."""
    for names in ([run.name for run in runs], [run.folder.name for run in runs]):
        if len(set(names)) == len(runs):
            return names
    return [str(run.folder) for run in runs]


def _alike(found: Sequence[tuple[RunRecord, Result]]) -> bool:
    """Whether results of several runs differ in their seed and in nothing else."""
    seeds = [result.spec.seed for _, result in found]
    conditions = {
        (run.hardware, str(run.tasks.get(result.spec.task)), result.score.signature, result.tested or id(run))
        for run, result in found
    }
    prices = {tuple(bill for name in sorted(run.resources) for bill in run.bills(name)) for run, _ in found}
    return len(set(seeds)) == len(seeds) and len(conditions) == 1 and len(prices) == 1


def asked_cells(cells: Sequence[Cell], tasks: Sequence[str], targets: Sequence[str]) -> list[Cell]:
    """The cells of some tasks and target languages; none named: all.

    Raises:
        ConfigError: one that is named is not there.
    """
    _check("task", tasks, (cell.task for cell in cells))
    kept = [cell for cell in cells if not tasks or cell.task in tasks]
    _check("target", targets, (cell.target for cell in kept))
    return [cell for cell in kept if not targets or cell.target in targets]


def _check(what: str, asked: Sequence[str], there: Iterable[str]) -> None:
    known = dict.fromkeys(there)
    for name in asked:
        if name not in known:
            raise ConfigError(f"no result for {what} {name!r}; there: {', '.join(known) or 'none'}")


def leave_out(cells: Sequence[Cell], names: Sequence[str]) -> list[Cell]:
    """The cells without some engines and methods; "reference" stands for every engine of that kind.

    Raises:
        ConfigError: a name fits none of them.
    """
    called = [_names(cell) for cell in cells]
    _check("engine or method", names, (name for own in called for name in sorted(own)))
    return [cell for cell, own in zip(cells, called, strict=True) if not own.intersection(names)]


def _names(cell: Cell) -> set[str]:
    names = {cell.first.spec.method, *cell.first.spec.engines}
    return names | ({REFERENCE} if cell.reference else set())


def label(cell: Cell, cells: Sequence[Cell]) -> str:
    """Method, engine, and as much of the model and the run as it takes to tell these cells apart."""
    spec = cell.first.spec
    alike = [c.first.spec for c in cells if (c.first.spec.method, c.first.spec.engines) == (spec.method, spec.engines)]
    words = [engine_label(cell)] if spec.engine else []
    if spec.gold_size is not None:
        words.append(f"{spec.gold_size:,} labels")
    if len({other.model for other in alike}) > 1:
        words.append(spec.model)
    checkpoints = {other.checkpoint for other in alike if other.model == spec.model}
    if len(checkpoints) > 1:
        short = {checkpoint: checkpoint.rstrip("/").replace(":", "/").rpartition("/")[2] for checkpoint in checkpoints}
        clear = len(set(short.values())) == len(short)
        words.append(short[spec.checkpoint] if clear else spec.checkpoint)
    if cell.mark:
        words.append(f"run {cell.mark}")
    return f"{spec.method} ({', '.join(words)})" if words else spec.method


def engine_label(cell: Cell) -> str:
    """As in the tables: a mark where a note must be read, and the engine of the training data first."""
    return " + ".join(
        f"{label}†" if facts.note and not label.endswith(("*", "†", "‡")) else label for label, facts in cell.engines
    )
