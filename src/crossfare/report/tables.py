"""The tables: the paper's layouts (Tables 1 to 3 and 5) with the columns it leaves out, and provenance.

Costs are those of one target language. Table 1 shows their mean over languages; its CSV has a
line per language.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from statistics import fmean

from crossfare.compare.losses import Fate, fate_of_lost
from crossfare.ledger import Catalogue
from crossfare.report import numbers
from crossfare.report.by_language import language_table
from crossfare.report.names import metric_name, task_name
from crossfare.report.summary import (
    BATCH_SIZE,
    Line,
    latencies,
    lines,
    mean_cost,
    mean_of,
    price_refs,
    source_side,
    targets,
    translation_latencies,
    yield_rate,
)
from crossfare.report.table import MISSING, Cell, Column, Table, to_csv, to_markdown
from crossfare.store import write_text
from crossfare.types import Cost, Method, Result, RunSpec, TaskName

REFERENCE_NOTE = "reference translation, priced as a commercial API"
ALPHA = 0.05

_NUMBERED: Mapping[str, str] = {"qa": "table2", "nli": "table3", "ranking": "table5"}
_METHODS: Mapping[str, str] = {
    "bm25": "First stage only",
    "bi-encoder": "Bi-encoder, not fine-tuned",
    "translate-infer-strategy-1": "Translate-infer, strategy 1",
    "translate-infer-strategy-2": "Translate-infer, strategy 2",
    "translate-infer-round-trip": "Translate-infer, round trip",
    "ensemble-strategy-1": "Ensemble, strategy 1",
    "ensemble-strategy-2": "Ensemble, strategy 2",
    "in-language": "In-language (gold)",
}
_NOT_MEASURED = "n.m."
_SOURCE_SIDE = (
    "Translate-infer is scored as it is served: answers are projected back into the original context and compared with "
    "the gold of the target language, lost questions counting as wrong. In parentheses, below: the paper's way, which "
    "carries the gold answer into the translation and scores on the source side what survived; it cannot be served."
)
_STRATEGIES = (
    "Ranking: strategy 1 translates the collection once and queries when serving; strategy 2 translates each query "
    "with its candidates when serving. An example is a query."
)
_ENERGY_NOTE = (
    "Energy: electricity of this run's own processes (codecarbon), translation and fine-tuning once and per 1,000 "
    f"examples served; a provider's is not known. {MISSING}: a step was finished before energy was metered."
)


@dataclass(frozen=True, slots=True)
class Context:
    """What tables say beyond the results.

    ``methods``       by name, to say what each model was trained on
    ``engine_notes``  by engine: what a reader must know of it; its label gets a mark and a footnote
    ``missing``       cells of the matrix without a result, each with the reason
    ``p_values``      of paired tests, by the two cells (`RunSpec.without_seed`); with them, what is not significantly
                      different from the best of its column is marked
    ``data_names``    by task: the name of the training set ("MNLI")
    """

    methods: Mapping[str, Method] = field(default_factory=dict)
    engine_notes: Mapping[str, str] = field(default_factory=lambda: {"reference": REFERENCE_NOTE})
    missing: Sequence[tuple[RunSpec, str]] = ()
    p_values: Mapping[frozenset[str], float] = field(default_factory=dict)
    data_names: Mapping[str, str] = field(default_factory=dict)

    def lines(self, results: Sequence[Result], task: TaskName | None = None) -> tuple[Line, ...]:
        """The lines of a table, of one task or of all."""
        found = lines(results, (spec for spec, _ in self.missing))
        return tuple(line for line in found if task in (None, line.first.task))


_PLAIN = Context()


@dataclass(frozen=True, slots=True)
class _Measure:
    """A column of costs: heading on paper, in the terminal and in CSV, and where it comes from."""

    title: str
    short: str
    pick: Callable[[Result], Cost | None]


_TRANSLATION = _Measure("One-time cost (USD)", "One-time\nUSD", lambda r: r.translation)
_RECURRING = _Measure("Recurring cost (USD/1k ex.)", "Recurring\nUSD/1k", lambda r: r.translation_per_1k)
_ANNOTATION = _Measure("Annotation (USD)", "Annot.\nUSD", lambda r: r.annotation)
_FINE_TUNING = _Measure("Fine-tuning (USD)", "Fine-t.\nUSD", lambda r: r.fine_tuning)
_INFERENCE = _Measure("Inference (USD/1k ex.)", "Inference\nUSD/1k", lambda r: r.inference_per_1k)
_ENERGIES = (
    ("Energy once (kWh)", "energy_kwh"),
    ("Energy serving (kWh/1k ex.)", "energy_kwh_per_1k"),
)
_BEFORE_LATENCY, _AFTER_LATENCY = (_TRANSLATION, _RECURRING), (_ANNOTATION, _FINE_TUNING, _INFERENCE)


def table1(results: Sequence[Result], context: Context = _PLAIN) -> Table:
    """The paper's Table 1 and what it leaves out: intervals, annotation, fine-tuning, inference, yield."""
    found = context.lines(results)
    languages = targets(found)
    columns = (
        *_label_columns(),
        *(Column(language, number=True) for language in languages),
        *(Column(f"95 % interval {language}", number=True) for language in languages),
        *(Column(measure.title, number=True) for measure in _BEFORE_LATENCY),
        Column(f"Added latency (s/batch of {BATCH_SIZE})", number=True),
        *(Column(measure.title, number=True) for measure in _AFTER_LATENCY),
        Column("Training yield", number=True),
        *(Column(title, number=True) for title, _ in _energies(results)),
    )
    best = _best(found, languages)
    rows = tuple(
        (
            *_labels(line, context),
            *(_score_cell(line, language, best) for language in languages),
            *(_interval_cell(line, language) for language in languages),
            *_cost_cells(line),
            *_energy_cells(line, results),
        )
        for line in found
    )
    notes = (*_quality_notes(found, languages, context), *_cost_notes(found, context))
    return Table("Table 1: quality, cost and latency", columns, rows, _distinct(notes), _sections(found))


