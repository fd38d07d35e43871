"""What a file's columns and labels mean: known words in any case, or as the user says; numbers never by a guess."""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from crossfare import cli, data
from crossfare.errors import CrossfareError, DataError

ORDER = ["entailment", "neutral", "contradiction"]
ROWS = (
    ("Ein Hund bellt.", "Ein Tier ist laut.", 0),
    ("Es regnet.", "Es ist Montag.", 1),
    ("Sie ging.", "Sie blieb.", 2),
)
PAIRS = (("Er aß.", "Er war satt.", -1), *ROWS)
MEANT = [None, *ORDER]


def jsonl(labels: list[Any], keys: tuple[str, ...] = ("premise", "hypothesis", "label")) -> str:
    rows = ((p, h, label) for (p, h, _), label in zip(PAIRS, labels, strict=True))
    return "".join(json.dumps(dict(zip(keys, row, strict=True)), ensure_ascii=False) + "\n" for row in rows)


def delimited(labels: list[Any], mark: str, header: str | None = "premise hypothesis label") -> str:
    rows = (f"{p}{mark}{h}{mark}{label}" for (p, h, _), label in zip(PAIRS, labels, strict=True))
    return "".join(f"{line}\n" for line in ((header.replace(" ", mark), *rows) if header else rows))


def labels_of(path: Path, **said: Any) -> list[str | None]:
    loaded = data.load(path, language="de", **said).dataset
    assert [(e.premise, e.hypothesis) for e in loaded.examples] == [(p, h) for p, h, _ in PAIRS]  # type: ignore[attr-defined]
    return [e.label for e in loaded.examples]  # type: ignore[attr-defined]


