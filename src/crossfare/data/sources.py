"""Where ranking data lies, and which parts a file or folder holds; the formats of MS MARCO, BEIR and crossfare itself.

Every part (queries, judgements, passages) is read as a stream when it is asked for. Texts are given as they stand,
except that

* BEIR's title and text are joined by a blank, as its own code does;
* Cranfield's lines are joined by a blank, since they are layout;
* a cell of Quati that stands in quotation marks is read as CSV has it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

from crossfare.data import artifact, collection, qa
from crossfare.data.files import inside, is_folder, read_text, stream_lines, tsv_line, write_text
from crossfare.data.loaded import UniqueIds
from crossfare.data.trec import Judgement, stream_qrels
from crossfare.errors import DataError
from crossfare.strict import parse_json
from crossfare.types import Dataset, Passage, QueryExample


class Text(NamedTuple):
    """A query or a passage as a file gives it; ``place`` ("line 7") is for messages."""

    id: str
    text: str
    place: str


@dataclass(frozen=True, slots=True)
class Triple:
    """A line of a file of triples: texts, or ids."""

    number: int
    query: str
    positive: str
    negative: str


@dataclass(frozen=True, slots=True)
class Source:
    """What a reference holds; a part that is None is not there.

    ``triples``    the lines of a file of triples, which holds nothing else; ``of_ids`` says what they are
    ``split``      the split the judgements are of, where the files say
    ``own_qrels``  reads a qrels file of this format, whose grades mean something else than TREC's
    ``either``     whether it is a file of ids and texts, which may be queries or passages: only the caller knows
    ``renamed``    (id in the file, id given) of queries whose id was taken, known once they were read
    """

    where: str
    format: str
    queries: Callable[[], Iterator[Text]] | None = None
    passages: Callable[[], Iterator[Passage]] | None = None
    judgements: Callable[[], Iterator[Judgement]] | None = None
    triples: Callable[[], Iterator[Triple]] | None = None
    of_ids: bool = False
    own_qrels: Callable[[Path, str], Iterator[Judgement]] = stream_qrels
    split: str | None = None
    either: bool = False
    renamed: Callable[[], tuple[tuple[str, str], ...]] = tuple


def texts(name: str, where: str, read: Callable[[], Iterator[Text]]) -> Source:
    """The source of ids and texts, which may be queries or passages."""
    return Source(where, name, read, partial(as_passages, read), either=True)


def as_passages(read: Callable[[], Iterator[Text]]) -> Iterator[Passage]:
    """The texts as passages."""
    return (Passage(text.id, text.text) for text in read())


# --- MS MARCO and mMARCO


def open_msmarco(path: Path, where: str, _: str | None) -> Source:
    """Open a file of id<TAB>text."""
    return texts("msmarco", where, partial(_tsv, path, where))


def _tsv(path: Path, where: str) -> Iterator[Text]:
    for number, line in stream_lines(path):
        cells = line.split("\t")
        if len(cells) != 2 or not cells[0]:
            what = "its id is empty" if len(cells) == 2 else f"{len(cells)} columns, not 2 (id, text)"
            raise DataError(
                f"{where}, line {number}: {what}; columns are separated by one tab, and a text may not hold one"
            )
        yield Text(cells[0], cells[1], f"line {number}")


def write_queries(dataset: Dataset, path: str | Path) -> None:
    """Write queries as MS MARCO does (id<TAB>text), atomically, without their judgements (see `write_qrels`).

    Raises:
        DataError: an example is no query, or a text holds a tab or line end.
    """
    write_text(Path(path), render_msmarco(dataset))


def render_msmarco(dataset: Dataset) -> str:
    """Lay queries out as MS MARCO does (id<TAB>text), without their judgements (see `write_qrels`)."""
    lines = []
    for example in dataset.examples:
        if not isinstance(example, QueryExample):
            raise DataError(f"example {example.id!r} is no query; save it as .jsonl")
        lines.append(tsv_line(example.id, example.id, example.query))
    return "".join(lines)


# --- BEIR


def open_beir(path: Path, where: str, split: str | None) -> Source:
    """Open a folder, whose judgements are of one split, or a file of queries or passages."""
    if not is_folder(path):
        return texts("beir", where, partial(_jsonl, path, where))
    queries, corpus = inside(path, "queries.jsonl"), inside(path, "corpus.jsonl")
    by_split = _beir_qrels(path)
    wanted = _BEIR_SPLITS.get(split or "", split)
    if wanted is None and len(by_split) == 1:
        wanted = next(iter(by_split))
    return Source(
        where,
        "beir",
        partial(_jsonl, queries, str(queries)),
        partial(as_passages, partial(_jsonl, corpus, str(corpus))),
        partial(_beir_judgements, by_split, where, wanted) if by_split else None,
        split=wanted,
    )


_BEIR_SPLITS = {"dev": "validation"}


def _beir_qrels(folder: Path) -> dict[str, Path]:
    """The files of judgements by split."""
    files = {path.name.partition(".")[0]: path for path in sorted((folder / "qrels").glob("*.tsv*"))}
    return {_BEIR_SPLITS.get(name, name): path for name, path in files.items()}


def _beir_judgements(by_split: dict[str, Path], where: str, split: str | None) -> Iterator[Judgement]:
    if split not in by_split:
        asked = f"has no judgements of the split {split!r}" if split else "has judgements of several splits"
        raise DataError(f"{where}: {asked}; choose one of {', '.join(by_split)} with split=")
    return stream_qrels(by_split[split], str(by_split[split]))


def _jsonl(path: Path, where: str) -> Iterator[Text]:
    for number, line in stream_lines(path):
        place = f"line {number}"
        try:
            record = parse_json(line, f"{where}, {place}")
            given, title, text = record["_id"], record.get("title") or "", record["text"]
        except (KeyError, TypeError, AttributeError) as error:
            raise DataError(
                f"{where}, {place}: not a text of BEIR ({type(error).__name__}: {error}); every line is an object "
                'with "_id", "text" and perhaps "title"'
            ) from error
        if not isinstance(text, str) or not isinstance(title, str) or not isinstance(given, str | int) or given == "":
            raise DataError(f"{where}, {place}: _id, title and text must be text, and the id not empty; correct it")
        yield Text(str(given), f"{title} {text}" if title else text, place)


# --- SQuAD: from a question to its paragraph


def open_squad(path: Path, where: str, _: str | None) -> Source:
    """Open a file of questions as retrieval: the paragraph of a question is relevant to it."""
    ids = UniqueIds()
    paragraphs = cache(lambda: tuple(qa.read_paragraphs(read_text(path), where, set())))
    questions = cache(lambda: tuple(_squad_questions(paragraphs(), ids)))
    return Source(
        where,
        "squad",
        lambda: (Text(name, question.question, f"question {name}") for name, question, _ in questions()),
        lambda: (Passage(name, text) for text, name in _squad_ids(paragraphs()).items()),
        lambda: (Judgement(n, p, 1, f"question {n}") for n, question, p in questions() if question.answers),
        renamed=lambda: tuple(ids.renamed),
    )


def _squad_ids(paragraphs: tuple[qa.RawParagraph, ...]) -> dict[str, str]:
    """Paragraph to id: its number in the file (the first of equal ones), so that parallel files have parallel ids."""
    ids: dict[str, str] = {}
    for number, paragraph in enumerate(paragraphs, 1):
        ids.setdefault(paragraph.context, f"p{number}")
    return ids


def _squad_questions(
    paragraphs: tuple[qa.RawParagraph, ...], ids: UniqueIds
) -> Iterator[tuple[str, qa.RawQuestion, str]]:
    """(id, question, id of its paragraph); a question whose paragraph does not answer it (SQuAD 2.0) has no answers."""
    names = _squad_ids(paragraphs)
    for paragraph in paragraphs:
        for question in paragraph.questions:
            yield ids.take(question.id), question, names[paragraph.context]


# --- crossfare's own files


def open_own(path: Path, where: str, _: str | None) -> Source:
    """Open an artifact of queries, a collection, or a folder of both."""
    folder = is_folder(path)
    passages = partial(_collection_passages, path) if folder and collection.is_collection(path) else None
    if folder and not (path / artifact.FILE_NAME).is_file():
        return Source(where, "crossfare", passages=passages)
    examples = cache(lambda: _artifact_queries(path, where))
    return Source(
        where,
        "crossfare",
        lambda: (Text(e.id, e.query, f"example {e.id}") for e in examples()),
        passages,
        lambda: (Judgement(e.id, p, grade, f"example {e.id}") for e in examples() for p, grade in e.judgements),
    )


def _collection_passages(folder: Path) -> Iterator[Passage]:
    with collection.Collection.open(folder) as opened:
        yield from opened.passages()


def _artifact_queries(path: Path, where: str) -> tuple[QueryExample, ...]:
    dataset = artifact.read(path)
    queries = tuple(example for example in dataset.examples if isinstance(example, QueryExample))
    if len(queries) != len(dataset):
        raise DataError(
            f"{where}: holds {dataset.task} examples, not queries; give judgements and collection to queries"
        )
    return queries
