"""What the values of options mean; a value that means nothing is a line that says what to give."""

from __future__ import annotations

import os
import re
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from crossfare.errors import ConfigError
from crossfare.settings import CONCURRENCY
from crossfare.strict import parse_yaml

if TYPE_CHECKING:
    from crossfare.cli.options import ReadingOptions


def names(text: str | None) -> tuple[str, ...]:
    """Names separated by commas."""
    return tuple(part.strip() for part in text.split(",") if part.strip()) if text else ()


def numbers(text: str | None) -> tuple[int, ...]:
    """Seeds separated by commas."""
    try:
        return tuple(int(part) for part in names(text))
    except ValueError:
        raise ConfigError(f"--seeds takes whole numbers separated by commas, not {text!r}") from None


def limit(text: str | None) -> Decimal | None:
    """What --max-usd allows; None if nothing is said."""
    return None if text is None else usd("--max-usd", text)


def usd(flag: str, text: str) -> Decimal:
    """An amount in USD."""
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("nan")
    if not amount.is_finite() or amount < 0:
        raise ConfigError(f"{flag} takes an amount in USD, such as 12.50, not {text!r}")
    return amount


def worth(text: str | None) -> Decimal | None:
    """What --worth says an error less is worth in USD; None if nothing is said."""
    return None if text is None else usd("--worth", re.sub(r"(?i)\s*(usd)?\s*(per|an) error\s*$", "", text))


def beside(text: str | None) -> bool:
    """Whether --beside asks for the paper's figures."""
    if text not in (None, "paper"):
        raise ConfigError(f"--beside takes paper, not {text!r}")
    return text is not None


def settings(flag: str, texts: list[str] | None) -> dict[str, str]:
    """Values by resource, from RESOURCE=VALUE."""
    parts = [text.rpartition("=") for text in texts or ()]
    for name, _, value in parts:
        if not (name and value):
            raise ConfigError(f"{flag} takes RESOURCE=VALUE, such as compute=0.5 or engine:open=google-translate")
    return {name: value for name, _, value in parts}


def told(given: ReadingOptions) -> dict[str, Any]:
    """What was said of a file, as keywords of `crossfare.data.load`."""
    said: dict[str, Any] = {}
    if given.columns is not None:
        said["columns"] = _pairs("--columns", given.columns, "PART=NAME, such as premise=text_a")
    if given.labels is not None and "=" in given.labels:
        said["labels"] = _pairs("--labels", given.labels, "LABEL=MEANING, such as 0=entailment")
    elif given.labels is not None:
        said["labels"] = given.labels if given.labels == "two-class" else names(given.labels)
    if given.separator is not None:
        said["separator"] = {"tab": "\t", "\\t": "\t"}.get(given.separator, given.separator)
    return said


def _pairs(flag: str, text: str, form: str) -> dict[str, str]:
    parts = [part.partition("=") for part in text.split(",")]
    if not all(name.strip() and equals for name, equals, _ in parts):
        raise ConfigError(f"{flag} takes {form}, separated by commas, not {text!r}")
    return {name.strip(): value.strip() for name, _, value in parts}


def in_flight(requests: int | None) -> None:
    """Let so many requests be in flight to each remote engine, in this process and those it starts."""
    if requests is not None:
        os.environ[CONCURRENCY] = str(requests)


def allow(hosts: list[str] | None, keys: list[str] | None) -> None:
    """Let hosts be sent keys, and variables be named as keys (see `crossfare.translate.engines.hosts`)."""
    if hosts or keys:
        from crossfare.translate.engines import hosts as rules

        rules.allow(hosts or (), keys or ())


def engine_options(texts: list[str] | None) -> dict[str, object]:
    """Options of an engine, their values read as YAML: numbers, true and false, or text."""
    pairs = [text.partition("=") for text in texts or ()]
    for name, equals, _ in pairs:
        if not (name and equals):
            raise ConfigError("--option takes NAME=VALUE, such as format=html")
    return {name: parse_yaml(value, f"--option {name}", todo="give a plain value") for name, _, value in pairs}
