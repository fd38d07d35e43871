from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossfare.errors import DataError
from crossfare.score import labels
from crossfare.types import NLI_LABELS, Answer, Dataset, PairExample, Prediction, QAExample

_LABEL = st.sampled_from(NLI_LABELS)


def dataset(*labels: str | None) -> Dataset:
    examples = tuple(PairExample(f"p{i}", "a", "b", label) for i, label in enumerate(labels))
    return Dataset("d", "nli", "test", "en", examples)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(_LABEL, _LABEL), min_size=1, max_size=30))
def test_equals_scikit_learn(pairs: list[tuple[str, str]]) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    golds, guesses = zip(*pairs, strict=True)
    predictions = [Prediction(f"p{i}", guess) for i, guess in enumerate(guesses)]
    accuracy, macro = labels.score(dataset(*golds), predictions, resamples=20)
    assert accuracy.value == pytest.approx(metrics.accuracy_score(golds, guesses))
    assert macro.value == pytest.approx(metrics.f1_score(golds, guesses, average="macro", zero_division=0))


def test_macro_f1_interval_equals_resampling_the_examples() -> None:
    import numpy as np

    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(1)
    golds = np.array(NLI_LABELS)[rng.integers(0, 3, 200)]
    guesses = np.where(rng.random(200) < 0.6, golds, np.array(NLI_LABELS)[rng.integers(0, 3, 200)])
    _, low, high = labels.macro_f1(golds.tolist(), guesses.tolist(), resamples=2000)
    drawn = []
    for _ in range(150):
        rows = rng.integers(0, 200, 200)
        drawn.append(metrics.f1_score(golds[rows], guesses[rows], average="macro", zero_division=0))
    assert [low, high] == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=0.02)


def test_missing_is_wrong_unlabelled_is_left_out_and_both_are_counted() -> None:
    data = dataset("entailment", None, "neutral")
    accuracy, macro = labels.score(data, [Prediction("p0", "entailment"), Prediction("p1", "neutral")])
    assert accuracy.ids == ("p0", "p2")
    assert accuracy.per_example == (1.0, 0.0)
    assert accuracy.n == macro.n == 2
    assert "missing:1|unlabelled:1" in accuracy.signature
    assert macro.value == pytest.approx(0.5)  # entailment 1, neutral 0; the missing one adds no label
    assert macro.per_example == ()


def test_refuses_what_it_cannot_score() -> None:
    with pytest.raises(DataError, match="no labelled example"):
        labels.score(dataset(None), [])
    with pytest.raises(DataError, match="no labelled example"):
        labels.score(Dataset("d", "qa", "test", "en", (QAExample("q", "c", "?", (Answer("c", 0),)),)), [])
    with pytest.raises(DataError, match="not in the dataset"):
        labels.score(dataset("neutral"), [Prediction("x", "neutral")])
