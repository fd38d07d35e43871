"""A model that reads the request, or its translation; or several, whose predictions are combined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from crossfare.data import artifact
from crossfare.experiment.qa_steps import projection
from crossfare.experiment.stages.back_project import Candidates, carry_back, projector_of
from crossfare.experiment.steps import Planner
from crossfare.serving.messages import Answer, Request
from crossfare.serving.parts import Parts
from crossfare.serving.translation import Translator
from crossfare.tasks import TASKS, Predictor, Task
from crossfare.translate.back_projection import BackProjector
from crossfare.translate.bitext import Parallel
from crossfare.translate.spans import Found
from crossfare.types import Dataset, Example, Prediction, Usage

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
class Reading:
    """Translate the texts of requests where the method does, let the model read them, and make answers of it.

    ``projector`` brings the ``n_best`` spans of each request back from a translated context to the one that was asked
    about.
    """

    reader: Reader
    translator: Translator | None
    projector: BackProjector | None = None
    n_best: int = 1

    @property
    def task(self) -> Task:
        """The task whose requests it answers."""
        return self.reader.predictor.task

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

    def reply(self, request: Request, said: Said) -> Answer:
        """The answer to a request."""
        settings = self.reader.predictor.settings
        return self.task.reply(request.id, said.prediction, settings, note=said.note, translated=said.translated)

    def given(self, requests: Sequence[Request]) -> dict[int, Texts]:
        """The texts of each request by its place."""
        roles = self.task.example_type.roles
        return {n: {role: getattr(one, role) for role in roles} for n, one in enumerate(requests)}

    def predict(self, requests: Sequence[Request]) -> tuple[list[Said], Usage]:
        """What the model says of each request; ids of predictions are places."""
        given = self.given(requests)
        notes = {n: note for n, own in given.items() if (note := blank(own))}
        texts = {n: own for n, own in given.items() if n not in notes}
        done = self.translator([text for own in texts.values() for text in own.values()]) if self.translator else None
        if done:
            notes |= {n: why for n, own in texts.items() if (why := done.why_not(own))}
            texts = {n: {role: done[text] for role, text in own.items()} for n, own in texts.items() if n not in notes}
        predictions, used = self.reader([self.task.asked(str(n), own) for n, own in texts.items()])
        contexts = {n: done.pairs[given[n]["context"]] for n in texts} if done and self.projector else {}
        read = [Read(each, contexts.get(n)) for n, each in zip(texts, predictions, strict=True)]
        made, finishing = self.brought_back(read)
        said = dict(zip(texts, made, strict=True))
        usage = (done.usage if done else Usage()) + used + finishing
        return [said.get(n) or Said(None, notes[n]) for n in given], usage

    def brought_back(self, read: Sequence[Read]) -> tuple[list[Said], Usage]:
        """The predictions on the target side, and what that took besides translating and reading."""
        if self.projector is None:
            return [Said(each.prediction) for each in read], Usage()
        asked = [Candidates.of(each.prediction, cast("Parallel", each.context), self.n_best) for each in read]
        made_of, done = carry_back(self.projector, asked)
        said = [_found_again(each.prediction, *made) for each, made in zip(read, made_of, strict=True)]
        return said, done.usage

    def close(self) -> None:
        """Nothing is open."""
        return


def _found_again(prediction: Prediction, made: Prediction, best: Found | None) -> Said:
    if not prediction.output:
        return Said(prediction)
    if best is None:
        return Said(None, "the answer was not found again in the original context", prediction.output)
    return Said(made, translated=prediction.output)


@dataclass(frozen=True, slots=True)
class Ensemble:
    """Answers with what several models predict, each in its way, as `Task.combine` combines it.

    Of a request that one of them cannot answer (an engine gave no translation, a span was not found again), the
    others decide.
    """

    parents: tuple[Reading, ...]

    def problem(self, _: Request) -> None:
        """Nothing: every request that fits its schema can be answered."""
        return

    def texts(self, requests: Sequence[Request]) -> list[str]:
        """See `Answering.texts`."""
        return [text for each in self.parents if each.translator for text in each.texts(requests)]

    def answer(self, requests: Sequence[Request]) -> tuple[tuple[Answer, ...], Usage]:
        """See `Answering.answer`."""
        first, usage, said = self.parents[0], Usage(), []
        for parent in self.parents:
            own, used = parent.predict(requests)
            said.append(own)
            usage += used
        examples = tuple(first.task.asked(str(n), texts) for n, texts in first.given(requests).items())
        predictions = [[each.prediction for each in own if each.prediction] for own in said]
        combined = first.task.combine(predictions, Dataset("requests", first.task.name, "serve", "", examples))
        found = {int(each.id): Said(each) for each in combined}
        answers = (first.reply(request, found.get(n) or said[0][n]) for n, request in enumerate(requests))
        return tuple(answers), usage

    def close(self) -> None:
        """Nothing is open."""


def reading_pipeline(parts: Parts, translator: Translator | None) -> Reading | Ensemble:
    """Answering by a cell of a run whose model reads the request, or by an ensemble of such models."""
    if parts.parents:
        return Ensemble(tuple(_reading(each, translator if each.translating else None) for each in parts.parents))
    return _reading(parts, translator)


def _reading(parts: Parts, translator: Translator | None) -> Reading:
    task, step = TASKS[parts.cell.task], parts.predict
    settings = task.serving_options(
        step.params["options"], lambda: artifact.read(parts.artifact(parts.source(step, "data")))
    )
    asked = reader(parts, **settings)
    if translator is None or not task.spans:
        return Reading(asked, translator)
    _, runtime = projection(Planner(parts.spec), parts.cell)
    params = parts.answering.params
    projector = projector_of(params, runtime, translator.memory, translator.charge)
    return Reading(asked, translator, projector, params["n_best"])


def blank(texts: Texts) -> str | None:
    """Say which of some texts is blank."""
    return next((f"the {role} is blank" for role, text in texts.items() if not text.strip()), None)
