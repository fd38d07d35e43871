"""Send one request to a service, again and again while that may help; every attempt is timed and paid for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, TypeVar

from crossfare.errors import ConfigError, EngineError, EngineQuota, EngineTransient
from crossfare.translate.engines.faults import NOTHING, Exhausted, Passing, Refused
from crossfare.translate.engines.traffic import Traffic, Trip
from crossfare.types import Paying, Usage

LONGEST_WAIT = 300.0
"""Seconds: who is asked to wait longer is told so instead."""

_MOST_COUNTED = 10**9
"""Characters or tokens: nobody is billed more for one request."""


class Answer(NamedTuple):
    """What a service returned for one request: a translation for each text, and what it says it bills.

    A text it has no translation for is None or blank. ``refused`` is why none of its texts can be used, if that is
    so; ``again`` are the places of texts that are to be asked for once more, each by itself. ``characters`` is None
    where the service does not say.
    """

    texts: Sequence[str | None]
    characters: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    refused: Refused | None = None
    again: Sequence[int] = ()
    cached_tokens: int | None = None

    @property
    def usage(self) -> Usage:
        """What it bills; a count that is none is as good as none said."""
        return Usage(
            requests=1,
            characters=stated(self.characters),
            input_tokens=stated(self.input_tokens),
            output_tokens=stated(self.output_tokens),
            cached_tokens=stated(self.cached_tokens),
        )


def stated(count: object) -> int | None:
    """A count that a service states; None if it can be none."""
    return count if type(count) is int and 0 <= count <= _MOST_COUNTED else None


@dataclass(slots=True)
class Patience:
    """How often a request is sent before its failure counts, and how long the pauses between are.

    ``backoff`` is the seconds before the second attempt, doubled for each further one, with jitter; a wait that the
    service asks for is kept.
    """

    attempts: int
    backoff: float


@dataclass(slots=True)
class Attempts:
    """The attempts of one call of an engine: what they are billed for, and where the time goes.

    ``send`` sends the texts of a request once; its errors are `Passing`, `Refused` or final. ``billed`` counts the
    characters of a text as it is sent. ``served`` and ``waited`` are seconds by the clock (see `Usage`), shared with
    others that are on their way in the same ``traffic``.
    """

    send: Callable[[Sequence[str]], Answer]
    billed: Callable[[str], int]
    label: str
    patience: Patience
    paying: Paying
    traffic: Traffic
    usage: Usage = field(default_factory=lambda: Usage(requests=0, characters=0))
    served: float = 0.0
    waited: float = 0.0
    _unanswered: int = 0
    _crowded: int = 0

    def __call__(self, sent: Sequence[str], attempts: int | None = None) -> Answer:
        """The answer to one request, which is sent ``attempts`` times at the most.

        Raises:
            Refused: the service does not take the request as it is, or answers it with what is no translation.
            Exhausted: it failed each time, though the service was reached.
            EngineError: the service cannot be reached, or refuses any request.
            BudgetExceeded: the next attempt would pass the budget; it was not made.
        """
        most = Usage(requests=1, characters=sum(map(self.billed, sent)))
        most_attempts = min(attempts or self.patience.attempts, self.patience.attempts)
        tries = retrying(lambda: most_attempts + self._crowded, self.patience, self._pause)
        counted = most
        self._unanswered = self._crowded = 0
        try:
            answer: Answer = tries(self._once, sent, most)
            # What was sent before without an answer was the same request, then perhaps not cached yet.
            counted = replace(answer.usage, cached_tokens=None)
        except Passing as last:
            raise _given_up(last, tries.statistics["attempt_number"] - self._crowded) from None
        finally:
            for _ in range(self._unanswered):
                self.usage += counted
        if answer.refused:
            raise answer.refused
        if len(answer.texts) != len(sent):
            raise Refused(f"{self.label} returned {len(answer.texts)} translations for {len(sent)}")
        return answer

    def _once(self, sent: Sequence[str], most: Usage) -> Answer:
        with self.traffic.trip(most.characters or 0) as trip, self.paying(sent, most) as settle:
            try:
                answer = self.send(sent)
            except (EngineError, ConfigError) as error:
                if isinstance(error, Passing) and error.in_doubt:
                    self._unanswered += error.unanswered
                else:
                    settle(NOTHING)
                failure: EngineError | ConfigError | None = error
            else:
                if stated(answer.characters) is None or len(answer.texts) != len(sent):  # what it left out is billed
                    answer = answer._replace(characters=most.characters)
                settle(answer.usage)
                failure = None
        self.waited += trip.waited + (trip.seconds if failure else 0.0)
        if failure:
            self._refused(trip, failure)
            raise failure
        self.traffic.answered()
        self.served += trip.seconds
        self.usage += answer.usage
        return answer

    def _refused(self, trip: Trip, failure: EngineError | ConfigError) -> None:
        """Slow down if that is asked for; a request that was one too many beside others is not to blame."""
        if isinstance(failure, Passing):
            self.traffic.refused(trip, failure.status, min(failure.wait, LONGEST_WAIT))
            self._crowded += failure.status == 429 and trip.together > 1

    def _pause(self, seconds: float) -> None:
        self.waited += self.traffic.pause(seconds)


T = TypeVar("T")


def patiently(function: Callable[[], T], patience: Patience, traffic: Traffic) -> T:
    """Call what asks a service for something that is not billed, as often as a request is sent.

    Raises:
        EngineError: it failed each time.
    """
    tries = retrying(lambda: patience.attempts, patience, traffic.pause)
    try:
        found: T = tries(function)
    except Passing as last:
        failed = _given_up(last, tries.statistics["attempt_number"])
        raise (failed.outage if isinstance(failed, Exhausted) else failed) from None
    return found


def retrying(attempts: Callable[[], int], patience: Patience, pause: Callable[[float], Any]) -> Any:
    """Calls a function again, after a pause, while it raises `Passing`; the last one is raised."""
    from tenacity import Retrying, retry_if_exception_type, wait_exponential, wait_random

    growing = wait_exponential(patience.backoff, max=LONGEST_WAIT) + wait_random(0, patience.backoff)
    return Retrying(
        retry=retry_if_exception_type(Passing),
        stop=lambda state: state.attempt_number >= attempts() or _asked_wait(state) > LONGEST_WAIT,
        wait=lambda state: max(growing(state), _asked_wait(state)),
        sleep=pause,
        reraise=True,
    )


def _given_up(last: Passing, attempts: int) -> EngineError:
    """What a request that failed each time means: the service does not work, or perhaps only not with this request."""
    often = f"{last} ({attempts} attempt{'s' if attempts > 1 else ''})"
    if last.wait > LONGEST_WAIT:
        often += f"; it asks to wait {last.wait:.0f} s"
    if last.status == 429:
        return EngineQuota(f"{often}; wait, or raise the quota at the provider")
    failed = EngineTransient(f"{often}; run again later, what was answered is kept")
    return Exhausted(often, failed) if last.in_doubt and last.wait <= LONGEST_WAIT else failed


def _asked_wait(state: Any) -> float:
    error = state.outcome.exception() if state.outcome else None
    return error.wait if isinstance(error, Passing) else 0.0
