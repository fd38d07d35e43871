"""LibreTranslate, by its JSON API: a server of one's own, or a hosted one.

The key of a server that asks for one is read from $LIBRETRANSLATE_API_KEY, and nowhere else.
"""

from __future__ import annotations

import html
import os
import re
import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_exponential, wait_random

from crossfare.errors import ConfigError, EngineCredential, EngineError, EngineQuota, EngineTransient
from crossfare.languages import primary
from crossfare.meter import meter
from crossfare.translate.engines.faults import key_from, one_line, retry_after
from crossfare.translate.engines.hosts import Address, address
from crossfare.translate.outcome import ExplainedTranslation
from crossfare.translate.sentences import Granularity
from crossfare.types import Usage, digest

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSION = 1
KEY = "LIBRETRANSLATE_API_KEY"
URL = "LIBRETRANSLATE_URL"
_LONGEST_WAIT = 120.0
_ESCAPED_PAIR = re.compile(r"&lt;([A-Za-z][A-Za-z0-9]*)&gt;(.*?)&lt;/\1&gt;", re.DOTALL)


class LibreTranslateEngine:
    """A LibreTranslate server.

    A request that meets 429, 5xx, a timeout or a broken connection is sent again, after the seconds
    that the server asks for (Retry-After), or else after longer and longer ones. A text that the
    server refuses alone is None, with the server's reason.

    Args:
        url: the server; $LIBRETRANSLATE_URL, or one on this machine, by default.
        format: "html" keeps simple tags, such as the delimiters round an answer, where they belong;
            "text" shows them to the model as text.
        max_texts, max_characters: what one request holds (the server's --batch-limit and --char-limit;
            the defaults fit the hosted service). A longer text goes alone.
        timeout: seconds to wait for an answer.
        attempts: how often a request is sent before it fails.
        pause: seconds before the second attempt, where the server does not say; about twice as many before the next.

    Raises:
        ConfigError: an option is out of range, or the server does not know a language.
    """

    label = "LibreTranslate"
    billing = "characters"
    keys = (KEY,)

    def __init__(
        self,
        *,
        url: str | None = None,
        format: Literal["text", "html"] = "text",
        max_texts: int = 50,
        max_characters: int = 2000,
        timeout: float = 60.0,
        attempts: int = 5,
        pause: float = 1.0,
        name: str = "libretranslate",
        granularity: Granularity = "document",
    ) -> None:
        if format not in ("text", "html"):
            raise ConfigError(f"engine {name!r}: format must be text or html")
        if min(max_texts, max_characters, attempts) < 1 or timeout <= 0 or pause < 0:
            raise ConfigError(f"engine {name!r}: max_texts, max_characters, attempts and timeout must be positive")
        self.trusted = True
        self._option = url
        self.name = name
        self.url = (self.address.url or "http://localhost:5000").rstrip("/")
        self.granularity: Granularity = granularity
        self.revision = digest({"version": VERSION, "url": self.url, "format": format})
        self._format = format
        self.marked_by_tags = format == "html"
        self._limits = max_texts, max_characters
        self._timeout = timeout
        self._client: httpx.Client | None = None
        self._retrying = Retrying(
            stop=stop_after_attempt(attempts),
            retry=retry_if_exception(lambda error: isinstance(error, _Refused) and error.wait <= _LONGEST_WAIT),
            wait=_Wait(pause),
            reraise=True,
        )
        self._known: dict[str, tuple[str, ...]] = {}

    @property
    def address(self) -> Address:
        """Where requests go: by option, by the environment, or on this machine."""
        return address(self._option, URL, ("libretranslate.com",), trusted=self.trusted, engine=self.name)

    @property
    def host(self) -> str:
        """The host that texts are sent to."""
        return self.address.host or "localhost:5000"

    @property
    def withheld(self) -> str:
        """Why no key is sent there; empty if one is."""
        return self.address.withheld

    def batches(self, texts: Sequence[str]) -> list[range]:
        """Cut texts into requests, in their order."""
        most, longest = self._limits
        made: list[range] = []
        start = size = 0
        for index, text in enumerate(texts):
            if index > start and (index - start == most or size + len(text) > longest):
                made.append(range(start, index))
                start, size = index, 0
            size += len(text)
        return [*made, range(start, len(texts))] if texts else []

    def translate(self, texts: Sequence[str], *, source: str, target: str) -> ExplainedTranslation:
        """Translate; blank texts are not sent, outer blanks stay as they are."""
        translations: list[str | None] = list(texts)
        failures: dict[int, str] = {}
        asked = [index for index, text in enumerate(texts) if text.strip()]
        with meter("provider", 1) as running:
            codes = self._codes(source, target) if asked else ("", "")
            for request in self.batches([texts[index] for index in asked]):
                indices = [asked[i] for i in request]
                try:
                    answers = self._ask([texts[index].strip() for index in indices], *codes)
                except _Rejected as rejected:  # one text alone; nobody is billed for it
                    translations[indices[0]], failures[indices[0]] = None, str(rejected)
                    continue
                running.add(Usage(requests=1, characters=sum(len(texts[index]) for index in indices)))
                for index, answer in zip(indices, answers, strict=True):
                    translations[index] = texts[index].replace(texts[index].strip(), answer, 1) if answer else None
                    if not answer:
                        failures[index] = "the server returned nothing"
            running.add(Usage(requests=0, characters=0))
        return ExplainedTranslation(tuple(translations), running.usage, failures)

    def _ask(self, texts: list[str], source: str, target: str) -> list[str]:
        """Send one request; `_Rejected` if the server does not take its only text."""
        written = [_as_html(text) for text in texts] if self._format == "html" else texts
        body: dict[str, Any] = {"q": written, "source": source, "target": target, "format": self._format}
        if os.environ.get(KEY) and not self.withheld:
            body["api_key"] = key_from(KEY, self.label)
        try:
            made = self._send("POST", "/translate", body).get("translatedText")
        except EngineCredential as refused:
            raise EngineCredential(f"{refused}; {self.withheld}" if self.withheld else str(refused)) from None
        except _Rejected as rejected:
            if len(texts) == 1:
                raise
            raise EngineError(f"{rejected}; lower max_texts or max_characters if they exceed its limits") from None
        if not isinstance(made, list) or len(made) != len(texts) or not all(isinstance(text, str) for text in made):
            raise EngineError(f"{self.url} did not answer with {len(texts)} translations; is it LibreTranslate?")
        return [text.strip() for text in made]

    def _codes(self, source: str, target: str) -> tuple[str, str]:
        """The server's own codes for two languages."""
        if not self._known:
            listed = self._send("GET", "/languages")
            self._known = {each["code"]: tuple(each.get("targets", ())) for each in listed["languages"]}
        found = _code(source, self._known)
        into = found and _code(target, self._known[found] or self._known)
        if not found or not into:
            known = self._known[found] if found else self._known
            raise ConfigError(f"{self.url} does not translate {source} to {target}; it has {', '.join(sorted(known))}")
        return found, into

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        return self._retrying(self._send_once, method, path, body)

    def _send_once(self, method: str, path: str, body: Mapping[str, Any] | None) -> dict[str, Any]:
        if self._client is None:
            self._client = httpx.Client(timeout=self._timeout)
            weakref.finalize(self, self._client.close)  # its connection is kept open from call to call
        try:
            response = self._client.request(method, self.url + path, json=body)
        except httpx.TimeoutException:
            raise _Unanswered(f"{self.url} did not answer in time; try again, or raise the engine's timeout") from None
        except httpx.TransportError as error:
            raise _Unanswered(f"{self.url} cannot be reached ({error}); start it, or set {URL}") from None
        if response.is_success:
            return _content(response, self.url)
        raise _failure(response, self.url)


