"""Single texts with a label: the formats of classification."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossfare import data
from crossfare.data import artifact, hub, labelled, texts
from crossfare.errors import CrossfareError, DataError
from crossfare.types import Dataset, TextExample

ROWS = (("a", "Gostei muito, é ótimo.", "positivo"), ("b", 'Nem "bom" nem mau', "neutro"), ("c", "Péssimo", None))
EXAMPLES = tuple(TextExample(*row) for row in ROWS)


def dataset(examples: tuple[TextExample, ...] = EXAMPLES) -> Dataset:
    return Dataset("made", "classification", "test", "pt", examples)


@pytest.mark.parametrize("name", ["made.tsv", "made.csv", "made.json", "made.jsonl", "made.tsv.gz"])
def test_load_write_load(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    data.save(dataset(), path)
    loaded = data.load(path, task="classification", language="pt")
    assert loaded.dataset.examples == EXAMPLES
    assert loaded.report.unlabelled == ("c",)


@pytest.mark.parametrize("format_name", ["labels-tsv", "labels-csv", "labels-json", "labels-jsonl", "crossfare"])
@given(
    rows=st.lists(
        st.tuples(
            st.text(st.characters(codec="utf-8", exclude_characters="\t\r\n\0"), min_size=1), st.sampled_from("xyz")
        ),
        min_size=1,
        max_size=5,
    )
)
def test_any_text_survives(format_name: str, rows: list[tuple[str, str]], tmp_path_factory: Any) -> None:
    given_ = tuple(TextExample(f"i{n}", text, label) for n, (text, label) in enumerate(rows))
    path = tmp_path_factory.mktemp("formats") / "file"
    data.save(dataset(given_), path, format_name)
    assert data.load(path, task="classification", format=format_name).dataset.examples == given_


@pytest.mark.parametrize(
    ("text", "format_name"),
    [
        ("Sentence\tSentiment\nI like it\tgood\nI do not\tbad\n", "labels-tsv"),
        ("I like it\tgood\nI do not\tbad\n", "labels-tsv"),  # without a header
        ('id,review,label\n7,"I like it",good\n8,I do not,bad\n', "labels-csv"),
        ('{"utterance": "I like it", "intent": "good"}\n{"utterance": "I do not", "intent": "bad"}\n', "labels-jsonl"),
    ],
)
def test_columns_are_known_by_their_names(text: str, format_name: str, tmp_path: Path) -> None:
    path = tmp_path / "file.en"
    path.write_text(text, encoding="utf-8")
    for task in (None, "classification"):
        loaded = data.load(path, task=task)
        assert (loaded.dataset.task, loaded.report.format) == ("classification", format_name)
        assert [(e.texts, e.label) for e in loaded.dataset.examples] == [
            (("I like it",), "good"),
            (("I do not",), "bad"),
        ]  # type: ignore[attr-defined]


def test_a_list_of_objects_in_many_lines_and_numbers_as_labels(tmp_path: Path) -> None:
    rows = [{"text": "a b", "label": 1, "stars": 5}, {"text": "c d", "label": -1}, {"text": "e f", "label": None}]
    path = tmp_path / "file.json"
    path.write_text(json.dumps(rows, indent=2), encoding="utf-8")
    loaded = data.load(path, task="classification")
    assert [example.label for example in loaded.dataset.examples] == ["1", "-1", None]  # type: ignore[attr-defined]
    assert loaded.dataset.examples[0] == TextExample("1", "a b", "1", (("stars", "5"),))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("text,label\nonly one\n", "line 2: 1 columns, not 2"),
        ('text,label\n"open,x\n', "no comma-separated row"),
        ("one,two,three\n1,2,3\n", "no column is called text or label"),
        ("x,a b\nx,c d\ny,e f\n", "the second one has 3 different values"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CrossfareError, match=message):
        data.load(path, task="classification", format="labels-csv")


def test_other_examples_are_not_written_as_texts() -> None:
    with pytest.raises(DataError, match="save it as"):
        labelled.write_csv(
            Dataset("d", "nli", "test", "en", data.load("world:nli", language="en", split="test").dataset.examples),
            texts.PLAIN,
        )


class Table(list[dict[str, Any]]):
    """What is used of a `datasets.Dataset`."""

    def __init__(self, rows: list[dict[str, Any]], names: list[str] | None) -> None:
        super().__init__(rows)
        self.column_names = list(rows[0])
        self.features = {name: type("Feature", (), {"names": names})() for name in self.column_names}


def test_the_hubs_numbers_get_their_names() -> None:
    rows = [{"text": "a b", "label": 1}, {"text": "c d", "label": 0}, {"text": "e f", "label": -1}]
    found = hub.convert(Table(rows, ["neg", "pos"]), "hub:x/y").dataset
    assert found.task == "classification"
    assert [example.label for example in found.examples] == ["pos", "neg", None]  # type: ignore[attr-defined]
    plain = hub.convert(Table(rows, None), "hub:x/y").dataset
    assert [example.label for example in plain.examples] == ["1", "0", "-1"]  # type: ignore[attr-defined]


def test_an_artifact_holds_them(tmp_path: Path) -> None:
    artifact.write(dataset(), tmp_path / "made")
    assert artifact.read(tmp_path / "made").examples == EXAMPLES


def test_inspection_counts_texts_and_labels(tmp_path: Path) -> None:
    data.save(dataset(), tmp_path / "made.csv")
    found = data.inspect(tmp_path / "made.csv", language="pt")
    assert found.labels == (("positivo", 1), ("neutro", 1), ("unlabelled", 1))
    assert found.count("texts").texts == 3
    assert any(row.label.startswith("texts, distinct") for row in data.tabulate(found).rows)
