"""Results gathered into the lines of a table: one per method, engine and model, over languages and seeds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal, localcontext
from statistics import fmean
from string import ascii_lowercase

from crossfare.compare.standings import CellStanding, standings
from crossfare.types import Latency, Method, Result, RunSpec, TaskName, Yield

BATCH_SIZE = 32
REFERENCE_NOTE = "reference translation, priced as a commercial API"


@dataclass(frozen=True, slots=True)
class PublishedCell:
    """Where the paper has what a cell of a run measures: the number of its row, and what is printed there.

    ``place`` orders the rows of a table, which has ``rows`` numbered ones. ``values`` are by metric, none in a language
    without a figure; ``costs`` are one-time, recurring and latency, as Table 1 prints them.
    """

    number: str
    place: int
    rows: int
    values: Mapping[str, float] = field(default_factory=dict)
    costs: Mapping[str, str] = field(default_factory=dict)
    source: str = ""


@dataclass(frozen=True, slots=True)
class Context:
    """What tables say beyond the results.

    ``methods``       by name, to say what each model was trained on
    ``engine_notes``  by engine: what a reader must know of it; its label gets a mark and a footnote
    ``missing``       cells of the matrix without a result, each with the reason
    ``standings``     by `RunSpec.without_seed`: the score of each cell over seeds, and how it stands to the best of its
                      column; made from the results of the table if there are none
    ``data_names``    by task: the name of the training set ("MNLI")
    ``published``     by `RunSpec.without_seed`: where the paper has the cell; its rows then are the paper's, by number
    ``beside``        whether the paper's figures stand below those of the run
    ``two_class``     tasks whose "contradiction" was made "neutral" before training
    """

    methods: Mapping[str, Method] = field(default_factory=dict)
    engine_notes: Mapping[str, str] = field(default_factory=lambda: {"reference": REFERENCE_NOTE})
    missing: Sequence[tuple[RunSpec, str]] = ()
    standings: Mapping[str, CellStanding] = field(default_factory=dict)
    data_names: Mapping[str, str] = field(default_factory=dict)
    published: Mapping[str, PublishedCell] = field(default_factory=dict)
    beside: bool = False
    two_class: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a table. ``specs`` has every cell of the line, with or without a result; ``number`` is its task's."""

    specs: tuple[RunSpec, ...]
    results: tuple[Result, ...]
    number: str
    standings: Mapping[str, CellStanding]

    @property
    def first(self) -> RunSpec:
        """A cell that stands for the line: method, engine and model are the same in all."""
        return self.specs[0]

    def at(self, target: str) -> tuple[Result, ...]:
        """The results in one target language, one per seed."""
        return tuple(result for result in self.results if result.spec.target == target)

    def standing(self, target: str) -> CellStanding | None:
        """The score in one target language; None without results."""
        return next((self.standings[result.spec.without_seed] for result in self.at(target)), None)


@dataclass(frozen=True, slots=True)
class Gathered:
    """What a table shows: its lines and the languages of its columns; ``context`` is what it says beyond them.

    ``absent`` are lines without any result, which are no rows: notes say why.
    """

    lines: tuple[Line, ...]
    context: Context
    languages: tuple[str, ...]
    absent: tuple[Line, ...] = ()

    @property
    def results(self) -> list[Result]:
        """The results of all lines."""
        return [result for line in self.lines for result in line.results]


def gather(results: Sequence[Result], context: Context, task: TaskName | None = None) -> Gathered:
    """The lines of a table, of one task or of all."""
    found = lines(results, (spec for spec, _ in context.missing), context.standings)
    own = [line for line in found if task in (None, line.first.task)]
    tasks = dict.fromkeys(line.first.task for line in own)
    measured = [line for line in own if line.results]
    shown = [
        line
        for name in tasks
        for line in _numbered([each for each in measured if each.first.task == name], context.published)
    ]
    absent = tuple(line for line in own if not line.results)
    return Gathered(tuple(shown), context, targets(shown), absent)


