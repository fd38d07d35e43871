"""Specs: strict, expanded in the order of the paper's tables, and clear when they are wrong."""

from __future__ import annotations

import re
import traceback
from pathlib import Path
from textwrap import dedent

import pytest

import tiny_run
from crossfare.errors import ConfigError
from crossfare.experiment import cells, demo_spec, load_spec, missing, narrowed
from crossfare.experiment.spec import EngineSpec

MINIMAL = """
    name: small
    targets: [pt, de]
    tasks: {nli: {train: mnli.tsv, test: {pt: assin.xml, de: xnli-de.tsv}}}
    methods: [zero-shot]
    models: {target-encoder: some/model}
"""


def spec_file(folder: Path, text: str = MINIMAL, extra: str = "") -> Path:
    path = folder / "spec.yaml"
    path.write_text(dedent(text) + dedent(extra), encoding="utf-8")
    return path


def test_the_demo_has_every_method_of_the_papers_tables() -> None:
    expanded = cells(demo_spec())
    assert not missing(demo_spec())
    assert len(expanded) == len(set(expanded))
    for task in ("qa", "nli"):
        assert [(c.method, c.engine) for c in expanded if c.task == task and c.target == "pt"] == [
            ("zero-shot", None),
            ("translate-train", "open"),
            *([("translate-train", "delimiters")] if task == "qa" else []),
            ("translate-train", "reference"),
            *[("translate-infer", "open"), ("translate-infer", "reference")] * 2,
            ("in-language", None),
        ]
    ranking = {(c.method, c.engine, c.target) for c in expanded if c.task == "ranking"}
    for target in ("pt", "de", "vi"):
        assert {("bm25", None, target), ("zero-shot", None, target), ("in-language", None, target)} <= ranking
        assert ("translate-train-joint", "open", target) in ranking
        for engine in ("open", "reference"):
            assert ("translate-train", engine, target) in ranking
            assert ("translate-infer-strategy-1", engine, target) in ranking
            assert ("translate-infer-strategy-2", engine, target) in ranking


def test_an_extra_row_can_be_for_some_tasks_and_engines_only(tmp_path: Path) -> None:
    extra = {"method": "translate-train-joint", "model": "source-encoder", "tasks": ["qa"], "engines": ["b"]}
    tasks = {"nli": tiny_run.task("nli"), "qa": tiny_run.task("qa")}
    engines = {"a": {"engine": "echo"}, "b": {"engine": "echo"}}
    spec = tiny_run.spec(tmp_path, methods=["zero-shot"], tasks=tasks, engines=engines, extra_cells=[extra])
    rows = {(c.task, c.method, c.model, c.engine) for c in cells(spec)}
    assert rows == {
        ("nli", "zero-shot", "target-encoder", None),
        ("qa", "zero-shot", "target-encoder", None),
        ("qa", "translate-train-joint", "source-encoder", "b"),
    }
    with pytest.raises(ConfigError, match="an engine 'c' that is not under engines"):
        tiny_run.spec(tmp_path, extra_cells=[{**extra, "engines": ["c"]}])


def test_an_engine_can_be_for_some_tasks_and_methods_only(tmp_path: Path) -> None:
    tasks = {"nli": tiny_run.task("nli"), "qa": tiny_run.task("qa")}
    some = {"engine": "echo", "tasks": ["qa"], "methods": ["translate-train"]}
    methods = ["translate-train", "translate-train-joint"]
    extra = {"method": "translate-train-joint", "model": "target-encoder", "tasks": ["nli"], "engines": ["b"]}
    engines = {"a": {"engine": "echo"}, "b": some}
    spec = tiny_run.spec(tmp_path, methods=methods, tasks=tasks, engines=engines, extra_cells=[extra])
    rows = {(c.task, c.method) for c in cells(spec) if c.engine == "b"}
    assert rows == {("qa", "translate-train"), ("nli", "translate-train-joint")}
    assert len([c for c in cells(spec) if c.engine == "a"]) == 4
    assert not missing(spec)
    with pytest.raises(ConfigError, match="unknown method 'magic'"):
        tiny_run.spec(tmp_path, engines={"b": {**some, "methods": ["magic"]}})


def test_paths_are_relative_to_the_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CROSSFARE_DATA", raising=False)
    path = spec_file(tmp_path, extra="data_dir: sub\n")
    assert load_spec(path).path("a.json") == str(tmp_path / "sub" / "a.json")
    assert load_spec(path, data_dir=tmp_path / "x").path("a.json") == str(tmp_path / "x" / "a.json")
    assert load_spec(path).path("world:qa") == "world:qa"
    monkeypatch.setenv("CROSSFARE_DATA", str(tmp_path / "env"))
    assert load_spec(path).path("a.json") == str(tmp_path / "env" / "a.json")


def test_seeds_and_several_models_are_axes(tmp_path: Path) -> None:
    text = MINIMAL.replace("some/model", "[some/model, other/model]")
    spec = load_spec(spec_file(tmp_path, text, "seeds: [1, 2]\n"))
    assert [(c.checkpoint, c.seed) for c in cells(spec) if c.target == "pt"] == [
        ("some/model", 1),
        ("some/model", 2),
        ("other/model", 1),
        ("other/model", 2),
    ]


