"""Results gathered into the lines of a table: one per method, engine and model, over languages and seeds."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from statistics import fmean, stdev

from crossfare.types import Cost, Latency, Result, RunSpec, Score, TaskName, Yield

# Two-sided 95 % points of Student's t for 1 to 9 degrees of freedom; the last is kept for more
# (a little too wide, never too narrow).
_T95 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)

BATCH_SIZE = 32


@dataclass(frozen=True, slots=True)
class Estimate:
    """A score over seeds with its 95 % interval."""

    value: float
    low: float
    high: float
    seeds: int


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a table. ``specs`` has every cell of the line, with or without a result."""

    specs: tuple[RunSpec, ...]
    results: tuple[Result, ...]

    @property
    def first(self) -> RunSpec:
        """A cell that stands for the line: method, engine and model are the same in all."""
        return self.specs[0]

    def at(self, target: str) -> tuple[Result, ...]:
        """The results in one target language, one per seed."""
        return tuple(result for result in self.results if result.spec.target == target)

    def estimate(self, target: str) -> Estimate | None:
        """The score in one target language; None without results."""
        scores = [result.score for result in self.at(target)]
        return estimate(scores) if scores else None


def lines(results: Sequence[Result], missing: Iterable[RunSpec] = ()) -> tuple[Line, ...]:
    """Gather results, and cells that have none, into lines, in order of first appearance.

    Models are told apart by their role, and by their checkpoint where a role is played by several
    for one language.
    """
    specs = [*(result.spec for result in results), *missing]
    crowded = _crowded_roles(specs)

    def key(spec: RunSpec) -> tuple[str | None, ...]:
        checkpoint = spec.checkpoint if (spec.task, spec.model) in crowded else None
        return (spec.task, spec.method, spec.engine, spec.model, checkpoint)

    gathered: dict[tuple[str | None, ...], tuple[list[RunSpec], list[Result]]] = {key(s): ([], []) for s in specs}
    for spec in specs:
        gathered[key(spec)][0].append(spec)
    for result in results:
        gathered[key(result.spec)][1].append(result)
    return tuple(Line(tuple(own), tuple(found)) for own, found in gathered.values())


def _crowded_roles(specs: Iterable[RunSpec]) -> set[tuple[TaskName, str]]:
    seen: dict[tuple[TaskName, str, str], set[str]] = {}
    for spec in specs:
        seen.setdefault((spec.task, spec.model, spec.target), set()).add(spec.checkpoint)
    return {(task, model) for (task, model, _), checkpoints in seen.items() if len(checkpoints) > 1}


def targets(of: Iterable[Line]) -> tuple[str, ...]:
    """The target languages, in order of first appearance."""
    return tuple(dict.fromkeys(spec.target for line in of for spec in line.specs))


def estimate(scores: Sequence[Score]) -> Estimate:
    """The mean over seeds with its 95 % interval.

    One seed has its bootstrap interval over the test examples. Several add a second, independent
    source of error, the seed: the half-width of the t-interval of the mean over seeds joins the
    mean bootstrap half-width in quadrature, on each side.
    """
    values = [score.value for score in scores]
    mean = fmean(values)
    spread = 0.0
    if len(values) > 1:
        spread = _T95[min(len(values) - 1, len(_T95)) - 1] * stdev(values) / math.sqrt(len(values))
    below = math.hypot(fmean(score.value - score.low for score in scores), spread)
    above = math.hypot(fmean(score.high - score.value for score in scores), spread)
    return Estimate(mean, max(0.0, mean - below), min(1.0, mean + above), len(values))


def mean_cost(results: Iterable[Result], pick: Callable[[Result], Cost | None]) -> Decimal | None:
    """The mean over results of one of their costs, in USD; None if none has it."""
    found = [cost.usd for result in results if (cost := pick(result)) is not None]
    if not found:
        return None
    with localcontext(prec=50):
        return sum(found, Decimal(0)) / len(found)


def latencies(results: Iterable[Result], batch_size: int = BATCH_SIZE) -> tuple[Latency, ...]:
    """The latencies measured with one batch size."""
    return tuple(each for result in results for each in result.latency if each.batch_size == batch_size)


def yield_rate(results: Iterable[Result], pick: Callable[[Result], Yield | None]) -> float | None:
    """Kept examples as a fraction of all, over results; None if nothing was translated."""
    found = [each for result in results if (each := pick(result)) is not None]
    return sum(each.kept for each in found) / max(1, sum(each.total for each in found)) if found else None


def price_refs(results: Iterable[Result]) -> tuple[str, ...]:
    """The price records that the costs of these results were derived from, sorted."""
    costs = (
        cost
        for r in results
        for cost in (
            r.translation,
            r.annotation,
            r.fine_tuning,
            r.translation_per_1k,
            r.inference_per_1k,
            r.standalone,
            r.marginal,
        )
        if cost is not None
    )
    return tuple(sorted({ref for cost in costs for ref in cost.price.split(" + ") if ref}))
