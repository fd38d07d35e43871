"""LibreTranslate, by its JSON API: a server of one's own, or a hosted one.

The key of a server that asks for one is read from $LIBRETRANSLATE_API_KEY, and nowhere else.
"""

from __future__ import annotations

import html
import os
import re
import weakref
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from crossfare.errors import ConfigError, CrossfareError
from crossfare.languages.codes import OPTION, find_code, listed, offers
from crossfare.settings import Count, NotNegative
from crossfare.translate.engines.attempts import patiently
from crossfare.translate.engines.cutting import Cutter, CutText, RequestLimits
from crossfare.translate.engines.faults import Fault
from crossfare.translate.engines.receiving import bounding
from crossfare.translate.engines.remote import Answer, RemoteEngine, Route
from crossfare.translate.sentences import Granularity
from crossfare.types import digest

if TYPE_CHECKING:
    import httpx

VERSION = 1
KEY = "LIBRETRANSLATE_API_KEY"
URL = "LIBRETRANSLATE_URL"
_SHORTEST_PAUSE = 0.001
_ESCAPED_PAIR = re.compile(r"&lt;([A-Za-z][A-Za-z0-9]*)&gt;(.*?)&lt;/\1&gt;", re.DOTALL)


@dataclass(kw_only=True, eq=False, repr=False)
class LibreTranslateEngine(RemoteEngine):
    """A LibreTranslate server.

    Args:
        url: the server; $LIBRETRANSLATE_URL, or one on this machine, by default.
        format: "html" keeps simple tags, such as the delimiters round an answer, where they belong;
            "text" shows them to the model as text.
        max_texts, max_characters: what one request holds (the server's --batch-limit and --char-limit;
            the defaults fit the hosted service). A longer text goes alone.
        pause: seconds before the second attempt, where the server does not say; about twice as many before the next.

    Further arguments and errors: see `RemoteEngine`.
    """

    registered = "libretranslate"
    service = "LibreTranslate"
    keys = (KEY,)
    own_hosts = ("libretranslate.com",)
    endpoint_variable = URL
    needs_key = False

    url: str | None = None
    format: Literal["text", "html"] = "text"
    max_texts: Count = 50
    max_characters: Count = 2000
    attempts: Count = 5
    pause: NotNegative = 1.0
    granularity: Granularity = "document"
    label: str = field(init=False, default="")
    endpoint: str | None = field(init=False)
    tags: bool = field(init=False, default=True)
    backoff: float = field(init=False)

    def __post_init__(self) -> None:
        self.endpoint = self.url
        self.backoff = max(self.pause, _SHORTEST_PAUSE)
        super().__post_init__()
        self.url = (self.address.url or f"http://{self.vendor_host()}").rstrip("/")
        self.limits = RequestLimits(self.max_texts, self.max_characters)
        self.marked_by_tags = self.format == "html"
        self._known: dict[str, tuple[str, ...]] = {}

    def vendor_host(self) -> str:
        """A server on this machine."""
        return "localhost:5000"

    @property
    def revision(self) -> str:
        """A hash of what is asked for, and where."""
        own = {"codes": self.codes} if self.codes else {}
        return digest({"version": VERSION, "url": self.url, "format": self.format, **own})

    @property
    def cutter(self) -> Cutter:
        """Texts go whole: the server cuts them."""
        return _Whole(self.limits, None, self.label, self.format == "html")

    def billed(self, sent: str) -> int:
        """Code points of the text that is meant."""
        return len(html.unescape(sent)) if self.format == "html" else len(sent)

    def called(self, source: str, target: str) -> tuple[str, str]:
        """The server's own codes for two languages; it is asked once which it has.

        Raises:
            ConfigError: it does not translate the one into the other.
        """
        self._known = self._known or patiently(self._languages, self.patience, self.traffic)
        found = find_code(source, offers(self._known), self.codes, reading=True)
        written = self._known[found] or tuple(self._known) if found else ()
        into = find_code(target, offers(written), self.codes)
        if not found or not into:
            missing, known = (target, written) if found else (source, self._known)
            raise ConfigError(
                f"{self.url} does not translate {source} to {target}; {listed(missing, offers(known))}; {OPTION}"
            )
        return found, into

    def revision_for(self, source: str, target: str) -> str:
        """The revision; of a variant, which once had the code of another where the server lists several, a new one."""
        variants = [tag for tag in (source, target) if "-" in tag and tag not in self.codes]
        return f"{self.revision}+{digest(['variants', *variants], 8)}" if variants else self.revision

    def _languages(self) -> dict[str, tuple[str, ...]]:
        try:
            listed = self.client.get(f"{self.url}/languages").raise_for_status().json()
            return {each["code"]: tuple(each.get("targets", ())) for each in listed}
        except Exception as error:
            raise self.meant(error) from None

    def connect(self) -> httpx.Client:
        """Make the client, whose connection is kept open from call to call."""
        import httpx

        client = httpx.Client(timeout=self.timeout, event_hooks=bounding(self.timeout))
        weakref.finalize(self, client.close)
        return client

    def send(self, client: httpx.Client, texts: Sequence[str], route: Route) -> Answer:
        """Translate in one request."""
        body: dict[str, Any] = {
            "q": list(texts),
            "source": route.source_code,
            "target": route.target_code,
            "format": self.format,
        }
        if os.environ.get(KEY) and not self.withheld:
            body["api_key"] = self.key()
        made = client.post(f"{self.url}/translate", json=body).raise_for_status().json()["translatedText"]
        if not isinstance(made, list) or not all(isinstance(text, str) for text in made):
            raise TypeError(f"no list of translations; is {self.url} LibreTranslate?")
        return Answer(made)

    def fault(self, error: Exception) -> Fault | CrossfareError | None:
        """What an exception of httpx means."""
        import httpx

        if isinstance(error, httpx.HTTPStatusError):
            response, said = error.response, _message(error.response)
            if response.status_code in (401, 403) and self.withheld:
                said += f"; {self.withheld}"
            return Fault(response.status_code, said, response.headers)
        if isinstance(error, httpx.TimeoutException):
            return Fault(None, f"no answer from {self.url} within {self.timeout:g} s; raise the engine's timeout")
        if isinstance(error, httpx.DecodingError):
            return Fault(200, error)
        if isinstance(error, httpx.TransportError):
            return Fault(None, f"{self.url} ({error}); start it, or set {URL}")
        return None


