"""What all engines behind an API share: batches, retries, partial failures and the meter.

An engine says what one request may hold, how a text is billed, and how its SDK is asked; the rest is here.

- Retries are counted here alone (the SDKs' own are off): back-off grows exponentially with jitter, and a wait that
  the service asks for (Retry-After) is kept. Each is paid for like the first (`attempts`).
- Several threads may ask at once: all of them share how many requests are in flight, and how fast they follow
  (`traffic`).
- A request that fails is halved until the text that fails is found; only that one is lost, unless it is the service
  that fails (`isolation`).
- Blank text is not sent, nor is the same line twice in one request.
- Keys are read from the environment when the first request is sent, and are cut out of every message.
"""

from __future__ import annotations

import os
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, ClassVar, Literal, NamedTuple

from crossfare.errors import BudgetExceeded, ConfigError, CrossfareError, EngineCredential, EngineError
from crossfare.languages.codes import OPTION, find_code, listed, named
from crossfare.meter import PROVIDER
from crossfare.settings import CONCURRENCY, Count, Positive
from crossfare.translate.engines import declared
from crossfare.translate.engines.attempts import Answer, Attempts, Patience
from crossfare.translate.engines.cutting import Cutter, CutText, Markup, RequestLimits, distinct
from crossfare.translate.engines.faults import Fault, judged, key_from, never_sent, one_line
from crossfare.translate.engines.hosts import UNNAMED, Address, address
from crossfare.translate.engines.isolation import Health, Isolation
from crossfare.translate.engines.traffic import Traffic
from crossfare.translate.outcome import ExplainedTranslation
from crossfare.translate.sentences import Granularity, join
from crossfare.types import Paying, Usage, digest

__all__ = ["Answer", "RemoteEngine", "Route"]

VERSION = 1

_MALFORMED = (ValueError, TypeError, KeyError, AttributeError, IndexError)


@contextmanager
def free(_texts: Sequence[str], _most: Usage) -> Iterator[Any]:
    """Let a request be sent whatever it costs (see `Paying`)."""
    yield lambda _usage: None


class Route(NamedTuple):
    """A language pair, as tags and as the service calls it."""

    source: str
    target: str
    source_code: str
    target_code: str


