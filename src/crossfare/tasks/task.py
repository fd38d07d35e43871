"""What every task does in the same way, and what each says of itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np

from crossfare import settings
from crossfare.errors import DataError
from crossfare.finetune import FineTuned, Hyperparameters, finetune, taken
from crossfare.meter import meter
from crossfare.predict import Predicted, PredictOptions, logits
from crossfare.tasks import requests
from crossfare.types import Dataset, Example, Prediction, Progress, Score, TaskName, Usage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from crossfare.finetune.training import Loss
    from crossfare.model.encoder import Encoder, Feature

E = TypeVar("E", bound=Example)

Notes = tuple[str, ...]
Made = tuple[tuple[Prediction, ...], int]
"""Predictions, and how many tokens the model read for them."""
Write = Callable[[int, int], str]
"""A text made of a number, and of exactly so many characters."""

SPECIALS = 3
"""Tokens that a model's layout adds to a text or two, about."""


class Task(ABC):
    """A task: fine-tune, predict, score, and all else in which it differs from the others.

    ``title``         how headings call it
    ``metric``        the primary one, the first that `score` returns
    ``table``         the paper's table of it, if there is one
    ``defaults``      the hyperparameters (those of the paper, section 4.4), ``inference`` the settings of inference
    ``score``         the function that scores predictions of a dataset, the primary metric first; see `crossfare.score`
    ``searches``      whether its model ranks what a first stage finds in a collection
    ``spans``         whether its answers are spans of a text, which have to be found again in its translation
    ``known_labels``  all labels there can be, where that is known
    ``trivial_name``  what its trivial baseline does
    ``annotation``    the offer that prices one labelled example
    ``scored_by``     packages that scoring loads
    ``example_type``  what its test sets hold, ``request`` and ``answer`` what is asked when serving
    ``hub_task``, ``model_class``, ``model_inputs``  for the card of an exported model: its task on the hub
                      (huggingface.co/tasks), the transformers class that loads it, and what it reads
    ``limits``        what a reader of that card must know
    """

    name: ClassVar[TaskName]
    title: ClassVar[str]
    metric: ClassVar[str]
    table: ClassVar[int | None] = None
    defaults: ClassVar[Hyperparameters]
    inference: ClassVar[Mapping[str, Any]]
    score: ClassVar[Callable[..., tuple[Score, ...]]]
    searches: ClassVar[bool] = False
    spans: ClassVar[bool] = False
    known_labels: ClassVar[tuple[str, ...]] = ()
    trivial_name: ClassVar[str]
    annotation: ClassVar[str]
    scored_by: ClassVar[tuple[str, ...]] = ()
    example_type: ClassVar[type[Example]]
    request: ClassVar[type[requests.Request]]
    answer: ClassVar[type[requests.Answer]]
    hub_task: ClassVar[str]
    model_class: ClassVar[str]
    model_inputs: ClassVar[str]
    limits: ClassVar[str]

    # -- what each task does in its own way ---------------------------------------------------

    def check(self, examples: Sequence[Example], *, whole: bool) -> None:  # noqa: ARG002
        """DataError for examples that teach nothing; ``whole``: there are no more of them."""
        of(self.example_type, examples)

    @abstractmethod
    def load_new(self, model: str, examples: Sequence[Example], hyper: Hyperparameters) -> Encoder:
        """An encoder with a head for ``examples``."""

    @abstractmethod
    def load_trained(self, model: str, options: PredictOptions) -> Encoder:
        """A fine-tuned encoder."""

    def load_ready(self, model: str, examples: Sequence[Example], hyper: Hyperparameters) -> Encoder:  # noqa: ARG002
        """An encoder that was fine-tuned elsewhere, on such examples."""
        return self.load_trained(model, self.options())

    @abstractmethod
    def training(
        self, encoder: Encoder, examples: Sequence[Example], hyper: Hyperparameters, seed: int
    ) -> tuple[list[Feature], Notes]:
        """Features with targets. A note says which examples teach nothing, and why."""

    def loss(self, encoder: Encoder, hyper: Hyperparameters) -> Loss | None:  # noqa: ARG002
        """The loss from outputs and labels, or None where the model has its own."""
        return None

    def validate(self, encoder: Encoder, dataset: Dataset, options: PredictOptions) -> float:
        """How well a model does on a validation set; more is better."""
        predictions, _ = self.predictions(encoder, dataset.examples, options, None)
        return self.score(dataset, predictions, resamples=1)[0].value

    @abstractmethod
    def predictions(
        self,
        encoder: Encoder,
        examples: Sequence[Example],
        options: PredictOptions,
        progress: Progress | None,
        **inputs: Any,
    ) -> Made:
        """One prediction for each example; ranking takes more inputs than the examples."""

    @abstractmethod
    def trivial(self, dataset: Dataset) -> tuple[tuple[Prediction, ...], ...]:
        """What each trivial system answers, one that has learnt nothing: what it scores is the least to be beaten."""

    @abstractmethod
    def fused(self, found: Sequence[Prediction], example: Example) -> Prediction:
        """One prediction of those that several models made for an example (late fusion)."""

    def asked(self, name: str, texts: Mapping[str, str]) -> Example:
        """What a model is asked, by the roles of its texts."""
        raise NotImplementedError

    def serving_options(self, options: Mapping[str, Any], test: Callable[[], Dataset]) -> Mapping[str, Any]:  # noqa: ARG002
        """What of the inference settings a test set has decided, to be said when serving."""
        return {}

    def reply(
        self,
        name: requests.Id,
        prediction: Prediction | None,
        options: PredictOptions,
        *,
        note: str | None = None,
        translated: str | None = None,
    ) -> requests.Answer:
        """The answer to a request; ``translated`` is a span as it was found, before it was brought back."""
        raise NotImplementedError

    # -- what a forecast needs ----------------------------------------------------------------

    @abstractmethod
    def training_tokens(
        self, examples: Sequence[Example], per_character: float, hyper: Mapping[str, Any]
    ) -> tuple[float, int]:
        """Tokens of one epoch, told from the lengths of texts, and how many features they are in.

        ``hyper`` is the identity of the hyperparameters, ``per_character`` what a tokenizer makes of a text.
        """

    def inference_tokens(self, examples: Sequence[Example], per_character: float, options: Mapping[str, Any]) -> float:
        """Tokens a model reads to answer; in ranking, which reads candidates, see the planner."""
        return joined_tokens([example.texts for example in examples], per_character, int(options["max_length"]))

    @abstractmethod
    def stated(self, number: int, length: int, write: Write, *, passage: int, training: bool) -> Example:
        """An example of which only the length is stated, and in ranking that of a passage."""

    # -- what is the same for all -------------------------------------------------------------

    def hyperparameters(self, **overrides: Any) -> Hyperparameters:
        """The defaults, with ``overrides``; ConfigError on an unknown name."""
        return self.defaults.overridden(**overrides)

    def options(self, **overrides: Any) -> PredictOptions:
        """The settings of inference, with ``overrides``; ConfigError on an unknown name."""
        return PredictOptions.of({**self.inference, **overrides})

    def check_scoring(self, **options: Any) -> None:
        """ConfigError for an option that `score` does not take from a spec, or a value that does not fit."""
        settings.check_options(self.score, options, "scoring option", without=("lost",))

    def scored_anew(self, language: str, options: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG002
        """What identifies a score in a language beside ``options``: nothing, unless it was once made otherwise."""
        return {}

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

        The validation set is read only if ``hyper.select_best``; it is scored by the task's primary metric. Ranking
        trains and validates on `RankingExample`; there the score is the mean reciprocal rank of the positive among its
        negatives, an equal score counting against it.

        Raises:
            ConfigError, DataError: as `finetune`; or the data are of another task.
        """
        from crossfare.pretrained.loading import quiet

        hyper = hyper or self.hyperparameters()
        examples = self.check_examples(train)
        notes: list[str] = []
        model_notes: list[str] = []

        def featurise(encoder: Encoder) -> list[Feature]:
            features, said = self.training(encoder, examples, hyper, seed)
            notes.extend(said)
            model_notes.extend(encoder.notes)
            return features

        if not hyper.trains:
            with quiet():
                tuned = taken(self.load_ready(model, examples, hyper), Path(out))
            return replace(tuned, model_notes=(f"{Path(model).name} was taken as it is, without fine-tuning",))
        with quiet():
            tuned = finetune(
                lambda: self.load_new(model, examples, hyper),
                featurise,
                out=out,
                hyper=hyper,
                seed=seed,
                loss=lambda encoder: self.loss(encoder, hyper),
                validate=self._validation(validation, hyper),
                progress=progress,
                report_to=report_to,
            )
        return replace(tuned, notes=tuple(notes), model_notes=tuple(model_notes))

    def check_examples(self, train: Sequence[Dataset], *, whole: bool = True) -> list[Example]:
        """The examples of training sets; ``whole``: there are no further sets.

        Raises:
            DataError: they are of another task, or no model can be fine-tuned on them.
        """
        examples = self.examples(train)
        self.check(examples, whole=whole)
        return examples

    def _validation(self, validation: Dataset | None, hyper: Hyperparameters) -> Callable[[Encoder], float] | None:
        if validation is None or not hyper.select_best:
            return None
        options = self.options(
            max_length=hyper.max_length, stride=hyper.stride, max_answer_length=hyper.max_answer_length
        )
        self.examples([validation])
        return lambda encoder: self.validate(encoder, validation, options)

    def predict(
        self,
        model: str,
        dataset: Dataset,
        *,
        options: Mapping[str, Any] | None = None,
        progress: Progress | None = None,
        **inputs: Any,
    ) -> Predicted:
        """Predict every example of ``dataset`` with a fine-tuned model; usage leaves out loading it.

        ``options`` override the defaults (`PredictOptions`). Ranking needs two more inputs: ``candidates``, a
        first-stage run of the queries (predictions whose ``scores`` are passage ids, best first), and ``passages``, a
        mapping from id to text; of each query the ``depth`` best candidates come back, ranked anew. ``progress``
        counts examples, and query-passage pairs in ranking.

        Raises:
            ConfigError: the model cannot be loaded, or was not fine-tuned for this task.
            DataError: the data are of another task, or a candidate is not among the passages.
        """
        self.examples([dataset])
        return self.predictor(model, options=options).predict(dataset, progress=progress, **inputs)

    def predictor(self, model: str, *, options: Mapping[str, Any] | None = None) -> Predictor:
        """Load a fine-tuned model to be asked again and again; see `predict`.

        Raises:
            ConfigError: the model cannot be loaded, or was not fine-tuned for this task.
        """
        settings = self.options(**(options or {}))
        return Predictor(self, self.load_trained(model, settings), settings)

    def combine(self, predictions: Sequence[Sequence[Prediction]], dataset: Dataset) -> tuple[Prediction, ...]:
        """One prediction for each example of ``dataset`` that any of the models predicted, by `fused`.

        A model without a prediction for an example has no say in it; ties go to the first model's order.

        Raises:
            DataError: a prediction belongs to no example of the dataset.
        """
        examples = {example.id: example for example in dataset.examples}
        given: dict[str, list[Prediction]] = {name: [] for name in examples}
        for prediction in (each for model in predictions for each in model):
            if prediction.id not in examples:
                raise DataError(f"a prediction has the id {prediction.id!r}, which is not in {dataset.name}")
            if prediction.scores:
                given[prediction.id].append(prediction)
        return tuple(self.fused(found, examples[name]) for name, found in given.items() if found)

    def examples(self, datasets: Sequence[Dataset]) -> list[Example]:
        """All examples of some datasets; DataError if they are of another task."""
        for dataset in datasets:
            if dataset.task != self.name:
                raise DataError(f"{dataset.name} is {dataset.task} data, but the task is {self.name}")
        return [example for dataset in datasets for example in dataset.examples]


@dataclass(frozen=True, slots=True)
class Predictor:
    """A fine-tuned model in memory, with its settings of inference."""

    task: Task
    encoder: Encoder
    settings: PredictOptions

    def predict(self, dataset: Dataset, *, progress: Progress | None = None, **inputs: Any) -> Predicted:
        """Predict every example of ``dataset``; see `Task.predict` for inputs and errors."""
        examples = self.task.examples([dataset])
        with meter() as measured:
            predictions, tokens = self.task.predictions(self.encoder, examples, self.settings, progress, **inputs)
            measured.add(Usage(input_tokens=tokens))
        return Predicted(predictions, measured.usage)


def located(model: str) -> str:
    """Folder of a model; one that is there already need not be resolved."""
    if (Path(model) / "config.json").is_file():
        return model
    from crossfare import pretrained

    return pretrained.resolve(model).path


def of(kind: type[E], examples: Sequence[Example]) -> list[E]:
    """The examples, all of a kind; DataError if one is of another."""
    for example in examples:
        if not isinstance(example, kind):
            raise DataError(f"example {example.id!r} is a {type(example).__name__}, not a {kind.__name__}")
    return [example for example in examples if isinstance(example, kind)]


def note(what: str, ids: Sequence[str]) -> Notes:
    """Say what of some examples, if there are any."""
    return (f"{len(ids)} examples {what}: {', '.join(ids)}",) if ids else ()


def outputs(
    encoder: Encoder,
    features: Sequence[Feature],
    names: Sequence[str],
    options: PredictOptions,
    progress: Progress | None,
) -> tuple[NDArray[np.float32], ...]:
    """See `crossfare.predict.logits`."""
    return logits(
        encoder.model,
        features,
        collate=encoder.collate,
        outputs=names,
        token_budget=options.token_budget,
        precision=options.precision,
        progress=progress,
    )


def tokens_of(features: Sequence[Feature]) -> int:
    """How many tokens a model reads."""
    return sum(len(feature["input_ids"]) for feature in features)


def joined_tokens(rows: Sequence[Sequence[str]], per_character: float, longest: int) -> float:
    """Tokens of rows of texts, each read at once and cut at ``longest``, told from their lengths."""
    lengths = np.array([sum(map(len, row)) for row in rows], dtype=np.float64)
    return float(np.minimum(lengths * per_character + SPECIALS, longest).sum())


def most_frequent(values: Iterable[str]) -> str:
    """The value that occurs most often, of several the first by name; "" of none."""
    counts = Counter(values)
    return min(counts, key=lambda value: (-counts[value], value), default="")


def ranked_names(found: Sequence[Prediction]) -> list[str]:
    """What any of several predictions gives a score."""
    return list(dict.fromkeys(name for each in found for name, _ in each.scores))


def ordered(values: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
    """Scores, best first."""
    return tuple(sorted(values.items(), key=lambda item: -item[1]))