class _Refused(EngineError):
    """The same request may succeed after ``wait`` seconds; 0 where the server does not say."""

    wait = 0.0


class _Unanswered(EngineTransient, _Refused):
    """No answer, or one that says that the server has a problem."""


class _TooMany(EngineQuota, _Refused):
    """The server asks to slow down."""


class _Rejected(EngineError):
    """The server does not take this request (400)."""


class _Wait:
    """Wait as long as the server says, else exponentially longer each time."""

    def __init__(self, pause: float) -> None:
        self._longer = wait_exponential(multiplier=pause, max=_LONGEST_WAIT) + wait_random(0, pause)

    def __call__(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        return (error.wait if isinstance(error, _Refused) else 0.0) or self._longer(state)


def _failure(response: httpx.Response, url: str) -> EngineError:
    status = response.status_code
    said = f"{url} answered {status}: {_message(response)}"
    if status in (401, 403):
        return EngineCredential(f"{said}; set {KEY} to a key of this server")
    if status == 429 or status >= 500:
        again = _TooMany(f"{said}; wait, or ask its operator") if status == 429 else _Unanswered(f"{said}; try again")
        again.wait = retry_after(response.headers)
        return again
    return _Rejected(said) if status == 400 else EngineError(f"{said}; check the url")


def _message(response: httpx.Response) -> str:
    """What the server says of an error, in one line, without the key should it repeat that."""
    try:
        said = str(response.json()["error"])
    except (ValueError, KeyError, TypeError):
        said = response.reason_phrase
    return one_line(said, (KEY,))


def _content(response: httpx.Response, url: str) -> dict[str, Any]:
    try:
        content = response.json()
    except ValueError:
        content = None
    if isinstance(content, list):  # /languages
        content = {"languages": [each for each in content if isinstance(each, dict) and "code" in each]}
    if not isinstance(content, dict):
        raise EngineError(f"{url} answered something that is not JSON; is it LibreTranslate?")
    return content


def _code(tag: str, known: Mapping[str, Any] | Sequence[str]) -> str:
    """The code of a language: the tag itself, its language alone, or that language in a script or region."""
    if tag in known:
        return tag
    kin = [code for code in known if primary(code) == primary(tag)]
    return primary(tag) if primary(tag) in kin else kin[0] if kin else ""


def _as_html(text: str) -> str:
    """Escape a text but for pairs of simple tags; the server sends it back unescaped."""

    def tags(escaped: str) -> str:
        return _ESCAPED_PAIR.sub(lambda pair: f"<{pair[1]}>{tags(pair[2])}</{pair[1]}>", escaped)

    return tags(html.escape(text, quote=False))
