"""A text beside its translation: which part of one is which part of the other.

Texts are cut into segments, each is translated, and the translations are joined (`segments`, `sentences`),
so the correspondence is known: it is kept here. Where an engine took a whole paragraph, or only the two
texts are given, sentences are aligned by their lengths (Gale & Church 1993, "A program for aligning
sentences in bilingual corpora").
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import cast

from crossfare.translate.dataset import Lost, TranslatedDataset, TranslationReport
from crossfare.translate.memory import TranslationMemory
from crossfare.translate.segments import translate_segments
from crossfare.translate.sentences import Span, join, segment_spans
from crossfare.types import Dataset, Engine, Progress, QAExample, Usage, Yield, content_revision

# How many sentences of one text are how many of the other, and how likely that is (Gale & Church, table 5).
_BEADS = {(1, 1): 0.89, (1, 0): 0.00495, (0, 1): 0.00495, (2, 1): 0.0445, (1, 2): 0.0445, (2, 2): 0.011}
_VARIANCE = 6.8  # of the length of a translation, per character


@dataclass(frozen=True, slots=True)
class Bitext:
    """A text and its translation; ``segments`` pairs spans of the two, in order, in code points."""

    original: str
    translation: str
    segments: tuple[tuple[Span, Span], ...]

    @classmethod
    def whole(cls, original: str, translation: str) -> Bitext:
        """Two texts of which nothing more is known."""
        return cls(original, translation, (((0, len(original)), (0, len(translation))),))

    def by_sentence(self, original_language: str, translation_language: str) -> Bitext:
        """Cut segments of several sentences into aligned sentences."""
        pairs: list[tuple[Span, Span]] = []
        for ours, theirs in self.segments:
            a = _within(self.original, ours, original_language)
            b = _within(self.translation, theirs, translation_language)
            pairs += _aligned(a, b) if len(a) > 1 and len(b) > 1 else [(ours, theirs)]
        return replace(self, segments=tuple(pairs))

    def around(self, start: int, end: int) -> tuple[Span, Span]:
        """The parts of original and translation that hold ``translation[start:end]``: whole segments."""
        touched = [pair for pair in self.segments if pair[1][0] < end and start < pair[1][1]]
        ours = [pair[0] for pair in touched] or [(0, len(self.original))]
        theirs = [pair[1] for pair in touched] or [(0, len(self.translation))]
        return _hull(ours), _hull([*theirs, (start, end)])


@dataclass(frozen=True, slots=True)
class Bitexts:
    """Texts translated with their correspondence: one for each text, None where it failed (``failures`` says why)."""

    pairs: tuple[Bitext | None, ...]
    failures: dict[int, str]
    fresh: int
    remembered: int
    fresh_usage: Usage
    usage: Usage


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
    cuts = {text: segment_spans(text, source, engine.granularity) for text in texts}
    segments = (text[start:end] for text in texts for start, end in cuts[text])
    done = translate_segments(segments, engine, source=source, target=target, memory=memory, progress=progress)
    pairs: list[Bitext | None] = []
    failures: dict[int, str] = {}
    for index, text in enumerate(texts):
        spans = cuts[text]
        lost = next((text[a:b] for a, b in spans if text[a:b] not in done.translations), None)
        if lost is not None:
            pairs.append(None)
            failures[index] = done.failures[lost]
            continue
        made = [done.translations[text[a:b]].strip() for a, b in spans]
        pairs.append(_joined(text, spans, join(text, spans, made, source=source, target=target)))
    return Bitexts(tuple(pairs), failures, done.fresh, done.remembered, done.fresh_usage, done.usage)


@dataclass(frozen=True, slots=True)
class PlainTranslation:
    """Questions translated as when serving; ``contexts`` is by example, for those that survived."""

    translated: TranslatedDataset
    contexts: dict[str, Bitext]


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
    reasons = {texts[index]: reason for index, reason in done.failures.items()}
    kept: list[QAExample] = []
    lost: list[Lost] = []
    contexts: dict[str, Bitext] = {}
    for example in asked:
        context, question = made[example.context], made[example.question]
        if context is None or question is None:
            text = example.context if context is None else example.question
            lost.append(Lost(example.id, reasons[text], text[:160]))
            continue
        kept.append(replace(example, context=context.translation, question=question.translation, answers=()))
        contexts[example.id] = context
    report = TranslationReport(
        engine.name,
        engine.revision,
        dataset.language,
        target,
        fresh=done.fresh,
        from_memory=done.remembered,
        fresh_usage=done.fresh_usage,
        lost=tuple(lost),
    )
    translated = replace(
        dataset,
        language=target,
        examples=tuple(kept),
        revision=content_revision(kept),
        origin=f"{engine.name}@{engine.revision}",
    )
    survivors = Yield(len(kept), len(asked), tuple(each.id for each in lost))
    return PlainTranslation(TranslatedDataset(translated, survivors, done.usage, report), contexts)


def _joined(text: str, spans: Sequence[Span], parts: Sequence[str]) -> Bitext:
    """Read off the joined parts (blank, translation, blank, ...) where each segment's translation stands."""
    segments: list[tuple[Span, Span]] = []
    position = 0
    for index, part in enumerate(parts):
        if index % 2:
            segments.append((spans[index // 2], (position, position + len(part))))
        position += len(part)
    return Bitext(text, "".join(parts), tuple(segments))


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
