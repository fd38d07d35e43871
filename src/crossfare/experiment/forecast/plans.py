"""Every method's costs, from what its steps will use: the plan of a task and a target language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from pathlib import Path
from typing import TYPE_CHECKING

from crossfare.compare import Component, Decision, Option, RunRecord
from crossfare.compare.forecast import Assumption, Lack, Plan
from crossfare.compare.hardware import hardware_notes
from crossfare.compare.model import Part
from crossfare.compare.model import Rate as UnitPrice
from crossfare.experiment import steps as planning
from crossfare.experiment.cell import CellSteps
from crossfare.experiment.forecast.expectations import latency, quality
from crossfare.experiment.forecast.rates import LEVELS, Level
from crossfare.ledger.book import STORAGE
from crossfare.tasks import TASKS
from crossfare.types import RunSpec, Step, TaskName, Usage

if TYPE_CHECKING:
    from crossfare.experiment.forecast.forecasting import Forecaster

_QUANTUM = Decimal("1e-9")


def plans(made: Forecaster, months: int) -> tuple[Plan, ...]:
    """One plan per task and target language; translations are kept for ``months``."""
    first = made.spec.seeds[0]
    groups: dict[tuple[TaskName, str], list[CellSteps]] = {}
    for cell in made.cells:
        if cell.cell.seed == first:
            groups.setdefault((cell.cell.task, cell.cell.target), []).append(cell)
    records = {level: _record(made, level) for level in LEVELS}
    return tuple(_plan(made, task, target, cells, records, months) for (task, target), cells in groups.items())


def _record(made: Forecaster, level: Level) -> RunRecord:
    """The forecast as the run it will be: for the prices it is billed at."""
    return RunRecord(made.spec.name, Path(), (), made.book(level), {}, {}, made.hardware)


def _plan(
    made: Forecaster,
    task: TaskName,
    target: str,
    cells: Sequence[CellSteps],
    records: Mapping[Level, RunRecord],
    months: int,
) -> Plan:
    qualities, latencies, unknown = {}, {}, {}
    options: dict[Level, list[Option]] = {level: [] for level in LEVELS}
    for cell in cells:
        key, label = cell.cell.without_seed, _label(cell.cell, cells)
        score, qualities[key] = quality(made, cell.cell)
        added, latencies[key] = latency(made, cell)
        unknown[key] = _lacking(made, cell)
        for index, level in enumerate(LEVELS):
            options[level].append(
                Option(
                    key,
                    label,
                    fixed=_components(_once(cell), records[level]),
                    recurring=_components(_again(cell), records[level], _examples(made, cell)),
                    quality=score[1],
                    low=score[0],
                    high=score[2],
                    latency_ms=None if added is None else added[index],
                    engine=_engine_label(cell.cell),
                    kept=_kept(cell, records[level]),
                )
            )
    decisions = {
        level: Decision(
            task,
            target,
            TASKS[task].metric,
            _rates_of(records[level], options[level]),
            tuple(options[level]),
            months=months,
        )
        for level in LEVELS
    }
    counted = [step for cell in cells for step in cell.all if not made.forecasts[step.id].lacking]
    priced = hardware_notes(records["expected"].book, dict.fromkeys(step.id for step in counted))
    notes = tuple(
        dict.fromkeys(each.note for cell in cells for step in cell.all if (each := made.forecasts[step.id]).note)
    )
    low, expected, high = (decisions[level] for level in LEVELS)
    return Plan(low, expected, high, qualities, latencies, unknown, _assumptions(made, cells), (*notes, *priced))


def _examples(made: Forecaster, cell: CellSteps) -> int:
    return max(1, made.counter.datasets.made_by(cell.test.id).examples)


def _components(
    steps: Sequence[tuple[Part, Step]], record: RunRecord, examples: int | None = None
) -> tuple[Component, ...]:
    sums: dict[tuple[Part, str], Decimal] = {}
    entries = {entry.step_id: entry for entry in record.book}
    with localcontext(prec=50, rounding=ROUND_HALF_EVEN):
        per = Decimal(1) if examples is None else Decimal(1000) / examples
        for part, step in steps:
            entry = entries.get(step.id)
            for resource in entry.resources if entry else ():
                for bill in record.bills(resource):
                    assert entry is not None
                    known = (part, bill.name)
                    sums[known] = sums.get(known, Decimal(0)) + bill.quantity(entry) * per
        return tuple(Component(part, name, total.quantize(_QUANTUM)) for (part, name), total in sums.items())


def _lacking(made: Forecaster, cell: CellSteps) -> tuple[Lack, ...]:
    parts = [(step, False) for _, step in _once(cell)] + [(step, True) for _, step in _again(cell)]
    lacking = (Lack(made.forecasts[step.id].lacking, recurring) for step, recurring in parts)
    return tuple(dict.fromkeys(each for each in lacking if each.todo))


def _assumptions(made: Forecaster, cells: Sequence[CellSteps]) -> tuple[Assumption, ...]:
    found: dict[str, Assumption] = {}
    for step in (step for cell in cells for _, step in (*_once(cell), *_again(cell))):
        each = made.forecasts[step.id]
        rate, name = each.rate, made.names.get(step.id, "")
        used = each.usages["expected"]
        amount, unit = (each.amount, each.unit) if each.unit else _used(used)
        source = each.source or "not known"
        what = f"{step.label}" + (f" ({name})" if name and name not in step.label else "")
        found[step.id] = Assumption(
            what,
            amount,
            unit,
            each.exact,
            low=rate.low if rate else None,
            expected=rate.expected if rate else None,
            high=rate.high if rate else None,
            source=source,
        )
    return (*found.values(), *_storage(made, cells))


def _storage(made: Forecaster, cells: Sequence[CellSteps]) -> list[Assumption]:
    """What has to be kept on disk of what is translated once."""
    found = []
    for step in planning.distinct(step for cell in cells for step in cell.one_time):
        each = made.forecasts[step.id]
        stored, done = each.usages["expected"].stored_bytes or 0, each.source == "finished here"
        source = "finished here" if done else "estimated: UTF-8 text, and a record around it"
        found.append(Assumption(f"{step.label}, kept", stored, "byte", done, None, None, None, source))
    return found


def _once(cell: CellSteps) -> list[tuple[Part, Step]]:
    found: list[tuple[Part, Step]] = [("translation", step) for step in cell.one_time]
    found += [("annotation", step) for step in cell.gold]
    return [*found, *(("fine-tuning", step) for step in cell.fine_tunings)]


def _kept(cell: CellSteps, record: RunRecord) -> tuple[Component, ...]:
    """The bytes of what is translated once."""
    entries = {entry.step_id: entry for entry in record.book}
    kept = sum(entries[step.id].usage.stored_bytes or 0 for step in cell.one_time if step.id in entries)
    return (Component("storage", STORAGE, Decimal(kept)),) if kept else ()


def _again(cell: CellSteps) -> list[tuple[Part, Step]]:
    found: list[tuple[Part, Step]] = [("translation", step) for step in cell.recurring]
    return [*found, *(("inference", step) for step in cell.inference)]


def _rates_of(record: RunRecord, options: Sequence[Option]) -> dict[str, UnitPrice]:
    used = {each.resource for option in options for each in (*option.fixed, *option.recurring, *option.kept)}
    bills = (bill for resource in record.resources for bill in record.bills(resource))
    return {bill.name: bill.rate for bill in bills if bill.name in used}


def _label(cell: RunSpec, cells: Sequence[CellSteps]) -> str:
    alike = [c.cell for c in cells if (c.cell.method, c.cell.engines) == (cell.method, cell.engines)]
    words = [_engine_label(cell)] if cell.engine else []
    if cell.gold_size is not None:
        words.append(f"{cell.gold_size:,} labels")
    if len({other.model for other in alike}) > 1:
        words.append(cell.model)
    if len({other.checkpoint for other in alike if other.model == cell.model}) > 1:
        words.append(cell.checkpoint)
    return f"{cell.method} ({', '.join(words)})" if words else cell.method


def _engine_label(cell: RunSpec) -> str:
    return " + ".join(cell.engines.values())


def _used(usage: Usage) -> tuple[float, str]:
    for value, unit in (
        (usage.annotated, "example"),
        (usage.characters, "character"),
        (usage.input_tokens, "token"),
        (usage.seconds, "second"),
    ):
        if value is not None:
            return float(value), unit
    return 0.0, "character"
