"""The audit laid out: tables for a terminal or Markdown, one full table for CSV, and JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from crossfare.paper.audit import Audit
from crossfare.paper.audited import Audited, Computation, agree
from crossfare.paper.claims import Claim, tested, wilson
from crossfare.paper.published import PublishedScore
from crossfare.report import numbers
from crossfare.report.names import task_name
from crossfare.report.notes import one_seed_gap
from crossfare.report.table import Table, number

_SECTIONS = {"qa": "Question answering", "nli": "Natural language inference", "ranking": "Passage ranking"}


def to_tables(audit: Audit) -> tuple[Table, ...]:
    """What people read: the cells of Table 1, break-even volumes, what else was found, and the paper's sentences."""
    return _cells(audit), _break_evens(audit), _findings(audit), tested_table(), claims_table(audit)


def full_table(audit: Audit) -> Table:
    """Every cell with all that is known of it, one line each: what CSV is made of."""

    def sources(cell: Audited) -> str:
        return "; ".join(f"{i.name} = {i.value:f} {i.unit} ({i.source})" for i in cell.computed.inputs)

    return Table.of(
        "Audit of Table 1",
        {
            "cell": lambda cell: cell.name,
            "title": lambda cell: cell.title,
            "unit": lambda cell: cell.unit,
            "paper": lambda cell: f"{cell.printed:f}",
            "recomputed": lambda cell: f"{cell.computed.value:f}",
            "difference": lambda cell: f"{cell.difference:.6f}",
            "verdict": lambda cell: cell.verdict,
            "formula": lambda cell: cell.computed.formula,
            "inputs": sources,
            "matches": lambda cell: "; ".join(_line(cell, other) for other in cell.matches),
            "others": lambda cell: "; ".join(_line(cell, other) for other in cell.rest),
            "note": lambda cell: cell.note,
        },
        audit.cells,
    )


def to_json(audit: Audit) -> dict[str, Any]:
    """The whole audit as JSON values; amounts are text, so that they stay exact."""
    return {
        "source": "Rosa et al. 2021 (arXiv:2105.06813), Table 1",
        "assumptions": asdict(audit.assumptions),
        "prices": list(audit.prices),
        "cells": [_cell_json(cell) for cell in audit.cells],
        "break_evens": [
            {name: f"{value:.0f}" if isinstance(value, Decimal) else value for name, value in asdict(each).items()}
            for each in audit.break_evens
        ],
        "findings": [asdict(finding) for finding in audit.findings],
        "claims": [_claim_json(claim) for claim in audit.claims],
    }


def _cells(audit: Audit) -> Table:
    tasks = [cell.name.partition("-")[0] for cell in audit.cells]
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
    return Table.of(
        "The paper's Table 1, recomputed from its own inputs",
        {
            "Cell": lambda cell: cell.title,
            number("Paper"): lambda cell: f"{cell.printed:,}",
            number("Recomputed"): lambda cell: _amount(cell.computed.value, cell.printed),
            "Verdict": lambda cell: cell.verdict,
            "Formula": lambda cell: cell.computed.formula,
            "Inputs from": lambda cell: _sources(cell.computed),
        },
        audit.cells,
        notes,
        {tasks.index(task): _SECTIONS[task] for task in dict.fromkeys(tasks)},
    )


def _note(cell: Audited) -> str:
    parts = [cell.note] if cell.note else []
    parts += [f"the printed figure is {_match(cell, other)}" for other in cell.matches]
    parts += [_line(cell, other) for other in cell.rest]
    return f"{cell.title}: {'; '.join(parts)}." if parts else ""


def _match(cell: Audited, other: Computation) -> str:
    """With a digit more than is printed, where the printed one was cut off."""
    if agree(cell.printed, other.value) == "exact":
        return _line(cell, other)
    digits = 1 - int(cell.printed.as_tuple().exponent)
    remark = f", {other.remark}" if other.remark else ""
    return f"{other.formula} = {other.value:,.{digits}f} (cut off, not rounded{remark})"


def _line(cell: Audited, other: Computation) -> str:
    remark = f" ({other.remark})" if other.remark else ""
    return f"{other.formula} = {_amount(other.value, cell.printed)}{remark}"


def _break_evens(audit: Audit) -> Table:
    return Table.of(
        "Break-even volumes that follow",
        {
            "Paying once is cheaper from": lambda each: each.title,
            number("By printed costs"): lambda each: _examples(each.by_printed),
            number("Recomputed"): lambda each: _examples(each.by_computed),
        },
        audit.break_evens,
        ["Examples (queries for ranking), by translation costs alone."],
    )


