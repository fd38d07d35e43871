"""Carry a span of a text into its translation, or of a translation back into its text: one carrier for both.

A way to do it takes spans, with the part of the other text that corresponds (`Asked`), and says where each is found
and how sure that is, or why it is not. Ways are tried in turn, each on what is not found surely yet (`carry`); of what
is found the surest counts. `projection` and `back_projection` say which ways, and what they send to an engine.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

from crossfare.translate.alignment import Aligner, project
from crossfare.translate.bitext import Parallel
from crossfare.translate.matching import find, occurrences
from crossfare.translate.outcome import Failed
from crossfare.translate.sentences import Span
from crossfare.types import Answer

SURE_FORWARD = 0.9
"""From here on no further way is tried into a translation.

On XQuAD, English to Spanish, 90 % of the answers found at least as surely are exact, of the others (16 % of all) about
half; what is searched for besides costs 1 % of the characters (`benchmarks/span_projection.py DATA`).
"""

SURE_BACK = 0.8
"""From here on no further way is tried back into the original.

On the embedded world F1 is 0.966 (pt), 0.943 (de) and 0.921 (vi); at 0.5 it is 0.930, 0.905 and 0.873, at 1.0 0.969,
0.943 and 0.926, for twice the characters translated (`benchmarks/back_projection.py`, default ways).
"""

ELSEWHERE = 0.7
"""What is left of the confidence of a place in another sentence than the one that corresponds: it is not sure.

