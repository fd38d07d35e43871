"""Passage ranking: reranks what a first stage found, and finds passages by a bi-encoder that was not trained for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self, TypeVar, cast

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from crossfare.finetune import Hyperparameters
from crossfare.meter import meter
from crossfare.predict import Predicted, PredictOptions
from crossfare.score import ranking as scoring
from crossfare.tasks import requests
from crossfare.tasks.task import (
    Made,
    Notes,
    Task,
    Write,
    joined_tokens,
    located,
    note,
    of,
    ordered,
    outputs,
    ranked_names,
    tokens_of,
)
from crossfare.types import Dataset, Example, Prediction, Progress, QueryExample, RankingExample, Usage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from crossfare.finetune.training import Loss
    from crossfare.model.encoder import Encoder, Feature
    from crossfare.model.rerankers import Reranker

T = TypeVar("T")

MOST_CANDIDATES = 1000
"""Candidates of one query: as many as the paper reranks."""

_PAIRS_AT_ONCE = 20_000
"""Query-passage pairs that are in memory as tokens: enough for batches of equal length."""
_PASSAGES_AT_ONCE = 4096
_RANK_CONSTANT = 60  # Cormack et al. 2009, "Reciprocal rank fusion outperforms Condorcet"


class CandidatePassage(BaseModel):
    """A passage to rank; without ``text`` it is looked up in the run's collection."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    id: Annotated[str, Field(min_length=1)]
    text: str | None = None


