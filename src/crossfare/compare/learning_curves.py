"""How many labels equal another method: learning curves of the methods that learn from gold data, and their price."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from crossfare.compare.contenders import Contender, chosen, label
from crossfare.compare.learning import FEWEST_SIZES, Fitted, Reach, Sized, band, curve_of, reach
from crossfare.compare.measured import Measured, seed_noises
from crossfare.compare.runs import RunRecord
from crossfare.compare.standings import measured
from crossfare.compare.uncertainty import Interval, belief
from crossfare.ledger import UnitPrice
from crossfare.ledger.price import usd_of

_BAND = 40


@dataclass(frozen=True, slots=True)
class Point:
    """What was scored with one number of labels."""

    labels: int
    score: Interval
    fitted: float


@dataclass(frozen=True, slots=True)
class Parity:
    """How many labels the method needs to score what another one scores, which costs no labels."""

    other: str
    method: str
    score: float
    reach: Reach


@dataclass(frozen=True, slots=True)
class LearningCurve:
    """The scores of one method over growing parts of its gold data, and what a label costs.

    ``fitted`` is the curve; ``band`` its 95 % interval as (labels, low, high). ``parities`` compare it with every
    method without gold data. ``label_price`` is what one label costs; ``seeds`` the fewest that a point is a mean of.
    """

    task: str
    target: str
    metric: str
    method: str
    points: tuple[Point, ...]
    fitted: Fitted
    band: tuple[tuple[float, float, float], ...]
    parities: tuple[Parity, ...]
    label_price: UnitPrice
    seeds: int

    @property
    def fewest(self) -> int:
        """The smallest number of labels that was tried."""
        return self.points[0].labels

    @property
    def most(self) -> int:
        """The largest number of labels that was tried."""
        return self.points[-1].labels

    def usd(self, labels: int) -> Decimal:
        """What so many labels cost."""
        return usd_of([(Decimal(labels), self.label_price)])

    def to_json(self) -> dict[str, Any]:
        """Plain data for other programs; a number of labels that is never reached is null."""
        fitted = {name: float(getattr(self.fitted, name).item()) for name in ("ceiling", "gap", "rate", "half")}
        return {
            "task": self.task,
            "target": self.target,
            "metric": self.metric,
            "method": self.method,
            "points": [{"labels": each.labels, "score": each.score.value} for each in self.points],
            "fitted": {**fitted, "most": self.fitted.most},
            "usd_per_label": f"{self.usd(1):f}",
            "equal": [
                {
                    "other": each.other,
                    "score": each.score,
                    "share_that_reach_it": each.reach.share,
                    **{
                        name: None if np.isinf(value := getattr(each.reach, name)) else value
                        for name in ("labels", "low", "high")
                    },
                }
                for each in self.parities
            ],
        }


def learning_curves(
    runs: Sequence[RunRecord],
    *,
    tasks: Sequence[str] = (),
    targets: Sequence[str] = (),
    without: Sequence[str] = (),
) -> tuple[LearningCurve, ...]:
    """The curves that runs with ``gold_sizes`` hold: one per task, target language and model.

    A method with fewer than three numbers of labels has none.

    Raises:
        ConfigError: the runs do not hold what is asked for.
    """
    groups: dict[tuple[str, str], list[Contender]] = defaultdict(list)
    for cell in chosen(runs, tasks, targets, without):
        groups[cell.task, cell.target].append(cell)
    return tuple(curve for cells in groups.values() for curve in _curves(cells))


def _curves(cells: Sequence[Contender]) -> list[LearningCurve]:
    grown = dict.fromkeys(_learner(cell) for cell in cells if cell.first.spec.gold_size is not None)
    found = []
    for learner in grown:
        own = {_labels(cell): cell for cell in cells if _learner(cell) == learner and cell.first.annotation is not None}
        others = [cell for cell in cells if cell.first.annotation is None and cell.tested == learner[-1]]
        if len(own) >= FEWEST_SIZES:
            found.append(_curve([own[labels] for labels in sorted(own)], others, cells))
    return found


def _learner(cell: Contender) -> tuple[Hashable, ...]:
    """What the points of one curve have in common."""
    spec = cell.first.spec
    return (spec.method, spec.model, spec.checkpoint, spec.engine or "", cell.mark, cell.tested)


def _labels(cell: Contender) -> int:
    run, result = cell.results[0]
    return sum(entry.usage.annotated or 0 for entry in run.steps(result, "annotation"))


def _curve(own: Sequence[Contender], others: Sequence[Contender], cells: Sequence[Contender]) -> LearningCurve:
    last, sizes = own[-1], [_labels(cell) for cell in own]
    sized = [Sized(labels, _scored(cell)) for labels, cell in zip(sizes, own, strict=True)]
    noises = seed_noises([_scored(cell) for cell in cells])
    believed = belief({cell.key: [each.scored] for cell, each in zip(own, sized, strict=True)}, noises)
    fitted, at = curve_of(sized), np.geomspace(sizes[0], sizes[-1], _BAND)
    low, high = band(sized, at.tolist())
    run, result = last.results[0]
    resource = run.steps(result, "annotation")[0].resources[0]
    return LearningCurve(
        last.task,
        last.target,
        last.metric,
        label(last, cells),
        tuple(
            Point(labels, believed.interval(cell.key), float(fitted.score(labels).item()))
            for labels, cell in zip(sizes, own, strict=True)
        ),
        fitted,
        tuple(zip(at.tolist(), low.tolist(), high.tolist(), strict=True)),
        _parities(sized, own[0].scores[0].ids, others, cells),
        run.book.bills(resource)[0].rate,
        min(len(cell.scores) for cell in own),
    )


def _parities(
    sized: Sequence[Sized], tested: Sequence[str], others: Sequence[Contender], cells: Sequence[Contender]
) -> tuple[Parity, ...]:
    """Each other method that was scored on any of the same test examples."""
    known = [other for other in others if not set(tested).isdisjoint(other.scores[0].ids)]
    scored = [_scored(other) for other in known]
    return tuple(
        Parity(label(other, cells), other.first.spec.method, score.mean, reached)
        for other, score, reached in zip(known, scored, reach(sized, scored), strict=True)
    )


def _scored(cell: Contender) -> Measured:
    return measured([result for _, result in cell.results], cell.tested)
