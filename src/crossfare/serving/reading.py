"""QA and NLI: a model that reads the request, or its translation."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, cast

from crossfare.data import artifact
from crossfare.experiment.qa_steps import projection
from crossfare.experiment.stages.back_project import Candidates, carry_back, projector_of
from crossfare.experiment.steps import Planner
from crossfare.serving.messages import Answer, NLIAnswer, QAAnswer, Request
from crossfare.serving.parts import Parts
from crossfare.serving.translation import Translator
from crossfare.tasks import TASKS, Predictor
from crossfare.translate.back_projection import BackProjector
from crossfare.translate.bitext import Parallel
from crossfare.translate.spans import Found
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
    """What the model read of a request, and what it said; ``context`` has the context with its translation (QA)."""

    prediction: Prediction
    context: Parallel | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """A prediction on the target side, or a note why there is none.

    ``translated`` is the answer in the language that the model read, before it was brought back.
    """

    prediction: Prediction | None
    note: str | None = None
    translated: str | None = None


@dataclass(frozen=True, slots=True)
class Reading(ABC):
    """Translate the texts of requests where the method does, let the model read them, and make answers of it."""

    reader: Reader
    translator: Translator | None
    roles: ClassVar[tuple[str, ...]]

    def problem(self, _: Request) -> None:
        """Nothing: every request that fits its schema can be answered."""
        return

    def texts(self, requests: Sequence[Request]) -> list[str]:
        """See `Answering.texts`."""
        return [text for own in self.given(requests).values() if not blank(own) for text in own.values()]

    def answer(self, requests: Sequence[Request]) -> tuple[tuple[Answer, ...], Usage]:
        """See `Answering.answer`."""
        said, usage = self.predict(requests)
        return tuple(self.reply(request, each) for request, each in zip(requests, said, strict=True)), usage

    def given(self, requests: Sequence[Request]) -> dict[int, Texts]:
        """The texts of each request by its place."""
        return {n: {role: getattr(one, role) for role in self.roles} for n, one in enumerate(requests)}

    def predict(self, requests: Sequence[Request]) -> tuple[list[Said], Usage]:
        """What the model says of each request; ids of predictions are places."""
        given = self.given(requests)
        notes = {n: note for n, own in given.items() if (note := blank(own))}
        texts = {n: own for n, own in given.items() if n not in notes}
        done = self.translator([text for own in texts.values() for text in own.values()]) if self.translator else None
        if done:
            notes |= {n: why for n, own in texts.items() if (why := done.why_not(own))}
            texts = {n: {role: done[text] for role, text in own.items()} for n, own in texts.items() if n not in notes}
        predictions, used = self.reader([self.example(str(n), own) for n, own in texts.items()])
        contexts = {n: done.pairs[given[n]["context"]] for n in texts if "context" in given[n]} if done else {}
        read = [Read(each, contexts.get(n)) for n, each in zip(texts, predictions, strict=True)]
        made, finishing = self.brought_back(read)
        said = dict(zip(texts, made, strict=True))
        usage = (done.usage if done else Usage()) + used + finishing
        return [said.get(n) or Said(None, notes[n]) for n in given], usage

    def brought_back(self, read: Sequence[Read]) -> tuple[list[Said], Usage]:
        """The predictions on the target side, and what that took besides translating and reading."""
        return [Said(each.prediction) for each in read], Usage()

    def close(self) -> None:
        """Nothing is open."""
        return

    @abstractmethod
    def example(self, name: str, texts: Texts) -> Example:
        """What the model is asked."""

    @abstractmethod
    def reply(self, request: Request, said: Said) -> Answer:
        """The answer to a request."""


@dataclass(frozen=True, slots=True)
class QAPipeline(Reading):
    """Answers questions with spans of the request's own context.

    ``projector`` brings the ``n_best`` answers of each question back from a translated context to the one that was
    asked about.
    """

    projector: BackProjector | None = None
    n_best: int = 1
    roles = ("context", "question")

    def example(self, name: str, texts: Texts) -> Example:
        """A question without gold answers."""
        return QAExample(name, texts["context"], texts["question"], ())

    def brought_back(self, read: Sequence[Read]) -> tuple[list[Said], Usage]:
        """The spans that the model found, in the contexts as they were given."""
        if self.projector is None:
            return [Said(each.prediction) for each in read], Usage()
        asked = [Candidates.of(each.prediction, cast("Parallel", each.context), self.n_best) for each in read]
        made_of, done = carry_back(self.projector, asked)
        said = [_found_again(each.prediction, *made) for each, made in zip(read, made_of, strict=True)]
        return said, done.usage

    def reply(self, request: Request, said: Said) -> Answer:
        """See `Reading.reply`."""
        found = said.prediction
        if found is None or found.start is None:
            note = said.note or "the context has nothing that the model reads as a word"
            return QAAnswer(id=request.id, note=note, translated_answer=said.translated)
        return QAAnswer(
            id=request.id,
            answer=found.output,
            start=found.start,
            score=found.scores[0][1],
            translated_answer=said.translated,
        )


def _found_again(prediction: Prediction, made: Prediction, best: Found | None) -> Said:
    if not prediction.output:
        return Said(prediction)
    if best is None:
        return Said(None, "the answer was not found again in the original context", prediction.output)
    return Said(made, translated=prediction.output)


@dataclass(frozen=True, slots=True)
class NLIPipeline(Reading):
    """Labels pairs of premise and hypothesis, with two labels or three."""

    two_class: bool = False
    roles = ("premise", "hypothesis")

    def example(self, name: str, texts: Texts) -> Example:
        """A pair without a label."""
        return PairExample(name, texts["premise"], texts["hypothesis"], None)

    def reply(self, request: Request, said: Said) -> Answer:
        """See `Reading.reply`: the label, and the probabilities it was chosen by."""
        found = said.prediction
        if found is None:
            return NLIAnswer(id=request.id, note=said.note)
        label = "neutral" if self.two_class and found.output == "contradiction" else found.output
        return NLIAnswer(id=request.id, label=label, probabilities=dict(found.scores))


def qa_pipeline(parts: Parts, translator: Translator | None) -> QAPipeline:
    """Question answering by a cell of a run."""
    if translator is None:
        return QAPipeline(reader(parts), None)
    _, runtime = projection(Planner(parts.spec), parts.cell)
    params = parts.answering.params
    projector = projector_of(params, runtime, translator.memory, translator.charge)
    return QAPipeline(reader(parts), translator, projector, params["n_best"])


def nli_pipeline(parts: Parts, translator: Translator | None) -> NLIPipeline:
    """Inference between sentences by a cell of a run.

    Whether there are two labels or three goes by the test set that the cell was scored on, as it did there.
    """
    labels = parts.predict.params["options"]["labels"]
    if labels is None:
        test = artifact.read(parts.artifact(parts.source(parts.predict, "data")))
        present = {example.label for example in test.examples if isinstance(example, PairExample)} - {None}
        labels = "two-class" if present and "contradiction" not in present else "three-class"
    return NLIPipeline(reader(parts, labels=labels), translator, two_class=labels == "two-class")


def blank(texts: Texts) -> str | None:
    """Say which of some texts is blank."""
    return next((f"the {role} is blank" for role, text in texts.items() if not text.strip()), None)
