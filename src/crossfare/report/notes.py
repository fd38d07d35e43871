"""What stands below tables: how figures came about, and why some are not there."""

from __future__ import annotations

from math import sqrt
from statistics import fmean

from crossfare.compare.caveats import Fate, fate_of_lost
from crossfare.compare.measured import NORMAL, SEED_SD
from crossfare.report import numbers
from crossfare.report.columns import BUSY_MARK, NOT_MEASURED, added_latency, energies, footnoted, label
from crossfare.report.lines import Context, Gathered, latencies, price_refs, targets
from crossfare.report.names import task_name
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
    "Energy: estimated electricity of this run's own processes (codecarbon: processor time at the processor's rated "
    "power; GPUs by their counters), translation and fine-tuning once and per 1,000 "
    f"examples served; a provider's is not known. {MISSING}: a step was finished before energy was metered."
)


def quality_notes(found: Gathered, *, intervals: bool = True) -> tuple[str, ...]:
    """How scores came about, and why some are not there."""
    seeds = sorted({len(line.at(language)) for line in found.lines for language in found.languages} - {0})
    several = bool(seeds) and seeds[-1] > 1
    text = "Bold: best of its column and task."
    if several:
        text += f" Scores are means over {'-'.join(map(str, seeds))} seeds."
    if several and intervals:
        text += " 95 % intervals: over test examples and training runs, whose luck is pooled over all methods."
    elif any(known.tests_only for line in found.lines for known in map(line.standing, found.languages) if known):
        text += (
            f" One seed: {'95 % intervals are of test sampling only' if intervals else 'no difference is tested'}. "
            f"{one_seed_gap()}"
        )
    return (*_engine_notes(found), text, *part_notes(found), *_test_notes(found), *_missing_notes(found))


def one_seed_gap() -> str:
    """How far apart two scores of one seed must lie at the least to be told apart."""
    apart = 100 * SEED_SD * sqrt(2) * NORMAL
    return (
        f"Scores less than {apart:.0f} points apart may differ by the luck of training alone (assuming that it moves "
        f"them by {100 * SEED_SD:g} points, standard deviation over seeds)."
    )


def part_notes(found: Gathered) -> list[str]:
    """Which scores are not of all examples that their test file holds."""
    parts = {(each.spec.task, each.spec.target): each.scored for each in found.results if each.scored}
    told = "; ".join(f"{task_name(task)} {target} {scored}" for (task, target), scored in parts.items())
    why = "the others were not asked for, or have no answer or label that could be used (see inspect)"
    return [f"Scored on a part of the test file: {told} examples; {why}."] if parts else []


def lost_notes(found: Gathered) -> list[str]:
    """What was asked and not translated, by what it did to the score."""
    lost: dict[Fate, list[str]] = {}
    for line in found.lines:
        for result in (at[0] for name in found.languages if (at := line.at(name))):  # the same for every seed
            asked = result.test_yield
            if asked and asked.kept < asked.total:
                told = f"{line.number} {result.spec.target} {asked.total - asked.kept:,} of {asked.total:,}"
                lost.setdefault(fate_of_lost(result), []).append(told)
    return [f"Lost in translation when serving, and {fate}: {'; '.join(each)}." for fate, each in lost.items()]


def constant_notes(found: Gathered) -> list[str]:
    """Which models answer the same to everything."""
    told = [
        f"{line.number} {result.spec.target} seed {result.spec.seed} ({result.one_answer or 'nothing'})"
        for line in found.lines
        for language in found.languages
        for result in line.at(language)
        if result.one_answer is not None
    ]
    return [f"The same answer to everything, so that fine-tuning did not converge: {'; '.join(told)}."] if told else []


def published_notes(found: Gathered) -> list[str]:
    """What the rows below those of the run are, where the paper's are wanted."""
    if not found.context.beside:
        return []
    without = [
        line.number
        for line in found.lines
        if not any(each.without_seed in found.context.published for each in line.specs)
    ]
    text = "Below: Rosa et al. (2021), as printed, with their models on their test sets"
    return [f"{text}; not in the paper: {', '.join(without)}." if without else f"{text}."]


