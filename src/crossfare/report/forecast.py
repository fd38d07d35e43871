"""A forecast for people: what each method would cost before anything is run, and how well that held afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from crossfare.compare import Decision, Option
from crossfare.report import numbers
from crossfare.report.decision import Horizon
from crossfare.report.names import subject
from crossfare.report.table import MISSING, Cell, Column, Table

TOLERANCE = 0.25
"""By how much seconds and money may be off."""

TICK = 0.01
"""Seconds that no two runs of a step agree on: a tick of the system's clock. A step that is off by less is within."""

RECURRING = "recurring: "
"""What begins a line of `Plan.unknown` on a cost of serving."""

_LONG = 1.0


@dataclass(frozen=True, slots=True)
class Assumption:
    """What a part of a forecast rests on: how much work, at which rate, and where each is from."""

    what: str
    amount: float
    unit: str
    exact: bool
    low: float | None
    expected: float | None
    high: float | None
    source: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The methods of one task and target language, at the least, the expected and the most they may cost.

    The three decisions have the same options in the same order. ``qualities`` and ``latencies`` say where these
    figures are from, ``unknown`` which parts of an option's costs are missing from them, by option key.
    """

    low: Decision
    expected: Decision
    high: Decision
    qualities: Mapping[str, str]
    latencies: Mapping[str, str]
    unknown: Mapping[str, tuple[str, ...]]
    assumptions: tuple[Assumption, ...]
    notes: tuple[str, ...] = ()


def plan_table(plan: Plan, horizon: Horizon) -> Table:
    """Every method with quality, cost and added latency; "?" where a part is not known."""
    decision = plan.expected
    keeps = any(option.kept for option in decision.options)
    columns = (
        Column("Method"),
        Column(f"{decision.metric}", number=True),
        Column("One-time\nUSD", number=True),
        *((Column("Storage\nUSD/month", number=True),) if keeps else ()),
        Column("Recurring\nUSD/1k", number=True),
        Column("Total\nUSD", number=True),
        Column("Added\nms", number=True),
    )
    marks = _marks(dict.fromkeys((*plan.qualities.values(), *plan.latencies.values())))
    rows = []
    for low, option, high in zip(plan.low.options, decision.options, plan.high.options, strict=True):
        lacking = bool(plan.unknown.get(option.key))
        triples = (
            [d.once_usd(o) for d, o in _three(plan, low, option, high)],
            [d.kept_usd_per_month(o) for d, o in _three(plan, low, option, high)],
            [d.recurring_usd_per_1k(o) for d, o in _three(plan, low, option, high)],
            [d.total_usd(o, horizon.examples) for d, o in _three(plan, low, option, high)],
        )
        once = any(not part.startswith(RECURRING) for part in plan.unknown.get(option.key, ()))
        again = any(part.startswith(RECURRING) for part in plan.unknown.get(option.key, ()))
        rows.append(
            (
                Cell(option.label),
                _quality(option, marks.get(plan.qualities.get(option.key, ""), "")),
                _money(triples[0], once),
                *((_money(triples[1], False) if option.kept else Cell(MISSING),) if keeps else ()),
                _money(triples[2], again),
                _money(triples[3], lacking),
                _latency(low, option, high, marks.get(plan.latencies.get(option.key, ""), "")),
            )
        )
    notes = [
        "Expected (least-most). One-time: translation, annotation, fine-tuning; recurring: translation of what is "
        f"asked and inference; total: over {horizon.examples:,} examples.",
        *(("Storage: keeping the translations that are paid once; the total has it for all months.",) if keeps else ()),
        *(f"{mark} {source}" for source, mark in marks.items()),
        *plan.notes,
    ]
    if any(plan.unknown.values()):
        notes.append("?: a part is not known, see below; what is known is shown after >.")
    return Table(f"{subject(decision)}: forecast for {horizon}", columns, tuple(rows), tuple(notes))


def unknown(plan: Plan) -> tuple[str, ...]:
    """What has to be stated for the forecast to be complete, a line each."""
    return tuple(dict.fromkeys(line.removeprefix(RECURRING) for lines in plan.unknown.values() for line in lines))


def assumption_table(plans: Sequence[Plan]) -> Table:
    """What the forecasts rest on."""
    columns = (
        Column("What"),
        Column("Amount", number=True),
        Column("Seconds\nper unit", number=True),
        Column("Least-most", number=True),
        Column("From"),
    )
    found = dict.fromkeys(each for plan in plans for each in plan.assumptions)
    rows = tuple(
        (
            Cell(each.what),
            Cell(f"{'' if each.exact else '~'}{each.amount:,.0f} {_plural(each.unit)}", f"{each.amount:.0f}"),
            Cell(MISSING if each.expected is None else f"{each.expected:.3g}"),
            Cell(MISSING if each.low is None or each.high is None else f"{each.low:.3g}-{each.high:.3g}"),
            Cell(each.source),
        )
        for each in found
    )
    return Table("What this rests on", columns, rows, ("~: estimated; without it, counted as the run would send it.",))


@dataclass(frozen=True, slots=True)
class StepCheck:
    """One step of a run: what was forecast and what it used.

    ``ratio`` values are forecast over actual, None where there is nothing to compare; ``exact`` compares characters,
    calls and labels.
    """

    step_id: str
    stage: str
    label: str
    seconds: tuple[float | None, float | None]
    usd: tuple[Decimal | None, Decimal]
    counts: tuple[tuple[str, int | None, int], ...] = ()
    source: str = ""

    @property
    def exact(self) -> bool:
        """Whether everything counted was forecast exactly."""
        return all(forecast == actual for _, forecast, actual in self.counts)

    @property
    def count_error(self) -> float:
        """The largest error of what was counted, as a fraction of what it was."""
        errors = (float("inf") if forecast is None else _error(forecast, actual) for _, forecast, actual in self.counts)
        return max(errors, default=0.0)

    @property
    def error(self) -> float | None:
        """The larger of the errors of seconds and money, as a fraction of what was used; None if not forecast."""
        if self.usd[0] is None:
            return None
        errors = [_error(float(self.usd[0]), float(self.usd[1]))]
        if self.seconds[1] is not None and self.seconds[0] is not None:
            errors.append(_error(self.seconds[0], self.seconds[1]))
        return max(errors)

    @property
    def within(self) -> bool:
        """Whether seconds and money are within the tolerance, or within a tick."""
        return self.error is not None and (self.error <= TOLERANCE or self.in_a_tick)

    @property
    def in_a_tick(self) -> bool:
        """Whether its seconds, which its money follows from, are off by less than a clock can tell."""
        forecast, actual = self.seconds
        return forecast is not None and actual is not None and abs(forecast - actual) < TICK


@dataclass(frozen=True, slots=True)
class Check:
    """A forecast against what a run used."""

    run: str
    steps: tuple[StepCheck, ...]
    left_out: int
    basis: Literal["the others' rates", "the forecast"] | str = ""
    notes: tuple[str, ...] = field(default=())

    @property
    def share_within(self) -> float:
        """Share of the steps whose seconds and money are within the tolerance."""
        return sum(step.within for step in self.steps) / max(1, len(self.steps))


def check_table(check: Check) -> Table:
    """Forecast against actual, by stage."""
    columns = (
        Column("Stage"),
        Column("Steps", number=True),
        Column("Counts\nexact", number=True),
        Column("Within\n25 %", number=True),
        Column("Seconds\nforecast", number=True),
        Column("Seconds\nused", number=True),
        Column("USD\nforecast", number=True),
        Column("USD\nused", number=True),
    )
    stages = dict.fromkeys(step.stage for step in check.steps)
    rows = [_stage_row(stage, [step for step in check.steps if step.stage == stage]) for stage in stages]
    if check.steps:
        rows.append(_stage_row("all", check.steps))
    return Table(f"Forecast against {check.run}", columns, tuple(rows), _check_notes(check))


def step_table(check: Check) -> Table:
    """Forecast against actual for every step, the worst first."""
    columns = (
        Column("Step"),
        Column("Seconds\nforecast", number=True),
        Column("Seconds\nused", number=True),
        Column("USD\nforecast", number=True),
        Column("USD\nused", number=True),
        Column("Off by", number=True),
        Column("Rate from"),
    )
    ordered = sorted(check.steps, key=lambda step: -(float("inf") if step.error is None else step.error))
    rows = tuple(
        (
            Cell(step.label),
            _seconds(step.seconds[0]),
            _seconds(step.seconds[1]),
            Cell(MISSING if step.usd[0] is None else numbers.amount(step.usd[0])),
            Cell(numbers.amount(step.usd[1])),
            Cell("?" if step.error is None else f"{100 * step.error:.0f} %"),
            Cell(step.source),
        )
        for step in ordered
    )
    return Table(f"Forecast against {check.run}, step by step", columns, rows)


def _stage_row(stage: str, steps: Sequence[StepCheck]) -> tuple[Cell, ...]:
    counted = [step for step in steps if step.counts]
    exact = f"{sum(step.exact for step in counted)} of {len(counted)}" if counted else MISSING
    timed = [step.seconds for step in steps if step.seconds[0] is not None and step.seconds[1] is not None]
    used = sum((step.usd[1] for step in steps), Decimal(0))
    known = sum((step.usd[0] for step in steps if step.usd[0] is not None), Decimal(0))
    return (
        Cell(stage),
        Cell(str(len(steps))),
        Cell(exact),
        Cell(f"{sum(step.within for step in steps)} of {len(steps)}"),
        _seconds(sum(forecast or 0.0 for forecast, _ in timed) if timed else None),
        _seconds(sum(actual or 0.0 for _, actual in timed) if timed else None),
        Cell(numbers.amount(known), f"{known:f}"),
        Cell(numbers.amount(used), f"{used:f}"),
    )


def _check_notes(check: Check) -> tuple[str, ...]:
    notes = [
        f"{100 * check.share_within:.0f} % of {len(check.steps)} steps are within {100 * TOLERANCE:.0f} % in seconds "
        "and money."
    ]
    if inexact := [step for step in check.steps if not step.exact]:
        near = sum(step.count_error <= TOLERANCE for step in inexact)
        notes.append(f"Of the {len(inexact)} whose counts are not exact, {near} are within {100 * TOLERANCE:.0f} %.")
    if short := sum(step.within and (step.error or 0.0) > TOLERANCE for step in check.steps):
        notes.append(
            f"{short} of them are off by more than that, but by less than {1000 * TICK:g} ms, as two runs are."
        )
    judged = [step for step in check.steps if step.error is not None]
    long = [step for step in check.steps if (step.seconds[1] or 0.0) >= _LONG]
    if long:
        notes.append(f"Of those that took {_LONG:g} s or more: {sum(step.within for step in long)} of {len(long)}.")
    if judged:
        worst = max(judged, key=lambda step: step.error or 0.0)
        notes.append(f"Worst: {worst.label}, off by {100 * (worst.error or 0.0):.0f} %.")
    if unknown := [step.label for step in check.steps if step.error is None]:
        notes.append(f"Not forecast for want of a rate: {', '.join(dict.fromkeys(unknown))}.")
    if check.left_out:
        notes.append(f"{check.left_out} steps that are billed nothing (loading data) are left out.")
    return (*notes, *check.notes)


def _plural(unit: str) -> str:
    return "queries" if unit == "query" else f"{unit}s"


def _error(forecast: float, actual: float) -> float:
    if actual == 0:
        return 0.0 if forecast == 0 else float("inf")
    return abs(forecast - actual) / abs(actual)


def _three(plan: Plan, low: Option, option: Option, high: Option) -> tuple[tuple[Decision, Option], ...]:
    return ((plan.low, low), (plan.expected, option), (plan.high, high))


def _money(values: Sequence[Decimal], lacking: bool) -> Cell:
    least, expected, most = values
    if lacking:
        return Cell(f"> {numbers.amount(expected)} + ?" if expected else "?", "")
    shown = [numbers.amount(value) for value in (least, expected, most)]
    text = shown[1] if shown[0] == shown[2] else f"{shown[1]} ({shown[0]}-{shown[2]})"
    return Cell(text, f"{expected:f}")


def _quality(option: Option, mark: str) -> Cell:
    if option.quality != option.quality:  # not a number: nothing is known
        return Cell(MISSING, "")
    return Cell(f"{numbers.score(option.quality)}{mark}", f"{option.quality}")


def _latency(low: Option, option: Option, high: Option, mark: str) -> Cell:
    if option.latency_ms is None or low.latency_ms is None or high.latency_ms is None:
        return Cell(MISSING, "")
    values = [numbers.amount(each) for each in (low.latency_ms, option.latency_ms, high.latency_ms)]
    text = values[1] if values[0] == values[2] else f"{values[1]} ({values[0]}-{values[2]})"
    return Cell(f"{text}{mark}", f"{option.latency_ms}")


def _marks(sources: Mapping[str, None]) -> dict[str, str]:
    """A superscript letter for each source that a figure names."""
    letters = "ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ"
    named = [source for source in sources if source]
    return {source: letters[i] if i < len(letters) else f"[{i + 1}]" for i, source in enumerate(named)}


def _seconds(value: float | None) -> Cell:
    return Cell(MISSING if value is None else numbers.amount(value), "" if value is None else f"{value}")
