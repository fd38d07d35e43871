"""QA and NLI: a model that reads the request, or its translation."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, cast

from crossfare.data import artifact
from crossfare.experiment.qa_stages import projected, projector_of
from crossfare.experiment.qa_steps import projection
from crossfare.experiment.steps import Planner
from crossfare.serving.messages import Answer, NLIAnswer, QAAnswer, QARequest, Request
from crossfare.serving.parts import Parts
from crossfare.serving.translation import Translated, Translator
from crossfare.tasks import TASKS, Predictor
from crossfare.translate.back_projection import BackProjector, Found
from crossfare.translate.projection.projected import Parallel
from crossfare.types import Dataset, Example, PairExample, Prediction, QAExample, Usage

Texts = Mapping[str, str]
"""What a model reads of one request, by role: "context", "question"."""


@dataclass(frozen=True, slots=True)
class Reader:
    """A fine-tuned model and the language it reads."""

    predictor: Predictor
    language: str

    def __call__(self, examples: Sequence[Example], **inputs: Any) -> tuple[tuple[Prediction, ...], Usage]:
        """Predict examples that are no dataset."""
        if not examples:
            return (), Usage()
        dataset = Dataset("requests", self.predictor.task.name, "serve", self.language, tuple(examples))
        made = self.predictor.predict(dataset, **inputs)
        return made.predictions, made.usage


def reader(parts: Parts, **settings: Any) -> Reader:
    """The cell's model, with the settings it was scored with but for ``settings``."""
    step = parts.predict
    data = parts.source(step, "data").params
    options = {**step.params["options"], **settings}
    predictor = TASKS[parts.cell.task].predictor(str(parts.artifact(parts.source(step, "model"))), options=options)
    return Reader(predictor, str(data.get("target") or data["language"]))


@dataclass(frozen=True, slots=True)
class Read:
    """A request, what the model read of it, and what it said."""

    request: Request
    texts: Texts
    prediction: Prediction
    translated: Translated | None


@dataclass(frozen=True, slots=True)
class Reading(ABC):
    """Translate the texts of requests where the method does, let the model read them, and make answers of it."""

    reader: Reader
    translator: Translator | None
    roles: ClassVar[tuple[str, ...]]

    def problem(self, _: Request) -> None:
        """Nothing: every request that fits its schema can be answered."""
        return

    def answer(self, requests: Sequence[Request]) -> tuple[tuple[Answer, ...], Usage]:
        """See `Pipeline.answer`."""
        given = [{role: getattr(request, role) for role in self.roles} for request in requests]
        notes = {n: note for n, texts in enumerate(given) if (note := blank(texts))}
        texts = {n: own for n, own in enumerate(given) if n not in notes}
        done = self.translator([text for own in texts.values() for text in own.values()]) if self.translator else None
        if done:
            notes |= {n: why for n, own in texts.items() if (why := done.why_not(own))}
            texts = {n: {role: done[text] for role, text in own.items()} for n, own in texts.items() if n not in notes}
        predictions, used = self.reader([self.example(str(n), own) for n, own in texts.items()])
        read = [Read(requests[n], own, each, done) for (n, own), each in zip(texts.items(), predictions, strict=True)]
        made, finishing = self.replies(read)
        found = dict(zip(texts, made, strict=True))
        answers = (found[n] if n in found else self.none(one, notes[n]) for n, one in enumerate(requests))
        return tuple(answers), (done.usage if done else Usage()) + used + finishing

    def close(self) -> None:
        """Nothing is open."""
        return

    @abstractmethod
    def example(self, name: str, texts: Texts) -> Example:
        """What the model is asked."""

    @abstractmethod
    def replies(self, read: Sequence[Read]) -> tuple[Sequence[Answer], Usage]:
        """An answer for each request that was read, and what making it took besides translating and reading."""

    @abstractmethod
    def none(self, request: Request, note: str) -> Answer:
        """No answer, and why."""


