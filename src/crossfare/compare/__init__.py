"""Which method to choose: paired comparisons, Pareto fronts, break-evens, and a recommendation with its reasons."""

from crossfare.compare.export import to_json
from crossfare.compare.gather import decisions
from crossfare.compare.learning_curves import LearningCurve, Parity, learning_curves
from crossfare.compare.model import Component, Decision, Option, Pair
from crossfare.compare.paired import Contest, contests
from crossfare.compare.recommend import ALPHA, Constraints, Recommendation, Verdict, recommend
from crossfare.compare.runs import RunRecord, read_run, reprice
from crossfare.compare.sensitivity import Flip, price_flips, volume_flips
from crossfare.compare.trade_offs import (
    BreakEven,
    Curve,
    break_even,
    break_evens,
    cost_front,
    curves,
    grid,
    latency_front,
)
from crossfare.ledger import UnitPrice

__all__ = [
    "ALPHA",
    "BreakEven",
    "Component",
    "Constraints",
    "Contest",
    "Curve",
    "Decision",
    "Flip",
    "LearningCurve",
    "Option",
    "Pair",
    "Parity",
    "Recommendation",
    "RunRecord",
    "UnitPrice",
    "Verdict",
    "break_even",
    "break_evens",
    "contests",
    "cost_front",
    "curves",
    "decisions",
    "grid",
    "latency_front",
    "learning_curves",
    "price_flips",
    "read_run",
    "recommend",
    "reprice",
    "to_json",
    "volume_flips",
]
