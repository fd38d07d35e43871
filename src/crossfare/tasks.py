"""The tasks: each wires the model and score of its row, the rest is the same for all.

Importing this loads neither torch nor transformers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from crossfare.errors import DataError
from crossfare.finetune import FineTuned, Hyperparameters, finetune
from crossfare.meter import meter
from crossfare.predict import Predicted, PredictOptions, logits
from crossfare.score import nli as nli_score
from crossfare.score import qa as qa_score
from crossfare.types import (
    Dataset,
    Example,
    PairExample,
    Prediction,
    Progress,
    QAExample,
    Score,
    TaskName,
    Usage,
)

if TYPE_CHECKING:
    from crossfare.model.encoder import Encoder, Feature

E = TypeVar("E", QAExample, PairExample)

Notes = tuple[str, ...]


class _Row(Protocol):
    """What differs between tasks. A note says which examples teach nothing, and why."""

    @property
    def outputs(self) -> tuple[str, ...]:
        """Which of the model's outputs `decode` wants."""

    def load_new(self, path: str, examples: Sequence[Example], dropout: float | None) -> Encoder:
        """An encoder with a head for ``examples``."""

    def load_trained(self, path: str) -> Encoder:
        """A fine-tuned encoder."""

    def training(
        self, encoder: Encoder, examples: Sequence[Example], hyper: Hyperparameters, seed: int
    ) -> tuple[list[Feature], Notes]:
        """Features with targets."""

    def inference(self, encoder: Encoder, examples: Sequence[Example], options: PredictOptions) -> Any:
        """Inputs that `decode` knows to read; their ``features`` go to the model."""

    def decode(self, encoder: Encoder, inputs: Any, values: Sequence[Any], options: PredictOptions) -> Any:
        """Predictions from logits."""


class _QA:
    outputs = ("start_logits", "end_logits")

    def load_new(self, path: str, _: Sequence[Example], dropout: float | None) -> Encoder:
        from crossfare.model import qa

        return qa.load(path, dropout=dropout)

    def load_trained(self, path: str) -> Encoder:
        from crossfare.model import qa

        return qa.load(path, trained=True)

    def training(
        self, encoder: Encoder, examples: Sequence[Example], hyper: Hyperparameters, seed: int
    ) -> tuple[list[Feature], Notes]:
        from crossfare.model import qa

        made = qa.training_features(
            encoder,
            _of(QAExample, examples),
            max_length=hyper.max_length,
            stride=hyper.stride,
            crop=hyper.crop,
            seed=seed,
        )
        return made.features, _note("have their answer in no window and teach nothing", made.unreachable)

    def inference(self, encoder: Encoder, examples: Sequence[Example], options: PredictOptions) -> Any:
        from crossfare.model import qa

        examples = _of(QAExample, examples)
        return qa.inference_windows(encoder, examples, max_length=options.max_length, stride=options.stride)

    def decode(self, _: Encoder, inputs: Any, values: Sequence[Any], options: PredictOptions) -> Any:
        from crossfare.model import qa

        start, end = values
        return qa.decode(inputs, start, end, n_best=options.n_best, max_answer_length=options.max_answer_length)


class _NLI:
    outputs = ("logits",)

    def load_new(self, path: str, examples: Sequence[Example], dropout: float | None) -> Encoder:
        from crossfare.model import nli

        labels = nli.labels_of(_of(PairExample, examples))
        if len(labels) < 2:
            raise DataError(f"the training set has {len(labels)} different labels; it needs two or three")
        return nli.load(path, labels=labels, dropout=dropout)

    def load_trained(self, path: str) -> Encoder:
        from crossfare.model import nli

        return nli.load(path)

    def training(
        self, encoder: Encoder, examples: Sequence[Example], hyper: Hyperparameters, _: int
    ) -> tuple[list[Feature], Notes]:
        from crossfare.model import nli

        pairs = _of(PairExample, examples)
        labelled = [pair for pair in pairs if pair.label is not None]
        features = nli.training_features(encoder, labelled, max_length=hyper.max_length)
        return features, _note("have no label and were left out", [pair.id for pair in pairs if pair.label is None])

    def inference(self, encoder: Encoder, examples: Sequence[Example], options: PredictOptions) -> Any:
        from crossfare.model import nli

        return nli.inference_pairs(encoder, _of(PairExample, examples), max_length=options.max_length)

    def decode(self, encoder: Encoder, inputs: Any, values: Sequence[Any], options: PredictOptions) -> Any:
        from crossfare.model import nli

        return nli.decode(inputs.examples, values[0], nli.model_labels(encoder), classes=options.labels)


