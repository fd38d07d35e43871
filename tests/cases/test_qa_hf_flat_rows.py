"""Questions as rows of context, question and answers, as the hub has them: the same whatever holds them."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from crossfare import data
from crossfare.errors import DataError
from crossfare.types import Answer, QAExample

CONTEXT = "A Serra da Estrela fica em Portugal. Nela nasce o Mondego, que corre para o mar."
ASKED = (
    ("a", "Onde fica?", "Portugal", 27),
    ("b", "Que rio nasce ali?", "o Mondego", 48),
    ("c", "Para onde?", "o mar", 74),
)
WANTED = tuple(QAExample(i, CONTEXT, q, (Answer(a, start),), "Serra") for i, q, a, start in ASKED)


def rows(start: Any = int, answers: Any = None) -> list[dict[str, Any]]:
    shape = answers or (lambda text, at: {"text": [text], "answer_start": [at]})
    return [
        {"id": i, "title": "Serra", "context": CONTEXT, "question": q, "answers": shape(a, start(at))}
        for i, q, a, at in ASKED
    ]


def as_csv(mark: str = ",") -> str:
    made = io.StringIO()
    writer = csv.writer(made, delimiter=mark)
    writer.writerow(("id", "title", "context", "question", "answer_text", "answer_start"))
    writer.writerows((i, "Serra", CONTEXT, q, a, f"{start}.0") for i, q, a, start in ASKED)
    return made.getvalue()


def as_pandas(answers: str) -> str:
    """What pandas writes of rows with nested answers."""
    made = io.StringIO()
    writer = csv.writer(made)
    writer.writerow(("", "id", "title", "context", "question", "answers"))
    writer.writerows((n, i, "Serra", CONTEXT, q, answers.format(a, at)) for n, (i, q, a, at) in enumerate(ASKED))
    return made.getvalue()


def lines(made: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in made)


FILES = {
    "rows.jsonl": lines(rows()),
    "floats.jsonl": lines(rows(float)),
    "objects.jsonl": lines(rows(answers=lambda text, at: [{"text": text, "answer_start": at}])),
    "bare.jsonl": lines(rows(answers=lambda text, at: {"text": text, "answer_start": at})),
    "flat.json": json.dumps({"version": "1", "data": rows()}),
    "flat-indented.json": json.dumps({"version": "1", "data": rows()}, indent=2),
    "list.json": json.dumps(rows()),
    "list-indented.json": json.dumps(rows(), indent=2),
    "gaps.jsonl": "\n".join(lines([row]) for row in rows()),
    "arrays.csv": as_pandas("{{'text': array(['{}'], dtype=object), 'answer_start': array([{}], dtype=int32)}}"),
    "lists.csv": as_pandas("{{'text': ['{}'], 'answer_start': [{}]}}"),
    "rows.csv": as_csv(),
    "semicolons.csv": as_csv(";"),
}


@pytest.mark.parametrize("task", [None, "qa"])
@pytest.mark.parametrize("name", FILES)
def test_rows_are_questions_whatever_holds_them(name: str, task: str | None, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(FILES[name], encoding="utf-8")
    loaded = data.load(path, task=task, language="pt")
    assert loaded.dataset.examples == WANTED
    assert not loaded.report.repaired
    out = tmp_path / "out.json"
    data.save(loaded.dataset, out, data.same_format(loaded, out))
    assert data.load(out, task=task).dataset.examples == WANTED


def without_start(text: str, _: int) -> str:
    return text


@pytest.mark.parametrize(
    "made",
    [
        rows(answers=without_start),
        rows(answers=lambda text, _: [text]),
        [{**row, "answer": row.pop("answers")} for row in rows(answers=without_start)],
    ],
)
def test_answers_that_are_texts_alone_are_looked_for(made: list[dict[str, Any]], tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(lines(made), encoding="utf-8")
    loaded = data.load(path, language="pt")
    assert loaded.dataset.examples == WANTED
    assert [repair.given for repair in loaded.report.repaired] == [-1, -1, -1]


@pytest.mark.filterwarnings("ignore")
def test_a_file_and_the_hubs_folder_give_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = pytest.importorskip("datasets", reason="the package 'datasets' (extra crossfare[hub]) is not installed")
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "hf"))
    folder = tmp_path / "folder"
    folder.mkdir()
    library.Dataset.from_list(rows()).to_parquet(str(folder / "test-00000.parquet"))
    read = [data.load(folder / "test-00000.parquet"), data.load(f"hub:{folder}", split="test", task="qa")]
    assert [each.dataset.examples for each in read] == [WANTED, WANTED]
    assert [each.report.format for each in read] == ["parquet", "hub"]
    with pytest.raises(DataError, match="holds qa data"):
        data.load(folder / "test-00000.parquet", task="nli")
    (folder / "cut.parquet").write_bytes((folder / "test-00000.parquet").read_bytes()[:-40])
    with pytest.raises(DataError, match="cannot be read as parquet"):
        data.load(folder / "cut.parquet")


@pytest.mark.filterwarnings("ignore")
def test_a_parquet_file_brings_the_names_of_its_classes(tmp_path: Path) -> None:
    library = pytest.importorskip("datasets", reason="the package 'datasets' (extra crossfare[hub]) is not installed")
    names = library.ClassLabel(names=["contradiction", "neutral", "entailment"])
    features = library.Features(
        {"premise": library.Value("string"), "hypothesis": library.Value("string"), "label": names}
    )
    columns = {"premise": ["a b", "c d", "e f"], "hypothesis": ["x", "y", "z"], "label": [0, 2, -1]}
    path = tmp_path / "pairs.parquet"
    library.Dataset.from_dict(columns, features=features).to_parquet(str(path))
    assert [e.label for e in data.load(path).dataset.examples] == ["contradiction", "entailment", None]  # type: ignore[attr-defined]
    order = ["entailment", "neutral", "contradiction"]  # what the user says comes first
    assert [e.label for e in data.load(path, labels=order).dataset.examples] == ["entailment", "contradiction", None]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        (lambda text, at: {"text": [text], "answer_start": [at + 0.5]}, r"answer_start is 27\.5, not a whole number"),
        (lambda text, at: {"text": [text]}, "answers must hold text and answer_start"),
        (lambda text, at: {"text": [text, text], "answer_start": [at]}, "answers must hold text and answer_start"),
        (lambda text, at: [{"text": 7, "answer_start": at}], "an answer is int, not text"),
    ],
)
def test_answers_that_are_none_are_told_with_their_row(answers: Any, message: str, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(lines(rows(answers=answers)), encoding="utf-8")
    with pytest.raises(DataError, match=f"line 1: {message}"):
        data.load(path)


def test_offsets_of_squad_are_numbers_as_tools_write_them(tmp_path: Path) -> None:
    def squad(start: Any, name: Any = 7.0) -> str:
        asked = {"id": name, "question": "Onde fica?", "answers": [{"text": "Portugal", "answer_start": start}]}
        return json.dumps({"data": [{"paragraphs": [{"context": CONTEXT, "qas": [asked]}]}]})

    path = tmp_path / "squad.json"
    path.write_text(squad(27.0), encoding="utf-8")
    (example,) = data.load(path).dataset.examples
    assert example == QAExample("7", CONTEXT, "Onde fica?", (Answer("Portugal", 27),))
    path.write_text(squad(26.5), encoding="utf-8")
    with pytest.raises(DataError, match=r"answer_start must be a whole number, not 26\.5"):
        data.load(path)


def test_impossible_questions_are_left_out_and_listed(tmp_path: Path) -> None:
    made = rows()
    made[1]["answers"] = {"text": [], "answer_start": []}
    made[2]["is_impossible"] = True
    path = tmp_path / "rows.jsonl"
    path.write_text(lines(made), encoding="utf-8")
    loaded = data.load(path)
    assert (loaded.dataset.examples, loaded.report.unanswerable) == (WANTED[:1], ("b", "c"))


@pytest.mark.parametrize(("grade", "wanted"), [("1", 1), ("2.0", 2), ("0", 0)])
def test_grades_of_judgements_are_numbers_as_tools_write_them(grade: str, wanted: int, tmp_path: Path) -> None:
    path = tmp_path / "qrels.tsv"
    path.write_text(f"q1\t0\td1\t{grade}\nq1\t0\td2\t3\n", encoding="utf-8")
    assert data.read_qrels(path) == {"q1": {"d1": wanted, "d2": 3}}
    path.write_text("q1\t0\td1\t0.5\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"the grade '0\.5' is not a whole number"):
        data.read_qrels(path)
