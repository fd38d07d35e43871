"""What is asked of a served model and what it answers, of whatever task: the JSON of `predict` and of `serve`."""

from __future__ import annotations

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from crossfare.errors import DataError
from crossfare.strict import parse_json

Id = str | int | None


class Request(BaseModel):
    """One object asks one thing. Further keys are ignored: a line of a labelled dataset is a request.

    ``id`` may be left out; it comes back as it was given.
    """

    model_config = ConfigDict(strict=True, frozen=True)

    id: Id = None

    @classmethod
    def read(cls, text: bytes | str) -> tuple[Self, ...] | Self:
        """Read one request, or a list of them, from JSON.

        Raises:
            NotJSON: it is no JSON.
            DataError: it does not fit the task; the message never repeats the texts.
        """
        value = parse_json(text, "not valid JSON", error=NotJSON, todo="send one object, or a list of them")
        if isinstance(value, list):
            return tuple(cls._validated(item, f"item {place}: ") for place, item in enumerate(value))
        return cls._validated(value, "")

    @classmethod
    def _validated(cls, value: Any, where: str) -> Self:
        if not isinstance(value, dict):
            raise DataError(f"{where}a request is a JSON object, not {_KINDS.get(type(value), 'a number')}")
        try:
            return cls.model_validate(value)
        except ValidationError as error:
            raise DataError(where + _line(error)) from None


class Answer(BaseModel):
    """``note`` is null, or says why there is no answer, or what of the request was left out."""

    model_config = ConfigDict(frozen=True)

    id: Id = None
    note: str | None = None


class NotJSON(DataError):
    """The text is no JSON at all."""


_KINDS: dict[type, str] = {list: "a list", str: "a text", bool: "true or false", type(None): "null"}


def _line(error: ValidationError) -> str:
    """The first problems of a request in one line."""
    problems = error.errors(include_url=False, include_input=False)
    places = [".".join(str(part)[:40] for part in each["loc"]) or "request" for each in problems[:3]]
    told = "; ".join(f"{place}: {each['msg']}" for place, each in zip(places, problems, strict=False))
    return told + (f"; and {len(problems) - 3} more" if len(problems) > 3 else "")
