"""What goes wrong with a request to a service, and which error says what can be done about it."""

from __future__ import annotations

import html
import json
import os
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import quote, quote_plus

from crossfare.errors import EngineCredential, EngineError, EngineQuota, EngineTransient, EngineUnavailable
from crossfare.types import Usage

_DETAIL = 200
_SHORTEST_KEY = 6


@dataclass(frozen=True, slots=True)
class Fault:
    """What an SDK's exception says: the HTTP status, None if no answer came, 200 if it came in another format."""

    status: int | None
    detail: object
    headers: Mapping[str, str] = field(default_factory=dict)


class Passing(EngineTransient):
    """A failure worth a retry, after ``wait`` seconds if the service asks for that."""

    def __init__(self, message: str, status: int | None = None, wait: float = 0.0) -> None:
        super().__init__(message)
        self.status = status
        self.wait = wait


class Refused(EngineError):
    """A request that the service cannot take as it is; ``usage`` is what it billed all the same."""

    def __init__(self, message: str, usage: Usage | None = None) -> None:
        super().__init__(message)
        self.usage = usage or Usage(requests=0)


def judged(fault: Fault, label: str, keys: Sequence[str]) -> EngineError:
    """Choose the error for a fault of the service ``label``, whose secrets are in the variables ``keys``."""
    status, detail = fault.status, one_line(fault.detail, keys)
    said = f"{label} said {status}: {detail}"
    if status is None:
        error: EngineError = Passing(f"{label} cannot be reached, or did not answer in time: {detail}")
    elif status == 200:
        error = Passing(f"{label} answered what is not its format: {detail}")
    elif 300 <= status < 400:  # never followed: it would take texts and key to where nobody agreed to
        error = EngineUnavailable(f"{said}; it leads elsewhere, and nothing is sent on: give the address it leads to")
    elif status in (408, 425, 429) or status >= 500:
        error = Passing(said, status, retry_after(fault.headers))
    elif status in (401, 403):
        error = EngineCredential(f"{said}; check the key in {' or '.join(keys)}")
    elif status in (402, 456):
        error = EngineQuota(f"{said}; wait for the next billing period, or raise the limit at the provider")
    elif status == 404:
        error = EngineUnavailable(f"{said}; check the engine's options (endpoint, model)")
    else:
        error = Refused(said)
    return error


def one_line(detail: object, keys: Sequence[str]) -> str:
    """A message in one line, without any secret that the variables ``keys`` hold, however it is written."""
    line = str(detail)
    for key in keys:
        secret = os.environ.get(key, "").strip()
        if len(secret) >= _SHORTEST_KEY:
            for written in sorted({*_writings(secret)}, key=len, reverse=True):
                line = line.replace(written, "***")
    line = " ".join(line.split()) or type(detail).__name__
    return line if len(line) <= _DETAIL else f"{line[:_DETAIL]}..."


def _writings(secret: str) -> Iterator[str]:
    """A secret as messages may have it: as it is, in an address, a Python or JSON string, HTML, or base64."""
    yield secret
    yield from (quote(secret, safe=""), quote(secret), quote_plus(secret), quote(secret, safe="").lower())
    yield from (repr(secret)[1:-1], json.dumps(secret)[1:-1], html.escape(secret), " ".join(secret.split()))
    # Base64 depends on how many bytes stand before, as in "user:key": the middle of each of the three ways is cut out.
    for before in range(3):
        coded = b64encode(b"\0" * before + secret.encode("utf-8", "surrogateescape")).decode().rstrip("=")
        middle = coded[(before * 8 + 5) // 6 : -1]
        yield from (middle, middle.replace("+", "-").replace("/", "_"))


def key_from(variable: str, label: str) -> str:
    """Read a key from the environment.

    Raises:
        EngineCredential: it is not set, or nothing that a header can hold.
    """
    key = os.environ.get(variable, "").strip()
    if not key:
        raise EngineCredential(f"{label} needs a key: set {variable} in the environment")
    if not key.isascii() or not key.isprintable():
        raise EngineCredential(f"{label}: {variable} holds a line break or another character that no key has: set it")
    return key


def retry_after(headers: Mapping[str, str]) -> float:
    """Seconds that a response asks to wait: a number, or a date (RFC 9110, section 10.2.3); 0 if it asks for none."""
    value = {key.lower(): text for key, text in headers.items()}.get("retry-after", "")
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        when = parsedate_to_datetime(value)
    except ValueError:
        return 0.0
    when = when if when.tzinfo else when.replace(tzinfo=UTC)  # a date "-0000" is one in UTC, by RFC 5322
    return max(0.0, (when - datetime.now(UTC)).total_seconds())
