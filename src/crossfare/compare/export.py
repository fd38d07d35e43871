"""A recommendation and everything it rests on, as plain data for other programs."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from crossfare.compare.always_on import always_on
from crossfare.compare.model import plain
from crossfare.compare.recommend import Recommendation, Verdict
from crossfare.compare.sensitivity import price_flips, volume_flips
from crossfare.compare.timing_noise import margin_usd
from crossfare.compare.trade_offs import break_evens, cost_front, curves, grid, latency_front


def to_json(made: Recommendation) -> dict[str, Any]:
    """The decision model, and under "computed" what follows from it at the volume asked for.

    Decimals are text; options are named by their keys. "computed" is what another program that
    reads the model alone must arrive at.
    """
    decision, examples = made.decision, made.examples
    computed = {
        "examples": examples,
        "constraints": made.constraints,
        "options": [
            {
                "key": verdict.option.key,
                "once_usd": decision.once_usd(verdict.option),
                "kept_usd_per_month": decision.kept_usd_per_month(verdict.option),
                "fixed_usd": decision.fixed_usd(verdict.option),
                "recurring_usd_per_1k": decision.recurring_usd_per_1k(verdict.option),
                "total_usd": decision.total_usd(verdict.option, examples),
                "terms_usd": decision.terms_usd(verdict.option, examples),
                "timing_margin_usd": margin_usd(decision, verdict.option, examples),
                "always_on": always_on(decision, verdict.option, examples),
                **_told(verdict),
            }
            for verdict in made.verdicts
        ],
        "recommended": made.chosen,
        "aim": made.aim,
        "leading": made.leading,
        "enough": made.enough,
        "seed_noise_assumed": made.assumed,
        "cost_front": cost_front(decision, examples),
        "latency_front": latency_front(decision),
        "break_evens": break_evens(decision),
        "curves": {curve.option.key: curve.points for curve in curves(decision, grid(decision, examples))},
        "flips": [
            {
                "what": flip.what,
                "side": flip.side,
                "current": flip.current,
                "threshold": flip.threshold,
                "recommended": flip.chosen,
            }
            for flip in (*price_flips(made), *volume_flips(made))
        ],
    }
    return {**decision.to_json(), "computed": plain(computed, by_key=True)}


def _told(verdict: Verdict) -> dict[str, Any]:
    return {each.name: getattr(verdict, each.name) for each in fields(verdict) if each.name != "option"}
