"""What a pipeline pays by the request: limited while it lives, and estimated before anything is sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from crossfare.errors import ConfigError, PriceError
from crossfare.experiment.charges import UNBILLED, Charge, is_paid, purse
from crossfare.experiment.estimates import Estimate, Sending
from crossfare.experiment.rehearse import Rehearsed
from crossfare.ledger import Catalogue
from crossfare.ledger.budget import shown
from crossfare.serving.parts import Parts
from crossfare.strict import read_json
from crossfare.tasks.requests import Request
from crossfare.translate.engines.hosts import host_of, leaves
from crossfare.translate.memory import ReadOnlyMemory, Remembered, Scope
from crossfare.types import Usage, revision_for

if TYPE_CHECKING:
    from crossfare.serving.pipeline import Pipeline


def charge_of(parts: Parts, price_files: Sequence[str | Path] = ()) -> Charge | None:
    """What prices the requests that serving sends to an engine; None where nobody bills any.

    Args:
        price_files: price records beside the shipped ones; by default those of the run's spec.

    Raises:
        ConfigError: a price file cannot be read.
        PriceError: the offer that the spec names is not known.
    """
    if parts.translating is None:
        return None
    engine = parts.spec.engines[str(parts.cell.engine)]
    return Charge.by(_catalogue(parts, price_files), str(engine.price)) if is_paid(engine) else None


def opened_charge(
    parts: Parts, max_usd: Decimal | None, opened: ExitStack, price_files: Sequence[str | Path] = ()
) -> Charge | None:
    """What prices the requests that serving sends, with a budget that is kept until ``opened`` is closed.

    None where there is no limit, and nobody bills what is sent or its price is not known.

    Raises:
        ConfigError: there is a limit, but the cell sends nothing that somebody bills.
        PriceError: there is a limit, but the offer is not known.
    """
    try:
        charge = charge_of(parts, price_files)
    except (PriceError, ConfigError):
        if max_usd is not None:
            raise
        return None
    if charge is None and max_usd is not None:
        why = f"nobody bills engine {parts.cell.engine!r}" if parts.translating else "nothing is translated"
        raise ConfigError(f"a limit is for paid requests, but by {parts.cell.method} {why}; leave the limit out")
    return charge and replace(charge, budget=opened.enter_context(purse(max_usd)))


@dataclass(frozen=True, slots=True)
class Standing:
    """What a pipeline sends for as long as it answers: whatever it is asked, to an engine that is paid or elsewhere.

    ``price`` is what bills requests, empty if nobody does; ``limit`` the most that may be spent, in USD.
    """

    host: str
    engine: str
    price: str
    limit: Decimal | None

    @property
    def summary(self) -> str:
        """The whole of it, in a clause."""
        most = "without a limit" if self.limit is None else f"{shown(self.limit)} USD at the most"
        money = f"billed by {self.price}, {most}" if self.price else UNBILLED
        return f"the texts of every request are sent to {self.host or 'an engine here'} ({self.engine}), {money}"

    @property
    def lines(self) -> tuple[str, ...]:
        """The same, as a line."""
        return (self.summary,)


def standing(pipeline: Pipeline) -> Standing | None:
    """What somebody has to agree to before anything is answered; None where nothing is billed or leaves this machine.

    Raises:
        ConfigError: a price file cannot be read.
        PriceError: the offer that bills the engine is not known.
    """
    if pipeline.translator is None:
        return None
    engine = pipeline.translator.engine
    charge, host = charge_of(pipeline.parts, pipeline.price_files), host_of(engine)
    if charge is None and not leaves(host):
        return None
    budget = pipeline.budget
    return Standing(host, engine.name, charge.price.ref if charge else "", budget.limit if budget else None)


def estimate(pipeline: Pipeline, batches: Iterable[Sequence[Request]]) -> Estimate | None:
    """What answering batches of requests will send to the engine; None if nothing is translated.

    Exact for what is translated before a model reads it. What it will answer is not known before: translating answers
    back (QA) is taken to need as much for each question as it did in the run.

    Raises:
        ConfigError: a price file cannot be read.
        PriceError: the offer that bills the engine is not known.
    """
    translator, parts = pipeline.translator, pipeline.parts
    if translator is None:
        return None
    tried = Rehearsed(translator.engine, charge_of(parts, pipeline.price_files))
    looked_up = None if translator.memory is None else _Rehearsal(translator.memory.path)
    rehearsed = replace(translator, engine=tried, memory=looked_up, charge=None)
    asked = 0
    for requests in batches:
        asked += len(requests)
        rehearsed(pipeline.answering.texts(requests))
    direction = translator.source, translator.target
    scope = Scope(translator.engine.name, revision_for(translator.engine, *direction), *direction)
    pace = looked_up.pace(scope) if looked_up else None
    compute = _catalogue(parts, pipeline.price_files).get(parts.spec.prices.compute)
    answers = _answers(parts, asked)
    sent = Sending.of(tried, tried.usage + (answers or Usage()), tried.texts, pace=pace, compute=compute)
    return Estimate.by(
        tried,
        sent,
        None if answers else sent,
        remembered=len(looked_up.found) if looked_up else 0,
        compute=compute,
        later=f"answers: translating them back takes about {answers.characters or 0:,} of the characters, as in the run"
        if answers
        else "",
    )


class _Rehearsal(ReadOnlyMemory):
    """Learns what is sent for as long as it lives; ``found`` are the texts that the memory itself has."""

    def __init__(self, path: Path | str) -> None:
        super().__init__(path)
        self.found: set[str] = set()
        self._sent: dict[str, Remembered] = {}

    def look_up(self, texts: Sequence[str], scope: Scope) -> dict[str, Remembered]:
        """What is known, or was sent."""
        known = super().look_up(texts, scope)
        self.found.update(known)
        return known | {text: self._sent[text] for text in texts if text in self._sent}

    def remember(self, entries: Mapping[str, Remembered], scope: Scope) -> None:  # noqa: ARG002 - there is one scope
        """Keep them in this process alone."""
        self._sent |= entries


def _catalogue(parts: Parts, price_files: Sequence[str | Path]) -> Catalogue:
    return Catalogue.load(price_files or [parts.spec.path(file) for file in parts.spec.prices.files])


def _answers(parts: Parts, questions: int) -> Usage | None:
    """What translating answers back is expected to take; None where no answer is."""
    own = parts.translating
    if own is None or own.answering.stage != "back-project":
        return None
    done = read_json(own.artifact(own.answering) / "yield.json")
    return own.usage(own.answering).scaled(questions / max(1, done["total"]))
