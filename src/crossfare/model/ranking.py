"""Rerankers: a query and a passage to a score, for encoders (cross-encoder) and for T5 (monoT5) alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import islice
from random import Random
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from crossfare.errors import ConfigError, DataError
from crossfare.model import encoder as encoders
from crossfare.model.encoder import Feature
from crossfare.model.rerankers import CrossEncoder, Reranker
from crossfare.pretrained.loading import load_config
from crossfare.types import Prediction, QueryExample, RankingExample

LossKind = Literal["pointwise", "listwise"]


def load(
    path: str,
    *,
    dropout: float | None = None,
    trained: bool = False,
    relevance_tokens: tuple[str, str] | None = None,
    name: str = "",
) -> Reranker:
    """Load a monoT5 where the checkpoint is an encoder-decoder, and otherwise a cross-encoder.

    ``trained`` demands a fine-tuned model; ``name`` (the reference it was found by) and ``relevance_tokens`` are for
    `monot5.load`.

    Raises:
        ConfigError: see `encoder.load` and `monot5.load`; or a fine-tuned encoder has more outputs than one.
    """
    if _is_encoder_decoder(path):
        from crossfare.model import monot5

        return monot5.load(path, dropout=dropout, trained=trained, relevance_tokens=relevance_tokens, name=name)

    def one_output(config: Any) -> None:
        if trained and config.num_labels != 1:
            raise ConfigError(
                f"{path} has {config.num_labels} outputs, but a cross-encoder has one: it is not fine-tuned for ranking"
            )
        config.num_labels = 1

    encoder = encoders.load(
        path, "AutoModelForSequenceClassification", dropout=dropout, trained=trained, configure=one_output
    )
    return CrossEncoder(**{field.name: getattr(encoder, field.name) for field in fields(encoder)})


def _is_encoder_decoder(path: str) -> bool:
    return bool(load_config(path).is_encoder_decoder)


@dataclass(frozen=True, slots=True)
class Training:
    """Features to fine-tune on, and the ids of examples that could not be used."""

    features: list[Feature]
    without_negatives: tuple[str, ...]


def training_features(
    reranker: Reranker,
    examples: Sequence[RankingExample],
    *,
    loss: LossKind,
    negatives: int | None = None,
    max_length: int = 512,
    seed: int = 0,
) -> Training:
    """Encode examples: each pair is a feature with the pointwise loss, all pairs of a query with the listwise one.

    Of each example's negatives ``negatives`` are drawn by the seed (None: all). With the listwise loss an example
    without negatives teaches nothing and is left out.
    """
    used = [example for example in examples if example.negatives or loss == "pointwise"]
    rng = Random(seed)
    chosen = [_draw(example.negatives, negatives, rng) for example in used]
    passages = [(example.positive, *others) for example, others in zip(used, chosen, strict=True)]
    pairs = [(example.query, text) for example, texts in zip(used, passages, strict=True) for text in texts]
    rows = iter(reranker.features(pairs, max_length))
    groups = [list(islice(rows, len(texts))) for texts in passages]
    if loss == "listwise":
        features = [_group(group) for group in groups]
    else:
        features = [{**pair, "labels": int(k == 0)} for group in groups for k, pair in enumerate(group)]
    kept = {example.id for example in used}
    return Training(features, tuple(example.id for example in examples if example.id not in kept))


def loss_of(reranker: Reranker, kind: LossKind) -> Callable[[Any, Any], Any]:
    """The mean loss of a batch, from the model's outputs and the labels that `Reranker.collate` gives."""
    return reranker.listwise if kind == "listwise" else reranker.pointwise


def _draw(negatives: tuple[str, ...], count: int | None, rng: Random) -> tuple[str, ...]:
    return negatives if count is None or count >= len(negatives) else tuple(rng.sample(negatives, count))


def _group(pairs: Sequence[Feature]) -> Feature:
    joined = {name: np.concatenate([pair[name] for pair in pairs]) for name in pairs[0]}
    return {**joined, "sizes": np.array([len(pair["input_ids"]) for pair in pairs], dtype=np.int32)}


@dataclass(frozen=True, slots=True)
class Candidates:
    """The passages, by id, that a query's reranking reads."""

    id: str
    query: str
    passages: tuple[str, ...]


def candidates(
    examples: Sequence[QueryExample], run: Sequence[Prediction], *, depth: int | None = None
) -> list[Candidates]:
    """Take the ``depth`` best candidates of each query from a first-stage run; none for a query that is not in it.

    Raises:
        DataError: the run ranks a query or a passage twice, or has not one of the queries.
    """
    ranked: dict[str, tuple[str, ...]] = {}
    for prediction in run:
        passages = tuple(passage for passage, _ in prediction.scores[:depth])
        if prediction.id in ranked:
            raise DataError(f"the candidates have query {prediction.id!r} twice; give each query one ranking")
        if len(set(passages)) < len(passages):
            twice = next(passage for passage in passages if passages.count(passage) > 1)
            raise DataError(f"the candidates of query {prediction.id!r} have passage {twice!r} twice")
        ranked[prediction.id] = passages
    if examples and not any(example.id in ranked for example in examples):
        raise DataError(
            f"the candidates have none of the queries ({examples[0].id!r} ...): they were retrieved for other ones"
        )
    return [Candidates(example.id, example.query, ranked.get(example.id, ())) for example in examples]


def chunks(asked: Sequence[Candidates], limit: int) -> Iterator[list[Candidates]]:
    """Split into chunks of at most ``limit`` pairs, of whole queries (a longer one is a chunk of its own)."""
    chunk: list[Candidates] = []
    size = 0
    for one in asked:
        if chunk and size + len(one.passages) > limit:
            yield chunk
            chunk, size = [], 0
        chunk.append(one)
        size += len(one.passages)
    if chunk:
        yield chunk


def pairs(asked: Sequence[Candidates], passages: Mapping[str, str]) -> list[tuple[str, str]]:
    """Each query with the texts of its candidates.

    Raises:
        DataError: a candidate is not among the passages.
    """
    return [(one.query, _text(passages, name, one)) for one in asked for name in one.passages]


def _text(passages: Mapping[str, str], name: str, asked: Candidates) -> str:
    try:
        return passages[name]
    except KeyError:
        raise DataError(
            f"passage {name!r}, a candidate of query {asked.id!r}, is not in the collection: "
            "the candidates were retrieved from another one"
        ) from None


def decode(asked: Sequence[Candidates], scores: NDArray[np.float32]) -> tuple[Prediction, ...]:
    """Order each query's candidates by score, best first; equal scores keep the order of the first stage."""
    predictions = []
    at = 0
    for one in asked:
        own = scores[at : at + len(one.passages)]
        order = np.argsort(-own, kind="stable")
        ranked = tuple((one.passages[i], float(own[i])) for i in order)
        predictions.append(Prediction(one.id, ranked[0][0] if ranked else "", scores=ranked))
        at += len(one.passages)
    return tuple(predictions)


def mean_reciprocal_rank(scores: NDArray[np.float32], sizes: Sequence[int]) -> float:
    """Mean reciprocal rank of the first of each group of ``sizes`` scores; an equal score counts as ranked above it."""
    groups = np.split(scores, np.cumsum(sizes)[:-1])
    return float(np.mean([1 / (group >= group[0]).sum() for group in groups]))
