"""Ask an engine for many texts, several requests at once where it can; what it answers is kept as it comes.

One thread claims texts and keeps answers, the one that called; others only wait for the engine. So a process that is
killed loses what was on its way, and nothing else. Requests are paid for in the order of their texts, however many are
on their way, so that a budget buys what it would buy one at a time.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import count

from crossfare.errors import BudgetExceeded, CrossfareError
from crossfare.translate.reservations import Purchases
from crossfare.types import Announcing, Concurrent, Engine, Translation

_MOST = 512
"""Threads of a process, all engines together."""

_PATIENCE = (0.02, 0.5)
"""Seconds between looking whether others have what they reserved: at first, and at the most."""

Answer = tuple[list[str], Translation]
"""The texts of a request, and what the engine made of them."""

Stopped = tuple[list[str], BaseException]
"""The texts of a request that are left to do, and why."""


class _HeldBack(Exception):
    """The money did not reach for a request before this one."""


@dataclass(slots=True)
class _Turn:
    """When a request may pay: once the one ``before`` it has."""

    before: _Turn | None = None
    refused: bool = False
    _over: threading.Event = field(default_factory=threading.Event)

    def wait(self) -> None:
        """Wait for the request before.

        Raises:
            _HeldBack: it could not pay.
        """
        if self.before is not None:
            self.before._over.wait()
            if self.before.refused:
                raise _HeldBack
            self.before = None

    def end(self, *, refused: bool = False) -> None:
        """Let the next one pay, or not; what was said first holds."""
        if not self._over.is_set():
            self.refused = refused
            self._over.set()


@dataclass(slots=True)
class _Request:
    """Some texts, in the order of requests that they are asked for in."""

    number: int
    texts: list[str]


@dataclass(slots=True)
class Dispatch:
    """One direction of an engine, asked for many texts.

    ``recall`` takes what the memory has meanwhile and returns the rest, ``keep`` takes what was answered and returns
    where the engine was stopped in it. ``tell`` is called before anything is asked for.
    """

    engine: Engine
    source: str
    target: str
    recall: Callable[[Sequence[str]], list[str]]
    keep: Callable[[Sequence[Answer]], list[Stopped]]
    tell: Callable[[], None]
    purchases: Purchases = field(default_factory=lambda: Purchases(None))
    _numbers: Iterator[int] = field(default_factory=count)
    _waiting: deque[_Request] = field(default_factory=deque)
    _theirs: list[str] = field(default_factory=list)
    _running: dict[Future[Translation], _Request] = field(default_factory=dict)
    _last: _Turn | None = None
    _stopped: BaseException | None = None
    _short: bool = False

    def send(self, requests: Callable[[Sequence[str]], list[range]], texts: Sequence[str]) -> None:
        """Ask for all texts, cut into ``requests``; what others are buying is waited for.

        Raises:
            EngineError: the engine could not go on; what it answered before is kept.
            BudgetExceeded: the next request costs too much, though nothing else is on its way.
        """
        pause = _PATIENCE[0]
        left = list(texts)
        while left:
            self._waiting.extend(_Request(next(self._numbers), [left[i] for i in each]) for each in requests(left))
            self._theirs = []
            self._go_through()
            if len(self._theirs) == len(left):
                time.sleep(pause)
                pause = min(2 * pause, _PATIENCE[1])
            left = self.recall(self._theirs)

    def _go_through(self) -> None:
        while self._running or (self._waiting and self._stopped is None):
            try:
                if self._stopped is None:
                    self._begin()
                if self._running:
                    self._take(wait(self._running, return_when=FIRST_COMPLETED).done)
            except (KeyboardInterrupt, CrossfareError) as error:  # what is on its way is paid: it is waited for, once
                if self._stopped is not None:
                    raise
                self._stop(error)
        if self._stopped is not None:
            raise self._stopped

    def _begin(self) -> None:
        """Ask for as much as may be on its way."""
        places = self._places() - len(self._running)
        if places <= 0 or not self._waiting:
            return
        self.tell()
        asked = [self._waiting.popleft() for _ in range(min(places, len(self._waiting)))]
        reserved = self.purchases.reserve([request.texts for request in asked])
        for request, mine in zip(asked, reserved, strict=True):
            self._theirs += _without(request.texts, mine)
            request.texts = mine and self._still_wanted(mine)
        for request in asked:
            if request.texts:
                self._running[self._submit(request.texts)] = request

    def _still_wanted(self, mine: list[str]) -> list[str]:
        """The texts that the memory does not have; it may have got others before they were reserved."""
        rest = self.recall(mine)
        if len(rest) < len(mine):
            self.purchases.let_go(_without(mine, rest))
        return rest

    def _places(self) -> int:
        if self._short or not isinstance(self.engine, Concurrent):
            return 1
        return min(_MOST, self.engine.in_flight(self.source, self.target))

    def _submit(self, texts: list[str]) -> Future[Translation]:
        if isinstance(self.engine, Concurrent):
            self._last = turn = _Turn(self._last if self._running else None)
            return _threads(os.getpid()).submit(self._ask_in_turn, texts, turn)
        done: Future[Translation] = Future()
        try:
            done.set_result(self._ask(texts))
        except Exception as error:
            done.set_exception(error)
        return done

    def _ask(self, texts: list[str]) -> Translation:
        return self.engine.translate(texts, source=self.source, target=self.target)

    def _ask_in_turn(self, texts: list[str], turn: _Turn) -> Translation:
        if not isinstance(self.engine, Announcing):
            return self._ask(texts)
        try:
            turn.wait()
            if self._stopped is not None:
                raise self._stopped
            return self.engine.translate_announcing(texts, source=self.source, target=self.target, paid=turn.end)
        except (BudgetExceeded, _HeldBack):
            turn.end(refused=True)
            raise
        finally:
            turn.end()

    def _take(self, done: set[Future[Translation]]) -> None:
        """Keep what was answered, in one go."""
        answers: list[Answer] = []
        failed: list[tuple[_Request, BaseException]] = []
        places: dict[str, int] = {}
        for future in done:
            request, error = self._running.pop(future), future.exception()
            if error is None:
                answers.append((request.texts, future.result()))
                places |= dict.fromkeys(request.texts, request.number)
            else:
                failed.append((request, error))
        failed += [(_Request(places[min(texts)] if texts else 0, texts), error) for texts, error in self.keep(answers)]
        for request, error in failed:
            self.purchases.let_go(request.texts)
            self._failed(request, error)

    def _failed(self, request: _Request, error: BaseException) -> None:
        """Stop, unless it is money that is lacking which those on their way leave over: it is tried again alone."""
        beside_others = isinstance(self.engine, Concurrent) and (self._running or not self._short)
        if isinstance(error, _HeldBack):
            self._put_back(request)
        elif isinstance(error, BudgetExceeded) and beside_others and self._stopped is None:
            self._short = True
            self._put_back(request)
        else:
            self._stop(error)

    def _put_back(self, request: _Request) -> None:
        """Ask for it again, before those that come after it."""
        at = next((at for at, other in enumerate(self._waiting) if other.number > request.number), len(self._waiting))
        self._waiting.insert(at, request)

    def _stop(self, error: BaseException) -> None:
        self._stopped = self._stopped or error
        if isinstance(self.engine, Concurrent):
            self.engine.stop(error)


def _without(texts: list[str], others: Sequence[str]) -> list[str]:
    left = set(others)
    return [text for text in texts if text not in left]


@lru_cache(maxsize=1)
def _threads(_process: int) -> ThreadPoolExecutor:
    """The threads that wait for engines; a process that was forked has its own."""
    return ThreadPoolExecutor(_MOST, thread_name_prefix="crossfare-engine")
