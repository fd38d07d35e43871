"""Learning curves: recovered where the answer is known, never falling, and honest beyond what was tried."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossfare.compare.learning import Sized, band, curve_of, fit, reach
from crossfare.compare.measured import Measured

SIZES = (50, 100, 200, 400, 800)


def power(labels: float) -> float:
    return float(0.8 - 0.15 * (labels / 800) ** -0.5)


def late(labels: float) -> float:
    """Flat at chance before it climbs."""
    return float(0.8 - 0.45 / (1 + (labels / 280) ** 2))


def drawn(probability: float, *, tested: int = 400, seeds: int = 1, seed: int = 0) -> Measured:
    """Examples of a test set, right with some probability."""
    scores = (np.random.default_rng(seed).random((seeds, tested)) < probability).astype(np.float64)
    trainings = tuple(frozenset({f"{seed}.{each}"}) for each in range(seeds))
    return Measured(scores, tuple(map(str, range(tested))), "test", trainings)


@pytest.mark.parametrize("curve", [power, late], ids=["power", "late"])
def test_a_curve_without_noise_is_found_again(curve: object) -> None:
    true = power if curve is power else late
    found = fit(SIZES, np.array([true(labels) for labels in SIZES]))
    assert found.ceiling.item() == pytest.approx(0.8, abs=1e-4)
    for labels in (60, 150, 600, 2000):
        assert found.score(labels).item() == pytest.approx(true(labels), abs=1e-4)
        assert found.labels(true(labels)).item() == pytest.approx(labels, rel=1e-2)
    assert (found.half.item() == 0) == (curve is power)


def test_three_sizes_are_fitted_exactly_and_two_are_refused() -> None:
    sizes = SIZES[::2]
    found = fit(sizes, np.array([power(labels) for labels in sizes]))
    assert found.labels(0.6).item() == pytest.approx(450, rel=1e-3)
    with pytest.raises(ValueError, match="3 different"):
        fit((10, 20, 20), np.array([0.1, 0.2, 0.3]))


scores = st.lists(st.floats(0, 1), min_size=3, max_size=6)


@given(scores, st.floats(0, 1), st.floats(0, 1))
@settings(max_examples=60, deadline=None)
def test_a_curve_never_falls_and_neither_does_the_number_of_labels(found: list[float], a: float, b: float) -> None:
    sizes = [20 * 2**index for index in range(len(found))]
    law = fit(sizes, np.array(found))
    along = [law.score(labels).item() for labels in (1, 5, 20, 77, 300, 1_000, 100_000)]
    assert all(first <= then + 1e-9 for first, then in pairwise(along))
    assert along[-1] <= law.ceiling.item() + 1e-9 <= 1 + 2e-9
    low, high = sorted((a, b))
    assert law.labels(low).item() <= law.labels(high).item()


@given(scores)
@settings(max_examples=60, deadline=None)
def test_the_labels_of_a_score_give_that_score(found: list[float]) -> None:
    law = fit([20 * 2**index for index in range(len(found))], np.array(found))
    middle = law.score(70).item()
    labels = law.labels(middle).item()
    if law.gap.item() > 1e-6 and 0 < labels < math.inf:
        assert law.score(labels).item() == pytest.approx(middle, abs=1e-6)


@given(scores)
@settings(max_examples=40, deadline=None)
def test_no_other_curve_of_the_family_fits_better(found: list[float]) -> None:
    sizes = [20 * 2**index for index in range(len(found))]
    law, y = fit(sizes, np.array(found)), np.array(found)
    error = sum((value - law.score(n).item()) ** 2 for value, n in zip(y, sizes, strict=True))
    random = np.random.default_rng(0)
    for _ in range(200):
        ceiling, gap, rate = random.random(), random.random() * 2, random.uniform(0.05, 3)
        other = ceiling - gap * (np.array(sizes) / max(sizes)) ** -rate
        assert error <= float(((y - other) ** 2).sum()) + 1e-4


def test_the_interval_holds_the_true_number_of_labels() -> None:
    """In nearly all of fifteen experiments: 95 % of them would be expected."""
    held = 0
    for number in range(15):
        sized = [Sized(labels, drawn(power(labels), seeds=3, seed=100 * number + labels)) for labels in SIZES]
        found = reach(sized, [drawn(power(300), seeds=3, seed=100 * number + 1)])[0]
        held += found.low <= 300 <= found.high
    assert held >= 12


def test_what_the_curve_does_not_reach_is_said_to_be_never_reached() -> None:
    sized = [Sized(labels, drawn(power(labels), seed=labels)) for labels in SIZES]
    found = reach(sized, [drawn(0.99, seed=1)])[0]
    assert found.labels == found.high == math.inf
    assert found.share < 0.5
    below = reach(sized, [drawn(0.05, seed=1)])[0]
    assert below.high < SIZES[0]
    assert below.share > 0.99


def test_more_test_examples_narrow_the_interval() -> None:
    widths = []
    for tested in (100, 10_000):
        sized = [Sized(labels, drawn(power(labels), tested=tested, seeds=2, seed=labels)) for labels in SIZES]
        found = reach(sized, [drawn(power(300), tested=tested, seeds=2, seed=1)])[0]
        widths.append(min(found.high, 1e9) - found.low)
    assert widths[1] < widths[0] / 2


def test_the_band_lies_around_the_curve() -> None:
    sized = [Sized(labels, drawn(power(labels), seeds=2, seed=labels)) for labels in SIZES]
    low, high = band(sized, SIZES)
    fitted = [curve_of(sized).score(labels).item() for labels in SIZES]
    assert all(a < value < b for a, value, b in zip(low, fitted, high, strict=True))
