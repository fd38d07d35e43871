"""What all engines behind an API share: batches, long texts, markers, retries, failures and the meter.

An engine says what one request may hold, how a text is billed, and how its SDK is asked; the rest is here.

- A text is cut at its line ends, which services do not keep reliably; a line that is too long for a request is cut
  at sentence borders, never inside a pair of markers. Blank text is not sent, nor is a line twice in one request.
- Retries are counted here alone (the SDKs' own are off): back-off grows exponentially with jitter, and a wait that
  the service asks for (Retry-After) is kept.
- A request that the service refuses to read is halved until the text it cannot take is found; only that one fails.
- Keys are read from the environment when the first request is sent, and are cut out of every message.
"""

from __future__ import annotations

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal, NamedTuple

from crossfare.errors import (
    ConfigError,
    EngineCredential,
    EngineError,
    EngineQuota,
    EngineTransient,
    EngineUnavailable,
)
from crossfare.meter import meter
from crossfare.translate.engines.markup import from_markup, marker_pairs, not_xml, to_markup
from crossfare.translate.outcome import ExplainedTranslation
from crossfare.translate.sentences import Granularity, Span, join, merge_over, segment_spans
from crossfare.types import Usage, digest

VERSION = 1
LONGEST_WAIT = 300.0
"""Seconds: who is asked to wait longer is told so instead."""

_LINE = re.compile(r"[^\n\r\u2028\u2029]+")
_DETAIL = 200
_SHORTEST_KEY = 6
_MALFORMED = (ValueError, TypeError, KeyError, AttributeError, IndexError)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may hold: so many texts, and so many characters or bytes of text in all."""

    texts: int
    size: int
    unit: Literal["code-point", "utf-16", "byte"] = "code-point"

    def measure(self, text: str) -> int:
        """Size of a text as the limit counts it."""
        if self.unit == "code-point":
            return len(text)
        return utf16_units(text) if self.unit == "utf-16" else len(text.encode())


class Route(NamedTuple):
    """A language pair, as tags and as the service calls it."""

    source: str
    target: str
    source_code: str
    target_code: str


class Answer(NamedTuple):
    """What a service returned for one request: a translation for each text, and what it says it bills.

    A text it has no translation for is None or blank. ``characters`` is None where the service does not say.
    """

    texts: Sequence[str | None]
    characters: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """A request that brought no answer (``status`` None), or a refusal: what an SDK's exception says."""

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


@dataclass(frozen=True, slots=True)
class _Plan:
    """How a text is sent: the spans of its pieces, or why it cannot be."""

    text: str
    spans: tuple[Span, ...] = ()
    failure: str = ""

    @property
    def pieces(self) -> list[str]:
        return [self.text[start:end] for start, end in self.spans]


@dataclass(slots=True)
class _Done:
    """The pieces answered so far, why others failed, and what was used."""

    texts: dict[str, str] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    usage: Usage = field(default_factory=lambda: Usage(requests=0, characters=0))