def quality_table(results: Sequence[Result], context: Context = _PLAIN) -> Table:
    """The left half of Table 1, for the terminal: scores with their intervals. Rows are numbered per task."""
    found = context.lines(results)
    languages = targets(found)
    best = _best(found, languages)
    rows = tuple(
        (number, *_labels(line, context), *(_score_cell(line, language, best, interval=True) for language in languages))
        for number, line in zip(_numbers(found), found, strict=True)
    )
    columns = (Column("#"), *_label_columns(), *(Column(f"{each}\nscore 95 %", number=True) for each in languages))
    return Table("Quality", columns, rows, _quality_notes(found, languages, context), _sections(found))


def cost_table(results: Sequence[Result], context: Context = _PLAIN) -> Table:
    """The right half of Table 1, for the terminal: what each method costs, and how long it makes users wait.

    Its rows are numbered as those of `quality_table`, which names the models.
    """
    found = context.lines(results)
    columns = (
        Column("#"),
        _label_columns()[0],
        *(Column(measure.short, number=True) for measure in _BEFORE_LATENCY),
        Column(f"Latency\ns/batch\nof {BATCH_SIZE}", number=True),
        *(Column(measure.short, number=True) for measure in _AFTER_LATENCY),
        Column("Training\nyield", number=True),
    )
    rows = tuple(
        (number, _labels(line, context)[0], *_cost_cells(line))
        for number, line in zip(_numbers(found), found, strict=True)
    )
    return Table("Cost and latency", columns, rows, _cost_notes(found, context), _sections(found))


def energy_table(results: Sequence[Result], context: Context = _PLAIN) -> Table | None:
    """What each method takes in electricity, rows numbered as in `cost_table`; None if it was not metered."""
    if not (shown := _energies(results)):
        return None
    found = context.lines(results)
    columns = (Column("#"), _label_columns()[0], *(Column(title, number=True) for title, _ in shown))
    rows = tuple(
        (number, _labels(line, context)[0], *_energy_cells(line, results))
        for number, line in zip(_numbers(found), found, strict=True)
    )
    return Table("Energy", columns, rows, (_ENERGY_NOTE,), _sections(found))


def _energies(results: Sequence[Result]) -> tuple[tuple[str, str], ...]:
    """The columns on energy, where it was metered: heading, and which figure.

    Serving tells: a method that needs nothing done beforehand takes no energy for it, metered or not.
    """
    return _ENERGIES if any(result.energy_kwh_per_1k is not None for result in results) else ()


def _energy_cells(line: Line, results: Sequence[Result]) -> tuple[Cell, ...]:
    values = [mean_of(line.results, name) for _, name in _energies(results)]
    return tuple(Cell(MISSING) if value is None else Cell(f"{value:.2g}", f"{value}") for value in values)