@dataclass(frozen=True, slots=True)
class _Whole(Cutter):
    """Sends texts whole, line ends and all, as ``html`` or as they are."""

    html: bool = False

    def sent(self, piece: str) -> str:
        """A text as it is sent; the server sends it back unescaped."""
        return _as_html(piece) if self.html else piece

    def batches(self, texts: Sequence[str]) -> list[range]:
        """Cut texts into requests, in their order."""
        made: list[range] = []
        start = size = 0
        for index, text in enumerate(texts):
            if index > start and (index - start == self.limits.texts or size + len(text) > self.limits.size):
                made.append(range(start, index))
                start, size = index, 0
            size += len(text)
        return [*made, range(start, len(texts))] if texts else []

    def plan(self, text: str, language: str) -> CutText:  # noqa: ARG002 - nothing is cut
        """All of a text but its outer blanks."""
        if unreadable := self._unreadable(text):
            return CutText(text, failure=unreadable)
        core = text.strip()
        start = text.index(core)
        return CutText(text, ((start, start + len(core)),) if core else ())

    def requests(self, pieces: Iterable[str]) -> list[list[str]]:
        """One request: each batch is within the limits, or a long text alone."""
        together = list(pieces)
        return [together] if together else []


def _message(response: httpx.Response) -> str:
    """What the server says of an error."""
    try:
        return str(response.json()["error"])
    except (ValueError, KeyError, TypeError):
        return response.reason_phrase


def _as_html(text: str) -> str:
    """Escape a text but for pairs of simple tags; the server sends it back unescaped."""

    def tags(escaped: str) -> str:
        return _ESCAPED_PAIR.sub(lambda pair: f"<{pair[1]}>{tags(pair[2])}</{pair[1]}>", escaped)

    return tags(html.escape(text, quote=False))
