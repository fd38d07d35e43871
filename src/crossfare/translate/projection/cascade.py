"""Try one way after the other, until one finds the answer with enough confidence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from crossfare.translate.alignment import Aligner
from crossfare.translate.pieces import Cutter, Failed, Outcome, Plain
from crossfare.translate.projection.projected import Found, Parallel, Projected, about
from crossfare.translate.projection.tagged import TaggedCopies, TaggedJob
from crossfare.translate.projection.unmarked import PlainJob, align, alone, by_alignment, by_search, plain_job
from crossfare.translate.sentences import Span
from crossfare.types import Answer

SURE = 0.9
"""Of an answer that is found with this confidence no further way is tried."""


@dataclass(frozen=True, slots=True)
class CascadeJob:
    """A paragraph as it is, and with tags where those are tried first."""

    tagged: TaggedJob | None
    plain: PlainJob
    cutter: Cutter

    def segments(self) -> Iterator[str]:
        """What is tried first; the rest is sent only where it is needed."""
        return (self.tagged or self.plain).segments()


class Cascade:
    """Tags, where the engine keeps them itself; word alignment; a search for the answer's own translation.

    Tags that are text to an engine spoil its translation, for alignment too: they are not tried. A later
    way is tried, and paid for, only for the answers of which none before it was ``sure``; of what was found
    the most confident counts. A paragraph that has no translation with tags is translated without.
    """

    def __init__(self, tags: TaggedCopies | None, aligner: Aligner, sure: float = SURE) -> None:
        self._tags = tags
        self._aligner = aligner
        self._sure = sure

    def job(self, context: str, answers: Sequence[Answer], cutter: Cutter) -> CascadeJob:
        """Put tags round every answer, or leave the context as it is."""
        tagged = self._tags.job(context, answers, cutter) if self._tags else None
        return CascadeJob(tagged, plain_job(context, answers, cutter), cutter)

    def project(self, jobs: Sequence[CascadeJob], outcome: Outcome) -> list[Projected]:
        """Read tags, align what they leave open, and search for the rest."""
        made = [job.tagged.assemble(outcome) if job.tagged else Projected() for job in jobs]
        untagged = [number for number, each in enumerate(made) if not each.parallel]
        outcome.fetch(segment for number in untagged for segment in jobs[number].plain.segments())
        for number in untagged:
            made[number] = jobs[number].plain.started(outcome)
        self._align(_open(jobs, made, self._sure))
        _search(_open(jobs, made, self._sure), outcome)
        return made

    def _align(self, paragraphs: Sequence[_Open]) -> None:
        links = align([each.text for each in paragraphs], self._aligner)
        for each, linked in zip(paragraphs, links, strict=True):
            for answer, span in each.answers.items():
                try:
                    each.offer(answer, by_alignment(answer, span, each.text, linked))
                except Failed as failed:
                    each.made.failures.setdefault(answer, about(answer, failed))


@dataclass(frozen=True, slots=True)
class _Open:
    """A translated paragraph with answers that still need a place, or a better one."""

    made: Projected
    text: Parallel
    answers: dict[Answer, Span]
    cutter: Cutter

    def offer(self, answer: Answer, found: Found) -> None:
        """Take a place if it is the first or the most confident."""
        if answer not in self.made.found or found.confidence > self.made.found[answer].confidence:
            self.made.found[answer] = found
        self.made.failures.pop(answer, None)

    def alone(self) -> dict[Answer, Plain]:
        return {answer: alone(self.text.source, span, self.cutter) for answer, span in self.answers.items()}


def _open(jobs: Sequence[CascadeJob], made: Sequence[Projected], sure: float) -> list[_Open]:
    left = []
    for job, each in zip(jobs, made, strict=True):
        unsure = {
            answer: span
            for answer, span in job.plain.answers.items()
            if answer not in each.found or each.found[answer].confidence < sure
        }
        if each.parallel and unsure:
            left.append(_Open(each, each.parallel, unsure, job.cutter))
    return left


def _search(paragraphs: Sequence[_Open], outcome: Outcome) -> None:
    texts = [each.alone() for each in paragraphs]
    outcome.fetch(segment for answers in texts for text in answers.values() for segment in text.segments())
    for each, answers in zip(paragraphs, texts, strict=True):
        for answer, text in answers.items():
            try:
                each.offer(answer, by_search(answer, each.answers[answer], each.text, text.assemble(outcome)))
            except Failed as failed:
                each.made.failures.setdefault(answer, about(answer, failed))
