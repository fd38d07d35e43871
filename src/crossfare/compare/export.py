"""A recommendation and everything it rests on, as plain data for other programs."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from crossfare.compare.breakeven import break_evens, curves, grid
from crossfare.compare.frontier import cost_front, latency_front
from crossfare.compare.recommend import Recommendation, Verdict
from crossfare.compare.sensitivity import Flip, price_flips, volume_flips


def to_json(made: Recommendation) -> dict[str, Any]:
    """The decision model, and under "computed" what follows from it at the volume asked for.

    Decimals are text; options are named by their keys. "computed" is what another program that
    reads the model alone must arrive at.
    """
    decision, examples, asked = made.decision, made.examples, made.constraints
    verdicts = {verdict.option.key: verdict for verdict in made.verdicts}
    return {
        **decision.to_json(),
        "computed": {
            "examples": _text(examples),
            "constraints": {
                "min_quality": asked.min_quality,
                "max_latency_ms": asked.max_latency_ms,
                "max_usd": None if asked.max_usd is None else _text(asked.max_usd),
            },
            "options": [
                {
                    "key": option.key,
                    "once_usd": _text(decision.once_usd(option)),
                    "kept_usd_per_month": _text(decision.kept_usd_per_month(option)),
                    "fixed_usd": _text(decision.fixed_usd(option)),
                    "recurring_usd_per_1k": _text(decision.recurring_usd_per_1k(option)),
                    "total_usd": _text(decision.total_usd(option, examples)),
                    **_verdict_json(verdicts[option.key]),
                }
                for option in decision.options
            ],
            "recommended": made.chosen.key if made.chosen else None,
            "best": made.best.key if made.best else None,
            "tied": [option.key for option in made.tied],
            "cost_front": [option.key for option in cost_front(decision, examples)],
            "latency_front": [option.key for option in latency_front(decision)],
            "break_evens": [
                {
                    "first": each.first.key,
                    "then": each.then.key,
                    "examples": None if each.examples is None else _text(each.examples),
                }
                for each in break_evens(decision)
            ],
            "curves": {
                curve.option.key: [[_text(at), _text(cost)] for at, cost in curve.points]
                for curve in curves(decision, grid(decision, examples))
            },
            "flips": [_flip_json(flip) for flip in (*price_flips(made), *volume_flips(made))],
        },
    }


def _verdict_json(verdict: Verdict) -> Mapping[str, Any]:
    return {
        "status": verdict.status,
        "other": verdict.other.key if verdict.other else None,
        "broken": list(verdict.broken),
        "difference": verdict.difference,
        "p": verdict.p,
    }


def _flip_json(flip: Flip) -> Mapping[str, Any]:
    return {
        "what": flip.what,
        "side": flip.side,
        "current": _text(flip.current),
        "threshold": _text(flip.threshold),
        "recommended": flip.chosen.key if flip.chosen else None,
    }


def _text(value: Decimal) -> str:
    return f"{value:f}"
