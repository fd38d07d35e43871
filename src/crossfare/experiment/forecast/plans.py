"""Every method's costs, from what its steps will use: the plan of a task and a target language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from crossfare.compare import Decision, Option
from crossfare.compare.caveats import hardware_notes
from crossfare.compare.contenders import method_label
from crossfare.compare.forecast import Assumption, Lack, Plan
from crossfare.compare.quantities import at_utilisation, components, mean_of, named_bills, quantities, used_rates
from crossfare.experiment.cell import CellSteps, distinct
from crossfare.experiment.forecast.expectations import latency, quality
from crossfare.experiment.forecast.usage import StepForecast
from crossfare.experiment.stages.work import LEVELS, Level
from crossfare.ledger import Book
from crossfare.ledger.costs import SHARES, Needs
from crossfare.tasks import TASKS
from crossfare.types import TaskName, Usage

if TYPE_CHECKING:
    from crossfare.experiment.forecast.forecasting import Forecaster


def plans(made: Forecaster, months: int, utilisation: Decimal) -> tuple[Plan, ...]:
    """See `Forecaster.plans`."""
    first = made.spec.seeds[0]
    groups: dict[tuple[TaskName, str], list[CellSteps]] = {}
    for cell in made.cells:
        if cell.cell.seed == first:
            groups.setdefault((cell.cell.task, cell.cell.target), []).append(cell)
    books = {level: made.book(level) for level in LEVELS}
    return tuple(_plan(made, *group, cells, books, months, utilisation) for group, cells in groups.items())


def _plan(
    made: Forecaster,
    task: TaskName,
    target: str,
    cells: Sequence[CellSteps],
    books: Mapping[Level, Book],
    months: int,
    utilisation: Decimal,
) -> Plan:
    """Its three decisions: at the least, as expected and at the most."""
    keys = [cell.cell.without_seed for cell in cells]
    expected = {key: (quality(made, cell.cell), latency(made, cell)) for key, cell in zip(keys, cells, strict=True)}
    decisions = {}
    for index, level in enumerate(LEVELS):
        named = named_bills([("", books[level])])
        options = []
        for key, cell in zip(keys, cells, strict=True):
            (score, _), (added, _) = expected[key]
            used = mean_of([quantities(_needs(made, cell, books[level]), books[level], named)])
            paid = at_utilisation(used, utilisation, named)
            options.append(
                Option(
                    key,
                    _label(cell, cells),
                    fixed=components(paid, "fixed"),
                    recurring=components(paid, "recurring"),
                    quality=score[1],
                    low=score[0],
                    high=score[2],
                    latency_ms=None if added is None else added[index],
                    engine=_engine_label(cell),
                    kept=components(paid, "kept"),
                )
            )
        rates = used_rates(options, named)
        decisions[level] = Decision(
            task, target, TASKS[task].metric, rates, tuple(options), months=months, utilisation=utilisation
        )
    steps = [made.forecasts[step.id] for cell in cells for step in cell.all]
    notes = dict.fromkeys(each.note for each in steps if each.note)
    counted = dict.fromkeys(each.step.id for each in steps if not each.lacking)
    return Plan(
        decisions["low"],
        decisions["expected"],
        decisions["high"],
        {key: known for key, ((_, known), _) in expected.items()},
        {key: known for key, (_, (_, known)) in expected.items()},
        {key: _lacking(made, cell) for key, cell in zip(keys, cells, strict=True)},
        _assumptions(made, cells),
        (*notes, *hardware_notes(books["expected"], counted)),
    )


def _needs(made: Forecaster, cell: CellSteps, book: Book) -> Needs:
    """The steps of a cell, as far as what they will use is known."""
    examples = max(1, made.counter.datasets.made_by(cell.test.id).examples)
    return Needs({step: share for step, share in cell.shares.items() if step in book}, examples, examples)


def _costing(made: Forecaster, cell: CellSteps) -> Iterator[tuple[StepForecast, bool]]:
    """Its steps that are parts of its cost, and whether that is paid each time it serves."""
    needs = Needs(cell.shares, 1, 1)
    for share in SHARES:
        for step in needs.playing(share):
            yield made.forecasts[step], needs.per(share) is not None


def _lacking(made: Forecaster, cell: CellSteps) -> tuple[Lack, ...]:
    return tuple(dict.fromkeys(Lack(each.lacking, again) for each, again in _costing(made, cell) if each.lacking))


def _assumptions(made: Forecaster, cells: Sequence[CellSteps]) -> tuple[Assumption, ...]:
    found: dict[str, Assumption] = {}
    for each in (each for cell in cells for each, _ in _costing(made, cell)):
        step = each.step
        rate, name = each.rate, made.names.get(step.id, "")
        amount, unit = (each.amount, each.unit) if each.unit else _used(each.usages["expected"])
        low, expected, high = (rate.low, rate.expected, rate.high) if rate else (None, None, None)
        what = step.label + (f" ({name})" if name and name not in step.label else "")
        found[step.id] = Assumption(what, amount, unit, each.exact, low, expected, high, each.source or "not known")
    return (*found.values(), *_storage(made, cells))


def _storage(made: Forecaster, cells: Sequence[CellSteps]) -> list[Assumption]:
    """What has to be kept on disk of what is translated once."""
    found = []
    for step in distinct(step for cell in cells for step in cell.one_time):
        each = made.forecasts[step.id]
        stored, done = each.usages["expected"].stored_bytes or 0, each.source == "finished here"
        source = "finished here" if done else "estimated: UTF-8 text, and a record around it"
        found.append(Assumption(f"{step.label}, kept", stored, "byte", done, None, None, None, source))
    return found


def _label(cell: CellSteps, cells: Sequence[CellSteps]) -> str:
    return method_label(cell.cell, [each.cell for each in cells], _engine_label(cell), cell.cell.checkpoint)


def _engine_label(cell: CellSteps) -> str:
    return " + ".join(cell.cell.engines.values())


def _used(usage: Usage) -> tuple[float, str]:
    known = (
        (usage.annotated, "example"),
        (usage.characters, "character"),
        (usage.input_tokens, "token"),
        (usage.seconds, "second"),
    )
    return next(((float(value), unit) for value, unit in known if value is not None), (0.0, "character"))
