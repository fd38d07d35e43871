"""Ranking data put together: queries with what was judged for them, triples with their texts.

A collection of any size is only ever streamed, or asked for single passages: what stays in memory are the queries and
their judgements, and those triples that were chosen.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from crossfare.data import hub, recognition, world
from crossfare.data.collection import Collection, is_collection
from crossfare.data.files import check_unicode
from crossfare.data.loaded import Loaded, LoadReport, RankingReport
from crossfare.data.repair import encoding_repair
from crossfare.data.sources import Source, Text, Triple, texts
from crossfare.data.trec import Judged, gather
from crossfare.errors import ConfigError, DataError
from crossfare.types import Dataset, Passage, QueryExample, RankingExample

Held = Mapping[str, str] | Callable[[], Iterator[Passage]]
"""A collection: a mapping to look ids up in, or what begins a stream of its passages."""


@dataclass(frozen=True, slots=True)
class Beside:
    """What is read beside the reference itself (see `load`)."""

    qrels: str | Path | None = None
    collection: str | Path | Mapping[str, str] | None = None
    queries: str | Path | None = None
    fix_encoding: bool = False

    @property
    def given(self) -> tuple[str, ...]:
        """The names of those that are given."""
        files = {"qrels": self.qrels, "collection": self.collection, "queries": self.queries}
        flags = ("fix_encoding",) if self.fix_encoding else ()
        return (*(name for name, value in files.items() if value is not None), *flags)


def passages(
    ref: str | Path, *, language: str | None = None, split: str | None = None, format: str | None = None
) -> Iterator[Passage]:
    """Stream the passages of a collection as they stand; a collection of any size needs no memory.

    Ids are checked where a collection is written (`collection.write`), not here.

    Args:
        ref: a path: id<TAB>text (MS MARCO), BEIR's corpus.jsonl, a file in SQuAD's format, of which the distinct
            paragraphs are taken, or one of Cranfield or Quati, each also .gz; a folder (a collection, BEIR,
            Cranfield, Quati); ``world:ranking``, which needs ``language`` and ``split``; or ``hub:OWNER/NAME[/CONFIG]``
            with BEIR's columns, which needs ``split``.
        language: language of the embedded data.
        split: split of the embedded data or on the hub.
        format: a name from `formats.FORMATS`, where recognition by content fails.

    Raises:
        DataError: the data is missing or malformed (some of it only when the stream gets there), or has no passages.
        ConfigError: an argument is wrong.
    """
    kind, _, rest = str(ref).partition(":")
    if kind == "world":
        language, split = world.checked(rest, language, split)
        if rest != "ranking":
            raise ConfigError(f"{ref!r} has no collection of passages; it is 'world:ranking' that has one")
        return iter(world.collection(language, split))
    source = open_source(ref, split=split, format=format)
    if source.passages is None:
        held = "triples" if source.triples else "queries"
        raise DataError(f"{ref}: holds {held} but no passages; name the collection that belongs to them")
    return source.passages()


def open_source(ref: str | Path, *, split: str | None = None, format: str | None = None) -> Source:
    """What a reference to ranking data holds."""
    where, path = str(ref), Path(ref)
    if where.startswith("hub:"):
        return texts("hub", where, partial(hub.load_texts, where.removeprefix("hub:"), split=split))
    row = recognition.choose(path, where, task="ranking", format=format)
    assert row.open is not None  # of ranking data
    return row.open(path, where, split)


def load_source(
    source: Source, beside: Beside, *, language: str | None, split: str | None, skip: int, limit: int | None, seed: int
) -> Loaded:
    """Load queries or triples. For arguments see `load`."""
    if skip and source.triples:
        raise ConfigError(f"{source.where}: skip is not for triples; use limit and seed")
    if source.triples and not source.of_ids:
        return _triples_of_texts(*_choose(source.triples(), limit, seed), fix_encoding=beside.fix_encoding)
    with _held(beside.collection, language, split) as held:
        if not source.triples:
            return _queries_with_judgements(source, beside, held)
        if beside.queries is None or held is None:
            raise ConfigError(
                f"{source.where}: triples of ids need queries= and collection= to find their texts; judgements are "
                "given as qrels= beside a file of queries"
            )
        asked = open_source(beside.queries, split=split)
        return _triples_of_ids(source.where, *_choose(source.triples(), limit, seed), asked, held)


@contextmanager
def _held(
    collection: str | Path | Mapping[str, str] | None, language: str | None, split: str | None
) -> Iterator[Held | None]:
    if collection is None or isinstance(collection, Mapping):
        yield collection
    elif is_collection(Path(collection)):
        with Collection.open(collection) as opened:
            yield opened
    else:
        ref = collection
        yield lambda: passages(ref, language=language, split=split)


@dataclass(slots=True)
class _Queries:
    """Queries by id, in the order of their file; ``read`` counts all that were given."""

    texts: dict[str, str] = field(default_factory=dict)
    read: int = 0
    repeated: list[str] = field(default_factory=list)
    mended: list[str] = field(default_factory=list)

    def report(self) -> RankingReport:
        """What there is to say of queries alone."""
        wordless = tuple(name for name, text in self.texts.items() if not any(map(str.isalnum, text)))
        return RankingReport(repeated=tuple(self.repeated), wordless=wordless, mended=tuple(self.mended))


def _queries_with_judgements(source: Source, beside: Beside, held: Held | None) -> Loaded:
    """Queries, with the judgements named beside them or else their own; without ``held`` the source's collection."""
    if source.queries is None:
        raise DataError(f"{source.where}: holds no queries; name a file of queries, and this one as the collection")
    queries = _gather_queries(source.queries(), source.where, encoding_repair() if beside.fix_encoding else None)
    qrels = Path(beside.qrels) if beside.qrels else None
    judgements = source.own_qrels(qrels, str(qrels)) if qrels else source.judgements() if source.judgements else None
    if judgements is None:
        examples, report = tuple(QueryExample(name, text, ()) for name, text in queries.texts.items()), queries.report()
    else:
        where = str(qrels or source.where)
        held = held if held is not None or source.either else source.passages
        examples, report = _join(queries, gather(judgements, where), held, where)
    dataset = Dataset("", "ranking", source.split or "", "", examples)
    return Loaded(dataset, LoadReport(read=queries.read, renamed=source.renamed(), ranking=report))


