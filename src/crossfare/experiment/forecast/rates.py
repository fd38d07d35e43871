"""How long a unit of work takes: learnt from finished steps, stated by the user, or published.

A rate is seconds of a device per translated character, per token read, per query. It is looked up by
what the step does, from its own engine or model to coarser kin, always on one kind of hardware.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from crossfare.errors import ConfigError
from crossfare.experiment.stages import STAGES
from crossfare.meter import PROVIDER
from crossfare.types import Step

_ANY = "any"

# One measurement has no spread of its own, and kin are not the same: what is assumed instead.
_ALONE = 0.25
_KIN = 0.5

ELSEWHERE = 2.2
"""How many times as long, or as short, work may take on another processor: between two kinds of it fine-tuning differed
by 38 %, and latency by this factor."""

# Sizes that differ by this factor tell what a step takes whatever its size.
_APART = 1.5


@dataclass(frozen=True, slots=True)
class Rate:
    """Seconds per ``unit`` of work: the least, the expected and the most that is reckoned with.

    ``fixed`` seconds come on top of each step, whatever its size. ``offer`` prices these seconds if
    they are of other hardware than the run's.
    """

    low: float
    expected: float
    high: float
    unit: str
    source: str
    offer: str | None = None
    fixed: float = 0.0


@dataclass(frozen=True, slots=True)
class Observation:
    """A finished step: what it did (``keys``, from the finest), how much of it, and in what time."""

    step_id: str
    stage: str
    keys: tuple[str, ...]
    hardware: str
    seconds: float
    amount: float
    unit: str
    where: str
    parameters: int | None = None
    machine: str | None = None


class Rates:
    """Rates by what a step does; stated ones come before measured ones, published ones last.

    ``sizes`` are the parameters of models that are known by their size alone: their rates are
    scaled from those of measured models. ``machine`` is what the rates are for: those of other processors are used
    where there are no others, and widened.
    """

    def __init__(
        self,
        observations: Iterable[Observation],
        *,
        stated: Mapping[str, Rate] | None = None,
        published: Sequence[tuple[str, str, Rate]] = (),
        sizes: Mapping[str, int] | None = None,
        machine: str | None = None,
    ) -> None:
        self._by_key: dict[tuple[str, str, str], list[Observation]] = defaultdict(list)
        for each in observations:
            for key in (*each.keys, _ANY):
                self._by_key[_family(each.stage), key, each.hardware].append(each)
        self.stated = dict(stated or {})
        self.published = tuple(published)
        self.sizes = dict(sizes or {})
        self.machine = machine

    def find(
        self,
        step: Step,
        name: str,
        own: Sequence[str],
        hardware: str,
        without: Collection[str] = (),
        *,
        units: Collection[str] = ("character",),
    ) -> Rate | None:
        """The rate of a step on some hardware; ``name`` is what the spec calls its engine or its model.

        Measurements of the steps ``without`` are not looked at. Of published rates the first is taken that is per one
        of the ``units`` that the work is known in. None if no rate is known.
        """
        family = _family(step.stage)
        for asked in dict.fromkeys((step.stage, family)):
            if (stated := self.stated.get(f"{asked}:{name}") or self.stated.get(asked)) is not None:
                return stated
        task = str(step.params.get("task", ""))
        for level, key in enumerate(own):
            alike = [*self._by_key[family, key, hardware], *self._by_key[family, key, PROVIDER]]
            found = [each for each in alike if each.step_id not in without]
            if found:
                here = [each for each in found if not elsewhere(each.machine, self.machine)]
                rate = _pooled(here or found, STAGES[family].kin[level])
                return rate if here else widened(rate, dict.fromkeys(each.machine for each in found))
        if name in self.sizes:
            known = [
                each for each in self._by_key[family, _ANY, hardware] if each.parameters and each.step_id not in without
            ]
            alike = [each for each in known if each.keys[0].startswith(f"{task} ")]
            if known:
                return _scaled(alike or known, self.sizes[name])
        fitting = (rate for stage, of, rate in self.published if (stage, of) == (step.stage, task))
        return next((rate for rate in fitting if rate.unit in units), None)


def elsewhere(machine: str | None, here: str | None) -> bool:
    """Whether something was measured on another machine than what is asked for, as far as both are known.

    What was recorded before instruction sets were is a name that the longer one begins with.
    """
    return bool(machine and here) and not (str(here).startswith(str(machine)) or str(machine).startswith(str(here)))


def widened(rate: Rate, machines: Iterable[str | None]) -> Rate:
    """A rate of other processors, which may be that much slower or faster than the one asked for."""
    names = " and ".join(filter(None, machines))
    source = f"{rate.source}, on other hardware: {names}"
    return replace(rate, low=rate.low / ELSEWHERE, high=rate.high * ELSEWHERE, source=source)


def parse(texts: Sequence[str]) -> dict[str, Rate]:
    """Rates stated as ``STAGE[:NAME]=SECONDS`` or ``STAGE[:NAME]=LOW,EXPECTED,HIGH``.

    Tokens per character are stated under the name "tokens", a language model's tokens of instruction per request
    under "prompt".

    Raises:
        ConfigError: one is not of that form.
    """
    found = {}
    for text in texts:
        name, equals, value = text.rpartition("=")
        stage = name.partition(":")[0]
        try:
            numbers = [float(part) for part in value.split(",")]
        except ValueError:
            numbers = []
        ordered = len(numbers) in (1, 3) and all(0 <= n < float("inf") for n in numbers) and numbers == sorted(numbers)
        if not equals or stage not in {*UNITS, TOKENS, PROMPT} or not ordered:
            known = ", ".join(f"{stage} (per {unit})" for stage, unit in UNITS.items())
            raise ConfigError(
                f"--rate takes STAGE=SECONDS or STAGE:NAME=LOW,EXPECTED,HIGH, not {text!r}; stages: {known}, and "
                f"{TOKENS}=0.25 for tokens per character, {PROMPT}=60 for a language model's tokens of instruction"
            )
        low, expected, high = numbers if len(numbers) == 3 else numbers * 3
        found[name] = Rate(low, expected, high, UNITS.get(stage, "character"), "stated")
    return found


UNITS: Mapping[str, str] = {name: stage.unit for name, stage in STAGES.items() if stage.unit}
"""What each stage's rate is per."""

