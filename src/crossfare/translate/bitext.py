"""A text beside its translation: which part of one is which part of the other.

Texts are cut into segments, each is translated, and the translations are joined, so the correspondence
is known (`Parallel`). Where an engine took a whole paragraph, or only the two texts are given, sentences
are aligned by their lengths (Gale & Church 1993, "A program for aligning sentences in bilingual corpora").
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import cast

from crossfare.translate.dataset import TranslatedDataset, TranslationReport
from crossfare.translate.lint import lint_examples
from crossfare.translate.memory import TranslationMemory
from crossfare.translate.outcome import Lost
from crossfare.translate.pieces import Cutter, Failed, Outcome
from crossfare.translate.projection.projected import Parallel, Segment
from crossfare.translate.projection.unmarked import as_it_is
from crossfare.translate.segments import Segments
from crossfare.translate.sentences import Span, segment_spans
from crossfare.types import Dataset, Engine, Progress, QAExample, Yield, content_revision

# How many sentences of one text are how many of the other, and how likely that is (Gale & Church, table 5).
_BEADS = {(1, 1): 0.89, (1, 0): 0.00495, (0, 1): 0.00495, (2, 1): 0.0445, (1, 2): 0.0445, (2, 2): 0.011}
_VARIANCE = 6.8  # of the length of a translation, per character


def bitext(source: str, target: str, segments: Iterable[tuple[Span, Span]] | None = None) -> Parallel:
    """Two texts and the spans that correspond, in order; without them nothing is known but that the whole does."""
    pairs = [((0, len(source)), (0, len(target)))] if segments is None else segments
    made = (Segment(source[slice(*a)], target[slice(*b)], a[0], b[0]) for a, b in pairs)
    return Parallel(source, target, tuple(made))


def spans(text: Parallel) -> list[tuple[Span, Span]]:
    """The spans of source and target that correspond."""
    return [
        ((s.source_start, s.source_start + len(s.source)), (s.target_start, s.target_start + len(s.target)))
        for s in text.segments
    ]


def by_sentence(text: Parallel, source: str, target: str) -> Parallel:
    """Cut segments of several sentences into aligned sentences; ``source`` and ``target`` are the languages."""
    pairs: list[tuple[Span, Span]] = []
    for ours, theirs in spans(text):
        a, b = _within(text.source, ours, source), _within(text.target, theirs, target)
        pairs += _aligned(a, b) if len(a) > 1 and len(b) > 1 else [(ours, theirs)]
    return bitext(text.source, text.target, pairs)


def around(text: Parallel, start: int, end: int) -> tuple[Span, Span]:
    """The parts of source and target that hold ``target[start:end]``: whole segments."""
    touched = [pair for pair in spans(text) if pair[1][0] < end and start < pair[1][1]]
    ours = [pair[0] for pair in touched] or [(0, len(text.source))]
    theirs = [pair[1] for pair in touched] or [(0, len(text.target))]
    return _hull(ours), _hull([*theirs, (start, end)])


@dataclass(frozen=True, slots=True)
class Bitexts:
    """Texts with their translations: one for each text, None where it failed (``failures`` says why).

    ``sent`` has the segments of each text, ``segments`` what became of all of them.
    """

    pairs: tuple[Parallel | None, ...]
    failures: dict[int, Failed]
    sent: tuple[tuple[str, ...], ...]
    segments: Segments


def translate_aligned(
    texts: Sequence[str],
    engine: Engine,
    *,
    source: str,
    target: str,
    memory: TranslationMemory | None = None,
    progress: Progress | None = None,
) -> Bitexts:
    """Translate plain texts as `translate_texts` does, and keep which segment became what.

    Raises:
        EngineError: the engine could do nothing at all.
    """
    outcome = Outcome.by(engine, source=source, target=target, memory=memory, progress=progress)
    plain = outcome.fetch_whole(texts, Cutter(source, engine.granularity))
    pairs: list[Parallel | None] = []
    failures: dict[int, Failed] = {}
    for index, text in enumerate(plain):
        try:
            pairs.append(as_it_is(text, outcome))
        except Failed as failed:
            pairs.append(None)
            failures[index] = failed
    sent = tuple(tuple(text.segments()) for text in plain)
    return Bitexts(tuple(pairs), failures, sent, outcome.segments)


@dataclass(frozen=True, slots=True)
class PlainTranslation:
    """Questions translated as when serving; ``contexts`` is by example, for those that survived.

    A context or a sentence is translated once, however many questions come with it. ``repeated`` is how
    many times the characters of that would be sent if every question came alone.
    """

    translated: TranslatedDataset
    repeated: float
    contexts: dict[str, Parallel]


def translate_questions(
    dataset: Dataset,
    engine: Engine,
    *,
    target: str,
    memory: TranslationMemory | None = None,
    progress: Progress | None = None,
) -> PlainTranslation:
    """Translate questions and contexts without marking any answer: what a served system can do.

    Nobody knows the answer then, so the translated examples have none. An example is lost only if a
    text of it has no translation.

    Raises:
        EngineError: the engine could do nothing at all.
    """
    asked = [cast("QAExample", example) for example in dataset.examples]
    texts = list(dict.fromkeys(text for example in asked for text in (example.context, example.question)))
    done = translate_aligned(texts, engine, source=dataset.language, target=target, memory=memory, progress=progress)
    made = dict(zip(texts, done.pairs, strict=True))
    failed = {texts[index]: each for index, each in done.failures.items()}
    kept: list[QAExample] = []
    lost: list[Lost] = []
    contexts: dict[str, Parallel] = {}
    for example in asked:
        context, question = made[example.context], made[example.question]
        if context is None or question is None:
            why = failed[example.context if context is None else example.question]
            lost.append(Lost(example.id, why.reason, why.excerpt))
            continue
        kept.append(replace(example, context=context.target, question=question.target, answers=()))
        contexts[example.id] = context
    return PlainTranslation(
        _translated(dataset, kept, lost, engine, target, done), _repeated(asked, texts, done), contexts
    )


def _translated(
    dataset: Dataset, kept: Sequence[QAExample], lost: Sequence[Lost], engine: Engine, target: str, done: Bitexts
) -> TranslatedDataset:
    origin = f"{engine.name}@{engine.revision}"
    made = replace(dataset, language=target, examples=tuple(kept), revision=content_revision(kept), origin=origin)
    report = TranslationReport(
        engine.name,
        engine.revision,
        dataset.language,
        target,
        fresh=done.segments.fresh,
        from_memory=done.segments.remembered,
        fresh_usage=done.segments.fresh_usage,
        lost=tuple(lost),
        lint=lint_examples(dataset.examples, kept, source=dataset.language, target=target),
    )
    survivors = Yield(len(kept), len(dataset), tuple(each.id for each in lost))
    return TranslatedDataset(made, survivors, done.segments.usage, report)


def _repeated(asked: Sequence[QAExample], texts: Sequence[str], done: Bitexts) -> float:
    """Characters of all questions with their contexts, over those of the distinct segments."""
    lengths = {text: sum(map(len, sent)) for text, sent in zip(texts, done.sent, strict=True)}
    once = sum(map(len, {segment for sent in done.sent for segment in sent}))
    return sum(lengths[each.context] + lengths[each.question] for each in asked) / max(1, once)


def _within(text: str, span: Span, language: str) -> list[Span]:
    start, end = span
    return [(start + a, start + b) for a, b in segment_spans(text[start:end], language, "sentence")]


def _hull(spans: Sequence[Span]) -> Span:
    return min(start for start, _ in spans), max(end for _, end in spans)


def _aligned(ours: Sequence[Span], theirs: Sequence[Span]) -> list[tuple[Span, Span]]:
    """The likeliest monotone alignment of sentences by length; a sentence without a partner joins its neighbour."""
    best: dict[tuple[int, int], tuple[float, tuple[int, int]]] = {(0, 0): (0.0, (0, 0))}
    for i in range(len(ours) + 1):
        for j in range(len(theirs) + 1):
            costs = [
                (best[i - a, j - b][0] + _cost(ours[i - a : i], theirs[j - b : j], chance), (a, b))
                for (a, b), chance in _BEADS.items()
                if a <= i and b <= j
            ]
            if costs:
                best[i, j] = min(costs)
    beads = list(_walk(best, len(ours), len(theirs)))[::-1]
    pairs: list[tuple[list[Span], list[Span]]] = []
    for i, j, a, b in beads:
        left, right = list(ours[i - a : i]), list(theirs[j - b : j])
        if pairs and not (left and right and all(pairs[-1])):
            pairs[-1][0].extend(left)
            pairs[-1][1].extend(right)
        else:
            pairs.append((left, right))
    return [(_hull(left), _hull(right)) for left, right in pairs]


def _walk(best: dict[tuple[int, int], tuple[float, tuple[int, int]]], i: int, j: int) -> Iterator[tuple[int, ...]]:
    while (i, j) != (0, 0):
        a, b = best[i, j][1]
        yield i, j, a, b
        i, j = i - a, j - b


def _cost(ours: Sequence[Span], theirs: Sequence[Span], chance: float) -> float:
    """Minus the logarithm of how likely texts of these lengths are translations of each other."""
    a, b = (sum(end - start for start, end in side) for side in (ours, theirs))
    deviation = abs(b - a) / math.sqrt(_VARIANCE * max(1.0, (a + b) / 2))
    return -math.log(chance) - math.log(max(1e-300, math.erfc(deviation / math.sqrt(2))))
