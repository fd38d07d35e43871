"""A model that reads the request, or its translation; or several, whose predictions are combined."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Protocol

from crossfare.data import artifact
from crossfare.errors import ConfigError, DataError
from crossfare.experiment.charges import Charge, Charged
from crossfare.experiment.engine_plan import engine_options
from crossfare.experiment.engines import make_engine
from crossfare.experiment.qa_steps import projection
from crossfare.experiment.stages.back_project import Candidates, carry_back, projector_of
from crossfare.experiment.steps import Planner
from crossfare.serving.parts import Parts
from crossfare.tasks import TASKS, Predictor, Task
from crossfare.tasks.requests import Answer, Request
from crossfare.translate import TranslationMemory
from crossfare.translate.back_projection import BackProjector
from crossfare.translate.bitext import Parallel
from crossfare.translate.engines.hosts import check_key
from crossfare.translate.pieces import translate_aligned
from crossfare.translate.spans import Found
from crossfare.types import Dataset, Engine, Example, Prediction, Usage, revision_for

Texts = Mapping[str, str]
"""What a model reads of one request, by role: "context", "question"."""


class Answering(Protocol):
    """What answers the requests of one task."""

    def problem(self, _: Request, /) -> str | None:
        """Why a request could never be answered, if so: here every request can that fits its schema."""
        return None

    @abstractmethod
    def texts(self, requests: Sequence[Request], /) -> Sequence[str]:
        """What a method that translates translates of these requests before its model reads them."""

    @abstractmethod
    def answer(self, requests: Sequence[Request], /) -> tuple[tuple[Answer, ...], Usage]:
        """One answer for each request, in their order, and what making them took."""


# -- translating ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Translated:
    """Translations by their originals, reasons where there is none, and what it took."""

    pairs: Mapping[str, Parallel]
    failures: Mapping[str, str]
    usage: Usage

    def __getitem__(self, text: str) -> str:
        return self.pairs[text].target

    def why_not(self, texts: Mapping[str, str]) -> str | None:
        """Say which of some texts, named by their role, has no translation."""
        for role, text in texts.items():
            if text in self.failures:
                return f"the {role} was not translated: {self.failures[text]}"
        return None


@dataclass(frozen=True, slots=True)
class Translator:
    """An engine in the direction of serving: from the target language into the model's.

    With a ``charge``, its requests are paid from that one's budget.
    """

    engine: Engine
    source: str
    target: str
    memory: TranslationMemory | None = None
    charge: Charge | None = None

    def __call__(self, texts: Sequence[str]) -> Translated:
        """Translate the distinct ones among ``texts``; blank ones stay as they are.

        Raises:
            EngineError: the engine could do nothing at all.
            BudgetExceeded: the next request would pass the budget.
        """
        wanted = list(dict.fromkeys(texts))
        engine = Charged(self.engine, self.charge) if self.charge else self.engine
        made = translate_aligned(wanted, engine, source=self.source, target=self.target, memory=self.memory)
        pairs = {text: pair for text, pair in zip(wanted, made.pairs, strict=True) if pair is not None}
        failures = {wanted[place]: failed.reason for place, failed in made.failures.items()}
        return Translated(pairs, failures, made.segments.usage)


def translator(
    parts: Parts, memory: TranslationMemory | None = None, charge: Charge | None = None
) -> Translator | None:
    """The cell's engine in the direction of serving; None if nothing is translated then.

    Raises:
        ConfigError: the cell's translations were looked up, which no new text can be.
        DataError: the engine has changed since the run, so that its scores are not those of what would be served.
        EngineError: the engine is not installed or has no key.
    """
    own = parts.translating
    if own is None:
        return None
    cell = own.cell
    assert cell.engine is not None
    spec = parts.spec.engines[cell.engine]
    if spec.engine == "reference":
        raise ConfigError(
            f"engine {cell.engine!r} looks translations up and has none of new text; choose another --engine"
        )
    engine = make_engine(spec.engine, engine_options(spec, cell.task, cell.target, cell.source))
    check_key(engine)
    scored = own.source(own.predict, "data").params["engine"]["revision"]
    if (revision := revision_for(engine, cell.target, cell.source)) != scored:
        raise DataError(
            f"engine {cell.engine!r} is not what {parts.run.name} was scored with (revision {revision}, then "
            f"{scored}); run its spec again"
        )
    return Translator(engine, cell.target, cell.source, memory, charge)


# -- reading ------------------------------------------------------------------------------------


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
class Said:
    """A prediction on the target side, or a note why there is none.

    ``translated`` is the answer in the language that the model read, before it was brought back.
    """

    prediction: Prediction | None
    note: str | None = None
    translated: str | None = None


@dataclass(frozen=True, slots=True)
class Reading(Answering):
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
        contexts = [done.pairs[given[n]["context"]] for n in texts] if done and self.projector else []
        made, finishing = self.brought_back(predictions, contexts)
        said = dict(zip(texts, made, strict=True))
        usage = (done.usage if done else Usage()) + used + finishing
        return [said.get(n) or Said(None, notes[n]) for n in given], usage

    def brought_back(self, read: Sequence[Prediction], contexts: Sequence[Parallel]) -> tuple[list[Said], Usage]:
        """The predictions on the target side, and what that took besides translating and reading."""
        if self.projector is None:
            return [Said(each) for each in read], Usage()
        asked = [Candidates.of(each, context, self.n_best) for each, context in zip(read, contexts, strict=True)]
        made_of, done = carry_back(self.projector, asked)
        said = [_found_again(each, *made) for each, made in zip(read, made_of, strict=True)]
        return said, done.usage


def _found_again(prediction: Prediction, made: Prediction, best: Found | None) -> Said:
    if not prediction.output:
        return Said(prediction)
    if best is None:
        return Said(None, "the answer was not found again in the original context", prediction.output)
    return Said(made, translated=prediction.output)


@dataclass(frozen=True, slots=True)
class Ensemble(Answering):
    """Answers with what several models predict, each in its way, as `Task.combine` combines it.

    Of a request that one of them cannot answer (an engine gave no translation, a span was not found again), the
    others decide.
    """

    parents: tuple[Reading, ...]

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


def reading_pipeline(parts: Parts, translator: Translator | None, _: ExitStack) -> Reading | Ensemble:
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
