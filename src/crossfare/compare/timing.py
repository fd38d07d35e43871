"""How long work takes, and how well that is known: one rate for what is the same work, with its uncertainty.

A second that was timed is not a fact like a character that was sent: the same model on the same inputs takes a little
longer or shorter each time. So the seconds of inference are not those of each cell by itself: they are the tokens that
a cell's model read (or its examples, where tokens were not counted) at one rate per model, task and language read,
over all timings that there are of it, those of other methods, engines and seeds too. Other work (fine-tuning,
translating) is at its own seconds. All of it is uncertain by how much timings of the same work scatter.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from scipy import special

from crossfare.compare.runs import RunRecord
from crossfare.ledger import Book, Entry
from crossfare.ledger.costs import SHARES, Needs
from crossfare.types import Result, Share, digest

TIMING_SD = 0.14
"""By how much a timing is off, as a fraction, where nothing was timed often enough to tell: the standard deviation of
the demo's 90 timings of inference about their rates, on two cores that worked on two steps at once."""

_ENOUGH = 4
"""Degrees of freedom from which on a standard deviation is taken from the timings themselves."""

_PLACES = Decimal("1e-6")


@dataclass(frozen=True, slots=True)
class Timing:
    """How well the seconds of some work are known.

    ``margin`` is the half-width of their 95 % interval as a fraction of them. ``count`` timings are behind it, each off
    by ``deviation`` (a standard deviation, as a fraction), which is ``stated`` where too little was timed to tell.
    ``rate`` is seconds per ``unit`` ("token", "example"); None where each step has its own seconds.
    """

    margin: Decimal
    count: int
    deviation: float
    stated: bool = False
    rate: float | None = None
    unit: str = ""


@dataclass(frozen=True, slots=True)
class _Timed:
    """A finished step that was timed: its seconds, and the amount of work that these are for."""

    entry: Entry
    seconds: float
    amount: float
    unit: str


@dataclass(slots=True)
class Timings:
    """The timings of runs, by the work that they are of: made by `timings_of`.

    ``known`` has each piece of work by its name; ``_of`` says which a step of a run is, and ``_pooled`` the seconds
    that it is taken to have, where these are not its own.
    """

    known: dict[str, Timing] = field(default_factory=dict)
    _of: dict[tuple[int, str], str] = field(default_factory=dict)
    _pooled: dict[tuple[int, str], float] = field(default_factory=dict)

    def name(self, book: Book, entry: Entry) -> str:
        """The work that a step is; "" if it was not timed."""
        return self._of.get((id(book), entry.step_id), "")

    def seconds(self, book: Book, entry: Entry) -> float | None:
        """The seconds that a step is taken to have used."""
        return self._pooled.get((id(book), entry.step_id), entry.usage.seconds)


NOT_TIMED = Timings()
"""No timing at all: seconds are taken as they are, and as exact."""


def timings_of(runs: Sequence[RunRecord]) -> Timings:
    """What was timed in these runs, brought together; runs are told apart by the identity of their ledgers."""
    found = Timings()
    groups = _grouped(runs)
    # The same step in two runs is one timing, if they found it finished in one cache.
    distinct = {
        name: list({(each.entry.step_id, each.seconds): each for _, each in own}.values())
        for name, own in groups.items()
    }
    deviations = _deviations(distinct)
    for name, own in groups.items():
        timed = distinct[name]
        deviation, freedom = deviations[_kind(name)]
        margin = min(1.0, _point(freedom) * deviation / math.sqrt(len(timed)))
        pooled = name.startswith(_POOLED)
        rate = sum(each.seconds for each in timed) / sum(each.amount for each in timed) if pooled else None
        unit = timed[0].unit if pooled else ""
        found.known[name] = Timing(
            Decimal(str(margin)).quantize(_PLACES), len(timed), deviation, freedom is None, rate, unit
        )
        for book, each in own:
            found._of[book, each.entry.step_id] = name
            if rate is not None:
                found._pooled[book, each.entry.step_id] = rate * each.amount
    return found


_POOLED = "inference: "
_NO_MODEL = ("retrieve", "ensemble")
"""Stages of inference in which the cell's own model has no part."""


