"""What stands below tables: how figures came about, and why some are not there."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from crossfare.compare.losses import Fate, fate_of_lost
from crossfare.report import numbers
from crossfare.report.cells import NOT_MEASURED, energy_columns, footnoted, latency_cell, line_labels, row_numbers
from crossfare.report.context import Context
from crossfare.report.names import task_name
from crossfare.report.summary import Line, price_refs, targets, translation_latencies
from crossfare.report.table import MISSING
from crossfare.tasks import TASKS

SOURCE_SIDE = (
    "Translate-infer is scored as it is served: answers are projected back into the original context and compared with "
    "the gold of the target language, lost questions counting as wrong. In parentheses, below: the paper's way, which "
    "carries the gold answer into the translation and scores on the source side what survived; it cannot be served."
)
_STRATEGIES = (
    "Ranking: strategy 1 translates the collection once and queries when serving; strategy 2 translates each query "
    "with its candidates when serving. An example is a query."
)
ENERGY_NOTE = (
    "Energy: electricity of this run's own processes (codecarbon), translation and fine-tuning once and per 1,000 "
    f"examples served; a provider's is not known. {MISSING}: a step was finished before energy was metered."
)


def quality_notes(
    found: Sequence[Line], languages: Sequence[str], context: Context, *, intervals: bool = True
) -> tuple[str, ...]:
    """How scores came about, and why some are not there."""
    seeds = sorted({len(line.at(language)) for line in found for language in languages} - {0})
    several = bool(seeds) and seeds[-1] > 1
    text = "Bold: best of its column and task."
    if several:
        text += f" Scores are means over {'-'.join(map(str, seeds))} seeds."
    if intervals and several:
        text += " 95 % intervals: the bootstrap over test examples and the t-interval over seeds, in quadrature."
    elif intervals:
        text += " 95 % intervals: bootstrap over test examples, one seed."
    return (*_engine_notes(found, context), text, *_missing_notes(found, languages, context))


def lost_notes(found: Sequence[Line], languages: Sequence[str]) -> list[str]:
    """What was asked and not translated, by what it did to the score."""
    lost: dict[Fate, list[str]] = {}
    for number, line in zip(row_numbers(found), found, strict=True):
        for result in (at[0] for name in languages if (at := line.at(name))):  # the same for every seed
            asked = result.test_yield
            if asked and asked.kept < asked.total:
                told = f"{number.text} {result.spec.target} {asked.total - asked.kept:,} of {asked.total:,}"
                lost.setdefault(fate_of_lost(result), []).append(told)
    return [f"Lost in translation when serving, and {fate}: {'; '.join(each)}." for fate, each in lost.items()]


def constant_notes(found: Sequence[Line], languages: Sequence[str]) -> list[str]:
    """Which models answer the same to everything."""
    told = [
        f"{number.text} {result.spec.target} seed {result.spec.seed} ({result.one_answer or 'nothing'})"
        for number, line in zip(row_numbers(found), found, strict=True)
        for language in languages
        for result in line.at(language)
        if result.one_answer is not None
    ]
    return [f"The same answer to everything, so that fine-tuning did not converge: {'; '.join(told)}."] if told else []


def model_notes(found: Sequence[Line]) -> list[str]:
    """What of the models that were fine-tuned was not used."""
    return [
        f"{note}."
        for note in dict.fromkeys(note for line in found for each in line.results for note in each.model_notes)
    ]


def cost_notes(found: Sequence[Line], context: Context) -> tuple[str, ...]:
    """What costs and latencies are of, and what priced them."""
    results = [result for line in found for result in line.results]
    mean = ", the mean over the languages" if len(targets(found)) > 1 else ""
    notes = [
        *_engine_notes(found, context),
        f"Costs are of one target language{mean}. One-time: translating the training set; recurring: translating "
        f"1,000 examples when serving, and in QA their answers back. {MISSING}: the method needs nothing of the kind.",
    ]
    if any(TASKS[line.first.task].searches for line in found):
        notes.append(_STRATEGIES)
    if any(latency_cell(line).text == NOT_MEASURED for line in found):
        notes.append(f"{NOT_MEASURED}: not measured; a translation that is looked up has no latency of its own.")
    if alone := {
        footnoted(name, label, context): f"{numbers.amount(fmean(each.mean for each in timed))} s"
        for line in found
        if (timed := translation_latencies(line.results))
        for name, label in list(line.first.engines.items())[-1:]  # the one that translates what is asked
    }:
        each = "; ".join(f"{engine} {seconds}" for engine, seconds in alone.items())
        notes.append(f"Latency in QA: translating, and projecting answers back. Translating alone: {each}.")
    if energy_columns(results):
        notes.append(ENERGY_NOTE)
    if refs := price_refs(results):
        notes.append(f"Prices: {', '.join(refs)}.")
    return tuple(notes)


def _engine_notes(found: Sequence[Line], context: Context) -> tuple[str, ...]:
    noted = {
        footnoted(name, label, context): note
        for line in found
        for name, label in line.first.engines.items()
        if (note := context.engine_notes.get(name))
    }
    for both in (list(line.first.engines.values()) for line in found):
        if len(both) > 1:
            noted[" + ".join(both)] = f"{both[0]} translates the training set, {both[1]} what is asked"
    return tuple(f"{label}: {note}." for label, note in noted.items())


def _missing_notes(found: Sequence[Line], languages: Sequence[str], context: Context) -> tuple[str, ...]:
    """Why each empty score is empty: languages a task does not have at all, then single lines."""
    absent: dict[str, list[str]] = {}
    for task in dict.fromkeys(line.first.task for line in found):
        of_task = targets(line for line in found if line.first.task == task)
        absent[task] = [language for language in languages if language not in of_task]
    notes = [f"No {task_name(t)} in {', '.join(there)}: not part of this run." for t, there in absent.items() if there]
    reasons = {spec.without_seed: reason for spec, reason in context.missing}
    alike: dict[tuple[str, str, str], list[str]] = {}
    for line in found:
        gaps: dict[str, list[str]] = {}
        known = {spec.target: reasons.get(spec.without_seed, "not run") for spec in line.specs}
        for language in languages:
            if not line.at(language) and language not in absent[line.first.task]:
                gaps.setdefault(known.get(language, "not run"), []).append(language)
        for reason, without in gaps.items():
            label = ", ".join(cell.text for cell in line_labels(line, context))
            alike.setdefault((line.first.task, ", ".join(without), reason), []).append(label)
    for (name, where, reason), labels in alike.items():
        notes.append(f"No score for {task_name(name)}, {'; '.join(labels)}, {where}: {reason}.")
    return tuple(notes)
