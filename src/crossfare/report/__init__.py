"""Results as tables (terminal, Markdown, CSV, LaTeX), as figures, and as one page."""

from __future__ import annotations

from crossfare.report.html import write_report
from crossfare.report.latex import to_latex
from crossfare.report.lines import REFERENCE_NOTE, Context
from crossfare.report.table import Cell, Column, Table, to_csv, to_markdown, to_rich
from crossfare.report.tables import (
    cost_table,
    energy_table,
    language_table,
    price_table,
    provenance,
    quality_table,
    table1,
    task_table,
    task_tables,
    write_tables,
)

__all__ = [
    "REFERENCE_NOTE",
    "Cell",
    "Column",
    "Context",
    "Table",
    "cost_table",
    "energy_table",
    "language_table",
    "price_table",
    "provenance",
    "quality_table",
    "table1",
    "task_table",
    "task_tables",
    "to_csv",
    "to_latex",
    "to_markdown",
    "to_rich",
    "write_report",
    "write_tables",
]