def _kind(name: str) -> str:
    """Timings scatter alike within a stage."""
    return _POOLED if name.startswith(_POOLED) else name.partition(":")[0]


def _grouped(runs: Sequence[RunRecord]) -> dict[str, list[tuple[int, _Timed]]]:
    """What was timed, by the name of the work, with the identities of the ledgers that have it."""
    found: dict[str, list[tuple[int, _Timed]]] = defaultdict(list)
    named: dict[tuple[int, str], str] = {}
    for run in runs:
        book = id(run.book)
        # The models of an ensemble are those of other cells, which tell whose inference a step is.
        for result in sorted(run.results, key=_is_ensemble):
            for name, timed in _works(run, result):
                if (book, timed.entry.step_id) not in named:
                    named[book, timed.entry.step_id] = name
                    found[name].append((book, timed))
    return found


def _works(run: RunRecord, result: Result) -> Iterator[tuple[str, _Timed]]:
    """What was timed of a cell, with the names of the work; of several steps of a kind, each has its own."""
    needs = Needs.of(result)
    for share in SHARES:
        met: Counter[str] = Counter()
        for entry in map(run.book.entry, needs.playing(share)):
            met[entry.stage] += 1
            if entry.usage.seconds:
                tokens, examples = entry.usage.input_tokens, needs.per(share)
                timed = _Timed(
                    entry, entry.usage.seconds, float(tokens or examples or 1), "token" if tokens else "example"
                )
                yield _name(run, result, share, timed, met[entry.stage]), timed


def _name(run: RunRecord, result: Result, share: Share, timed: _Timed, number: int) -> str:
    """What a step's work is called, alike for what is the same work on the same hardware.

    Only inference is pooled; of other work, the repetitions with other seeds are the same.
    """
    spec, entry = result.spec, timed.entry
    by_model = entry.stage not in _NO_MODEL
    alike = (
        run.hardware,
        entry.usage.hardware or "",
        entry.usage.machine or "",
        str(run.tasks.get(spec.task)),
        timed.unit,
    )
    if share == "inference_per_1k" and not (by_model and _is_ensemble(result)):
        # After translation, what is read is in the source language.
        language = spec.source if "translation_per_1k" in result.steps.values() else spec.target
        what = f"{entry.stage} {spec.checkpoint or spec.model}" if by_model else entry.stage
        return f"{_POOLED}{what}, {spec.task} in {language} ({digest(alike, 6)})"
    return f"{entry.stage}: {share} {number} of {spec.without_seed} ({digest(alike, 6)})"


def _is_ensemble(result: Result) -> bool:
    return any(step.startswith("ensemble-") for step in result.steps)


def _deviations(groups: Mapping[str, Sequence[_Timed]]) -> dict[str, tuple[float, int | None]]:
    """By how much timings scatter about the rate of their work, by stage, with the degrees of freedom.

    A stage in which little was repeated has the scatter of all; without any, it is as stated.
    """
    kinds: dict[str, list[tuple[float, int]]] = defaultdict(list)
    for name, timed in groups.items():
        kinds[_kind(name)].append(_scatter(timed))
    every = _together(pair for own in kinds.values() for pair in own) or (TIMING_SD, None)
    return {kind: _together(own) or every for kind, own in kinds.items()}


def _point(freedom: int | None) -> float:
    """The two-sided 95 % point of Student's t; of the normal distribution where a deviation is as stated."""
    return float(special.ndtri(0.975) if freedom is None else special.stdtrit(freedom, 0.975))


def _scatter(timed: Sequence[_Timed]) -> tuple[float, int]:
    """Squared deviations of the logarithms of seconds per unit, and their degrees of freedom."""
    logs = [math.log(each.seconds / each.amount) for each in timed]
    mean = math.fsum(logs) / len(logs)
    return math.fsum((each - mean) ** 2 for each in logs), len(logs) - 1


def _together(found: Iterable[tuple[float, int]]) -> tuple[float, int | None] | None:
    """A standard deviation of all; None if too little was repeated to tell."""
    pairs = list(found)
    freedom = sum(count for _, count in pairs)
    return (math.sqrt(math.fsum(squares for squares, _ in pairs) / freedom), freedom) if freedom >= _ENOUGH else None
