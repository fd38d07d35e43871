"""Try one way after the other, until one finds the answer with enough confidence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from crossfare.translate.alignment import Aligner
from crossfare.translate.pieces import Cutter, Failed, Outcome, Plain
from crossfare.translate.projection.projected import Found, Parallel, Projected, about
from crossfare.translate.projection.tagged import TaggedCopies, TaggedJob
from crossfare.translate.projection.unmarked import align, alone, as_it_is, by_alignment, by_search
from crossfare.translate.sentences import Span
from crossfare.types import Answer


@dataclass(frozen=True, slots=True)
class CascadeJob:
    """A paragraph with tags, and as it is for where they do harm."""

    tagged: TaggedJob
    plain: Plain
    cutter: Cutter

    def segments(self) -> Iterator[str]:
        """The tagged copies; the rest is sent only where it is needed."""
        return self.tagged.segments()


class Cascade:
    """Tags; then word alignment; then a search for the answer's own translation, paid for only then.

    Each later way is tried for the answers that none before it found with a confidence of at least
    ``threshold``; of what was found the most confident counts. A paragraph that the engine cannot
    translate with tags is translated without.
    """

    def __init__(self, tags: TaggedCopies, aligner: Aligner, threshold: float) -> None:
        self._tags = tags
        self._aligner = aligner
        self._threshold = threshold

    def job(self, context: str, answers: Sequence[Answer], cutter: Cutter) -> CascadeJob:
        """Put tags round every answer."""
        return CascadeJob(self._tags.job(context, answers, cutter), Plain(context, cutter(context)), cutter)

    def project(self, jobs: Sequence[CascadeJob], outcome: Outcome) -> list[Projected]:
        """Read tags, align what they leave open, and search for the rest."""
        made = self._tags.project([job.tagged for job in jobs], outcome)
        _untagged([(job, each) for job, each in zip(jobs, made, strict=True) if not each.parallel], outcome)
        self._align(self._open(jobs, made))
        self._search(self._open(jobs, made), outcome)
        return made

    def _open(self, jobs: Sequence[CascadeJob], made: Sequence[Projected]) -> list[_Open]:
        """List the paragraphs that have a translation, each with the answers that still need a better place."""
        left = []
        for job, each in zip(jobs, made, strict=True):
            unsure = {
                answer: span
                for answer, span in job.tagged.answers.items()
                if answer not in each.found or each.found[answer].confidence < self._threshold
            }
            if each.parallel and unsure:
                left.append(_Open(job, each, each.parallel, unsure))
        return left

    def _align(self, paragraphs: Sequence[_Open]) -> None:
        links = align([each.text for each in paragraphs], self._aligner)
        for each, linked in zip(paragraphs, links, strict=True):
            for answer, span in each.answers.items():
                try:
                    each.offer(answer, by_alignment(answer, span, each.text, linked))
                except Failed as failed:
                    each.made.failures.setdefault(answer, about(answer, failed))

    def _search(self, paragraphs: Sequence[_Open], outcome: Outcome) -> None:
        texts = [each.alone() for each in paragraphs]
        outcome.fetch(segment for answers in texts for text in answers.values() for segment in text.segments())
        for each, answers in zip(paragraphs, texts, strict=True):
            for answer, text in answers.items():
                try:
                    found = by_search(answer, each.answers[answer], each.text, text.assemble(outcome))
                    each.offer(answer, found)
                except Failed as failed:
                    each.made.failures.setdefault(answer, about(answer, failed))


@dataclass(frozen=True, slots=True)
class _Open:
    """A translated paragraph with answers that are still to be found."""

    job: CascadeJob
    made: Projected
    text: Parallel
    answers: dict[Answer, Span]

    def offer(self, answer: Answer, found: Found) -> None:
        """Take a place if it is the first or the most confident."""
        if answer not in self.made.found or found.confidence > self.made.found[answer].confidence:
            self.made.found[answer] = found
        self.made.failures.pop(answer, None)

    def alone(self) -> dict[Answer, Plain]:
        return {answer: alone(self.text.source, span, self.job.cutter) for answer, span in self.answers.items()}


def _untagged(failed: Sequence[tuple[CascadeJob, Projected]], outcome: Outcome) -> None:
    """Translate the paragraphs whose tagged copies have no translation as they are."""
    outcome.fetch(segment for job, _ in failed for segment in job.plain.segments())
    for job, made in failed:
        try:
            made.parallel = as_it_is(job.plain, outcome)
            made.context = made.parallel.target
        except Failed:
            continue  # the failures that are there already say why
