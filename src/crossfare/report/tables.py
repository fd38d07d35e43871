"""The tables: the paper's layouts (Tables 1 to 3 and 5) with the columns it leaves out, provenance, and prices.

Costs are those of one target language. Table 1 shows their mean over languages; its CSV has a
line per language.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import partial
from itertools import accumulate
from pathlib import Path
from statistics import fmean

from crossfare.compare import ALPHA, CellStanding
from crossfare.ledger import Catalogue
from crossfare.report import columns, lines, notes
from crossfare.report.lines import BATCH_SIZE, Context, Gathered, gather
from crossfare.report.names import task_name
from crossfare.report.table import MISSING, Cell, Table, to_csv, to_markdown
from crossfare.store import write_text
from crossfare.tasks import TASKS
from crossfare.types import Result, RunSpec, TaskName

_PLAIN = Context()
_NLI = 3
"""The paper's table of the task that its Table 4 is of, too."""


def file_of(task: str) -> str:
    """What the file with a task's table is called, without its suffix."""
    number = TASKS[task].table
    return f"table{number}" if number else task


def table1(results: Sequence[Result], context: Context = _PLAIN) -> Table:
    """The paper's Table 1 and what it leaves out: intervals, annotation, fine-tuning, inference, yield."""
    found = gather(results, context)
    scores = {**columns.scores(found), **columns.scored(found), **columns.intervals(found)}
    shown = {**columns.labels(found), **scores, **columns.costs(), **columns.energies(found)}
    told = dict.fromkeys((*notes.quality_notes(found), *notes.cost_notes(found), *notes.published_notes(found)))
    return _of_lines("Table 1: quality, cost and latency", shown, found, told)


def quality_table(results: Sequence[Result], context: Context = _PLAIN) -> Table:
    """The left half of Table 1, for the terminal: scores with their intervals. Rows are numbered per task."""
    found = gather(results, context)
    shown = {**columns.numbered(found), **columns.labels(found), **columns.scores(found, intervals=True)}
    shown |= columns.scored(found)
    return _of_lines("Quality", shown, found, (*notes.quality_notes(found), *notes.published_notes(found)))


def cost_table(results: Sequence[Result], context: Context = _PLAIN) -> Table:
    """The right half of Table 1, for the terminal: what each method costs, and how long it makes users wait.

    Its rows are numbered as those of `quality_table`, which names the models.
    """
    found = gather(results, context)
    shown = {**columns.numbered(found), **columns.costs(short=True)}
    return _of_lines("Cost and latency", shown, found, (*notes.cost_notes(found), *notes.published_notes(found)))


def energy_table(results: Sequence[Result], context: Context = _PLAIN) -> Table | None:
    """What each method takes in electricity, rows numbered as in `cost_table`; None if it was not metered."""
    found = gather(results, context)
    if not (metered := columns.energies(found)):
        return None
    shown = {**columns.numbered(found), **metered}
    return _of_lines("Energy", shown, found, [notes.ENERGY_NOTE], beside=False)


def _of_lines(
    title: str, shown: columns.Columns, found: Gathered, told: Iterable[str], *, beside: bool = True
) -> Table:
    """A row for each line, by task, and below it the paper's where that is wanted."""
    table = Table.of(title, shown, found.lines, told, columns.sections(found))
    return _interleaved(table, [columns.published_rows(line, found, shown) if beside else () for line in found.lines])


def _interleaved(table: Table, below: Sequence[Sequence[tuple[Cell, ...]]]) -> Table:
    """The table with further rows below each; headings stay where they were."""
    begins = [0, *accumulate(1 + len(more) for more in below)]
    rows = tuple(row for own, more in zip(table.rows, below, strict=True) for row in (own, *more))
    return replace(table, rows=rows, sections={begins[at]: heading for at, heading in table.sections.items()})


def task_tables(results: Sequence[Result], task: TaskName, context: Context = _PLAIN) -> dict[str, Table]:
    """The paper's tables of a task, by the names of their files: of NLI, what adds labels of the target is Table 4."""
    joined = [each for each in results if each.spec.task == task and each.spec.method.endswith("+gold")]
    if TASKS[task].table != _NLI or not joined:
        return {file_of(task): task_table(results, task, context)}
    gold = [each for each in results if each.spec.task == task and each.spec.method == "in-language"]
    others = [each for each in results if each.spec.task == task and each not in joined]
    absent = [(cell, why) for cell, why in context.missing if cell.method.endswith("+gold")]
    rest = replace(context, missing=[each for each in context.missing if each not in absent])
    table4 = joined_table([*gold, *joined], task, replace(context, missing=absent))
    first = {} if len(others) == len(gold) else {file_of(task): task_table(others, task, rest)}
    return {**first, "table4": table4}