class RemoteEngine(ABC):
    """A translation service behind an API.

    Class attributes of an engine: ``keys``, the environment variables that may hold a secret; ``extra``, what is
    installed for it; ``limits`` of a request; ``tag_handling``, the markup whose tags the service keeps.

    Args:
        name: how specs, tables and prices call the engine.
        label: how tables explain it.
        tags: whether markers are sent as tags that the service is told to keep; else they are plain text.
        attempts: how often a request is sent before its failure counts.
        backoff: seconds before the second attempt; doubled for each further one.
        timeout: seconds to wait for an answer.
    """

    billing = "characters"
    granularity: Granularity = "document"
    keys: tuple[str, ...] = ()
    extra: str
    limits: Limits
    tag_handling: Literal["html", "xml"] | None = None

    def __init__(
        self, *, name: str, label: str, tags: bool = True, attempts: int = 6, backoff: float = 1.0, timeout: float = 60
    ) -> None:
        if attempts < 1 or backoff <= 0 or timeout <= 0:
            raise ConfigError(f"engine {name!r}: attempts must be at least 1, backoff and timeout above 0")
        self.name = name
        self.label = label
        self.timeout = timeout
        self._markup = self.tag_handling if tags else None
        self._attempts = attempts
        self._backoff = backoff
        self._made: Any = None

    # -- what an engine says ----------------------------------------------------------------------

    @abstractmethod
    def codes(self, source: str, target: str) -> tuple[str, str]:
        """What the service calls the two languages."""

    @abstractmethod
    def connect(self) -> Any:
        """Make the SDK's client, its own retries off.

        Raises:
            EngineCredential: no key is set.
        """

    @abstractmethod
    def send(self, client: Any, texts: Sequence[str], route: Route) -> Answer:
        """Send one request; exceptions of the SDK are left to `fault`."""

    @abstractmethod
    def fault(self, error: Exception) -> Fault | EngineError | ConfigError | None:
        """What an exception of the SDK means; None if it is not one of the SDK's."""

    def billed(self, sent: str) -> int:
        """Characters that the service bills for one text of a request, as it is sent."""
        return len(sent)

    def identity(self) -> dict[str, Any]:
        """What changes the result, beside the name of the engine's class."""
        return {}

    # -- what all of them do ----------------------------------------------------------------------

    @property
    def revision(self) -> str:
        """A hash of what is asked for; services change their models without telling."""
        asked = {"version": VERSION, "engine": type(self).__name__, "markup": self._markup, **self.identity()}
        return digest(asked)

    def batches(self, texts: Sequence[str]) -> list[range]:
        """The requests that `translate` would send, in order, as ranges of ``texts``.

        Translating one range is one request. A text that is too long for a request is a range of its own and
        takes several; a range of blank texts takes none.
        """
        ranges: list[range] = []
        start = count = size = 0
        for index, text in enumerate(texts):
            sent = [self._sent(text[first:last]) for first, last in _lines(text)]
            more = sum(map(self.limits.measure, sent))
            if count and sent and (count + len(sent) > self.limits.texts or size + more > self.limits.size):
                ranges.append(range(start, index))
                start, count, size = index, 0, 0
            count += len(sent)
            size += more
        return [*ranges, range(start, len(texts))] if len(texts) else []

    def billed_characters(self, texts: Sequence[str], *, source: str) -> int:
        """Characters that translating ``texts`` would be billed for, with one request for each of `batches`."""
        return sum(
            sum(self.billed(self._sent(piece)) for piece in _distinct([self._plan(texts[i], source) for i in batch]))
            for batch in self.batches(texts)
        )

    def translate(self, texts: Sequence[str], *, source: str, target: str) -> ExplainedTranslation:
        """Translate ``texts``, batch by batch; what was answered before a failure is returned.

        Raises:
            ConfigError: the service does not know a language.
            EngineError: nothing could be done at all; its subclass says what to do.
        """
        route = Route(source, target, *self.codes(source, target))
        plans = [self._plan(text, source) for text in texts]
        done = _Done()
        stopped = ""
        with meter("cpu") as running:
            for batch in self.batches(texts):
                try:
                    self._translate_pieces(_distinct([plans[i] for i in batch]), route, done)
                except EngineError as error:
                    if not done.texts:
                        raise
                    stopped = str(error)
                    break
        usage = replace(done.usage, seconds=running.usage.seconds, hardware=running.usage.hardware)
        return _assemble(plans, route, done, usage, stopped)

    def _plan(self, text: str, language: str) -> _Plan:
        """Cut a text into what is sent at once."""
        try:
            text.encode()
        except UnicodeEncodeError:
            return _Plan(text, failure="holds half a surrogate pair: not Unicode text")
        if self._markup == "xml" and (found := not_xml(text)):
            return _Plan(text, failure=f"holds the control character {found}, which XML cannot; use tags: false")
        spans: list[Span] = []
        for start, end in _lines(text):
            if self._fits(text[start:end]):
                spans.append((start, end))
                continue
            for first, last in self._sentences(text[start:end], language):
                spans.append((start + first, start + last))
                if not self._fits(text[start + first : start + last]):
                    size = self.limits.measure(self._sent(text[start + first : start + last]))
                    return _Plan(
                        text,
                        failure=f"a sentence of {size:,} {_UNITS[self.limits.unit]} is too long: "
                        f"{self.label} takes {self.limits.size:,} at once",
                    )
        return _Plan(text, tuple(spans))

    def _sentences(self, line: str, language: str) -> list[Span]:
        """Cut a line at sentence borders into as few pieces as fit."""
        sentences = _keep_pairs(line, segment_spans(line, language, "sentence"))
        pieces: list[Span] = []
        for start, end in sentences:
            if pieces and self._fits(line[pieces[-1][0] : end]):
                pieces[-1] = (pieces[-1][0], end)
            else:
                pieces.append((start, end))
        return pieces

    def _sent(self, piece: str) -> str:
        return to_markup(piece) if self._markup else piece

    def _fits(self, piece: str) -> bool:
        return self.limits.measure(self._sent(piece)) <= self.limits.size

    def _translate_pieces(self, pieces: Sequence[str], route: Route, done: _Done) -> None:
        """Translate pieces in as few requests as the limits allow: one, unless a text is too long for that."""
        request: list[str] = []
        size = 0
        for piece in pieces:
            more = self.limits.measure(self._sent(piece))
            if request and (len(request) == self.limits.texts or size + more > self.limits.size):
                self._ask(request, route, done)
                request, size = [], 0
            request.append(piece)
            size += more
        if request:
            self._ask(request, route, done)
        if len(pieces) > 1 and not done.usage.requests:  # not one bad text: something is wrong with every request
            raise EngineError(done.failures[pieces[0]])

    def _ask(self, pieces: Sequence[str], route: Route, done: _Done) -> None:
        """Send one request; halve it where the service cannot take it, until the piece that it cannot take is found."""
        try:
            answer = self._answered([self._sent(piece) for piece in pieces], route)
        except Refused as refused:
            done.usage = done.usage + refused.usage
            if len(pieces) == 1:
                done.failures[pieces[0]] = str(refused)
                return
            middle = len(pieces) // 2
            self._ask(pieces[:middle], route, done)
            self._ask(pieces[middle:], route, done)
            return
        done.usage = done.usage + self._usage(pieces, answer)
        for piece, text in zip(pieces, answer.texts, strict=True):
            if text is None or not text.strip():
                done.failures[piece] = f"{self.label} returned nothing for it"
            else:
                done.texts[piece] = (from_markup(text) if self._markup else text).strip()

    def _answered(self, sent: Sequence[str], route: Route) -> Answer:
        """Send one request, again and again while that may help."""
        from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential, wait_random

        growing = wait_exponential(self._backoff, max=LONGEST_WAIT) + wait_random(0, self._backoff)
        tries = Retrying(
            retry=retry_if_exception_type(Passing),
            stop=lambda state: stop_after_attempt(self._attempts)(state) or _asked_wait(state) > LONGEST_WAIT,
            wait=lambda state: max(growing(state), _asked_wait(state)),
            reraise=True,
        )
        try:
            answer: Answer = tries(self._once, sent, route)
        except Passing as error:
            often = f"{error} ({tries.statistics['attempt_number']} attempts)"
            if error.wait > LONGEST_WAIT:
                often += f"; it asks to wait {error.wait:.0f} s"
            if error.status == 429:
                raise EngineQuota(f"{often}; wait, or raise the quota at the provider") from None
            raise EngineTransient(f"{often}; run again later, what was answered is kept") from None
        if len(answer.texts) != len(sent):
            raise Refused(
                f"{self.label} returned {len(answer.texts)} translations for {len(sent)} texts",
                self._usage(sent, answer),
            )
        return answer

    def _once(self, sent: Sequence[str], route: Route) -> Answer:
        if self._made is None:
            self._made = self.connect()
        try:
            return self.send(self._made, sent, route)
        except (EngineError, ConfigError):
            raise
        except Exception as error:  # whatever the SDK raises; it may quote the key, so it is not kept as the cause
            found = self.fault(error)
            if found is None and not isinstance(error, _MALFORMED):
                raise
            if found is None:
                found = Passing(f"{self.label} answered what is not its format ({self._line(error)})")
            raise (self._judge(found) if isinstance(found, Fault) else found) from None

    def _judge(self, fault: Fault) -> EngineError:
        """Choose the error by what can be done about it."""
        status, detail = fault.status, self._line(fault.detail)
        if status is None:
            return Passing(f"{self.label} cannot be reached, or did not answer within {self.timeout:g} s: {detail}")
        said = f"{self.label} said {status}: {detail}"
        if status in (408, 425, 429) or status >= 500:
            return Passing(said, status, _retry_after(fault.headers))
        if status in (401, 403):
            return EngineCredential(f"{said}; check the key in {' or '.join(self.keys)}")
        if status in (402, 456):
            return EngineQuota(f"{said}; wait for the next billing period, or raise the limit at the provider")
        if status == 404:
            return EngineUnavailable(f"{said}; check the engine's options (endpoint, model)")
        return Refused(said)

    def _usage(self, pieces: Sequence[str], answer: Answer) -> Usage:
        """What a request is billed: as the service says, else by its published rule."""
        counted = sum(self.billed(self._sent(piece)) for piece in pieces)
        characters = counted if answer.characters is None else answer.characters
        return Usage(
            requests=1, characters=characters, input_tokens=answer.input_tokens, output_tokens=answer.output_tokens
        )

    def _line(self, detail: object) -> str:
        """The first line of a message, without any key."""
        line = " ".join(str(detail).split()) or type(detail).__name__
        for key in self.keys:
            secret = os.environ.get(key, "")
            if len(secret) >= _SHORTEST_KEY:
                line = line.replace(secret, "***")
        return line if len(line) <= _DETAIL else f"{line[:_DETAIL]}..."


