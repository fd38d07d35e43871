from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossfare.errors import DataError
from crossfare.score import compare, holm, significance
from crossfare.score.significance import mcnemar, sign_flip
from crossfare.types import Score


def score(values: dict[str, float], metric: str = "f1") -> Score:
    return Score(metric, 0.0, len(values), 0.0, 0.0, "", tuple(values), tuple(values.values()))


def test_sign_flip_agrees_with_all_sign_patterns() -> None:
    difference = np.array([0.3, -0.1, 0.7, 0.2, 0.0, 0.55, -0.05, 0.4, 0.1])
    sums = [abs(np.dot(signs, difference)) for signs in itertools.product((1, -1), repeat=len(difference))]
    exact = np.mean(np.array(sums) >= abs(difference.sum()) - 1e-9)
    assert sign_flip(difference, permutations=20_000) == pytest.approx(exact, abs=0.01)


def test_sign_flip_is_uniform_where_there_is_no_difference() -> None:
    rng = np.random.default_rng(0)
    p = [sign_flip(rng.normal(size=40), permutations=400, seed=i) for i in range(300)]
    assert 0.02 <= np.mean(np.array(p) < 0.05) <= 0.09
    assert np.mean(p) == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize("held", [8_000_000, 5_000])
def test_sign_flip_agrees_with_the_normal_limit_however_signs_are_drawn(
    held: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(significance, "_CHUNK", held)  # the signs of all permutations at once, or in chunks
    difference = np.random.default_rng(1).normal(0.05, 1.0, size=400)
    z = abs(difference.sum()) / math.sqrt((difference**2).sum())
    expected = math.erfc(z / math.sqrt(2))
    assert 0.05 < expected < 0.95
    assert sign_flip(difference) == pytest.approx(expected, abs=0.02)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 400), st.integers(0, 400))
def test_mcnemar_is_the_exact_binomial_test(only_a: int, only_b: int) -> None:
    stats = pytest.importorskip("scipy.stats")
    expected = stats.binomtest(only_a, only_a + only_b, 0.5).pvalue if only_a + only_b else 1.0
    assert mcnemar(only_a, only_b) == pytest.approx(expected, rel=1e-9, abs=1e-300)


def test_compares_on_common_examples_and_says_how_many() -> None:
    a = score({"1": 0.9, "2": 0.5, "3": 0.4, "only-a": 0.0})
    b = score({"only-b": 1.0, "3": 0.4, "2": 0.25, "1": 0.5})
    result = compare(a, b)
    assert result.n == 3
    assert result.test == "sign-flip"
    assert result.difference == pytest.approx((0.4 + 0.25) / 3)
    assert result.low <= result.difference <= result.high
    back = compare(b, a)
    assert (back.difference, back.p) == (-result.difference, result.p)


def test_right_and_wrong_are_compared_by_mcnemar() -> None:
    a = score({str(i): float(i < 90) for i in range(100)}, "accuracy")
    b = score({str(i): float(i < 70) for i in range(100)}, "accuracy")
    result = compare(a, b)
    assert result.test == "mcnemar-exact"
    assert result.p == pytest.approx(2 * 0.5**20)
    assert result.difference == pytest.approx(0.2)
    same = compare(a, a)
    assert (same.p, same.difference, same.low, same.high) == (1.0, 0.0, 0.0, 0.0)


def test_refuses_what_cannot_be_paired() -> None:
    with pytest.raises(DataError, match="no example id in common"):
        compare(score({"1": 1.0}), score({"2": 1.0}))
    with pytest.raises(DataError, match="compare scores of one metric"):
        compare(score({"1": 1.0}), score({"1": 1.0}, "accuracy"))
    with pytest.raises(DataError, match="no per-example values"):
        compare(score({}, "macro_f1"), score({}, "macro_f1"))


def test_holm() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))
    assert holm([0.9, 0.8]) == (1.0, 1.0)
    assert holm([]) == ()
