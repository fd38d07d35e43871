"""`crossfare predict`: JSON Lines in, JSON Lines out, in order, batch by batch.

A line of the output is the answer to one line of the input (blank lines are skipped), with ``id`` as it was given or
else the number of the line, and ``pipeline``, the revision of what answered. A batch is written before the next one is
read. So an output that is cut off anywhere says itself how far it got: `resume` goes on after its last whole line.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Any

from crossfare.errors import BudgetExceeded, ConfigError, CrossfareError, DataError, EngineError
from crossfare.experiment.estimates import Estimate
from crossfare.ledger.budget import Budget, shown
from crossfare.output import claim
from crossfare.serving import paid_requests
from crossfare.serving.pipeline import Pipeline
from crossfare.strict import parse_json
from crossfare.tasks import TASKS
from crossfare.tasks.requests import Answer, Request
from crossfare.types import Progress, TaskName, Usage

STANDARD = "-"
BATCH_SIZE = 64
_BEGINNING = b'{"id": '


@dataclass(frozen=True, slots=True)
class Answered:
    """How many lines were answered now and before, how many of these have no answer, and what it took.

    ``budget`` has what was spent of what may be, if that is limited.
    """

    answered: int
    before: int
    without: int
    usage: Usage
    budget: Budget | None = None

    def summary(self) -> str:
        """Say it in one line."""
        told = [f"{self.answered:,} answered"]
        told += [f"{self.before:,} before"] if self.before else []
        told += [f"{self.without:,} without an answer, see their notes"] if self.without else []
        told += [f"{self.usage.characters:,} characters translated"] if self.usage.characters else []
        told += (
            [f"{shown(self.budget.spent)} of {shown(self.budget.limit)} USD spent"]
            if self.budget and self.budget.limit
            else []
        )
        return ", ".join([*told, f"{self.usage.seconds or 0:.1f} device-seconds"])


@dataclass(frozen=True, slots=True)
class _Line:
    """A request, the number of its line from 1 on, and the id that its answer has."""

    number: int
    id: str | int
    request: Request


def predict_file(
    pipeline: Pipeline,
    source: str | Path,
    target: str | Path,
    *,
    resume: bool = False,
    batch_size: int = BATCH_SIZE,
    agree: Callable[[Estimate], None] | None = None,
    progress: Progress | None = None,
) -> Answered:
    """Answer every line of ``source`` into ``target``; "-" is standard input or output.

    What may be spent is the pipeline's (`open_pipeline`).

    Args:
        resume: go on after what ``target`` has already.
        batch_size: lines that are answered together.
        agree: called with the estimate before requests that have to be paid, or that leave this machine; raises if it
            is too much.
        progress: counts lines (their total is not known: it is given as the number done).

    Raises:
        ConfigError: the output exists and ``resume`` is not asked for, or cannot be written; or ``agree`` is to be
            asked about standard input, which can be read only once.
        DataError: a line cannot be read, named by its number; what stands before it is answered and kept. Or the
            output to resume was made from other lines or by another pipeline.
        EngineError: the translation engine failed; what was answered is kept.
        BudgetExceeded: the next request would cost more than may be spent; what was answered is kept.
    """
    if batch_size < 1:
        raise ConfigError(f"the batch size must be at least 1, not {batch_size}")
    if target != STANDARD:
        reads = (source, pipeline.parts.run.folder, *pipeline.price_files)
        claim(Path(target), reads=reads, force=resume, instead="go on with --resume, or choose another place")
    if agree and paid_requests.standing(pipeline):
        if source == STANDARD:
            raise ConfigError(
                "standard input cannot be read twice, to estimate and to answer: add --yes, or name a file"
            )
        estimated = estimate_file(pipeline, source, target if resume else None, batch_size=batch_size)
        if estimated and estimated.sends:
            agree(estimated)
    with _opened(source) as incoming:
        lines = _read(incoming, str(source), pipeline)
        before = 0
        if resume:
            before = _skip(lines, _kept(target, pipeline.revision, mend=True), target)
        with _writing(target, resume) as out:
            return _answer(pipeline, lines, out, before, batch_size, progress)


def estimate_file(
    pipeline: Pipeline, source: str | Path, answered: str | Path | None = None, *, batch_size: int = BATCH_SIZE
) -> Estimate | None:
    """What answering every line of ``source`` that ``answered`` has no answer to will send; None if nothing.

    Nothing is sent, computed or written; see `paid_requests.estimate`.

    Raises:
        DataError: a line cannot be read, or the answers are of other lines or by another pipeline.
        PriceError: the offer that bills the engine is not known.
    """
    with _opened(source) as incoming:
        lines = _read(incoming, str(source), pipeline)
        if answered is not None:
            _skip(lines, _kept(answered, pipeline.revision, mend=False), answered)
        batches = iter(lambda: [line.request for line in islice(lines, batch_size)], [])
        return paid_requests.estimate(pipeline, batches)


def _answer(
    pipeline: Pipeline, lines: Iterator[_Line], out: IO[bytes], before: int, batch_size: int, progress: Progress | None
) -> Answered:
    done = without = 0
    usage = Usage()
    bad: DataError | None = None
    while bad is None:
        batch, bad = _take(lines, batch_size)
        answers, used, stopped = _answered(pipeline, batch)
        out.write(
            b"".join(_written(line, answer, pipeline.revision) for line, answer in zip(batch, answers, strict=False))
        )
        out.flush()
        done += len(answers)
        without += sum(_empty(answer) for answer in answers)
        usage += used
        if stopped:
            kept = f"{before + done:,} answers are kept, go on with --resume"
            raise type(stopped)(f"line {batch[len(answers)].number}: {stopped}; {kept}") from stopped
        if not batch:
            break
        if progress:
            progress(done, done)
    if bad:
        raise DataError(f"{bad}; {before + done:,} answers are kept, correct the line and go on with --resume") from bad
    return Answered(done, before, without, usage, pipeline.budget)


def _answered(pipeline: Pipeline, batch: list[_Line]) -> tuple[tuple[Answer, ...], Usage, CrossfareError | None]:
    """Answers to a batch, or to its first lines and what kept the others from having one.

    Where the money does not reach for all of them, lines are answered one by one as far as it does.
    """
    try:
        return *pipeline.answer_metered([line.request for line in batch]), None
    except (EngineError, BudgetExceeded) as error:
        if len(batch) == 1 or not isinstance(error, BudgetExceeded):
            return (), Usage(), error
    answers: tuple[Answer, ...] = ()
    usage, stopped = Usage(), None
    for line in batch:
        answer, used, stopped = _answered(pipeline, [line])
        answers, usage = answers + answer, usage + used
        if stopped:
            break
    return answers, usage, stopped


def _take(lines: Iterator[_Line], size: int) -> tuple[list[_Line], DataError | None]:
    """The next lines, up to a bad one."""
    batch: list[_Line] = []
    try:
        for line in islice(lines, size):
            batch.append(line)
    except DataError as error:
        return batch, error
    return batch, None


def _empty(answer: Answer) -> bool:
    return answer.note is not None and not any(answer.model_dump(exclude={"id", "note", "translated_answer"}).values())


def _written(line: _Line, answer: Answer, revision: str) -> bytes:
    values: dict[str, Any] = {**answer.model_dump(), "id": line.id, "pipeline": revision}
    return (json.dumps(values, ensure_ascii=False) + "\n").encode()


# -- reading ----------------------------------------------------------------------------------


def _opened(source: str | Path) -> Any:
    if source == STANDARD:
        return nullcontext(sys.stdin.buffer)
    try:
        return Path(source).open("rb")
    except OSError as error:
        raise DataError(f"{source}: cannot be read ({error.strerror}); give a file of requests, one a line") from error


def _read(incoming: IO[bytes], name: str, pipeline: Pipeline) -> Iterator[_Line]:
    where = "standard input" if name == STANDARD else name
    for number, raw in enumerate(incoming, start=1):
        text = raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw
        if text.strip():
            try:
                request = _request(pipeline.task, text)
                pipeline.check(request)
            except DataError as error:
                raise DataError(f"{where}:{number}: {error}") from None
            yield _Line(number, number if request.id is None else request.id, request)


def _request(task: TaskName, text: bytes) -> Request:
    request = TASKS[task].request.read(text)
    if isinstance(request, tuple):
        raise DataError("a line holds one request, not a list")
    return request


# -- writing ----------------------------------------------------------------------------------


def _writing(target: str | Path, resume: bool) -> Any:
    if target == STANDARD:
        return nullcontext(sys.stdout.buffer)
    try:
        special = Path(target).exists() and not Path(target).is_file()
        return Path(target).open("ab" if resume else "wb" if special else "xb")
    except FileExistsError:
        raise ConfigError(f"{target}: exists already; go on with --resume, or choose another place") from None
    except OSError as error:
        raise ConfigError(f"{target}: cannot be written ({error.strerror}); choose another place") from error


def _kept(target: str | Path, revision: str, *, mend: bool) -> Iterator[str | int]:
    """The ids of the whole lines of an output; one that was not written to its end is cut off if ``mend``."""
    if target == STANDARD:
        raise ConfigError("--resume needs an output file: standard output cannot be read again")
    if not Path(target).exists():
        return
    with Path(target).open("rb+" if mend else "rb") as file:
        for number, line in enumerate(iter(file.readline, b""), start=1):
            if not line.endswith(b"\n"):
                if not _begins_an_answer(line):
                    raise DataError(f"{target}:{number}: not an answer of crossfare predict; choose another --output")
                if mend:
                    file.truncate(file.tell() - len(line))
                return
            yield _answered_id(line, f"{target}:{number}", revision)


def _begins_an_answer(line: bytes) -> bool:
    """Whether a line that was not written to its end is one of ours: no other is ever cut off."""
    try:
        return "pipeline" in parse_json(line, "a line")
    except (DataError, TypeError):
        return line.startswith(_BEGINNING) or _BEGINNING.startswith(line)


def _answered_id(line: bytes, where: str, revision: str) -> str | int:
    try:
        values = parse_json(line, where)
        name, made_by = values["id"], values["pipeline"]
    except (DataError, KeyError, TypeError) as error:
        raise DataError(f"{where}: not an answer of crossfare predict; choose another --output") from error
    if made_by != revision:
        raise DataError(
            f"{where}: answered by another pipeline ({made_by}, this is {revision}); choose another --output"
        )
    return name  # type: ignore[no-any-return]


def _skip(lines: Iterator[_Line], answered: Iterator[str | int], target: str | Path) -> int:
    """Pass the lines that are answered already; how many there were."""
    count = 0
    for name in answered:
        line = next(lines, None)
        if line is None or line.id != name:
            there = "ends before it" if line is None else f"has {line.id!r} there"
            raise DataError(
                f"{target}:{count + 1}: answers {name!r}, but the input {there} there; it is of other lines"
            )
        count += 1
    return count
