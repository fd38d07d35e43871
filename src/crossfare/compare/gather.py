"""From runs to decisions: bring together what several seeds, runs and languages say of one method."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from statistics import fmean

from crossfare.compare.cells import Cell, asked_cells, engine_label, gather_cells, label, leave_out, run_names
from crossfare.compare.contests import pool
from crossfare.compare.estimates import Estimate, estimate, over_targets
from crossfare.compare.hardware import hardware_notes
from crossfare.compare.losses import fate_of_lost, lost_share
from crossfare.compare.model import Component, Decision, Option, Part, Rate
from crossfare.compare.paired import PairedTests, over_languages
from crossfare.compare.runs import RunRecord
from crossfare.errors import ConfigError
from crossfare.ledger.book import STORAGE
from crossfare.ledger.costs import SHARES, Needs
from crossfare.types import Score, Share

# Quantities are kept to this: a billionth of a character, a second or an example.
_QUANTUM = Decimal("1e-9")

_PARTS: Mapping[Share, Part] = {
    "translation": "translation",
    "annotation": "annotation",
    "fine_tuning": "fine-tuning",
    "translation_per_1k": "translation",
    "inference_per_1k": "inference",
}

_Names = Mapping[tuple[int, str], str]
"""What a resource of a run (by its identity) is called in a decision."""


def decisions(
    runs: Sequence[RunRecord],
    *,
    tasks: Sequence[str] = (),
    targets: Sequence[str] = (),
    without: Sequence[str] = (),
    mean: bool = False,
    months: int = 12,
) -> tuple[Decision, ...]:
    """One decision per task and target language, or per task over the mean of its languages.

    ``tasks`` and ``targets`` keep some; ``without`` leaves out engines (by name, or "reference" for
    every engine that looks translations up) and methods. Cells that are equal but for the seed are
    pooled, over runs too, if the runs describe the task alike, had the same hardware and prices,
    and share no seed; otherwise they are listed by run. Translations are kept for ``months``.

    Raises:
        ConfigError: the runs do not hold what is asked for, or nothing is left.
    """
    cells = leave_out(asked_cells(gather_cells(runs), tasks, targets), without)
    if not cells:
        raise ConfigError("no result is left to choose from; leave out less")
    groups: dict[str, dict[str, list[Cell]]] = defaultdict(lambda: defaultdict(list))
    for cell in cells:
        groups[cell.task][cell.target].append(cell)
    if mean:
        made = [_mean(task, tuple(by_target.values())) for task, by_target in groups.items()]
    else:
        made = [_decision(own) for by_target in groups.values() for own in by_target.values()]
    return tuple(replace(each, months=months) for each in made)


# -- one language -----------------------------------------------------------------------------


def _decision(cells: Sequence[Cell]) -> Decision:
    first, names = cells[0], _resource_names(cells)
    options = tuple(_option(cell, cells, names) for cell in cells)
    tested = {cell.key: cell.tested for cell in cells}
    pairs = PairedTests({cell.key: pool(cell.scores) for cell in cells}, tested)
    notes = (*_notes(cells), *_apart(tested))
    return Decision(first.task, first.target, first.metric, _rates(cells, names, options), options, pairs, notes)


def _option(cell: Cell, cells: Sequence[Cell], names: _Names) -> Option:
    quality = estimate(cell.scores)
    components = _components(cell, names)
    return Option(
        key=cell.key,
        label=label(cell, cells),
        fixed=tuple(each for share, each in components if not share.endswith("per_1k")),
        recurring=tuple(each for share, each in components if share.endswith("per_1k")),
        quality=quality.value,
        low=quality.low,
        high=quality.high,
        latency_ms=_latency_ms(cell),
        seeds=quality.seeds,
        engine=engine_label(cell),
        note="; ".join(facts.note for _, facts in cell.engines if facts.note),
        reference=cell.reference,
        kept=_kept(cell, names),
        baseline=_baseline(cell),
    )


def _baseline(cell: Cell) -> float | None:
    """What a trivial system scores on its test set; None if a run does not say."""
    found = [result.baseline for _, result in cell.results]
    return None if None in found else fmean(each for each in found if each is not None)


def _latency_ms(cell: Cell) -> float | None:
    """What translation adds to one request, 95th percentile; None if it translates and was not timed."""
    if all(result.translation_per_1k is None for _, result in cell.results):
        return 0.0
    found = [each.p95 for _, result in cell.results for each in result.latency if each.batch_size == 1]
    return 1000 * fmean(found) if found else None


def _components(cell: Cell, names: _Names) -> list[tuple[Share, Component]]:
    """The quantities of every priced resource, means over seeds; recurring ones per 1,000 examples."""
    sums: dict[tuple[Share, str], Decimal] = defaultdict(Decimal)
    with localcontext(prec=50, rounding=ROUND_HALF_EVEN):
        for run, result in cell.results:
            needs = Needs.of(result)
            for share in SHARES:
                examples = needs.per(share)
                per = Decimal(1) if examples is None else Decimal(1000) / max(1, examples)
                for entry in run.steps(result, share):
                    for resource in entry.resources:
                        for bill in run.bills(resource):
                            sums[share, names[id(run), bill.name]] += bill.quantity(entry) * per
        return [
            (share, Component(_PARTS[share], resource, (total / len(cell.results)).quantize(_QUANTUM)))
            for (share, resource), total in sums.items()
        ]


def _kept(cell: Cell, names: _Names) -> tuple[Component, ...]:
    """The bytes of the translations that were paid once, means over seeds."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    with localcontext(prec=50, rounding=ROUND_HALF_EVEN):
        for run, result in cell.results:
            if run.book.stores and (stored := run.stored_bytes(result)):
                sums[names[id(run), STORAGE]] += stored
        return tuple(
            Component("storage", name, (total / len(cell.results)).quantize(_QUANTUM)) for name, total in sums.items()
        )


