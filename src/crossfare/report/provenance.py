"""What figures rest on: price records, hardware, seeds, metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from crossfare.ledger import Catalogue
from crossfare.report.summary import price_refs
from crossfare.report.table import MISSING, Cell, Column, Table
from crossfare.types import Result


def provenance(
    results: Sequence[Result], catalogue: Catalogue | None = None, facts: Mapping[str, str] | None = None
) -> Table:
    """What the figures rest on: price records with their sources, hardware, seeds, metrics, and further ``facts``."""
    rows = [("Price", ref, _price_text(ref, catalogue)) for ref in price_refs(results)]
    hardware = dict.fromkeys(latency.hardware for result in results for latency in result.latency)
    rows += [("Hardware", name, "latency") for name in hardware]
    seeds = sorted({result.spec.seed for result in results})
    rows.append(("Seeds", ", ".join(map(str, seeds)) or MISSING, f"{len(seeds)} in all"))
    signatures = dict.fromkeys((r.spec.task, r.score.metric, r.score.signature) for r in results)
    rows += [("Metric", f"{task} {metric}", signature) for task, metric, signature in signatures]
    checkpoints = dict.fromkeys((r.spec.model, r.spec.checkpoint) for r in results if r.spec.checkpoint)
    rows += [("Model", role, checkpoint) for role, checkpoint in checkpoints]
    rows += [("Run", name, value) for name, value in (facts or {}).items()]
    columns = (Column("What"), Column("Which"), Column("Details"))
    return Table("Provenance", columns, tuple(tuple(Cell(text) for text in row) for row in rows))


def price_table(catalogue: Catalogue, today: date | None = None) -> Table:
    """The price records, newest last; where each is from, and how its provider counts, stands in the notes.

    "Age" counts the days since the record was compared with its source.
    """
    listed = catalogue.describe(today)
    columns = tuple(Column(title) for title in ("Offer", "Price", "Valid", "Age", "Evidence"))
    rows = tuple(
        (
            Cell(row["offer"]),
            Cell(f"{row['amount']} / {row['unit']}"),
            Cell(row["valid"]),
            Cell(row["age"]),
            Cell(row["evidence"]),
        )
        for row in listed
    )
    notes = tuple(
        "; ".join(filter(None, (f"{row['offer']}, {row['valid']}: {row['source']}", *_price_details(row), price.note)))
        for row, price in zip(listed, catalogue, strict=True)
    )
    return Table("Prices", columns, rows, notes)


def _price_details(row: Mapping[str, str]) -> tuple[str, ...]:
    return row["retired"], row["counting"], row["free"]


def _price_text(ref: str, catalogue: Catalogue | None) -> str:
    if catalogue is None:
        return MISSING
    price = next((each for each in catalogue if each.ref == ref), None)
    if price is None:
        return "not in this catalogue"
    amount = f"{price.amount:.6g} {price.currency} per {price.bought}"
    return f"{amount}; checked {price.checked}; {price.evidence}; {price.source}"
