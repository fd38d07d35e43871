"""Every method against the best one of its task and language: is the difference more than noise?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from crossfare.score import significance
from crossfare.types import Result, Score


@dataclass(frozen=True, slots=True)
class Contest:
    """The best cell of a task and language against another one (both named without their seed).

    ``difference`` is best minus other on the ``n`` examples both were scored on, with its 95 %
    interval; ``p`` is adjusted by Holm's method for all contests of the same task and language.
    """

    task: str
    target: str
    best: str
    other: str
    difference: float
    low: float
    high: float
    p: float
    n: int
    test: str


def contests(results: Sequence[Result]) -> tuple[Contest, ...]:
    """Compare the best cell of every task and language with each of the others.

    Seeds of a cell are pooled first: an example's value is its mean over seeds. Two cells that were
    scored on no common example have no contest.
    """
    groups: dict[tuple[str, str], dict[str, list[Score]]] = defaultdict(lambda: defaultdict(list))
    for result in results:
        groups[result.spec.task, result.spec.target][result.spec.without_seed].append(result.score)
    found: list[Contest] = []
    for (task, target), cells in groups.items():
        pooled = {name: pool(scores) for name, scores in cells.items()}
        best = max(pooled, key=lambda name: pooled[name].value)
        rows = [
            Contest(task, target, best, other, c.difference, c.low, c.high, c.p, c.n, c.test)
            for other, score in pooled.items()
            if other != best and set(score.ids) & set(pooled[best].ids)
            for c in (significance.compare(pooled[best], score),)
        ]
        adjusted = significance.holm([row.p for row in rows])
        found += [replace(row, p=p) for row, p in zip(rows, adjusted, strict=True)]
    return tuple(found)


def pool(scores: Sequence[Score]) -> Score:
    """One score per cell: each example's mean over the seeds that scored it."""
    if len(scores) == 1:
        return scores[0]
    values: dict[str, list[float]] = defaultdict(list)
    for score in scores:
        for example, value in zip(score.ids, score.per_example, strict=True):
            values[example].append(value)
    means = tuple(sum(found) / len(found) for found in values.values())
    return replace(scores[0], value=sum(means) / len(means), n=len(means), ids=tuple(values), per_example=means)
