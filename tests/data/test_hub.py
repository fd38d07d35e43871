"""Datasets of the hub: references, and the columns of local tables built with the `datasets` library."""

from __future__ import annotations

import builtins
import json
import re
from pathlib import Path
from typing import Any

import pytest

from crossfare.data import catalog, hub, load
from crossfare.data.hub import HubRef, parse_ref
from crossfare.errors import ConfigError, DataError
from crossfare.experiment.revisions import data_revision
from crossfare.types import Answer, QAExample


@pytest.mark.parametrize(
    ("ref", "parsed"),
    [
        ("rajpurkar/squad", HubRef("rajpurkar/squad")),
        ("deepset/germanquad", HubRef("deepset/germanquad")),
        ("facebook/xnli/de", HubRef("facebook/xnli", "de")),
        ("google/xquad:xquad.de", HubRef("google/xquad", "xquad.de")),
        ("google/xquad:xquad.de@4f1c", HubRef("google/xquad", "xquad.de", "4f1c")),
        ("rajpurkar/squad@main", HubRef("rajpurkar/squad", None, "main")),
        (
            "facebook/mlqa:mlqa.de.de@refs/convert/parquet",
            HubRef("facebook/mlqa", "mlqa.de.de", "refs/convert/parquet"),
        ),
        ("./folder", HubRef("./folder")),
        ("/data/a/b", HubRef("/data/a/b")),
    ],
)
def test_references(ref: str, parsed: HubRef) -> None:
    assert parse_ref(ref) == parsed


@pytest.mark.parametrize(
    ("ref", "told"),
    [
        ("xnli", "write hub:facebook/xnli$"),
        ("xnli/de", "write hub:facebook/xnli/de$"),
        ("squad@main", "write hub:rajpurkar/squad@main$"),
        ("xquad:xquad.de", "write hub:google/xquad:xquad.de$"),
        ("our-data", "write hub:OWNER/our-data, with the owner"),
        ("", "names no dataset; write hub:OWNER/NAME"),
    ],
)
def test_a_name_without_an_owner_is_refused_with_the_name_to_write(ref: str, told: str, tmp_path: Path) -> None:
    """The library and the hub are never asked."""
    with pytest.raises(ConfigError, match=told):
        load(f"hub:{ref}", split="test")
    with pytest.raises(ConfigError, match=told):
        data_revision(f"hub:{ref}")


def test_every_name_of_the_catalogue_the_configs_and_the_messages_has_an_owner() -> None:
    root = Path(__file__).resolve().parents[2]
    pages = [*root.glob("*.md"), *root.glob("docs/*.md"), *root.glob("configs/*/*.yaml"), *root.glob("src/**/*.py")]
    named = [name for page in pages for name in re.findall(r"\bhub:([\w./-]+)", page.read_text(encoding="utf-8"))]
    named += [entry.hub for entry in catalog() if entry.hub]
    assert len(named) > 20
    assert [name for name in named if "/" not in name and set(name) != {"."}] == []  # "hub:." and "hub:..." name none
    for model in (f"{root}/README.md", f"{root}/docs/spec.md"):
        assert not re.search(r"(?<!/)\bbert-(base|large)-[a-z-]*cased", Path(model).read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("config", "language"),
    [("de", "de"), ("xquad.de", "de"), ("mlqa.vi.en", "vi"), ("plain_text", None), (None, None), ("ptbr", None)],
)
def test_the_language_of_a_configuration(config: str | None, language: str | None) -> None:
    assert hub._language(config) == language


def test_a_split_is_needed() -> None:
    with pytest.raises(ConfigError, match="'hub:rajpurkar/squad' needs a split"):
        load("hub:rajpurkar/squad")


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def missing(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "datasets":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(ConfigError, match=r"pip install 'crossfare\[hub\]'"):
        load("hub:rajpurkar/squad", split="train")


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
    assert parsed.dataset.examples[0] == QAExample("7", "Paris is", "?", (Answer("is", 3),), "T")
    assert [e.id for e in parsed.dataset.examples] == ["7", "7#2"]
    assert [(r.id, r.given, r.found) for r in parsed.report.repaired] == [("7", 0, 3)]


def test_pairs_with_class_labels() -> None:
    rows = [
        {"sentence_pair_id": i, "premise": "p", "hypothesis": "h", "relatedness_score": 4.5, "entailment_judgment": i}
        for i in (0, 1, 2, -1)
    ]
    parsed = hub.convert(Table(rows, entailment_judgment=Feature()), "hub:x")
    assert [e.label for e in parsed.dataset.examples] == ["neutral", "entailment", "paraphrase", None]
    assert parsed.dataset.examples[1].id == "1"
    assert parsed.dataset.examples[1].extra == (("relatedness_score", "4.5"),)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"a": "x", "b": 1}], "its columns \\(a, b\\) are those of no task"),
        ([{"premise": "a", "hypothesis": "b", "label": 1}], "row 1: unknown label '1'"),
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


@pytest.mark.filterwarnings("ignore")
def test_of_a_converted_script_the_folder_of_the_configuration_is_read(library: Any, tmp_path: Path) -> None:
    """The hub's branch "refs/convert/parquet": CONFIG/SPLIT/0000.parquet, and nothing that says so."""
    for config, answer in (("mlqa.de.de", "ist"), ("mlqa.en.en", "is")):
        row = {"id": answer, "context": f"Paris {answer}", "question": "?"}
        row["answers"] = {"text": [answer], "answer_start": [6]}  # type: ignore[assignment]
        folder = tmp_path / config / "test"
        folder.mkdir(parents=True)
        library.Dataset.from_list([row]).to_parquet(str(folder / "0000.parquet"))
    loaded = load(f"hub:{tmp_path}:mlqa.de.de@refs/convert/parquet", split="test")
    assert [example.id for example in loaded.dataset.examples] == ["ist"]
    assert loaded.dataset.language == "de"


def test_of_a_script_the_converted_data_are_named(library: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise RuntimeError("Dataset scripts are no longer supported, but found mlqa.py")

    monkeypatch.setattr(library, "load_dataset", refuse)
    with pytest.raises(DataError, match=r"never run; try hub:facebook/mlqa:mlqa\.de\.de@refs/convert/parquet"):
        load("hub:facebook/mlqa:mlqa.de.de", split="test")