TOKENS = "tokens"
"""The name under which tokens per character are stated."""

PROMPT = "prompt"
"""The name under which a language model's tokens of instruction per request are stated."""


def _family(stage: str) -> str:
    return STAGES[stage].like or stage


def _pooled(found: Sequence[Observation], kin: str) -> Rate:
    fixed, expected = _fitted(found)
    each = [max(0.0, one.seconds - fixed) / one.amount for one in found]
    low, expected, high = spread(each, expected, kin=kin.startswith(("another", "other")))
    wheres = dict.fromkeys(one.where for one in found)
    steps = f"{len(found)} step{'s' if len(found) > 1 else ''}"
    source = f"{', '.join(wheres)} ({steps}{', ' if kin else ''}{kin})"
    return Rate(low, expected, high, found[0].unit, source, fixed=fixed)


def spread(found: Sequence[float], expected: float, *, kin: bool = False) -> tuple[float, float, float]:
    """The least, the expected and the most by what was measured: its extremes, and more where that tells little."""
    share = _KIN if kin else _ALONE if len(found) == 1 else 0.0
    return min(*found, expected * (1 - share)), expected, max(*found, expected * (1 + share))


def _fitted(found: Sequence[Observation]) -> tuple[float, float]:
    """Seconds of a step of no size, and seconds per unit: a line where sizes differ enough to tell, else a ratio."""
    seconds, amounts = sum(one.seconds for one in found), sum(one.amount for one in found)
    ratio = seconds / amounts
    sizes = [one.amount for one in found]
    if len(found) < 3 or max(sizes) < _APART * min(sizes):
        return 0.0, ratio
    timed = [(one.amount, one.seconds) for one in found if one.seconds]
    if len({amount for amount, _ in timed}) < 2:
        return 0.0, ratio
    fixed, slope = line(timed)
    return (fixed, slope) if slope > 0 and fixed > 0 else (0.0, ratio)


def line(timed: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """A line through (amount, seconds) that differ: the seconds of no amount at all, and those of one unit.

    It is relative errors that matter: small amounts count as much as large ones.
    """
    amounts, seconds = np.array(timed, dtype=float).T
    fixed, slope = np.polynomial.polynomial.polyfit(amounts, seconds, 1, w=1 / seconds)
    return float(fixed), float(slope)


def _scaled(found: Sequence[Observation], size: int) -> Rate:
    """Seconds per token in proportion to the number of parameters, within a factor of two."""
    per_parameter = [each.seconds / each.amount / each.parameters for each in found if each.parameters]
    expected = size * sum(per_parameter) / len(per_parameter)
    wheres = ", ".join(dict.fromkeys(each.where for each in found))
    return Rate(expected / 2, expected, expected * 2, found[0].unit, f"{wheres}, scaled by model size")