@dataclass(kw_only=True, eq=False, repr=False)
class RemoteEngine(ABC):
    """A translation service behind an API.

    An engine's attributes: ``registered`` and ``service``, its name and its label unless others are given; ``keys``,
    the environment variables that may hold a secret; ``limits`` of a request; ``tag_handling``, the markup whose
    tags the service keeps; ``offered``, what it calls the languages it has, each with the tag that it means;
    ``own_hosts``, where its vendor has its keys sent, ``endpoint_variable``, where else the user has them sent, and
    ``needs_key``, whether nothing can be asked without one; ``shared_client``, whether threads may share the SDK's
    client. ``trusted`` is set to False where the options are those of
    a spec.

    Args:
        name: how specs, tables and prices call the engine.
        label: how tables explain it.
        endpoint: another address of the service than its own.
        tags: whether markers are sent as tags that the service is told to keep; else they are plain text.
        attempts: how often a request is sent before its failure counts.
        backoff: seconds before the second attempt; doubled for each further one.
        timeout: seconds to wait for an answer.
        codes: what the service calls a language, by its tag, where that is not what is known here: {"zh-TW": "zt"}.
        devices: how many devices serve a request of an engine of one's own; where device time is billed, each second
            in which requests are on their way is a second of all of them. A part of one is the share that serves us.
        concurrency: how many requests may be in flight; by default as the registry says of the service.
            $CROSSFARE_CONCURRENCY says so of all engines.
        rate: how many "requests" and "characters" may be sent a minute.
    """

    name: str = ""
    label: str = ""
    endpoint: str | None = None
    tags: bool = True
    attempts: Count = 6
    backoff: Positive = 1.0
    timeout: Positive = 60.0
    codes: Mapping[str, str] = field(default_factory=dict)
    devices: Positive = 1
    concurrency: Count | None = None
    rate: Mapping[Literal["requests", "characters"], Positive] = field(default_factory=dict)

    registered: ClassVar[str]
    service: ClassVar[str]
    billing: ClassVar[str] = "characters"
    offered: ClassVar[Mapping[str, str] | None] = None
    own_hosts: ClassVar[tuple[str, ...]] = ()
    endpoint_variable: ClassVar[str] = ""
    needs_key: ClassVar[bool] = True
    shared_client: ClassVar[bool] = True
    # An engine may set them by its options.
    granularity: Granularity = field(init=False, default="document")
    keys: tuple[str, ...] = field(init=False, default=())
    limits: RequestLimits = field(init=False)
    tag_handling: Markup | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.name = self.name or self.registered
        self.label = self.label or self.service
        self.trusted = True
        self.codes = named(self.codes)
        self.tag_handling = self.markup = self.tag_handling if self.tags else None
        self.patience = Patience(self.attempts, self.backoff)
        self.concurrency = _asked_for() or self.concurrency or declared(self.registered).in_flight
        self.traffic = Traffic(self.concurrency, self.rate)
        self._client: Any = SimpleNamespace() if self.shared_client else threading.local()
        self._connecting = threading.Lock()
        self._health: dict[tuple[str, str], Health] = {}
        _ = self.address  # one that is none is told before anything is planned

    # -- where texts and the key go ---------------------------------------------------------------

    @property
    def address(self) -> Address:
        """Where requests go: by option, by the environment, or to the vendor's own address."""
        return address(self.endpoint, self.endpoint_variable, self.own_hosts, trusted=self.trusted, engine=self.name)

    @property
    def host(self) -> str:
        """The host that texts are sent to."""
        return self.address.host or self.vendor_host()

    @property
    def withheld(self) -> str:
        """Why no key is sent there; empty if one is."""
        return self.address.withheld

    def vendor_host(self) -> str:
        """The host that the SDK asks unless it is told another."""
        return self.own_hosts[0] if self.own_hosts else UNNAMED

    def key(self) -> str:
        """The key to send.

        Raises:
            EngineCredential: none is set, or none may be sent there.
        """
        if self.withheld:
            raise EngineCredential(f"{self.label}: {self.withheld}")
        return key_from(self.keys[0], self.label)

    # -- what an engine says ----------------------------------------------------------------------

    def called(self, source: str, target: str) -> tuple[str, str]:
        """What the service calls the two languages.

        Raises:
            ConfigError: it is not known to have one of them.
        """
        return self._called(source, reading=True), self._called(target)

    def _called(self, tag: str, *, reading: bool = False) -> str:
        """What it calls a language to read, or to write; a code that the user names may be newer than those known."""
        offered = {tag: tag} if self.offered is None else self.offered
        code = find_code(tag, offered, self.codes, complete=False, reading=reading)
        if code is None:
            raise ConfigError(
                f"{self.label} is not known to have the language {tag!r}; {listed(tag, offered)}; {OPTION}"
            )
        return code

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
    def fault(self, error: Exception) -> Fault | CrossfareError | None:
        """What an exception of the SDK means; None if it is not one of the SDK's."""

    def billed(self, sent: str) -> int:
        """Characters that the service bills for one text of a request, as it is sent."""
        return len(sent)

    def identity(self) -> dict[str, Any]:
        """What changes the result, beside the name of the engine's class."""
        return {}

    def check_pair(self, source: str, target: str) -> None:
        """ConfigError if it is known, without asking, that the service does not translate this pair."""
        self.called(source, target)

    # -- what all of them do ----------------------------------------------------------------------

    @property
    def client(self) -> Any:
        """The SDK's client, made when it is first needed.

        Raises:
            ConfigError: the environment names a proxy or certificates that are none; they are not repeated.
        """
        with self._connecting:
            if not hasattr(self._client, "made"):
                self._client.made = self._connected()
        return self._client.made

    def _connected(self) -> Any:
        try:
            return self.connect()
        except Exception as error:
            if not isinstance(error, (ValueError, OSError)) and type(error).__name__ != "InvalidURL":
                raise
            raise ConfigError(
                f"{self.label} cannot be set up ({type(error).__name__}): check what the environment says of "
                "proxies, certificates and credentials"
            ) from None

    @property
    def revision(self) -> str:
        """A hash of what is asked for; services change their models without telling."""
        own = {"codes": self.codes} if self.codes else {}
        return digest(
            {"version": VERSION, "engine": type(self).__name__, "markup": self.markup, **own, **self.identity()}
        )

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

    def itemised(self, texts: Sequence[str], *, source: str) -> Iterator[tuple[list[str], Usage]]:
        """The requests that `translate` would send, and the characters that each is billed for (see `Itemised`)."""
        cutter = self.cutter
        for pieces in _requests(cutter, texts, [cutter.plan(text, source) for text in texts]):
            sent = [cutter.sent(piece) for piece in pieces]
            yield sent, Usage(requests=1, characters=sum(map(self.billed, sent)))

    def translate(self, texts: Sequence[str], *, source: str, target: str) -> ExplainedTranslation:
        """Translate ``texts``, batch by batch; what was answered before a failure is returned.

        Raises:
            ConfigError: the service does not know a language.
            EngineError: nothing could be done at all; its subclass says what to do.
        """
        return self.translate_paying(texts, source=source, target=target, paying=free)

    def translate_paying(
        self, texts: Sequence[str], *, source: str, target: str, paying: Paying
    ) -> ExplainedTranslation:
        """The same, every attempt paid for as `Paying` says; what was answered before the money ended is returned."""
        cutter = self.cutter
        plans = [cutter.plan(text, source) for text in texts]
        stopped: BaseException | None = None
        began = time.thread_time()
        with self.traffic.call():
            route = Route(source, target, *(self.called(source, target) if any(p.spans for p in plans) else ("", "")))
            asked = self._asking(cutter, route, paying)
            try:
                for request in _requests(cutter, texts, plans):
                    _ = self.client  # made before time is taken
                    asked.ask(request)
            except (EngineError, ConfigError, BudgetExceeded, KeyboardInterrupt) as error:
                if not isinstance(error, BudgetExceeded):  # what others are asking may cost less
                    self.traffic.stop(error)
                if not asked.texts:
                    raise
                stopped = error
        attempts = asked.attempts
        usage = replace(
            attempts.usage,
            seconds=attempts.served * self.devices,
            served_seconds=attempts.served,
            waited_seconds=attempts.waited,
            worked_seconds=time.thread_time() - began,
            hardware=PROVIDER,
        )
        return _assemble(plans, route, asked, usage, stopped)

    def answered_before(self, text: str, *, source: str, target: str) -> None:
        """Hear of a text that the service has translated: it is asked for again where the service seems to fail."""
        for piece in self.cutter.plan(text, source).pieces:
            self._health.setdefault((source, target), Health()).answered(piece)

    def in_flight(self, source: str, target: str) -> int:
        """How many requests may be asked for at once (see `Concurrent`)."""
        health = self._health.get((source, target))
        return max(1, int(self.traffic.limit)) if health and health.answers and not health.failed else 1

    def stop(self, why: BaseException) -> None:
        """Let calls that are under way send nothing more, and return what they have."""
        self.traffic.stop(why)

    def _asking(self, cutter: Cutter, route: Route, paying: Paying) -> Isolation:
        attempts = Attempts(
            lambda sent: self._once(sent, route), self.billed, self.label, self.patience, paying, self.traffic
        )
        health = self._health.setdefault((route.source, route.target), Health())
        return Isolation(attempts, cutter, health)

    def _once(self, sent: Sequence[str], route: Route) -> Answer:
        """Send a request once.

        Raises:
            CrossfareError: what an exception of the SDK means, without any secret.
        """
        try:
            answer = self.send(self.client, sent, route)
            if not answer.texts and not answer.refused:
                raise ValueError("no translations")
        except Exception as error:
            found = self.meant(error)
            if found is error:
                raise
            raise found from None  # the SDK's may quote the key
        return answer

    def meant(self, error: Exception) -> Exception:
        """What an exception means, without any secret: one of our errors, or itself if nobody knows it."""
        if isinstance(error, CrossfareError):
            return error
        found = self.fault(error)
        if found is None:
            if not isinstance(error, (*_MALFORMED, OSError)):
                return error
            found = Fault(None if isinstance(error, OSError) else 200, error)
        return judged(found, self.label, self.keys, sent=not never_sent(error)) if isinstance(found, Fault) else found

    def one_line(self, detail: object) -> str:
        """A message in one line, without any key."""
        return one_line(detail, self.keys)


