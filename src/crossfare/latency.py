"""How long a call takes on a batch: the added latency of translating at inference time."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from crossfare.errors import ConfigError, DataError
from crossfare.hardware import watching
from crossfare.meter import hardware_name
from crossfare.types import Latency

T = TypeVar("T")

_ENOUGH = 3


def measure(
    call: Callable[[Sequence[T]], object],
    inputs: Sequence[T],
    *,
    batch_size: int,
    repeats: int = 20,
    warmup: int = 2,
    max_seconds: float = math.inf,
) -> Latency:
    """Time ``call`` on batches of ``batch_size`` inputs; the first ``warmup`` calls are not counted.

    Once ``max_seconds`` have passed, three counted calls are enough; the result's ``n`` says how many there were.

    Batches are taken from ``inputs`` in turn, from the start again when they run out, so that the calls see
    different inputs where there are enough. A cache inside ``call`` would be what is measured: pass a call without.

    Raises:
        DataError: there are no inputs.
        ConfigError: ``batch_size`` or ``repeats`` is less than 1.
    """
    if not inputs:
        raise DataError("there is nothing to measure latency on; give at least one input")
    if batch_size < 1 or repeats < 1:
        raise ConfigError(f"latency needs a batch_size and repeats of at least 1, not {batch_size} and {repeats}")
    with watching() as watch:
        seconds = _timed(call, inputs, batch_size, repeats, warmup, max_seconds)
    return summary(seconds[warmup:], batch_size, watch.load)


def _timed(
    call: Callable[[Sequence[T]], object],
    inputs: Sequence[T],
    batch_size: int,
    repeats: int,
    warmup: int,
    max_seconds: float,
) -> list[float]:
    seconds: list[float] = []
    for number in range(warmup + repeats):
        batch = [inputs[(number * batch_size + i) % len(inputs)] for i in range(batch_size)]
        start = time.perf_counter()
        call(batch)
        seconds.append(time.perf_counter() - start)
        if sum(seconds) > max_seconds and len(seconds) >= warmup + _ENOUGH:
            break
    return seconds


def summary(seconds: Sequence[float], batch_size: int, load: float | None = None) -> Latency:
    """Mean and percentiles of the calls' seconds, while other work was a ``load`` on the machine."""
    p50, p95, p99 = (float(value) for value in np.percentile(seconds, [50, 95, 99]))
    return Latency(batch_size, len(seconds), float(np.mean(seconds)), p50, p95, p99, hardware_name(), load)
