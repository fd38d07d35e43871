"""Where ranking data lies: a file or a folder in a published format, and which of its parts it holds.

Every part (queries, judgements, passages) is read as a stream when it is asked for. Texts are given as they stand,
except that

* BEIR's title and text are joined by a blank, as its own code does;
* Cranfield's lines are joined by a blank, since they are layout;
* a cell of Quati that stands in quotation marks is read as CSV has it.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from statistics import median_low
from typing import Any, NamedTuple

from crossfare.data import artifact, collection, qa
from crossfare.data.files import json_keys, read_text, stream_lines
from crossfare.data.loaded import Text, UniqueIds
from crossfare.data.qrels import Judgement, stream_qrels
from crossfare.errors import ConfigError, DataError
from crossfare.strict import parse_json
from crossfare.types import Passage, QueryExample


@dataclass(frozen=True, slots=True)
class Source:
    """What a reference holds; a part that is None is not there.

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
    own_qrels: Callable[[Path, str], Iterator[Judgement]] = stream_qrels
    split: str | None = None
    either: bool = False
    renamed: Callable[[], tuple[tuple[str, str], ...]] = tuple


@dataclass(frozen=True, slots=True)
class RankingFormat:
    """A format of ranking data.

    ``file``    whether a file is in it, by its first line of content
    ``folder``  whether a folder is
    ``open``    (path, name for messages, split or None) to what it holds
    """

    name: str
    description: str
    file: Callable[[str], bool]
    folder: Callable[[Path], bool]
    open: Callable[[Path, str, str | None], Source]


def open_source(path: Path, where: str, *, split: str | None = None, format: str | None = None) -> Source:
    """Find out what a file or folder holds, without reading it further than its first line.

    Raises:
        DataError: it is missing, or no format recognises it.
        ConfigError: ``format`` is not one of `RANKING_FORMATS`.
    """
    return _format(path, where, format).open(path, where, split)


def recognise(path: Path) -> str | None:
    """Name the format a file or folder seems to be in, None if there is none that fits."""
    if path.is_dir():
        return next((row.name for row in RANKING_FORMATS if row.folder(path)), None)
    line = first_line(path)
    return next((row.name for row in RANKING_FORMATS if row.file(line)), None)


def first_line(path: Path) -> str:
    """The first line with content.

    Raises:
        DataError: the file is missing or empty.
    """
    return next(line for _, line in stream_lines(path) if line.strip())


def _format(path: Path, where: str, name: str | None) -> RankingFormat:
    found = name or recognise(path)
    for row in RANKING_FORMATS:
        if row.name == found:
            return row
    known = ", ".join(row.name for row in RANKING_FORMATS)
    if name:
        raise ConfigError(f"format {name!r} is not known for ranking; choose one of {known}")
    if path.is_dir():
        raise DataError(
            f"{where}: is a folder in no known format (BEIR has corpus.jsonl and queries.jsonl, Cranfield cran.qry, a "
            f"collection {collection.HEADER}); name a file in it"
        )
    raise DataError(
        f"{where}: not recognised as ranking data, its first line is {first_line(path)[:60]!r}; queries and passages "
        f"are id<TAB>text, judgements are given as qrels=; or name the format (one of {known})"
    )


# --- MS MARCO and mMARCO


def _open_tsv(path: Path, where: str, _: str | None) -> Source:
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


def texts(name: str, where: str, read: Callable[[], Iterator[Text]]) -> Source:
    """The source of ids and texts, which may be queries or passages."""
    return Source(where, name, read, partial(_as_passages, read), either=True)


def _as_passages(read: Callable[[], Iterator[Text]]) -> Iterator[Passage]:
    return (Passage(text.id, text.text) for text in read())


# --- BEIR


def _is_beir(first: str) -> bool:
    return "_id" in json_keys(first)