_UNITS = {"code-point": "characters", "utf-16": "characters", "byte": "bytes"}


def key_from(variable: str, label: str) -> str:
    """Read a key from the environment.

    Raises:
        EngineCredential: it is not set.
    """
    key = os.environ.get(variable, "").strip()
    if not key:
        raise EngineCredential(f"{label} needs a key: set {variable} in the environment")
    return key


def service_code(tag: str, names: Mapping[str, str]) -> str:
    """What a service calls a language: by ``names`` ("zh-hant", "zh-tw", "zh"), else the tag's primary language."""
    language, *subtags = tag.replace("_", "-").lower().split("-")
    for key in (*(f"{language}-{subtag}" for subtag in subtags), language):
        if key in names:
            return names[key]
    return language


def utf16_units(text: str) -> int:
    """Length in UTF-16 units: characters outside the basic plane count twice."""
    return len(text.encode("utf-16-le")) // 2


def _lines(text: str) -> tuple[Span, ...]:
    """The lines that are not blank, without outer blanks; a pair of markers keeps its lines together."""
    spans: list[Span] = []
    for line in _LINE.finditer(text):
        core = line[0].strip()
        if core:
            start = line.start() + line[0].index(core[0])
            spans.append((start, start + len(core)))
    return _keep_pairs(text, tuple(spans))


