"""A forecast for people: what each method would cost before anything is run, and how well that held afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal

from crossfare.compare import Decision, Option
from crossfare.compare.forecast import TICK, TOLERANCE, Assumption, Check, Plan, StepCheck
from crossfare.report import numbers
from crossfare.report.decision import Horizon
from crossfare.report.names import subject
from crossfare.report.table import MISSING, Cell, Column, Table, amount, number

_LONG = 1.0  # seconds
_LETTERS = "ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ"

_Row = tuple[Option, Option, Option]  # the same method at the least, the expected and the most


def plan_table(plan: Plan, horizon: Horizon) -> Table:
    """Every method with quality, cost and added latency; "?" where a part is not known."""
    decision, levels = plan.expected, (plan.low, plan.expected, plan.high)
    marks = _marks((*plan.qualities.values(), *plan.latencies.values()))

    def usd(row: _Row, cost: Callable[[Decision, Option], Decimal], *lacking: bool) -> Cell:
        """The money of a method; what it lacks is told by whether that is recurring."""
        lacks = any(each.recurring in lacking for each in plan.unknown.get(row[1].key, ()))
        return _usd([cost(level, option) for level, option in zip(levels, row, strict=True)], lacks)

    def kept(row: _Row) -> Cell:
        return usd(row, Decision.kept_usd_per_month) if row[1].kept else Cell(MISSING)

    keeps = any(option.kept for option in decision.options)
    storage: dict[Column | str, Callable[[_Row], Cell]] = {number("Storage\nUSD/month"): kept} if keeps else {}
    columns: dict[Column | str, Callable[[_Row], Cell | str]] = {
        "Method": lambda row: row[1].label,
        number(decision.metric): lambda row: _quality(row[1], marks.get(plan.qualities.get(row[1].key, ""), "")),
        number("One-time\nUSD"): lambda row: usd(row, Decision.once_usd, False),
        **storage,
        number("Recurring\nUSD/1k"): lambda row: usd(row, Decision.recurring_usd_per_1k, True),
        number("Total\nUSD"): lambda row: usd(row, lambda d, o: d.total_usd(o, horizon.examples), True, False),
        number("Added\nms"): lambda row: _latency(row, marks.get(plan.latencies.get(row[1].key, ""), "")),
    }
    notes = [
        "Expected (least-most). One-time: translation, annotation, fine-tuning; recurring: translation of what is "
        f"asked and inference; total: over {horizon.examples:,} examples.",
        *(("Storage: keeping the translations that are paid once; the total has it for all months.",) if keeps else ()),
        *(f"{mark} {source}" for source, mark in marks.items()),
        *plan.notes,
    ]
    if plan.todo:
        notes.append("?: a part is not known, see below; what is known is shown after >.")
    rows = zip(*(level.options for level in levels), strict=True)
    return Table.of(f"{subject(decision)}: forecast for {horizon}", columns, rows, notes)


def assumption_table(plans: Sequence[Plan]) -> Table:
    """What the forecasts rest on."""

    def least_most(each: Assumption) -> str:
        return MISSING if each.low is None or each.high is None else f"{each.low:.3g}-{each.high:.3g}"

    return Table.of(
        "What this rests on",
        {
            "What": lambda each: each.what,
            number("Amount"): _work,
            number("Seconds\nper unit"): lambda each: MISSING if each.expected is None else f"{each.expected:.3g}",
            number("Least-most"): least_most,
            "From": lambda each: each.source,
        },
        dict.fromkeys(each for plan in plans for each in plan.assumptions),
        ["~: estimated; without it, counted as the run would send it."],
    )


def check_table(check: Check) -> Table:
    """Forecast against actual, by stage."""
    stages = dict.fromkeys(step.stage for step in check.steps)
    groups = [(stage, [step for step in check.steps if step.stage == stage]) for stage in stages]
    if check.steps:
        groups.append(("all", list(check.steps)))
    return Table.of(
        f"Forecast against {check.run}",
        {
            "Stage": lambda group: group[0],
            number("Steps"): lambda group: str(len(group[1])),
            number("Counts\nexact"): lambda group: _share(step.exact for step in group[1] if step.counts),
            number("Within\n25 %"): lambda group: _share(step.within for step in group[1]),
            number("Seconds\nforecast"): lambda group: amount(_timed(group[1], 0)),
            number("Seconds\nused"): lambda group: amount(_timed(group[1], 1)),
            number("USD\nforecast"): lambda group: amount(_sum(step.usd[0] for step in group[1])),
            number("USD\nused"): lambda group: amount(_sum(step.usd[1] for step in group[1])),
        },
        groups,
        _check_notes(check),
    )


def step_table(check: Check) -> Table:
    """Forecast against actual for every step, the worst first."""
    return Table.of(
        f"Forecast against {check.run}, step by step",
        {
            "Step": lambda step: step.label,
            number("Seconds\nforecast"): lambda step: amount(step.seconds[0]),
            number("Seconds\nused"): lambda step: amount(step.seconds[1]),
            number("USD\nforecast"): lambda step: amount(step.usd[0]),
            number("USD\nused"): lambda step: amount(step.usd[1]),
            number("Off by"): lambda step: "?" if step.error is None else f"{100 * step.error:.0f} %",
            "Rate from": lambda step: step.source,
        },
        sorted(check.steps, key=lambda step: -(float("inf") if step.error is None else step.error)),
    )


def _check_notes(check: Check) -> list[str]:
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
    if long := [step.within for step in check.steps if (step.seconds[1] or 0.0) >= _LONG]:
        notes.append(f"Of those that took {_LONG:g} s or more: {_share(long)}.")
    if judged := [step for step in check.steps if step.error is not None]:
        worst = max(judged, key=lambda step: step.error or 0.0)
        notes.append(f"Worst: {worst.label}, off by {100 * (worst.error or 0.0):.0f} %.")
    if unknown := [step.label for step in check.steps if step.error is None]:
        notes.append(f"Not forecast for want of a rate: {', '.join(dict.fromkeys(unknown))}.")
    if check.left_out:
        notes.append(f"{check.left_out} steps that are billed nothing (loading data) are left out.")
    return notes


def _work(each: Assumption) -> Cell:
    unit = "queries" if each.unit == "query" else f"{each.unit}s"
    return Cell(f"{'' if each.exact else '~'}{each.amount:,.0f} {unit}", f"{each.amount:.0f}")


def _usd(values: Sequence[Decimal], lacking: bool) -> Cell:
    expected = numbers.amount(values[1])
    if lacking:
        return Cell(f"> {expected} + ?" if values[1] else "?", "")
    return Cell(_around(values), f"{values[1]:f}")


def _around(values: Sequence[Decimal] | Sequence[float]) -> str:
    """What is expected, and around it the least and the most, where they read differently."""
    low, expected, high = map(numbers.amount, values)
    return expected if low == high else f"{expected} ({low}-{high})"


def _quality(option: Option, mark: str) -> Cell:
    if option.quality != option.quality:  # not a number: nothing is known
        return Cell(MISSING, "")
    return Cell(f"{numbers.score(option.quality)}{mark}", f"{option.quality}")


def _latency(row: _Row, mark: str) -> Cell:
    known = [option.latency_ms for option in row if option.latency_ms is not None]
    return Cell(f"{_around(known)}{mark}", f"{known[1]}") if len(known) == len(row) else Cell(MISSING, "")


def _marks(sources: Iterable[str]) -> dict[str, str]:
    """A superscript letter for each source that a figure names."""
    named = dict.fromkeys(source for source in sources if source)
    return {source: _LETTERS[i] if i < len(_LETTERS) else f"[{i + 1}]" for i, source in enumerate(named)}


def _share(held: Iterable[bool]) -> str:
    found = list(held)
    return f"{sum(found)} of {len(found)}" if found else MISSING


def _timed(steps: Iterable[StepCheck], which: int) -> float | None:
    """The sum of what was forecast (0) or used (1), over the steps that have both."""
    found = [step.seconds[which] or 0.0 for step in steps if None not in step.seconds]
    return sum(found) if found else None


def _sum(values: Iterable[Decimal | None]) -> Decimal:
    return sum((value for value in values if value is not None), Decimal(0))
