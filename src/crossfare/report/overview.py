"""What a task's part of the page opens with: every method in every language, in a table whose colours are scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from crossfare.compare import Option
from crossfare.report import numbers
from crossfare.report.advice import Changes, brief
from crossfare.report.decision import interval
from crossfare.report.names import metric_name, task_name
from crossfare.report.page_decision import PageDecision, numbered


@dataclass(frozen=True, slots=True)
class HeatCell:
    """A score with its interval; ``level`` is where it lies between the task's lowest and highest, in per cent.

    ``mark`` is "recommended" or "ahead"; ``trivial`` that it is not shown to beat a trivial system.
    """

    score: str
    interval: str
    level: int
    mark: str
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
    """What to choose for one language, or for the mean over several, in a sentence or two."""

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
    advice: tuple[Advice, ...]


def overview(judged: Sequence[PageDecision], changes: Sequence[Changes]) -> Overview:
    """One task's decisions side by side, with what would settle or change each of them."""
    first = judged[0].whole
    qualities = [option.quality for each in judged for option in each.whole.options]
    low, high = min(qualities), max(qualities)
    by_label = [(each, {option.label: option for option in each.whole.options}) for each in judged]

    def cell(each: PageDecision, option: Option | None) -> HeatCell | None:
        if option is None:
            return None
        level = round(100 * (option.quality - low) / ((high - low) or 1))
        trivial = not each.whole.beats_baseline(option)
        return HeatCell(numbers.score(option.quality), interval(option), level, each.mark(option), trivial)

    def usd(label: str) -> str:
        each, own = next((each, own) for each, own in by_label if label in own)
        return numbers.amount(each.whole.total_usd(own[label], each.made.examples))

    rows = tuple(
        HeatRow(number, label, tuple(cell(each, own.get(label)) for each, own in by_label), usd(label))
        for label, number in numbered(judged).items()
    )
    targets = tuple(each.column for each in judged)
    told = tuple(Advice(each.column, brief(each.made, own)) for each, own in zip(judged, changes, strict=True))
    return Overview(first.task, task_name(first.task), metric_name(first.metric), targets, rows, told)
