from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from crossfare import latency
from crossfare.errors import ConfigError, DataError
from crossfare.latency import measure


def test_percentiles_without_the_warm_up(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    took = iter([50.0, 60.0, *(float(i) for i in range(1, 21))])
    batches: list[list[str]] = []

    def call(batch: Sequence[str]) -> None:
        batches.append(list(batch))
        clock[0] += next(took)

    monkeypatch.setattr(latency.time, "perf_counter", lambda: clock[0])
    result = measure(call, ["a", "b", "c"], batch_size=2, warmup=2, repeats=20)
    assert (result.batch_size, result.n, result.mean) == (2, 20, 10.5)
    counted = np.arange(1, 21)
    assert [result.p50, result.p95, result.p99] == pytest.approx(np.percentile(counted, [50, 95, 99]))
    assert result.hardware
    assert batches[:4] == [["a", "b"], ["c", "a"], ["b", "c"], ["a", "b"]]


def test_slow_calls_are_not_repeated_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]

    def call(_: Sequence[str]) -> None:
        clock[0] += 4.0

    monkeypatch.setattr(latency.time, "perf_counter", lambda: clock[0])
    assert measure(call, ["a"], batch_size=1, warmup=1, repeats=50, max_seconds=5).n == 3
    assert measure(call, ["a"], batch_size=1, warmup=1, repeats=50, max_seconds=30).n == 7


def test_refuses_what_cannot_be_measured() -> None:
    with pytest.raises(DataError, match="nothing to measure"):
        measure(len, [], batch_size=1)
    with pytest.raises(ConfigError, match="at least 1, not 0 and 20"):
        measure(len, ["a"], batch_size=0)
