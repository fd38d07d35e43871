from __future__ import annotations

import math

import numpy as np
import pytest

from crossfare import __version__
from crossfare.score import bootstrap


def test_equals_scipy_up_to_sampling_noise() -> None:
    stats = pytest.importorskip("scipy.stats")
    values = np.random.default_rng(3).beta(0.3, 0.2, size=300).round(2)
    low, high = bootstrap.interval(values.tolist(), resamples=4000)
    expected = stats.bootstrap((values,), np.mean, n_resamples=4000, method="percentile", rng=1).confidence_interval
    assert [low, high] == pytest.approx([expected.low, expected.high], abs=0.006)


def test_covers_the_true_mean_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    hits = 0
    for seed in range(300):
        low, high = bootstrap.interval((rng.random(80) < 0.7).astype(float).tolist(), resamples=500, seed=seed)
        hits += low <= 0.7 <= high
    assert 0.90 <= hits / 300 <= 0.98


def test_is_seeded_and_does_not_depend_on_order_or_chunking(monkeypatch: pytest.MonkeyPatch) -> None:
    values = [0.0, 1.0, 0.5, 0.5, 1.0]
    first = bootstrap.interval(values, seed=4)
    assert bootstrap.interval(values[::-1], seed=4) == first
    assert bootstrap.interval(values, seed=5) != first
    monkeypatch.setattr(bootstrap, "_CHUNK", 100)
    assert bootstrap.interval(values, seed=4) == first


def test_edge_cases() -> None:
    assert bootstrap.interval([0.25] * 7) == (0.25, 0.25)
    assert all(math.isnan(value) for value in bootstrap.interval([]))


def test_signature_names_everything_needed_to_repeat_the_number() -> None:
    text = bootstrap.signature("f1", resamples=2000, seed=1, norm="squad")
    assert text == f"metric:f1|norm:squad|boot:2000|seed:1|version:{__version__}"
