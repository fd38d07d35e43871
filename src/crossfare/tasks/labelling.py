"""What tasks have in common in which a model labels one text, or two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import fmean
from typing import TYPE_CHECKING, Any, ClassVar

from crossfare.errors import DataError
from crossfare.finetune import Hyperparameters
from crossfare.predict import PredictOptions
from crossfare.score import labels as scoring
from crossfare.tasks import requests
from crossfare.tasks.task import (
    Made,
    Notes,
    Task,
    joined_tokens,
    located,
    most_frequent,
    note,
    of,
    ordered,
    outputs,
    ranked_names,
    tokens_of,
)
from crossfare.types import Dataset, Example, Labelled, Prediction, Progress

if TYPE_CHECKING:
    from crossfare.model.encoder import Encoder, Feature


class LabelAnswer(requests.Answer):
    """A label, and the model's own probabilities: on two-class data of NLI its contradiction counts as neutral."""

    label: str | None = None
    probabilities: dict[str, float] | None = None


class Labelling(Task):
    """Labels examples; the metrics are accuracy and macro-F1."""

    metric = "accuracy"
    defaults = Hyperparameters(learning_rate=2e-5, epochs=3, batch_size=32, max_length=128)
    inference: ClassVar[Mapping[str, Any]] = {"max_length": 128}
    trivial_name = "always the most frequent label"
    hub_task = "text-classification"
    model_class = "AutoModelForSequenceClassification"
    limits = "Its probabilities are not calibrated."
    example_type: ClassVar[type[Labelled]]
    answer = LabelAnswer
    score = staticmethod(scoring.score)

    def check(self, examples: Sequence[Example], *, whole: bool) -> None:
        """See `Task.check`: one label cannot be learnt."""
        found = self.labels_in(of(self.example_type, examples))
        if whole and len(found) < 2:
            raise DataError(f"the training set has {len(found)} different labels; it needs two or three")

    def labels_in(self, examples: Sequence[Example]) -> tuple[str, ...]:
        """The labels that occur, in canonical order."""
        present = {example.label for example in of(self.example_type, examples) if example.label is not None}
        return tuple(label for label in self.known_labels or sorted(present) if label in present)

    def load_new(self, model: str, examples: Sequence[Example], hyper: Hyperparameters) -> Encoder:
        """See `Task.load_new`."""
        from crossfare.model import labels

        found = self.labels_in(examples)
        order = hyper.head_labels or ()
        return labels.load(located(model), labels=found, known=self.known_labels, dropout=hyper.dropout, order=order)

    def load_ready(self, model: str, examples: Sequence[Example], hyper: Hyperparameters) -> Encoder:
        """See `Task.load_ready`: its head must have the labels of the examples."""
        from crossfare.model import labels

        encoder = labels.load(located(model), known=self.known_labels, order=hyper.head_labels or ())
        labels.check_knows(encoder, self.labels_in(examples), self.known_labels)
        return encoder

    def load_trained(self, model: str, _: PredictOptions) -> Encoder:
        """See `Task.load_trained`."""
        from crossfare.model import labels

        return labels.load(located(model), known=self.known_labels)

    def training(
        self, encoder: Encoder, examples: Sequence[Example], hyper: Hyperparameters, _: int
    ) -> tuple[list[Feature], Notes]:
        """See `Task.training`."""
        from crossfare.model import labels

        given = of(self.example_type, examples)
        used = [each for each in given if each.label is not None]
        features = labels.training_features(encoder, used, max_length=hyper.max_length, known=self.known_labels)
        return features, note("have no label and were left out", [each.id for each in given if each.label is None])

    def predictions(
        self,
        encoder: Encoder,
        examples: Sequence[Example],
        options: PredictOptions,
        progress: Progress | None,
        **_: Any,
    ) -> Made:
        """See `Task.predictions`."""
        from crossfare.model import labels

        asked = of(self.example_type, examples)
        features = labels.features(encoder, asked, max_length=options.max_length)
        (values,) = outputs(encoder, features, ("logits",), options, progress)
        named, renames = labels.model_labels(encoder, self.known_labels), self.renames(asked, options)
        return labels.decode(asked, values, named, renames), tokens_of(features)

    def renames(self, examples: Sequence[Example], options: PredictOptions) -> Mapping[str, str]:  # noqa: ARG002
        """What some labels of the model are called in such data."""
        return {}

    def trivial(self, dataset: Dataset) -> tuple[tuple[Prediction, ...], ...]:
        """The most frequent label of the test set, of several the first by name, for every example."""
        given = of(self.example_type, dataset.examples)
        label = most_frequent(each.label for each in given if each.label is not None)
        return (tuple(Prediction(each.id, label) for each in given),)

    def combine(self, predictions: Sequence[Sequence[Prediction]], dataset: Dataset) -> tuple[Prediction, ...]:
        """See `Task.combine`: labels are called what the models call their likeliest ones."""
        renamed = {each.scores[0][0]: each.output for model in predictions for each in model if each.scores}
        made = super().combine(predictions, dataset)
        return tuple(replace(each, output=renamed.get(each.output, each.output)) for each in made)

    def fused(self, found: Sequence[Prediction], example: Example) -> Prediction:
        """The mean of the label probabilities."""
        names = ranked_names(found)
        scores = ordered({name: fmean(dict(each.scores).get(name, 0.0) for each in found) for name in names})
        return Prediction(example.id, scores[0][0], scores=scores)

    def reply(
        self,
        name: requests.Id,
        prediction: Prediction | None,
        options: PredictOptions,
        *,
        note: str | None = None,
        translated: str | None = None,  # noqa: ARG002
    ) -> LabelAnswer:
        """See `Task.reply`: the label, and the probabilities it was chosen by."""
        if prediction is None:
            return LabelAnswer(id=name, note=note)
        label = self.renames((), options).get(prediction.output, prediction.output)
        return LabelAnswer(id=name, label=label, probabilities=dict(prediction.scores))

    def training_tokens(
        self, examples: Sequence[Example], per_character: float, hyper: Mapping[str, Any]
    ) -> tuple[float, int]:
        """See `Task.training_tokens`."""
        rows = [each.texts for each in of(self.example_type, examples) if each.label is not None]
        return joined_tokens(rows, per_character, int(hyper["max_length"])), len(rows)
