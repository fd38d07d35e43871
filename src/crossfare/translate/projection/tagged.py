"""Indexed tags: all answers of a paragraph marked in one call, so that it is translated once.

``<a1>``, ``<a2>``... Answers that overlap cannot stand in one text with flat tags: those that are left go
into a further copy of their segment.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from crossfare.translate.markers import CLOSES, OPENS, Markers, pattern, wrap_all
from crossfare.translate.matching import find
from crossfare.translate.pieces import Cutter, Failed, Outcome
from crossfare.translate.projection.projected import Found, Projected, about, cores, parallel, widened
from crossfare.translate.sentences import Span, merge_over
from crossfare.types import Answer

_FIRST = 1, 101, 1001, 5001  # numbers to start from, where a text holds lower ones already


class TaggedCopies:
    """Mark all answers of a paragraph in one copy, overlapping ones in further copies of their segment.

    The context comes from the first copy; answers of another copy are looked up in it. ``method`` is how
    answers found this way are labelled.
    """

    def __init__(self, markers: Markers, method: str) -> None:
        self._markers = markers
        self._method = method

    def job(self, context: str, answers: Sequence[Answer], cutter: Cutter) -> TaggedJob:
        """Put tags round every answer."""
        spans, failures = cores(context, answers)
        segments = cutter(context)
        for start, end in spans.values():
            segments, _ = merge_over(segments, start, end)
        copies: list[tuple[_Copy, ...]] = []
        for first, last in segments:
            inside = sorted({span for span in spans.values() if first <= span[0] and span[1] <= last})
            copies.append(
                tuple(_copies(context[first:last], [(s - first, e - first) for s, e in inside], self._markers))
            )
        return TaggedJob(context, segments, tuple(copies), spans, failures, self._method)

    def project(self, jobs: Sequence[TaggedJob], outcome: Outcome) -> list[Projected]:
        """Read the answers off between their tags."""
        return [job.assemble(outcome) for job in jobs]


@dataclass(frozen=True, slots=True)
class TaggedJob:
    """A context as segments, each in one or more tagged copies."""

    context: str
    spans: tuple[Span, ...]
    copies: tuple[tuple[_Copy, ...], ...]
    answers: dict[Answer, Span]
    failures: dict[Answer, Failed]
    method: str

    def segments(self) -> Iterator[str]:
        """All copies of all segments."""
        return (copy.text for copies in self.copies for copy in copies)

    def assemble(self, outcome: Outcome) -> Projected:
        """Take the tags out, and find every answer whose tags survived."""
        made = Projected(failures=dict(self.failures))
        try:
            read = [_read(copies, outcome) for copies in self.copies]
        except Failed as failed:
            made.failures |= {answer: about(answer, failed) for answer in self.answers}
            return made
        made.parallel = parallel(self.context, self.spans, [segment.text for segment in read], outcome)
        made.context = made.parallel.target
        for answer, (start, end) in self.answers.items():
            number = next(i for i, (first, last) in enumerate(self.spans) if first <= start and end <= last)
            segment = made.parallel.segments[number]
            place = read[number].places[start - segment.source_start, end - segment.source_start]
            if isinstance(place, Failed):
                made.failures[answer] = about(answer, place)
                continue
            span = (segment.target_start + place.start, segment.target_start + place.end)
            made.found[answer] = Found(widened(answer, made.context, span), self.method, place.confidence)
        return made


class Place(NamedTuple):
    """Where a tagged span lies in the text without tags; several pieces of it that lie apart cost confidence."""

    start: int
    end: int
    confidence: float


@dataclass(frozen=True, slots=True)
class Untagged:
    """A text without its tags, and for each pair of tags its place or why it has none."""

    text: str
    places: tuple[Place | Failed, ...]


@dataclass(frozen=True, slots=True)
class _Copy:
    """A segment with tags round some spans of it."""

    text: str
    spans: tuple[Span, ...] = ()
    pairs: tuple[Markers, ...] = ()


@dataclass(slots=True)
class _Read:
    """A translated segment without tags, and where its tagged spans have come to lie."""

    text: str
    places: dict[Span, Place | Failed] = field(default_factory=dict)


def untag(text: str, pairs: Sequence[Markers]) -> Untagged:
    """Take the tags of all pairs out of a translated text, and measure the spans they held.

    Blanks an engine put inside tags are moved outside, and dropped where they would double a blank or
    stand before punctuation. An engine that moves words may close a tag and open it again: the place
    then reaches from the first piece to the last.
    """
    tags = _tags(text, pairs)
    pieces = [
        text[start:end]
        for start, end in zip([0, *(t.end for t in tags)], [*(t.start for t in tags), None], strict=True)
    ]
    plain = gap = ""
    offsets: list[int] = []
    for number, (piece, before, after) in enumerate(zip(pieces, [None, *tags], [*tags, None], strict=True)):
        rest = "".join(pieces[number:])
        if gap and rest and not rest[0].isspace() and rest[0] not in CLOSES:
            plain += gap
        gap = ""
        held = piece.lstrip() if before and before.is_opening else piece
        if before and before.is_opening:
            if plain and not plain[-1].isspace() and plain[-1] not in OPENS:
                plain += piece[: len(piece) - len(held)]
            offsets[-1] = len(plain)
        inner = held.rstrip() if after and not after.is_opening else held
        gap = held[len(inner) :]
        plain += inner
        offsets.append(len(plain))
    return Untagged(plain, tuple(_place(number, tags, offsets) for number in range(len(pairs))))


class _Tag(NamedTuple):
    start: int
    end: int
    pair: int
    is_opening: bool


def _tags(text: str, pairs: Sequence[Markers]) -> list[_Tag]:
    return sorted(
        _Tag(*match.span(), number, is_opening)
        for number, pair in enumerate(pairs)
        for is_opening, marker in ((True, pair.opening), (False, pair.closing))
        for match in pattern(marker).finditer(text)
    )


def _place(pair: int, tags: Sequence[_Tag], offsets: Sequence[int]) -> Place | Failed:
    """Say where a pair's tags were: ``offsets`` has the place of each tag in the plain text."""
    own = [(tag.is_opening, offset) for tag, offset in zip(tags, offsets, strict=False) if tag.pair == pair]
    openings, closings = own[::2], own[1::2]
    if len(openings) != len(closings) or not all(o[0] for o in openings) or any(c[0] for c in closings) or not own:
        count = sum(is_opening for is_opening, _ in own)
        return Failed(f"{count} opening and {len(own) - count} closing tags instead of one each")
    held = sum(closing[1] - opening[1] for opening, closing in zip(openings, closings, strict=True))
    start, end = own[0][1], own[-1][1]
    return Place(start, end, held / (end - start)) if held else Failed("nothing between the tags")


