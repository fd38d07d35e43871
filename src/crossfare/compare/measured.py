"""What methods scored, and the luck of training in it: how much a score varies from one training run to the next.

The luck is pooled over all cells of a task, languages too, each cell's own variance drawn towards the common one where
they are not alike (Smyth 2004, as in limma). See `crossfare.compare.uncertainty` for the model.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]

ALPHA = 0.05
"""The level of every test."""

CONFIDENCE = 1 - ALPHA
"""Of every interval, and what "shown" means."""

NORMAL = float(special.ndtri((1 + CONFIDENCE) / 2))
"""Standard deviations from the middle of a normal distribution to the ends of its interval."""

SEED_SD = 0.025
"""The standard deviation of a score over training runs, as a fraction, where no method was trained more than once.

Between what the demo's tasks have over eight seeds (2.9 points in NLI, 2.4 in QA); published figures for fine-tuned
encoders go from 0.2 points on large training sets (Sellam et al. 2022, MNLI) to more
than 5 on small ones (Dodge et al. 2020, RTE). Two seeds replace it.
"""

_FEWEST = 3  # cells that a common variance of variances is told from
_DOUBT = 4  # how many seeds' evidence it takes to half believe that methods of one trained model share its luck


def variance_of(low: float, high: float) -> float:
    """The variance that an interval stands for."""
    return ((high - low) / (2 * NORMAL)) ** 2


@dataclass(frozen=True, slots=True)
class Measured:
    """What one method scored in one language: ``scores`` has a row per seed and a column per test example.

    ``tested`` tells what its ``ids`` are ids of: equal ids are the same example where it is equal, or in another
    language of a parallel test set. ``trainings`` names what was fine-tuned for each seed; nothing, if it is empty:
    seeds then make no difference. A metric that is no mean over examples has one column, and ``variance`` is that
    of the score over test examples.
    """

    scores: Floats
    ids: tuple[str, ...]
    tested: Hashable
    trainings: tuple[frozenset[str], ...]
    variance: float | None = None

    @property
    def seeds(self) -> int:
        """How many training runs there were."""
        return len(self.scores)

    @property
    def trained(self) -> bool:
        """Whether training runs are behind it: not if there is none, or one and the same for all seeds."""
        return any(self.trainings) and (self.seeds == 1 or len(set(self.trainings)) > 1)

    @property
    def mean(self) -> float:
        """The score."""
        return float(self.scores.mean())


@dataclass(frozen=True, slots=True)
class SeedNoise:
    """The luck of one training run: its variance in a score, and how many degrees of freedom that is known with.

    ``stated`` says that it was not measured but assumed.
    """

    variance: float
    freedom: float
    stated: bool = False

    @property
    def sd(self) -> float:
        """Its standard deviation, as a fraction."""
        return float(np.sqrt(self.variance))


def seed_noises(cells: Sequence[Measured], stated_sd: float = SEED_SD) -> dict[tuple[frozenset[str], ...], SeedNoise]:
    """The luck of each group of trainings, from all cells of a task: those that stand on the same trainings are one."""
    groups: dict[tuple[frozenset[str], ...], list[Measured]] = defaultdict(list)
    for cell in cells:
        if cell.trained:
            groups[cell.trainings].append(cell)
    known = {key: own for key, own in groups.items() if own[0].seeds > 1}
    if not known:
        return dict.fromkeys(groups, SeedNoise(stated_sd**2, np.inf, stated=True))
    rest = fmean(rest_of(cell) for own in known.values() for cell in own)
    freedom = np.array([len(key) - 1.0 for key in known])
    excess = [
        fmean(float(cell.scores.mean(axis=1).var(ddof=1)) - rest_of(cell) for cell in own) for own in known.values()
    ]
    variances, freedoms, common = _moderated(np.array(excess) + rest, freedom)
    found = {
        key: SeedNoise(float(variance) - rest, float(own))
        for key, variance, own in zip(known, variances, freedoms, strict=True)
    }
    others = SeedNoise(common - rest, float(freedom.sum()))
    return {key: found.get(key, others) for key in groups}


def rest_of(cell: Measured) -> float:
    """The part of the variance over seeds of a score that is r's, not the training's: var(r) / n."""
    seeds, n = cell.scores.shape
    if seeds < 2 or n < 2:
        return 0.0
    left = cell.scores - cell.scores.mean(axis=1, keepdims=True) - cell.scores.mean(axis=0) + cell.scores.mean()
    return float((left**2).sum() / ((seeds - 1) * (n - 1)) / n)


def _moderated(variances: Floats, freedom: Floats) -> tuple[Floats, Floats, float]:
    """Each variance drawn towards the common one, its degrees of freedom, and the common one (Smyth 2004, 6.2)."""
    pooled = float((freedom * variances).sum() / freedom.sum())
    total = freedom.sum()
    if len(variances) < _FEWEST or pooled <= 0:
        return np.full(len(variances), pooled), np.full(len(variances), total), pooled
    logs = np.log(np.maximum(variances, 1e-3 * pooled))
    centred = logs - special.digamma(freedom / 2) + np.log(freedom / 2)
    spread = centred.var(ddof=1) - special.polygamma(1, freedom / 2).mean()
    if spread <= 0 or _bartlett(variances, freedom, pooled) >= ALPHA:
        return np.full(len(variances), pooled), np.full(len(variances), total), pooled
    prior = 2 * _trigamma_inverse(spread)
    common = float(np.exp(centred.mean() + special.digamma(prior / 2) - np.log(prior / 2)))
    own = (prior * common + freedom * variances) / (prior + freedom)
    return own, np.minimum(prior + freedom, total), common


def _trigamma_inverse(value: float) -> float:
    """Newton's method, from below and on the reciprocal, which is nearly straight (Smyth 2004, appendix)."""
    found = 0.5 + 1 / value
    for _ in range(50):
        trigamma = float(special.polygamma(1, found))
        found += trigamma * (1 - trigamma / value) / float(special.polygamma(2, found))
    return found


def _bartlett(variances: Floats, freedom: Floats, pooled: float) -> float:
    """The p-value of all variances being one (Bartlett 1937)."""
    total = freedom.sum()
    off = total * np.log(pooled) - (freedom * np.log(np.maximum(variances, 1e-3 * pooled))).sum()
    scale = 1 + ((1 / freedom).sum() - 1 / total) / (3 * (len(freedom) - 1))
    return float(special.chdtrc(len(freedom) - 1, off / scale))


def shared_luck(cells: Sequence[Measured]) -> float:
    """How far methods that stand on the same trainings share their luck: a correlation, doubted while seeds are few."""
    common, own, freedom = 0.0, 0.0, 0
    for index, one in enumerate(cells):
        for other in cells[:index]:
            if one.trained and one.trainings == other.trainings and one.seeds > 1:
                covariance = np.cov(one.scores.mean(axis=1), other.scores.mean(axis=1))
                common += covariance[0, 1]
                own += float(np.sqrt(covariance[0, 0] * covariance[1, 1]))
                freedom = max(freedom, one.seeds - 1)
    return float(np.clip(common / own, 0.0, 1.0)) * freedom / (freedom + _DOUBT) if own else 0.0
