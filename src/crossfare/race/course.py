"""The course of a race as it is written: what was done, why, at what price, and what that changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from crossfare.errors import DataError, StaleArtifact
from crossfare.ledger.budget import shown
from crossfare.race.outlook import Reached
from crossfare.race.policy import Expense
from crossfare.report.table import MISSING, Cell, Column, Table, amount, number
from crossfare.store import write_json
from crossfare.strict import parse_json, read_json

COURSE = "race.json"
"""What the course is called in a run directory."""

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Lead:
    """A decision at one time: who is ahead, and the probability that the whole matrix would choose it too.

    ``regret`` is expected: by how much it scores less than the best, as a fraction; ``regret_usd`` by how much its net
    benefit is less than the greatest, where the worth of an error is stated. The name is empty where no method is above
    the trivial baseline.
    """

    leader: str
    sure: float
    regret: float
    regret_usd: float | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened: a method was tried or dropped, or the race stopped.

    ``forecast_usd`` is what the try was expected to cost beyond what was done, None if that could not be told; ``usd``
    and ``seconds`` are what it took. ``failed`` says that the try did not end, or that a
    method was dropped for that.
    """

    kind: Literal["try", "drop", "stop"]
    why: str
    decision: str = ""
    key: str = ""
    label: str = ""
    seeds: int = 0
    examples: int = 0
    forecast_usd: Decimal | None = None
    usd: Decimal = Decimal(0)
    seconds: float = 0.0
    before: Lead | None = None
    after: Lead | None = None
    failed: bool = False

    def __str__(self) -> str:
        if self.kind == "stop":
            return f"stop: {self.why}"
        took = f", {shown(self.usd)} USD, {self.seconds:.0f} s" if self.kind == "try" else ""
        return f"{_what(self)}{took}: {self.why}"

    @property
    def tried(self) -> Reached:
        """How far its method was tried then."""
        return Reached(self.seeds, self.examples)


@dataclass(frozen=True, slots=True)
class Course:
    """A race so far.

    ``free`` are the steps that were done before it began. ``prices`` and ``totals`` are what steps and methods were
    last forecast to cost, in which the race trusts until it forecasts again: so one that was killed goes on alike.
    """

    free: frozenset[str]
    events: tuple[Event, ...] = ()
    prices: Mapping[str, Expense | None] | None = None
    totals: Mapping[str, Decimal] | None = None

    @property
    def reached(self) -> dict[str, Reached]:
        """How far each method was tried."""
        return {each.key: each.tried for each in self.events if each.kind == "try" and not each.failed}

    @property
    def dropped(self) -> dict[str, str]:
        """Why methods were dropped, by key."""
        return {each.key: each.why for each in self.events if each.kind == "drop"}

    @property
    def stop(self) -> Event | None:
        """How it ended, if it did."""
        return self.events[-1] if self.events and self.events[-1].kind == "stop" else None

    @property
    def summary(self) -> tuple[str, ...]:
        """What it took, and how it ended."""
        usd = sum((each.usd for each in self.events), Decimal(0))
        seconds = sum(each.seconds for each in self.events)
        end = (f"It stopped: {self.stop.why}.",) if self.stop else ()
        return (f"The race took {shown(usd)} USD and {seconds / 60:.1f} minutes of its steps.", *end)

    @property
    def going(self) -> Course:
        """The same before it ended: another budget may let it go on, and what failed is tried again."""
        kept = tuple(each for each in self.events if each.kind != "stop" and not (each.kind == "drop" and each.failed))
        return Course(self.free, kept, self.prices, self.totals)

    def to_json(self) -> dict[str, Any]:
        """Plain data for the run directory."""
        plain = parse_json(_EVENTS.dump_json(self.events), "course")
        usd = sum((each.usd for each in self.events), Decimal(0))
        seconds = sum(each.seconds for each in self.events)
        return {"format": _FORMAT, "usd": f"{usd:f}", "seconds": seconds, "course": plain}

    def save(self, path: Path) -> None:
        """Keep it, to go on from."""
        write_json(path, {"format": _FORMAT, **parse_json(_COURSE.dump_json(self), "course")})

    @classmethod
    def of_run(cls, folder: Path) -> Course | None:
        """What a race wrote into its run directory; None if this is that of no race.

        Raises:
            DataError: it cannot be read.
        """
        path = folder / COURSE
        if not path.is_file():
            return None
        try:
            return cls(frozenset(), _EVENTS.validate_python(read_json(path)["course"], strict=False))
        except (ValidationError, TypeError, KeyError) as error:
            raise DataError(f"{path}: is not as a race writes it; race its spec again") from error

    @classmethod
    def load(cls, path: Path) -> Course | None:
        """One that was kept; None if none was.

        Raises:
            StaleArtifact: it cannot be read.
        """
        if not path.is_file():
            return None
        values = read_json(path, error=StaleArtifact, todo="delete it to race anew")
        try:
            return _COURSE.validate_python({name: values[name] for name in values if name != "format"}, strict=False)
        except (ValidationError, TypeError) as error:
            raise StaleArtifact(f"{path}: is no course of a race; delete it to race anew") from error


def course_tables(course: Course) -> tuple[Table, ...]:
    """What happened, event by event: one table for each decision that was raced."""
    names = dict.fromkeys(event.decision for event in course.events if event.decision)
    return tuple(_table(name, [event for event in course.events if event.decision == name]) for name in names)


def _table(name: str, events: Sequence[Event]) -> Table:
    columns: dict[Column | str, Callable[[Event], Cell | str]] = {
        "What": _what,
        number("USD,\nforecast"): lambda e: amount(e.forecast_usd if e.kind == "try" else None),
        number("USD"): lambda e: amount(e.usd if e.kind == "try" else None),
        "Ahead": lambda e: (e.after and e.after.leader) or MISSING,
        number("Regret"): lambda e: _regret(e.after),
        number("Sure"): lambda e: f"{e.after.sure:.0%}" if e.after and e.after.leader else MISSING,
        "Why": lambda e: e.why,
    }
    notes = (
        "Ahead: after it; regret: by how many points that is expected to be below the best; sure: probability that the "
        "whole matrix would choose it too.",
    )
    return Table.of(f"{name}: the course of the race", columns, events, notes)


def _what(event: Event) -> str:
    if event.kind == "drop":
        return f"drop {event.label}"
    seeds = f"{event.seeds} seed{'s' * (event.seeds > 1)}"
    return f"try {event.label}: {seeds}, {event.examples:,} examples{' (failed)' * event.failed}"


def _regret(lead: Lead | None) -> str:
    if lead is None or not lead.leader:
        return MISSING
    return f"{100 * lead.regret:.1f}" + ("" if lead.regret_usd is None else f" ({lead.regret_usd:.4g} USD)")


_EVENTS = TypeAdapter(tuple[Event, ...])
_COURSE = TypeAdapter(Course)
