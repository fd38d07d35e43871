"""The columns of the tables of results: their headings, and what each says of a line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from statistics import fmean

from crossfare.report import numbers
from crossfare.report.lines import (
    BATCH_SIZE,
    Context,
    Gathered,
    Line,
    latencies,
    mean_of,
    mean_usd,
    source_side,
    yield_rate,
)
from crossfare.report.names import metric_name, task_name
from crossfare.report.table import MISSING, Cell, Column, number

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
NOT_MEASURED = "n.m."
BUSY_MARK = "(busy)"

Columns = Mapping[Column | str, Callable[[Line], Cell | str]]


# -- what a line is called --------------------------------------------------------------------


def labels(found: Gathered) -> Columns:
    """The method with its engines and labels, and the model."""
    return {"Method": partial(_method, context=found.context), "Model": partial(_model, context=found.context)}


def numbered(found: Gathered) -> Columns:
    """The number and the method of a line."""
    return {"#": lambda line: line.number, "Method": partial(_method, context=found.context)}


def label(line: Line, context: Context) -> str:
    """A line in words."""
    return f"{_method(line, context)}, {_model(line, context)}"


def method_name(method: str) -> str:
    """A method as it is written in a table."""
    return _METHODS.get(method) or (method[:1].upper() + method[1:]).replace("+", " + ")


def _method(line: Line, context: Context) -> str:
    spec = line.first
    name = method_name(spec.method)
    size = f", {spec.gold_size:,} labels" if spec.gold_size is not None else ""
    engines = " + ".join(footnoted(engine, label, context) for engine, label in spec.engines.items())
    return name + size + (f" ({engines})" if spec.engine else "")


def footnoted(name: str, label: str, context: Context) -> str:
    """An engine's label, with a mark where a note must be read."""
    return f"{label}†" if name in context.engine_notes and not label.endswith(("*", "†", "‡")) else label


def model_name(line: Line) -> str:
    """The model of a line."""
    return _checkpoint(line)


def _model(line: Line, context: Context) -> str:
    spec = line.first
    several = spec.method in context.methods and context.methods[spec.method].parents and spec.model != "target-encoder"
    return f"target encoder, {_checkpoint(line)}" if several else _checkpoint(line)


def _checkpoint(line: Line) -> str:
    """The checkpoint's short name, or the role where languages have checkpoints of their own."""
    checkpoints = {spec.checkpoint for spec in line.specs}
    if line.first.model == "bm25":
        return "BM25"
    if checkpoints == {""} or len(checkpoints) > 1:
        return line.first.model.replace("-", " ")
    return line.first.checkpoint.rstrip("/").replace(":", "/").rpartition("/")[2]


def training_data(line: Line, context: Context) -> str:
    """What a line's models were fine-tuned on, and how much of it."""
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


def sections(found: Gathered) -> dict[int, str]:
    """Where each task begins, and its heading."""
    tasks = [line.first.task for line in found.lines]
    begins = [index for index, task in enumerate(tasks) if index == 0 or task != tasks[index - 1]]
    return {index: f"{task_name(tasks[index])} ({metric_of(found, tasks[index])})" for index in begins}


def metric_of(found: Gathered, task: str) -> str:
    """What the lines of a task are scored by."""
    metrics = dict.fromkeys(result.score.metric for result in found.results if result.spec.task == task)
    return ", ".join(metric_name(metric) for metric in metrics) or "no result"


# -- scores -----------------------------------------------------------------------------------


def scores(found: Gathered, *, intervals: bool = False, marks: bool = False) -> Columns:
    """The score in every language: with its 95 % interval, or a mark where it is not told apart from the best."""
    heading = "{}\nscore 95 %" if intervals else "{}"
    say = partial(_score, interval=intervals, mark=marks)
    return {number(heading.format(each)): partial(say, language=each) for each in found.languages}


