"""Answers of who has learnt nothing and read no question: what they score is the least that a method must beat.

NLI: the most frequent label of the test set, for every pair. QA: the whole context, for every question, which needs no
rule for where a sentence ends; and the most frequent answer of the test set, for every question, since a model that
collapsed gives one answer. Answering nothing would score 0, which anything beats. The trivial baseline of ranking is
what the first stage finds, in its own order: there is nothing to make here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from crossfare.types import Dataset, PairExample, Prediction, QAExample


def systems(dataset: Dataset) -> tuple[tuple[Prediction, ...], ...]:
    """What each trivial system answers to every pair or question; of labels or answers that are as frequent, the
    first by name is given."""
    pairs = [e for e in dataset.examples if isinstance(e, PairExample)]
    questions = [e for e in dataset.examples if isinstance(e, QAExample)]
    if not questions:
        label = _most_frequent(e.label for e in pairs if e.label is not None)
        return (tuple(Prediction(e.id, label) for e in pairs),)
    answer = _most_frequent(text for e in questions for text in {given.text for given in e.answers})
    return (
        tuple(Prediction(e.id, e.context, 0) for e in questions),
        tuple(Prediction(e.id, answer) for e in questions),
    )


def _most_frequent(values: Iterable[str]) -> str:
    counts = Counter(values)
    return min(counts, key=lambda value: (-counts[value], value), default="")
