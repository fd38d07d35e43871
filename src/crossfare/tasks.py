"""The tasks: each wires the model and score of its row, the rest is the same for all.

Importing this loads neither torch nor transformers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

import numpy as np

from crossfare import settings
from crossfare.errors import ConfigError, DataError
from crossfare.finetune import FineTuned, Hyperparameters, finetune
from crossfare.meter import meter
from crossfare.predict import Predicted, PredictOptions, logits
from crossfare.score import nli as nli_score
from crossfare.score import qa as qa_score
from crossfare.score import ranking as ranking_score
from crossfare.types import (
    Dataset,
    Example,
    PairExample,
    Prediction,
    Progress,
    QAExample,
    QueryExample,
    RankingExample,
    Score,
    TaskName,
    Usage,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from crossfare.finetune.training import Loss
    from crossfare.model.encoder import Encoder, Feature
    from crossfare.model.ranking import Reranker

T = TypeVar("T")
E = TypeVar("E", QAExample, PairExample, RankingExample, QueryExample)

Notes = tuple[str, ...]
Made = tuple[tuple[Prediction, ...], int]
"""Predictions, and how many tokens the model read for them."""

_PAIRS_AT_ONCE = 20_000
"""Query-passage pairs that are in memory as tokens: enough for batches of equal length."""
_PASSAGES_AT_ONCE = 4096


class _Row(Protocol):
    """What differs between tasks. A note says which examples teach nothing, and why."""

    def check(self, examples: Sequence[Example], *, whole: bool) -> None:
        """DataError for examples that teach nothing; ``whole``: there are no more of them."""

    def load_new(self, model: str, examples: Sequence[Example], hyper: Hyperparameters) -> Encoder:
        """An encoder with a head for ``examples``."""

    def load_trained(self, model: str, options: PredictOptions) -> Encoder:
        """A fine-tuned encoder."""

    def training(
        self, encoder: Encoder, examples: Sequence[Example], hyper: Hyperparameters, seed: int
    ) -> tuple[list[Feature], Notes]:
        """Features with targets."""

    def loss(self, encoder: Encoder, hyper: Hyperparameters) -> Loss | None:
        """The loss from outputs and labels, or None where the model has its own."""

    def validate(self, encoder: Encoder, dataset: Dataset, options: PredictOptions) -> float:
        """How well a model does on a validation set; more is better."""

    def predict(
        self,
        encoder: Encoder,
        examples: Sequence[Example],
        options: PredictOptions,
        progress: Progress | None,
        *more: Any,
        **inputs: Any,
    ) -> Made:
        """One prediction for each example; ranking takes more inputs than the examples."""

    def score(
        self, dataset: Dataset, predictions: Sequence[Prediction], *more: Any, **options: Any
    ) -> tuple[Score, ...]:
        """The metrics, the primary one first."""


class _QA:
    score = staticmethod(qa_score.score)

    def check(self, examples: Sequence[Example], *, whole: bool) -> None:  # noqa: ARG002
        _of(QAExample, examples)

    def load_new(self, model: str, _: Sequence[Example], hyper: Hyperparameters) -> Encoder:
        from crossfare.model import qa

        return qa.load(_locate(model), dropout=hyper.dropout)

    def load_trained(self, model: str, _: PredictOptions) -> Encoder:
        from crossfare.model import qa

        return qa.load(_locate(model), trained=True)

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

    def loss(self, _: Encoder, __: Hyperparameters) -> None:
        return None

    def validate(self, encoder: Encoder, dataset: Dataset, options: PredictOptions) -> float:
        return _primary_metric(self, encoder, dataset, options)

    def predict(
        self, encoder: Encoder, examples: Sequence[Example], options: PredictOptions, progress: Progress | None
    ) -> Made:
        from crossfare.model import qa

        windows = qa.inference_windows(
            encoder, _of(QAExample, examples), max_length=options.max_length, stride=options.stride
        )
        start, end = _outputs(encoder, windows.features, ("start_logits", "end_logits"), options, progress)
        predictions = qa.decode(windows, start, end, n_best=options.n_best, max_answer_length=options.max_answer_length)
        return predictions, _tokens(windows.features)


class _NLI:
    score = staticmethod(nli_score.score)

    def check(self, examples: Sequence[Example], *, whole: bool) -> None:
        labels = {pair.label for pair in _of(PairExample, examples)} - {None}
        if whole and len(labels) < 2:
            raise DataError(f"the training set has {len(labels)} different labels; it needs two or three")

    def load_new(self, model: str, examples: Sequence[Example], hyper: Hyperparameters) -> Encoder:
        from crossfare.model import nli

        labels = nli.labels_of(_of(PairExample, examples))
        return nli.load(_locate(model), labels=labels, dropout=hyper.dropout)

    def load_trained(self, model: str, _: PredictOptions) -> Encoder:
        from crossfare.model import nli

        return nli.load(_locate(model))

    def training(
        self, encoder: Encoder, examples: Sequence[Example], hyper: Hyperparameters, _: int
    ) -> tuple[list[Feature], Notes]:
        from crossfare.model import nli

        pairs = _of(PairExample, examples)
        labelled = [pair for pair in pairs if pair.label is not None]
        features = nli.training_features(encoder, labelled, max_length=hyper.max_length)
        return features, _note("have no label and were left out", [pair.id for pair in pairs if pair.label is None])

    def loss(self, _: Encoder, __: Hyperparameters) -> None:
        return None

    def validate(self, encoder: Encoder, dataset: Dataset, options: PredictOptions) -> float:
        return _primary_metric(self, encoder, dataset, options)

    def predict(
        self, encoder: Encoder, examples: Sequence[Example], options: PredictOptions, progress: Progress | None
    ) -> Made:
        from crossfare.model import nli

        pairs = nli.inference_pairs(encoder, _of(PairExample, examples), max_length=options.max_length)
        (values,) = _outputs(encoder, pairs.features, ("logits",), options, progress)
        predictions = nli.decode(pairs.examples, values, nli.model_labels(encoder), classes=options.labels)
        return predictions, _tokens(pairs.features)


class _Ranking:
    """Fine-tunes on `RankingExample`, reranks the candidates of `QueryExample`."""

    score = staticmethod(ranking_score.score)

    def check(self, examples: Sequence[Example], *, whole: bool) -> None:  # noqa: ARG002
        _of(RankingExample, examples)

    def load_new(self, model: str, _: Sequence[Example], hyper: Hyperparameters) -> Encoder:
        from crossfare.model import ranking

        path = _locate(model)
        return ranking.load(path, dropout=hyper.dropout, relevance_tokens=hyper.relevance_tokens, name=model)

    def load_trained(self, model: str, options: PredictOptions) -> Encoder:
        from crossfare.model import ranking

        return ranking.load(_locate(model), trained=True, relevance_tokens=options.relevance_tokens, name=model)

    def training(
        self, encoder: Encoder, examples: Sequence[Example], hyper: Hyperparameters, seed: int
    ) -> tuple[list[Feature], Notes]:
        from crossfare.model import ranking

        made = ranking.training_features(
            cast("Reranker", encoder),
            _of(RankingExample, examples),
            loss=hyper.loss,
            negatives=hyper.negatives,
            max_length=hyper.max_length,
            seed=seed,
        )
        return made.features, _note("have no negatives and were left out", made.without_negatives)

    def loss(self, encoder: Encoder, hyper: Hyperparameters) -> Loss:
        from crossfare.model import ranking

        return ranking.loss_of(cast("Reranker", encoder), hyper.loss)

    def validate(self, encoder: Encoder, dataset: Dataset, options: PredictOptions) -> float:
        from crossfare.model import ranking

        examples = _of(RankingExample, dataset.examples)
        pairs = [(example.query, text) for example in examples for text in (example.positive, *example.negatives)]
        scores = self._scores(encoder, pairs, options, None)[0]
        return ranking.mean_reciprocal_rank(scores, [1 + len(example.negatives) for example in examples])

    def predict(
        self,
        encoder: Encoder,
        examples: Sequence[Example],
        options: PredictOptions,
        progress: Progress | None,
        *,
        candidates: Sequence[Prediction],
        passages: Mapping[str, str],
    ) -> Made:
        from crossfare.model import ranking

        asked = ranking.candidates(_of(QueryExample, examples), candidates, depth=options.depth)
        total = sum(len(one.passages) for one in asked)
        predictions: list[Prediction] = []
        done = tokens = 0
        for chunk in ranking.chunks(asked, _PAIRS_AT_ONCE):
            pairs = ranking.pairs(chunk, passages)
            scores, read = self._scores(encoder, pairs, options, _part_of(progress, done, total))
            predictions += ranking.decode(chunk, scores)
            done, tokens = done + len(pairs), tokens + read
        return tuple(predictions), tokens

    def _scores(
        self,
        encoder: Encoder,
        pairs: Sequence[tuple[str, str]],
        options: PredictOptions,
        progress: Progress | None,
    ) -> tuple[NDArray[np.float32], int]:
        reranker = cast("Reranker", encoder)
        if not pairs:
            return np.empty(0, dtype=np.float32), 0
        features = reranker.features(pairs, options.max_length)
        with reranker.scoring():
            (values,) = _outputs(reranker, features, ("logits",), options, progress)
        return reranker.scores(values), _tokens(features)


@dataclass(frozen=True, slots=True)
class Task:
    """A task: fine-tune, predict, score. ``metric`` is the primary one, the first that `score` returns."""

    name: TaskName
    metric: str
    row: _Row
    inference: Mapping[str, Any]

    def hyperparameters(self, **overrides: Any) -> Hyperparameters:
        """The paper's hyperparameters (section 4.4), with ``overrides``; ConfigError on an unknown name."""
        return Hyperparameters.paper(self.name, **overrides)

    def options(self, **overrides: Any) -> PredictOptions:
        """The paper's inference settings, with ``overrides``; ConfigError on an unknown name."""
        return PredictOptions.of({**self.inference, **overrides})

    def check_scoring(self, **options: Any) -> None:
        """ConfigError for an option that `score` does not take from a spec, or a value that does not fit."""
        settings.check_options(self.row.score, options, "scoring option", without=("lost",))

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
            features, said = self.row.training(encoder, examples, hyper, seed)
            notes.extend(said)
            model_notes.extend(encoder.notes)
            return features

        with quiet():
            tuned = finetune(
                lambda: self.row.load_new(model, examples, hyper),
                featurise,
                out=out,
                hyper=hyper,
                seed=seed,
                loss=lambda encoder: self.row.loss(encoder, hyper),
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
        examples = self._examples(train)
        self.row.check(examples, whole=whole)
        return examples

    def _validation(self, validation: Dataset | None, hyper: Hyperparameters) -> Callable[[Encoder], float] | None:
        if validation is None or not hyper.select_best:
            return None
        options = self.options(
            max_length=hyper.max_length, stride=hyper.stride, max_answer_length=hyper.max_answer_length
        )

        self._examples([validation])
        return lambda encoder: self.row.validate(encoder, validation, options)

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

        ``options`` override the paper's (`PredictOptions`). Ranking needs two more inputs: ``candidates``, a
        first-stage run of the queries (predictions whose ``scores`` are passage ids, best first), and ``passages``, a
        mapping from id to text; of each query the ``depth`` best candidates come back, ranked anew. ``progress``
        counts examples, and query-passage pairs in ranking.

        Raises:
            ConfigError: the model cannot be loaded, or was not fine-tuned for this task.
            DataError: the data are of another task, or a candidate is not among the passages.
        """
        self._examples([dataset])
        return self.predictor(model, options=options).predict(dataset, progress=progress, **inputs)

    def predictor(self, model: str, *, options: Mapping[str, Any] | None = None) -> Predictor:
        """Load a fine-tuned model to be asked again and again; see `predict`.

        Raises:
            ConfigError: the model cannot be loaded, or was not fine-tuned for this task.
        """
        settings = self.options(**(options or {}))
        return Predictor(self, self.row.load_trained(model, settings), settings)

    def score(self, dataset: Dataset, predictions: Sequence[Prediction], **options: Any) -> tuple[Score, ...]:
        """Score predictions, the primary metric first; for options see `score.qa.score` and its like of the task."""
        return self.row.score(dataset, predictions, **options)

    def _examples(self, datasets: Sequence[Dataset]) -> list[Example]:
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
        examples = self.task._examples([dataset])
        with meter() as measured:
            predictions, tokens = self.task.row.predict(self.encoder, examples, self.settings, progress, **inputs)
            measured.add(Usage(input_tokens=tokens))
        return Predicted(predictions, measured.usage)


TASKS: Mapping[str, Task] = {
    "qa": Task("qa", "f1", _QA(), {"max_length": 384, "stride": 128}),
    "nli": Task("nli", "accuracy", _NLI(), {"max_length": 128}),
    "ranking": Task("ranking", "mrr@10", _Ranking(), {"max_length": 512}),
}
"""The tasks by name. QA: F1, then exact match. NLI: accuracy, then macro-F1. Ranking: MRR@10, then more."""


def task_named(name: str) -> Task:
    """Look a task up.

    Raises:
        ConfigError: there is none of that name.
    """
    if name not in TASKS:
        raise ConfigError(f"unknown task {name!r}; choose from {', '.join(TASKS)}")
    return TASKS[name]


def dense_run(
    model: str,
    queries: Sequence[QueryExample],
    passages: Mapping[str, str],
    k: int,
    *,
    options: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> Predicted:
    """Find the ``k`` passages most similar to each query, exactly, with an encoder that was not trained for it.

    Texts are compared by the cosine of their mean token vectors; ``passages`` are read once, in chunks. ``options``
    are `PredictOptions` (max_length 512, and prefixes for models that want some). ``progress`` counts passages.

    Raises:
        ConfigError: the model cannot be loaded, or is not an encoder.
    """
    from crossfare.model import biencoder

    settings = PredictOptions.of({"max_length": 512, **(options or {})})
    encoder = biencoder.load(_locate(model))
    known = biencoder.known_prefixes(model)
    given = (settings.query_prefix, settings.passage_prefix)
    before_query, before_passage = (known[i] if prefix is None else prefix for i, prefix in enumerate(given))

    def embed(texts: Sequence[str], prefix: str) -> NDArray[np.float32]:
        features = biencoder.features(encoder, texts, prefix=prefix, max_length=settings.max_length)
        measured.add(Usage(input_tokens=_tokens(features)))
        return _outputs(encoder, features, ("embedding",), settings, None)[0]

    with meter() as measured:
        best = biencoder.Best(embed([query.query for query in queries], before_query), k)
        done = 0
        for chunk in _chunks(passages.items(), _PASSAGES_AT_ONCE):
            best.add([name for name, _ in chunk], embed([text for _, text in chunk], before_passage))
            done += len(chunk)
            if progress:
                progress(done, len(passages))
        ranked = best.ranked([query.id for query in queries])
    return Predicted(ranked, measured.usage)


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


def _primary_metric(row: _Row, encoder: Encoder, dataset: Dataset, options: PredictOptions) -> float:
    predictions, _ = row.predict(encoder, dataset.examples, options, None)
    return row.score(dataset, predictions, resamples=1)[0].value


def _outputs(
    encoder: Encoder,
    features: Sequence[Feature],
    names: Sequence[str],
    options: PredictOptions,
    progress: Progress | None,
) -> tuple[NDArray[np.float32], ...]:
    return logits(
        encoder.model,
        features,
        collate=encoder.collate,
        outputs=names,
        token_budget=options.token_budget,
        precision=options.precision,
        progress=progress,
    )


def _tokens(features: Sequence[Feature]) -> int:
    return sum(len(feature["input_ids"]) for feature in features)


def _part_of(progress: Progress | None, before: int, total: int) -> Progress | None:
    """Report the progress of a chunk as that of the whole."""
    return (lambda done, _: progress(before + done, total)) if progress else None


def _chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk
