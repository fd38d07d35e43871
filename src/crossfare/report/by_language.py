"""Every line of the tables in every language, in full precision: for CSV, and for other programs."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from statistics import fmean

from crossfare.report.summary import (
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
from crossfare.report.table import MISSING, Cell, Column, Table
from crossfare.types import Result, RunSpec

_COLUMNS = (
    *("task", "method", "gold_size", "engine", "train_engine", "model", "checkpoint", "source", "target"),
    *("seeds", "metric", "score", "low", "high", "test_examples", "train_examples", "train_yield", "test_yield"),
    *("translation_usd", "annotation_usd", "fine_tuning_usd", "translation_usd_per_1k", "inference_usd_per_1k"),
    *("standalone_usd", "marginal_usd", "stored_bytes", "energy_kwh", "energy_kwh_per_1k"),
    *("seconds_per_batch32_mean", "seconds_per_batch32_p95", "seconds_per_single_mean", "seconds_per_single_p95"),
    *("source_side_score", "translation_seconds_per_batch32_mean", "translation_seconds_per_single_p95"),
    *("hardware", "prices", "missing"),
)


def language_table(results: Sequence[Result], missing: Sequence[tuple[RunSpec, str]] = ()) -> Table:
    """One row per method, engine, model and language; means over seeds; USD and seconds unrounded.

    A cell without a result says why in the column "missing".
    """
    reasons = dict(missing)
    rows = []
    for line in lines(results, reasons):
        for target in targets([line]):
            spec = next(spec for spec in line.specs if spec.target == target)
            measured = _measured(line, target) or {"missing": reasons.get(spec, "not run")}
            record = {name: measured.get(name, getattr(spec, name, None)) for name in _COLUMNS}
            rows.append(tuple(Cell(_full(record[name])) for name in _COLUMNS))
    return Table("Results by language", tuple(Column(name) for name in _COLUMNS), tuple(rows))


def _measured(line: Line, target: str) -> dict[str, object]:
    at, estimate = line.at(target), line.estimate(target)
    if estimate is None:
        return {}
    batches, singles = latencies(at), latencies(at, 1)
    alone, one_alone = translation_latencies(at), translation_latencies(at, 1)
    return {
        "seeds": " ".join(str(result.spec.seed) for result in at),
        "metric": at[0].score.metric,
        "score": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "test_examples": at[0].score.n,
        "train_examples": at[0].train_examples,
        "train_yield": yield_rate(at, lambda r: r.train_yield),
        "test_yield": yield_rate(at, lambda r: r.test_yield),
        "translation_usd": mean_cost(at, lambda r: r.translation),
        "annotation_usd": mean_cost(at, lambda r: r.annotation),
        "fine_tuning_usd": mean_cost(at, lambda r: r.fine_tuning),
        "translation_usd_per_1k": mean_cost(at, lambda r: r.translation_per_1k),
        "inference_usd_per_1k": mean_cost(at, lambda r: r.inference_per_1k),
        "standalone_usd": mean_cost(at, lambda r: r.standalone),
        "marginal_usd": mean_cost(at, lambda r: r.marginal),
        **{name: mean_of(at, name) for name in ("stored_bytes", "energy_kwh", "energy_kwh_per_1k")},
        "seconds_per_batch32_mean": fmean(each.mean for each in batches) if batches else None,
        "seconds_per_batch32_p95": fmean(each.p95 for each in batches) if batches else None,
        "seconds_per_single_mean": fmean(each.mean for each in singles) if singles else None,
        "seconds_per_single_p95": fmean(each.p95 for each in singles) if singles else None,
        "source_side_score": source_side(line, target),
        "translation_seconds_per_batch32_mean": fmean(each.mean for each in alone) if alone else None,
        "translation_seconds_per_single_p95": fmean(each.p95 for each in one_alone) if one_alone else None,
        "hardware": "; ".join(dict.fromkeys(each.hardware for each in (*batches, *singles))),
        "prices": "; ".join(price_refs(at)),
    }


def _full(value: object) -> str:
    if value is None or value == "":
        return MISSING
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