def _asked_for() -> int | None:
    """How many requests the user wants in flight, of whatever engine."""
    given = os.environ.get(CONCURRENCY, "")
    return int(given) if given.isdigit() and int(given) else None


def _requests(cutter: Cutter, texts: Sequence[str], plans: Sequence[CutText]) -> Iterator[list[str]]:
    """The pieces of each request that texts take, in order; each is sent once in a request."""
    for batch in cutter.batches(texts):
        yield from cutter.requests(distinct(plans[i] for i in batch))


def _assemble(
    plans: Sequence[CutText], route: Route, asked: Isolation, usage: Usage, stopped: BaseException | None
) -> ExplainedTranslation:
    """Put the translated pieces back between the line ends and blanks of their texts."""
    texts: list[str | None] = []
    failures: dict[int, str] = {}
    for index, plan in enumerate(plans):
        lost = next((piece for piece in plan.pieces if piece not in asked.texts), None)
        if plan.failure or lost is not None:
            failures[index] = plan.failure or asked.failures.get(lost or "", str(stopped))
            texts.append(None)
            continue
        translations = [asked.texts[piece] for piece in plan.pieces]
        texts.append("".join(join(plan.text, plan.spans, translations, source=route.source, target=route.target)))
    return ExplainedTranslation(tuple(texts), usage, failures, stopped)
