"""A learning curve: how a score grows with the number of labels, and how many labels reach a score.

score(n) = ceiling - gap * (n / most) ** -rate             the inverse power law, or
           ceiling - gap / (1 + (n / half) ** rate)        which starts flat, at chance, before it climbs

with gap >= 0, rate > 0 and ceiling <= 1, so that it never falls. These are POW3 and MMF of Viering and Loog (2023),
"The shape of learning curves"; the second becomes the first as ``half`` goes to 0, and is tried from five numbers of
labels on. The interval comes from drawing the test examples anew (the same ones for all numbers of labels, and for the
method that is compared with) and from the scatter over seeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FEWEST_SIZES = 3
"""Numbers of labels that a curve is fitted to at the least: it has three parameters."""

# Where the climb is half made, as a share of the most labels; 0 is the power law.
_HALVES = (0.0, 0.1, 0.2, 0.35, 0.6, 1.0, 2.0)
_SIZES_FOR_HALF = 5

_RATES = (0.05, 3.0)
_COARSE, _FINE, _ROUNDS = 24, 9, 7
_DRAWS, _AT_ONCE = 1000, 50
_LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Fitted:
    """One curve, or many at once: each field is an array of equal shape; where ``half`` is 0 it is a power law."""

    ceiling: Floats
    gap: Floats
    rate: Floats
    half: Floats
    most: float

    def score(self, labels: float) -> Floats:
        """What is scored with so many labels."""
        return np.asarray(self.ceiling - self.gap * _shape(labels / self.most, self.rate, self.half / self.most))

    def labels(self, score: Floats | float) -> Floats:
        """The least number of labels that reaches a score; infinite where the curve levels off below, or at it."""
        above = self.ceiling - score
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            rest = self.gap / above
            found = np.where(self.half > 0, self.half, self.most) * np.where(
                self.half > 0, np.maximum(0.0, rest - 1), rest
            ) ** (1 / self.rate)
        return np.where(above > 0, np.where(self.gap > 0, found, 0.0), np.inf)


@dataclass(frozen=True, slots=True)
class Sized:
    """What was scored with one number of labels: a row per seed, a column per test example (the same in all)."""

    labels: int
    scores: Floats


@dataclass(frozen=True, slots=True)
class Reach:
    """How many labels reach another method's score, with a 95 % interval; infinite where the curve stays below.

    ``share`` is how many of the draws reach it with any number of labels.
    """

    labels: float
    low: float
    high: float
    share: float


def _shape(n: Floats | float, rate: Floats, half: Floats | float) -> Floats:
    """How much of the gap is left: from all of it, or more, down to nothing."""
    with np.errstate(divide="ignore", over="ignore"):
        return np.where(np.asarray(half) > 0, 1 / (1 + (n / np.asarray(half)) ** rate), np.asarray(n) ** -rate)


def fit(labels: Sequence[int], scores: Floats, weights: Sequence[float] | None = None) -> Fitted:
    """Fit curves by least squares: ``scores`` has a column per number of labels, and a row per curve.

    Raises:
        ValueError: fewer than three different numbers of labels.
    """
    if len(set(labels)) < FEWEST_SIZES:
        raise ValueError(f"a learning curve needs {FEWEST_SIZES} different numbers of labels")
    y = np.atleast_2d(np.asarray(scores, dtype=np.float64))
    w = np.ones(len(labels)) if weights is None else np.asarray(weights, dtype=np.float64)
    n = np.asarray(labels, dtype=np.float64) / max(labels)
    halves = _HALVES if len(set(labels)) >= _SIZES_FOR_HALF else _HALVES[:1]
    found = [(half, *_best_rate(n, half, y, w)) for half in halves]
    pick = np.argmin(np.stack([errors for *_, errors in found]), axis=0)[None]
    ceiling, gap, rate = (np.take_along_axis(np.stack([each[i] for each in found]), pick, 0)[0] for i in (1, 2, 3))
    return Fitted(ceiling, gap, rate, np.array(halves)[pick[0]] * max(labels), float(max(labels)))


def _best_rate(n: Floats, half: float, y: Floats, w: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Ceiling, gap, rate and error of the best curve of one shape through each row of scores."""
    rows = np.arange(len(y))
    low, high = np.log(np.full(len(y), _RATES[0])), np.log(np.full(len(y), _RATES[1]))
    for turn in range(_ROUNDS):
        logs = np.linspace(low, high, _COARSE if turn == 0 else _FINE, axis=1)
        ceilings, gaps, errors = _lines(_shape(n, np.exp(logs)[:, :, None], half), y[:, None, :], w)
        best = np.argmin(errors, axis=1)
        width = logs[:, 1] - logs[:, 0]
        centre = logs[rows, best]
        low = np.maximum(centre - width, np.log(_RATES[0]))
        high = np.minimum(centre + width, np.log(_RATES[1]))
    return ceilings[rows, best], gaps[rows, best], np.exp(centre), errors[rows, best]


