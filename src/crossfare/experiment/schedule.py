"""Execute steps side by side in worker processes, as soon as their inputs are done."""

from __future__ import annotations

import multiprocessing
import os
import queue
import signal
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from crossfare import meter
from crossfare.boundary import explained
from crossfare.errors import BudgetExceeded, CrossfareError
from crossfare.experiment.stages import STAGES, execute
from crossfare.store import Store
from crossfare.types import Step, Usage


@dataclass(frozen=True, slots=True)
class Failure:
    """A step that could not be made; the error's message names it."""

    step: Step
    error: CrossfareError


class Observer(Protocol):
    """Is told what happens; used for progress and for money so far."""

    def started(self, step: Step) -> None:
        """A step begins."""

    def advanced(self, step_id: str, done: int, total: int) -> None:
        """A step reports progress in its own unit."""

    def finished(self, step: Step, usage: Usage, *, reused: bool) -> None:
        """A step is done, now or by an earlier run."""

    def failed(self, step: Step, error: CrossfareError) -> None:
        """A step could not be made."""


def run_steps(
    steps: Sequence[Step],
    store: Store,
    *,
    jobs: int,
    observer: Observer,
    energy: bool = False,
    pool: ProcessPoolExecutor | None = None,
) -> tuple[Failure, ...]:
    """Execute ``steps`` (in an executable order) with up to ``jobs`` processes; ``energy`` meters their electricity.

    ``pool`` are `workers` that are there already, and stay: starting them takes seconds.

    Finished steps are reused. When a step fails, only what needs it is left undone, and the failures are returned.
    Once the money is spent, no further step that pays by the request is started.

    Raises:
        CrossfareError: a process was killed; nothing more is started, and finished steps are kept.
    """
    pending: dict[str, Step] = {}
    for step in steps:
        if store.done(step.id):
            observer.finished(step, store.usage(step.id), reused=True)
        else:
            pending[step.id] = step
    if not pending:
        return ()
    urgency = _urgency(pending)
    together = {key: step for key, step in pending.items() if not STAGES[step.stage].alone}
    alone = {key: step for key, step in pending.items() if STAGES[step.stage].alone}
    with nullcontext(pool) if pool else workers(jobs, observer, energy) as own:
        failures: list[Failure] = []
        _drain(together, urgency, own, jobs, store, observer, failures)
        lacking = {failure.step.id for failure in failures} | together.keys()
        _drain(_without(alone, lacking), urgency, own, 1, store, observer, failures)
        return tuple(failures)


def _urgency(steps: Mapping[str, Step]) -> dict[str, int]:
    """Weight of the longest chain that waits for each step: the critical path goes first."""
    urgency: dict[str, int] = {}
    for step in reversed(list(steps.values())):
        own = urgency.get(step.id, 0) + STAGES[step.stage].weight
        urgency[step.id] = own
        for needed in _needed(step):
            urgency[needed] = max(urgency.get(needed, 0), own)
    return urgency


def _drain(
    waiting: dict[str, Step],
    urgency: Mapping[str, int],
    pool: ProcessPoolExecutor,
    jobs: int,
    store: Store,
    observer: Observer,
    failures: list[Failure],
) -> None:
    """Execute what waits, and add what failed to ``failures``; what needs a step that failed stays in ``waiting``."""
    running: dict[Future[Usage], Step] = {}
    fatal: CrossfareError | None = None
    while True:
        if fatal is None:
            for step in _ready(waiting, running, failures, urgency)[: jobs - len(running)]:
                running[pool.submit(_execute, step, store.root)] = waiting.pop(step.id)
                observer.started(step)
        if not running:
            break
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            step = running.pop(future)
            error = future.exception()
            if error is None:
                observer.finished(step, future.result(), reused=False)
                continue
            told = _told(step, error)
            if isinstance(error, BrokenProcessPool):
                fatal = fatal or told
            failures.append(Failure(step, told))
            observer.failed(step, told)
    if fatal is not None:
        raise fatal