Not to look there costs 0.003 of F1 in Vietnamese and nothing else (`benchmarks/back_projection.py`, by search alone).
"""


@dataclass(frozen=True, slots=True)
class Found:
    """A span of the other text, how it was found, and how sure that is (0-1)."""

    answer: Answer
    way: str
    confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class Asked:
    """A span of the source to be found in the target, and the parts of both that correspond: whole segments.

    To carry a span of a translation back, see the text from there (`Parallel.flipped`). ``translation`` is that of the
    span by itself, where it is there already.
    """

    text: Parallel
    span: Span
    here: Span
    there: Span
    translation: str = ""

    @classmethod
    def of(cls, text: Parallel, span: Span, translation: str = "") -> Asked:
        """A span, and where to look for it."""
        return cls(text, span, *text.around(span), translation)

    @property
    def wording(self) -> str:
        """What the span holds."""
        return self.text.source[slice(*self.span)]

    @property
    def place(self) -> float:
        """Where its middle stands in its segments, 0-1."""
        return (sum(self.span) / 2 - self.here[0]) / max(1, self.here[1] - self.here[0])

    @property
    def sides(self) -> tuple[str, str]:
        """The parts that correspond."""
        return self.text.source[slice(*self.here)], self.text.target[slice(*self.there)]

    def found(self, span: Span, way: str, confidence: float) -> Found:
        """A span of the target."""
        return Found(Answer(self.text.target[slice(*span)], span[0]), way, confidence)


Way = Callable[[Sequence[Asked]], Sequence[Found | Failed]]


def carry(
    asked: Sequence[Asked], ways: Iterable[Way], sure: float, known: Sequence[Found | None] = ()
) -> list[Found | Failed]:
    """Try one way after the other on the spans that are not found with a confidence of ``sure``; blank ones are not.

    ``known`` is what was found of each before. Of the ways that fail, the first says why.
    """
    best: list[Found | Failed | None] = [*known] or [None] * len(asked)
    for way in ways:
        left = [i for i, each in enumerate(best) if asked[i].wording and not _is_sure(each, sure)]
        for i, made in zip(left, way([asked[i] for i in left]) if left else (), strict=True):
            best[i] = surer(best[i], made)
    return [each or Failed("nothing was looked for") for each in best]


def _is_sure(found: Found | Failed | None, sure: float) -> bool:
    return isinstance(found, Found) and found.confidence >= sure


def surer(one: Found | Failed | None, other: Found | Failed) -> Found | Failed:
    """The one that is found, or found more surely; the first if there is nothing between them."""
    if isinstance(one, Found):
        return other if isinstance(other, Found) and other.confidence > one.confidence else one
    return other if one is None or isinstance(other, Found) else one


def by_alignment(asked: Sequence[Asked], aligner: Aligner, *, whole: bool = False) -> list[Found | Failed]:
    """Find spans by the words aligned with theirs; equal segments are aligned once.

    With ``whole`` the parts that correspond are aligned as one, and signs are left as they are aligned: predicted
    answers, unlike gold ones, may run over several sentences and end anywhere.
    """
    parts = [[(each.here, each.there)] if whole else each.text.touched(each.span) for each in asked]
    cut = [
        [(each.text.source[slice(*a)], each.text.target[slice(*b)]) for a, b in own]
        for each, own in zip(asked, parts, strict=True)
    ]
    pairs = list(dict.fromkeys(chain.from_iterable(cut)))
    links = dict(zip(pairs, aligner.align(pairs), strict=True))
    made: list[Found | Failed] = []
    for each, own, texts in zip(asked, parts, cut, strict=True):
        moved = [
            ((s + here[0], e + here[0]), (t + there[0], f + there[0]))
            for (here, there), pair in zip(own, texts, strict=True)
            for (s, e), (t, f) in links[pair]
        ]
        projected = project(each.span, moved)
        if projected is None or not projected[1]:
            made.append(Failed("no word of the translated context is aligned with it", each.wording))
        else:
            place = projected[0] if whole else _with_signs(each.wording, each.text.target, projected[0])
            made.append(each.found(place, "align", projected[1]))
    return made


def _with_signs(answer: str, text: str, place: Span) -> Span:
    """Let a place begin and end with a sign only if the answer does, and close the brackets it opens."""
    start, end = place
    while not _is_sign(answer[0]) and end - start > 1 and _is_sign(text[start]):
        start += 1
    while not _is_sign(answer[-1]) and end - start > 1 and _is_sign(text[end - 1]):
        end -= 1
    if _is_sign(answer[-1]) and text[end : end + 1] == answer[-1]:
        end += 1
    return start, end


def _is_sign(character: str) -> bool:
    return not character.isalnum() and unicodedata.category(character)[0] in "PSZ"


def unchanged(asked: Asked) -> Found | Failed:
    """Where translating changed nothing, the span stands where it stood."""
    here, there = asked.sides
    if here != there:
        return Failed("its text was translated", asked.wording)
    start = asked.there[0] + asked.span[0] - asked.here[0]
    return asked.found((start, start + len(asked.wording)), "same", 1.0)


def as_it_stands(asked: Asked, way: str) -> Found | Failed:
    """The span's own words, as whole words, nearest to its place: names and numbers are often not translated."""
    wanted, (first, last) = asked.wording, asked.there
    text = asked.text.target[first:last]
    expected = asked.place * len(text) - len(wanted) / 2
    starts = [start for start in occurrences(wanted, text) if _is_whole(wanted, text, start)]
    if not starts or not any(character.isdigit() or character.isupper() for character in wanted):
        return Failed("it does not stand in the other text as a name or a number", wanted)
    start = first + min(starts, key=lambda each: abs(each - expected))
    return asked.found((start, start + len(wanted)), way, 1.0)


def _is_whole(wanted: str, text: str, start: int) -> bool:
    """Whether what stands there is no part of longer words."""
    end = start + len(wanted)
    before, after = text[start - 1 : start], text[end : end + 1]
    return not (before.isalnum() and wanted[0].isalnum()) and not (after.isalnum() and wanted[-1].isalnum())


def alike(
    asked: Asked, wording: str, way: str, *, place: float | None = None, elsewhere: float = 0.0
) -> Found | Failed:
    """The words of the other text most like ``wording``, the span's own translation, near to its place.

    ``place`` is where it should be, 0-1 of the part that corresponds; by default where it stands in its own part. If
    nothing is alike there, the whole text is searched, for ``elsewhere`` of the confidence.
    """
    (first, last), whole = asked.there, asked.text.target
    at = asked.place if place is None else place
    match = find(wording, whole[first:last], expected=at)
    if match is not None:
        return asked.found((first + match.start, first + match.end), way, match.confidence)
    if elsewhere and (first, last) != (0, len(whole)):
        match = find(wording, whole, expected=(first + at * (last - first)) / max(1, len(whole)))
        if match is not None:
            return asked.found(match.span, way, elsewhere * match.confidence)
    return Failed(f"nothing like its translation {wording!r} is in the translated context", asked.wording)
