"""Every format of ranking data, from small files written by hand."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from crossfare.data import FORMATS, hub, load, passages
from crossfare.errors import ConfigError, DataError
from crossfare.types import Passage, QueryExample


def asked(ref: Path, **call: Any) -> list[tuple[str, str, dict[str, int]]]:
    examples = load(ref, task="ranking", **call).dataset.examples
    assert all(isinstance(e, QueryExample) for e in examples)
    return [(e.id, e.query, dict(e.judgements)) for e in examples if isinstance(e, QueryExample)]


def held(ref: Path, **call: Any) -> dict[str, str]:
    return {passage.id: passage.text for passage in passages(ref, **call)}


# --- MS MARCO


@pytest.mark.parametrize("name", ["queries.tsv", "queries.tsv.gz"])
def test_ids_and_texts_are_queries_or_passages(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    raw = '\ufeff7\t leading blank\r\n8\t"quoted" \u2028\u0085\n\n'.encode()
    path.write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
    texts = {"7": " leading blank", "8": '"quoted" \u2028\u0085'}
    assert held(path) == texts
    assert asked(path) == [(name, text, {}) for name, text in texts.items()]
    assert load(path).dataset.task == "ranking"


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"7\ta\n8\n", "line 2: 1 columns, not 2 \\(id, text\\)"),
        (b"7\ta\n8\tb\tc\n", "line 2: 3 columns, not 2"),
        (b"7\ta\n\n8\tb\n", "line 2: 1 columns, not 2"),
        (b"7\ta\n\tb\n", "line 2: its id is empty"),
        (b"7\ta\n8\tcaf\xe9\n", "line 2: not UTF-8 \\(byte 0xe9 at offset 9\\)"),
    ],
)
def test_bad_lines_are_named(tmp_path: Path, raw: bytes, message: str) -> None:
    (tmp_path / "collection.tsv").write_bytes(raw)
    with pytest.raises(DataError, match=message):
        held(tmp_path / "collection.tsv")
    (tmp_path / "collection.tsv.gz").write_bytes(gzip.compress(raw))
    with pytest.raises(DataError, match=message):
        held(tmp_path / "collection.tsv.gz")


def test_a_broken_gzip_file_is_named_when_the_stream_gets_there(tmp_path: Path) -> None:
    path = tmp_path / "collection.tsv.gz"
    lines = b"".join(b"%d\t%d\n" % (n, n * 7919 % 104729) for n in range(100_000))
    path.write_bytes(gzip.compress(lines)[:-100])
    stream = passages(path)
    assert next(stream) == Passage("0", "0")
    with pytest.raises(DataError, match="not a complete gzip file"):
        list(stream)


# --- BEIR


def beir(folder: Path, *splits: str, packed: bool = False) -> Path:
    texts = {
        "corpus.jsonl": [
            {"_id": "d1", "title": "T", "text": "x"},
            {"_id": "d2", "title": "", "text": "y"},
            {"_id": 3, "text": "z"},
        ],
        "queries.jsonl": [{"_id": "q1", "text": "one", "metadata": {}}, {"_id": "q2", "text": "two"}],
    }
    for name, records in texts.items():
        raw = "".join(json.dumps(record) + "\n" for record in records).encode()
        (folder / (f"{name}.gz" if packed else name)).write_bytes(gzip.compress(raw) if packed else raw)
    (folder / "qrels").mkdir()
    for number, split in enumerate(splits, 1):
        text = f"query-id\tcorpus-id\tscore\nq{number}\td1\t1\nq{number}\td2\t0\n"
        (folder / "qrels" / f"{split}.tsv").write_text(text)
    return folder


@pytest.mark.parametrize("packed", [False, True])
def test_a_folder_of_beir(tmp_path: Path, packed: bool) -> None:
    folder = beir(tmp_path, "test", packed=packed)
    assert held(folder) == {"d1": "T x", "d2": "y", "3": "z"}
    loaded = load(folder)
    assert asked(folder) == [("q1", "one", {"d1": 1, "d2": 0})]
    assert (loaded.dataset.split, loaded.report.format) == ("test", "beir")
    assert loaded.report.ranking is not None
    assert loaded.report.ranking.irrelevant == ("q2",)


def test_the_split_chooses_the_judgements(tmp_path: Path) -> None:
    folder = beir(tmp_path, "dev", "test")
    assert [name for name, *_ in asked(folder, split="validation")] == ["q1"]
    assert load(folder, split="dev").dataset.split == "dev"
    assert [name for name, *_ in asked(folder, split="test")] == ["q2"]
    assert len(held(folder)) == 3
    with pytest.raises(DataError, match="has judgements of several splits; choose one of validation, test with split="):
        load(folder)
    with pytest.raises(DataError, match="has no judgements of the split 'train'; choose one of validation, test"):
        load(folder, split="train")


def test_the_files_of_beir_on_their_own(tmp_path: Path) -> None:
    folder = beir(tmp_path, "test")
    qrels = folder / "qrels" / "test.tsv"
    assert held(folder / "corpus.jsonl") == held(folder)
    assert asked(folder / "queries.jsonl", qrels=qrels, collection=folder / "corpus.jsonl") == asked(folder)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 2, column 2: broken JSON"),
        ('{"_id": "1"}', "line 2: not a text of BEIR \\(KeyError: 'text'"),
        ('{"_id": "1", "text": null}', "line 2: _id, title and text must be text"),
        ('{"_id": "", "text": "a"}', "line 2: _id, title and text must be text, and the id not empty"),
        ("[1]", "line 2: not a text of BEIR"),
    ],
)
def test_bad_lines_of_beir(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "corpus.jsonl"
    path.write_text('{"_id": "0", "text": "a"}\n' + line + "\n")
    with pytest.raises(DataError, match=message):
        held(path)


# --- Cranfield

QUERIES = ".I 001\n.W\nwhat laws\nhold .\n.I 004\n.W\nheat\n"
DOCUMENTS = ".I 1\n.T\ntitle .\n.A\nname\n.B\nj.\n.W\ntitle .\n  text\n.I 2\n.T\n.A\n.B\n.W\n.I 3\n.W\na\n.W\nb\n"
QRELS = "1 1 1 \n1 2 4 \n2 3 -1 \n2 1 2 \n"


def cranfield(folder: Path) -> Path:
    for name, text in (("cran.all.1400", DOCUMENTS), ("cran.qry", QUERIES), ("cranqrel", QRELS)):
        (folder / name).write_text(text)
    return folder


def test_cranfield_numbers_by_position_and_its_codes_are_turned_round(tmp_path: Path) -> None:
    folder = cranfield(tmp_path)
    assert asked(folder) == [("1", "what laws hold .", {"1": 4, "2": 1}), ("2", "heat", {"3": 0, "1": 3})]
    assert held(folder) == {"1": "title . text", "2": "", "3": "a b"}
    beside = {"qrels": folder / "cranqrel", "collection": folder / "cran.all.1400"}
    assert asked(folder / "cran.qry", **beside) == asked(folder)
    assert held(folder / "cran.all.1400") == held(folder)


def test_bad_files_of_cranfield(tmp_path: Path) -> None:
    folder = cranfield(tmp_path)
    (folder / "cranqrel").write_text("1 1 1 \n1 2 6 \n")
    with pytest.raises(DataError, match="cranqrel, line 2: the code 6 is not one of Cranfield's"):
        load(folder)
    (folder / "cran.qry").write_text("what\n.I 1\n.W\nx\n")
    with pytest.raises(DataError, match=r"cran\.qry, line 1: 'what' stands before any '\.I'"):
        load(folder)


# --- Quati

HEADER = "doccano_id\tquery\tpassage\tpassage_id\tlabel\tscore\n"


def annotations(*scores: int) -> str:
    queries = ('"the ""first"""', "second", "second")
    rows = (f"{n}\t{q}\ttext {n}\tp{n}\tlabel\t{s}\n" for n, (q, s) in enumerate(zip(queries, scores, strict=True)))
    return HEADER + "".join(rows)


