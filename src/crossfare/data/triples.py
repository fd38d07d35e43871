"""Triples of a query, a passage that answers it and one that does not: what rerankers are fine-tuned on.

The files of MS MARCO hold 40 million of them and more, so that they are only ever streamed: what stays in memory are
those that were chosen.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from crossfare.data.encoding import encoding_repair
from crossfare.data.files import stream_lines, writing
from crossfare.data.loaded import Parsed, RankingReport
from crossfare.data.qrels import HEADERS
from crossfare.data.queries import Held, find, gather_queries, tsv_line
from crossfare.data.sources import Source, first_line
from crossfare.errors import ConfigError, DataError
from crossfare.types import Dataset, RankingExample

TEXTS, IDS = "triples", "triple-ids"
DESCRIPTIONS = {
    TEXTS: "MS MARCO and mMARCO triples: query, positive and negative passage, tab-separated",
    IDS: "the same as ids, which a file of queries and a collection resolve",
}
"""The formats of triples, by name."""


@dataclass(frozen=True, slots=True)
class Triple:
    """A line of a file of triples: texts, or ids."""

    number: int
    query: str
    positive: str
    negative: str


def detect(path: Path) -> str | None:
    """Whether a file holds triples: of texts, of ids (no column of the first line has a blank), or not at all.

    Raises:
        DataError: the file is missing or empty.
    """
    cells = first_line(path).split("\t")
    if len(cells) != 3 or cells[0].lower() in HEADERS:
        return None
    return TEXTS if any(len(cell.split()) > 1 for cell in cells) else IDS


def load_texts(
    path: Path, where: str, *, limit: int | None = None, seed: int = 0, fix_encoding: bool = False
) -> Parsed:
    """Load triples of texts: an example a line, with the line's number as its id.

    With a ``limit`` and seed 0 nothing behind the first so many lines is read, otherwise the sample is drawn while
    reading on; the file is never in memory.

    Raises:
        DataError: the file is missing or malformed (with its line).
    """
    read, triples = _choose(stream(path, where), limit, seed)
    repair = encoding_repair() if fix_encoding else None
    examples, mended = [], []
    for triple in triples:
        example = RankingExample(str(triple.number), triple.query, triple.positive, (triple.negative,))
        if repair:
            given = example
            negatives = tuple(map(repair, given.negatives))
            example = RankingExample(given.id, repair(given.query), repair(given.positive), negatives)
            mended += [given.id] if example != given else []
        examples.append(example)
    return Parsed("ranking", tuple(examples), read, ranking=replace(_report(examples), mended=tuple(mended)))


def load_ids(
    path: Path, where: str, queries: Source, passages: Held, *, limit: int | None = None, seed: int = 0
) -> Parsed:
    """Load triples of ids, as `load_texts`; those with an unknown query or passage are dropped and listed.

    Raises:
        DataError: a file is missing or malformed, ``queries`` has none, or no triple could be resolved.
    """
    if queries.queries is None:
        raise DataError(f"{queries.where}: holds no queries; name a file of queries")
    read, triples = _choose(stream(path, where), limit, seed)
    asked = gather_queries(queries.queries(), queries.where).texts
    found = find(passages, {name for triple in triples for name in (triple.positive, triple.negative)})
    texts = {passage.id: passage.text for passage in found}
    examples: list[RankingExample] = []
    unknown: dict[tuple[str, str], None] = {}
    for triple in triples:
        missing = [name for name in (triple.positive, triple.negative) if name not in texts]
        unknown.update(((triple.query, name), None) for name in missing)
        if triple.query in asked and not missing:
            positive, negative = texts[triple.positive], texts[triple.negative]
            examples.append(RankingExample(str(triple.number), asked[triple.query], positive, (negative,)))
    if not examples:
        raise DataError(
            f"{where}: no triple has ids that are in {queries.where} and in the collection; check that they belong "
            "together"
        )
    strangers = dict.fromkeys(triple.query for triple in triples if triple.query not in asked)
    report = replace(_report(examples), unknown_passages=tuple(unknown), unknown_queries=tuple(strangers))
    return Parsed("ranking", tuple(examples), read, ranking=report)


def stream(path: Path, where: str) -> Iterator[Triple]:
    """Yield the lines as they stand.

    Raises:
        DataError: the file is missing or malformed (with its line).
    """
    for number, line in stream_lines(path):
        cells = line.split("\t")
        if len(cells) != 3:
            raise DataError(
                f"{where}, line {number}: {len(cells)} columns, not 3 (query, positive, negative); columns are "
                "separated by one tab, and a text may not hold one"
            )
        yield Triple(number, *cells)


def _choose(triples: Iterator[Triple], limit: int | None, seed: int) -> tuple[int, list[Triple]]:
    """Choose up to ``limit`` triples in file order; also how many were read for that (algorithm R for a sample)."""
    if limit is None or (seed == 0 and limit > 0):
        chosen = list(islice(triples, limit))
        return len(chosen), chosen
    if limit < 1:
        raise ConfigError(f"limit={limit} selects nothing; give a number above 0, or leave it out")
    rng, chosen = random.Random(seed), list(islice(triples, limit))
    read = len(chosen)
    for read, triple in enumerate(triples, limit + 1):
        place = rng.randrange(read)
        if place < limit:
            chosen[place] = triple
    return read, sorted(chosen, key=lambda triple: triple.number)


def _report(examples: list[RankingExample]) -> RankingReport:
    return RankingReport(
        empty=tuple(e.id for e in examples if not all(text.strip() for text in (e.positive, *e.negatives))),
        wordless=tuple(e.id for e in examples if not any(map(str.isalnum, e.query))),
    )


def write(dataset: Dataset, path: str | Path) -> None:
    """Write triples as MS MARCO does, atomically.

    Raises:
        DataError: an example is no triple with one negative passage, its id is not the number of its line, which
            would be lost, or a text holds a tab or line end.
    """
    with writing(Path(path)) as write:
        for number, example in enumerate(dataset.examples, 1):
            if not isinstance(example, RankingExample) or len(example.negatives) != 1 or example.id != str(number):
                raise DataError(
                    f"example {example.id!r}: a file of triples holds a query, a positive and one negative passage, "
                    "and line numbers for ids; save as .jsonl"
                )
            write(tsv_line(example.id, example.query, example.positive, *example.negatives))
