"""What work consumes, and the engines that translate: how they are asked and paid. Times are seconds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, Protocol, runtime_checkable

Progress = Callable[[int, int], None]
"""Called as ``progress(done, total)``; the unit (texts, batches, steps) is the stage's own."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a piece of work consumed: a fact, never money.

    None means "not measured", 0 means "measured, and nothing was used". ``seconds`` are
    device-seconds, what an offer of device time bills: one core or one accelerator busy for one second,
    here or at a service. Of a service behind an API, three times are told apart: ``served_seconds`` from
    sending a request to its answer, ``waited_seconds`` of pauses and of attempts that came to nothing
    (both by the clock, which requests that are in flight at the same time share: each moment counts once), and
    ``worked_seconds``, the processor time of those who asked; its ``seconds`` are those served, times the devices that
    are declared to serve it. A request that was sent and never answered is counted as if it had been billed.
    ``cached_tokens`` are those of ``input_tokens`` that a service says it had read before. ``annotated`` counts
    examples labelled by people.
    ``energy_by`` says how the energy of the process is known: by hardware counters
    or by an estimate. ``stored_bytes`` is what has to be kept on disk. ``measured`` is False for figures
    derived instead of observed. ``machine`` says on what it was measured, by all that speed depends on, and ``load``
    which part of that machine's processors other work took meanwhile; both are None where they are not known, as of
    providers, and of what was made before they were recorded.
    """

    seconds: float | None = None
    requests: int | None = None
    characters: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    annotated: int | None = None
    energy_kwh: float | None = None
    energy_by: str | None = None
    stored_bytes: int | None = None
    served_seconds: float | None = None
    waited_seconds: float | None = None
    worked_seconds: float | None = None
    hardware: str | None = None
    machine: str | None = None
    load: float | None = None
    measured: bool = True

    def __add__(self, other: Usage) -> Usage:
        """Add field by field; an unmeasured field stays unmeasured only if both are."""

        def plus(name: str) -> Any:
            a, b = getattr(self, name), getattr(other, name)
            return b if a is None else a if b is None else a + b

        def both(a: str | None, b: str | None) -> str | None:
            return f"{a}+{b}" if a and b and a != b else a or b

        loads = [each for each in (self.load, other.load) if each is not None]
        return Usage(
            **{name: plus(name) for name in _amounts()},
            hardware=both(self.hardware, other.hardware),
            machine=both(self.machine, other.machine),
            load=max(loads, default=None),
            energy_by=both(self.energy_by, other.energy_by),
            measured=self.measured and other.measured,
        )

    def scaled(self, factor: float) -> Usage:
        """So many times the amounts, counts rounded: derived, not measured, unless the factor is 1."""

        def times(name: str) -> Any:
            value = getattr(self, name)
            return value if value is None else value * factor if isinstance(value, float) else round(value * factor)

        return replace(self, **{name: times(name) for name in _amounts()}, measured=self.measured and factor == 1)


def _amounts() -> tuple[str, ...]:
    """The fields of `Usage` that count."""
    told = {"hardware", "machine", "load", "energy_by", "measured"}
    return tuple(each.name for each in fields(Usage) if each.name not in told)


@dataclass(frozen=True, slots=True)
class Translation:
    """What an engine returns: same order, same length; a segment that failed is None, never ""."""

    texts: tuple[str | None, ...]
    usage: Usage


@runtime_checkable
class Engine(Protocol):
    """A way to translate. One method; everything else describes it.

    ``name``         the engine's name in a spec and in the tables
    ``revision``     changes whenever the same input could give another output (weights, decoding)
    ``granularity``  "sentence" for models trained on single sentences, "document" for engines
                     that take a whole paragraph in one call
    """

    @property
    def name(self) -> str:
        """The engine's name in a spec and in the tables."""

    @property
    def revision(self) -> str:
        """What identifies its output."""

    @property
    def granularity(self) -> Literal["sentence", "document"]:
        """What it prefers to be given in one call."""

    def translate(self, texts: Sequence[str], *, source: str, target: str) -> Translation:
        """Translate ``texts``; raise an `EngineError` if nothing could be done at all."""


def revision_for(engine: Engine, source: str, target: str) -> str:
    """What identifies an engine's output in one direction: its revision, unless what it calls a language changes more.

    An engine has a method of this name where that is so.
    """
    more: Callable[[str, str], str] | None = getattr(engine, "revision_for", None)
    return engine.revision if more is None else more(source, target)


@runtime_checkable
class Metered(Protocol):
    """An engine that is asked, and as a rule billed, by the request. Engines that run here need not be it.

    Whoever translates many texts sends the requests one by one, each as a call of `Engine.translate`,
    so that every answer can be kept before the next is paid for. An engine without ``batches`` is
    given as many texts as memory allows: local models are faster when they see many at once.
    """

    def batches(self, texts: Sequence[str]) -> list[range]:
        """The requests that these texts (none of them blank) take, in order, as ranges of their indices.

        Every text is in exactly one range, and translating the texts of one range, or a part of
        them, is exactly one billed request (several only for a single text that is too long for one).
        """


@runtime_checkable
class Concurrent(Protocol):
    """A `Metered` engine that several threads may ask at once."""

    def in_flight(self, source: str, target: str) -> int:
        """How many requests it may be asked for at once in a direction, as things stand."""

    def stop(self, why: BaseException) -> None:
        """Let calls that are under way send nothing more: each returns what it has, or raises ``why``."""


@runtime_checkable
class Itemised(Protocol):
    """An engine that knows better than its price's counting rule what it will be billed for."""

    def itemised(self, texts: Sequence[str], *, source: str) -> Iterable[tuple[Sequence[str], Usage]]:
        """The requests that translating ``texts`` takes: of each what is sent, and its characters as they are billed.

        If every request is answered at once, that is the bill; every attempt is billed alike.
        """


Paying = Callable[[Sequence[str], Usage], AbstractContextManager[Callable[[Usage], None]]]
"""Is entered with the texts of one request, and the requests and characters it can be billed for, before it is sent.

It may raise `BudgetExceeded`. What it yields is told what the request was billed for. Where that is never said, the
request was sent and its fate is unknown: it counts as billed.
"""


@runtime_checkable
class PaidByRequest(Protocol):
    """An engine that asks before every request, each repetition too, whether it may be paid."""

    def translate_paying(self, texts: Sequence[str], *, source: str, target: str, paying: Paying) -> Translation:
        """As `Engine.translate`; `BudgetExceeded` passes through."""


@runtime_checkable
class Announcing(Protocol):
    """An engine that says when it has paid for the first request of a call, so that the next call may go to pay."""

    def translate_announcing(
        self, texts: Sequence[str], *, source: str, target: str, paid: Callable[[], None]
    ) -> Translation:
        """As `Engine.translate`; calls ``paid`` once its money is entered, before anything is sent."""


@runtime_checkable
class Probing(Protocol):
    """An engine that tells a text that cannot be translated from a service that cannot translate.

    It asks again for a text that was answered before.
    """

    def answered_before(self, text: str, *, source: str, target: str) -> None:
        """Hear of a text that it has translated, in this process or in an earlier one."""
