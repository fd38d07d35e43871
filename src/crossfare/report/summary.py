"""Results gathered into the lines of a table: one per method, engine and model, over languages and seeds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from statistics import fmean

from crossfare.compare.estimates import Estimate, estimate
from crossfare.types import Cost, Latency, Result, RunSpec, TaskName, Yield

BATCH_SIZE = 32


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

    def key(spec: RunSpec) -> tuple[object, ...]:
        checkpoint = spec.checkpoint if (spec.task, spec.model) in crowded else None
        return (spec.task, spec.variant, *spec.engines, spec.model, checkpoint)

    gathered: dict[tuple[object, ...], tuple[list[RunSpec], list[Result]]] = {key(s): ([], []) for s in specs}
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


def source_side(line: Line, target: str) -> float | None:
    """The mean score on the source side, as the paper has it, of QA by translating at inference."""
    found = [
        score.value for result in line.at(target) for score in result.further_scores if score.metric == "source_f1"
    ]
    return fmean(found) if found else None


def targets(of: Iterable[Line]) -> tuple[str, ...]:
    """The target languages, in order of first appearance."""
    return tuple(dict.fromkeys(spec.target for line in of for spec in line.specs))


def mean_cost(results: Iterable[Result], pick: Callable[[Result], Cost | None]) -> Decimal | None:
    """The mean over results of one of their costs, in USD; None if none has it."""
    found = [cost.usd for result in results if (cost := pick(result)) is not None]
    if not found:
        return None
    with localcontext(prec=50):
        return sum(found, Decimal(0)) / len(found)


def mean_of(results: Iterable[Result], name: str) -> float | None:
    """The mean over results of one of their figures; None if one does not have it."""
    found = [getattr(result, name) for result in results]
    return None if not found or None in found else fmean(found)


def latencies(results: Iterable[Result], batch_size: int = BATCH_SIZE) -> tuple[Latency, ...]:
    """The latencies measured with one batch size."""
    return tuple(each for result in results for each in result.latency if each.batch_size == batch_size)


def translation_latencies(results: Iterable[Result], batch_size: int = BATCH_SIZE) -> tuple[Latency, ...]:
    """Those of translating alone, where `latencies` have projecting answers back too."""
    return tuple(each for result in results for each in result.translation_latency if each.batch_size == batch_size)


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