def task_table(results: Sequence[Result], task: TaskName, context: Context = _PLAIN) -> Table:
    """The paper's Table 2, 3 or 5: numbered rows with method, training data, model and a score per language."""
    found = context.lines(results, task)
    languages = targets(found)
    best = _best(found, languages)
    rows = tuple(
        row
        for number, line in zip(_numbers(found), found, strict=True)
        for row in (
            (
                number,
                *_labels(line, context)[:1],
                Cell(_training(line, context)),
                *_labels(line, context)[1:],
                *(_score_cell(line, language, best, _close(line, language, best, context)) for language in languages),
            ),
            *_source_side_rows(line, languages),
        )
    )
    method, model = _label_columns()
    columns = (
        Column("#"),
        method,
        Column("Training data (examples)"),
        model,
        *(Column(language, number=True) for language in languages),
    )
    name = _NUMBERED[task].replace("table", "Table ") + ": " if task in _NUMBERED else ""
    metric = f" ({_metric(found)})" if found else ""
    notes = [*_quality_notes(found, languages, context, intervals=False)]
    if any(_source_side_rows(line, languages) for line in found):
        notes.append(_SOURCE_SIDE)
    notes += _lost_notes(found, languages)
    if context.p_values:
        notes.append(f"°: not significantly different from the best of its column (paired test, p >= {ALPHA}).")
    return Table(f"{name}results on the {task_name(task)} task{metric}", columns, rows, tuple(notes))


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