def test_a_model_per_target(tmp_path: Path) -> None:
    text = MINIMAL.replace("some/model", "{pt: bert-pt, '*': mbert}")
    found = {c.target: c.checkpoint for c in cells(load_spec(spec_file(tmp_path, text)))}
    assert found == {"pt": "bert-pt", "de": "mbert"}


def test_cells_that_cannot_run_are_named_with_their_reason(tmp_path: Path) -> None:
    text = MINIMAL.replace("[zero-shot]", "[in-language, translate-train, translate-infer]").replace(
        "}}}", "}, gold: {pt: gold.xml}}}"
    )
    engines = """
        engines: {google: {engine: existing, existing: {nli: {de: mnli-de.tsv}}}}
    """
    text = text.replace("target-encoder: some/model", "target-encoder: a, source-encoder: b")
    spec = load_spec(spec_file(tmp_path, text, engines))
    assert {(c.method, c.target) for c in cells(spec)} == {("in-language", "pt"), ("translate-train", "de")}
    reasons = {(c.method, c.model, c.target): reason for c, reason in missing(spec)}
    assert "no gold" in reasons["in-language", "target-encoder", "de"]
    assert "no existing google translation into pt" in reasons["translate-train", "target-encoder", "pt"]
    assert "training set only" in reasons["translate-infer", "source-encoder", "de"]


def test_the_source_language_can_be_a_point_of_reference(tmp_path: Path) -> None:
    text = MINIMAL.replace("[pt, de]", "[en, pt]").replace("{pt:", "{en: xnli-en.tsv, pt:")
    spec = load_spec(
        spec_file(
            tmp_path, text.replace("[zero-shot]", "[zero-shot, translate-train]"), "engines: {echo: {engine: echo}}\n"
        )
    )
    assert ("zero-shot", "en") in {(c.method, c.target) for c in cells(spec)}
    assert ("translate-train", "en") not in {(c.method, c.target) for c in cells(spec)}


def test_models_of_an_engine_are_chosen_by_direction() -> None:
    engine = EngineSpec(engine="ctranslate2", models={"en-pt": "a", "en-*": "b", "*-en": "c", "qa:en-*": "d"})
    pairs = (("en", "pt"), ("en", "de"), ("vi", "en"))
    assert [engine.model_for("nli", *pair) for pair in pairs] == ["a", "b", "c"]
    assert [engine.model_for("qa", *pair) for pair in pairs] == ["d", "d", "c"]
    assert engine.model_for("nli", "de", "vi") is None


def test_a_direction_without_a_model_makes_no_cell_and_says_why(tmp_path: Path) -> None:
    engines = {"open": {"engine": "ctranslate2", "models": {"*-en": "m"}}}
    spec = tiny_run.spec(tmp_path, methods=["translate-train", "translate-infer"], engines=engines)
    assert {cell.method for cell in cells(spec)} == {"translate-infer"}
    ((cell, reason),) = missing(spec)
    assert (cell.method, reason) == ("translate-train", "engine open has no model for nli en-pt (there: *-en)")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("methods: [zero-shot]", "methods: [zero]"), "unknown method 'zero'; choose from bm25, bi-encoder, zero-shot"),
        (("name: small", "nmae: small"), "nmae: Extra inputs"),
        (("name: small", "name: ../up"), "name: String should match"),
        (("targets: [pt, de]", "targets: []"), "targets"),
        (("nli:", "pos:"), "tasks.pos"),
        (("name: small", "name: [unclosed"), "not valid YAML"),
    ],
)
def test_a_wrong_spec_is_one_line_that_names_the_key(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    path = spec_file(tmp_path, MINIMAL.replace(*change))
    with pytest.raises(ConfigError, match=re.escape(message)) as caught:
        load_spec(path)
    assert "\n" not in str(caught.value)


def test_a_missing_file_or_model_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_spec(tmp_path / "none.yaml")
    spec = load_spec(spec_file(tmp_path, MINIMAL.replace("target-encoder", "source-encoder")))
    with pytest.raises(ConfigError, match="names no target-encoder for 'pt'; add it under models"):
        cells(spec)


def test_narrowing_keeps_the_rest_and_refuses_what_is_not_there() -> None:
    spec = narrowed(demo_spec(), targets=("pt",), tasks=("nli",))
    assert {(c.task, c.target) for c in cells(spec)} == {("nli", "pt")}
    with pytest.raises(ConfigError, match="no target 'fr'; it has pt, de, vi"):
        narrowed(demo_spec(), targets=("fr",))


@pytest.mark.parametrize(
    "options",
    [
        {"api_key": "sk-s3cret"},
        {"base_url": "http://user:s3cret@127.0.0.1:5903/v1"},
        {"base_url": "https://host/v1?api_key=s3cret"},
        {"key_variable": "sk-s3cret"},
    ],
)
def test_a_secret_is_refused_before_it_is_copied_anywhere(tmp_path: Path, options: dict[str, str]) -> None:
    engines = {"model": {"engine": "llm", "price": "compute", "options": {"model": "m", **options}}}
    with pytest.raises(ConfigError, match="engine 'llm': the option") as raised:
        tiny_run.spec(tmp_path, engines=engines)
    assert "OPENAI_API_KEY" in str(raised.value) and "s3cret" not in str(raised.value)
    assert "s3cret" not in "".join(traceback.format_exception(raised.value))
