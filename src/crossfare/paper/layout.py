"""The audit laid out: tables for a terminal or Markdown, one full table for CSV, and JSON."""

from __future__ import annotations

from dataclasses import asdict
from decimal import Decimal
from typing import Any

from crossfare.paper.audit import Audit
from crossfare.paper.cells import Cell, Computation, agree
from crossfare.paper.findings import BreakEven
from crossfare.report import numbers
from crossfare.report.table import Cell as Shown
from crossfare.report.table import Column, Table

_SECTIONS = {"qa": "Question answering", "nli": "Natural language inference", "ranking": "Passage ranking"}


def to_tables(audit: Audit) -> tuple[Table, Table, Table]:
    """What people read: the cells of Table 1, break-even volumes, and what else was found."""
    return _cells(audit), _break_evens(audit), _findings(audit)


def full_table(audit: Audit) -> Table:
    """Every cell with all that is known of it, one line each: what CSV is made of."""
    titles = (
        *("cell", "title", "unit", "paper", "recomputed", "difference", "verdict", "formula", "inputs"),
        *("matches", "others", "note"),
    )
    rows = tuple(tuple(Shown(text) for text in _full(cell)) for cell in audit.cells)
    return Table("Audit of Table 1", tuple(Column(title) for title in titles), rows)


def to_json(audit: Audit) -> dict[str, Any]:
    """The whole audit as JSON values; amounts are text, so that they stay exact."""
    return {
        "source": "Rosa et al. 2021 (arXiv:2105.06813), Table 1",
        "assumptions": asdict(audit.assumptions),
        "prices": list(audit.prices),
        "cells": [_cell_json(cell) for cell in audit.cells],
        "break_evens": [_break_even_json(each) for each in audit.break_evens],
        "findings": [asdict(finding) for finding in audit.findings],
    }


def _cells(audit: Audit) -> Table:
    columns = (
        Column("Cell"),
        Column("Paper", number=True),
        Column("Recomputed", number=True),
        Column("Verdict"),
        Column("Formula"),
        Column("Inputs from"),
    )
    rows, sections, seen = [], {}, set()
    for index, cell in enumerate(audit.cells):
        task = cell.name.partition("-")[0]
        if task not in seen:
            sections[index] = _SECTIONS[task]
            seen.add(task)
        rows.append(
            (
                Shown(cell.title),
                Shown(f"{cell.printed:,}"),
                Shown(_amount(cell.computed.value, cell.printed)),
                Shown(cell.verdict),
                Shown(cell.computed.formula),
                Shown(_sources(cell.computed)),
            )
        )
    given = audit.assumptions
    notes = (
        "Costs in USD (per 1k: per 1,000 examples), latencies in seconds a batch. exact: the recomputed value rounds "
        "to the printed one; truncated: it gives it if further digits are cut off; rounding: neither, but it misses by "
        "one in the last digit or by 0.01 % at the most; rounded input, assumption: the printed figure follows from "
        "the computation named below, rounded or truncated; does not reproduce: nothing stated gives it.",
        f"Assumptions: the printed seconds are for {given.batch_size} examples, hours as {given.hours}, an API bills "
        f"QA by the {given.billing}. Prices: {', '.join(audit.prices)}.",
        *(note for cell in audit.cells if (note := _note(cell))),
    )
    return Table("The paper's Table 1, recomputed from its own inputs", columns, tuple(rows), notes, sections)


def _note(cell: Cell) -> str:
    parts = [cell.note] if cell.note else []
    parts += [f"the printed figure is {_match(cell, other)}" for other in cell.matches]
    parts += [_line(cell, other) for other in cell.others if other not in cell.matches]
    return f"{cell.title}: {'; '.join(parts)}." if parts else ""


def _match(cell: Cell, other: Computation) -> str:
    """With a digit more than is printed, where the printed one was cut off."""
    if agree(cell.printed, other.value) == "exact":
        return _line(cell, other)
    digits = 1 - int(cell.printed.as_tuple().exponent)
    remark = f", {other.remark}" if other.remark else ""
    return f"{other.formula} = {other.value:,.{digits}f} (cut off, not rounded{remark})"


def _line(cell: Cell, other: Computation) -> str:
    remark = f" ({other.remark})" if other.remark else ""
    return f"{other.formula} = {_amount(other.value, cell.printed)}{remark}"


def _break_evens(audit: Audit) -> Table:
    columns = (
        Column("Paying once is cheaper from"),
        Column("By printed costs", number=True),
        Column("Recomputed", number=True),
    )
    rows = tuple(
        (Shown(each.title), Shown(_examples(each.by_printed)), Shown(_examples(each.by_computed)))
        for each in audit.break_evens
    )
    notes = ("Examples (queries for ranking), by translation costs alone.",)
    return Table("Break-even volumes that follow", columns, rows, notes)


def _findings(audit: Audit) -> Table:
    columns = tuple(Column(title) for title in ("What", "Paper", "Found"))
    rows = tuple((Shown(f.title), Shown(f.paper), Shown(f.found)) for f in audit.findings)
    return Table("What else was found", columns, rows)


def _full(cell: Cell) -> tuple[str, ...]:
    matches = cell.matches
    return (
        cell.name,
        cell.title,
        cell.unit,
        f"{cell.printed:f}",
        f"{cell.computed.value:f}",
        f"{cell.difference:.6f}",
        cell.verdict,
        cell.computed.formula,
        "; ".join(f"{i.name} = {i.value:f} {i.unit} ({i.source})" for i in cell.computed.inputs),
        "; ".join(_line(cell, other) for other in matches),
        "; ".join(_line(cell, other) for other in cell.others if other not in matches),
        cell.note,
    )


def _cell_json(cell: Cell) -> dict[str, Any]:
    return {
        "cell": cell.name,
        "title": cell.title,
        "unit": cell.unit,
        "paper": f"{cell.printed:f}",
        "text": cell.text,
        "difference": f"{cell.difference:.6f}",
        "verdict": cell.verdict,
        "recomputed": _computation_json(cell.computed),
        "matches": [_computation_json(other) for other in cell.matches],
        "others": [_computation_json(other) for other in cell.others if other not in cell.matches],
        "note": cell.note,
    }


def _computation_json(computation: Computation) -> dict[str, Any]:
    return {
        "value": f"{computation.value:f}",
        "formula": computation.formula,
        "inputs": [
            {"name": i.name, "value": f"{i.value:f}", "unit": i.unit, "source": i.source} for i in computation.inputs
        ],
        "explains": computation.explains,
        "remark": computation.remark,
    }


def _break_even_json(each: BreakEven) -> dict[str, Any]:
    def examples(value: Decimal | None) -> str | None:
        return None if value is None else f"{value:.0f}"

    return {
        "name": each.name,
        "title": each.title,
        "by_printed": examples(each.by_printed),
        "by_computed": examples(each.by_computed),
    }


def _amount(value: Decimal, printed: Decimal) -> str:
    """In the digits of the printed figure, or enough to see a difference from it."""
    return numbers.amount(value) if abs(printed) < 1 else f"{value:,.2f}"


def _examples(value: Decimal | None) -> str:
    return "-" if value is None else f"{value:,.0f}"


def _sources(computation: Computation) -> str:
    return ", ".join(dict.fromkeys(i.source.partition(":")[0].partition(",")[0] for i in computation.inputs))