@dataclass(frozen=True, slots=True)
class QAPipeline(Reading):
    """Answers questions with spans of the request's own context.

    ``projector`` brings answers back from a translated context to the one that was asked about.
    """

    projector: BackProjector | None
    roles = ("context", "question")

    def example(self, name: str, texts: Texts) -> Example:
        """A question without gold answers."""
        return QAExample(name, texts["context"], texts["question"], ())

    def replies(self, read: Sequence[Read]) -> tuple[Sequence[Answer], Usage]:
        """The spans that the model found, in the contexts as they were given."""
        if self.projector is None:
            return [self._one(each.request, each.prediction) for each in read], Usage()
        there = [each for each in read if each.prediction.start is not None]
        done = self.projector.project([_span(each) for each in there])
        found = dict(zip(map(id, there), done.found, strict=True))
        return [self._projected(each, found.get(id(each))) for each in read], done.usage

    def _projected(self, read: Read, found: Found | None) -> Answer:
        answered = read.prediction.output or None
        if found is not None:
            prediction, _ = projected(read.prediction, [(found, _score(read.prediction))])
        elif answered:
            note = "the answer was not found again in the original context"
            return QAAnswer(id=read.request.id, note=note, translated_answer=answered)
        else:
            prediction = read.prediction
        return self._one(read.request, prediction).model_copy(update={"translated_answer": answered})

    def _one(self, request: Request, found: Prediction) -> Answer:
        if found.start is None:
            return self.none(request, "the context has nothing that the model reads as a word")
        return QAAnswer(id=request.id, answer=found.output, start=found.start, score=_score(found))

    def none(self, request: Request, note: str) -> Answer:
        """See `Reading.none`."""
        return QAAnswer(id=request.id, note=note)


def _score(prediction: Prediction) -> float:
    return prediction.scores[0][1]


def _span(read: Read) -> tuple[Parallel, tuple[int, int]]:
    """The predicted span of a translated context, with what corresponds to it."""
    assert read.translated is not None and read.prediction.start is not None
    start = read.prediction.start
    pair = read.translated.pairs[cast("QARequest", read.request).context]
    return pair, (start, start + len(read.prediction.output))


@dataclass(frozen=True, slots=True)
class NLIPipeline(Reading):
    """Labels pairs of premise and hypothesis."""

    roles = ("premise", "hypothesis")

    def example(self, name: str, texts: Texts) -> Example:
        """A pair without a label."""
        return PairExample(name, texts["premise"], texts["hypothesis"], None)

    def replies(self, read: Sequence[Read]) -> tuple[Sequence[Answer], Usage]:
        """The labels, and the probabilities they were chosen by."""
        found = [
            NLIAnswer(id=one.request.id, label=one.prediction.output, probabilities=dict(one.prediction.scores))
            for one in read
        ]
        return found, Usage()

    def none(self, request: Request, note: str) -> Answer:
        """See `Reading.none`."""
        return NLIAnswer(id=request.id, note=note)


def qa_pipeline(parts: Parts, translator: Translator | None) -> QAPipeline:
    """Question answering by a cell of a run."""
    if translator is None:
        return QAPipeline(reader(parts), None, None)
    _, runtime = projection(Planner(parts.spec), parts.cell)
    projector = projector_of(parts.answering.params, runtime, translator.memory)
    return QAPipeline(reader(parts), translator, projector)


def nli_pipeline(parts: Parts, translator: Translator | None) -> NLIPipeline:
    """Inference between sentences by a cell of a run.

    Whether there are two labels or three goes by the test set that the cell was scored on, as it did there.
    """
    labels = parts.predict.params["options"]["labels"]
    if labels is None:
        test = artifact.read(parts.artifact(parts.source(parts.predict, "data")))
        present = {example.label for example in test.examples if isinstance(example, PairExample)} - {None}
        labels = "two-class" if present and "contradiction" not in present else "three-class"
    return NLIPipeline(reader(parts, labels=labels), translator)


def blank(texts: Texts) -> str | None:
    """Say which of some texts is blank."""
    return next((f"the {role} is blank" for role, text in texts.items() if not text.strip()), None)