def _score(line: Line, *, language: str, interval: bool, mark: bool) -> Cell:
    known = line.standing(language)
    if known is None:
        return Cell(MISSING)
    text = numbers.score(known.value)
    if interval:
        text += " " + "–".join(f"{end:.2f}".removeprefix("0") for end in (known.low, known.high))
    if mark and known.tied:
        text += "°"
    return Cell(text, repr(known.value), best=known.best)


def scored(found: Gathered) -> Columns:
    """How many examples of its test file a score is of, in languages where that is not all of them."""

    def cell(line: Line, language: str) -> str:
        at = line.at(language)
        return (at[0].scored or f"{at[0].score.n:,}") if at else MISSING

    parts = {result.spec.target for result in found.results if result.scored}
    return {number(f"Scored {each}"): partial(cell, language=each) for each in found.languages if each in parts}


def intervals(found: Gathered) -> Columns:
    """The 95 % interval of every score."""

    def cell(line: Line, language: str) -> str:
        known = line.standing(language)
        return f"{numbers.score(known.low)}–{numbers.score(known.high)}" if known else MISSING

    return {number(f"95 % interval {each}"): partial(cell, language=each) for each in found.languages}


def source_side_rows(line: Line, found: Gathered) -> tuple[tuple[Cell, ...], ...]:
    """A row below a line of QA by translating at inference: the same answers, scored the paper's way."""
    known = [source_side(line.at(language)) for language in found.languages]
    if all(value is None for value in known):
        return ()
    cells = (Cell(MISSING) if value is None else Cell(f"({numbers.score(value)})", repr(value)) for value in known)
    beside = (Cell("") for _ in scored(found))
    return ((Cell(""), Cell("  as in the paper"), Cell("scored on the source side"), Cell(""), *cells, *beside),)


def published_rows(line: Line, found: Gathered, shown: Columns) -> tuple[tuple[Cell, ...], ...]:
    """A row below a line: what the paper has in the same cells, if it is wanted and there is anything."""
    cells = {spec.target: found.context.published.get(spec.without_seed) for spec in line.specs}
    known = [cell for cell in cells.values() if cell and (cell.values or cell.costs)]
    if not (found.context.beside and known):
        return ()

    sources = dict.fromkeys(cell.source.partition(", ")[2] for cell in known if cell.values)
    called = next(column for column in shown if column in ("Method", "Model"))
    table = next(iter(sources), "Table 1").partition(",")[0] + (f", row {known[0].number}" if known[0].number else "")

    def beside(column: Column | str) -> Cell:
        title = column if isinstance(column, str) else column.title
        if column == called:
            return Cell(f"  paper, {'; '.join(sources) if len(sources) == 1 else table}")
        if part := _PRINTED.get(title):
            return Cell(known[0].costs.get(part, ""))
        metric, _, language = title.rpartition(" ") if title.startswith(tuple(TABLE_4)) else ("", "", title)
        cell = cells.get(language.partition("\n")[0])
        value = cell.values.get(TABLE_4.get(metric, line.results[0].score.metric)) if cell else None
        return Cell("") if value is None else Cell(f"{value:.4f}", f"{value}")

    return (tuple(beside(column) for column in shown),)


TABLE_4 = {"F1": "f1", "Acc": "accuracy"}
"""The columns of the paper's Table 4, by metric."""


def scores_by_metric(found: Gathered) -> Columns:
    """Every metric of Table 4 in every language."""
    shown: dict[Column | str, Callable[[Line], Cell | str]] = {}
    for language in found.languages:
        for title, metric in TABLE_4.items():
            shown[number(f"{title} {language}")] = partial(_further, metric=metric, language=language, found=found)
    return shown


def _further(line: Line, metric: str, language: str, found: Gathered) -> Cell:
    value = _metric(line, metric, language)
    if value is None:
        return Cell(MISSING)
    every = [known for each in found.lines if (known := _metric(each, metric, language)) is not None]
    return Cell(numbers.score(value), repr(value), best=value == max(every))


