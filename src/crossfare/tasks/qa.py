"""Extractive question answering: spans of a context."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from crossfare.finetune import Hyperparameters
from crossfare.languages import primary
from crossfare.predict import PredictOptions
from crossfare.score import qa as scoring
from crossfare.tasks import requests
from crossfare.tasks.task import (
    SPECIALS,
    Made,
    Notes,
    Task,
    Write,
    located,
    most_frequent,
    note,
    of,
    ordered,
    outputs,
    ranked_names,
    tokens_of,
)
from crossfare.types import Answer, Dataset, Example, Prediction, Progress, QAExample

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from crossfare.model.encoder import Encoder, Feature

_LONGEST_QUESTION = 64


class QARequest(requests.Request):
    """A question about a context, both in the target language."""

    context: str
    question: str


class QAAnswer(requests.Answer):
    """A span of the request's context: ``context[start:start + len(answer)] == answer``, in code points.

    ``score`` is the sum of the span's start and end logits, comparable between answers of one model; that of an
    ensemble is the mean confidence, 0-1. With translation, ``translated_answer`` is what the model answered before it
    was brought back.
    """

    answer: str | None = None
    start: int | None = None
    score: float | None = None
    translated_answer: str | None = None


class QA(Task):
    """Answers with the best span of a context, which is read in overlapping windows."""

    name = "qa"
    title = "QA"
    metric = "f1"
    table = 2
    defaults = Hyperparameters(learning_rate=2e-5, epochs=5, batch_size=12, max_length=384, stride=128)
    inference: ClassVar[Mapping[str, Any]] = {"max_length": 384, "stride": 128}
    spans = True
    trivial_name = "the whole context or the most frequent answer, for every question"
    annotation = "annotation-qa"
    example_type = QAExample
    request = QARequest
    answer = QAAnswer
    hub_task = "question-answering"
    model_class = "AutoModelForQuestionAnswering"
    model_inputs = "question, context"
    limits = "It always answers, with a span of the context: it cannot say that there is no answer."
    score = staticmethod(scoring.score)

    def scored_anew(self, language: str, options: Mapping[str, Any]) -> dict[str, Any]:
        """See `Task.scored_anew`: the rule, in scripts without blanks, which were once cut at blanks."""
        asked = options.get("normalise")
        now = scoring.rule(language, asked)
        then = scoring.AnswerRule(
            asked or "squad", "mlqa-zh" if asked == "mlqa" and primary(language) == "zh" else "blanks"
        )
        return {} if now == then else {"rule": now._asdict()}

    def load_new(self, model: str, _: Sequence[Example], hyper: Hyperparameters) -> Encoder:
        """See `Task.load_new`."""
        from crossfare.model import qa

        return qa.load(located(model), dropout=hyper.dropout)

    def load_trained(self, model: str, _: PredictOptions) -> Encoder:
        """See `Task.load_trained`."""
        from crossfare.model import qa

        return qa.load(located(model), trained=True)

    def training(
        self, encoder: Encoder, examples: Sequence[Example], hyper: Hyperparameters, seed: int
    ) -> tuple[list[Feature], Notes]:
        """See `Task.training`."""
        from crossfare.model import qa

        made = qa.training_features(
            encoder,
            of(QAExample, examples),
            max_length=hyper.max_length,
            stride=hyper.stride,
            crop=hyper.crop,
            seed=seed,
        )
        return made.features, note("have their answer in no window and teach nothing", made.unreachable)

    def predictions(
        self,
        encoder: Encoder,
        examples: Sequence[Example],
        options: PredictOptions,
        progress: Progress | None,
        **_: Any,
    ) -> Made:
        """See `Task.predictions`."""
        from crossfare.model import qa

        windows = qa.inference_windows(
            encoder, of(QAExample, examples), max_length=options.max_length, stride=options.stride
        )
        start, end = outputs(encoder, windows.features, ("start_logits", "end_logits"), options, progress)
        found = qa.decode(windows, start, end, n_best=options.n_best, max_answer_length=options.max_answer_length)
        return found, tokens_of(windows.features)

    def trivial(self, dataset: Dataset) -> tuple[tuple[Prediction, ...], ...]:
        """The whole context, which needs no rule for where a sentence ends, and the most frequent answer.

        A model that collapsed gives one answer. Answering nothing would score 0, which anything beats.
        """
        asked = of(QAExample, dataset.examples)
        answer = most_frequent(text for each in asked for text in {given.text for given in each.answers})
        return (
            tuple(Prediction(each.id, each.context, 0) for each in asked),
            tuple(Prediction(each.id, answer) for each in asked),
        )

    def fused(self, found: Sequence[Prediction], example: Example) -> Prediction:
        """Spans by their text: each model's n-best have confidences that sum to 1, the largest sum wins."""
        confidences = [_confidences(each) for each in found]
        scores = ordered({text: fmean(each.get(text, 0.0) for each in confidences) for text in ranked_names(found)})
        best = scores[0][0]
        return Prediction(example.id, best, _start(best, found, example.texts[0]), scores)

    def asked(self, name: str, texts: Mapping[str, str]) -> Example:
        """A question without gold answers."""
        return QAExample(name, texts["context"], texts["question"], ())

    def reply(
        self,
        name: requests.Id,
        prediction: Prediction | None,
        options: PredictOptions,  # noqa: ARG002
        *,
        note: str | None = None,
        translated: str | None = None,
    ) -> QAAnswer:
        """See `Task.reply`."""
        if prediction is None or prediction.start is None:
            note = note or "the context has nothing that the model reads as a word"
            return QAAnswer(id=name, note=note, translated_answer=translated)
        return QAAnswer(
            id=name,
            answer=prediction.output,
            start=prediction.start,
            score=prediction.scores[0][1],
            translated_answer=translated,
        )

    def training_tokens(
        self, examples: Sequence[Example], per_character: float, hyper: Mapping[str, Any]
    ) -> tuple[float, int]:
        """See `Task.training_tokens`."""
        asked = of(QAExample, examples)
        answers = np.array([len(each.answers[0].text) if each.answers else 0 for each in asked])
        crop = hyper.get("crop")
        return _windows(asked, per_character, int(hyper["max_length"]), int(hyper["stride"]), crop, answers)

    def inference_tokens(self, examples: Sequence[Example], per_character: float, options: Mapping[str, Any]) -> float:
        """See `Task.inference_tokens`."""
        longest, stride = int(options["max_length"]), int(options["stride"])
        return _windows(of(QAExample, examples), per_character, longest, stride, None, None)[0]

    def stated(self, number: int, length: int, write: Write, *, passage: int, training: bool) -> Example:  # noqa: ARG002
        """A short question about all else; the answer is the first word."""
        question = write(2 * number, min(60, max(1, length // 10)))
        context = write(2 * number + 1, max(1, length - len(question)))
        return QAExample(str(number), context, question, (Answer(context.split()[0], 0),))


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
    from crossfare.translate.matching import nearest

    near = next(each.start or 0 for each in found if text in dict(each.scores))
    return nearest(text, context, near)


def _windows(
    examples: Sequence[QAExample],
    per_character: float,
    longest: int,
    stride: int,
    crop: int | None,
    answers: NDArray[np.int64] | None,
) -> tuple[float, int]:
    """Tokens and number of windows, as `crossfare.model.qa` cuts them."""
    asked = np.minimum(
        np.array([len(e.question) for e in examples]) * per_character, min(_LONGEST_QUESTION, longest / 2)
    )
    context = np.array([len(e.context) for e in examples]) * per_character
    capacity = longest - SPECIALS - asked
    if crop is not None and answers is not None:
        width = np.minimum(np.minimum(np.maximum(crop, answers * per_character), capacity), context)
        return float((width + asked + SPECIALS).sum()), len(examples)
    step = np.where(stride < capacity, capacity - stride, capacity - capacity // 2)
    windows = 1 + np.ceil(np.maximum(context - capacity, 0) / step)
    # Each window after the first reads the overlap again; the last one is shorter than the others.
    read = context + (windows - 1) * (capacity - step)
    return float((read + windows * (asked + SPECIALS)).sum()), int(windows.sum())
