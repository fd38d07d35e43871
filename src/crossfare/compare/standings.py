"""How the cells of each task and language stand: scores with intervals, and which are worse than the best."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from crossfare.compare.measured import ALPHA, Measured, seed_noises, variance_of
from crossfare.compare.uncertainty import Belief, belief
from crossfare.types import Result, Score


@dataclass(frozen=True, slots=True)
class CellStanding:
    """A cell's score, the mean over its ``seeds``, with its 95 % interval, and where it stands among the others.

    ``tests_only`` says that the interval knows of the test examples alone: no cell was trained more than once.
    ``best`` has the highest score of its task and language; ``p`` is that of being as good as it, corrected for all
    pairs, None for the best itself and where seeds were not measured.
    """

    value: float
    low: float
    high: float
    seeds: int
    tests_only: bool = False
    best: bool = False
    p: float | None = None

    @property
    def tied(self) -> bool:
        """Whether it is not the best and was not shown to be worse either."""
        return self.p is not None and self.p >= ALPHA


@dataclass(frozen=True, slots=True)
class Contest:
    """The best cell of a task and language against another one (both named without their seed).

    ``difference`` is best minus other, with its 95 % interval; ``p`` as in `CellStanding`.
    """

    task: str
    target: str
    best: str
    other: str
    difference: float
    low: float
    high: float
    p: float | None


def measured(results: Sequence[Result], tested: Hashable = None) -> Measured:
    """What one cell scored, from its results: one per seed.

    ``tested`` is what all were tested on; where it is not given, what the first result says.
    """
    trainings = tuple(_trainings(result) for result in results)
    return measured_scores([result.score for result in results], tested or results[0].tested, trainings)


def measured_scores(scores: Sequence[Score], tested: Hashable, trainings: tuple[frozenset[str], ...]) -> Measured:
    """The same from its scores, and what was fine-tuned for each."""
    if not all(score.per_example for score in scores):
        values = np.array([[score.value] for score in scores])
        return Measured(values, ("",), tested, trainings, variance_of(scores[0].low, scores[0].high))
    if len({score.ids for score in scores}) == 1:
        return Measured(np.array([score.per_example for score in scores]), scores[0].ids, tested, trainings)
    by_id = [dict(zip(score.ids, score.per_example, strict=True)) for score in scores]
    ids = tuple(name for name in scores[0].ids if all(name in own for own in by_id))
    return Measured(np.array([[own[name] for name in ids] for own in by_id]), ids, tested, trainings)


def _trainings(result: Result) -> frozenset[str]:
    own = frozenset(step for step, share in result.steps.items() if share == "fine_tuning")
    return own or frozenset({result.spec.id} if result.fine_tuning is not None else ())


def cells_of(results: Sequence[Result]) -> dict[str, list[Result]]:
    """The results of each cell, one per seed, by `RunSpec.without_seed`."""
    found: dict[str, list[Result]] = defaultdict(list)
    for result in results:
        found[result.spec.without_seed].append(result)
    return dict(found)


def beliefs(results: Sequence[Result]) -> dict[tuple[str, str], Belief]:
    """The joint distribution of the true scores for each task and target language, by `RunSpec.without_seed`."""
    groups: dict[str, dict[str, dict[str, Measured]]] = defaultdict(lambda: defaultdict(dict))
    for key, own in cells_of(results).items():
        groups[own[0].spec.task][own[0].spec.target][key] = measured(own, own[0].tested or own[0].spec.target)
    found = {}
    for task, by_target in groups.items():
        noises = seed_noises([cell for cells in by_target.values() for cell in cells.values()])
        for target, cells in by_target.items():
            found[task, target] = belief({key: [cell] for key, cell in cells.items()}, noises)
    return found


Beliefs: TypeAlias = Mapping[tuple[str, str], Belief]


def standings(results: Sequence[Result], known: Beliefs | None = None) -> dict[str, CellStanding]:
    """Where every cell stands, by `RunSpec.without_seed`; ``known`` are the `beliefs` of the results, if made."""
    cells, found = cells_of(results), {}
    for believed in (known or beliefs(results)).values():
        worse, best = believed.worse, believed.best
        for key in believed.keys:
            own = believed.interval(key)
            found[key] = CellStanding(
                own.value,
                own.low,
                own.high,
                len(cells[key]),
                not believed.known(key),
                key == best,
                worse[key],
            )
    return found


def contests(results: Sequence[Result], known: Beliefs | None = None) -> tuple[Contest, ...]:
    """Compare the best cell of every task and language with each of the others; ``known`` as for `standings`."""
    found = []
    for (task, target), believed in (known or beliefs(results)).items():
        worse, best = believed.worse, believed.best
        for other in believed.keys:
            if other != best:
                apart = believed.difference(best, other)
                found.append(Contest(task, target, best, other, apart.value, apart.low, apart.high, worse[other]))
    return tuple(found)
