"""What all engines behind an API share: batches, retries, partial failures and the meter.

An engine says what one request may hold, how a text is billed, and how its SDK is asked; the rest is here.

- Retries are counted here alone (the SDKs' own are off): back-off grows exponentially with jitter, and a wait that
  the service asks for (Retry-After) is kept.
- A request that the service cannot take is halved until the text that it cannot take is found; only that one fails.
- Blank text is not sent, nor is the same line twice in one request.
- Keys are read from the environment when the first request is sent, and are cut out of every message.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from crossfare.errors import ConfigError, EngineError, EngineQuota, EngineTransient
from crossfare.meter import meter
from crossfare.translate.engines.cutting import Cutter, Limits, Markup, Plan, distinct
from crossfare.translate.engines.faults import Fault, Passing, Refused, judged, one_line
from crossfare.translate.engines.markup import from_markup
from crossfare.translate.outcome import ExplainedTranslation
from crossfare.translate.sentences import Granularity, join
from crossfare.types import Usage, digest

VERSION = 1
LONGEST_WAIT = 300.0
"""Seconds: who is asked to wait longer is told so instead."""

_MALFORMED = (ValueError, TypeError, KeyError, AttributeError, IndexError)


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


@dataclass(slots=True)
class _Done:
    """The pieces answered so far, why others failed, and what was used."""

    texts: dict[str, str] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    usage: Usage = field(default_factory=lambda: Usage(requests=0, characters=0))


class RemoteEngine(ABC):
    """A translation service behind an API.

    An engine's attributes: ``registered`` and ``service``, its name and its label unless others are given; ``keys``,
    the environment variables that may hold a secret; ``limits`` of a request; ``tag_handling``, the markup whose
    tags the service keeps.

    Args:
        name: how specs, tables and prices call the engine.
        label: how tables explain it.
        endpoint: another address of the service than its own.
        tags: whether markers are sent as tags that the service is told to keep; else they are plain text.
        attempts: how often a request is sent before its failure counts.
        backoff: seconds before the second attempt; doubled for each further one.
        timeout: seconds to wait for an answer.
    """

    billing = "characters"
    granularity: Granularity = "document"
    registered: str
    service: str
    keys: tuple[str, ...] = ()
    limits: Limits
    tag_handling: Markup | None = None

    def __init__(
        self,
        *,
        name: str | None = None,
        label: str | None = None,
        endpoint: str | None = None,
        tags: bool = True,
        attempts: int = 6,
        backoff: float = 1.0,
        timeout: float = 60.0,
    ) -> None:
        self.name = name or self.registered
        self.label = label or self.service
        if attempts < 1 or backoff <= 0 or timeout <= 0:
            raise ConfigError(f"engine {self.name!r}: attempts must be at least 1, backoff and timeout above 0")
        self.endpoint = endpoint
        self.timeout = timeout
        self.tag_handling = self.markup = self.tag_handling if tags else None
        self._attempts = attempts
        self._backoff = backoff
        self._client: Any = None

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

    def check_pair(self, source: str, target: str) -> None:
        """ConfigError if it is known, without asking, that the service does not translate this pair."""
        self.codes(source, target)

    # -- what all of them do ----------------------------------------------------------------------

    @property
    def revision(self) -> str:
        """A hash of what is asked for; services change their models without telling."""
        return digest({"version": VERSION, "engine": type(self).__name__, "markup": self.markup, **self.identity()})

    @property
    def cutter(self) -> Cutter:
        """How texts are cut into requests."""
        return Cutter(self.limits, self.markup, self.label)

    def batches(self, texts: Sequence[str]) -> list[range]:
        """The requests that `translate` would send, in order, as ranges of ``texts``.

        Translating one range is one request. A text that is too long for a request is a range of its own and
        takes several; a range of blank texts takes none.
        """
        return self.cutter.batches(texts)

    def billed_characters(self, texts: Sequence[str], *, source: str) -> int:
        """Characters that the service would bill for translating ``texts``, if it answers every request at once."""
        cutter = self.cutter
        pieces = (distinct(cutter.plan(texts[i], source) for i in batch) for batch in cutter.batches(texts))
        return sum(self.billed(cutter.sent(piece)) for batch in pieces for piece in batch)

    def translate(self, texts: Sequence[str], *, source: str, target: str) -> ExplainedTranslation:
        """Translate ``texts``, batch by batch; what was answered before a failure is returned.

        Raises:
            ConfigError: the service does not know a language.
            EngineError: nothing could be done at all; its subclass says what to do.
        """
        route = Route(source, target, *self.codes(source, target))
        cutter = self.cutter
        plans = [cutter.plan(text, source) for text in texts]
        done = _Done()
        stopped = ""
        with meter("cpu") as running:
            for batch in cutter.batches(texts):
                try:
                    self._translate_pieces(distinct(plans[i] for i in batch), cutter, route, done)
                except EngineError as error:
                    if not done.texts:
                        raise
                    stopped = str(error)
                    break
        usage = replace(done.usage, seconds=running.usage.seconds, hardware=running.usage.hardware)
        return _assemble(plans, route, done, usage, stopped)

    def _translate_pieces(self, pieces: Sequence[str], cutter: Cutter, route: Route, done: _Done) -> None:
        """Translate the pieces of one batch: in one request, unless a text is too long for that."""
        for request in cutter.requests(pieces):
            self._ask(request, cutter, route, done)
        if len(pieces) > 1 and not done.usage.requests:  # not one bad text: something is wrong with every request
            raise EngineError(done.failures[pieces[0]])

    def _ask(self, pieces: Sequence[str], cutter: Cutter, route: Route, done: _Done) -> None:
        """Send one request; halve it where the service cannot take it, until the piece that it cannot take is found."""
        try:
            answer = self._answered([cutter.sent(piece) for piece in pieces], route)
        except Refused as refused:
            done.usage = done.usage + refused.usage
            if len(pieces) == 1:
                done.failures[pieces[0]] = str(refused)
                return
            middle = len(pieces) // 2
            self._ask(pieces[:middle], cutter, route, done)
            self._ask(pieces[middle:], cutter, route, done)
            return
        done.usage = done.usage + _usage(answer)
        for piece, text in zip(pieces, answer.texts, strict=True):
            if text is None or not text.strip():
                done.failures[piece] = f"{self.label} returned nothing for it"
            else:
                done.texts[piece] = (from_markup(text) if self.markup else text).strip()

    def _answered(self, sent: Sequence[str], route: Route) -> Answer:
        """Send one request, again and again while that may help; the answer says what is billed."""
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
        counted = answer._replace(characters=sum(map(self.billed, sent)))
        if len(answer.texts) != len(sent):
            raise Refused(f"{self.label} returned {len(answer.texts)} translations for {len(sent)}", _usage(counted))
        return counted if answer.characters is None else answer

    def _once(self, sent: Sequence[str], route: Route) -> Answer:
        if self._client is None:
            self._client = self.connect()
        try:
            answer = self.send(self._client, sent, route)
            if not answer.texts:
                raise ValueError("no translations")
        except (EngineError, ConfigError):
            raise
        except Exception as error:  # whatever the SDK raises; it may quote the key, so it is not kept as the cause
            found = self.fault(error)
            if found is None and not isinstance(error, _MALFORMED):
                raise
            found = found or Fault(200, error)
            raise (judged(found, self.label, self.keys) if isinstance(found, Fault) else found) from None
        return answer

    def one_line(self, detail: object) -> str:
        """A message in one line, without any key."""
        return one_line(detail, self.keys)


def service_code(tag: str, names: Mapping[str, str]) -> str:
    """What a service calls a language: by ``names`` ("zh-hant", "zh-tw", "zh"), else the tag's primary language."""
    language, *subtags = tag.replace("_", "-").lower().split("-")
    for key in (*(f"{language}-{subtag}" for subtag in subtags), language):
        if key in names:
            return names[key]
    return language


def _usage(answer: Answer) -> Usage:
    return Usage(
        requests=1,
        characters=answer.characters,
        input_tokens=answer.input_tokens,
        output_tokens=answer.output_tokens,
    )


def _assemble(plans: Sequence[Plan], route: Route, done: _Done, usage: Usage, stopped: str) -> ExplainedTranslation:
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
