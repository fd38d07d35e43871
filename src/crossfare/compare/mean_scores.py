"""A score over seeds, with an interval that knows of both sources of error."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from crossfare.types import Score

# Two-sided 95 % points of Student's t for 1 to 9 degrees of freedom; the last is kept for more
# (a little too wide, never too narrow).
_T95 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)


@dataclass(frozen=True, slots=True)
class MeanScore:
    """A score over seeds with its 95 % interval."""

    value: float
    low: float
    high: float
    seeds: int


def mean_score(scores: Sequence[Score]) -> MeanScore:
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
    return MeanScore(mean, max(0.0, mean - below), min(1.0, mean + above), len(values))


def over_targets(estimates: Sequence[MeanScore]) -> MeanScore:
    """The mean over target languages.

    Its half-widths are the mean half-widths: exact if the languages err together, as on parallel
    test sets, and too wide rather than too narrow if they do not.
    """
    return MeanScore(
        fmean(each.value for each in estimates),
        fmean(each.low for each in estimates),
        fmean(each.high for each in estimates),
        min(each.seeds for each in estimates),
    )