NUMBERS = {
    "a.jsonl": jsonl([-1, 0, 1, 2]),
    "floats.jsonl": jsonl([-1.0, 0.0, 1.0, 2.0]),
    "texts.jsonl": jsonl(["-1", "0", "1", "2"]),
    "a.tsv": delimited([-1, 0, 1, 2], "\t"),
    "pandas.tsv": delimited(["", "0.0", "1.0", "2.0"], "\t"),
    "a.csv": delimited([-1, 0, 1, 2], ","),
    "a.json": json.dumps([json.loads(line) for line in jsonl([-1, 0, 1, 2]).splitlines()], indent=1),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_mean_what_the_user_says_and_nothing_before(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(NUMBERS[name], encoding="utf-8")
    with pytest.raises(DataError, match=r"unknown label '-?\d(\.0)?'; .* say it with labels"):
        data.load(path, task="nli")
    assert labels_of(path, task="nli", labels=ORDER) == MEANT
    one_by_one = {"0": "Entail", "1": "NEUTRAL", "2": "contradictory", "-1": None}
    assert labels_of(path, task="nli", labels=one_by_one) == MEANT
    other_order = labels_of(path, task="nli", labels=["contradiction", "entailment", "neutral"])
    assert other_order == [None, "contradiction", "entailment", "neutral"]


WORDS = {
    "upper.csv": delimited(["-", "ENTAILMENT", "NEUTRAL", "CONTRADICTION"], ","),
    "verbs.csv": delimited(["", "entail", "neutral", "contradictory"], ";"),
    "bars.csv": delimited(["-1", "Entails", "Neutral", "Contradicts"], "|"),
    "plain.tsv": delimited(["-", "entailment", "neutral", "contradiction"], "\t"),
    "mnli.tsv": delimited(["-", "Entailment", "NEUTRAL", "contradictory"], "\t", "sentence1 sentence2 gold_label"),
    "sick.tsv": delimited(
        ["-1", "entailment", "neutral", "contradiction"], "\t", "sentence_A sentence_B entailment_judgment"
    ),
    "mt.tsv": delimited(["-", "entail", "neutral", "contradiction"], "\t", "premise hypo label"),
    "headerless.tsv": delimited(["-", "Entailment", "neutral", "contradictory"], "\t", None),
    "headerless.csv": delimited(["-", "entailment", "neutral", "contradiction"], ",", None),
    "texts.csv": delimited(["", "entailment", "neutral", "contradiction"], ",", "text_a text_b label"),
    "anli.jsonl": jsonl([None, "e", "n", "c"], ("context", "hypothesis", "label")),
}


@pytest.mark.parametrize("name", WORDS)
def test_words_are_one_vocabulary_for_all_layouts(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(WORDS[name], encoding="utf-8")
    assert labels_of(path) == MEANT


def test_columns_and_separators_are_said(tmp_path: Path) -> None:
    path = tmp_path / "own.txt"
    path.write_text(delimited(["-", *ORDER], "~", "frase1 frase2 juizo"), encoding="utf-8")
    said = {"separator": "~", "columns": {"premise": "frase1", "hypothesis": "Frase2", "label": "juizo"}}
    assert labels_of(path, **said) == MEANT
    path.write_text(delimited(["-", *ORDER], "~", None), encoding="utf-8")
    by_number = {"premise": 1, "hypothesis": 2, "label": 3}
    assert labels_of(path, separator="~", columns=by_number) == MEANT
    with pytest.raises(DataError, match="by this columns"):
        data.load(path, columns=by_number)
    path.write_text(delimited(["-", *ORDER], "\t", "a b juizo"), encoding="utf-8")
    swapped = data.load(path, columns={"premise": "b", "hypothesis": "a", "label": "juizo"}).dataset.examples[1]
    assert (swapped.premise, swapped.hypothesis) == ("Ein Tier ist laut.", "Ein Hund bellt.")  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"labels": ["entailment", "entailment"]}, "names one twice"),
        ({"labels": {"x": "maybe"}}, "'maybe' is none of entailment"),
        ({"labels": 3}, "is neither a mapping"),
        ({"columns": {"premises": "a"}}, "'premises' is no part of an example; name one of"),
        ({"columns": {"premise": ""}}, "premise needs the name of a column"),
        ({"columns": {"premise": "nowhere"}}, "is no row of examples by this columns"),
        ({"separator": "||"}, "is not one character"),
    ],
)
def test_what_is_said_and_means_nothing_is_one_line(said: dict[str, Any], message: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(delimited(["-", *ORDER], ","), encoding="utf-8")
    with pytest.raises(CrossfareError, match=message) as caught:
        data.load(path, **said)
    assert "\n" not in str(caught.value)


def test_other_words_and_halves_are_no_labels(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(jsonl(["-", "entailment", "talvez", "neutral"]), encoding="utf-8")
    with pytest.raises(DataError, match="line 3: unknown label 'talvez'"):
        data.load(path)
    assert labels_of(path, labels={"talvez": "neutral"})[2] == "neutral"
    path.write_text(jsonl([0, 1, 0.5, 1]), encoding="utf-8")
    with pytest.raises(DataError, match=r"line 3: unknown label '0\.5'"):
        data.load(path, labels=ORDER)


def test_labels_of_texts_are_free_but_for_numbers_as_tools_write_them(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text,label\nBom filme,1.0\nMau filme,0\nAssim assim,-1\n", encoding="utf-8")

    def labels(**said: Any) -> list[str | None]:
        return [e.label for e in data.load(path, **said).dataset.examples]  # type: ignore[attr-defined]

    assert labels() == ["1", "0", "-1"]
    assert labels(labels=["neg", "pos"]) == ["pos", "neg", None]
    with pytest.raises(DataError, match="line 3: unknown label '0'; labels names 1"):
        labels(labels={"1": "pos"})
    path.write_text("text,label\nBom filme,0.5\nMau filme,0\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"line 2: the label '0\.5' is a number with a fraction"):
        labels()


@pytest.mark.parametrize("packed", ["gzip", "zstd", "gzip without its suffix"])
def test_packed_files_are_read_and_written(packed: str, tmp_path: Path) -> None:
    text = delimited(["-", *ORDER], ",")
    path = tmp_path / {"gzip": "a.csv.gz", "zstd": "a.csv.zst"}.get(packed, "a.csv")
    if packed == "zstd":
        pyarrow = pytest.importorskip("pyarrow", reason="the package 'pyarrow' (extra crossfare[hub]) is not installed")
        with path.open("wb") as file, pyarrow.CompressedOutputStream(file, "zstd") as stream:
            stream.write(text.encode())
    else:
        path.write_bytes(gzip.compress(text.encode()))
    loaded = data.load(path)
    assert [e.label for e in loaded.dataset.examples] == MEANT  # type: ignore[attr-defined]
    out = tmp_path / f"out{''.join(path.suffixes)}"
    data.save(loaded.dataset, out, loaded.report.format)
    assert data.load(out).dataset.examples == loaded.dataset.examples
    if packed != "gzip without its suffix":
        assert out.read_bytes()[:2] == path.read_bytes()[:2]
        out.write_bytes(out.read_bytes()[:-9])
        with pytest.raises(DataError, match=f"not a complete {packed} file"):
            data.load(out)


def test_the_command_line_says_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def call(*arguments: str) -> None:
        monkeypatch.setattr(sys, "argv", ["crossfare", *arguments])
        with pytest.raises(SystemExit, match="0"):
            cli.main()

    monkeypatch.setenv("CROSSFARE_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "a.csv"
    path.write_text(delimited([-1, 0, 1, 2], ";", "a b c"), encoding="utf-8")
    columns = ["--columns", "premise=a,hypothesis=b,label=c", "--separator", ";"]
    call("datasets", "inspect", str(path), *columns, "--labels", "entailment,neutral,contradiction")
    assert "label contradiction" in capsys.readouterr().out
    out = tmp_path / "out.csv"
    asked = ["--task", "nli", "--source", "de", "--target", "en", "--engine", "echo", "--out", str(out)]
    said = ["--labels", "0=contradiction,1=neutral,2=entailment,-1=-"]
    call("translate", str(path), *asked, *columns, *said)
    assert [e.label for e in data.load(out).dataset.examples] == [None, "contradiction", "neutral", "entailment"]  # type: ignore[attr-defined]


@pytest.mark.parametrize("mark", ["\t", ","])
def test_a_header_of_letters_is_no_pair(mark: str, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(delimited(["-", *ORDER], mark, "a b c"), encoding="utf-8")
    with pytest.raises(DataError):
        data.load(path, task="nli")
    assert labels_of(path, columns={"premise": "a", "hypothesis": "b", "label": "c"}) == MEANT


def test_cells_that_a_tool_has_quoted_are_told(tmp_path: Path) -> None:
    """In tab-separated files quotation marks are text; a file that was written as CSV with tabs is told."""
    path = tmp_path / "a.tsv"
    rows = '"Ela disse ""sim""."\tx\tneutral\n"Nada"\ty\tneutral\n'
    path.write_text(f"premise\thypothesis\tlabel\n{rows}", encoding="utf-8")
    loaded = data.load(path)
    assert loaded.report.quoted == ("1",)
    assert any(line.startswith("texts quoted as CSV does") for line in loaded.report.summary())
    assert loaded.dataset.examples[1].texts == ('"Nada"', "y")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("premise\thypothesis\tlabel\r\n".encode("utf-16"), "UTF-16, not UTF-8; save it as UTF-8"),
        (b"PK\x03\x04" + bytes(20), "a zip archive, as .xlsx is; unpack it"),
    ],
)
def test_what_excel_writes_otherwise_is_named(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "pairs.en.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        data.load(path)
