"""Specs: strict, expanded in the order of the paper's tables, and clear when they are wrong."""

from __future__ import annotations

import re
import traceback
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

import tiny_run
from crossfare.errors import ConfigError
from crossfare.experiment import Spec, cells, default_folder, demo_spec, load_spec, missing, narrowed
from crossfare.experiment.matrix import why_missing
from crossfare.experiment.spec_engine import EngineSpec

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
    expanded = cells(demo_spec(seeds=(0,)))
    assert not missing(demo_spec())
    assert demo_spec().seeds == (0, 1, 2)
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


def test_a_part_of_a_spec_has_a_run_directory_of_its_own() -> None:
    whole = demo_spec()
    for part, name in (
        (whole, "demo"),
        (narrowed(whole, targets=("de", "pt"), tasks=("nli",)), "demo-nli-pt-de"),
        (narrowed(whole, targets=("vi", "de", "pt")), "demo"),
        (demo_spec(seeds=(0, 1)), "demo-seed0-seed1"),
    ):
        assert default_folder(whole, part) == Path("runs") / name


def reasons(spec: Spec) -> dict[tuple[str, str, str], str]:
    return {(cell.task, cell.method, cell.target): reason for cell, reason in missing(spec)}


def test_no_cell_that_is_asked_for_vanishes(tmp_path: Path) -> None:
    """Four methods in two languages: one cell can be run, each of the others has a reason."""
    text = MINIMAL.replace("[zero-shot]", "[zero-shot, translate-train, in-language, bm25]").replace(
        "{pt: assin.xml, de: xnli-de.tsv}", "{pt: assin.xml}"
    )
    spec = load_spec(spec_file(tmp_path, text))
    assert [(cell.method, cell.target) for cell in cells(spec)] == [("zero-shot", "pt")]
    found = reasons(spec)
    assert found == {
        ("nli", "zero-shot", "de"): "no nli test set in de",
        **{
            ("nli", "translate-train", target): "it translates, and the spec names no engine" for target in ("pt", "de")
        },
        ("nli", "in-language", "pt"): "no gold training data in pt",
        ("nli", "in-language", "de"): "no nli test set in de",
        **{("nli", "bm25", target): "bm25 is a method of ranking only" for target in ("pt", "de")},
    }
    assert why_missing(missing(spec)) == (
        "not run: nli zero-shot (de); nli in-language (de): no nli test set in de",
        "not run: nli translate-train (pt, de): it translates, and the spec names no engine",
        "not run: nli in-language (pt): no gold training data in pt",
        "not run: nli bm25 (pt, de): bm25 is a method of ranking only",
    )


def test_engines_that_are_kept_from_a_method_are_named(tmp_path: Path) -> None:
    engines = {"a": {"engine": "echo", "tasks": ["qa"]}, "b": {"engine": "echo", "methods": ["translate-infer"]}}
    spec = tiny_run.spec(tmp_path, methods=["zero-shot", "translate-train"], engines=engines)
    assert reasons(spec) == {
        ("nli", "translate-train", "pt"): "it translates, and no engine (a, b) is to be tried with it in nli"
    }


def test_extra_cells_that_cannot_be_run_say_why(tmp_path: Path) -> None:
    extra = [
        {"method": "translate-infer-strategy-1", "model": "target-encoder", "tasks": ["nli"]},
        {"method": "zero-shot", "model": "source-encoder", "tasks": ["qa"]},
    ]
    spec = tiny_run.spec(tmp_path, extra_cells=extra)
    assert reasons(spec) == {
        ("nli", "translate-infer-strategy-1", "pt"): "translate-infer-strategy-1 is a method of ranking only",
        ("qa", "zero-shot", "pt"): "the spec has no task qa",
    }


def test_a_method_for_some_tasks_of_the_spec_is_not_missing_in_the_others(tmp_path: Path) -> None:
    tasks = {"nli": tiny_run.task("nli"), "ranking": tiny_run.task("ranking")}
    spec = tiny_run.spec(tmp_path, methods=["zero-shot", "bm25"], tasks=tasks)
    assert not missing(spec)
    assert not missing(narrowed(spec, tasks=("nli",)))


