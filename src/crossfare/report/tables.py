"""The tables: the paper's layouts (Tables 1 to 3 and 5) with the columns it leaves out, and provenance.

Costs are those of one target language. Table 1 shows their mean over languages; its CSV has a
line per language.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from crossfare.ledger import Catalogue
from crossfare.report.by_language import language_table
from crossfare.report.cells import (
    AFTER_LATENCY,
    ALPHA,
    BEFORE_LATENCY,
    best_scores,
    closeness,
    cost_cells,
    energy_cells,
    energy_columns,
    interval_cell,
    label_columns,
    line_labels,
    metric_of,
    row_numbers,
    score_cell,
    sections,
    source_side_rows,
    training_data,
)
from crossfare.report.context import Context
from crossfare.report.names import table_file, task_name
from crossfare.report.notes import (
    ENERGY_NOTE,
    SOURCE_SIDE,
    constant_notes,
    cost_notes,
    lost_notes,
    model_notes,
    quality_notes,
)
from crossfare.report.provenance import provenance
from crossfare.report.summary import BATCH_SIZE, targets
from crossfare.report.table import Cell, Column, Table, to_csv, to_markdown
from crossfare.store import write_text
from crossfare.tasks import TASKS
from crossfare.types import Result, TaskName

_PLAIN = Context()


def table1(results: Sequence[Result], context: Context = _PLAIN) -> Table:
    """The paper's Table 1 and what it leaves out: intervals, annotation, fine-tuning, inference, yield."""
    found = context.lines(results)
    languages = targets(found)
    columns = (
        *label_columns(),
        *(Column(language, number=True) for language in languages),
        *(Column(f"95 % interval {language}", number=True) for language in languages),
        *(Column(measure.title, number=True) for measure in BEFORE_LATENCY),
        Column(f"Added latency (s/batch of {BATCH_SIZE})", number=True),
        *(Column(measure.title, number=True) for measure in AFTER_LATENCY),
        Column("Training yield", number=True),
        *(Column(title, number=True) for title, _ in energy_columns(results)),
    )
    best = best_scores(found, languages)
    rows = tuple(
        (
            *line_labels(line, context),
            *(score_cell(line, language, best) for language in languages),
            *(interval_cell(line, language) for language in languages),
            *cost_cells(line),
            *energy_cells(line, results),
        )
        for line in found
    )
    notes = (*quality_notes(found, languages, context), *cost_notes(found, context))
    return Table("Table 1: quality, cost and latency", columns, rows, _distinct(notes), sections(found))


def quality_table(results: Sequence[Result], context: Context = _PLAIN) -> Table:
    """The left half of Table 1, for the terminal: scores with their intervals. Rows are numbered per task."""
    found = context.lines(results)
    languages = targets(found)
    best = best_scores(found, languages)
    rows = tuple(
        (
            number,
            *line_labels(line, context),
            *(score_cell(line, language, best, interval=True) for language in languages),
        )
        for number, line in zip(row_numbers(found), found, strict=True)
    )
    columns = (Column("#"), *label_columns(), *(Column(f"{each}\nscore 95 %", number=True) for each in languages))
    return Table("Quality", columns, rows, quality_notes(found, languages, context), sections(found))


def cost_table(results: Sequence[Result], context: Context = _PLAIN) -> Table:
    """The right half of Table 1, for the terminal: what each method costs, and how long it makes users wait.

    Its rows are numbered as those of `quality_table`, which names the models.
    """
    found = context.lines(results)
    columns = (
        Column("#"),
        label_columns()[0],
        *(Column(measure.short, number=True) for measure in BEFORE_LATENCY),
        Column(f"Latency\ns/batch\nof {BATCH_SIZE}", number=True),
        *(Column(measure.short, number=True) for measure in AFTER_LATENCY),
        Column("Training\nyield", number=True),
    )
    rows = tuple(
        (number, line_labels(line, context)[0], *cost_cells(line))
        for number, line in zip(row_numbers(found), found, strict=True)
    )
    return Table("Cost and latency", columns, rows, cost_notes(found, context), sections(found))


def energy_table(results: Sequence[Result], context: Context = _PLAIN) -> Table | None:
    """What each method takes in electricity, rows numbered as in `cost_table`; None if it was not metered."""
    if not (shown := energy_columns(results)):
        return None
    found = context.lines(results)
    columns = (Column("#"), label_columns()[0], *(Column(title, number=True) for title, _ in shown))
    rows = tuple(
        (number, line_labels(line, context)[0], *energy_cells(line, results))
        for number, line in zip(row_numbers(found), found, strict=True)
    )
    return Table("Energy", columns, rows, (ENERGY_NOTE,), sections(found))


def task_table(results: Sequence[Result], task: TaskName, context: Context = _PLAIN) -> Table:
    """The paper's Table 2, 3 or 5: numbered rows with method, training data, model and a score per language."""
    found = context.lines(results, task)
    languages = targets(found)
    best = best_scores(found, languages)
    rows = tuple(
        row
        for number, line in zip(row_numbers(found), found, strict=True)
        for row in (
            (
                number,
                *line_labels(line, context)[:1],
                Cell(training_data(line, context)),
                *line_labels(line, context)[1:],
                *(score_cell(line, language, best, closeness(line, language, best, context)) for language in languages),
            ),
            *source_side_rows(line, languages),
        )
    )
    method, model = label_columns()
    columns = (
        Column("#"),
        method,
        Column("Training data (examples)"),
        model,
        *(Column(language, number=True) for language in languages),
    )
    number = TASKS[task].table
    name = f"Table {number}: " if number else ""
    metric = f" ({metric_of(found)})" if found else ""
    notes = [*quality_notes(found, languages, context, intervals=False)]
    if any(source_side_rows(line, languages) for line in found):
        notes.append(SOURCE_SIDE)
    notes += [*lost_notes(found, languages), *constant_notes(found, languages), *model_notes(found)]
    if context.p_values:
        notes.append(f"°: not significantly different from the best of its column (paired test, p >= {ALPHA}).")
    return Table(f"{name}results on the {task_name(task)} task{metric}", columns, rows, tuple(notes))


def write_tables(
    results: Sequence[Result],
    folder: str | Path,
    context: Context = _PLAIN,
    *,
    catalogue: Catalogue | None = None,
    facts: Mapping[str, str] | None = None,
) -> tuple[Path, ...]:
    """Write table1, table2 (QA), table3 (NLI), table5 (ranking) and provenance as Markdown and CSV; return the paths.

    table1.csv has a line per language in full precision, `language_table`.
    """
    tasks = dict.fromkeys(line.first.task for line in context.lines(results))
    written = {"table1": (table1(results, context), language_table(results, context.missing))}
    for task in tasks:
        table = task_table(results, task, context)
        written[table_file(task)] = (table, table)
    origin = provenance(results, catalogue, facts)
    written["provenance"] = (origin, origin)
    paths = []
    for name, (on_paper, in_full) in written.items():
        for suffix, text in ((".md", to_markdown(on_paper)), (".csv", to_csv(in_full))):
            paths.append(Path(folder) / f"{name}{suffix}")
            write_text(paths[-1], text)
    return tuple(paths)


def _distinct(notes: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(notes))