class RankingRequest(requests.Request):
    """A query and the passages to rank, best of the first stage first; without any, the run's collection is searched.

    A candidate may be given as a bare text: its place (from 0) is then its id. Further keys are errors, since a
    misspelt ``candidates`` would search the collection instead.
    """

    model_config = ConfigDict(extra="forbid")

    query: str
    candidates: Annotated[tuple[CandidatePassage, ...], Field(max_length=MOST_CANDIDATES, strict=False)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _bare_texts(cls, value: Any) -> Any:
        given = value.get("candidates") if isinstance(value, dict) else None
        if not isinstance(given, list):
            return value
        named = [{"id": str(place), "text": one} if isinstance(one, str) else one for place, one in enumerate(given)]
        return {**value, "candidates": named}

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        seen: set[str] = set()
        for candidate in self.candidates or ():
            if candidate.id in seen:
                raise ValueError(f"two candidates have the id {candidate.id!r}")
            seen.add(candidate.id)
        return self


class Ranked(BaseModel):
    """A passage and its score; only those of one query can be compared."""

    id: str
    score: float


class RankingAnswer(requests.Answer):
    """The candidates, best first."""

    ranking: tuple[Ranked, ...] = ()


class Ranking(Task):
    """Fine-tunes on `RankingExample`, reranks the candidates of `QueryExample`."""

    name = "ranking"
    title = "Ranking"
    metric = "mrr@10"
    table = 5
    defaults = Hyperparameters(
        learning_rate=1e-3, max_steps=100_000, batch_size=128, max_length=512, optimizer="adafactor", loss="pointwise"
    )
    inference: ClassVar[Mapping[str, Any]] = {"max_length": 512}
    searches = True
    trivial_name = "the first stage alone"
    annotation = "annotation-ranking"
    scored_by = ("ir_measures", "pytrec_eval")
    example_type = QueryExample
    request = RankingRequest
    answer = RankingAnswer
    hub_task = "text-ranking"
    model_class = "AutoModelForSequenceClassification"
    model_inputs = "query, passage"
    limits = "Scores order the passages of one query; they are no probabilities and say nothing across queries."
    score = staticmethod(scoring.score)

    def check(self, examples: Sequence[Example], *, whole: bool) -> None:  # noqa: ARG002
        """See `Task.check`."""
        of(RankingExample, examples)

    def load_new(self, model: str, _: Sequence[Example], hyper: Hyperparameters) -> Encoder:
        """See `Task.load_new`."""
        from crossfare.model import ranking

        path = located(model)
        return ranking.load(path, dropout=hyper.dropout, relevance_tokens=hyper.relevance_tokens, name=model)

    def load_trained(self, model: str, options: PredictOptions) -> Encoder:
        """See `Task.load_trained`."""
        from crossfare.model import ranking

        return ranking.load(located(model), trained=True, relevance_tokens=options.relevance_tokens, name=model)

    def load_ready(self, model: str, _: Sequence[Example], hyper: Hyperparameters) -> Encoder:
        """See `Task.load_ready`."""
        return self.load_trained(model, self.options(relevance_tokens=hyper.relevance_tokens))

    def training(
        self, encoder: Encoder, examples: Sequence[Example], hyper: Hyperparameters, seed: int
    ) -> tuple[list[Feature], Notes]:
        """See `Task.training`."""
        from crossfare.model import ranking

        made = ranking.training_features(
            cast("Reranker", encoder),
            of(RankingExample, examples),
            loss=hyper.loss,
            negatives=hyper.negatives,
            max_length=hyper.max_length,
            seed=seed,
        )
        return made.features, note("have no negatives and were left out", made.without_negatives)

    def loss(self, encoder: Encoder, hyper: Hyperparameters) -> Loss:
        """See `Task.loss`."""
        from crossfare.model import ranking

        return ranking.loss_of(cast("Reranker", encoder), hyper.loss)

    def validate(self, encoder: Encoder, dataset: Dataset, options: PredictOptions) -> float:
        """The mean reciprocal rank of the positive among its negatives."""
        from crossfare.model import ranking

        examples = of(RankingExample, dataset.examples)
        pairs = [(example.query, text) for example in examples for text in (example.positive, *example.negatives)]
        scores = self._scores(encoder, pairs, options, None)[0]
        return ranking.mean_reciprocal_rank(scores, [1 + len(example.negatives) for example in examples])

    def predictions(
        self,
        encoder: Encoder,
        examples: Sequence[Example],
        options: PredictOptions,
        progress: Progress | None,
        **inputs: Any,
    ) -> Made:
        """The ``candidates`` of each query ranked anew; their texts are among the ``passages``."""
        from crossfare.model import ranking

        asked = ranking.candidates(of(QueryExample, examples), inputs["candidates"], depth=options.depth)
        total = sum(len(one.passages) for one in asked)
        predictions: list[Prediction] = []
        done = tokens = 0
        for chunk in ranking.chunks(asked, _PAIRS_AT_ONCE):
            pairs = ranking.pairs(chunk, inputs["passages"])
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
            (values,) = outputs(reranker, features, ("logits",), options, progress)
        return reranker.scores(values), tokens_of(features)

    def trivial(self, dataset: Dataset) -> tuple[tuple[Prediction, ...], ...]:  # noqa: ARG002
        """None is made here: it is what the first stage finds, in its own order."""
        return ()

    def fused(self, found: Sequence[Prediction], example: Example) -> Prediction:
        """Reciprocal rank fusion of the ranked candidates."""
        fused: dict[str, float] = dict.fromkeys(ranked_names(found), 0.0)
        for each in found:
            for rank, (passage, _) in enumerate(each.scores, 1):
                fused[passage] += 1 / (_RANK_CONSTANT + rank)
        scores = ordered(fused)
        return Prediction(example.id, scores[0][0], scores=scores)

    def training_tokens(
        self, examples: Sequence[Example], per_character: float, hyper: Mapping[str, Any]
    ) -> tuple[float, int]:
        """See `Task.training_tokens`."""
        drawn = hyper.get("negatives")
        pairs = [
            (each.query, passage)
            for each in of(RankingExample, examples)
            for passage in (each.positive, *each.negatives[:drawn])
        ]
        features = len(examples) if hyper.get("loss") == "listwise" else len(pairs)
        return joined_tokens(pairs, per_character, int(hyper["max_length"])), features

    def stated(self, number: int, length: int, write: Write, *, passage: int, training: bool) -> Example:
        """A query, to train on with a passage that answers it and one that does not."""
        if not training:
            return QueryExample(str(number), write(number, length), ())
        first = 3 * number
        positive, negative = write(first + 1, passage), write(first + 2, passage)
        return RankingExample(str(number), write(first, length), positive, (negative,))


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
    encoder = biencoder.load(located(model))
    known = biencoder.known_prefixes(model)
    given = (settings.query_prefix, settings.passage_prefix)
    before_query, before_passage = (known[i] if prefix is None else prefix for i, prefix in enumerate(given))

    def embed(texts: Sequence[str], prefix: str) -> NDArray[np.float32]:
        features = biencoder.features(encoder, texts, prefix=prefix, max_length=settings.max_length)
        measured.add(Usage(input_tokens=tokens_of(features)))
        return outputs(encoder, features, ("embedding",), settings, None)[0]

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


def _part_of(progress: Progress | None, before: int, total: int) -> Progress | None:
    """Report the progress of a chunk as that of the whole."""
    return (lambda done, _: progress(before + done, total)) if progress else None


def _chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk
