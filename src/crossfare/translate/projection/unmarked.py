"""Without marks: the context is translated as it is, and answers are found in it by alignment or by search."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from crossfare.translate.alignment import Aligner, Link, project
from crossfare.translate.matching import find
from crossfare.translate.pieces import Cutter, Failed, Outcome, Plain
from crossfare.translate.projection.projected import Found, Parallel, Projected, about, cores, parallel, widened
from crossfare.translate.sentences import Span
from crossfare.types import Answer


def align(texts: Sequence[Parallel], aligner: Aligner) -> list[list[Link]]:
    """Align all texts, equal segments once."""
    pairs = list(dict.fromkeys((s.source, s.target) for text in texts for s in text.segments))
    links = dict(zip(pairs, aligner.align(pairs), strict=True))
    return [[link for s in text.segments for link in s.shifted(links[s.source, s.target])] for text in texts]


def by_alignment(answer: Answer, span: Span, text: Parallel, links: Sequence[Link]) -> Found:
    """Find an answer by the words aligned with it.

    Raises:
        Failed: none is.
    """
    projected = project(span, links)
    if projected is None:
        raise Failed("no word of the translated context is aligned with it", answer.text)
    place, confidence = projected
    place = _with_signs(text.source[slice(*span)], text.target, place)
    return Found(widened(answer, text.target, place), "align", confidence)


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


def by_search(answer: Answer, span: Span, text: Parallel, translation: str) -> Found:
    """Find an answer by the words most like its own translation.

    Raises:
        Failed: none are like it.
    """
    first, last, place = text.expected(span)
    match = find(translation, text.target[first:last], expected=place)
    if match is None:
        raise Failed(f"nothing like its translation {translation!r} is in the translated context", answer.text)
    found = widened(answer, text.target, (first + match.start, first + match.end))
    return Found(found, "match", match.confidence)


@dataclass(frozen=True, slots=True)
class PlainJob:
    """A context translated as it is; ``alone`` are answers translated by themselves."""

    context: Plain
    answers: dict[Answer, Span]
    failures: dict[Answer, Failed]
    alone: dict[Answer, Plain]

    def segments(self) -> Iterator[str]:
        """The context, then the answers that are sent by themselves."""
        yield from self.context.segments()
        for answer in self.alone.values():
            yield from answer.segments()

    def started(self, outcome: Outcome) -> Projected:
        """Return the context with no answer found yet; without one every answer fails."""
        made = Projected(failures=dict(self.failures))
        try:
            made.parallel = as_it_is(self.context, outcome)
            made.context = made.parallel.target
        except Failed as failed:
            made.failures |= {answer: about(answer, failed) for answer in self.answers}
        return made


class WordAlignment:
    """Find answers by word alignment of the context with its translation."""

    def __init__(self, aligner: Aligner) -> None:
        self._aligner = aligner

    def job(self, context: str, answers: Sequence[Answer], cutter: Cutter) -> PlainJob:
        """Send the context as it is."""
        return plain_job(context, answers, cutter)

    def project(self, jobs: Sequence[PlainJob], outcome: Outcome) -> list[Projected]:
        """Align all contexts at once, and project their answers."""
        done = [job.started(outcome) for job in jobs]
        aligned = iter(align([made.parallel for made in done if made.parallel], self._aligner))
        for job, made in zip(jobs, done, strict=True):
            if not made.parallel:
                continue
            links = next(aligned)
            for answer, span in job.answers.items():
                try:
                    made.found[answer] = by_alignment(answer, span, made.parallel, links)
                except Failed as failed:
                    made.failures[answer] = about(answer, failed)
        return done


class Search:
    """Find answers by searching for their own translations."""

    def job(self, context: str, answers: Sequence[Answer], cutter: Cutter) -> PlainJob:
        """Send the context as it is, and every answer by itself."""
        job = plain_job(context, answers, cutter)
        return replace(job, alone={answer: alone(context, span, cutter) for answer, span in job.answers.items()})

    def project(self, jobs: Sequence[PlainJob], outcome: Outcome) -> list[Projected]:
        """Search every answer's translation in its context."""
        done = []
        for job in jobs:
            made = job.started(outcome)
            done.append(made)
            if not made.parallel:
                continue
            for answer, span in job.answers.items():
                try:
                    translation = job.alone[answer].assemble(outcome)
                    made.found[answer] = by_search(answer, span, made.parallel, translation)
                except Failed as failed:
                    made.failures[answer] = about(answer, failed)
        return done


def plain_job(context: str, answers: Sequence[Answer], cutter: Cutter) -> PlainJob:
    """Take a context as it is, and no answer by itself."""
    return PlainJob(Plain(context, cutter(context)), *cores(context, answers), alone={})


def as_it_is(text: Plain, outcome: Outcome) -> Parallel:
    """Put a context together that was translated as it is.

    Raises:
        Failed: a segment has no translation.
    """
    return parallel(text.text, text.spans, [outcome[segment] for segment in text.segments()], outcome)


def alone(context: str, span: Span, cutter: Cutter) -> Plain:
    """Take an answer as a text to be translated by itself."""
    text = context[slice(*span)]
    return Plain(text, cutter(text))
