"""Queries put together with what was judged for them.

A collection is only ever streamed, or asked for single passages: what stays in memory are the queries and their
judgements.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from pathlib import Path

from crossfare.data.encoding import encoding_repair
from crossfare.data.files import writing
from crossfare.data.loaded import Parsed, RankingReport, Text
from crossfare.data.qrels import Judged, gather
from crossfare.data.sources import Source
from crossfare.errors import DataError
from crossfare.types import Dataset, Passage, QueryExample

Held = Mapping[str, str] | Callable[[], Iterator[Passage]]
"""A collection: a mapping to look ids up in, or what begins a stream of its passages."""


@dataclass(slots=True)
class Queries:
    """Queries by id, in the order of their file; ``read`` counts all that were given."""

    texts: dict[str, str] = field(default_factory=dict)
    read: int = 0
    repeated: list[str] = field(default_factory=list)
    mended: list[str] = field(default_factory=list)

    def report(self) -> RankingReport:
        """What there is to say of queries alone."""
        wordless = tuple(name for name, text in self.texts.items() if not any(map(str.isalnum, text)))
        return RankingReport(repeated=tuple(self.repeated), wordless=wordless, mended=tuple(self.mended))


def load_queries(
    source: Source, *, qrels: Path | None = None, passages: Held | None = None, fix_encoding: bool = False
) -> Parsed:
    """Load queries with their judgements, if there are any.

    Args:
        source: where the queries are, and their judgements if ``qrels`` names no others.
        qrels: a file of judgements.
        passages: the collection; judgements of passages that it does not have are dropped. Without it the
            source's own is taken, if it has one.
        fix_encoding: repair mojibake in queries.

    Raises:
        DataError: there are no queries, a file is malformed, an id comes twice with different contents, or no
            query has a relevant passage.
    """
    if source.queries is None:
        raise DataError(f"{source.where}: holds no queries; name a file of queries, and this one as the collection")
    queries = gather_queries(source.queries(), source.where, encoding_repair() if fix_encoding else None)
    judgements = source.own_qrels(qrels, str(qrels)) if qrels else source.judgements() if source.judgements else None
    if judgements is None:
        examples, report = tuple(QueryExample(name, text, ()) for name, text in queries.texts.items()), queries.report()
    else:
        where = str(qrels or source.where)
        held = passages if passages is not None or source.either else source.passages
        examples, report = _join(queries, gather(judgements, where), held, where)
    return Parsed("ranking", examples, queries.read, renamed=source.renamed(), split=source.split, ranking=report)


def gather_queries(texts: Iterable[Text], where: str, repair: Callable[[str], str] | None = None) -> Queries:
    """Collect queries by id; the same one again counts as repeated.

    Raises:
        DataError: an id comes twice with different texts, or a text is not valid Unicode.
    """
    queries = Queries()
    for name, given, place in texts:
        queries.read += 1
        _check_unicode(given, where, place)
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
    queries: Queries, judged: Judged, held: Held | None, where: str
) -> tuple[tuple[QueryExample, ...], RankingReport]:
    """Give queries their judgements; drop what the collection lacks, then queries without a relevant passage."""
    unknown_queries = tuple(name for name in judged.grades if name not in queries.texts)
    if len(unknown_queries) == len(judged.grades):
        raise DataError(
            f"{where}: judges none of the {len(queries.texts):,} queries, but others ({', '.join(unknown_queries[:3])} "
            "...); check that queries and judgements belong together"
        )
    wanted = {passage for name in queries.texts for passage in judged.grades.get(name, ())}
    there = wanted if held is None else {passage.id for passage in find(held, wanted)}
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


def find(held: Held, wanted: AbstractSet[str]) -> Iterator[Passage]:
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


def write_queries(dataset: Dataset, path: str | Path) -> None:
    """Write queries as MS MARCO does (id<TAB>text), atomically, without their judgements (see `write_qrels`).

    Raises:
        DataError: an example is no query, or a text holds a tab or line end.
    """
    with writing(Path(path)) as write:
        for example in dataset.examples:
            if not isinstance(example, QueryExample):
                raise DataError(f"example {example.id!r} is no query; save it as .jsonl")
            write(tsv_line(example.id, example.id, example.query))


def tsv_line(name: str, *cells: str) -> str:
    """Lay cells out as a line.

    Raises:
        DataError: a cell holds a tab or line end; ``name`` is the example it belongs to.
    """
    for cell in cells:
        if any(mark in cell for mark in "\t\n\r"):
            raise DataError(
                f"example {name!r}: {cell[:40]!r} holds a tab or line end, which a tab-separated file cannot hold; "
                "save as .jsonl"
            )
    return "\t".join(cells) + "\n"


def _check_unicode(text: str, where: str, place: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise DataError(
            f"{where}, {place}: lone surrogate {text[error.start]!a} at offset {error.start} of {text[:40]!a}, which "
            "is not valid Unicode; correct the text"
        ) from error