def write_tables(
    results: Sequence[Result],
    folder: Path,
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
        written[_NUMBERED.get(task, task)] = (table, table)
    origin = provenance(results, catalogue, facts)
    written["provenance"] = (origin, origin)
    paths = []
    for name, (on_paper, in_full) in written.items():
        for suffix, text in ((".md", to_markdown(on_paper)), (".csv", to_csv(in_full))):
            paths.append(folder / f"{name}{suffix}")
            write_text(paths[-1], text)
    return tuple(paths)


# -- labels -----------------------------------------------------------------------------------


def _label_columns() -> tuple[Column, Column]:
    return Column("Method"), Column("Model")


def _labels(line: Line, context: Context) -> tuple[Cell, Cell]:
    spec = line.first
    name = _METHODS.get(spec.method) or (spec.method[:1].upper() + spec.method[1:]).replace("+", " + ")
    engine = f" ({_engine_label(spec, context)})" if spec.engine else ""
    size = f", {spec.gold_size:,} labels" if spec.gold_size is not None else ""
    several = spec.method in context.methods and context.methods[spec.method].parents and spec.model != "target-encoder"
    return Cell(name + size + engine), Cell(f"target encoder, {_model(line)}" if several else _model(line))


def _engine_label(spec: RunSpec, context: Context) -> str:
    return " + ".join(_marked(name, label, context) for name, label in spec.engines.items())


def _marked(name: str, label: str, context: Context) -> str:
    return f"{label}†" if name in context.engine_notes and not label.endswith(("*", "†", "‡")) else label


def _model(line: Line) -> str:
    """The checkpoint's short name, or the role where languages have checkpoints of their own."""
    checkpoints = {spec.checkpoint for spec in line.specs}
    if line.first.model == "bm25":
        return "BM25"
    if checkpoints == {""} or len(checkpoints) > 1:
        return line.first.model.replace("-", " ")
    return line.first.checkpoint.rstrip("/").replace(":", "/").rpartition("/")[2]


def _training(line: Line, context: Context) -> str:
    spec, method = line.first, context.methods.get(line.first.method)
    if method is None or not method.train_on:
        return MISSING
    name = context.data_names.get(spec.task)
    texts = {
        "source": f"{name}-{spec.source}" if name else spec.source,
        "translated": f"{name}-target" if name else "translated",
        "target": "gold",
        "round-trip": f"{name or 'data'}-{spec.source}, there and back",
    }
    counts = sorted({result.train_examples for result in line.results})
    size = f" ({'-'.join(f'{n:,}' for n in dict.fromkeys((counts[0], counts[-1])))})" if counts else ""
    return (" | " if method.parents else " + ").join(texts[side] for side in method.train_on) + size


def _numbers(found: Sequence[Line]) -> tuple[Cell, ...]:
    """(1), (2), ... in each task."""
    counts: dict[str, int] = {}
    cells = []
    for line in found:
        counts[line.first.task] = counts.get(line.first.task, 0) + 1
        cells.append(Cell(f"({counts[line.first.task]})"))
    return tuple(cells)


def _sections(found: Sequence[Line]) -> dict[int, str]:
    sections: dict[int, str] = {}
    for index, line in enumerate(found):
        if index == 0 or line.first.task != found[index - 1].first.task:
            of_task = [each for each in found if each.first.task == line.first.task]
            sections[index] = f"{task_name(line.first.task)} ({_metric(of_task)})"
    return sections


def _metric(found: Sequence[Line]) -> str:
    metrics = dict.fromkeys(result.score.metric for line in found for result in line.results)
    return ", ".join(metric_name(metric) for metric in metrics) or "no result"


# -- cells ------------------------------------------------------------------------------------

_Best = Mapping[tuple[str, str], tuple[float, str]]


def _best(found: Sequence[Line], languages: Sequence[str]) -> _Best:
    """For each task and language, the best score and the id of the cell that has it."""
    best: dict[tuple[str, str], tuple[float, str]] = {}
    for line in found:
        for language in languages:
            estimate = line.estimate(language)
            key = (line.first.task, language)
            if estimate and (key not in best or estimate.value > best[key][0]):
                best[key] = (estimate.value, line.at(language)[0].spec.without_seed)
    return best


def _close(line: Line, language: str, best: _Best, context: Context) -> str:
    """A mark if the cell is not significantly different from the best of its column."""
    at = line.at(language)
    if not at:
        return ""
    p = context.p_values.get(frozenset({at[0].spec.without_seed, best[line.first.task, language][1]}))
    return "°" if p is not None and p >= ALPHA else ""


def _score_cell(line: Line, language: str, best: _Best, mark: str = "", *, interval: bool = False) -> Cell:
    estimate = line.estimate(language)
    if estimate is None:
        return Cell(MISSING)
    is_best = estimate.value == best[line.first.task, language][0]
    text = numbers.score(estimate.value) + ("" if is_best else mark)
    if interval:
        text += f" {_bare(estimate.low)}–{_bare(estimate.high)}"
    return Cell(text, repr(estimate.value), best=is_best)


def _source_side_rows(line: Line, languages: Sequence[str]) -> tuple[tuple[Cell, ...], ...]:
    """A row below a line of QA by translating at inference: the same answers, scored the paper's way."""
    found = [source_side(line, language) for language in languages]
    if all(value is None for value in found):
        return ()
    scores = (Cell(MISSING) if value is None else Cell(f"({numbers.score(value)})", repr(value)) for value in found)
    return ((Cell(""), Cell("  as in the paper"), Cell("scored on the source side"), Cell(""), *scores),)


def _bare(fraction: float) -> str:
    return f"{fraction:.2f}".removeprefix("0")


def _interval_cell(line: Line, language: str) -> Cell:
    estimate = line.estimate(language)
    if estimate is None:
        return Cell(MISSING)
    return Cell(f"{numbers.score(estimate.low)}–{numbers.score(estimate.high)}")


def _cost_cells(line: Line) -> tuple[Cell, ...]:
    return (
        *(_amount_cell(mean_cost(line.results, measure.pick)) for measure in _BEFORE_LATENCY),
        _latency_cell(line),
        *(_amount_cell(mean_cost(line.results, measure.pick)) for measure in _AFTER_LATENCY),
        _yield_cell(line),
    )


def _amount_cell(amount: Decimal | None) -> Cell:
    return Cell(MISSING) if amount is None else Cell(numbers.amount(amount))


def _latency_cell(line: Line) -> Cell:
    found = latencies(line.results)
    if found:
        return Cell(numbers.amount(fmean(latency.mean for latency in found)))
    translates = any(result.translation_per_1k is not None for result in line.results)
    return Cell(_NOT_MEASURED if translates else MISSING)


def _yield_cell(line: Line) -> Cell:
    rate = yield_rate(line.results, lambda result: result.train_yield)
    return Cell(MISSING) if rate is None else Cell(numbers.percent(rate))


# -- notes ------------------------------------------------------------------------------------


def _quality_notes(
    found: Sequence[Line], languages: Sequence[str], context: Context, *, intervals: bool = True
) -> tuple[str, ...]:
    seeds = sorted({len(line.at(language)) for line in found for language in languages} - {0})
    several = bool(seeds) and seeds[-1] > 1
    text = "Bold: best of its column and task."
    if several:
        text += f" Scores are means over {'-'.join(map(str, seeds))} seeds."
    if intervals and several:
        text += " 95 % intervals: the bootstrap over test examples and the t-interval over seeds, in quadrature."
    elif intervals:
        text += " 95 % intervals: bootstrap over test examples, one seed."
    return (*_engine_notes(found, context), text, *_missing_notes(found, languages, context))


def _lost_notes(found: Sequence[Line], languages: Sequence[str]) -> list[str]:
    """What was asked and not translated, by what it did to the score."""
    lost: dict[Fate, list[str]] = {}
    for number, line in zip(_numbers(found), found, strict=True):
        for result in (at[0] for name in languages if (at := line.at(name))):  # the same for every seed
            asked = result.test_yield
            if asked and asked.kept < asked.total:
                told = f"{number.text} {result.spec.target} {asked.total - asked.kept:,} of {asked.total:,}"
                lost.setdefault(fate_of_lost(result), []).append(told)
    return [f"Lost in translation when serving, and {fate}: {'; '.join(each)}." for fate, each in lost.items()]


def _cost_notes(found: Sequence[Line], context: Context) -> tuple[str, ...]:
    results = [result for line in found for result in line.results]
    mean = ", the mean over the languages" if len(targets(found)) > 1 else ""
    notes = [
        *_engine_notes(found, context),
        f"Costs are of one target language{mean}. One-time: translating the training set; recurring: translating "
        f"1,000 examples when serving, and in QA their answers back. {MISSING}: the method needs nothing of the kind.",
    ]
    if any(line.first.task == "ranking" for line in found):
        notes.append(_STRATEGIES)
    if any(_latency_cell(line).text == _NOT_MEASURED for line in found):
        notes.append(f"{_NOT_MEASURED}: not measured; a translation that is looked up has no latency of its own.")
    if alone := {
        _marked(name, label, context): f"{numbers.amount(fmean(each.mean for each in timed))} s"
        for line in found
        if (timed := translation_latencies(line.results))
        for name, label in list(line.first.engines.items())[-1:]  # the one that translates what is asked
    }:
        each = "; ".join(f"{engine} {seconds}" for engine, seconds in alone.items())
        notes.append(f"Latency in QA: translating, and projecting answers back. Translating alone: {each}.")
    if _energies(results):
        notes.append(_ENERGY_NOTE)
    if refs := price_refs(results):
        notes.append(f"Prices: {', '.join(refs)}.")
    return tuple(notes)


def _engine_notes(found: Sequence[Line], context: Context) -> tuple[str, ...]:
    noted = {
        _marked(name, label, context): note
        for line in found
        for name, label in line.first.engines.items()
        if (note := context.engine_notes.get(name))
    }
    for both in (list(line.first.engines.values()) for line in found):
        if len(both) > 1:
            noted[" + ".join(both)] = f"{both[0]} translates the training set, {both[1]} what is asked"
    return tuple(f"{label}: {note}." for label, note in noted.items())


def _missing_notes(found: Sequence[Line], languages: Sequence[str], context: Context) -> tuple[str, ...]:
    """Why each empty score is empty: languages a task does not have at all, then single lines."""
    absent: dict[str, list[str]] = {}
    for task in dict.fromkeys(line.first.task for line in found):
        of_task = targets(line for line in found if line.first.task == task)
        absent[task] = [language for language in languages if language not in of_task]
    notes = [f"No {task_name(t)} in {', '.join(there)}: not part of this run." for t, there in absent.items() if there]
    reasons = {spec.without_seed: reason for spec, reason in context.missing}
    alike: dict[tuple[str, str, str], list[str]] = {}
    for line in found:
        gaps: dict[str, list[str]] = {}
        known = {spec.target: reasons.get(spec.without_seed, "not run") for spec in line.specs}
        for language in languages:
            if not line.at(language) and language not in absent[line.first.task]:
                gaps.setdefault(known.get(language, "not run"), []).append(language)
        for reason, without in gaps.items():
            label = ", ".join(cell.text for cell in _labels(line, context))
            alike.setdefault((line.first.task, ", ".join(without), reason), []).append(label)
    for (name, where, reason), labels in alike.items():
        notes.append(f"No score for {task_name(name)}, {'; '.join(labels)}, {where}: {reason}.")
    return tuple(notes)


def _distinct(notes: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(notes))


def _price_text(ref: str, catalogue: Catalogue | None) -> str:
    if catalogue is None:
        return MISSING
    price = next((each for each in catalogue if each.ref == ref), None)
    if price is None:
        return "not in this catalogue"
    amount = f"{price.amount:.6g} {price.currency} per {price.bought}"
    return f"{amount}; checked {price.checked}; {price.evidence}; {price.source}"
