"""Answers of who has learnt nothing and read no question: what they score is the least that a method must beat.

NLI: the most frequent label of the test set, for every pair. QA: the whole context, for every question, which needs no
rule for where a sentence ends; answering nothing would score 0, which anything beats. The trivial baseline of ranking
is what the first stage finds, in its own order: there is nothing to make here.
"""

from __future__ import annotations

from collections import Counter

from crossfare.types import Dataset, PairExample, Prediction, QAExample


def answers(dataset: Dataset) -> tuple[Prediction, ...]:
    """One trivial answer for every pair or question; of labels that are as frequent, the first by name."""
    labels = Counter(e.label for e in dataset.examples if isinstance(e, PairExample) and e.label is not None)
    most = min(labels, key=lambda label: (-labels[label], label), default="")
    return tuple(
        Prediction(example.id, example.context, 0) if isinstance(example, QAExample) else Prediction(example.id, most)
        for example in dataset.examples
    )
