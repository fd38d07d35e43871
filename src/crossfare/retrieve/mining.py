"""Hard negatives: passages that a first stage takes for relevant, and that nobody judged so."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice

from crossfare.errors import ConfigError, DataError
from crossfare.types import Prediction, QueryExample, RankingExample

# Random passages are drawn from this many, themselves drawn from the collection: one pass, bounded memory.
_POOL = 10_000


def mine(
    queries: Sequence[QueryExample],
    run: Sequence[Prediction],
    passages: Mapping[str, str],
    *,
    negatives: int,
    depth: int,
    seed: int,
) -> tuple[RankingExample, ...]:
    """Make one training example of every relevant passage (grade 1 or more) of every query.

    Its negatives are drawn at random, without repetition, from the best ``depth`` passages that ``run`` holds for
    the query. A passage is no negative if it is judged relevant, is blank, or reads like a relevant passage or another
    negative of the example (white space and case aside). Where too few are left (or the run found nothing for the
    query), random passages of the collection fill up, under the same conditions.

    The draw depends on ``seed``, the ids of query and positive, and the candidates: neither on the order of queries
    nor on what else is in the set. Examples are named "<query id>|<passage id>". A query without a relevant passage
    makes no example: count these with `without_relevant`.

    Raises:
        ConfigError: ``negatives`` or ``depth`` is less than 1.
        DataError: the run was made for other queries, a judged or found passage is not in ``passages``, or the
            collection has too few passages to draw from.
    """
    if negatives < 1 or depth < 1:
        raise ConfigError(f"mining needs at least 1 negative and depth 1, not {negatives} and {depth}")
    found = _found(queries, run, depth)
    pool = _Pool(passages, seed)
    return tuple(
        RankingExample(f"{query.id}|{positive}", query.query, _text(passages, positive, query.id), drawn)
        for query in queries
        for positive in _relevant(query)
        for drawn in [_negatives(query, positive, found.get(query.id, ()), passages, pool, negatives, seed)]
    )


def without_relevant(queries: Iterable[QueryExample]) -> tuple[str, ...]:
    """Ids of the queries for which no passage is judged relevant: nothing can be learned from them."""
    return tuple(query.id for query in queries if not _relevant(query))


def _relevant(query: QueryExample) -> tuple[str, ...]:
    return tuple(dict.fromkeys(passage for passage, grade in query.judgements if grade >= 1))


def _found(queries: Sequence[QueryExample], run: Sequence[Prediction], depth: int) -> dict[str, tuple[str, ...]]:
    found = {ranking.id: tuple(passage for passage, _ in ranking.scores[:depth]) for ranking in run}
    if queries and not any(query.id in found for query in queries):
        held = f"it holds {run[0].id!r}, for example" if run else "it is empty"
        raise DataError(
            f"the run holds none of the queries ({queries[0].id!r}, ...); {held}: give the run of these queries"
        )
    return found


def _negatives(
    query: QueryExample,
    positive: str,
    found: Sequence[str],
    passages: Mapping[str, str],
    pool: _Pool,
    wanted: int,
    seed: int,
) -> tuple[str, ...]:
    relevant = _relevant(query)
    draw = _order(f"{seed}|{query.id}|{positive}")
    excluded = {_reading(_text(passages, name, query.id)) for name in relevant} | {""}
    candidates = chain(sorted(set(found) - set(relevant), key=draw), pool.shuffled(draw, set(relevant)))
    drawn = tuple(islice(_distinct((_text(passages, name, query.id) for name in candidates), excluded), wanted))
    if len(drawn) < wanted:
        raise DataError(
            f"query {query.id!r}: only {len(drawn)} passages of the collection can be its negatives, not {wanted}; "
            "ask for fewer negatives"
        )
    return drawn


class _Pool:
    """Random passages of the collection, drawn when they are first needed."""

    def __init__(self, passages: Mapping[str, str], seed: int) -> None:
        self._passages = passages
        self._order = _order(f"{seed}")
        self._drawn: list[str] = []

    def shuffled(self, draw: Callable[[str], bytes], excluded: set[str]) -> Iterator[str]:
        if not self._drawn:
            self._drawn = heapq.nsmallest(_POOL, self._passages, key=self._order)
        yield from sorted(set(self._drawn) - excluded, key=draw)


def _order(salt: str) -> Callable[[str], bytes]:
    """A random order of names that any machine and version of Python draws alike."""
    return lambda name: hashlib.blake2b(f"{salt}|{name}".encode(), digest_size=8).digest()


def _distinct(texts: Iterable[str], excluded: set[str]) -> Iterator[str]:
    for text in texts:
        reading = _reading(text)
        if reading not in excluded:
            excluded.add(reading)
            yield text


def _reading(text: str) -> str:
    return " ".join(text.split()).casefold()


def _text(passages: Mapping[str, str], name: str, query_id: str) -> str:
    try:
        return passages[name]
    except KeyError:
        raise DataError(
            f"query {query_id!r}: passage {name!r} is not in the collection; give the one it is from"
        ) from None
