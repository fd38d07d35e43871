"""Accuracy and macro-averaged F1 of labels.

Macro-F1 is scikit-learn's ``f1_score(average="macro", zero_division=0)``: the unweighted mean of the F1 of every
label that occurs in the gold labels or in the predictions. It does not decompose over examples, so its `Score`
carries no per-example values and methods are compared on accuracy.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossfare.errors import DataError
from crossfare.score import bootstrap
from crossfare.score.matching import outputs_by_id
from crossfare.settings import Seed
from crossfare.types import Dataset, Labelled, Prediction, Score


def score(
    dataset: Dataset,
    predictions: Sequence[Prediction],
    *,
    resamples: bootstrap.Resamples = bootstrap.RESAMPLES,
    seed: Seed = 0,
) -> tuple[Score, ...]:
    """Accuracy and macro-F1 with their 95 % bootstrap intervals.

    An example without a prediction is wrong and is counted in the signature (``missing``); an example without a
    gold label cannot be scored and is counted there too (``unlabelled``).

    Raises:
        DataError: the dataset has no labelled example, or ids do not match.
    """
    outputs = outputs_by_id(dataset.examples, predictions)
    given = [each for each in dataset.examples if isinstance(each, Labelled) and each.label is not None]
    if not given:
        raise DataError(f"{dataset.name} has no labelled example to score")
    golds = [str(each.label) for each in given]
    guesses = [outputs.get(each.id, "") for each in given]  # "" is no label, so it is always wrong
    correct = {each.id: float(gold == guess) for each, gold, guess in zip(given, golds, guesses, strict=True)}
    settings: dict[str, Any] = {
        "missing": sum(each.id not in outputs for each in given),
        "unlabelled": len(dataset.examples) - len(given),
    }
    value, low, high = macro_f1(golds, guesses, resamples=resamples, seed=seed)
    signature = bootstrap.signature("macro_f1", resamples=resamples, seed=seed, **settings)
    return (
        bootstrap.mean("accuracy", correct, resamples=resamples, seed=seed, **settings),
        Score("macro_f1", value, len(given), low, high, signature),
    )


def macro_f1(
    golds: Sequence[str], guesses: Sequence[str], *, resamples: int = bootstrap.RESAMPLES, seed: int = 0
) -> tuple[float, float, float]:
    """Macro-F1 and the two ends of its bootstrap interval; "" is a missing prediction, not a label."""
    labels = sorted({*golds, *guesses} - {""})
    row = {label: i for i, label in enumerate([*labels, ""])}
    table = np.zeros((len(row), len(row)), dtype=np.int64)  # gold x guess; the last row stays empty
    np.add.at(table, ([row[g] for g in golds], [row[g] for g in guesses]), 1)

    def statistic(counts: NDArray[np.int64]) -> NDArray[Any]:
        return _macro_f1_of(counts.reshape(-1, *table.shape))

    low, high = bootstrap.interval_of_counts(table.ravel(), statistic, resamples=resamples, seed=seed)
    return float(_macro_f1_of(table[None])[0]), low, high


def _macro_f1_of(tables: NDArray[np.int64]) -> NDArray[Any]:
    """Macro-F1 of confusion tables (n, k + 1, k + 1) whose last row and column are not labels."""
    hits = np.diagonal(tables, axis1=1, axis2=2)[:, :-1]
    total = (tables.sum(axis=1) + tables.sum(axis=2))[:, :-1]  # predicted + gold = 2 tp + fp + fn
    per_label: NDArray[Any] = np.where(total > 0, 2 * hits / np.maximum(total, 1), 0.0)
    return np.asarray(per_label.mean(axis=1))
