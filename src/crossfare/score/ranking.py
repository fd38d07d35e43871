"""MRR@10, nDCG@10 and recall of passage rankings, computed by trec_eval (through ir-measures).

``mrr@10`` is MS MARCO's: one over the rank of the first relevant passage, 0 if it is not among the first ten. A
passage is relevant from grade ``relevant`` on (TREC Deep Learning 2019 counts grades from 2 on; MS MARCO has only 1).
``ndcg@10`` is trec_eval's: the gain of a passage is its grade, and is discounted by log2(rank + 1). ``recall@k`` is
the share of a query's relevant passages that are among the first k. Passages that nobody judged are not relevant.

Ties. A model that gives all passages one score has ranked nothing, and must not profit from candidates that come
relevant ones first. trec_eval ranks equal scores by passage id, the greater first; MS MARCO's script trusts the order
of the file. Here equal scores stand in an order drawn by a hash of query id and passage id: it is the same on every
machine, and blind both to the order in which passages were given and to what their ids look like. So a constant
scorer gets what drawing lots gets. The order within ``Prediction.scores`` is read for nothing else.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from crossfare.errors import ConfigError, DataError
from crossfare.score import bootstrap
from crossfare.settings import Count, Seed
from crossfare.types import Dataset, Prediction, QueryExample, Score

SHARED = 0.9
"""Share of the judged queries that must have a prediction; with less, the two are taken for not belonging together."""

_SLICE = 0.2
"""Share of a collection's passages from which on, if so many were judged, it is called a judged slice; of MS MARCO's it
is a thousandth."""

_Run = dict[str, dict[str, float]]


def score(
    dataset: Dataset,
    predictions: Sequence[Prediction],
    *,
    relevant: Count = 1,
    recall_at: Sequence[Count] = (100,),
    lost: Collection[str] = (),
    resamples: bootstrap.Resamples = bootstrap.RESAMPLES,
    seed: Seed = 0,
) -> tuple[Score, ...]:
    """MRR@10, nDCG@10 and recall with their 95 % bootstrap intervals over queries.

    A query without a prediction, or with an empty one, scores 0 (the former are counted in the signature as
    ``missing``). A query for which no passage has a grade of 1 or more is left out, as no ranking could answer it
    (``unanswerable``); one that has grades, but none from ``relevant`` on, scores 0 as in trec_eval. Predictions for
    queries that are not in the dataset are left out (``unjudged``). ``lost`` queries are known to have no prediction,
    such as those that an engine did not translate: they are missing as well, however many they are.

    Raises:
        ConfigError: ``relevant`` or a depth of ``recall_at`` is less than 1, or ir-measures is not installed.
        DataError: the dataset has no query with a relevant passage, queries or predictions share an id, a passage is
            ranked twice, a score is not a number, or fewer than 90 % of the queries, without lost ones, have a
            prediction.
    """
    if relevant < 1 or min(recall_at, default=1) < 1:
        raise ConfigError(f"ranking scores: relevant ({relevant}) and recall_at ({list(recall_at)}) must be at least 1")
    queries = _queries(dataset)
    answerable = {name: grades for name, grades in queries.items() if any(grade >= 1 for grade in grades.values())}
    if not answerable:
        raise DataError(f"{dataset.name} has no query with a relevant passage to score")
    run = _run(predictions)
    gone = set(lost)
    _check_shared([name for name in queries if name not in gone], run)
    values = _values(answerable, run, relevant, recall_at)
    settings = {
        "relevant": relevant,
        "ties": "hash",
        "missing": sum(name not in run for name in answerable),
        "unanswerable": len(queries) - len(answerable),
        "unjudged": sum(name not in queries for name in run),
    }
    return tuple(
        bootstrap.mean(metric, values[metric], resamples=resamples, seed=seed, add=math.fsum, **settings)
        for metric in values
    )


def doubts(dataset: Dataset, passages: int, *, relevant: int = 1) -> tuple[str, ...]:
    """What the judgements of a test set make doubtful about its scores, on a collection of so many ``passages``.

    Where there are grades, those who made them say from which one on a passage answers the query. Where many
    passages of a collection were graded, it holds what others found worth judging, and little else.
    """
    judged = [pair for grades in _queries(dataset).values() for pair in grades.items()]
    most = max((grade for _, grade in judged), default=0)
    if most <= 1:
        return ()
    found = []
    if relevant == 1:
        found.append(
            f"the judgements have grades up to {most}, and all from 1 on count as relevant in MRR and recall; TREC "
            "Deep Learning counts from 2 on (scoring: {relevant: 2})"
        )
    known = len({passage for passage, _ in judged})
    if known >= _SLICE * passages:
        found.append(
            f"{known:,} of the collection's {passages:,} passages were judged: scores on a judged slice cannot be "
            "compared with those on a whole collection, where most passages never were"
        )
    return tuple(found)


def ranked(prediction: Prediction) -> tuple[str, ...]:
    """Passage ids of a prediction, best first; equal scores in the order of their hash.

    Raises:
        DataError: a passage is there twice, or a score is not a number.
    """
    counts = Counter(score for _, score in prediction.scores)
    for passage, number in Counter(passage for passage, _ in prediction.scores).items():
        if number > 1:
            raise DataError(f"query {prediction.id!r}: passage {passage!r} is ranked {number} times; keep one")

    def place(scored: tuple[str, float]) -> tuple[float, bytes]:
        passage, value = scored
        if math.isnan(value):
            raise DataError(f"query {prediction.id!r}: the score of passage {passage!r} is not a number")
        return -value, _lot(prediction.id, passage) if counts[value] > 1 else b""

    return tuple(passage for passage, _ in sorted(prediction.scores, key=place))


def _lot(query: str, passage: str) -> bytes:
    return hashlib.blake2b(f"{len(query)}|{query}|{passage}".encode(), digest_size=8).digest()


def _queries(dataset: Dataset) -> dict[str, dict[str, int]]:
    """Judgements by query and passage."""
    queries: dict[str, dict[str, int]] = {}
    for example in dataset.examples:
        if not isinstance(example, QueryExample):
            raise DataError(
                f"example {example.id!r} of {dataset.name} is no query with judgements; it cannot be scored"
            )
        if example.id in queries:
            raise DataError(f"two queries have the id {example.id!r}; ids must be unique to be scored")
        queries[example.id] = {passage: max(0, grade) for passage, grade in example.judgements}
    return queries


def _run(predictions: Sequence[Prediction]) -> dict[str, tuple[str, ...]]:
    run: dict[str, tuple[str, ...]] = {}
    for prediction in predictions:
        if prediction.id in run:
            raise DataError(f"two predictions have the id {prediction.id!r}; keep one")
        run[prediction.id] = ranked(prediction)
    return run


def _check_shared(queries: Collection[str], run: Mapping[str, object]) -> None:
    shared = sum(name in run for name in queries)
    if shared < SHARED * len(queries):
        held = f"like {next(iter(run))!r}" if run else "none at all"
        missing = next(name for name in queries if name not in run)
        raise DataError(
            f"only {shared} of {len(queries)} judged queries have a prediction ({missing!r} has none; "
            f"the {len(run)} predictions have ids {held}): score the run against the judgements it belongs to"
        )


def _values(
    queries: Mapping[str, Mapping[str, int]],
    run: Mapping[str, tuple[str, ...]],
    relevant: int,
    recall_at: Sequence[int],
) -> dict[str, dict[str, float]]:
    """Value by metric and query; trec_eval never sees a tie, and is given no more than each metric reads."""
    measures = _measures()
    at_ten = {"mrr@10": measures.RR(rel=relevant), "ndcg@10": measures.nDCG @ 10}
    deep = {f"recall@{k}": measures.R(rel=relevant) @ k for k in recall_at}
    values: dict[str, dict[str, float]] = {}
    for wanted, depth in ((at_ten, 10), (deep, max(recall_at, default=0))):
        values |= {metric: dict.fromkeys(queries, 0.0) for metric in wanted}
        names = {measure: metric for metric, measure in wanted.items()}
        for found in _trec_eval(measures, wanted, queries, _falling(queries, run, depth)):
            values[names[found.measure]][found.query_id] = found.value
    return values


def _falling(queries: Mapping[str, object], run: Mapping[str, tuple[str, ...]], depth: int) -> _Run:
    """The first ``depth`` passages of each query with the scores n, n - 1, ..., 1."""
    return {
        name: {passage: float(depth - place) for place, passage in enumerate(run[name][:depth])}
        for name in queries
        if run.get(name)
    }


def _trec_eval(measures: Any, wanted: Mapping[str, Any], queries: Mapping[str, Any], run: _Run) -> Iterator[Any]:
    if wanted and run:
        yield from measures.pytrec_eval.iter_calc(list(wanted.values()), queries, run)


def _measures() -> Any:
    try:
        import ir_measures
        import pytrec_eval  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            "ranking scores need the packages ir-measures and pytrec-eval-terrier: pip install 'crossfare[models]'"
        ) from error
    return ir_measures
