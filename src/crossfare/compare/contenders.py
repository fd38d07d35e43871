"""What there is to choose from in one or several runs: what is a repetition of what, and how it is called."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from crossfare.compare.runs import EngineFacts, RunRecord
from crossfare.errors import ConfigError
from crossfare.types import Result, RunSpec, Score

REFERENCE = "reference"


@dataclass(frozen=True, slots=True)
class Contender:
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


def contenders_of(runs: Sequence[RunRecord]) -> list[Contender]:
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
            cells.append(Contender(together))
        else:
            cells += [Contender(own, names[index]) for index, own in pairs.items()]
    return cells


def runs_of(cells: Iterable[Contender]) -> list[RunRecord]:
    """The runs that cells are from, in order of first appearance."""
    return list({id(run): run for cell in cells for run, _ in cell.results}.values())


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
    prices = {tuple(bill for name in sorted(run.book.resources) for bill in run.book.bills(name)) for run, _ in found}
    return len(set(seeds)) == len(seeds) and len(conditions) == 1 and len(prices) == 1


def chosen(
    runs: Sequence[RunRecord], tasks: Sequence[str] = (), targets: Sequence[str] = (), without: Sequence[str] = ()
) -> list[Contender]:
    """The cells of some tasks and target languages (none named: all) without some engines and methods.

    "reference" stands for every engine of that kind.

    Raises:
        ConfigError: one that is named is not there.
    """
    cells = contenders_of(runs)
    _check("task", tasks, (cell.task for cell in cells))
    cells = [cell for cell in cells if not tasks or cell.task in tasks]
    _check("target", targets, (cell.target for cell in cells))
    cells = [cell for cell in cells if not targets or cell.target in targets]
    called = [_names(cell) for cell in cells]
    _check("engine or method", without, (name for own in called for name in sorted(own)))
    return [cell for cell, own in zip(cells, called, strict=True) if not own.intersection(without)]


def _check(what: str, asked: Sequence[str], there: Iterable[str]) -> None:
    known = dict.fromkeys(there)
    for name in asked:
        if name not in known:
            raise ConfigError(f"no result for {what} {name!r}; there: {', '.join(known) or 'none'}")


def _names(cell: Contender) -> set[str]:
    names = {cell.first.spec.method, *cell.first.spec.engines}
    return names | ({REFERENCE} if cell.reference else set())


def label(cell: Contender, cells: Sequence[Contender]) -> str:
    """Method, engine, and as much of the model and the run as it takes to tell these cells apart."""
    spec, specs = cell.first.spec, [each.first.spec for each in cells]
    checkpoints = {each.checkpoint for each in specs if _called_alike(each, spec) and each.model == spec.model}
    short = {checkpoint: checkpoint.rstrip("/").replace(":", "/").rpartition("/")[2] for checkpoint in checkpoints}
    clear = len(set(short.values())) == len(short)
    return method_label(
        spec, specs, engine_label(cell), short[spec.checkpoint] if clear else spec.checkpoint, cell.mark
    )


def method_label(spec: RunSpec, specs: Sequence[RunSpec], engine: str, checkpoint: str, run: str = "") -> str:
    """A method with what tells it from others: its engine, labels and run, and where they differ its model."""
    alike = [each for each in specs if _called_alike(each, spec)]
    words = [engine] if spec.engine else []
    if spec.gold_size is not None:
        words.append(f"{spec.gold_size:,} labels")
    if len({other.model for other in alike}) > 1:
        words.append(spec.model)
    if len({other.checkpoint for other in alike if other.model == spec.model}) > 1:
        words.append(checkpoint)
    if run:
        words.append(f"run {run}")
    return f"{spec.method} ({', '.join(words)})" if words else spec.method


def _called_alike(one: RunSpec, other: RunSpec) -> bool:
    return (one.method, one.engines) == (other.method, other.engines)


def engine_label(cell: Contender) -> str:
    """As in the tables: a mark where a note must be read, and the engine of the training data first."""
    return " + ".join(
        f"{label}†" if facts.note and not label.endswith(("*", "†", "‡")) else label for label, facts in cell.engines
    )