def test_a_cell_is_asked_for_once(tmp_path: Path) -> None:
    spec = tiny_run.spec(tmp_path, extra_cells=[{"method": "zero-shot", "model": "target-encoder"}])
    with pytest.raises(ConfigError, match=r"asks for nli\|zero-shot\|.* twice; leave it out of extra_cells"):
        cells(spec)


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "target": ({"targets": ["x/../../../PWNED"]}, r"targets\.0: 'x/\.\./\.\./\.\./PWNED' is not a language tag"),
    "target twice": ({"targets": ["pt-BR", "pt_br"]}, "targets: 'pt-BR' is named twice"),
    "long target": ({"targets": ["x" * 500]}, "is not a language tag"),
    "source": ({"source": "../en"}, "source: '../en' is not a language tag"),
    "name": ({"name": "../../x"}, "name: String should match"),
    "name with an end": ({"name": "x\n"}, "name: String should match"),
    "engine's name": ({"engines": {"../x|y": {"engine": "echo"}}}, "engines.*String should match"),
    "role": ({"models": {"../x": "m", "target-encoder": "m"}}, "models.*String should match"),
    "direction": ({"engines": {"e": {"engine": "echo", "models": {"../..": "m"}}}}, "'../..' is no direction"),
    "direction of a task": ({"engines": {"e": {"engine": "echo", "models": {"x:en-pt": "m"}}}}, "is no direction"),
    "no model": ({"models": {"target-encoder": ""}}, "models"),
    "seed": ({"seeds": [-1]}, r"seeds\.0: it should be greater than or equal to 0"),
    "huge seed": ({"seeds": [2**32]}, r"seeds\.0: it should be less than or equal to 4294967295"),
    "seed in words": ({"seeds": ["1"]}, r"seeds\.0: it should be a valid integer"),
    "seeds twice": ({"seeds": [1, 1]}, "seeds: 1 is named twice"),
    "report_to": ({"report_to": ["nope"]}, r"report_to\.0: it should be 'tensorboard'"),
    "no batch": ({"latency": {"batch_sizes": []}}, r"latency\.batch_sizes"),
    "batch of none": ({"latency": {"batch_sizes": [0]}}, r"latency\.batch_sizes\.0: it should be greater"),
    "huge batch": ({"latency": {"batch_sizes": [10**9]}}, r"latency\.batch_sizes\.0: it should be less"),
    "seconds": ({"latency": {"max_seconds": 0}}, r"latency\.max_seconds"),
    "markers": ({"engines": {"e": {"engine": "echo", "markers": ["<a>", "<a>"]}}}, "neither may contain the other"),
    "control character": ({"engines": {"e": {"engine": "echo", "label": "a\x1b[2J"}}}, "has a control character"),
    "data folder": ({"data_dir": 5}, "data_dir: 5 is no folder"),
    "not in the task": (
        {"methods": ["zero-shot", "translate-test", "translate-infer"]},
        "'translate-infer' is named twice",
    ),
    **{
        f"{key}: {value}": (
            {"tasks": {"nli": tiny_run.task("nli", **{place: {key: value}})}},
            rf"tasks\.nli\.{place}.*{key}",
        )
        for place, key, value in (
            ("training", "batch_size", 0),
            ("training", "batch_size", -4),
            ("training", "learning_rate", "fast"),
            ("training", "max_steps", [2]),
            ("training", "max_length", 1),
            ("training", "nope", 1),
            ("gold_training", "epochs", -1),
            ("prediction", "token_budget", 0),
            ("prediction", "max_length", "x"),
            ("prediction", "batch_size", 0),
            ("scoring", "nope", 1),
            ("scoring", "lost", []),
            ("scoring", "resamples", 0),
            ("scoring", "seed", -1),
            ("ranking", "bm25", {"k1": "x"}),
            ("ranking", "embedding", {"max_length": 0}),
            ("ranking", "depth", 0),
        )
    },
    "select_best": (
        {"tasks": {"nli": tiny_run.task("nli", training={"select_best": True})}},
        "select_best needs a set to choose on",
    ),
    "split": (
        {"tasks": {"nli": tiny_run.task("nli", train={"ref": "x", "split": "../../x"})}},
        r"tasks\.nli\.train\.split",
    ),
    "limit": (
        {"tasks": {"nli": tiny_run.task("nli", train={"ref": "x", "limit": 10**18})}},
        r"tasks\.nli\.train\.limit: it should be less",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_spec_that_would_fail_later_is_refused_when_it_is_read(tmp_path: Path, case: str) -> None:
    changes, message = WRONG[case]
    with pytest.raises(ConfigError, match=message) as refused:
        tiny_run.spec(tmp_path, **changes)
    assert "\n" not in str(refused.value)


def test_tags_meet_however_they_are_written(tmp_path: Path) -> None:
    task = tiny_run.task("nli", test={"PT_br": "a.tsv"}, gold={"pt-br": "b.tsv"})
    engines = {"open": {"engine": "ctranslate2", "models": {"en-pt_BR": "m"}}}
    methods = ["zero-shot", "in-language", "translate-train"]
    spec = tiny_run.spec(tmp_path, targets=["pt-BR"], tasks={"nli": task}, methods=methods, engines=engines)
    assert {(cell.method, cell.target) for cell in cells(spec)} == {(name, "pt-BR") for name in methods}
    assert narrowed(spec, targets=("pt_br",)).targets == ("pt-BR",)


def test_a_number_may_be_written_as_people_write_it(tmp_path: Path) -> None:
    text = MINIMAL.replace("{train:", "{training: {learning_rate: 1e-3}, train:")
    assert load_spec(spec_file(tmp_path, text)).tasks["nli"].training == {"learning_rate": 1e-3}


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