def _resource_names(cells: Sequence[Cell]) -> _Names:
    """What is billed, by its own name; where runs pay different prices for it, by the run's name too."""
    runs = list({id(run): run for cell in cells for run, _ in cell.results}.values())
    bills = [(run, bill) for run in runs for resource in run.resources for bill in run.bills(resource)]
    rates: dict[str, set[Rate]] = defaultdict(set)
    for _, bill in bills:
        rates[bill.name].add(bill.rate)
    marks = dict(zip(map(id, runs), run_names(runs), strict=True))
    return {
        (id(run), bill.name): bill.name if len(rates[bill.name]) == 1 else f"{bill.name} [{marks[id(run)]}]"
        for run, bill in bills
    }


def _rates(cells: Sequence[Cell], names: _Names, options: Sequence[Option]) -> dict[str, Rate]:
    """The prices of what the options use."""
    used = {each.resource for option in options for each in (*option.fixed, *option.recurring, *option.kept)}
    return {
        name: bill.rate
        for cell in cells
        for run, _ in cell.results
        for resource in run.resources
        for bill in run.bills(resource)
        if (name := names[id(run), bill.name]) in used
    }


def _notes(cells: Sequence[Cell]) -> tuple[str, ...]:
    notes = []
    if any(len({id(run) for run, _ in cell.results}) > 1 for cell in cells):
        notes.append("Runs that differ in their seeds only are pooled: scores and costs are means over seeds.")
    if any(cell.mark for cell in cells):
        notes.append(
            "Cells found in several runs are listed by run: they differ in more than the seed, or not even there."
        )
    for run in {id(run): run for cell in cells for run, _ in cell.results}.values():
        steps = [step for cell in cells for own, result in cell.results if own is run for step in result.steps]
        notes += hardware_notes(run.book, dict.fromkeys(steps))
    for cell in cells:
        if lost := lost_share([result for _, result in cell.results]):
            named = f"{label(cell, cells)}: {100 * lost:.1f} % of what is asked in {cell.target} is lost"
            notes.append(f"{named} in translation, and {fate_of_lost(cell.first)}.")
        if constant := [result for _, result in cell.results if result.one_answer is not None]:
            seeds = ", ".join(str(result.spec.seed) for result in constant)
            named = f"{label(cell, cells)}: with seed {seeds} its model answers everything in {cell.target} the same"
            notes.append(f"{named}, so that fine-tuning did not converge.")
    return tuple(dict.fromkeys(notes))


# -- means over languages ---------------------------------------------------------------------


