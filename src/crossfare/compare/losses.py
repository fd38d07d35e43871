"""Test examples that an engine did not translate: how many there are, and what became of them in the score."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from statistics import fmean

from crossfare.types import Result


class Fate(StrEnum):
    """What became of lost examples. Crossfare once left them out of the score in NLI and ranking."""

    WRONG = "counted as wrong"
    ANSWERED = "answered by the other model alone"
    LEFT_OUT = "left out of the score"


def lost_share(results: Sequence[Result]) -> float:
    """The share of the test examples that was lost in translation when serving, the mean over seeds."""
    return fmean(0.0 if result.test_yield is None else 1 - result.test_yield.rate for result in results)


def fate_of_lost(result: Result) -> Fate:
    """What a score made of the examples that were lost."""
    if any(step.startswith("ensemble-") for step in result.steps):
        return Fate.ANSWERED
    lost = result.test_yield.lost if result.test_yield else ()
    return Fate.LEFT_OUT if lost and set(lost).isdisjoint(result.score.ids) else Fate.WRONG
