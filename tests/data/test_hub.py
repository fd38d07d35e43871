"""Datasets of the hub: references, and the columns of local tables built with the `datasets` library."""

from __future__ import annotations

import builtins
import json
from pathlib import Path
from typing import Any

import pytest

from crossfare.data import hub, load
from crossfare.data.hub import HubRef, parse_ref
from crossfare.errors import ConfigError, DataError
from crossfare.types import Answer, QAExample


@pytest.mark.parametrize(
    ("ref", "parsed"),
    [
        ("squad", HubRef("squad")),
        ("xnli/de", HubRef("xnli", "de")),
        ("deepset/germanquad", HubRef("deepset/germanquad")),
        ("facebook/xnli/de", HubRef("facebook/xnli", "de")),
        ("google/xquad:xquad.de", HubRef("google/xquad", "xquad.de")),
        ("google/xquad:xquad.de@4f1c", HubRef("google/xquad", "xquad.de", "4f1c")),
        ("squad@main", HubRef("squad", None, "main")),
        ("/data/a/b", HubRef("/data/a/b")),
    ],
)
def test_references(ref: str, parsed: HubRef) -> None:
    assert parse_ref(ref) == parsed


@pytest.mark.parametrize(
    ("config", "language"),
    [("de", "de"), ("xquad.de", "de"), ("mlqa.vi.en", "vi"), ("plain_text", None), (None, None), ("ptbr", None)],
)
def test_the_language_of_a_configuration(config: str | None, language: str | None) -> None:
    assert hub._language(config) == language


def test_a_split_is_needed() -> None:
    with pytest.raises(ConfigError, match="'hub:squad' needs a split"):
        load("hub:squad")


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def missing(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "datasets":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(ConfigError, match=r"pip install 'crossfare\[hub\]'"):
        load("hub:squad", split="train")


class Feature:
    """A ClassLabel as far as `convert` looks at it."""

    names = ("NONE", "ENTAILMENT", "PARAPHRASE")


class Table:
    """A `datasets.Dataset` as far as `convert` looks at it."""

    def __init__(self, rows: list[dict[str, Any]], **features: Any) -> None:
        self.rows, self.column_names = rows, list(rows[0])
        self.features = {name: features.get(name) for name in self.column_names}

    def __iter__(self) -> Any:
        return iter(self.rows)


def test_questions_in_both_shapes_of_answers() -> None:
    rows = [
        {"id": 7, "title": "T", "context": "Paris is", "question": "?", "answers": answers}
        for answers in ({"text": ["is"], "answer_start": [0]}, [{"text": "is", "answer_start": 6}])
    ]
    parsed = hub.convert(Table(rows), "hub:x")
    assert parsed.examples[0] == QAExample("7", "Paris is", "?", (Answer("is", 3),), "T")
    assert [e.id for e in parsed.examples] == ["7", "7#2"]
    assert [(r.id, r.given, r.found) for r in parsed.repaired] == [("7", 0, 3)]


def test_pairs_with_class_labels() -> None:
    rows = [
        {"sentence_pair_id": i, "premise": "p", "hypothesis": "h", "relatedness_score": 4.5, "entailment_judgment": i}
        for i in (0, 1, 2, -1)
    ]
    parsed = hub.convert(Table(rows, entailment_judgment=Feature()), "hub:x")
    assert [e.label for e in parsed.examples] == ["neutral", "entailment", "paraphrase", None]
    assert parsed.examples[1].id == "1"
    assert parsed.examples[1].extra == (("relatedness_score", "4.5"),)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"text": "a", "label": 1}], "its columns \\(label, text\\) are neither"),
        ([{"premise": "a", "hypothesis": "b", "label": 1}], "row 1: unknown label 1"),
        ([{"premise": {"de": "a"}, "hypothesis": "b", "label": "neutral"}], "row 1: premise is dict, not text"),
        (
            [{"context": "a", "question": "b", "answers": {"text": ["a"]}}],
            "row 1: answers must hold text and answer_start",
        ),
    ],
)
def test_other_columns_are_refused(rows: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(DataError, match=message):
        hub.convert(Table(rows), "hub:x")


# --- through the real library, from local files


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_DATASETS_CACHE", str(tmp_path_factory.mktemp("hf")))
        patch.setenv("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
        yield pytest.importorskip("datasets", reason="the package 'datasets' (extra crossfare[hub]) is not installed")


@pytest.mark.filterwarnings("ignore")
def test_parquet_with_class_labels_through_the_library(library: Any, tmp_path: Path) -> None:
    features = library.Features(
        {
            "premise": library.Value("string"),
            "hypothesis": library.Value("string"),
            "label": library.ClassLabel(names=["entailment", "neutral", "contradiction"]),
        }
    )
    rows = {"premise": ["ação", "b", "c"], "hypothesis": ["x", "y", "z"], "label": [2, 0, -1]}
    library.Dataset.from_dict(rows, features=features).to_parquet(str(tmp_path / "train-00000.parquet"))
    loaded = load(f"hub:{tmp_path}", split="train", language="pt")
    assert [(e.premise, e.label) for e in loaded.dataset.examples] == [
        ("ação", "contradiction"),
        ("b", "entailment"),
        ("c", None),
    ]
    assert (loaded.dataset.language, loaded.dataset.split, loaded.report.format) == ("pt", "train", "hub")


@pytest.mark.filterwarnings("ignore")
def test_json_questions_through_the_library_and_a_split_that_is_not_there(library: Any, tmp_path: Path) -> None:
    row = {"id": "a", "context": "Paris is", "question": "?", "answers": {"text": ["is"], "answer_start": [6]}}
    (tmp_path / "train.jsonl").write_text(json.dumps(row) + "\n")
    loaded = load(f"hub:{tmp_path}", split="train")
    assert loaded.dataset.examples == (QAExample("a", "Paris is", "?", (Answer("is", 6),)),)
    with pytest.raises(DataError, match="split test: cannot be loaded"):
        load(f"hub:{tmp_path}", split="test")
