"""Reads what is asked of a deployed pipeline; what fits a task stands with it, in `crossfare.tasks`."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from crossfare.errors import DataError
from crossfare.strict import parse_json
from crossfare.tasks import TASKS
from crossfare.tasks.requests import Answer, Request
from crossfare.types import TaskName

__all__ = ["Answer", "NotJSON", "Request", "parse"]


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
        return TASKS[task].request.model_validate(value)
    except ValidationError as error:
        raise DataError(where + _line(error)) from None


_KINDS: dict[type, str] = {list: "a list", str: "a text", bool: "true or false", type(None): "null"}


def _line(error: ValidationError) -> str:
    """The first problems of a request in one line."""
    problems = error.errors(include_url=False, include_input=False)
    places = [".".join(str(part)[:40] for part in each["loc"]) or "request" for each in problems[:3]]
    told = "; ".join(f"{place}: {each['msg']}" for place, each in zip(places, problems, strict=False))
    return told + (f"; and {len(problems) - 3} more" if len(problems) > 3 else "")