@dataclass(frozen=True, slots=True)
class Task:
    """A task: fine-tune, predict, score. ``metric`` is the primary one, the first that `score` returns."""

    name: TaskName
    metric: str
    row: _Row
    scorer: Callable[..., tuple[Score, ...]]
    inference: Mapping[str, Any]

    def hyperparameters(self, **overrides: Any) -> Hyperparameters:
        """The paper's hyperparameters (section 4.4), with ``overrides``; ConfigError on an unknown name."""
        return Hyperparameters.paper(self.name, **overrides)

    def options(self, **overrides: Any) -> PredictOptions:
        """The paper's inference settings, with ``overrides``; ConfigError on an unknown name."""
        return PredictOptions.of({**self.inference, **overrides})

    def finetune(
        self,
        model: str,
        train: Sequence[Dataset],
        *,
        validation: Dataset | None = None,
        out: Path,
        hyper: Hyperparameters | None = None,
        seed: int = 0,
        progress: Progress | None = None,
        report_to: Sequence[str] = (),
    ) -> FineTuned:
        """Fine-tune ``model`` (a reference for `pretrained.resolve`) on the datasets together; see `finetune`.

        The validation set is read only if ``hyper.select_best``; it is scored by the task's primary metric.

        Raises:
            ConfigError, DataError: as `finetune`; or the data are of another task.
        """
        from crossfare.model.encoder import quiet

        hyper = hyper or self.hyperparameters()
        path = _locate(model)
        examples = self._examples(train)
        notes: list[str] = []

        def featurise(encoder: Encoder) -> list[Feature]:
            features, said = self.row.training(encoder, examples, hyper, seed)
            notes.extend(said)
            return features

        with quiet():
            tuned = finetune(
                lambda: self.row.load_new(path, examples, hyper.dropout),
                featurise,
                out=out,
                hyper=hyper,
                seed=seed,
                validate=self._validation(validation, hyper),
                progress=progress,
                report_to=report_to,
            )
        return replace(tuned, notes=tuple(notes))

    def _validation(self, validation: Dataset | None, hyper: Hyperparameters) -> Callable[[Encoder], float] | None:
        if validation is None or not hyper.select_best:
            return None
        options = self.options(
            max_length=hyper.max_length, stride=hyper.stride, max_answer_length=hyper.max_answer_length
        )

        def validate(encoder: Encoder) -> float:
            predictions = self._predict(encoder, validation, options, None).predictions
            return self.score(validation, predictions, resamples=1)[0].value

        return validate

    def predict(
        self,
        model: str,
        dataset: Dataset,
        *,
        options: Mapping[str, Any] | None = None,
        progress: Progress | None = None,
    ) -> Predicted:
        """Predict every example of ``dataset`` with a fine-tuned model; usage leaves out loading it.

        ``options`` override the paper's (`PredictOptions`).

        Raises:
            ConfigError: the model cannot be loaded, or was not fine-tuned for this task.
            DataError: the data are of another task.
        """
        settings = self.options(**(options or {}))
        encoder = self.row.load_trained(_locate(model))
        return self._predict(encoder, dataset, settings, progress)

    def _predict(
        self, encoder: Encoder, dataset: Dataset, options: PredictOptions, progress: Progress | None
    ) -> Predicted:
        with meter() as measured:
            inputs = self.row.inference(encoder, self._examples([dataset]), options)
            values = logits(
                encoder.model,
                inputs.features,
                collate=encoder.collate,
                outputs=self.row.outputs,
                token_budget=options.token_budget,
                progress=progress,
            )
            predictions = self.row.decode(encoder, inputs, values, options)
            measured.add(Usage(input_tokens=sum(len(feature["input_ids"]) for feature in inputs.features)))
        return Predicted(predictions, measured.usage)

    def score(self, dataset: Dataset, predictions: Sequence[Prediction], **options: Any) -> tuple[Score, ...]:
        """Score predictions, the primary metric first; see `score.qa.score` and `score.nli.score` for options."""
        return self.scorer(dataset, predictions, **options)

    def _examples(self, datasets: Sequence[Dataset]) -> list[Example]:
        for dataset in datasets:
            if dataset.task != self.name:
                raise DataError(f"{dataset.name} is {dataset.task} data, but the task is {self.name}")
        return [example for dataset in datasets for example in dataset.examples]


TASKS: Mapping[str, Task] = {
    "qa": Task("qa", "f1", _QA(), qa_score.score, {"max_length": 384, "stride": 128}),
    "nli": Task("nli", "accuracy", _NLI(), nli_score.score, {"max_length": 128}),
}
"""The tasks by name. QA: F1, then exact match. NLI: accuracy, then macro-F1."""


def _locate(model: str) -> str:
    """Folder of a model; one that is there already need not be resolved."""
    if (Path(model) / "config.json").is_file():
        return model
    from crossfare import pretrained

    return pretrained.resolve(model).path


def _of(kind: type[E], examples: Sequence[Example]) -> list[E]:
    for example in examples:
        if not isinstance(example, kind):
            raise DataError(f"example {example.id!r} is a {type(example).__name__}, not a {kind.__name__}")
    return [example for example in examples if isinstance(example, kind)]


def _note(what: str, ids: Sequence[str]) -> Notes:
    return (f"{len(ids)} examples {what}: {', '.join(ids)}",) if ids else ()
