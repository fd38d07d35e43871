"""What a served cell is, how it scored and what it costs: without secrets and without local paths."""

from __future__ import annotations

from pathlib import Path, PureWindowsPath
from typing import Any

import crossfare
from crossfare.ledger.costs import SHARES
from crossfare.serving.parts import Parts
from crossfare.serving.pipeline import Pipeline
from crossfare.types import Cost, Result


def info(pipeline: Pipeline) -> dict[str, Any]:
    """Describe a pipeline as plain data, for GET /info."""
    parts, cell = pipeline.parts, pipeline.parts.cell
    engine = pipeline.translator.engine if pipeline.translator else None
    return {
        "crossfare": crossfare.__version__,
        "run": parts.run.name,
        "pipeline": pipeline.revision,
        "task": cell.task,
        "method": cell.method,
        "source": cell.source,
        "target": cell.target,
        "seed": cell.seed,
        "model": None if parts.parents else _model(parts),
        "combines": [{"method": own.cell.method, "model": _model(own)} for own in parts.parents],
        "engine": {"name": cell.engine, "revision": engine.revision} if engine else None,
        "training_engine": None if engine else cell.engine,
        "scores": scores(parts.result),
        "usd": {share: _usd(getattr(parts.result, share)) for share in SHARES},
        "added_latency_ms": [
            {"batch_size": each.batch_size, "p50": 1000 * each.p50, "p95": 1000 * each.p95}
            for each in parts.result.latency
        ],
    }


def spending(pipeline: Pipeline) -> dict[str, str] | None:
    """What the pipeline may spend on paid requests and has spent so far, in USD; None if that is not limited."""
    budget = pipeline.budget
    return None if budget is None else {"limit_usd": f"{budget.limit:f}", "spent_usd": f"{budget.spent.normalize():f}"}


def scores(result: Result) -> list[dict[str, Any]]:
    """The metrics of a cell with their 95 % intervals, the primary one first."""
    return [
        {"metric": each.metric, "value": each.value, "low": each.low, "high": each.high, "n": each.n}
        for each in (result.score, *result.further_scores)
    ]


def public_name(checkpoint: str) -> str:
    """A model reference without the folder it lies in: ``embedded:x``, ``org/name``, or a folder's own name."""
    if checkpoint.startswith(("embedded:", "offline:")):
        return checkpoint
    local = checkpoint.startswith((".", "/", "~")) or "\\" in checkpoint or checkpoint.count("/") > 1
    if local or Path(checkpoint).exists():
        return PureWindowsPath(checkpoint).name  # reads both kinds of slashes
    return checkpoint


def _model(parts: Parts) -> dict[str, str | None]:
    inputs = parts.predict.inputs
    revision = inputs["model"][0] if "model" in inputs else None
    return {"role": parts.cell.model, "checkpoint": public_name(parts.cell.checkpoint), "revision": revision}


def _usd(cost: Cost | None) -> dict[str, str] | None:
    return None if cost is None else {"amount": str(cost.usd), "price": cost.price}