def test_the_median_of_the_annotators_is_the_grade(tmp_path: Path) -> None:
    inside = tmp_path / "human_annotations"
    inside.mkdir()
    for number, scores in enumerate([(0, 3, 2), (3, 3, 0), (1, 0, 1)]):
        (inside / f"annotator_{number}.tsv").write_text(annotations(*scores))
    expected = [("1", 'the "first"', {"p0": 1}), ("2", "second", {"p1": 3, "p2": 1})]
    assert asked(tmp_path) == asked(inside) == expected
    assert held(inside) == {"p0": "text 0", "p1": "text 1", "p2": "text 2"}
    assert asked(inside / "annotator_1.tsv") == [("1", 'the "first"', {"p0": 3}), ("2", "second", {"p1": 3, "p2": 0})]
    (inside / "annotator_2.tsv").unlink()
    assert [judged for *_, judged in asked(inside)] == [{"p1": 3, "p2": 0}]  # the lower of two; p0 has 0 of (0, 3)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("9\tq\tx\tp9\tlabel\tgood\n", "line 5: the score 'good' is not a whole number"),
        ("9\tq\tx\tp9\tlabel\n", "line 5: 5 columns where the header has 6"),
        ('9\tq\t"x"y\tp9\tlabel\t1\n', "line 5: broken quotation marks"),
    ],
)
def test_bad_annotations(tmp_path: Path, row: str, message: str) -> None:
    path = tmp_path / "a.tsv"
    path.write_text(annotations(0, 1, 2) + row)
    with pytest.raises(DataError, match=message):
        load(path)


