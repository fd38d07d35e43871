"""QA and NLI by an ensemble: every model reads the request in its way, and their predictions are combined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from crossfare.ensemble import combine
from crossfare.serving.messages import Answer, Request
from crossfare.serving.reading import Reading, Said
from crossfare.types import Dataset, TaskName, Usage


@dataclass(frozen=True, slots=True)
class EnsemblePipeline:
    """Answers with what several models predict, as `crossfare.ensemble` combines it.

    Of a request that one of them cannot answer (an engine gave no translation, a span was not found again), the
    others decide. A QA answer's score is the mean confidence, 0-1.
    """

    task: TaskName
    parents: tuple[Reading, ...]

    def problem(self, _: Request) -> None:
        """Nothing: every request that fits its schema can be answered."""
        return

    def texts(self, requests: Sequence[Request]) -> list[str]:
        """See `Answering.texts`."""
        return [text for each in self.parents if each.translator for text in each.texts(requests)]

    def answer(self, requests: Sequence[Request]) -> tuple[tuple[Answer, ...], Usage]:
        """See `Answering.answer`."""
        first, usage, said = self.parents[0], Usage(), []
        for parent in self.parents:
            own, used = parent.predict(requests)
            said.append(own)
            usage += used
        examples = tuple(first.example(str(n), texts) for n, texts in first.given(requests).items())
        predictions = [[each.prediction for each in own if each.prediction] for own in said]
        combined = combine(self.task, predictions, Dataset("requests", self.task, "serve", "", examples))
        found = {int(each.id): Said(each) for each in combined}
        answers = (first.reply(request, found.get(n) or said[0][n]) for n, request in enumerate(requests))
        return tuple(answers), usage

    def close(self) -> None:
        """Nothing is open."""
