"""Find a text that was translated by itself in the translation of the text it came from.

The two need not agree to the letter: case, diacritics, quotes and blanks are folded away first, then
the run of words is taken that is most like the text, and of equal ones the nearest to where it is
expected.
"""

from __future__ import annotations

import bisect
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from crossfare.translate.sentences import Span
from crossfare.translate.words import words

# F1 of search alone on the embedded world (`benchmarks/back_projection.py`): pt 0.878, de 0.847, vi 0.808.
_LEAST = 0.5  # of a likeness that is worth reporting; at 0.7 F1 falls to 0.810, 0.773, 0.752, and below lies chance
_REORDERED = 0.95  # of the likeness that is left when the same words stand in another order; 0.8: 0.875, 0.850, 0.803
_AWAY = 0.15  # what a match at the other end of the text loses; 0: 0.876, 0.843, 0.795
_SAME = {"«": '"', "»": '"', "“": '"', "”": '"', "„": '"', "’": "'", "‘": "'", "–": "-", "—": "-", "−": "-"}


@dataclass(frozen=True, slots=True)
class Match:
    """A span of the searched text, in code points, and how sure it is, 0-1."""

    start: int
    end: int
    confidence: float

    @property
    def span(self) -> Span:
        """Start and end."""
        return self.start, self.end


def find(wanted: str, text: str, *, expected: float | None = None) -> Match | None:
    """Find the whole words of ``text`` most like ``wanted``; None if nothing is like it.

    Args:
        expected: where its middle should be, 0-1 of the text's length. Of matches alike the nearest
            wins, and a nearer one wins over one that is only slightly more like.

    The confidence is the likeness: 1 minus the normalised indel distance of the folded texts, or a
    little less than that of their sorted words.
    """
    goal = fold(wanted).text
    goal = goal[slice(*_core(goal))]  # outer signs are no part of it: translations add and lose them
    if not goal:
        return None
    best: tuple[float, float, Span] | None = None
    for (start, end), likeness in _candidates(goal, text, len(words(wanted))):
        away = 0.0 if expected is None else abs((start + end) / 2 / len(text) - expected)
        ranked = (likeness - _AWAY * away, likeness, (start, end))
        if best is None or ranked[:2] > best[:2]:
            best = ranked
    return best and Match(*best[2], best[1])


@dataclass(frozen=True, slots=True)
class Folded:
    """A text without case, diacritics and doubled blanks; ``offsets`` say where each character came from."""

    text: str
    offsets: tuple[int, ...]

    def folded(self, span: Span) -> Span:
        """Turn a span of the original text into one of the folded."""
        return bisect.bisect_left(self.offsets, span[0]), bisect.bisect_left(self.offsets, span[1])


def fold(text: str) -> Folded:
    """Fold compatibility forms, case, diacritics, quotes, dashes and runs of blanks."""
    folded: list[str] = []
    offsets: list[int] = []
    for index, character in enumerate(text):
        for piece in unicodedata.normalize("NFKD", character).casefold():
            if unicodedata.combining(piece):
                continue
            kept = " " if piece.isspace() else _SAME.get(piece, piece)
            if kept == " " and folded and folded[-1] == " ":
                continue
            folded.append(kept)
            offsets.append(index)
    return Folded("".join(folded), tuple(offsets))


def occurrences(wanted: str, text: str) -> Iterator[int]:
    """Where ``wanted`` stands in a text to the letter; the places may overlap."""
    start = text.find(wanted)
    while start >= 0:
        yield start
        start = text.find(wanted, start + 1)


def nearest(wanted: str, text: str, near: int) -> int | None:
    """The start of the occurrence of ``wanted`` that is nearest to ``near``; None if there is none."""
    return min(occurrences(wanted, text), key=lambda start: abs(start - near), default=None)


def _core(text: str) -> Span:
    """Leave out blanks and signs at both ends, unless there is nothing else."""
    kept = [i for i, character in enumerate(text) if character.isalnum()]
    if kept:
        return kept[0], kept[-1] + 1
    return len(text) - len(text.lstrip()), len(text.rstrip())


def _candidates(goal: str, text: str, count: int) -> Iterator[tuple[Span, float]]:
    """Runs of whole words, about as long as the goal of ``count`` words, with their likeness."""
    from rapidfuzz import fuzz

    folded = fold(text)
    spans = words(text)
    places = [folded.folded(span) for span in spans]
    slack = 1 + count // 3
    shortest, longest = 0.5 * len(goal) - 1, 2.0 * len(goal) + 1
    signs = [not any(map(str.isalnum, folded.text[start:end])) for start, end in places]
    bare = goal[0].isalnum() and goal[-1].isalnum()
    for first, (start, _) in enumerate(places):
        if bare and signs[first]:
            continue
        for last in range(first + max(0, count - slack - 1), min(first + count + slack, len(spans))):
            run = folded.text[start : places[last][1]]
            if len(run) > longest:
                break
            if len(run) < shortest or (bare and signs[last]):
                continue
            in_order = fuzz.ratio(goal, run, score_cutoff=100 * _LEAST)
            likeness = max(in_order, _REORDERED * fuzz.token_sort_ratio(goal, run, score_cutoff=100 * _LEAST)) / 100
            if likeness >= _LEAST:
                yield (spans[first][0], spans[last][1]), likeness
