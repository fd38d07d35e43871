"""What all ways of projecting answers have in common: their input, their result, and answers that cannot be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from crossfare.translate.alignment import Link
from crossfare.translate.pieces import Cutter, Failed, Outcome
from crossfare.translate.sentences import Span
from crossfare.types import Answer


@dataclass(frozen=True, slots=True)
class Found:
    """An answer in the translated context: where, by which method, and how sure that is (0-1)."""

    answer: Answer
    method: str
    confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment of a context and its translation, both with their offsets."""

    source: str
    target: str
    source_start: int
    target_start: int

    def shifted(self, links: Sequence[Link]) -> Iterator[Link]:
        """Links of this segment as links of the whole texts."""
        for (a, b), (c, d) in links:
            yield (a + self.source_start, b + self.source_start), (c + self.target_start, d + self.target_start)


@dataclass(frozen=True, slots=True)
class Parallel:
    """A context and its translation, segment by segment."""

    source: str
    target: str
    segments: tuple[Segment, ...]

    def expected(self, span: Span) -> tuple[int, int, float]:
        """Where a source span should lie: start and end of its segments' translation, and its relative place in it."""
        touched = [s for s in self.segments if s.source_start < span[1] and span[0] < s.source_start + len(s.source)]
        first, last = touched[0], touched[-1]
        length = last.source_start + len(last.source) - first.source_start
        place = ((span[0] + span[1]) / 2 - first.source_start) / length
        return first.target_start, last.target_start + len(last.target), place


def parallel(context: str, spans: tuple[Span, ...], translations: Sequence[str], outcome: Outcome) -> Parallel:
    """Put translated segments together, keeping track of which is which."""
    parts = outcome.join(context, spans, list(translations))
    segments = []
    position = 0
    for number, (start, end) in enumerate(spans):
        position += len(parts[2 * number])
        segments.append(Segment(context[start:end], parts[2 * number + 1], start, position))
        position += len(parts[2 * number + 1])
    return Parallel(context, "".join(parts), tuple(segments))


@dataclass(slots=True)
class Projected:
    """A translated context, with the answers found in it, and why the others were not.

    ``parallel`` is the context segment by segment, where one translation of it serves all answers.
    """

    context: str = ""
    parallel: Parallel | None = None
    found: dict[Answer, Found] = field(default_factory=dict)
    failures: dict[Answer, Failed] = field(default_factory=dict)


class Job(Protocol):
    """A paragraph on its way: what it has to send."""

    def segments(self) -> Iterator[str]:
        """What is sent in the first round."""


class Projector(Protocol):
    """A way to carry answers from a context into its translation."""

    def job(self, context: str, answers: Sequence[Answer], cutter: Cutter) -> Any:
        """Prepare a paragraph with its distinct answers: a `Job`."""

    def project(self, jobs: Sequence[Any], outcome: Outcome) -> list[Projected]:
        """Find the answers of all paragraphs once their segments are translated."""


def core(context: str, answer: Answer) -> Span:
    """Return the span of an answer without its outer blanks.

    Raises:
        Failed: it does not stand where it says, or is blank.
    """
    text = answer.text.strip()
    if answer.start < 0 or context[answer.start : answer.start + len(answer.text)] != answer.text:
        raise Failed(f"the answer {answer.text!r} does not stand at {answer.start} in its context", answer.text)
    if not text:
        raise Failed("the answer is blank", answer.text)
    start = answer.start + len(answer.text) - len(answer.text.lstrip())
    return start, start + len(text)


def cores(context: str, answers: Iterable[Answer]) -> tuple[dict[Answer, Span], dict[Answer, Failed]]:
    """Return the spans of answers without their outer blanks, and why others have none."""
    spans: dict[Answer, Span] = {}
    failures: dict[Answer, Failed] = {}
    for answer in answers:
        try:
            spans[answer] = core(context, answer)
        except Failed as failed:
            failures[answer] = failed
    return spans, failures


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


def about(answer: Answer, failed: Failed) -> Failed:
    """Name the answer that a failure is about."""
    return Failed(f"answer {answer.text!r}: {failed.reason}", failed.excerpt)
