"""A forecast as data: what each method may cost, what that rests on, and how well it held afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from crossfare.compare.model import Decision

TOLERANCE = 0.25
"""By how much seconds and money may be off."""

TICK = 0.01
"""Seconds that no two runs of a step agree on: a tick of the system's clock. A step that is off by less is within."""


@dataclass(frozen=True, slots=True)
class Assumption:
    """What a part of a forecast rests on: how much work, at which rate (seconds a unit), and where each is from."""

    what: str
    amount: float
    unit: str
    exact: bool
    low: float | None
    expected: float | None
    high: float | None
    source: str


@dataclass(frozen=True, slots=True)
class Lack:
    """A part of a method's costs that is not known, and what to state for it; ``recurring`` for a cost of serving."""

    todo: str
    recurring: bool

    def __str__(self) -> str:
        return f"recurring: {self.todo}" if self.recurring else self.todo


@dataclass(frozen=True, slots=True)
class Plan:
    """The methods of one task and target language, at the least, the expected and the most they may cost.

    The three decisions have the same options in the same order. ``qualities`` and ``latencies`` say where these
    figures are from, ``unknown`` which parts of an option's costs are missing from them, by option key.
    """

    low: Decision
    expected: Decision
    high: Decision
    qualities: Mapping[str, str]
    latencies: Mapping[str, str]
    unknown: Mapping[str, tuple[Lack, ...]]
    assumptions: tuple[Assumption, ...]
    notes: tuple[str, ...] = ()

    @property
    def todo(self) -> tuple[str, ...]:
        """What has to be stated for the forecast to be complete."""
        return tuple(dict.fromkeys(each.todo for lacks in self.unknown.values() for each in lacks))


@dataclass(frozen=True, slots=True)
class StepCheck:
    """One step of a run: what was forecast of its ``seconds`` and ``usd``, and what it used; None if not known.

    ``counts`` are characters, calls and labels, each forecast and used.
    """

    step_id: str
    stage: str
    label: str
    seconds: tuple[float | None, float | None]
    usd: tuple[Decimal | None, Decimal]
    counts: tuple[tuple[str, int | None, int], ...] = ()
    source: str = ""

    @property
    def exact(self) -> bool:
        """Whether everything counted was forecast exactly."""
        return all(forecast == actual for _, forecast, actual in self.counts)

    @property
    def count_error(self) -> float:
        """The largest error of what was counted, as a fraction of what it was."""
        errors = (float("inf") if forecast is None else _error(forecast, actual) for _, forecast, actual in self.counts)
        return max(errors, default=0.0)

    @property
    def error(self) -> float | None:
        """The larger of the errors of seconds and money, as a fraction of what was used; None if not forecast."""
        if self.usd[0] is None:
            return None
        errors = [_error(float(self.usd[0]), float(self.usd[1]))]
        if self.seconds[1] is not None and self.seconds[0] is not None:
            errors.append(_error(self.seconds[0], self.seconds[1]))
        return max(errors)

    @property
    def within(self) -> bool:
        """Whether seconds and money are within the tolerance, or seconds, which money follows from, within a tick."""
        forecast, actual = self.seconds
        in_a_tick = forecast is not None and actual is not None and abs(forecast - actual) < TICK
        return self.error is not None and (self.error <= TOLERANCE or in_a_tick)


@dataclass(frozen=True, slots=True)
class Check:
    """A forecast against what a run used; ``left_out`` counts the steps that are billed nothing."""

    run: str
    steps: tuple[StepCheck, ...]
    left_out: int

    @property
    def share_within(self) -> float:
        """Share of the steps whose seconds and money are within the tolerance."""
        return sum(step.within for step in self.steps) / max(1, len(self.steps))


def _error(forecast: float, actual: float) -> float:
    if actual == 0:
        return 0.0 if forecast == 0 else float("inf")
    return abs(forecast - actual) / abs(actual)
