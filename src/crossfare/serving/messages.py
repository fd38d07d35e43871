"""What is asked of a deployed pipeline and what it answers: the JSON of `predict` and of `serve`.

One object asks one thing. ``id`` may be left out; it comes back as it was given.

    qa       {"id", "context", "question"}     -> {"id", "answer", "start", "score", "note"}
    nli      {"id", "premise", "hypothesis"}   -> {"id", "label", "probabilities", "note"}
    ranking  {"id", "query", "candidates"}     -> {"id", "ranking": [{"id", "score"}], "note"}

``note`` is null, or says why there is no answer, or what of the request was left out.
"""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from crossfare.errors import DataError
from crossfare.strict import parse_json
from crossfare.types import TaskName

MOST_CANDIDATES = 1000
"""Candidates of one query: as many as the paper reranks."""

Id = str | int | None


class _Request(BaseModel):
    """Further keys are ignored: a line of a labelled dataset is a request."""

    model_config = ConfigDict(strict=True, frozen=True)

    id: Id = None


class QARequest(_Request):
    """A question about a context, both in the target language."""

    context: str
    question: str


class NLIRequest(_Request):
    """A premise and a hypothesis in the target language."""

    premise: str
    hypothesis: str


class RankingCandidate(BaseModel):
    """A passage to rank; without ``text`` it is looked up in the run's collection."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    id: Annotated[str, Field(min_length=1)]
    text: str | None = None


class RankingRequest(_Request):
    """A query and the passages to rank, best of the first stage first; without any, the run's collection is searched.

    A candidate may be given as a bare text: its place (from 0) is then its id. Further keys are errors, since a
    misspelt ``candidates`` would search the collection instead.
    """

    model_config = ConfigDict(extra="forbid")

    query: str
    candidates: Annotated[tuple[RankingCandidate, ...], Field(max_length=MOST_CANDIDATES, strict=False)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _bare_texts(cls, value: Any) -> Any:
        given = value.get("candidates") if isinstance(value, dict) else None
        if not isinstance(given, list):
            return value
        named = [{"id": str(place), "text": one} if isinstance(one, str) else one for place, one in enumerate(given)]
        return {**value, "candidates": named}

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        seen: set[str] = set()
        for candidate in self.candidates or ():
            if candidate.id in seen:
                raise ValueError(f"two candidates have the id {candidate.id!r}")
            seen.add(candidate.id)
        return self


Request = QARequest | NLIRequest | RankingRequest

REQUESTS: dict[TaskName, type[Request]] = {"qa": QARequest, "nli": NLIRequest, "ranking": RankingRequest}


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)

    id: Id = None
    note: str | None = None


class QAAnswer(_Answer):
    """A span of the request's context: ``context[start:start + len(answer)] == answer``, in code points.

    ``score`` is the sum of the span's start and end logits, comparable between answers of one model. With
    translation, ``translated_answer`` is what the model answered before it was brought back.
    """

    answer: str | None = None
    start: int | None = None
    score: float | None = None
    translated_answer: str | None = None


class NLIAnswer(_Answer):
    """A label, and the model's own probabilities: on two-class data its contradiction counts as neutral."""

    label: str | None = None
    probabilities: dict[str, float] | None = None


class Ranked(BaseModel):
    """A passage and its score; only those of one query can be compared."""

    id: str
    score: float


class RankingAnswer(_Answer):
    """The candidates, best first."""

    ranking: tuple[Ranked, ...] = ()


Answer = QAAnswer | NLIAnswer | RankingAnswer


def parse(task: TaskName, text: bytes | str) -> tuple[Request, ...] | Request:
    """Read one request, or a list of them, from JSON.

    Raises:
        NotJSON: it is no JSON.
        DataError: it does not fit the task; the message never repeats the texts.
    """
    value = parse_json(text, "not valid JSON", error=NotJSON, todo="send one object, or a list of them")
    if isinstance(value, list):
        return tuple(_validated(task, item, f"item {place}: ") for place, item in enumerate(value))
    return _validated(task, value, "")


class NotJSON(DataError):
    """The text is no JSON at all."""


def _validated(task: TaskName, value: Any, where: str) -> Request:
    if not isinstance(value, dict):
        raise DataError(f"{where}a request is a JSON object, not {_KINDS.get(type(value), 'a number')}")
    try:
        return REQUESTS[task].model_validate(value)
    except ValidationError as error:
        raise DataError(where + _line(error)) from None


_KINDS: dict[type, str] = {list: "a list", str: "a text", bool: "true or false", type(None): "null"}


def _line(error: ValidationError) -> str:
    """The first problems of a request in one line."""
    problems = error.errors(include_url=False, include_input=False)
    places = [".".join(str(part)[:40] for part in each["loc"]) or "request" for each in problems[:3]]
    told = "; ".join(f"{place}: {each['msg']}" for place, each in zip(places, problems, strict=False))
    return told + (f"; and {len(problems) - 3} more" if len(problems) > 3 else "")
