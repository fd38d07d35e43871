"""Which method to choose: what is known of scores, fronts, break-evens, and a recommendation with its reasons."""

from crossfare.compare.always_on import Instance, always_on, always_on_usd
from crossfare.compare.export import to_json
from crossfare.compare.gather import decisions
from crossfare.compare.information import More, settle
from crossfare.compare.learning_curves import LearningCurve, Parity, learning_curves
from crossfare.compare.measured import ALPHA, CONFIDENCE, SEED_SD
from crossfare.compare.model import Component, Decision, Option
from crossfare.compare.recommend import MARGIN, Aim, Constraints, Recommendation, Verdict, recommend
from crossfare.compare.runs import RunRecord, read_run, reprice
from crossfare.compare.sensitivity import Flip, price_flips, volume_flips
from crossfare.compare.standings import CellStanding, Contest, contests, standings
from crossfare.compare.timing import Timing
from crossfare.compare.timing_noise import as_cheap, margin_usd, told_apart
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
from crossfare.compare.uncertainty import Belief
from crossfare.ledger import UnitPrice

__all__ = [
    "ALPHA",
    "CONFIDENCE",
    "MARGIN",
    "SEED_SD",
    "Aim",
    "Belief",
    "BreakEven",
    "CellStanding",
    "Component",
    "Constraints",
    "Contest",
    "Curve",
    "Decision",
    "Flip",
    "Instance",
    "LearningCurve",
    "More",
    "Option",
    "Parity",
    "Recommendation",
    "RunRecord",
    "Timing",
    "UnitPrice",
    "Verdict",
    "always_on",
    "always_on_usd",
    "as_cheap",
    "break_even",
    "break_evens",
    "contests",
    "cost_front",
    "curves",
    "decisions",
    "grid",
    "latency_front",
    "learning_curves",
    "margin_usd",
    "price_flips",
    "read_run",
    "recommend",
    "reprice",
    "settle",
    "standings",
    "to_json",
    "told_apart",
    "volume_flips",
]
