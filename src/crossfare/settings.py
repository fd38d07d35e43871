"""Check settings that come from outside, such as a spec, against the types of what uses them.

The annotations of the dataclass or of the function that reads the values are the one statement of what fits. They are
checked as JSON is, strictly: "3" is no number, true is no integer, and a list may stand for a tuple.
"""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Annotated, Any, cast, get_type_hints

from pydantic import Field, TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError

from crossfare.errors import ConfigError

MOST = 2**31 - 1
"""The most that anything here is counted up to: what libraries below take as an integer."""

CONCURRENCY = "CROSSFARE_CONCURRENCY"
"""The environment variable that says how many requests may be in flight to each remote engine."""

Count = Annotated[int, Field(strict=True, ge=1, le=MOST)]
Natural = Annotated[int, Field(strict=True, ge=0, le=MOST)]
Seed = Annotated[int, Field(strict=True, ge=0, le=2**32 - 1)]
"""NumPy takes no other seeds; torch and Python take these."""
Tokens = Annotated[int, Field(ge=8, le=MOST)]
"""The length of an input: fewer than eight leave no room between the marks round two texts."""
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]


def check(settings: Any, what: str = "") -> None:
    """Check the fields of a dataclass against their annotations; for its ``__post_init__``.

    Raises:
        ConfigError: a value does not fit; the message names ``what``, the field and the value.
    """
    for name, adapter in _adapters(cast("Any", type(settings))).items():
        _fits(adapter, getattr(settings, name), f"{what}{name}")


def check_options(
    function: Callable[..., Any], values: Mapping[str, Any], kind: str, *, without: Iterable[str] = ()
) -> None:
    """Check keyword arguments against a function's, or a class's, annotations.

    Args:
        kind: what they are called, such as "scoring option".
        without: parameters that are not for whoever gives ``values``.

    Raises:
        ConfigError: there is no such argument, or a value does not fit.
    """
    parameters = inspect.signature(function).parameters.values()
    known = [each.name for each in parameters if each.kind is each.KEYWORD_ONLY and each.name not in without]
    if unknown := [name for name in values if name not in known]:
        raise ConfigError(f"{unknown[0]!r} is no {kind}; choose from {', '.join(known) or 'none'}")
    check_values(function, values, f"{kind} ")


def check_values(function: Callable[..., Any], values: Mapping[str, Any], what: str) -> None:
    """Check the values of keyword arguments that a function, or a class, is known to have.

    Values that no file could hold are left to the function, and so are those that it says nothing about.

    Raises:
        ConfigError: a value does not fit.
    """
    adapters = _adapters(_annotated(function))
    for name, value in values.items():
        if name in adapters and _is_plain(value):
            _fits(adapters[name], value, f"{what}{name}")


def _annotated(function: Callable[..., Any]) -> Any:
    """What bears the annotations of arguments: of a dataclass the class; its fields may be those of another module."""
    if not inspect.isclass(function):
        return function
    owner = next(each for each in function.__mro__ if "__init__" in vars(each))
    return owner if "__dataclass_params__" in vars(owner) else function.__init__


@lru_cache(maxsize=64)
def _adapters(annotated: Any) -> dict[str, TypeAdapter[Any]]:
    made = {}
    for name, hint in _hints(annotated).items():
        try:
            made[name] = TypeAdapter(hint)
        except PydanticUserError:  # a protocol or a callable: nothing that a file could hold
            continue
    return made


def _hints(annotated: Any) -> dict[str, Any]:
    try:
        return {name: hint for name, hint in get_type_hints(annotated, include_extras=True).items() if name != "return"}
    except NameError:  # names that only a type checker imports: each annotation by itself
        scope = vars(sys.modules[annotated.__module__])
        return {name: hint for name, text in annotated.__annotations__.items() if (hint := _hint(text, scope))}


def _hint(text: Any, scope: dict[str, Any]) -> Any:
    try:
        return get_type_hints(type("", (), {"__annotations__": {"hint": text}}), scope, include_extras=True)["hint"]
    except NameError:
        return None


def _is_plain(value: Any) -> bool:
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        return False
    return True


def _fits(adapter: TypeAdapter[Any], value: Any, what: str) -> None:
    try:
        adapter.validate_json(json.dumps(value), strict=True)
    except (ValidationError, TypeError, ValueError) as error:
        problem = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        shown = repr(value)
        raise ConfigError(
            f"{what} cannot be {shown if len(shown) <= 60 else f'{shown[:60]}...'}: {problem.replace('Input', 'it')}"
        ) from None