def _keep_pairs(text: str, spans: tuple[Span, ...]) -> tuple[Span, ...]:
    """Merge the spans that a pair of markers crosses."""
    if len(spans) > 1:
        for opening, closing in marker_pairs(text):
            spans, _ = merge_over(spans, opening.start(), closing.end())
    return spans


def _distinct(plans: Sequence[_Plan]) -> list[str]:
    return list(dict.fromkeys(piece for plan in plans if not plan.failure for piece in plan.pieces))


def _assemble(plans: Sequence[_Plan], route: Route, done: _Done, usage: Usage, stopped: str) -> ExplainedTranslation:
    """Put the translated pieces back between the line ends and blanks of their texts."""
    texts: list[str | None] = []
    failures: dict[int, str] = {}
    for index, plan in enumerate(plans):
        lost = next((piece for piece in plan.pieces if piece not in done.texts), None)
        if plan.failure or lost is not None:
            failures[index] = plan.failure or done.failures.get(lost or "", stopped)
            texts.append(None)
            continue
        translations = [done.texts[piece] for piece in plan.pieces]
        texts.append("".join(join(plan.text, plan.spans, translations, source=route.source, target=route.target)))
    return ExplainedTranslation(tuple(texts), usage, failures)


def _asked_wait(state: Any) -> float:
    error = state.outcome.exception() if state.outcome else None
    return error.wait if isinstance(error, Passing) else 0.0


def _retry_after(headers: Mapping[str, str]) -> float:
    """Seconds that a response asks to wait: a number, or a date (RFC 9110, section 10.2.3)."""
    value = {key.lower(): text for key, text in headers.items()}.get("retry-after", "")
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return 0.0
