"""The kinds of values that specs are made of, and how what is wrong with one is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, Field, ValidationError

from crossfare.errors import ConfigError, CrossfareError
from crossfare.experiment.methods import method
from crossfare.languages import language_tag
from crossfare.tasks import TASKS, task_named

T = TypeVar("T")


def _said(check: Callable[[T], T]) -> Callable[[T], T]:
    """A check whose error is told with the place in the spec."""

    def checked(value: T) -> T:
        try:
            return check(value)
        except CrossfareError as error:
            raise ValueError(str(error)) from None

    return checked


def distinct(values: tuple[T, ...]) -> tuple[T, ...]:
    """Refuse what is named twice: it would be made, paid and counted twice."""
    if twice := [value for place, value in enumerate(values) if value in values[:place]]:
        raise ValueError(f"{twice[0]!r} is named twice")
    return values


def some(values: tuple[T, ...]) -> tuple[T, ...]:
    """Refuse none at all, and what is named twice."""
    if not values:
        raise ValueError("there is none; name at least one")
    return distinct(values)


def _direction(key: str) -> str:
    """Check "en-pt", "en-*", "*-en", "*", or one of these after a task's name."""
    task, colon, direction = key.rpartition(":")
    parts = direction.split("-")
    pairs = [("-".join(parts[:cut]), "-".join(parts[cut:])) for cut in range(1, len(parts))]
    known_task = not colon or task in TASKS
    if not known_task or not (direction == "*" or any(_is_tag(a) and _is_tag(b) for a, b in pairs)):
        raise ConfigError(f"{key[:80]!r} is no direction; write en-pt, en-*, *-en or *, perhaps after a task: qa:en-pt")
    return key


def _is_tag(text: str) -> bool:
    try:
        return text == "*" or bool(language_tag(text))
    except ConfigError:
        return False


MethodName = Annotated[str, AfterValidator(_said(lambda name: method(name).name))]
"""A method by name or alias; it comes out by name."""
KnownTask = Annotated[str, AfterValidator(_said(lambda name: task_named(name).name))]
LanguageTag = Annotated[str, AfterValidator(_said(language_tag))]
Target = Annotated[str, AfterValidator(_said(lambda tag: tag if tag == "*" else language_tag(tag)))]
Direction = Annotated[str, AfterValidator(_said(_direction))]
Name = Annotated[str, Field(pattern=r"^\w[\w .@:/-]*$", max_length=100)]
"""What a spec calls something: a part of labels and of the ids of cells, which have their own punctuation."""
Text = Annotated[str, Field(min_length=1, max_length=4096)]
Checkpoints = Annotated[tuple[Text, ...], AfterValidator(some)]
Split = Annotated[str, Field(pattern=r"^\w[\w.:%+\[\] -]*$", max_length=100)]
"""It is a part of a file's name in some data."""

_TOLD = 10  # problems of a spec that are named at once


def told(error: ValidationError) -> str:
    """What is wrong with a spec, in one line; the first problems of many."""
    first = error.errors()[:_TOLD]
    more = f"; and {error.error_count() - _TOLD} more" if error.error_count() > _TOLD else ""
    return "; ".join(_problem(each["loc"], each["msg"]) for each in first) + more


def _problem(place: tuple[str | int, ...], message: str) -> str:
    parts = (
        part for part in place if "[" not in str(part) or str(part) == "[key]"
    )  # not the names of pydantic's types
    where = ".".join(str(part)[:40] for part in parts)
    said = message.removeprefix("Value error, ").replace("Input should", "it should")
    return f"{where}: {said}" if where else said


def within(place: str, check: Callable[..., Any], **options: Any) -> Any:
    """Let what will use some options check them; its error names their place in the spec."""
    try:
        return check(**options)
    except CrossfareError as error:
        raise ValueError(f"{place}: {error}" if place else str(error)) from None


def texts_in(value: Any) -> Iterator[str]:
    """Every text of plain data, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, below in value.items():
            yield from (*texts_in(key), *texts_in(below))
    elif isinstance(value, list | tuple):
        for below in value:
            yield from texts_in(below)
