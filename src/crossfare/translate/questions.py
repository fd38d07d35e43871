"""Questions with their contexts: what is sent for them, and the translated examples with their answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from crossfare.translate.outcome import Losses, Lost
from crossfare.translate.pieces import Cutter, Failed, Outcome, Plain
from crossfare.translate.projection import Projected, Projection, Projector
from crossfare.translate.projection.projected import Job
from crossfare.types import Answer, QAExample


@dataclass(frozen=True, slots=True)
class ProjectedAnswer:
    """Which method found an answer of an example in its translated context, and how sure it was (0-1)."""

    id: str
    text: str
    start: int
    method: str
    confidence: float


class Questions:
    """QA examples on their way through an engine.

    Paragraphs are told apart by their text: all answers to questions about one are projected together,
    unless each example is to have a context of its own.
    """

    def __init__(
        self, examples: Sequence[QAExample], cutter: Cutter, projection: Projection, projector: Projector
    ) -> None:
        self._examples = examples
        self._questions = [Plain(example.question, cutter(example.question)) for example in examples]
        self._projection = projection
        self._projector = projector
        wanted: dict[object, dict[Answer, None]] = {}
        contexts: dict[object, str] = {}
        self._keys = [
            example.context if projection.shares_context else number for number, example in enumerate(examples)
        ]
        for key, example in zip(self._keys, examples, strict=True):
            contexts[key] = example.context
            wanted.setdefault(key, {}).update(dict.fromkeys(example.answers))
        self._jobs: dict[object, Job] = {
            key: projector.job(context, tuple(wanted[key]), cutter) for key, context in contexts.items()
        }

    def segments(self) -> Iterator[str]:
        """What is sent in the first round."""
        for question in self._questions:
            yield from question.segments()
        for job in self._jobs.values():
            yield from job.segments()

    def assemble(self, outcome: Outcome, losses: Losses) -> tuple[list[QAExample], list[ProjectedAnswer]]:
        """Return the translated examples that have a question and an answer, and how each answer was found."""
        made = dict(zip(self._jobs, self._projector.project(list(self._jobs.values()), outcome), strict=True))
        kept: list[QAExample] = []
        answers: list[ProjectedAnswer] = []
        for key, example, question in zip(self._keys, self._examples, self._questions, strict=True):
            try:
                translated = question.assemble(outcome)
            except Failed as failed:
                losses.lost.append(Lost(example.id, f"question: {failed.reason}", failed.excerpt))
                continue
            found = self._found(example, made[key], losses)
            if found:
                kept.append(replace(example, context=made[key].context, question=translated, answers=found))
                answers += _explained(example, made[key])
        return kept, answers

    def _found(self, example: QAExample, made: Projected, losses: Losses) -> tuple[Answer, ...]:
        """Return the example's answers that were found with enough confidence, and list the others."""
        failures: list[Lost] = []
        for answer in dict.fromkeys(example.answers):
            if answer in made.found and made.found[answer].confidence < self._projection.threshold:
                unsure = made.found.pop(answer)
                reason = (
                    f"answer {answer.text!r}: found by {unsure.method} with a confidence of {unsure.confidence:.2f}"
                )
                made.failures[answer] = Failed(reason, unsure.answer.text)
            if answer not in made.found:
                failures.append(Lost(example.id, made.failures[answer].reason, made.failures[answer].excerpt))
        found = tuple(made.found[answer].answer for answer in example.answers if answer in made.found)
        if found:
            losses.dropped += failures
        else:
            losses.lost.append(failures[0] if failures else Lost(example.id, "the example has no answer"))
        return found


def _explained(example: QAExample, made: Projected) -> Iterator[ProjectedAnswer]:
    for answer in example.answers:
        if found := made.found.get(answer):
            place = found.answer
            yield ProjectedAnswer(example.id, place.text, place.start, found.method, round(found.confidence, 4))