def _lines(x: Floats, y: Floats, w: Floats) -> tuple[Floats, Floats, Floats]:
    """The best ceiling and gap of y = ceiling - gap * x for each rate, under gap >= 0 and ceiling <= 1.

    The error is convex in both, so where the free optimum breaks a bound the best lies on one.
    """
    total = w.sum()
    mean_x, mean_y = (w * x).sum(-1) / total, (w * y).sum(-1) / total
    spread = (w * (x - mean_x[..., None]) ** 2).sum(-1)
    gap = -(w * (x - mean_x[..., None]) * (y - mean_y[..., None])).sum(-1) / spread
    free = (mean_y + gap * mean_x, gap)
    flat = (np.minimum(np.broadcast_to(mean_y, gap.shape), 1.0), np.zeros_like(gap))
    under_one = (np.ones_like(gap), np.maximum(0.0, (w * x * (1 - y)).sum(-1) / (w * x * x).sum(-1)))
    allowed = (gap >= 0) & (free[0] <= 1)
    found = []
    for ceiling, slope in (free, flat, under_one):
        residual = y - (ceiling[..., None] - slope[..., None] * x)
        found.append((ceiling, slope, (w * residual**2).sum(-1)))
    errors = np.stack([np.where(allowed, found[0][2], np.inf), found[1][2], found[2][2]])
    pick = np.argmin(errors, axis=0)[None]
    ceiling, slope = (np.take_along_axis(np.stack([each[i] for each in found]), pick, 0)[0] for i in (0, 1))
    return ceiling, slope, np.take_along_axis(errors, pick, 0)[0]


def curve_of(sized: Sequence[Sized]) -> Fitted:
    """The curve through the mean scores, numbers of labels weighted by their seeds."""
    means = np.array([each.scores.mean() for each in sized])
    return fit([each.labels for each in sized], means, [len(each.scores) for each in sized])


def band(sized: Sequence[Sized], at: Sequence[float], *, seed: int = 0) -> tuple[Floats, Floats]:
    """The 95 % interval of the curve's score at some numbers of labels."""
    drawn, _ = _drawn(sized, (), np.random.default_rng(seed))
    values = np.stack([drawn.score(labels) for labels in at], axis=1)
    return _quantile(values, (1 - _LEVEL) / 2), _quantile(values, (1 + _LEVEL) / 2)


def reach(sized: Sequence[Sized], others: Sequence[Floats], *, seed: int = 0) -> list[Reach]:
    """How many labels equal each of other methods, scored on the same test examples (a row per seed)."""
    curve = curve_of(sized)
    drawn, targets = _drawn(sized, others, np.random.default_rng(seed))
    return [
        _reach(float(curve.labels(float(other.mean())).item()), drawn.labels(target))
        for other, target in zip(others, targets, strict=True)
    ]


def _reach(expected: float, found: Floats) -> Reach:
    low, high = (float(_quantile(found, q)) for q in ((1 - _LEVEL) / 2, (1 + _LEVEL) / 2))
    return Reach(expected, min(low, expected), max(high, expected), float(np.isfinite(found).mean()))


def _drawn(
    sized: Sequence[Sized], others: Sequence[Floats], random: np.random.Generator
) -> tuple[Fitted, list[Floats]]:
    """Curves and the other methods' scores under test examples drawn anew and the scatter over seeds."""
    tested = sized[0].scores.shape[1]
    means = np.stack([scores.mean(axis=0) for scores in (*(each.scores for each in sized), *others)])
    chunks = [
        random.multinomial(tested, np.full(tested, 1 / tested), _AT_ONCE) @ means.T / tested
        for _ in range(_DRAWS // _AT_ONCE)
    ]
    scores = np.concatenate(chunks)
    scatter, freedom = _scatter(sized)
    repeats = [len(each.scores) for each in sized]
    scores[:, : len(sized)] += _noise(random, scatter, freedom, repeats)
    for column, other in enumerate(others, len(sized)):
        if len(other) > 1:
            spread, freedom = float(other.mean(axis=1).std(ddof=1)), len(other) - 1
            scores[:, column] += _noise(random, spread, freedom, [len(other)])[:, 0]
    curves = fit([each.labels for each in sized], scores[:, : len(sized)], repeats)
    return curves, list(scores.T[len(sized) :])


def _scatter(sized: Sequence[Sized]) -> tuple[float, int]:
    """The standard deviation of a training's score, and its degrees of freedom (0: taken from the residuals).

    From the seeds of all numbers of labels together; with one seed each, from how far the scores lie off the curve.
    """
    freedom = sum(len(each.scores) - 1 for each in sized)
    if freedom:
        squares = sum(((m := each.scores.mean(axis=1)) - m.mean()) @ (m - m.mean()) for each in sized)
        return float(np.sqrt(squares / freedom)), freedom
    spare = len(sized) - FEWEST_SIZES
    if not spare:
        return 0.0, 0
    curve = curve_of(sized)
    squares = sum((each.scores.mean() - curve.score(each.labels)[0]) ** 2 for each in sized)
    return float(np.sqrt(squares / spare)), 0


def _noise(random: np.random.Generator, scatter: float, freedom: int, repeats: Sequence[int]) -> Floats:
    shape = (_DRAWS, len(repeats))
    drawn = random.standard_t(freedom, shape) if freedom else random.standard_normal(shape)
    return np.asarray(scatter * drawn / np.sqrt(np.asarray(repeats)))


def _quantile(values: Floats, q: float) -> Any:
    """A quantile that is one of the values, by column: infinite ones cannot be averaged."""
    return np.sort(values, axis=0)[round(q * (len(values) - 1))]