def joined_table(results: Sequence[Result], task: TaskName, context: Context = _PLAIN) -> Table:
    """The paper's Table 4: models, what they were fine-tuned on, F1 and accuracy."""
    found = gather(results, replace(context, published={}), task)
    shown: columns.Columns = {
        "Model": columns.model_name,
        "Fine-tune": lambda line: columns.fine_tuned_on(line, context),
        **columns.scores_by_metric(found),
    }
    own = Table.of(
        f"Table 4: results on the {task_name(task)} task with labels of the target language", shown, found.lines
    )
    paper = replace(found, context=context)
    below = [columns.published_rows(line, paper, shown) for line in found.lines]
    told = (
        notes.label_note(task, context),
        *notes.quality_notes(found, intervals=False),
        *notes.published_notes(paper),
    )
    return replace(_interleaved(own, below), notes=told)


def task_table(results: Sequence[Result], task: TaskName, context: Context = _PLAIN) -> Table:
    """The paper's Table 2, 3 or 5: numbered rows with method, training data, model and a score per language."""
    found = gather(results, context, task)
    number = TASKS[task].table
    name = f"Table {number}: " if number else ""
    metric = f" ({columns.metric_of(found, task)})" if found.lines else ""
    shown: columns.Columns = {
        **columns.numbered(found),
        "Training data (examples)": lambda line: columns.training_data(line, context),
        **columns.labels(found),
        **columns.scores(found, marks=True),
        **columns.scored(found),
    }
    own = Table.of(f"{name}results on the {task_name(task)} task{metric}", shown, found.lines)
    beside = [columns.source_side_rows(line, found) for line in found.lines]
    paper = [columns.published_rows(line, found, shown) for line in found.lines]
    told = [
        *notes.quality_notes(found, intervals=False),
        *([notes.SOURCE_SIDE] if any(beside) else []),
        *notes.lost_notes(found),
        *notes.constant_notes(found),
        *notes.model_notes(found),
        *notes.published_notes(found),
    ]
    if any(standing.tied for line in found.lines for standing in map(line.standing, found.languages) if standing):
        told.append(
            f"°: not shown to be worse than the best of its column (over test examples and seeds, corrected for the "
            f"picking, p >= {ALPHA:g})."
        )
    below = [(*mine, *theirs) for mine, theirs in zip(beside, paper, strict=True)]
    return replace(_interleaved(own, below), notes=tuple(told))


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
    written = {"table1": (table1(results, context), language_table(results, context.missing, context.standings))}
    for task in dict.fromkeys(line.first.task for line in gather(results, context).lines):
        written |= {name: (table, table) for name, table in task_tables(results, task, context).items()}
    origin = provenance(results, catalogue, facts)
    written["provenance"] = (origin, origin)
    paths = []
    for name, (on_paper, in_full) in written.items():
        for suffix, text in ((".md", to_markdown(on_paper)), (".csv", to_csv(in_full))):
            paths.append(Path(folder) / f"{name}{suffix}")
            write_text(paths[-1], text)
    return tuple(paths)


# -- by language, in full ---------------------------------------------------------------------


def _seconds(results: Sequence[Result], size: int, figure: str, *, alone: bool = False) -> float | None:
    found = [getattr(each, figure) for each in lines.latencies(results, size, alone=alone)]
    return fmean(found) if found else None


def _timed_on(results: Sequence[Result]) -> str:
    timed = (*lines.latencies(results), *lines.latencies(results, 1))
    return "; ".join(dict.fromkeys(each.hardware for each in timed))


_CELL = ("task", "method", "gold_size", "engine", "train_engine", "model", "checkpoint", "source", "target")
_SCORED = {"score": "value", "low": "low", "high": "high", "tests_only": "tests_only"}
_TESTED: Mapping[str, Callable[[Sequence[Result]], object]] = {
    "seeds": lambda results: " ".join(str(result.spec.seed) for result in results),
    "metric": lambda results: results[0].score.metric,
}
_MEASURED: Mapping[str, Callable[[Sequence[Result]], object]] = {
    "test_examples": lambda results: results[0].score.n,
    "test_file_examples": lambda results: results[0].held,
    "train_examples": lambda results: results[0].train_examples,
    "train_yield": partial(lines.yield_rate, name="train_yield"),
    "test_yield": partial(lines.yield_rate, name="test_yield"),
    "translation_usd": partial(lines.mean_usd, name="translation"),
    "annotation_usd": partial(lines.mean_usd, name="annotation"),
    "fine_tuning_usd": partial(lines.mean_usd, name="fine_tuning"),
    "translation_usd_per_1k": partial(lines.mean_usd, name="translation_per_1k"),
    "inference_usd_per_1k": partial(lines.mean_usd, name="inference_per_1k"),
    "standalone_usd": partial(lines.mean_usd, name="standalone"),
    "marginal_usd": partial(lines.mean_usd, name="marginal"),
    "stored_bytes": partial(lines.mean_of, name="stored_bytes"),
    "energy_kwh": partial(lines.mean_of, name="energy_kwh"),
    "energy_kwh_per_1k": partial(lines.mean_of, name="energy_kwh_per_1k"),
    "seconds_per_batch32_mean": partial(_seconds, size=BATCH_SIZE, figure="mean"),
    "seconds_per_batch32_p95": partial(_seconds, size=BATCH_SIZE, figure="p95"),
    "seconds_per_single_mean": partial(_seconds, size=1, figure="mean"),
    "seconds_per_single_p95": partial(_seconds, size=1, figure="p95"),
    "source_side_score": lines.source_side,
    "translation_seconds_per_batch32_mean": partial(_seconds, size=BATCH_SIZE, figure="mean", alone=True),
    "translation_seconds_per_single_p95": partial(_seconds, size=1, figure="p95", alone=True),
    "hardware": _timed_on,
    "prices": lambda results: "; ".join(lines.price_refs(results)),
}


