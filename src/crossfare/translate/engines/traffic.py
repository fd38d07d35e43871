"""How many requests of an engine are on their way at once, how fast they follow each other, and what time they take.

What may be in flight is halved where a service says that it is too much, and grows again with every answer. Times that
overlap are shared: each moment by the clock counts once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

Rate = Mapping[Literal["requests", "characters"], float]
"""So many a minute, at the most."""

_TOO_MUCH = (429, 503)


@dataclass(slots=True)
class SharedTime:
    """Seconds by the clock that those who are ``within`` at the same moment share.

    ``share`` is what somebody who was always within would have had: the difference of two is what one had between.
    """

    within: int = 0
    share: float = 0.0

    def passes(self, seconds: float) -> None:
        """Give everybody within a part."""
        self.share += seconds / max(1, self.within)


@dataclass(slots=True)
class Trip:
    """A request on its way: the ``seconds`` that are its part, and how many were on their way when it ended."""

    round: int
    waited: float
    seconds: float = 0.0
    together: int = 1


@dataclass(slots=True)
class Traffic:
    """The requests of one engine in this process: ``most`` in flight at the most, at a ``rate`` if there is one.

    ``limit`` is what may be in flight now; ``stopped`` is why calls that are under way send nothing more.
    """

    most: int
    rate: Rate = field(default_factory=dict)
    limit: float = field(init=False)
    stopped: BaseException | None = None
    _calls: int = 0
    _round: int = 0
    _not_before: float = 0.0
    _clock: float = field(default_factory=time.perf_counter)
    _served: SharedTime = field(default_factory=SharedTime)
    _paused: SharedTime = field(default_factory=SharedTime)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def __post_init__(self) -> None:
        self.limit = float(self.most)

    @contextmanager
    def call(self) -> Iterator[None]:
        """A call of the engine; what stopped the traffic is forgotten when none is under way."""
        with self._changed:
            self._calls += 1
        try:
            yield
        finally:
            with self._changed:
                self._calls -= 1
                if not self._calls:
                    self.stopped = None

    def stop(self, why: BaseException) -> None:
        """Let calls that are under way send nothing more."""
        with self._changed:
            self.stopped = (self.stopped or why) if self._calls else None
            self._changed.notify_all()

    @contextmanager
    def trip(self, characters: int) -> Iterator[Trip]:
        """Wait for a place among the requests in flight, and be on the way.

        Raises:
            BaseException: what the traffic was stopped for.
        """
        with self._changed:
            with self._shared(self._paused) as paused:
                while (delay := self._delay()) is None or delay > 0:
                    self._changed.wait(delay)
            self._space(characters)
            trip = Trip(self._round, paused[0])
            self._pass_time()
            self._served.within += 1
            began = self._served.share
        try:
            yield trip
        finally:
            with self._changed:
                self._pass_time()
                trip.seconds, trip.together = self._served.share - began, self._served.within
                self._served.within -= 1
                self._changed.notify_all()

    def pause(self, seconds: float) -> float:
        """Do nothing for so long; its part of the time in which nothing is on its way.

        Raises:
            BaseException: what the traffic was stopped for.
        """
        until = time.perf_counter() + seconds
        with self._changed:
            with self._shared(self._paused) as shared:
                while not self.stopped and (left := until - time.perf_counter()) > 0:
                    self._changed.wait(left)
            if self.stopped:
                raise self.stopped
        return shared[0]

    def answered(self) -> None:
        """Let more be in flight."""
        with self._changed:
            self.limit = min(float(self.most), self.limit + 1 / self.limit)

    def refused(self, trip: Trip, status: int | None, wait: float) -> None:
        """Let fewer be in flight if that is what is wrong; all that was sent before that counts as one refusal."""
        with self._changed:
            if wait:
                self._not_before = max(self._not_before, time.perf_counter() + wait)
            if status in _TOO_MUCH and trip.round == self._round:
                self.limit = max(1.0, min(self.limit, trip.together) / 2)
                self._round += 1

    def _delay(self) -> float | None:
        """Seconds until the next request may be sent; None until something changes."""
        if self.stopped:
            raise self.stopped
        if self._served.within >= int(self.limit):
            return None
        return self._not_before - time.perf_counter()

    def _space(self, characters: int) -> None:
        """Keep the rate: the next request waits for as long as this one takes of it."""
        sizes = {"requests": 1, "characters": characters}
        minutes = max((sizes[unit] / most for unit, most in self.rate.items()), default=0.0)
        if minutes:
            self._not_before = max(self._not_before, time.perf_counter()) + 60 * minutes

    @contextmanager
    def _shared(self, time_of: SharedTime) -> Iterator[list[float]]:
        """Be among those who share a time; what was had of it is in the list afterwards."""
        self._pass_time()
        time_of.within += 1
        began, had = time_of.share, [0.0]
        try:
            yield had
        finally:
            self._pass_time()
            time_of.within -= 1
            had[0] = time_of.share - began

    def _pass_time(self) -> None:
        """Share what has passed since the last time: pauses count where nothing is on its way."""
        now = time.perf_counter()
        (self._served if self._served.within else self._paused).passes(now - self._clock)
        self._clock = now