def _copies(text: str, spans: Sequence[Span], markers: Markers) -> Iterator[_Copy]:
    """Tag spans, given in order; those that overlap one already tagged go into the next copy."""
    if not spans:
        yield _Copy(text)
        return
    left = list(spans)
    while left:
        now: list[Span] = []
        later: list[Span] = []
        for span in left:
            (later if now and span[0] < now[-1][1] else now).append(span)
        yield _tagged(text, tuple(now), markers)
        left = later


def _tagged(text: str, spans: tuple[Span, ...], markers: Markers) -> _Copy:
    """Tag spans with the first free numbers: `untag` must give back the text and the spans."""
    for first in _FIRST:
        pairs = tuple(markers.variant(first + number) for number in range(len(spans)))
        tagged = wrap_all(text, dict(zip(pairs, spans, strict=True)))
        if untag(tagged, pairs) == Untagged(text, tuple(Place(*span, 1.0) for span in spans)):
            return _Copy(tagged, spans, pairs)
    return _Copy(text, spans)  # every number is taken: nothing will be found between tags


def _read(copies: Sequence[_Copy], outcome: Outcome) -> _Read:
    """Read all copies of a segment; the first that has a translation gives its text.

    Raises:
        Failed: no copy has a translation.
    """
    made: _Read | None = None
    failures: list[Failed] = []
    for copy in copies:
        try:
            plain = untag(outcome[copy.text], copy.pairs)
        except Failed as failed:
            failures.append(failed)
            continue
        if made is None:
            made = _Read(plain.text)
        made.places |= zip(copy.spans, (_moved(place, plain.text, made.text) for place in plain.places), strict=False)
    if made is None:
        raise failures[0]
    for copy in copies:
        for span in copy.spans:
            made.places.setdefault(span, failures[0] if failures else Failed("it cannot be marked"))
    return made


def _moved(place: Place | Failed, text: str, into: str) -> Place | Failed:
    """Find a place again in another translation of its segment."""
    if isinstance(place, Failed) or text == into:
        return place
    wanted = text[place.start : place.end]
    match = find(wanted, into, expected=(place.start + place.end) / 2 / len(text))
    if match is None:
        return Failed("its translation does not occur in the context translated for other answers", wanted)
    return Place(match.start, match.end, place.confidence * match.confidence)