def language_table(
    results: Sequence[Result],
    missing: Sequence[tuple[RunSpec, str]] = (),
    standings: Mapping[str, CellStanding] | None = None,
) -> Table:
    """One row per method, engine, model and language; means over seeds; USD and seconds unrounded.

    A cell without a result says why in the column "missing".
    """
    reasons = dict(missing)
    rows = []
    for line in lines.lines(results, reasons, standings):
        for target in lines.targets([line]):
            spec, at = next(spec for spec in line.specs if spec.target == target), line.at(target)
            known = line.standing(target)
            scored = [getattr(known, name) if known else None for name in _SCORED.values()]
            tested, measured = ([says(at) if at else None for says in each.values()] for each in (_TESTED, _MEASURED))
            why = None if at else reasons.get(spec, "not run")
            rows.append([*(getattr(spec, name) for name in _CELL), *tested, *scored, *measured, why])
    names = (*_CELL, *_TESTED, *_SCORED, *_MEASURED, "missing")
    return Table.of_texts("Results by language", names, (map(_full, row) for row in rows))


def _full(value: object) -> str:
    if value is None or value == "":
        return MISSING
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


# -- where figures and prices are from --------------------------------------------------------


def provenance(
    results: Sequence[Result], catalogue: Catalogue | None = None, facts: Mapping[str, str] | None = None
) -> Table:
    """What the figures rest on: price records with their sources, hardware, seeds, metrics, and further ``facts``."""
    seeds = sorted({result.spec.seed for result in results})
    hardware = dict.fromkeys(latency.hardware for result in results for latency in result.latency)
    signatures = dict.fromkeys((r.spec.task, r.score.metric, r.score.signature) for r in results)
    checkpoints = dict.fromkeys((r.spec.model, r.spec.checkpoint) for r in results if r.spec.checkpoint)
    rows = [
        *(("Price", ref, _price_text(ref, catalogue)) for ref in lines.price_refs(results)),
        *(("Hardware", name, "latency") for name in hardware),
        ("Seeds", ", ".join(map(str, seeds)) or MISSING, f"{len(seeds)} in all"),
        *(("Metric", f"{task} {metric}", signature) for task, metric, signature in signatures),
        *(("Model", role, checkpoint) for role, checkpoint in checkpoints),
        *(("Run", name, value) for name, value in (facts or {}).items()),
    ]
    return Table.of_texts("Provenance", ("What", "Which", "Details"), rows)


def price_table(catalogue: Catalogue, today: date | None = None) -> Table:
    """The price records, newest last; where each is from, and how its provider counts, stands in the notes.

    "Age" counts the days since the record was compared with its source.
    """
    listed = catalogue.describe(today)
    rows, sources = [], []
    for row, price in zip(listed, catalogue, strict=True):
        rows.append((row["offer"], f"{row['amount']} / {row['unit']}", row["valid"], row["age"], row["evidence"]))
        told = (
            f"{row['offer']}, {row['valid']}: {row['source']}",
            row["retired"],
            row["counting"],
            row["free"],
            row["fee"],
            row["minimum"],
        )
        sources.append("; ".join(filter(None, (*told, price.note))))
    return Table.of_texts("Prices", ("Offer", "Price", "Valid", "Age", "Evidence"), rows, sources)


def _price_text(ref: str, catalogue: Catalogue | None) -> str:
    if catalogue is None:
        return MISSING
    price = next((each for each in catalogue if each.ref == ref), None)
    if price is None:
        return "not in this catalogue"
    amount = f"{price.amount:.6g} {price.currency} per {price.bought}"
    return f"{amount}; checked {price.checked}; {price.evidence}; {price.source}"
