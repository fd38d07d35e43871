"""Combine what several models predict for the same examples (late fusion)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean

from crossfare.errors import DataError
from crossfare.types import Dataset, Prediction, QAExample, TaskName

_RANK_CONSTANT = 60  # Cormack et al. 2009, "Reciprocal rank fusion outperforms Condorcet"


def combine(task: TaskName, predictions: Sequence[Sequence[Prediction]], dataset: Dataset) -> tuple[Prediction, ...]:
    """One prediction for each example of ``dataset`` that any of the models predicted.

    NLI: the mean of the label probabilities. QA: spans by their text; each model gives its n-best
    spans confidences that sum to 1 (a softmax of their scores), and the text with the largest sum
    wins. Ranking: reciprocal rank fusion of the ranked candidates. A model without a prediction for an
    example has no say in it; ties go to the first model's order.

    Raises:
        DataError: a prediction belongs to no example of the dataset.
    """
    known = {example.id for example in dataset.examples}
    given: dict[str, list[Prediction]] = {example.id: [] for example in dataset.examples}
    for model in predictions:
        for prediction in model:
            if prediction.id not in known:
                raise DataError(f"a prediction has the id {prediction.id!r}, which is not in {dataset.name}")
            if prediction.scores:
                given[prediction.id].append(prediction)
    contexts = {each.id: each.context for each in dataset.examples if isinstance(each, QAExample)}
    fuse: Mapping[TaskName, Callable[[Sequence[Prediction]], Prediction]] = {
        "nli": lambda found: _mean_label(found, renamed),
        "qa": lambda found: _surest_span(found, contexts[found[0].id]),
        "ranking": _fused_ranks,
    }
    renamed = _renamed(predictions) if task == "nli" else {}
    return tuple(fuse[task](found) for found in given.values() if found)


def _mean_label(found: Sequence[Prediction], renamed: Mapping[str, str]) -> Prediction:
    scores = _ordered({name: fmean(dict(each.scores).get(name, 0.0) for each in found) for name in _names(found)})
    best = scores[0][0]
    return Prediction(found[0].id, renamed.get(best, best), scores=scores)


def _renamed(predictions: Sequence[Sequence[Prediction]]) -> dict[str, str]:
    """What models call their likeliest label: on data of two classes a contradiction is neutral."""
    return {each.scores[0][0]: each.output for model in predictions for each in model if each.scores}


def _surest_span(found: Sequence[Prediction], context: str) -> Prediction:
    confidences = [_confidences(each) for each in found]
    scores = _ordered({text: fmean(each.get(text, 0.0) for each in confidences) for text in _names(found)})
    best = scores[0][0]
    return Prediction(found[0].id, best, _start(best, found, context), scores)


def _confidences(prediction: Prediction) -> dict[str, float]:
    """A softmax over the n-best spans; a text that stands in several places counts with its best one."""
    highest = max(score for _, score in prediction.scores)
    weights = [math.exp(score - highest) for _, score in prediction.scores]
    found: dict[str, float] = {}
    for (text, _), weight in zip(prediction.scores, weights, strict=True):
        found[text] = max(found.get(text, 0.0), weight / sum(weights))
    return found


def _start(text: str, found: Sequence[Prediction], context: str) -> int | None:
    """Where the answer stands: where a model put it, or else nearest to the best span of the model that has it."""
    places = [each.start for each in found if each.output == text and each.start is not None]
    if places:
        return places[0]
    near = next(each.start or 0 for each in found if text in dict(each.scores))
    return nearest(text, context, near)


def nearest(text: str, context: str, near: int) -> int | None:
    """The start of the occurrence of ``text`` that is nearest to ``near``; None if there is none."""
    starts = []
    start = context.find(text)
    while start >= 0:
        starts.append(start)
        start = context.find(text, start + 1)
    return min(starts, key=lambda each: abs(each - near), default=None)


def _fused_ranks(found: Sequence[Prediction]) -> Prediction:
    fused: dict[str, float] = dict.fromkeys(_names(found), 0.0)
    for each in found:
        for rank, (passage, _) in enumerate(each.scores, 1):
            fused[passage] += 1 / (_RANK_CONSTANT + rank)
    scores = _ordered(fused)
    return Prediction(found[0].id, scores[0][0], scores=scores)


def _names(found: Sequence[Prediction]) -> list[str]:
    return list(dict.fromkeys(name for each in found for name, _ in each.scores))


def _ordered(values: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
    return tuple(sorted(values.items(), key=lambda item: -item[1]))
