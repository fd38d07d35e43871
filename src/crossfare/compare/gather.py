"""From runs to decisions: bring together what several seeds, runs and languages say of one method."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from decimal import Decimal
from statistics import fmean

from crossfare.compare.caveats import caveats
from crossfare.compare.contenders import Contender, chosen, engine_label, label, run_names, runs_of
from crossfare.compare.measured import Measured, seed_noises
from crossfare.compare.model import Decision, Option
from crossfare.compare.quantities import (
    Named,
    Quantities,
    at_utilisation,
    components,
    mean_of,
    named_bills,
    quantities,
    used_rates,
    used_timings,
)
from crossfare.compare.runs import RunRecord
from crossfare.compare.standings import measured
from crossfare.compare.timing import Timings, timings_of
from crossfare.compare.uncertainty import Interval, belief
from crossfare.errors import ConfigError
from crossfare.ledger.costs import Needs


def decisions(
    runs: Sequence[RunRecord],
    *,
    tasks: Sequence[str] = (),
    targets: Sequence[str] = (),
    without: Sequence[str] = (),
    mean: bool = False,
    months: int = 12,
    utilisation: Decimal = Decimal(1),
) -> tuple[Decision, ...]:
    """One decision per task and target language, or per task over the mean of its languages.

    ``tasks`` and ``targets`` keep some; ``without`` leaves out engines (by name, or "reference" for
    every engine that looks translations up) and methods. Cells that are equal but for the seed are
    pooled, over runs too, if the runs describe the task alike, had the same hardware and prices,
    and share no seed; otherwise they are listed by run. Translations are kept for ``months``.
    Hardware that serves works for a part ``utilisation`` of the time that it is paid for.

    Raises:
        ConfigError: the runs do not hold what is asked for, or nothing is left; or that part is none.
    """
    cells = chosen(runs, tasks, targets, without)
    if not cells:
        raise ConfigError("no result is left to choose from; leave out less")
    scores: dict[str, dict[str, Measured]] = defaultdict(dict)
    for cell in chosen(runs, tasks):  # of all languages and methods, whatever is left out: they tell how seeds differ
        scores[cell.task][cell.key] = measured([result for _, result in cell.results], cell.tested)
    groups: dict[str, dict[str, list[Contender]]] = defaultdict(lambda: defaultdict(list))
    for cell in cells:
        groups[cell.task][cell.target].append(cell)
    found = [list(by_target.values()) for by_target in groups.values()]
    asked = found if mean else [[own] for every in found for own in every]
    timings = timings_of(runs)
    return tuple(_decision(every, scores[every[0][0].task], months, timings, utilisation) for every in asked)


def _decision(
    groups: Sequence[Sequence[Contender]],
    scores: Mapping[str, Measured],
    months: int,
    timings: Timings,
    utilisation: Decimal,
) -> Decision:
    """One decision over a language, or several: the methods found in all of them, at their means.

    How much scores vary over trainings is told from all ``scores`` of the task.
    """
    several, task = len(groups) > 1, groups[0][0].task
    by_target = [{_across(cell, cells) if several else cell.key: cell for cell in cells} for cells in groups]
    rows = {key: [own[key] for own in by_target] for key in by_target[0] if all(key in own for own in by_target)}
    if not rows:
        raise ConfigError(f"no {task} method was run in every language; compare the languages one by one")
    every = [cell for row in rows.values() for cell in row]
    named = _named(every)
    noises = seed_noises(list(scores.values()))
    believed = belief({key: [scores[cell.key] for cell in row] for key, row in rows.items()}, noises)
    options = tuple(
        _option(key, row, groups, _paid(row, named, timings, utilisation), believed.interval(key))
        for key, row in rows.items()
    )
    tested = {key: tuple(cell.tested for cell in row) for key, row in rows.items()}
    notes = [note for cells in groups for note in caveats(cells)]
    notes += [*_apart(tested), *_left_out(by_target, rows)]
    if several:
        notes.append("Scores and costs are those of one target language, means over them.")
    return Decision(
        task,
        "+".join(cells[0].target for cells in groups),
        every[0].metric,
        used_rates(options, named),
        options,
        believed,
        tuple(dict.fromkeys(notes)),
        months,
        min(len(scores[cell.key].ids) for cell in every),
        used_timings(options, timings),
        utilisation,
    )


def _across(cell: Contender, cells: Sequence[Contender]) -> str:
    """A name that the same method has in every language."""
    spec = cell.first.spec
    crowd = {each.first.spec.checkpoint for each in cells if each.first.spec.model == spec.model}
    model = f"{spec.model}={spec.checkpoint}" if len(crowd) > 1 else spec.model
    return "|".join(
        (spec.task, spec.variant, model, "+".join(spec.engines) or "-", *([cell.mark] if cell.mark else []))
    )


def _named(cells: Sequence[Contender]) -> Named:
    runs = runs_of(cells)
    return named_bills([(name, run.book) for name, run in zip(run_names(runs), runs, strict=True)])


def _paid(row: Sequence[Contender], named: Named, timings: Timings, utilisation: Decimal) -> Quantities:
    """What a method uses, at the mean over languages, and in each over seeds."""
    used = [
        mean_of([quantities(Needs.of(result), run.book, named, timings) for run, result in cell.results])
        for cell in row
    ]
    return at_utilisation(mean_of(used), utilisation, named)


def _option(
    key: str, row: Sequence[Contender], groups: Sequence[Sequence[Contender]], paid: Quantities, quality: Interval
) -> Option:
    """A method at its means over languages; each language's figures are means over seeds."""
    first, cells = row[0], groups[0]
    return Option(
        key=key,
        label=label(first, cells),
        fixed=components(paid, "fixed"),
        recurring=components(paid, "recurring"),
        quality=quality.value,
        low=quality.low,
        high=quality.high,
        latency_ms=_mean([_latency_ms(cell) for cell in row]),
        seeds=min(len(cell.results) for cell in row),
        engine=engine_label(first),
        note="; ".join(facts.note for _, facts in first.engines if facts.note),
        reference=first.reference,
        kept=components(paid, "kept"),
        baseline=_mean([_mean([result.baseline for _, result in cell.results]) for cell in row]),
    )


def _mean(values: Sequence[float | None]) -> float | None:
    """None if one is not known."""
    known = [value for value in values if value is not None]
    return fmean(known) if len(known) == len(values) else None


def _latency_ms(cell: Contender) -> float | None:
    """What translation adds to one request, 95th percentile; None if it translates and was not timed."""
    if all(result.translation_per_1k is None for _, result in cell.results):
        return 0.0
    found = [each.p95 for _, result in cell.results for each in result.latency if each.batch_size == 1]
    return 1000 * fmean(found) if found else None


def _apart(tested: Mapping[str, Hashable]) -> tuple[str, ...]:
    """A note where not all were tested on the same examples."""
    if len(set(tested.values())) == 1:
        return ()
    return (
        "Not all were tested on the same examples, or a run does not say on which: scores of different test sets are "
        "not paired, so that less is known of how far they lie apart.",
    )


def _left_out(by_target: Sequence[Mapping[str, Contender]], kept: Mapping[str, object]) -> tuple[str, ...]:
    names = dict.fromkeys(
        label(cell, list(own.values())) for own in by_target for key, cell in own.items() if key not in kept
    )
    return (f"Not run in every language, so left out of the mean: {', '.join(names)}.",) if names else ()
