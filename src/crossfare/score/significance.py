"""Is one method better than another, or is it noise? Paired tests on the same examples.

Sign-flip permutation test of the mean difference (Fisher 1935; Noreen 1989); for values that are all 0 or 1 its
exact form, McNemar's test (McNemar 1947). Several comparisons: Holm's correction (Holm 1979).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossfare.errors import DataError
from crossfare.score import bootstrap
from crossfare.types import Score

PERMUTATIONS = 10_000

_CHUNK = 8_000_000  # signs held in memory at once
_SHARED = 256  # examples for which signs are drawn together


@dataclass(frozen=True, slots=True)
class Comparison:
    """Score a minus score b on the ``n`` examples both have, its 95 % interval and two-sided p-value."""

    metric: str
    difference: float
    low: float
    high: float
    p: float
    n: int
    test: str


def compare(
    a: Score, b: Score, *, permutations: int = PERMUTATIONS, resamples: int = bootstrap.RESAMPLES, seed: int = 0
) -> Comparison:
    """Compare two methods on the examples both were scored on.

    Raises:
        DataError: the metrics differ, a score has no per-example values, or no example is common.
    """
    if a.metric != b.metric:
        raise DataError(f"cannot compare {a.metric} with {b.metric}; compare scores of one metric")
    if not (a.per_example and b.per_example):
        raise DataError(f"{a.metric} has no per-example values to pair; compare F1, exact match or accuracy")
    values = dict(zip(b.ids, b.per_example, strict=True))
    # By id, so that neither the order of the examples nor that of the scores decides what is drawn for which.
    pairs = [(x, values[i]) for i, x in sorted(zip(a.ids, a.per_example, strict=True)) if i in values]
    if not pairs:
        raise DataError("the two scores have no example id in common; compare scores on the same dataset")
    x, y = np.asarray(pairs, dtype=float).T
    difference = x - y
    low, high = bootstrap.paired_interval(difference, resamples=resamples, seed=seed)
    if np.isin([x, y], (0.0, 1.0)).all():
        test, p = "mcnemar-exact", mcnemar(int((difference > 0).sum()), int((difference < 0).sum()))
    else:
        test, p = "sign-flip", sign_flip(difference, permutations=permutations, seed=seed)
    return Comparison(a.metric, float(difference.mean()), low, high, p, len(pairs), test)


def mcnemar(only_a: int, only_b: int) -> float:
    """Two-sided exact p-value: ``only_a`` examples that only a got right, ``only_b`` that only b got right."""
    n = only_a + only_b
    logs = (math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) for k in range(min(only_a, only_b) + 1))
    tail = math.fsum(math.exp(log - n * math.log(2)) for log in logs)
    return min(1.0, 2 * tail)


def sign_flip(difference: NDArray[Any], *, permutations: int = PERMUTATIONS, seed: int = 0) -> float:
    """Two-sided p-value of a mean difference: how often random signs give one at least as large."""
    nonzero = difference[difference != 0]
    if not len(nonzero):
        return 1.0
    observed = abs(nonzero.sum()) * (1 - 1e-12)  # equal sums in another order must count as equal
    flipped = (np.abs(nonzero @ signs) for signs in _signs(len(nonzero), permutations, seed))
    extreme = sum(int((sums >= observed).sum()) for sums in flipped)
    return (1 + extreme) / (1 + permutations)


def _signs(n: int, permutations: int, seed: int) -> Iterator[NDArray[np.float64]]:
    """Random signs of shape (n, permutations), in chunks. Small tests, of which reports make hundreds, share them."""
    width = math.ceil(n / _SHARED) * _SHARED
    if width * permutations <= _CHUNK:
        yield _shared(width, permutations, seed)[:n]
        return
    rng, columns = np.random.default_rng(seed), max(1, _CHUNK // n)
    for done in range(0, permutations, columns):
        yield _draw(rng, n, min(columns, permutations - done))


@lru_cache(maxsize=1)
def _shared(n: int, permutations: int, seed: int) -> NDArray[np.float64]:
    return _draw(np.random.default_rng(seed), n, permutations)


def _draw(rng: np.random.Generator, n: int, permutations: int) -> NDArray[np.float64]:
    return rng.integers(0, 2, size=(n, permutations), dtype=np.int8).astype(np.float64) * 2 - 1


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Holm's step-down adjustment: compare each with the level wanted for the whole family."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted, largest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = largest
    return tuple(adjusted)
