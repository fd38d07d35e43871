"""The forecast of Table 1 laid out: the paper's columns and what it left out, and what the whole study costs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from crossfare.compare.model import Decision, Option
from crossfare.paper.audited import agree
from crossfare.paper.plan import PARTS, StudyPlanner, by_part
from crossfare.report import numbers
from crossfare.report.decision import Horizon
from crossfare.report.names import metric_name, task_name
from crossfare.report.table import MISSING, Cell, Column, Table, amount, number


@dataclass(frozen=True, slots=True)
class _Row:
    """A method of Table 1: in each language, and in the first, whose costs are shown."""

    first: Decision
    option: Option
    scores: Mapping[str, Option]

    def usd(self, part: str, *, once: bool) -> Cell:
        """What a part of it costs; "-" where it needs nothing of the kind."""
        found = dict(by_part(self.first, self.option.fixed if once else self.option.recurring))
        return amount(found.get(part))  # type: ignore[call-overload]


def forecast_table(planner: StudyPlanner, decisions: Sequence[Decision], horizon: Horizon) -> Table:
    """Table 1, its costs those of the first language."""
    rows, sections = _rows(decisions)
    languages = list(dict.fromkeys(each.target for each in decisions))
    columns: dict[Column | str, Callable[[_Row], Cell | str]] = {"Method": lambda row: row.option.label}
    columns |= {number(each): lambda row, each=each: _score(row.scores.get(each)) for each in languages}  # type: ignore[misc]
    columns |= {
        number("One-time\nUSD"): lambda row: row.usd("translation", once=True),
        number("Recurring\nUSD/1k"): lambda row: row.usd("translation", once=False),
        number("Latency\ns/batch"): lambda row: amount((row.option.latency_ms or 0.0) / 1000 or None),
    }
    more: dict[str, tuple[str, bool]] = {
        "annotation": ("Annot.\nUSD", True),
        "fine-tuning": ("Fine-t.\nUSD", True),
        "inference": ("Inference\nUSD/1k", False),
    }
    for part, (title, once) in more.items():
        if part in planner.asked.parts:
            columns[number(title)] = lambda row, part=part, once=once: row.usd(part, once=once)  # type: ignore[misc]
    columns[number("Total\nUSD")] = lambda row: amount(row.first.total_usd(row.option, horizon.examples))
    title = f"Table 1 at {_day(planner)} prices, {horizon}"
    return Table.of(title, columns, rows, _notes(planner, decisions), sections)


def _rows(decisions: Sequence[Decision]) -> tuple[list[_Row], dict[int, str]]:
    rows: list[_Row] = []
    sections = {}
    for task in dict.fromkeys(each.task for each in decisions):
        own = [each for each in decisions if each.task == task]
        sections[len(rows)] = f"{task_name(task)} ({metric_name(own[0].metric)})"
        for option in own[0].options:
            at = {each.target: other for each in own for other in each.options if other.key == option.key}
            rows.append(_Row(own[0], option, at))
    return rows, sections


def _score(option: Option | None) -> Cell:
    if option is None or option.quality != option.quality:
        return Cell(MISSING)
    return Cell(f"{option.quality:.4f}{'?' if option.note else ''}", f"{option.quality}")


def _day(planner: StudyPlanner) -> str:
    return {"paper": "the paper's", "today": "today's"}[planner.asked.prices]


def _notes(planner: StudyPlanner, decisions: Sequence[Decision]) -> list[str]:
    refs = dict.fromkeys(rate.source for each in decisions for rate in each.rates.values())
    left_out = [part for part in PARTS if part not in planner.asked.parts]
    notes = [
        f"Costs are of {decisions[0].target}, translation by hours in the text, characters of Tables 6 to 8, seconds "
        f"a batch of Table 1. Total: with what recurs. Prices: {', '.join(refs)}. ?: an upper bound, not run.",
    ]
    if left_out:
        notes.append(f"Not counted, as in the paper: {', '.join(left_out)} (--with {','.join(left_out)}).")
    if set(planner.asked.parts) & {"fine-tuning", "inference"}:
        notes.append(
            "Fine-tuning and inference of BERT: by what others published of that recipe on a V100; of the reranker: "
            "12 and 5 hours on a TPU v3-8 (section 4.4)."
        )
    if planner.asked.device:
        notes.append(f"{planner.asked.device}: hours are those of a V100; another device takes others.")
    if planner.asked.prices == "paper" and not (planner.asked.api or planner.asked.device):
        notes += _otherwise(planner, decisions)
    return notes


def _otherwise(planner: StudyPlanner, decisions: Sequence[Decision]) -> list[str]:
    """Which cells Table 1 prints otherwise: what it states does not give them."""
    tasks = {each.task for each in decisions}
    cells = [
        f"{cell.title} {cell.printed:,}"
        for cell in planner.audit.cells
        if cell.name.partition("-")[0] in tasks and "latency" not in cell.name
        if not agree(cell.printed, cell.computed.value)
    ]
    told = f"Table 1 prints otherwise, for reasons that crossfare audit-paper names: {'; '.join(cells)}."
    return [told] if cells else []


_WHAT = ("translation", "test sets", "annotation", "fine-tuning", "inference")


def study_table(planner: StudyPlanner, decisions: Sequence[Decision]) -> Table:
    """What it costs to do what Tables 2, 3 and 5 show, each model and translation once."""
    paid = list(planner.study(decisions))
    whole = {what: sum((each.get(what, Decimal(0)) for _, each in paid), Decimal(0)) for what in _WHAT}
    shown = [what for what in _WHAT if whole[what]]
    rows = [*((task_name(task), each) for task, each in paid), ("all", whole)]
    columns: dict[Column | str, Callable[[tuple[str, Mapping[str, Decimal]]], Cell | str]] = {
        "Task": lambda row: row[0]
    }
    for what in shown:
        columns[number(f"{what[0].upper()}{what[1:]}\nUSD")] = lambda row, what=what: amount(row[1].get(what))  # type: ignore[misc]
    columns[number("In all\nUSD")] = lambda row: amount(sum(row[1].values(), Decimal(0)))
    languages = ", ".join(dict.fromkeys(each.target for each in decisions))
    note = (
        f"The rows of Tables 2, 3 and 5 in {languages}: every training set and test set translated once by each engine "
        "that has a score, every model fine-tuned once, every test set read by each. Strategies 1 and 2 were "
        "estimated, not run."
    )
    return Table.of(f"What the study costs at {_day(planner)} prices", columns, rows, [note])


def to_json(planner: StudyPlanner, decisions: Sequence[Decision], horizon: Horizon) -> dict[str, Any]:
    """The forecast as JSON values; amounts are text, so that they stay exact."""

    def parts(decision: Decision, option: Option, *, once: bool) -> dict[str, str]:
        return {part: f"{usd:f}" for part, usd in by_part(decision, option.fixed if once else option.recurring)}

    return {
        "source": "Rosa et al. 2021 (arXiv:2105.06813), Table 1",
        "prices": planner.asked.prices,
        "volume": horizon.volume,
        "months": horizon.months,
        "methods": [
            {
                "task": decision.task,
                "target": decision.target,
                "method": option.key,
                "score": option.quality if option.quality == option.quality else None,
                "upper_bound": bool(option.note),
                "one_time_usd": parts(decision, option, once=True),
                "usd_per_1k": parts(decision, option, once=False),
                "added_seconds_per_batch": numbers.amount((option.latency_ms or 0.0) / 1000),
                "total_usd": f"{decision.total_usd(option, horizon.examples):f}",
                "rates": {name: rate.source for name, rate in decision.rates.items()},
            }
            for decision in decisions
            for option in decision.options
        ],
        "study_usd": {
            task: {what: f"{usd:f}" for what, usd in paid.items()} for task, paid in planner.study(decisions)
        },
    }