def label_note(task: str, context: Context) -> str:
    """Which of its two ways of joining two label sets a Table 4 is of (the paper, section 5.2.1)."""
    if task in context.two_class:
        return (
            'Labels: two classes; every "contradiction" was made "neutral" before training (the paper\'s second way).'
        )
    return (
        'Labels: three classes; on two-class test sets a predicted "contradiction" counts as "neutral" (its first way).'
    )


def model_notes(found: Gathered) -> list[str]:
    """What of the models that were fine-tuned was not used."""
    return list(dict.fromkeys(f"{note}." for result in found.results for note in result.model_notes))


def _test_notes(found: Gathered) -> list[str]:
    """What is doubtful about scores on the test sets."""
    told = ((result.spec, note) for result in found.results for note in result.test_notes)
    return list(dict.fromkeys(f"{task_name(spec.task)} in {spec.target}: {note}." for spec, note in told))


def cost_notes(found: Gathered) -> tuple[str, ...]:
    """What costs and latencies are of, and what priced them."""
    mean = ", the mean over the languages" if len(found.languages) > 1 else ""
    notes = [
        *_engine_notes(found),
        f"Costs are of one target language{mean}. One-time: translating the training set; recurring: translating "
        f"1,000 examples when serving, and in QA their answers back. {MISSING}: the method needs nothing of the kind.",
    ]
    if any(TASKS[line.first.task].searches for line in found.lines):
        notes.append(_STRATEGIES)
    if any(added_latency(line) == NOT_MEASURED for line in found.lines):
        notes.append(f"{NOT_MEASURED}: not measured; a translation that is looked up has no latency of its own.")
    if busy := [each.load for line in found.lines for each in latencies(line.results) if each.busy and each.load]:
        notes.append(
            f"{BUSY_MARK}: timed while other work took up to {numbers.percent(max(busy))} of the machine's processors, "
            "so that it may be less."
        )
    if alone := {
        footnoted(name, called, found.context): f"{numbers.amount(fmean(each.mean for each in timed))} s"
        for line in found.lines
        if (timed := latencies(line.results, alone=True))
        for name, called in list(line.first.engines.items())[-1:]  # the one that translates what is asked
    }:
        each = "; ".join(f"{engine} {seconds}" for engine, seconds in alone.items())
        notes.append(f"Latency in QA: translating, and projecting answers back. Translating alone: {each}.")
    if energies(found):
        notes.append(ENERGY_NOTE)
    if refs := price_refs(found.results):
        notes.append(f"Prices: {', '.join(refs)}.")
    return tuple(notes)


def _engine_notes(found: Gathered) -> tuple[str, ...]:
    noted = {
        footnoted(name, called, found.context): note
        for line in found.lines
        for name, called in line.first.engines.items()
        if (note := found.context.engine_notes.get(name))
    }
    for both in (list(line.first.engines.values()) for line in found.lines):
        if len(both) > 1:
            noted[" + ".join(both)] = f"{both[0]} translates the training set, {both[1]} what is asked"
    return tuple(f"{called}: {note}." for called, note in noted.items())


def _missing_notes(found: Gathered) -> tuple[str, ...]:
    """Why each empty score is empty: languages a task does not have at all, then single lines."""
    absent: dict[str, list[str]] = {}
    every = (*found.lines, *found.absent)
    languages = targets(every)
    for task in dict.fromkeys(line.first.task for line in every):
        of_task = targets(line for line in every if line.first.task == task)
        absent[task] = [language for language in languages if language not in of_task]
    notes = [f"No {task_name(t)} in {', '.join(there)}: not part of this run." for t, there in absent.items() if there]
    reasons = {spec.without_seed: reason for spec, reason in found.context.missing}
    alike: dict[tuple[str, str, str], list[str]] = {}
    for line in every:
        gaps: dict[str, list[str]] = {}
        known = {spec.target: reasons.get(spec.without_seed, "not run") for spec in line.specs}
        for language in languages:
            if not line.at(language) and language not in absent[line.first.task]:
                gaps.setdefault(known.get(language, "not run"), []).append(language)
        for reason, without in gaps.items():
            alike.setdefault((line.first.task, ", ".join(without), reason), []).append(label(line, found.context))
    for (name, where, reason), labels in alike.items():
        notes.append(f"No score for {task_name(name)}, {'; '.join(labels)}, {where}: {reason}.")
    return tuple(notes)
