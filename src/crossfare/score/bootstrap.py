"""Percentile bootstrap intervals (Efron 1979), vectorised and seeded.

A resample of n values is fully described by how often each distinct value was drawn, and those counts are
multinomial. Drawing the counts gives the same distribution as drawing the n values, at a cost that depends on
the number of distinct values alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from crossfare import __version__
from crossfare.types import Score

RESAMPLES = 2000

Resamples = Annotated[int, Field(ge=1, le=1_000_000)]

_CHUNK = 4_000_000  # drawn counts held in memory at once: 32 MB


def interval(
    values: Sequence[float], *, resamples: int = RESAMPLES, seed: int = 0, confidence: float = 0.95
) -> tuple[float, float]:
    """Percentile bootstrap interval of the mean of ``values``; (nan, nan) if there are none."""
    distinct, counts = np.unique(np.asarray(values, dtype=float), return_counts=True)
    if not len(distinct):
        return float("nan"), float("nan")
    n = int(counts.sum())
    return interval_of_counts(
        counts, lambda drawn: drawn @ distinct / n, resamples=resamples, seed=seed, confidence=confidence
    )


def interval_of_counts(
    counts: NDArray[np.int64],
    statistic: Callable[[NDArray[np.int64]], NDArray[Any]],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    confidence: float = 0.95,
) -> tuple[float, float]:
    """Percentile bootstrap interval of a statistic that depends on counts alone.

    ``counts`` has one entry per distinct outcome, shape (k,); ``statistic`` maps resampled counts of shape
    (resamples, k) to one value each.
    """
    rng = np.random.default_rng(seed)
    n, share = int(counts.sum()), counts / counts.sum()
    rows = max(1, _CHUNK // len(counts))
    drawn = [
        np.asarray(statistic(rng.multinomial(n, share, size=min(rows, resamples - done))))
        for done in range(0, resamples, rows)
    ]
    return _quantiles(np.concatenate(drawn), confidence)


def _quantiles(statistics: NDArray[Any], confidence: float) -> tuple[float, float]:
    tail = (1 - confidence) / 2
    low, high = np.quantile(statistics, [tail, 1 - tail])
    return float(low), float(high)


def mean(
    metric: str,
    values: Mapping[str, float],
    *,
    resamples: int,
    seed: int,
    add: Callable[[Iterable[float]], float] = sum,
    **settings: object,
) -> Score:
    """The mean of the values of examples, by their ids, with its interval; ``settings`` stand in the signature.

    ``add`` is how the official script adds them up.
    """
    per_example = tuple(values.values())
    low, high = interval(per_example, resamples=resamples, seed=seed)
    said = signature(metric, resamples=resamples, seed=seed, **settings)
    return Score(metric, add(per_example) / len(values), len(values), low, high, said, tuple(values), per_example)


def signature(metric: str, *, resamples: int, seed: int, **settings: object) -> str:
    """Everything that must be known to compute the number again, as one line to print beside it."""
    parts: dict[str, object] = {"metric": metric, **settings, "boot": resamples, "seed": seed, "version": __version__}
    return "|".join(f"{name}:{value}" for name, value in parts.items())