def _ready(
    waiting: Mapping[str, Step], running: Mapping[Any, Step], failures: Sequence[Failure], urgency: Mapping[str, int]
) -> list[Step]:
    """The steps that need nothing that is not made, the critical path first."""
    unmade = {*waiting, *(step.id for step in running.values()), *(failure.step.id for failure in failures)}
    spent = any(isinstance(failure.error, BudgetExceeded) for failure in failures)
    ready = [
        step
        for step in waiting.values()
        if not unmade & set(_needed(step)) and not (spent and "charge" in step.runtime)
    ]
    return sorted(ready, key=lambda step: -urgency[step.id])


def _without(steps: Mapping[str, Step], lacking: Collection[str]) -> dict[str, Step]:
    """The steps that read none of those that are lacking."""
    return {key: step for key, step in steps.items() if not set(_needed(step)) & set(lacking)}


def _needed(step: Step) -> Iterator[str]:
    return (each for ids in step.inputs.values() for each in ids)


def _told(step: Step, error: BaseException) -> CrossfareError:
    if isinstance(error, BrokenProcessPool):
        return CrossfareError(
            f"{step.label}: its process was killed, most often for lack of memory; "
            "run again with fewer --jobs (finished steps are kept)"
        )
    known = explained(error) if isinstance(error, Exception) else CrossfareError(repr(error))
    return type(known)(f"{step.label}: {known}")


@contextmanager
def workers(jobs: int, observer: Observer, energy: bool = False) -> Iterator[ProcessPoolExecutor]:
    """A pool of processes that share the cores, and a thread that carries their progress to the observer."""
    context = multiprocessing.get_context("spawn")
    events: Any = context.Queue()
    listener = threading.Thread(target=_listen, args=(events, observer), daemon=True)
    asked = {meter.ENERGY: "1"} if energy else {}
    with _environment({**_worker_environment(jobs), **asked}):
        pool = ProcessPoolExecutor(jobs, mp_context=context, initializer=_start_worker, initargs=(events,))
        listener.start()
        try:
            yield pool
        except KeyboardInterrupt:
            for worker in multiprocessing.active_children():  # a signal may have been sent to this process alone
                worker.terminate()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
            events.put(None)
            listener.join(timeout=5)


def _worker_environment(jobs: int) -> dict[str, str]:
    """Share the cores out among the workers, unless $OMP_NUM_THREADS says otherwise.

    Idle threads sleep: spinning, as is the default, made a two-thread worker on a busy machine many
    times slower than one thread.
    """
    threads = os.environ.get("OMP_NUM_THREADS") or str(max(1, cores() // jobs))
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    return {**dict.fromkeys(names, threads), "OMP_WAIT_POLICY": "PASSIVE", "TOKENIZERS_PARALLELISM": "false"}


def cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _listen(events: Any, observer: Observer) -> None:
    while (event := events.get()) is not None:
        observer.advanced(*event)


_events: Any = None
_working = False


def _start_worker(events: Any) -> None:
    global _events  # noqa: PLW0603 - a worker process has one queue to its parent
    _events = events
    if threading.current_thread() is threading.main_thread():  # of a process of its own
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, _stop)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _stop(*_: object) -> None:
    """End the step that is being made, once, so that what was answered to it is kept; the parent ends idle workers."""
    global _working  # noqa: PLW0603 - as above
    if _working:
        _working = False
        raise KeyboardInterrupt


def _end_with_parent() -> None:
    """A killed run must not leave workers behind that go on computing."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _execute(step: Step, root: Path) -> Usage:
    global _working  # noqa: PLW0603 - as above

    def progress(done: int, total: int) -> None:
        try:
            _events.put_nowait((step.id, done, total))
        except queue.Full:
            return

    _working = True
    try:
        return execute(step, Store(root), progress)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a panic in Rust is no Exception
        raise explained(error) from None  # here the traceback is whole, and what cannot be pickled is told
    finally:
        _working = False
