"""The paper's way (section 4.2): a copy of the context for each answer, with that answer between delimiters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from crossfare.translate.markers import Markers, MarkersLost, mark, recover
from crossfare.translate.pieces import Cutter, Failed, Outcome
from crossfare.translate.projection.projected import Found, Projected, about, core, widened
from crossfare.translate.sentences import Span, merge_over
from crossfare.types import Answer

METHOD = "markers"


class MarkedCopies:
    """Mark one answer per copy of the context.

    The translated context comes from the copy of the first answer that survives. Further answers
    take their span from their own copy if its text is the same, or are looked up in that context.
    """

    def __init__(self, markers: Markers) -> None:
        self._markers = markers

    def job(self, context: str, answers: Sequence[Answer], cutter: Cutter) -> MarkedJob:
        """Mark every answer in a copy of its own."""
        copies: list[_Copy] = []
        failures: dict[Answer, Failed] = {}
        for answer in answers:
            try:
                copies.append(_copy(context, answer, cutter, self._markers))
            except Failed as failed:
                failures[answer] = failed
        return MarkedJob(tuple(copies), failures)

    def project(self, jobs: Sequence[MarkedJob], outcome: Outcome) -> list[Projected]:
        """Read the answers off between their markers."""
        return [job.assemble(outcome) for job in jobs]


@dataclass(frozen=True, slots=True)
class MarkedJob:
    """The copies of one context, and the answers that cannot be marked."""

    copies: tuple[_Copy, ...]
    failures: dict[Answer, Failed]

    def segments(self) -> Iterator[str]:
        """Only the segment that holds the marker differs between copies."""
        for copy in self.copies:
            yield from copy.segments()

    def assemble(self, outcome: Outcome) -> Projected:
        """Find every answer that survived."""
        made = Projected(failures=dict(self.failures))
        for copy in self.copies:
            try:
                context, answer = copy.assemble(outcome)
                if not made.found:
                    made.context = context
                elif context != made.context:
                    answer = nearest(made.context, answer)
                made.found[copy.answer] = Found(answer, METHOD)
            except Failed as failed:
                made.failures[copy.answer] = about(copy.answer, failed)
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

    def assemble(self, outcome: Outcome) -> tuple[str, Answer]:
        translations = [outcome[segment] for segment in self.segments()]
        marked = translations[self.index]
        try:
            found = recover(marked, self.markers)
        except MarkersLost as lost:
            raise Failed(str(lost), marked) from None
        # An identity translation must compare equal to its original, not to its marked copy.
        translations[self.index] = found.text
        parts = outcome.join(self.text, self.spans, translations)
        offset = sum(len(part) for part in parts[: 2 * self.index + 1])
        context = "".join(parts)
        return context, widened(self.answer, context, (offset + found.start, offset + found.end))


def nearest(context: str, answer: Answer) -> Answer:
    """Find an answer in another copy of its translated context: the occurrence nearest to its place.

    Raises:
        Failed: it does not occur.
    """
    starts = []
    start = context.find(answer.text)
    while start >= 0:
        starts.append(start)
        start = context.find(answer.text, start + 1)
    if not starts:
        raise Failed("its translation does not occur in the context translated for the first answer", answer.text)
    return Answer(answer.text, min(starts, key=lambda start: abs(start - answer.start)))


def _copy(context: str, answer: Answer, cutter: Cutter, markers: Markers) -> _Copy:
    """Mark an answer in the one segment that holds it: sentences that it crosses become one."""
    start, end = core(context, answer)
    spans, index = merge_over(cutter(context), start, end)
    first, last = spans[index]
    try:
        segment, used = mark(context[first:last], start - first, end - first, markers)
    except MarkersLost as lost:
        raise Failed(str(lost), answer.text) from None
    return _Copy(answer, context, spans, index, segment, used)
