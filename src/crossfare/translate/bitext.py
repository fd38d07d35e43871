"""A text beside its translation: which part of one is which part of the other.

Texts are cut into segments, each is translated, and the translations are joined, so the correspondence
is known (`Parallel`). Where an engine took a whole paragraph, or only the two texts are given, sentences
are aligned by their lengths (Gale & Church 1993, "A program for aligning sentences in bilingual corpora").
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from crossfare.translate.sentences import Span, segment_spans

# How many sentences of one text are how many of the other, and how likely that is (Gale & Church, table 5).
_BEADS = {(1, 1): 0.89, (1, 0): 0.00495, (0, 1): 0.00495, (2, 1): 0.0445, (1, 2): 0.0445, (2, 2): 0.011}
_VARIANCE = 6.8  # of the length of a translation, per character


@dataclass(frozen=True, slots=True)
class Parallel:
    """A text and its translation; ``segments`` are the spans of both that correspond, in order."""

    source: str
    target: str
    segments: tuple[tuple[Span, Span], ...]

    @property
    def flipped(self) -> Parallel:
        """The same, seen from the translation."""
        return Parallel(self.target, self.source, tuple((there, here) for here, there in self.segments))

    def touched(self, span: Span) -> list[tuple[Span, Span]]:
        """The segments that a span of the source lies in; the whole texts if it lies in none."""
        found = [pair for pair in self.segments if pair[0][0] < span[1] and span[0] < pair[0][1]]
        return found or [((0, len(self.source)), (0, len(self.target)))]

    def around(self, span: Span) -> tuple[Span, Span]:
        """The parts of source and target that hold a span of the source: whole segments."""
        here, there = zip(*self.touched(span), strict=True)
        return _hull([*here, span]), _hull(there)


def bitext(source: str, target: str) -> Parallel:
    """Two texts of which nothing is known but that they correspond."""
    return Parallel(source, target, (((0, len(source)), (0, len(target))),))


def by_sentence(text: Parallel, source: str, target: str) -> Parallel:
    """Cut segments of several sentences into aligned sentences; ``source`` and ``target`` are the languages."""
    pairs: list[tuple[Span, Span]] = []
    for ours, theirs in text.segments:
        a, b = _within(text.source, ours, source), _within(text.target, theirs, target)
        pairs += _aligned(a, b) if len(a) > 1 and len(b) > 1 else [(ours, theirs)]
    return Parallel(text.source, text.target, tuple(pairs))


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
