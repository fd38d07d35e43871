"""Questions with their contexts: what is sent for them, and the translated examples with their answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain

from crossfare.translate.marked import Projected
from crossfare.translate.outcome import Failed, Losses, Lost
from crossfare.translate.pieces import Outcome
from crossfare.translate.projection import Paragraph, ProjectedAnswer, Projection, Projector
from crossfare.translate.spans import Found
from crossfare.types import Answer, QAExample


class Questions:
    """QA examples on their way through an engine.

    Paragraphs are told apart by their text: all answers to questions about one are projected together,
    unless each example is to have a context of its own.
    """

    def __init__(
        self, examples: Sequence[QAExample], outcome: Outcome, projection: Projection, projector: Projector
    ) -> None:
        self._examples = examples
        self._questions = [outcome.plain(example.question) for example in examples]
        self._projection = projection
        self._projector = projector
        self._keys = [
            example.context if projection.shares_context else number for number, example in enumerate(examples)
        ]
        wanted: dict[object, tuple[str, dict[Answer, None]]] = {}
        for key, example in zip(self._keys, examples, strict=True):
            wanted.setdefault(key, (example.context, {}))[1].update(dict.fromkeys(example.answers))
        self._paragraphs: dict[object, Paragraph] = {
            key: projector.paragraph(context, answers, outcome) for key, (context, answers) in wanted.items()
        }

    def segments(self) -> Iterator[str]:
        """What is sent in the first round."""
        yield from chain.from_iterable(question.segments() for question in self._questions)
        yield from chain.from_iterable(paragraph.segments() for paragraph in self._paragraphs.values())

    def assemble(self, outcome: Outcome, losses: Losses) -> tuple[list[QAExample], list[ProjectedAnswer]]:
        """Return the translated examples that have a question and an answer, and how each answer was found."""
        projected = self._projector.project(list(self._paragraphs.values()), outcome)
        made = dict(zip(self._paragraphs, projected, strict=True))
        kept: list[QAExample] = []
        answers: list[ProjectedAnswer] = []
        for key, example, question in zip(self._keys, self._examples, self._questions, strict=True):
            try:
                translated = question.assemble(outcome).target
            except Failed as failed:
                losses.lost.append(Lost(example.id, f"question: {failed.reason}", failed.excerpt))
                continue
            if found := self._found(example, made[key], losses):
                places = tuple(each.answer for each in found)
                kept.append(replace(example, context=made[key].context, question=translated, answers=places))
                rounded = (replace(each, confidence=round(each.confidence, 4)) for each in found)
                answers += (ProjectedAnswer.of(example.id, each) for each in rounded)
        return kept, answers

    def _found(self, example: QAExample, made: Projected, losses: Losses) -> list[Found]:
        """Return the example's answers that were found with enough confidence, and list the others."""
        failures: list[Lost] = []
        for answer in dict.fromkeys(example.answers):
            if answer in made.found and (unsure := self._projection.unsure(made.found[answer])):
                del made.found[answer]
                made.failures[answer] = unsure.about(answer)
            if answer not in made.found:
                failures.append(made.failures[answer].of(example.id))
        found = [made.found[answer] for answer in example.answers if answer in made.found]
        if found:
            losses.dropped += failures
        else:
            losses.lost.append(failures[0] if failures else Lost(example.id, "the example has no answer"))
        return found
