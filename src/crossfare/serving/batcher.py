"""Put concurrent requests together in batches for one worker thread, and refuse what it could not get to in time.

A batch is whatever waits when the worker becomes free: nobody waits for a batch to fill up, and batches grow with the
load. The queue is bounded; beyond it requests are refused at once, so that latency stays bounded too.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields

from crossfare.errors import BudgetExceeded, ConfigError, EngineError
from crossfare.serving.logs import kind_and_place
from crossfare.tasks.requests import Answer, Request

_LOG = logging.getLogger("crossfare.serving")


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a server takes on.

    ``batch_size``       requests that are answered together, at most
    ``queue``            requests that may wait; further ones are refused
    ``seconds``          how long a call may take, waiting included
    ``body_bytes``       the largest body of a call
    ``receive_seconds``  how long the head of a call may take to arrive, and its body
    ``connections``      clients that may be connected; further ones are refused
    """

    batch_size: int = 16
    queue: int = 256
    seconds: float = 30.0
    body_bytes: int = 1 << 20
    receive_seconds: float = 10.0
    connections: int = 512

    def __post_init__(self) -> None:
        for each in fields(self):
            if not getattr(self, each.name) > 0:
                raise ConfigError(f"{each.name.replace('_', ' ')} must be more than 0, not {getattr(self, each.name)}")


class Overloaded(Exception):
    """The queue is full; try again after ``seconds``."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"overloaded; try again after {seconds} s")
        self.seconds = seconds


class TooMany(Exception):
    """A call asks more at once than the queue could ever hold."""


class Late(Exception):
    """The answer was not there in time."""


class Unanswered(Exception):
    """Answering this request failed in a way that nobody foresaw."""


@dataclass(slots=True)
class _Job:
    request: Request
    answer: asyncio.Future[Answer]


class Batcher:
    """Answers requests in one worker thread; to be used from one event loop, between `start` and `close`.

    ``told`` hears of each batch: how many requests, and the seconds that they took.
    """

    def __init__(
        self,
        work: Callable[[Sequence[Request]], Sequence[Answer]],
        limits: Limits,
        told: Callable[[int, float], None] = lambda *_: None,
    ) -> None:
        self.limits = limits
        self._told = told
        self._work = work
        self._queue: asyncio.Queue[_Job] = asyncio.Queue()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="crossfare-model")
        self._task: asyncio.Task[None] | None = None
        self._batch_seconds = 0.0  # what the last batch took

    def start(self) -> None:
        """Begin to answer."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Answer what is waiting, then stop."""
        if self._task is None:
            return
        await self._queue.join()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._thread.shutdown()

    @property
    def running(self) -> bool:
        """Whether requests are being answered."""
        return self._task is not None and not self._task.done()

    @property
    def waiting(self) -> int:
        """Requests in the queue."""
        return self._queue.qsize()

    @property
    def full(self) -> bool:
        """Whether a further request would be refused."""
        return self.waiting >= self.limits.queue

    async def submit(self, requests: Sequence[Request]) -> list[Answer]:
        """Answer requests that belong together: all of them are taken on, or none.

        Raises:
            Overloaded, TooMany: they were not taken on.
            Late: they were not answered in time; those that were not begun never will be.
            EngineError: the translation engine could do nothing.
            BudgetExceeded: what has to be translated for them costs more than may still be spent.
            Unanswered: something else went wrong; the log has its kind and place, but no text.
        """
        if len(requests) > self.limits.queue:
            raise TooMany(f"{len(requests)} requests in one call; at most {self.limits.queue} are taken")
        if self.waiting + len(requests) > self.limits.queue:
            raise Overloaded(self._seconds_to_wait())
        loop = asyncio.get_running_loop()
        jobs = [_Job(request, loop.create_future()) for request in requests]
        for job in jobs:
            self._queue.put_nowait(job)
        try:
            async with asyncio.timeout(self.limits.seconds):
                return list(await asyncio.gather(*(job.answer for job in jobs)))
        except TimeoutError:
            raise Late(f"no answer within {self.limits.seconds:g} s; ask for less at once, or try again") from None
        finally:
            for job in jobs:
                job.answer.cancel()  # does nothing to one that is answered

    def _seconds_to_wait(self) -> int:
        batches = math.ceil(self.waiting / self.limits.batch_size)
        return max(1, math.ceil(batches * self._batch_seconds))

    async def _run(self) -> None:
        while True:
            jobs = [await self._queue.get()]
            while len(jobs) < self.limits.batch_size and not self._queue.empty():
                jobs.append(self._queue.get_nowait())
            try:
                await self._answer([job for job in jobs if not job.answer.done()])
            finally:
                for _ in jobs:
                    self._queue.task_done()

    async def _answer(self, jobs: Sequence[_Job]) -> None:
        if not jobs:
            return
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            answers = await loop.run_in_executor(self._thread, self._work, [job.request for job in jobs])
        except EngineError as error:
            _fail(jobs, error)
        except Exception as error:  # one request must neither take the others with it nor end the server
            if len(jobs) > 1:
                for job in jobs:
                    await self._answer([job])
            elif isinstance(error, BudgetExceeded):
                _fail(jobs, error)
            else:
                _LOG.error("a request failed: %s", kind_and_place(error))
                _fail(jobs, Unanswered("the request could not be answered; the server's log has the kind of error"))
        else:
            for job, answer in zip(jobs, answers, strict=True):
                if not job.answer.done():
                    job.answer.set_result(answer)
        self._batch_seconds = loop.time() - began
        self._told(len(jobs), self._batch_seconds)


def _fail(jobs: Sequence[_Job], error: Exception) -> None:
    for job in jobs:
        if not job.answer.done():
            job.answer.set_exception(error)