def _open_beir(path: Path, where: str, split: str | None) -> Source:
    if not path.is_dir():
        return texts("beir", where, partial(_jsonl, path, where))
    queries, corpus = _inside(path, "queries.jsonl"), _inside(path, "corpus.jsonl")
    by_split = _beir_qrels(path)
    wanted = _BEIR_SPLITS.get(split or "", split)
    if wanted is None and len(by_split) == 1:
        wanted = next(iter(by_split))
    return Source(
        where,
        "beir",
        partial(_jsonl, queries, str(queries)),
        partial(_as_passages, partial(_jsonl, corpus, str(corpus))),
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


def _inside(folder: Path, name: str) -> Path:
    packed = folder / f"{name}.gz"
    return packed if packed.is_file() and not (folder / name).exists() else folder / name


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


# --- Cranfield


def _open_cranfield(path: Path, where: str, _: str | None) -> Source:
    if not path.is_dir():
        return Source(
            where,
            "cranfield",
            partial(_cranfield_queries, path, where),
            partial(_cranfield_passages, path, where),
            own_qrels=_cranfield_qrels,
            either=True,
        )
    queries, passages, qrels = (_inside(path, name) for name in ("cran.qry", "cran.all.1400", "cranqrel"))
    return Source(
        where,
        "cranfield",
        partial(_cranfield_queries, queries, str(queries)),
        partial(_cranfield_passages, passages, str(passages)),
        partial(_cranfield_qrels, qrels, str(qrels)),
        own_qrels=_cranfield_qrels,
    )


def _cranfield_queries(path: Path, where: str) -> Iterator[Text]:
    """The judgements number queries by their position, not by what ``.I`` says."""
    for position, text in enumerate(_smart(path, where), 1):
        yield text._replace(id=str(position))


def _cranfield_passages(path: Path, where: str) -> Iterator[Passage]:
    return (Passage(text.id, text.text) for text in _smart(path, where))


def _cranfield_qrels(path: Path, where: str) -> Iterator[Judgement]:
    """Turn Cleverdon's codes round: 1, "a complete answer", becomes grade 4, and 4, "of minimum interest", 1.

    Code 5, "of no interest", does not occur. Each query has one passage with -1, which the codes do not define: the
    paper its question was made from, to go by the texts (most rank among the first ten for it). As in other tools these
    are judged and not relevant (grade 0).
    """
    for judgement in stream_qrels(path, where):
        if judgement.grade not in {-1, 1, 2, 3, 4, 5}:
            raise DataError(
                f"{where}, {judgement.place}: the code {judgement.grade} is not one of Cranfield's (-1, 1 to 5); "
                "correct it, or convert the queries to id<TAB>text to use other judgements"
            )
        yield judgement._replace(grade=5 - judgement.grade if judgement.grade > 0 else 0)


_FIELD = re.compile(r"\.([A-Z])\s*")
_RECORD = re.compile(r"\.I\s+(\S+)\s*")


def _smart(path: Path, where: str) -> Iterator[Text]:
    """SMART's records: ``.I`` and an id, then fields; the text is that of ``.W``, which repeats the title."""
    name, place, field, lines = "", "", "", list[str]()
    for number, line in stream_lines(path):
        record, marker = _RECORD.fullmatch(line), _FIELD.fullmatch(line)
        if record:
            if name:
                yield Text(name, " ".join(lines), place)
            name, place, field, lines = record[1], f"line {number}", "", []
        elif not name and line.strip():
            raise DataError(f"{where}, line {number}: {line[:40]!r} stands before any '.I'; every text begins with one")
        elif marker:
            field = marker[1]
        elif field == "W" and line.strip():
            lines.append(line.strip())
    yield Text(name, " ".join(lines), place)


# --- Quati

_QUATI = ("query", "passage", "passage_id", "score")


def _is_quati(first: str) -> bool:
    return set(_QUATI) <= set(first.split("\t"))


def _quati_files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.glob("*.tsv*")) if path.is_file() and _is_quati(first_line(path))]


def _quati_folder(folder: Path) -> Path:
    """The folder of the annotators' files, which may be the one given."""
    inside = folder / "human_annotations"
    return inside if inside.is_dir() else folder


def _open_quati(path: Path, where: str, _: str | None) -> Source:
    files = _quati_files(_quati_folder(path)) if path.is_dir() else [path]
    rows = cache(lambda: _quati_rows(files))
    return Source(
        where,
        "quati",
        lambda: _quati_queries(rows()),
        lambda: _quati_passages(rows()),
        lambda: _quati_judgements(rows()),
    )


class _Annotation(NamedTuple):
    query: str
    passage: Passage
    score: int
    place: str