def _findings(audit: Audit) -> Table:
    rows = ((each.title, each.paper, each.found) for each in audit.findings)
    return Table.of_texts("What else was found", ("What", "Paper", "Found"), rows)


def claims_table(audit: Audit) -> Table:
    """The sentences that a figure of the paper's tables bears on, each with a verdict."""
    verdicts = Counter(claim.verdict for claim in audit.claims)
    return Table.of(
        "What the paper concludes, and what its test sets allow",
        {
            "Section": lambda claim: claim.section,
            "Sentence (how it is read)": _quoted,
            "Verdict": lambda claim: claim.verdict,
            "Figures, in points": lambda claim: "; ".join(_compared(claim)),
        },
        audit.claims,
        (
            f"{', '.join(f'{count} {verdict}' for verdict, count in verdicts.most_common())}. Supported: the figures "
            "have it so, and no interval says otherwise. Within noise: the figures have it so, but the test set leaves "
            "the contrary open. Contradicted by its own table: a figure is against it.",
            "Points more, with the 95 % interval that the number of test examples allows: two shares of right answers "
            "that know nothing of each other (Newcombe 1998, method 10), rather too wide: F1 and MRR vary less, "
            "and both are of the same examples. It leaves out the luck of training (one run each), and that the best "
            f"of several was picked. {one_seed_gap()}",
        ),
    )


def tested_table() -> Table:
    """How far the best score of the paper on each of its test sets may be off."""

    def interval(score: PublishedScore, n: int) -> str:
        low, high = wilson(score.value, n)
        ends = f"{_points(low - score.value)}, {_points(high - score.value)}"
        return f"{numbers.score(low)}–{numbers.score(high)} ({ends})"

    return Table.of(
        "What the paper's test sets allow",
        {
            "Task": lambda row: task_name(row[0].task),
            "Language": lambda row: row[0].language,
            "Test set": lambda row: row[1],
            number("Examples"): lambda row: f"{row[2]:,}",
            "Best": lambda row: f"Table {row[0].table}, {row[0].place}",
            number("Score"): lambda row: f"{row[0].value:.4f}",
            "95 % (points)": lambda row: interval(row[0], row[2]),
        },
        tested(),
        ["Wilson (1927), of a share of right answers: no wider for F1 and MRR, whose examples lie between."],
    )


def _points(of: float) -> str:
    return f"{round(100 * of, 1) + 0.0:+.1f}"  # no -0.0


def _quoted(claim: Claim) -> str:
    remark = "; ".join(filter(None, (claim.reading, claim.note)))
    return f'"{claim.sentence}"' + (f" ({remark})" if remark else "")


def _compared(claim: Claim) -> Iterator[str]:
    """Each comparison; the table and the language are named where they change."""
    before = ""
    for each in claim.scores:
        where = f"Table {each.over.table} {each.over.language}: "
        interval = f"{_points(each.difference)} ({_points(each.low)} to {_points(each.high)})"
        against = "" if each.holds else ", against it"
        yield f"{where if where != before else ''}{each.over.place} over {each.under.place} {interval}{against}"
        before = where
    yield from map(str, claim.costs)


def _claim_json(claim: Claim) -> dict[str, Any]:
    scores = [
        {
            "table": each.over.table,
            "language": each.over.language,
            "over": each.over.place,
            "under": each.under.place,
            "examples": each.n,
            **{name: round(getattr(each, name), 6) for name in ("difference", "low", "high")},
            "holds": each.holds,
            "shown": each.shown,
        }
        for each in claim.scores
    ]
    facts = {name: getattr(claim, name) for name in ("name", "section", "sentence", "reading", "note", "verdict")}
    return {**facts, "scores": scores, "costs": [asdict(each) for each in claim.costs]}


def _cell_json(cell: Audited) -> dict[str, Any]:
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
        "others": [_computation_json(other) for other in cell.rest],
        "note": cell.note,
    }


def _computation_json(computation: Computation) -> dict[str, Any]:
    inputs = [{**asdict(each), "value": f"{each.value:f}"} for each in computation.inputs]
    names = ("formula", "explains", "remark")
    return {**{name: getattr(computation, name) for name in names}, "value": f"{computation.value:f}", "inputs": inputs}


def _amount(value: Decimal, printed: Decimal) -> str:
    """In the digits of the printed figure, or enough to see a difference from it."""
    return numbers.amount(value) if abs(printed) < 1 else f"{value:,.2f}"


def _examples(value: Decimal | None) -> str:
    return "-" if value is None else f"{value:,.0f}"


def _sources(computation: Computation) -> str:
    return ", ".join(dict.fromkeys(i.source.partition(":")[0].partition(",")[0] for i in computation.inputs))