def _gather_queries(texts: Iterable[Text], where: str, repair: Callable[[str], str] | None = None) -> _Queries:
    """Collect queries by id; the same one again counts as repeated."""
    queries = _Queries()
    for name, given, place in texts:
        queries.read += 1
        check_unicode(given, f"{where}, {place}")
        text = repair(given) if repair else given
        if name not in queries.texts:
            queries.texts[name] = text
            if text != given:
                queries.mended.append(name)
        elif queries.texts[name] == text:
            queries.repeated.append(name)
        else:
            raise DataError(f"{where}, {place}: the query id {name!r} was given before with another text; keep one")
    return queries


def _join(
    queries: _Queries, judged: Judged, held: Held | None, where: str
) -> tuple[tuple[QueryExample, ...], RankingReport]:
    """Give queries their judgements; drop what the collection lacks, then queries without a relevant passage."""
    unknown_queries = tuple(name for name in judged.grades if name not in queries.texts)
    if len(unknown_queries) == len(judged.grades):
        raise DataError(
            f"{where}: judges none of the {len(queries.texts):,} queries, but others ({', '.join(unknown_queries[:3])} "
            "...); check that queries and judgements belong together"
        )
    wanted = {passage for name in queries.texts for passage in judged.grades.get(name, ())}
    there = wanted if held is None else {passage.id for passage in _find(held, wanted)}
    examples, unknown = [], []
    for name, text in queries.texts.items():
        grades = judged.grades.get(name, {})
        unknown += [(name, passage) for passage in grades if passage not in there]
        kept = tuple((passage, grade) for passage, grade in grades.items() if passage in there)
        if any(grade > 0 for _, grade in kept):
            examples.append(QueryExample(name, text, kept))
    if not examples:
        raise DataError(
            f"{where}: no query has a relevant passage left ({len(unknown):,} judgements are of passages that the "
            "collection does not have); check that queries, judgements and collection belong together"
        )
    chosen = {example.id for example in examples}
    report = replace(
        queries.report(),
        judgements=sum(len(example.judgements) for example in examples),
        unknown_passages=tuple(unknown),
        unknown_queries=unknown_queries,
        irrelevant=tuple(name for name in queries.texts if name not in chosen),
        repeated_judgements=tuple(judged.repeated),
    )
    return tuple(examples), report


