"""A learning curve: how a score grows with the number of labels, and how many labels reach a score.

score(n) = ceiling - gap * (n / most) ** -rate             the inverse power law, or
           ceiling - gap / (1 + (n / half) ** rate)        which starts flat, at chance, before it climbs

with gap >= 0, rate > 0 and ceiling <= 1, so that it never falls. These are POW3 and MMF of Viering and Loog (2023),
"The shape of learning curves"; the second becomes the first as ``half`` goes to 0, and is tried from five numbers of
labels on. Its interval comes from curves through joint draws of the true scores (`crossfare.compare.uncertainty`), for
all numbers of labels and the methods that are compared with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from crossfare.compare.measured import ALPHA, SEED_SD, Floats, Measured, SeedNoise, seed_noises
from crossfare.compare.uncertainty import belief

FEWEST_SIZES = 3
"""Numbers of labels that a curve is fitted to at the least: it has three parameters."""

# Where the climb is half made, as a share of the most labels; 0 is the power law.
_HALVES = (0.0, 0.1, 0.2, 0.35, 0.6, 1.0, 2.0)
_SIZES_FOR_HALF = 5

_RATES = (0.05, 3.0)
_COARSE, _FINE, _ROUNDS = 24, 9, 7


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
    """What was scored with one number of labels."""

    labels: int
    scored: Measured


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
    means = np.array([each.scored.mean for each in sized])
    return fit([each.labels for each in sized], means, [each.scored.seeds for each in sized])


def band(sized: Sequence[Sized], at: Sequence[float]) -> tuple[Floats, Floats]:
    """The 95 % interval of the curve's score at some numbers of labels."""
    drawn, _ = _drawn(sized, ())
    values = np.stack([drawn.score(labels) for labels in at], axis=1)
    return _quantile(values, ALPHA / 2), _quantile(values, 1 - ALPHA / 2)


def reach(sized: Sequence[Sized], others: Sequence[Measured]) -> list[Reach]:
    """How many labels equal each of other methods."""
    curve = curve_of(sized)
    drawn, targets = _drawn(sized, others)
    return [
        _reach(float(curve.labels(other.mean).item()), drawn.labels(target))
        for other, target in zip(others, targets, strict=True)
    ]


def _reach(expected: float, found: Floats) -> Reach:
    low, high = (float(_quantile(found, q)) for q in (ALPHA / 2, 1 - ALPHA / 2))
    return Reach(expected, min(low, expected), max(high, expected), float(np.isfinite(found).mean()))


def _drawn(sized: Sequence[Sized], others: Sequence[Measured]) -> tuple[Fitted, list[Floats]]:
    """Curves through joint draws of the true scores, and the draws of the other methods' scores."""
    cells = [*(each.scored for each in sized), *others]
    noises = seed_noises(cells)
    if any(noise.stated for noise in noises.values()):
        noises = dict.fromkeys(noises, _scatter(sized))
    draws = belief({str(at): [cell] for at, cell in enumerate(cells)}, noises).draws
    curves = fit([each.labels for each in sized], draws[:, : len(sized)], [each.scored.seeds for each in sized])
    return curves, list(draws.T[len(sized) :])


def _scatter(sized: Sequence[Sized]) -> SeedNoise:
    """The luck of a training where there was one each: told from how far the scores lie off the curve."""
    spare = len(sized) - FEWEST_SIZES
    if not spare:
        return SeedNoise(SEED_SD**2, np.inf, stated=True)
    curve = curve_of(sized)
    squares = sum((each.scored.mean - curve.score(each.labels).item()) ** 2 for each in sized)
    return SeedNoise(squares / spare, spare)


def _quantile(values: Floats, q: float) -> Any:
    """A quantile that is one of the values, by column: infinite ones cannot be averaged."""
    return np.sort(values, axis=0)[round(q * (len(values) - 1))]
