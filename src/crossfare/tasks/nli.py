"""Natural language inference: what a premise says of a hypothesis."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from crossfare.predict import PredictOptions
from crossfare.tasks import requests
from crossfare.tasks.labelling import Labelling
from crossfare.tasks.task import Write
from crossfare.types import NLI_LABELS, Dataset, Example, PairExample


class NLIRequest(requests.Request):
    """A premise and a hypothesis in the target language."""

    premise: str
    hypothesis: str


class NLI(Labelling):
    """Labels pairs of premise and hypothesis, with two labels or three."""

    name = "nli"
    title = "NLI"
    table = 3
    known_labels = NLI_LABELS
    annotation = "annotation-nli"
    example_type = PairExample
    request = NLIRequest
    model_inputs = "premise, hypothesis"

    def renames(self, examples: Sequence[Example], options: PredictOptions) -> Mapping[str, str]:
        """On two-class data a predicted contradiction becomes neutral (paper section 5.2.1, alternative 1).

        ``options.labels`` says "two-class" or "three-class"; None takes data whose labels include no contradiction
        for two-class.
        """
        present = self.labels_in(examples)
        two = options.labels == "two-class" or (
            options.labels is None and bool(present) and "contradiction" not in present
        )
        return {"contradiction": "neutral"} if two else {}

    def asked(self, name: str, texts: Mapping[str, str]) -> Example:
        """A pair without a label."""
        return PairExample(name, texts["premise"], texts["hypothesis"], None)

    def serving_options(self, options: Mapping[str, Any], test: Callable[[], Dataset]) -> Mapping[str, Any]:
        """Whether there are two labels or three goes by the test set that a cell was scored on, as it did there."""
        if options["labels"] is not None:
            return {}
        two = self.renames(test().examples, self.options())
        return {"labels": "two-class" if two else "three-class"}

    def stated(self, number: int, length: int, write: Write, *, passage: int, training: bool) -> Example:  # noqa: ARG002
        """A premise of two thirds of the length."""
        premise = write(2 * number, round(length * 2 / 3))
        return PairExample(str(number), premise, write(2 * number + 1, length - len(premise)), "neutral")