def _mean(task: str, groups: Sequence[Sequence[Cell]]) -> Decision:
    """One decision over several languages: the methods found in all of them, at their means."""
    if len(groups) == 1:
        return _decision(groups[0])
    by_target = [{_across(cell, cells): cell for cell in cells} for cells in groups]
    common = [key for key in by_target[0] if all(key in own for own in by_target)]
    if not common:
        raise ConfigError(f"no {task} method was run in every language; compare the languages one by one")
    rows = [[own[key] for own in by_target] for key in common]
    every = [cell for row in rows for cell in row]
    names = _resource_names(every)
    options = tuple(_mean_option(key, row, groups, names) for key, row in zip(common, rows, strict=True))
    tested = {key: tuple(cell.tested for cell in row) for key, row in zip(common, rows, strict=True)}
    scores = _mean_scores(dict(zip(common, rows, strict=True)), tested)
    target = "+".join(cells[0].target for cells in groups)
    notes = tuple(dict.fromkeys(note for cells in groups for note in _notes(cells)))
    notes += (
        *_apart(tested),
        *_left_out(by_target, common),
        "Scores and costs are those of one target language, means over them.",
    )
    rates = _rates(every, names, options)
    return Decision(task, target, every[0].metric, rates, options, PairedTests(scores, tested), notes)


def _mean_scores(rows: Mapping[str, Sequence[Cell]], tested: Mapping[str, Hashable]) -> dict[str, Score]:
    """Scores fit for paired tests, of the options that were tested on the same examples together."""
    found: dict[str, Score] = {}
    for same in dict.fromkeys(tested.values()):
        scores = {key: [pool(cell.scores) for cell in row] for key, row in rows.items() if tested[key] == same}
        found |= over_languages(scores)
    return found


def _apart(tested: Mapping[str, Hashable]) -> tuple[str, ...]:
    """A note where not all were tested on the same examples."""
    if len(set(tested.values())) == 1:
        return ()
    return (
        "Not all were tested on the same examples, or a run does not say on which: scores of different test sets are "
        "not paired, and no difference between them is called significant.",
    )


def _across(cell: Cell, cells: Sequence[Cell]) -> str:
    """A name that the same method has in every language."""
    spec = cell.first.spec
    crowd = {each.first.spec.checkpoint for each in cells if each.first.spec.model == spec.model}
    model = f"{spec.model}={spec.checkpoint}" if len(crowd) > 1 else spec.model
    return "|".join(
        (spec.task, spec.variant, model, "+".join(spec.engines) or "-", *([cell.mark] if cell.mark else []))
    )


def _mean_option(key: str, row: Sequence[Cell], groups: Sequence[Sequence[Cell]], names: _Names) -> Option:
    found = [_option(cell, cells, names) for cell, cells in zip(row, groups, strict=True)]
    quality = over_targets([Estimate(each.quality, each.low, each.high, each.seeds) for each in found])
    latencies, baselines = [each.latency_ms for each in found], [each.baseline for each in found]
    return replace(
        found[0],
        key=key,
        fixed=_mean_components([each.fixed for each in found]),
        recurring=_mean_components([each.recurring for each in found]),
        kept=_mean_components([each.kept for each in found]),
        quality=quality.value,
        low=quality.low,
        high=quality.high,
        seeds=quality.seeds,
        latency_ms=None if None in latencies else fmean(each for each in latencies if each is not None),
        baseline=None if None in baselines else fmean(each for each in baselines if each is not None),
    )


def _mean_components(found: Sequence[Sequence[Component]]) -> tuple[Component, ...]:
    sums: dict[tuple[Part, str], Decimal] = defaultdict(Decimal)
    with localcontext(prec=50, rounding=ROUND_HALF_EVEN):
        for each in (component for components in found for component in components):
            sums[each.part, each.resource] += each.quantity
        return tuple(
            Component(part, resource, (total / len(found)).quantize(_QUANTUM))
            for (part, resource), total in sums.items()
        )


def _left_out(by_target: Sequence[Mapping[str, Cell]], common: Sequence[str]) -> tuple[str, ...]:
    names = dict.fromkeys(
        label(cell, list(own.values())) for own in by_target for key, cell in own.items() if key not in common
    )
    return (f"Not run in every language, so left out of the mean: {', '.join(names)}.",) if names else ()
