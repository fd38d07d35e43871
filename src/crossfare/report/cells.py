"""The cells that tables are made of: labels, scores, costs, latency."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import fmean

from crossfare.compare import ALPHA
from crossfare.report import numbers
from crossfare.report.context import Context
from crossfare.report.names import metric_name, task_name
from crossfare.report.summary import Line, latencies, mean_cost, mean_of, source_side, yield_rate
from crossfare.report.table import MISSING, Cell, Column
from crossfare.types import Cost, Result, RunSpec

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
BEFORE_LATENCY, AFTER_LATENCY = (_TRANSLATION, _RECURRING), (_ANNOTATION, _FINE_TUNING, _INFERENCE)
_ENERGIES = (
    ("Energy once (kWh)", "energy_kwh"),
    ("Energy serving (kWh/1k ex.)", "energy_kwh_per_1k"),
)


def label_columns() -> tuple[Column, Column]:
    """The two columns that `line_labels` fills."""
    return Column("Method"), Column("Model")


def line_labels(line: Line, context: Context) -> tuple[Cell, Cell]:
    """What a line is called: its method with engines and labels, and its model."""
    spec = line.first
    name = _METHODS.get(spec.method) or (spec.method[:1].upper() + spec.method[1:]).replace("+", " + ")
    engine = f" ({_engine_label(spec, context)})" if spec.engine else ""
    size = f", {spec.gold_size:,} labels" if spec.gold_size is not None else ""
    several = spec.method in context.methods and context.methods[spec.method].parents and spec.model != "target-encoder"
    return Cell(name + size + engine), Cell(f"target encoder, {_model(line)}" if several else _model(line))


def _engine_label(spec: RunSpec, context: Context) -> str:
    return " + ".join(footnoted(name, label, context) for name, label in spec.engines.items())


def footnoted(name: str, label: str, context: Context) -> str:
    """An engine's label, with a mark where a note must be read."""
    return f"{label}†" if name in context.engine_notes and not label.endswith(("*", "†", "‡")) else label


def _model(line: Line) -> str:
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


def row_numbers(found: Sequence[Line]) -> tuple[Cell, ...]:
    """(1), (2), ... in each task."""
    counts: dict[str, int] = {}
    cells = []
    for line in found:
        counts[line.first.task] = counts.get(line.first.task, 0) + 1
        cells.append(Cell(f"({counts[line.first.task]})"))
    return tuple(cells)


def sections(found: Sequence[Line]) -> dict[int, str]:
    """Where each task begins, and its heading."""
    found_at: dict[int, str] = {}
    for index, line in enumerate(found):
        if index == 0 or line.first.task != found[index - 1].first.task:
            of_task = [each for each in found if each.first.task == line.first.task]
            found_at[index] = f"{task_name(line.first.task)} ({metric_of(of_task)})"
    return found_at


def metric_of(found: Sequence[Line]) -> str:
    """What lines are scored by."""
    metrics = dict.fromkeys(result.score.metric for line in found for result in line.results)
    return ", ".join(metric_name(metric) for metric in metrics) or "no result"


_Best = Mapping[tuple[str, str], tuple[float, str]]


def best_scores(found: Sequence[Line], languages: Sequence[str]) -> _Best:
    """For each task and language, the best score and the id of the cell that has it."""
    best: dict[tuple[str, str], tuple[float, str]] = {}
    for line in found:
        for language in languages:
            estimate = line.estimate(language)
            key = (line.first.task, language)
            if estimate and (key not in best or estimate.value > best[key][0]):
                best[key] = (estimate.value, line.at(language)[0].spec.without_seed)
    return best


def closeness(line: Line, language: str, best: _Best, context: Context) -> str:
    """A mark if the cell is not significantly different from the best of its column."""
    at = line.at(language)
    if not at:
        return ""
    p = context.p_values.get(frozenset({at[0].spec.without_seed, best[line.first.task, language][1]}))
    return "°" if p is not None and p >= ALPHA else ""


def score_cell(line: Line, language: str, best: _Best, mark: str = "", *, interval: bool = False) -> Cell:
    """The mean score, and its interval if asked for; ``mark`` stands behind what is not the best."""
    estimate = line.estimate(language)
    if estimate is None:
        return Cell(MISSING)
    is_best = estimate.value == best[line.first.task, language][0]
    text = numbers.score(estimate.value) + ("" if is_best else mark)
    if interval:
        text += f" {_bare(estimate.low)}–{_bare(estimate.high)}"
    return Cell(text, repr(estimate.value), best=is_best)


def source_side_rows(line: Line, languages: Sequence[str]) -> tuple[tuple[Cell, ...], ...]:
    """A row below a line of QA by translating at inference: the same answers, scored the paper's way."""
    found = [source_side(line, language) for language in languages]
    if all(value is None for value in found):
        return ()
    scores = (Cell(MISSING) if value is None else Cell(f"({numbers.score(value)})", repr(value)) for value in found)
    return ((Cell(""), Cell("  as in the paper"), Cell("scored on the source side"), Cell(""), *scores),)


def _bare(fraction: float) -> str:
    return f"{fraction:.2f}".removeprefix("0")


def interval_cell(line: Line, language: str) -> Cell:
    """The 95 % interval of a score."""
    estimate = line.estimate(language)
    if estimate is None:
        return Cell(MISSING)
    return Cell(f"{numbers.score(estimate.low)}–{numbers.score(estimate.high)}")


def cost_cells(line: Line) -> tuple[Cell, ...]:
    """What a line costs, the mean over languages, and how long translation makes users wait."""
    return (
        *(_amount_cell(mean_cost(line.results, measure.pick)) for measure in BEFORE_LATENCY),
        latency_cell(line),
        *(_amount_cell(mean_cost(line.results, measure.pick)) for measure in AFTER_LATENCY),
        _yield_cell(line),
    )


def _amount_cell(amount: Decimal | None) -> Cell:
    return Cell(MISSING) if amount is None else Cell(numbers.amount(amount))


def latency_cell(line: Line) -> Cell:
    """Seconds that translation adds to a batch."""
    found = latencies(line.results)
    if found:
        return Cell(numbers.amount(fmean(latency.mean for latency in found)))
    translates = any(result.translation_per_1k is not None for result in line.results)
    return Cell(NOT_MEASURED if translates else MISSING)


def _yield_cell(line: Line) -> Cell:
    rate = yield_rate(line.results, lambda result: result.train_yield)
    return Cell(MISSING) if rate is None else Cell(numbers.percent(rate))


def energy_columns(results: Sequence[Result]) -> tuple[tuple[str, str], ...]:
    """The columns on energy, where it was metered: heading, and which figure.

    Serving tells: a method that needs nothing done beforehand takes no energy for it, metered or not.
    """
    return _ENERGIES if any(result.energy_kwh_per_1k is not None for result in results) else ()


def energy_cells(line: Line, results: Sequence[Result]) -> tuple[Cell, ...]:
    """The electricity of a line, one cell for each of `energy_columns`."""
    values = [mean_of(line.results, name) for _, name in energy_columns(results)]
    return tuple(Cell(MISSING) if value is None else Cell(f"{value:.2g}", f"{value}") for value in values)