def _quati_rows(files: list[Path]) -> tuple[_Annotation, ...]:
    return tuple(row for path in files for row in _quati_file(path))


def _quati_file(path: Path) -> Iterator[_Annotation]:
    rows = csv.reader((line for _, line in stream_lines(path)), delimiter="\t", strict=True)
    try:
        header = next(rows)
        for cells in rows:
            place = f"{path}, line {rows.line_num}"
            if len(cells) != len(header):
                raise DataError(f"{place}: {len(cells)} columns where the header has {len(header)}; correct it")
            record = dict(zip(header, cells, strict=True))
            if not record["score"].lstrip("-").isdigit():
                raise DataError(f"{place}: the score {record['score'][:20]!r} is not a whole number; correct it")
            passage = Passage(record["passage_id"], record["passage"])
            yield _Annotation(record["query"], passage, int(record["score"]), place)
    except csv.Error as error:
        raise DataError(f"{path}, line {rows.line_num}: broken quotation marks ({error}); correct them") from error


def _quati_queries(rows: tuple[_Annotation, ...]) -> Iterator[Text]:
    """Queries have no ids there: they are numbered from 1 in the order of their first row."""
    first = {row.query: row.place for row in reversed(rows)}
    for number, query in enumerate(dict.fromkeys(row.query for row in rows), 1):
        yield Text(str(number), query, first[query])


def _quati_passages(rows: tuple[_Annotation, ...]) -> Iterator[Passage]:
    """Every passage once; a passage that has another text elsewhere is given again, for its readers to refuse."""
    return iter(dict.fromkeys(row.passage for row in rows))


def _quati_judgements(rows: tuple[_Annotation, ...]) -> Iterator[Judgement]:
    """One grade from several annotators: the median, the lower of the two in the middle where their number is even.

    Of three annotators the median is what two agree on, and the grade between where they do not.
    """
    numbers = {text.text: text.id for text in _quati_queries(rows)}
    scores: dict[tuple[str, str], list[int]] = {}
    for row in rows:
        scores.setdefault((numbers[row.query], row.passage.id), []).append(row.score)
    for (query, passage), given in scores.items():
        yield Judgement(query, passage, median_low(given), f"passage {passage}")


# --- SQuAD: from a question to its paragraph


def _open_squad(path: Path, where: str, _: str | None) -> Source:
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


def _open_own(path: Path, where: str, _: str | None) -> Source:
    folder = path.is_dir()
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


def _has(*names: str) -> Callable[[Path], bool]:
    return lambda folder: all(_inside(folder, name).is_file() for name in names)


def _is_own_folder(folder: Path) -> bool:
    return collection.is_collection(folder) or (folder / artifact.FILE_NAME).is_file()


def _never(_: Any) -> bool:
    return False


RANKING_FORMATS: tuple[RankingFormat, ...] = (
    RankingFormat(
        "crossfare",
        "crossfare's own: queries with judgements as JSON lines, a collection as a folder",
        lambda first: first.startswith('{"crossfare":'),
        _is_own_folder,
        _open_own,
    ),
    RankingFormat(
        "beir",
        "BEIR: corpus.jsonl, queries.jsonl and qrels/SPLIT.tsv in a folder, or one of the first two",
        _is_beir,
        _has("corpus.jsonl", "queries.jsonl"),
        _open_beir,
    ),
    RankingFormat(
        "squad",
        "a file in SQuAD's format as retrieval: its distinct paragraphs are the collection, one is relevant",
        lambda first: first.startswith(("{", "[")),
        _never,
        _open_squad,
    ),
    RankingFormat(
        "cranfield",
        "Cranfield in SMART's format: cran.all.1400, cran.qry and cranqrel in a folder, or one of the first two",
        lambda first: _RECORD.fullmatch(first) is not None,
        _has("cran.qry"),
        _open_cranfield,
    ),
    RankingFormat(
        "quati",
        "Quati's annotations: a TSV with query, passage, passage_id and score, or a folder with one per annotator",
        _is_quati,
        lambda folder: bool(_quati_files(_quati_folder(folder))),
        _open_quati,
    ),
    RankingFormat(
        "msmarco",
        "MS MARCO and mMARCO: id<TAB>text, queries or a collection",
        lambda first: first.count("\t") == 1,
        _never,
        _open_tsv,
    ),
)
