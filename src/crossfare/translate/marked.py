"""Answers marked in what is sent: read off between their marks, if those come back.

The paper's way (section 4.2) is a copy of the context for each answer, with that answer between delimiters. Indexed
tags, ``<a1>``, ``<a2>``..., mark all answers of a paragraph in one call, so that it is translated once. Answers that
overlap cannot stand in one text with flat tags: those that are left go into a further copy of their segment.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from crossfare.translate.bitext import Parallel
from crossfare.translate.markers import Markers, Place, Untagged, mark, recover, untag, wrap_all
from crossfare.translate.matching import find, nearest
from crossfare.translate.outcome import Failed
from crossfare.translate.segments import Segments
from crossfare.translate.sentences import Span, merge_over
from crossfare.translate.spans import Found
from crossfare.types import Answer

_FIRST = 1, 101, 1001, 5001  # numbers to start from, where a text holds lower ones already


@dataclass(slots=True)
class Projected:
    """A translated context, with the answers found in it, and why the others were not.

    ``parallel`` is the context segment by segment, where one translation of it serves all answers.
    """

    context: str = ""
    parallel: Parallel | None = None
    found: dict[Answer, Found] = field(default_factory=dict)
    failures: dict[Answer, Failed] = field(default_factory=dict)


class Marked(Protocol):
    """A paragraph with its answers marked: what is sent for it, and what becomes of that."""

    def segments(self) -> Iterator[str]:
        """What is sent."""

    def assemble(self, segments: Segments) -> Projected:
        """Find every answer whose marks survived."""


def widened(answer: Answer, context: str, span: Span) -> Answer:
    """Give an answer back the outer blanks it had, where the translation has the same."""
    start, end = span
    lead = answer.text[: len(answer.text) - len(answer.text.lstrip())]
    tail = answer.text[len(answer.text.rstrip()) :]
    if lead and context[:start].endswith(lead):
        start -= len(lead)
    if tail and context[end:].startswith(tail):
        end += len(tail)
    return Answer(context[start:end], start)


@dataclass(frozen=True, slots=True)
class MarkedCopies:
    """One answer marked per copy of the context, and why others could not be.

    The translated context comes from the copy of the first answer that survives. Further answers take their span from
    their own copy if its text is the same, or are looked up in that context.
    """

    copies: tuple[_Copy, ...]
    failures: dict[Answer, Failed]

    @classmethod
    def of(cls, context: str, answers: Mapping[Answer, Span], segments: Segments, markers: Markers) -> MarkedCopies:
        """Mark every answer in a copy of its own, in the one segment that holds it: sentences it crosses become one."""
        copies: list[_Copy] = []
        failures: dict[Answer, Failed] = {}
        for answer, (start, end) in answers.items():
            spans, index = merge_over(segments.cut(context), start, end)
            first, last = spans[index]
            try:
                segment, used = mark(context[first:last], start - first, end - first, markers)
            except Failed as failed:
                failures[answer] = failed
            else:
                copies.append(_Copy(answer, context, spans, index, segment, used))
        return cls(tuple(copies), failures)

    def segments(self) -> Iterator[str]:
        """Only the segment that holds the marker differs between copies."""
        for copy in self.copies:
            yield from copy.segments()

    def assemble(self, segments: Segments) -> Projected:
        """Read the answers off between their markers."""
        made = Projected(failures=dict(self.failures))
        for copy in self.copies:
            try:
                context, answer = copy.assemble(segments)
                if not made.found:
                    made.context = context
                elif context != made.context:
                    answer = _in_copy(made.context, answer)
                made.found[copy.answer] = Found(answer, "markers")
            except Failed as failed:
                made.failures[copy.answer] = failed.about(copy.answer)
        return made


@dataclass(frozen=True, slots=True)
class _Copy:
    """A context with one answer marked; the marker stands in segment number ``index``."""

    answer: Answer
    text: str
    spans: tuple[Span, ...]
    index: int
    segment: str
    markers: Markers

    def segments(self) -> Iterator[str]:
        for number, (start, end) in enumerate(self.spans):
            yield self.segment if number == self.index else self.text[start:end]

    def assemble(self, segments: Segments) -> tuple[str, Answer]:
        translations = [segments[segment] for segment in self.segments()]
        found = recover(translations[self.index], self.markers)
        # An identity translation must compare equal to its original, not to its marked copy.
        translations[self.index] = found.text
        joined = segments.parallel(self.text, self.spans, translations)
        offset = joined.segments[self.index][1][0]
        return joined.target, widened(self.answer, joined.target, (offset + found.start, offset + found.end))


def _in_copy(context: str, answer: Answer) -> Answer:
    """Find an answer in another copy of its translated context: the occurrence nearest to its place.

    Raises:
        Failed: it does not occur.
    """
    start = nearest(answer.text, context, answer.start)
    if start is None:
        raise Failed("its translation does not occur in the context translated for the first answer", answer.text)
    return Answer(answer.text, start)


@dataclass(frozen=True, slots=True)
class TaggedCopies:
    """A context as segments, each in one or more copies with tags: overlapping answers need further ones.

    The context comes from the first copies; answers of another copy are looked up in it. ``way`` is how answers found
    between tags are labelled.
    """

    context: str
    spans: tuple[Span, ...]
    copies: tuple[tuple[_Tagged, ...], ...]
    answers: Mapping[Answer, Span]
    way: str

    @classmethod
    def of(
        cls, context: str, answers: Mapping[Answer, Span], segments: Segments, markers: Markers, way: str
    ) -> TaggedCopies:
        """Put tags round every answer."""
        cut = segments.cut(context)
        for start, end in answers.values():
            cut, _ = merge_over(cut, start, end)
        copies: list[tuple[_Tagged, ...]] = []
        for first, last in cut:
            inside = sorted({span for span in answers.values() if first <= span[0] and span[1] <= last})
            copies.append(tuple(_tagged(context[first:last], [(s - first, e - first) for s, e in inside], markers)))
        return cls(context, cut, tuple(copies), answers, way)

    def segments(self) -> Iterator[str]:
        """All copies of all segments."""
        return (copy.text for copies in self.copies for copy in copies)

    def assemble(self, segments: Segments) -> Projected:
        """Take the tags out, and read the answers off between them."""
        made = Projected()
        try:
            read = [_read(copies, segments) for copies in self.copies]
        except Failed as failed:
            made.failures = {answer: failed.about(answer) for answer in self.answers}
            return made
        made.parallel = segments.parallel(self.context, self.spans, [text for text, _ in read])
        made.context = made.parallel.target
        for answer, (start, end) in self.answers.items():
            number = next(i for i, (first, last) in enumerate(self.spans) if first <= start and end <= last)
            (first, _), (offset, _) = made.parallel.segments[number]
            place = read[number][1][start - first, end - first]
            if isinstance(place, Failed):
                made.failures[answer] = place.about(answer)
                continue
            span = (offset + place.start, offset + place.end)
            made.found[answer] = Found(widened(answer, made.context, span), self.way, place.confidence)
        return made


@dataclass(frozen=True, slots=True)
class _Tagged:
    """A segment with tags round some spans of it."""

    text: str
    spans: tuple[Span, ...] = ()
    pairs: tuple[Markers, ...] = ()


def _tagged(text: str, spans: Sequence[Span], markers: Markers) -> Iterator[_Tagged]:
    """Tag spans, given in order; those that overlap one already tagged go into the next copy."""
    if not spans:
        yield _Tagged(text)
    left = list(spans)
    while left:
        now: list[Span] = []
        later: list[Span] = []
        for span in left:
            (later if now and span[0] < now[-1][1] else now).append(span)
        yield _in_tags(text, tuple(now), markers)
        left = later


def _in_tags(text: str, spans: tuple[Span, ...], markers: Markers) -> _Tagged:
    """Tag spans with the first free numbers: `untag` must give back the text and the spans."""
    for first in _FIRST:
        pairs = tuple(markers.variant(first + number) for number in range(len(spans)))
        tagged = wrap_all(text, dict(zip(pairs, spans, strict=True)))
        if untag(tagged, pairs) == Untagged(text, tuple(Place(*span, 1.0) for span in spans)):
            return _Tagged(tagged, spans, pairs)
    return _Tagged(text, spans)  # every number is taken: nothing will be found between tags


def _read(copies: Sequence[_Tagged], segments: Segments) -> tuple[str, dict[Span, Place | Failed]]:
    """Read all copies of a segment: the text of the first that has a translation, and where all spans lie in it.

    Raises:
        Failed: no copy has a translation.
    """
    text: str | None = None
    places: dict[Span, Place | Failed] = {}
    failures: list[Failed] = []
    for copy in copies:
        try:
            plain = untag(segments[copy.text], copy.pairs)
        except Failed as failed:
            failures.append(failed)
            continue
        text = plain.text if text is None else text
        found = (_moved(place, plain.text, text) for place in plain.places)
        places |= zip(copy.spans, found, strict=False)
    if text is None:
        raise failures[0]
    for copy in copies:
        for span in copy.spans:
            places.setdefault(span, failures[0] if failures else Failed("it cannot be marked"))
    return text, places


def _moved(place: Place | Failed, text: str, into: str) -> Place | Failed:
    """Find a place again in another translation of its segment."""
    if isinstance(place, Failed) or text == into:
        return place
    wanted = text[place.start : place.end]
    match = find(wanted, into, expected=(place.start + place.end) / 2 / len(text))
    if match is None:
        return Failed("its translation does not occur in the context translated for other answers", wanted)
    return Place(match.start, match.end, place.confidence * match.confidence)