def _metric(line: Line, metric: str, language: str) -> float | None:
    """The mean over seeds."""
    scores = [
        score.value
        for result in line.at(language)
        for score in (result.score, *result.further_scores)
        if score.metric == metric
    ]
    return fmean(scores) if scores else None


def fine_tuned_on(line: Line, context: Context) -> str:
    """What a model of Table 4 was fine-tuned on, as the paper writes it: "MNLI-(en+pt) + gold-pt"; with the engine."""
    spec, sides = line.first, context.methods[line.first.method].train_on
    name = context.data_names.get(spec.task, "data")
    target = spec.target if len({each.target for each in line.specs}) == 1 else "target"
    languages = {"source": spec.source, "translated": target}
    own = [languages[side] for side in sides if side in languages]
    if not own:
        return f"gold-{target}"
    learnt = f"{name}-({'+'.join(own)})" if len(own) > 1 else f"{name}-{own[0]}"
    engines = " + ".join(footnoted(engine, label, context) for engine, label in spec.engines.items())
    return learnt + (f" ({engines})" if engines else "") + (f" + gold-{target}" if "target" in sides else "")


# -- costs ------------------------------------------------------------------------------------


def _mean_usd(line: Line, name: str) -> str:
    usd = mean_usd(line.results, name)
    return MISSING if usd is None else numbers.amount(usd)


def added_latency(line: Line) -> str:
    """Seconds that translation adds to a batch."""
    if found := latencies(line.results):
        busy = f" {BUSY_MARK}" if any(each.busy for each in found) else ""
        return numbers.amount(fmean(latency.mean for latency in found)) + busy
    translates = any(result.translation_per_1k is not None for result in line.results)
    return NOT_MEASURED if translates else MISSING


def _training_yield(line: Line) -> str:
    rate = yield_rate(line.results, "train_yield")
    return MISSING if rate is None else numbers.percent(rate)


_COSTS: tuple[tuple[str, str, Callable[[Line], str]], ...] = (
    ("One-time cost (USD)", "One-time\nUSD", partial(_mean_usd, name="translation")),
    ("Recurring cost (USD/1k ex.)", "Recurring\nUSD/1k", partial(_mean_usd, name="translation_per_1k")),
    (f"Added latency (s/batch of {BATCH_SIZE})", f"Latency\ns/batch\nof {BATCH_SIZE}", added_latency),
    ("Annotation (USD)", "Annot.\nUSD", partial(_mean_usd, name="annotation")),
    ("Fine-tuning (USD)", "Fine-t.\nUSD", partial(_mean_usd, name="fine_tuning")),
    ("Inference (USD/1k ex.)", "Inference\nUSD/1k", partial(_mean_usd, name="inference_per_1k")),
    ("Training yield", "Training\nyield", _training_yield),
)
"""Headings on paper and in the terminal, and what a line costs: the mean over languages."""

_PRINTED = {
    heading: part
    for part, (title, narrow, _) in zip(("one-time", "recurring", "latency"), _COSTS, strict=False)
    for heading in (title, narrow)
}
"""What the paper's Table 1 prints of these, by heading."""


def costs(*, short: bool = False) -> Columns:
    """What a line costs, how long translation makes users wait, and how much of the training set it kept."""
    return {number(narrow if short else title): says for title, narrow, says in _COSTS}


def energies(found: Gathered) -> Columns:
    """The electricity of a line, where it was metered.

    Serving tells: a method that needs nothing done beforehand takes no energy for it, metered or not.
    """
    if all(result.energy_kwh_per_1k is None for result in found.results):
        return {}
    once, serving = number("Estimated energy once (kWh)"), number("Estimated energy serving (kWh/1k ex.)")
    return {once: partial(_energy, name="energy_kwh"), serving: partial(_energy, name="energy_kwh_per_1k")}


def _energy(line: Line, name: str) -> Cell:
    value = mean_of(line.results, name)
    return Cell(MISSING) if value is None else Cell(f"{value:.2g}", f"{value}")
