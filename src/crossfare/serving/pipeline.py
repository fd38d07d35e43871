"""A deployable pipeline: one cell of a run, from raw text in the target language to its answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Self

from crossfare import compare
from crossfare.errors import DataError
from crossfare.ledger.budget import Budget
from crossfare.serving.choice import Wanted, choose
from crossfare.serving.paid_requests import opened_charge
from crossfare.serving.parts import Parts, read_parts
from crossfare.serving.reading import Answering, Translator, reading_pipeline, translator
from crossfare.serving.reranking import ranking_pipeline
from crossfare.tasks import TASKS
from crossfare.tasks.requests import Answer, Request
from crossfare.translate import TranslationMemory
from crossfare.types import TaskName, Usage, digest


@dataclass(frozen=True, slots=True)
class Pipeline:
    """One cell of a run, loaded and ready to answer; to be closed, or used in a ``with`` block.

    Blank text has no answer: a note says so, and nothing is translated or computed for it.
    Not to be used by two threads at once. ``price_files`` are price records that its requests are priced by.
    """

    parts: Parts
    translator: Translator | None
    answering: Answering
    price_files: tuple[str | Path, ...] = ()
    opened: ExitStack = field(default_factory=ExitStack, repr=False)

    @property
    def task(self) -> TaskName:
        """The task whose requests it answers."""
        return self.parts.cell.task

    def __str__(self) -> str:
        cell = self.parts.cell
        words = [cell.method, *([f"({cell.engine})"] if cell.engine else []), "of", self.parts.run.name]
        return f"{cell.task} {cell.target} by {' '.join(words)}, seed {cell.seed}"

    @property
    def revision(self) -> str:
        """Identifies everything that an answer depends on: model, settings, engine, collection (16 hex digits)."""
        steps = [step for step in self.parts.result.steps if not step.startswith(("dataset", "score", "latency"))]
        return digest({"steps": steps, "engine": self.translator.engine.revision if self.translator else None})

    @property
    def budget(self) -> Budget | None:
        """What it may spend, and has spent, on requests that are paid; None if that is not limited."""
        return self.purse if self.purse and self.purse.limit is not None else None

    @property
    def purse(self) -> Budget | None:
        """What it has spent on requests that are paid; None if none are, or their price is not known."""
        return self.translator.charge.budget if self.translator and self.translator.charge else None

    def check(self, request: Request) -> None:
        """Raise a `DataError` for a request of another task, or for one that could never be answered."""
        if not isinstance(request, TASKS[self.task].request):
            raise DataError(f"this pipeline answers {self.task}, not a {type(request).__name__}")
        if problem := self.answering.problem(request):
            raise DataError(problem)

    def answer(self, requests: Sequence[Request]) -> tuple[Answer, ...]:
        """One answer for each request, in their order; how they are put together in calls changes no answer.

        Raises:
            DataError: a request could never be answered (see `check`).
            EngineError: the translation engine could do nothing at all.
            BudgetExceeded: the engine's next request would cost more than may be spent; it was not sent.
        """
        return self.answer_metered(requests)[0]

    def answer_metered(self, requests: Sequence[Request]) -> tuple[tuple[Answer, ...], Usage]:
        """As `answer`, with what it took: translation and model."""
        for request in requests:
            self.check(request)
        return self.answering.answer(requests) if requests else ((), Usage())

    def close(self) -> None:
        """Close the files of a collection, and the count of what was spent."""
        self.opened.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()


def open_pipeline(
    run: str | Path,
    *,
    task: str | None = None,
    target: str | None = None,
    method: str | None = None,
    engine: str | None = None,
    model: str | None = None,
    seed: int | None = None,
    gold_size: int | str | None = None,
    train_engine: str | None = None,
    memory: TranslationMemory | None = None,
    max_usd: Decimal | None = None,
    price_files: Sequence[str | Path] = (),
) -> Pipeline:
    """Load a cell of a run directory; what is not named is chosen as `choice.choose` says.

    Args:
        run: the run directory.
        task, target, method, engine, model, seed, gold_size, train_engine: which cell; ``gold_size`` is "all" or a
            number of labels, ``train_engine`` what translates the training data of an ensemble of two engines.
        memory: where translations are kept on disk, so that no text is translated twice.
        max_usd: the most that may be spent on requests of the engine until the pipeline is closed.
        price_files: price records beside the shipped ones; by default those of the run's spec.

    Raises:
        ConfigError: no cell fits, or several do, or its engine cannot translate new text; or there is a limit, but
            nobody bills what the cell sends.
        DataError: the folder is no run, or a step is no longer in the cache.
        EngineError: the engine is not installed or has no key.
        PriceError: there is a limit, but the offer that bills the engine is not known.
    """
    record = compare.read_run(Path(run))
    asked = Wanted(task, target, method, engine, model, seed, gold_size, train_engine)
    parts = read_parts(record, choose(record, asked))
    with ExitStack() as opened:
        charge = opened_charge(parts, max_usd, opened, price_files)
        translating = translator(parts, memory, charge)
        make: Callable[..., Answering] = ranking_pipeline if TASKS[parts.cell.task].searches else reading_pipeline
        answering = make(parts, translating, opened)
        return Pipeline(parts, translating, answering, tuple(price_files), opened.pop_all())
