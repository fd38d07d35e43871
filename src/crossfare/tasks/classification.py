"""Classification of single texts: sentiment, intent, topic, with whatever labels the training data have."""

from __future__ import annotations

from collections.abc import Mapping

from crossfare.tasks import requests
from crossfare.tasks.labelling import Labelling
from crossfare.tasks.task import Write
from crossfare.types import Example, TextExample


class ClassificationRequest(requests.Request):
    """A text in the target language."""

    text: str


class Classification(Labelling):
    """Labels texts with one of the labels that the model was fine-tuned on."""

    name = "classification"
    title = "Classification"
    annotation = "annotation-nli"  # one judgement on a text is priced as one on a pair: no price of its own is known
    example_type = TextExample
    request = ClassificationRequest
    model_inputs = "text"

    def asked(self, name: str, texts: Mapping[str, str]) -> Example:
        """A text without a label."""
        return TextExample(name, texts["text"], None)

    def stated(self, number: int, length: int, write: Write, *, passage: int, training: bool) -> Example:  # noqa: ARG002
        """A text of the whole length."""
        return TextExample(str(number), write(number, length), "label")
