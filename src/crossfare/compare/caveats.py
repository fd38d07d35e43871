"""What has to be said of figures: prices of another device, examples lost in translation, models that never learned."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from statistics import fmean

from crossfare.compare.contenders import Contender, label, runs_of
from crossfare.ledger import Book
from crossfare.ledger.price import device_of
from crossfare.types import Result


def caveats(cells: Sequence[Contender]) -> tuple[str, ...]:
    """What has to be said of the figures of these methods, in one language."""
    notes = []
    if any(len(runs_of([cell])) > 1 for cell in cells):
        notes.append("Runs that differ in their seeds only are pooled: scores and costs are means over seeds.")
    if any(cell.mark for cell in cells):
        notes.append(
            "Cells found in several runs are listed by run: they differ in more than the seed, or not even there."
        )
    for run in runs_of(cells):
        steps = [step for cell in cells for own, result in cell.results if own is run for step in result.steps]
        notes += hardware_notes(run.book, dict.fromkeys(steps))
        offers = {run.book.offer(name) for name in run.book.resources if name.startswith("engine:")}
        by_use = {name for name in offers if run.book.catalogue.get(name).unit != "device-hour"}
        if silent := sorted(by_use.intersection(run.without_terms)):
            notes.append(
                f"What {', '.join(silent)} asks or gives each month (a fee, a free amount) was not recorded in the "
                "run, so that it is in no total; name the offer again with --offer to have it in."
            )
        notes += [
            f"Seconds are those of {run.machine}: another processor may take twice as long, or half."
            for _ in [run]
            if any(run.book.entry(step).usage.hardware == "cpu" for step in steps)
        ]
    doubts = dict.fromkeys(note for cell in cells for _, result in cell.results for note in result.test_notes)
    notes += [f"In {cells[0].target}, {note}." for note in doubts]
    for cell in cells:
        named = label(cell, cells)
        if lost := lost_share([result for _, result in cell.results]):
            share = f"{named}: {100 * lost:.1f} % of what is asked in {cell.target} is lost"
            notes.append(f"{share} in translation, and {fate_of_lost(cell.first)}.")
        timed = [each for _, result in cell.results for each in result.latency]
        if busy := [each.load for each in timed if each.busy and each.load]:
            notes.append(
                f"{named}: its latency in {cell.target} was timed while other work took {100 * max(busy):.0f} % of the "
                "machine's processors, so that it may be less."
            )
        if constant := [str(result.spec.seed) for _, result in cell.results if result.one_answer is not None]:
            seeds = f"{named}: with seed {', '.join(constant)} its model"
            notes.append(f"{seeds} answers everything in {cell.target} the same, so that fine-tuning did not converge.")
    return tuple(dict.fromkeys(notes))


def hardware_notes(book: Book, steps: Iterable[str]) -> tuple[str, ...]:
    """A note for each price of device time that stands on seconds of another device, both named."""
    found: dict[tuple[str, str], None] = {}
    for step_id in steps:
        entry = book.entry(step_id)
        for price in (book.catalogue.get(book.offer(name)) for name in entry.resources):
            made_on, device = entry.usage.hardware, device_of(price.offer)
            timed = price.unit == "device-hour" and entry.usage.seconds
            if (
                timed
                and made_on
                and device
                and device not in made_on.lower().replace("-", " ").replace("_", " ").split()
            ):
                found[made_on, price.ref] = None
    return tuple(
        f"Seconds of {made_on} are priced as {ref}, another device: that is what neither of them costs. Name the offer "
        "of the device, or state its price."
        for made_on, ref in found
    )


class Fate(StrEnum):
    """What became of lost examples. Crossfare once left them out of the score in NLI and ranking."""

    WRONG = "counted as wrong"
    ANSWERED = "answered by the other model alone"
    LEFT_OUT = "left out of the score"


def lost_share(results: Sequence[Result]) -> float:
    """The share of the test examples that was lost in translation when serving, the mean over seeds."""
    return fmean(0.0 if result.test_yield is None else 1 - result.test_yield.rate for result in results)


def fate_of_lost(result: Result) -> Fate:
    """What a score made of the examples that were lost."""
    if any(step.startswith("ensemble-") for step in result.steps):
        return Fate.ANSWERED
    lost = result.test_yield.lost if result.test_yield else ()
    return Fate.LEFT_OUT if lost and set(lost).isdisjoint(result.score.ids) else Fate.WRONG