def _numbered(own: Sequence[Line], published: Mapping[str, PublishedCell]) -> list[Line]:
    """The lines of a task with their numbers, where the paper has them in its order: what it has not got comes last.

    Several lines of one row, such as those of two open engines, are told apart by letters.
    """
    rows = [next((cell for each in line.specs if (cell := published.get(each.without_seed))), None) for line in own]
    if not any(cell and cell.number for cell in rows):
        return [replace(line, number=f"({at})") for at, line in enumerate(own, 1)]
    last = max(cell.place for cell in rows if cell) + 1
    order = sorted(range(len(own)), key=lambda at: last if (cell := rows[at]) is None else cell.place)
    numbers = [cell.number if cell else "" for cell in rows]
    taken: dict[str, int] = {}
    found, after = [], max(cell.rows for cell in rows if cell)
    for at in order:
        number = numbers[at]
        if not number:
            after += 1
            number = f"({after})"
        elif numbers.count(number) > 1:
            taken[number] = taken.get(number, 0) + 1
            number = f"{number[:-1]}{ascii_lowercase[taken[number] - 1]})"
        found.append(replace(own[at], number=number))
    return found


def lines(
    results: Sequence[Result], missing: Iterable[RunSpec] = (), known: Mapping[str, CellStanding] | None = None
) -> tuple[Line, ...]:
    """Gather results, and cells that have none, into lines, in order of first appearance.

    Models are told apart by their role, and by their checkpoint where a role is played by several
    for one language.
    """
    specs = [*(result.spec for result in results), *missing]
    crowded = _crowded_roles(specs)

    def key(spec: RunSpec) -> tuple[object, ...]:
        checkpoint = spec.checkpoint if (spec.task, spec.model) in crowded else None
        return (spec.task, spec.variant, *spec.engines, spec.model, checkpoint)

    gathered: dict[tuple[object, ...], tuple[list[RunSpec], list[Result]]] = {key(s): ([], []) for s in specs}
    for spec in specs:
        gathered[key(spec)][0].append(spec)
    for result in results:
        gathered[key(result.spec)][1].append(result)
    known = known or standings(results)
    counts: dict[str, int] = {}
    found = []
    for own, measured in gathered.values():
        counts[own[0].task] = counts.get(own[0].task, 0) + 1
        found.append(Line(tuple(own), tuple(measured), f"({counts[own[0].task]})", known))
    return tuple(found)


def _crowded_roles(specs: Iterable[RunSpec]) -> set[tuple[TaskName, str]]:
    seen: dict[tuple[TaskName, str, str], set[str]] = {}
    for spec in specs:
        seen.setdefault((spec.task, spec.model, spec.target), set()).add(spec.checkpoint)
    return {(task, model) for (task, model, _), checkpoints in seen.items() if len(checkpoints) > 1}


def source_side(results: Iterable[Result]) -> float | None:
    """The mean score on the source side, as the paper has it, of QA by translating at inference."""
    scores = (score for result in results for score in result.further_scores)
    found = [score.value for score in scores if score.metric == "source_f1"]
    return fmean(found) if found else None


def targets(of: Iterable[Line]) -> tuple[str, ...]:
    """The target languages, in order of first appearance."""
    return tuple(dict.fromkeys(spec.target for line in of for spec in line.specs))


def mean_usd(results: Iterable[Result], name: str) -> Decimal | None:
    """The mean over results of one of their costs, in USD; None if none has it."""
    found = [cost.usd for result in results if (cost := getattr(result, name)) is not None]
    if not found:
        return None
    with localcontext(prec=50):
        return sum(found, Decimal(0)) / len(found)


def mean_of(results: Iterable[Result], name: str) -> float | None:
    """The mean over results of one of their figures; None if one does not have it."""
    found = [getattr(result, name) for result in results]
    return None if not found or None in found else fmean(found)


def latencies(results: Iterable[Result], batch_size: int = BATCH_SIZE, *, alone: bool = False) -> tuple[Latency, ...]:
    """The latencies measured with one batch size: with projecting answers back, or of translating ``alone``."""
    found = (each for result in results for each in (result.translation_latency if alone else result.latency))
    return tuple(each for each in found if each.batch_size == batch_size)


def yield_rate(results: Iterable[Result], name: str) -> float | None:
    """Kept examples as a fraction of all, over results, in training or test; None if nothing was translated."""
    found: list[Yield] = [each for result in results if (each := getattr(result, name)) is not None]
    return sum(each.kept for each in found) / max(1, sum(each.total for each in found)) if found else None


def price_refs(results: Iterable[Result]) -> tuple[str, ...]:
    """The price records that the costs of these results were derived from, sorted."""
    names = ("translation", "annotation", "fine_tuning", "translation_per_1k", "inference_per_1k")
    costs = (getattr(result, name) for result in results for name in (*names, "standalone", "marginal"))
    return tuple(sorted({ref for cost in costs if cost for ref in cost.price.split(" + ") if ref}))
