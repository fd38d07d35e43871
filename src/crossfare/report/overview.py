"""What a task's part of the page opens with: every method in every language, in a table whose colours are scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from crossfare.compare import Option, Recommendation
from crossfare.report import numbers
from crossfare.report.decision import Horizon, explain
from crossfare.report.names import column, metric_name, task_name, trivial_name


@dataclass(frozen=True, slots=True)
class HeatCell:
    """A score with its interval; ``level`` is where it lies between the task's lowest and highest, in per cent."""

    score: str
    interval: str
    level: int
    chosen: bool
    trivial: bool


@dataclass(frozen=True, slots=True)
class HeatRow:
    """A method: its scores in the languages of the table, None where it was not run, and what it costs in all."""

    number: int
    label: str
    cells: tuple[HeatCell | None, ...]
    usd: str


@dataclass(frozen=True, slots=True)
class Advice:
    """What to choose for one language, or for the mean over several, in a sentence."""

    target: str
    text: str


@dataclass(frozen=True, slots=True)
class Overview:
    """The first screen of a task."""

    task: str
    title: str
    metric: str
    targets: tuple[str, ...]
    rows: tuple[HeatRow, ...]
    trivial: str
    advice: tuple[Advice, ...]


def overview(made: Sequence[Recommendation], horizon: Horizon, order: dict[str, int]) -> Overview:
    """One task's recommendations side by side; ``order`` numbers its methods by their labels."""
    first = made[0].decision
    every = [option for each in made for option in each.decision.options]
    low, high = (end(option.quality for option in every) for end in (min, max))
    by_label = [{option.label: option for option in each.decision.options} for each in made]

    def cell(each: Recommendation, option: Option | None) -> HeatCell | None:
        if option is None:
            return None
        interval = f"{numbers.score(option.low)}-{numbers.score(option.high)}"
        level = round(100 * (option.quality - low) / ((high - low) or 1))
        return HeatCell(
            numbers.score(option.quality), interval, level, option == each.chosen, not option.above_baseline
        )

    def usd(label: str) -> str:
        known = ((each, own[label]) for each, own in zip(made, by_label, strict=True) if label in own)
        each, option = next(known)
        return numbers.amount(each.decision.total_usd(option, each.examples))

    rows = tuple(
        HeatRow(
            number,
            label,
            tuple(cell(each, own.get(label)) for each, own in zip(made, by_label, strict=True)),
            usd(label),
        )
        for label, number in order.items()
    )
    targets = tuple(column(each.decision) for each in made)
    advice = tuple(Advice(target, explain(each, horizon)[1]) for target, each in zip(targets, made, strict=True))
    return Overview(
        first.task, task_name(first.task), metric_name(first.metric), targets, rows, trivial_name(first.task), advice
    )