def _find(held: Held, wanted: AbstractSet[str]) -> Iterator[Passage]:
    """Yield those of the ``wanted`` passages that a collection has, reading no further than the last one."""
    if isinstance(held, Mapping):
        yield from (Passage(name, held[name]) for name in sorted(wanted) if name in held)
        return
    missing = set(wanted)
    for passage in held() if missing else ():
        if passage.id in missing:
            missing.remove(passage.id)
            yield passage
            if not missing:
                return


# --- triples


def _triples_of_texts(read: int, triples: list[Triple], *, fix_encoding: bool) -> Loaded:
    """An example a line, with the line's number as its id."""
    given = [RankingExample(str(t.number), t.query, t.positive, (t.negative,)) for t in triples]
    if not fix_encoding:
        return _loaded(read, given)
    repair = encoding_repair()
    made = [RankingExample(e.id, repair(e.query), repair(e.positive), tuple(map(repair, e.negatives))) for e in given]
    return _loaded(read, made, mended=tuple(new.id for new, old in zip(made, given, strict=True) if new != old))


def _triples_of_ids(where: str, read: int, triples: list[Triple], queries: Source, passages: Held) -> Loaded:
    """Those with an unknown query or passage are dropped and listed."""
    if queries.queries is None:
        raise DataError(f"{queries.where}: holds no queries; name a file of queries")
    asked = _gather_queries(queries.queries(), queries.where).texts
    found = _find(passages, {name for triple in triples for name in (triple.positive, triple.negative)})
    held = {passage.id: passage.text for passage in found}
    examples: list[RankingExample] = []
    unknown: dict[tuple[str, str], None] = {}
    for triple in triples:
        missing = [name for name in (triple.positive, triple.negative) if name not in held]
        unknown.update(((triple.query, name), None) for name in missing)
        if triple.query in asked and not missing:
            positive, negative = held[triple.positive], held[triple.negative]
            examples.append(RankingExample(str(triple.number), asked[triple.query], positive, (negative,)))
    if not examples:
        raise DataError(
            f"{where}: no triple has ids that are in {queries.where} and in the collection; check that they belong "
            "together"
        )
    strangers = dict.fromkeys(triple.query for triple in triples if triple.query not in asked)
    return _loaded(read, examples, unknown_passages=tuple(unknown), unknown_queries=tuple(strangers))


def _choose(triples: Iterator[Triple], limit: int | None, seed: int) -> tuple[int, list[Triple]]:
    """How many triples were read, and up to ``limit`` of them in file order, which alone are held in memory.

    With seed 0 nothing behind the first so many lines is read, otherwise a sample is drawn (algorithm R).
    """
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


def _loaded(read: int, examples: list[RankingExample], **report: Any) -> Loaded:
    told = RankingReport(
        empty=tuple(e.id for e in examples if not all(text.strip() for text in (e.positive, *e.negatives))),
        wordless=tuple(e.id for e in examples if not any(map(str.isalnum, e.query))),
        **report,
    )
    return Loaded(Dataset("", "ranking", "", "", tuple(examples)), LoadReport(read=read, ranking=told))
