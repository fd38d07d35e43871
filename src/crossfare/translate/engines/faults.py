"""What goes wrong with a request to a service, and which error says what can be done about it."""

from __future__ import annotations

import html
import json
import os
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import quote, quote_plus

from crossfare.errors import (
    ConfigError,
    CrossfareError,
    EngineCredential,
    EngineError,
    EngineQuota,
    EngineTransient,
    EngineUnavailable,
)
from crossfare.types import Usage

NOTHING = Usage(requests=0, characters=0, input_tokens=0, output_tokens=0)
"""What a request that was refused is billed for."""

_DETAIL = 200
_SHORTEST_KEY = 6

# A refusal that is about the languages, not about a text: "The target language is not valid.",
# "Value for 'target_lang' not supported.", "Bad language pair", "xx is not supported" (LibreTranslate).
_LANGUAGE = re.compile(
    r"(language|_lang\b|langpair).{0,40}(not (valid|supported|available)|invalid|unsupported)"
    r"|(bad|invalid|unsupported|unknown) (source |target )?(language|langpair)"
    r"|^.{0,40}\b[a-z]{2,3}(-\w+)? is not supported$",
    re.IGNORECASE,
)

_ADDRESS = re.compile(r"https?://\S+")

# How libraries call it that no connection was made, so that nothing was sent: urllib3, requests, httpx, botocore.
_UNCONNECTED = {
    "ConnectError",
    "ConnectTimeout",
    "ConnectTimeoutError",
    "ConnectionRefusedError",
    "EndpointConnectionError",
    "NameResolutionError",
    "NewConnectionError",
    "UnsupportedProtocol",
    "gaierror",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """What an SDK's exception says: the HTTP status, None if no answer came, 200 if it came in another format."""

    status: int | None
    detail: object
    headers: Mapping[str, str] = field(default_factory=dict)


class Passing(EngineTransient):
    """A failure worth a retry, after ``wait`` seconds if the service asks for that.

    ``status`` is None if no answer came; ``sent`` says whether the request can have reached the service.
    """

    def __init__(self, message: str, status: int | None = None, wait: float = 0.0, *, sent: bool = True) -> None:
        super().__init__(message)
        self.status = status
        self.wait = wait
        self.sent = sent

    @property
    def unanswered(self) -> bool:
        """Whether the service may have done the work, and bill it: no answer came, or none that can be read."""
        return self.sent and self.status in (None, 200)

    @property
    def in_doubt(self) -> bool:
        """Whether it cannot be ruled out that it is billed: unanswered, or failed at the service."""
        return self.unanswered or (self.status or 0) >= 500


class Refused(EngineError):
    """A request that the service does not take as it is, or whose answer is no translation.

    ``fewer``: fewer texts at once are the remedy, if there are several. ``said`` is what it answered to different
    texts alike, if that is what is wrong. ``billed``: it was answered, which is billed.
    """

    def __init__(self, message: str, *, fewer: bool = False, said: str = "", billed: bool = False) -> None:
        super().__init__(message)
        self.fewer = fewer
        self.said = said
        self.billed = billed


class Exhausted(EngineError):
    """A request that failed as often as it may be sent, though the service was reached.

    ``outage`` is the error to raise if it is the service that fails, and not this request.
    """

    def __init__(self, message: str, outage: EngineError) -> None:
        super().__init__(message)
        self.outage = outage


def judged(fault: Fault, label: str, keys: Sequence[str], *, sent: bool = True) -> CrossfareError:
    """Choose the error for a fault of the service ``label``, whose secrets are in the variables ``keys``."""
    status, detail = fault.status, one_line(fault.detail, keys)
    said = f"{label} said {status}: {detail}"
    error: CrossfareError
    if status is None:
        error = Passing(f"{label} cannot be reached, or did not answer in time: {detail}", sent=sent)
    elif status == 200:
        error = Passing(f"{label} answered what is not its format: {detail}", status)
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
    elif _LANGUAGE.search(_ADDRESS.sub("", detail)):
        error = ConfigError(f"{said}; choose languages that the service has")
    else:
        error = Refused(said, fewer=status == 413)
    return error


def never_sent(error: BaseException) -> bool:
    """Whether an exception of an SDK says that no connection was made."""
    return any(type(each).__name__ in _UNCONNECTED for each in _chain(error, set()))


def _chain(error: object, seen: set[int]) -> Iterator[BaseException]:
    """An exception with those it was made from, by any of the ways that libraries note them."""
    if isinstance(error, BaseException) and id(error) not in seen:
        seen.add(id(error))
        yield error
        named = (getattr(error, name, None) for name in ("__cause__", "__context__", "reason", "inner_exception"))
        for other in (*named, *error.args):
            yield from _chain(other, seen)


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