# --- SQuAD


def squad(*paragraphs: tuple[str, list[dict[str, Any]]]) -> str:
    listed = [{"context": context, "qas": questions} for context, questions in paragraphs]
    return json.dumps({"data": [{"paragraphs": listed}]})


def question(name: str, text: str = "?", answered: bool = True) -> dict[str, Any]:
    answers = [{"text": "nowhere to be found", "answer_start": 0}] if answered else []
    return {"id": name, "question": text, "answers": answers}


def test_a_question_is_answered_by_its_paragraph(tmp_path: Path) -> None:
    path = tmp_path / "d.json"
    path.write_text(
        squad(
            ("one", [question("a", "first")]),
            ("two", []),
            ("one", [question("a", "second"), question("b", answered=False)]),
            ("three", [question("c", "third")]),
        )
    )
    assert held(path) == {"p1": "one", "p2": "two", "p4": "three"}
    assert asked(path) == [("a", "first", {"p1": 1}), ("a#2", "second", {"p1": 1}), ("c", "third", {"p4": 1})]
    report = load(path, task="ranking").report
    assert (report.read, report.renamed) == (4, (("a", "a#2"),))
    assert report.ranking is not None
    assert report.ranking.irrelevant == ("b",)


def test_without_a_task_squad_is_question_answering(tmp_path: Path) -> None:
    path = tmp_path / "d.json"
    path.write_text(squad(("nowhere to be found", [question("a")])))
    assert load(path).dataset.task == load(path, format="squad").dataset.task == "qa"
    assert load(path, task="ranking", format="squad").dataset.task == "ranking"


def test_parallel_files_have_parallel_paragraphs(tmp_path: Path) -> None:
    for name, contexts in (("en", ("same", "same", "c")), ("de", ("a", "b", "c"))):
        texts = [(context, [question(f"q{n}")]) for n, context in enumerate(contexts)]
        (tmp_path / f"{name}.json").write_text(squad(*texts))
    across = asked(tmp_path / "de.json", collection=tmp_path / "en.json")
    assert across == [("q0", "?", {"p1": 1}), ("q2", "?", {"p3": 1})]  # p2 is p1 in English


# --- what is what


def test_every_format_has_a_description() -> None:
    names = {row.name for row in FORMATS if row.task in {None, "ranking"} and not row.binary}
    assert names == {*("crossfare", "beir", "squad", "cranfield", "quati", "msmarco"), *("triples", "triple-ids")}
    assert all(row.description for row in FORMATS)


def test_a_format_can_be_named(tmp_path: Path) -> None:
    path = tmp_path / "odd.tsv"
    path.write_text(".I 1\tx\n")
    assert held(path, format="msmarco") == {".I 1": "x"}
    assert load(path, format="msmarco").dataset.task == "ranking"
    with pytest.raises(ConfigError, match="format 'csv' is not known for ranking; choose one of crossfare, beir"):
        passages(path, format="csv")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 0 7 1\n", "not recognised as ranking data, its first line is '1 0 7 1'; .* judgements are given as qrels="),
        ("query-id\tcorpus-id\tscore\n1\t2\t1\n", "not recognised as ranking data"),
    ],
)
def test_judgements_are_no_texts(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "qrels.txt"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        load(path, task="ranking")
    with pytest.raises(DataError, match=message):
        passages(path)


def test_a_folder_of_something_else(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is a folder in no known format"):
        passages(tmp_path)


# --- the hub


class Table(list[dict[str, Any]]):
    @property
    def column_names(self) -> list[str]:
        return list(self[0])


def test_beir_on_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tables = {
        "corpus": Table([{"_id": "d1", "title": "T", "text": "x"}, {"_id": "d2", "title": "", "text": "y"}]),
        "queries": Table([{"_id": "q1", "title": None, "text": "one"}]),
        "test": Table([{"a": 1}]),
    }
    monkeypatch.setattr(hub, "_table", lambda ref, wanted, split: tables[split])
    qrels = tmp_path / "qrels.tsv"
    qrels.write_text("query-id\tcorpus-id\tscore\nq1\td1\t1\nq1\td9\t1\n")
    assert list(passages("hub:BeIR/x/corpus")) == [Passage("d1", "T x"), Passage("d2", "y")]
    call: dict[str, Any] = {"task": "ranking", "split": "test", "qrels": qrels, "collection": "hub:BeIR/x/corpus"}
    loaded = load("hub:BeIR/x/queries", **call)
    assert loaded.dataset.examples == (QueryExample("q1", "one", (("d1", 1),)),)
    assert (loaded.dataset.split, loaded.report.format) == ("test", "hub")
    with pytest.raises(DataError, match=r"its columns \(a\) are not an id"):
        list(passages("hub:BeIR/x", split="test"))
