"""Paired tests between methods: of the best one against the others, and of any two when they are asked for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from crossfare.compare.model import Pair
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


class PairedTests(Mapping[frozenset[str], Pair]):
    """The paired test of every two options, each made once: ten thousand permutations take a while.

    ``scores`` are by option, and so is what they were ``tested`` on: equal ids stand for the same examples only
    where that is equal. Two that share no example, or have no value per example, have no test.
    """

    def __init__(self, scores: Mapping[str, Score], tested: Mapping[str, Hashable]) -> None:
        self._scores = {key: score for key, score in scores.items() if score.per_example}
        self._tested = tested
        self._ids = {key: frozenset(score.ids) for key, score in self._scores.items()}
        self._made: dict[frozenset[str], Pair] = {}

    def __getitem__(self, keys: frozenset[str]) -> Pair:
        if keys not in self:
            raise KeyError(keys)
        if keys not in self._made:
            a, b = (key for key in self._scores if key in keys)
            found = significance.compare(self._scores[a], self._scores[b])
            self._made[keys] = Pair(a, b, found.difference, found.low, found.high, found.p, found.n, found.test)
        return self._made[keys]

    def __contains__(self, keys: object) -> bool:
        if not isinstance(keys, frozenset) or len(keys) != 2 or not keys <= self._scores.keys():
            return False
        a, b = keys
        return self._tested[a] == self._tested[b] and not self._ids[a].isdisjoint(self._ids[b])

    def __iter__(self) -> Iterator[frozenset[str]]:
        keys = list(self._scores)
        every = (frozenset((a, b)) for index, a in enumerate(keys) for b in keys[index + 1 :])
        return (pair for pair in every if pair in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def over_languages(scores: Mapping[str, Sequence[Score]]) -> dict[str, Score]:
    """One score per option from its scores in several languages, fit for paired tests of the mean.

    All options were tested on the same examples of each language.
    On parallel test sets (the same ids in every language) an example is its mean over languages:
    translations of one example succeed and fail together. Otherwise every language's examples
    stand for themselves, weighted so that each language counts the same.
    """
    scores = {key: own for key, own in scores.items() if all(score.per_example for score in own)}
    tested = [{i for score in column for i in score.ids} for column in zip(*scores.values(), strict=True)]
    if all(ids == tested[0] for ids in tested):
        return {key: _parallel(own) for key, own in scores.items()}
    sizes = [len(ids) for ids in tested]
    return {key: _stacked(own, sizes) for key, own in scores.items()}


def _parallel(scores: Sequence[Score]) -> Score:
    """The examples scored in every language, each at its mean."""
    common = frozenset.intersection(*(frozenset(score.ids) for score in scores))
    return pool([_only(score, common) for score in scores])


def _only(score: Score, ids: frozenset[str]) -> Score:
    kept = [(i, value) for i, value in zip(score.ids, score.per_example, strict=True) if i in ids]
    return replace(score, ids=tuple(i for i, _ in kept), per_example=tuple(value for _, value in kept))


def _stacked(scores: Sequence[Score], sizes: Sequence[int]) -> Score:
    """All examples of all languages; ``sizes`` are those of the whole test sets, so that weights are common to all."""
    pairs = [
        (f"{index}:{i}", value * sum(sizes) / (len(sizes) * size))
        for index, (score, size) in enumerate(zip(scores, sizes, strict=True))
        for i, value in zip(score.ids, score.per_example, strict=True)
    ]
    values = tuple(value for _, value in pairs)
    return replace(scores[0], value=fmean(values), n=len(pairs), ids=tuple(i for i, _ in pairs), per_example=values)
