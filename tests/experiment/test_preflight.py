"""What would fail later is found before anything is sent, trained or written: all of it, in a dry run too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import tiny_models
import tiny_run
from crossfare.errors import ConfigError, CrossfareError, DataError, EngineCredential, PriceError, Unready
from crossfare.experiment import dry_run, run
from crossfare.store import Store
from test_cli import call


def refused(folder: Path, **changes: Any) -> CrossfareError:
    """What a dry run and a run say alike; neither leaves anything behind."""
    store, out = Store(folder / "cache"), folder / "out"
    spec = tiny_run.spec(folder, **changes)
    with pytest.raises(CrossfareError) as dry:
        dry_run(spec, out=out, store=store)
    with pytest.raises(CrossfareError) as caught:
        run(spec, out=out, jobs=1, store=store, quiet=True)
    assert str(dry.value) == str(caught.value)
    assert "\n" not in str(caught.value)
    assert not store.root.exists()
    assert not out.exists()
    return caught.value


def test_everything_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "odd.txt").write_text("nothing that is known\n", encoding="utf-8")
    error = refused(
        tmp_path,
        models={"target-encoder": tiny_models.checkpoint("bert"), "source-encoder": "./nowhere"},
        methods=["zero-shot", "translate-infer", "in-language"],
        tasks={"nli": tiny_run.task("nli", test="odd.txt", gold="nowhere.tsv")},
        prices={"compute": "gpu-of-mine"},
        report_to=["wandb"],
    )
    assert isinstance(error, Unready)
    for part in (
        "report_to: wandb is not installed",
        "'./nowhere': no folder with a config.json there",
        "nowhere.tsv: cannot be read",
        "odd.txt: format not recognised",
        "no price is known for 'gpu-of-mine'",
    ):
        assert sum(part in problem for problem in error.problems) == 1, part


def test_the_command_gives_each_problem_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "odd.txt").write_text("nothing that is known\n", encoding="utf-8")
    tiny_run.spec(tmp_path, tasks={"nli": tiny_run.task("nli", test="odd.txt")}, prices={"compute": "gpu-of-mine"})
    for more in (("--dry-run",), ()):
        status, _, said = call(
            monkeypatch, capsys, "run", str(tmp_path / "tiny.yaml"), "--out", str(tmp_path / "out"), *more
        )
        first, second, last = said.splitlines()
        assert status == 2
        assert "odd.txt: format not recognised" in first
        assert "no price is known for 'gpu-of-mine'" in second
        assert last == "crossfare: 2 problems, named above; nothing was sent, trained or written"
    assert not (tmp_path / "out").exists()


def test_a_key_that_is_not_set_is_missed_before_anything_is_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("deepl")
    monkeypatch.delenv("DEEPL_AUTH_KEY", raising=False)
    error = refused(tmp_path, engines={"paid": {"engine": "deepl"}})
    assert isinstance(error, EngineCredential)
    assert "DEEPL_AUTH_KEY" in str(error)


def test_a_pair_that_a_model_does_not_know_is_found_without_its_weights(tmp_path: Path) -> None:
    engines = {"open": {"engine": "transformers", "models": {"*": "embedded:marian-en-xx"}}}
    error = refused(
        tmp_path, targets=["fr"], tasks={"nli": tiny_run.task("nli", test={"*": nli(tmp_path)})}, engines=engines
    )
    assert "does not translate into 'fr'" in str(error)


def nli(folder: Path) -> str:
    path = folder / "fr.tsv"
    path.write_text("un\tdeux\tneutral\n" * 3, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("changes", "kind", "message"),
    [
        ({"tasks": {"nli": tiny_run.task("nli", test="world:qa")}}, ConfigError, "'world:qa' is qa data"),
        ({"tasks": {"nli": tiny_run.task("nli", test="world:__loader__")}}, ConfigError, "is not known"),
        ({"targets": ["fr"]}, ConfigError, "'world:nli' has no language 'fr'"),
        ({"tasks": {"nli": tiny_run.task("nli", test=".")}}, DataError, "a folder that holds no dataset"),
        ({"tasks": {"nli": tiny_run.task("nli", test="x" * 3000)}}, DataError, "cannot be read"),
        ({"models": {"target-encoder": "y" * 3000}}, ConfigError, "model '"),
        ({"models": {"target-encoder": "~nobody-at-all/x"}}, ConfigError, "model '~nobody"),
        ({"engines": {"e": {"engine": "echo", "options": {"nope": 1}}}}, ConfigError, "'nope'"),
        (
            {"engines": {"e": {"engine": "libretranslate", "options": {"max_texts": "x"}}}},
            ConfigError,
            "max_texts cannot be 'x': it should be a valid integer",
        ),
        ({"prices": {"storage": "cpu-core"}}, PriceError, "storage is billed by the gigabyte-month"),
    ],
)
def test_one_thing_that_is_wrong_is_one_line(
    tmp_path: Path, changes: dict[str, Any], kind: type[CrossfareError], message: str
) -> None:
    error = refused(tmp_path, **changes)
    assert isinstance(error, kind)
    assert message in str(error)


def test_a_run_directory_that_cannot_be_written_is_found_first(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    store = Store(tmp_path / "cache")
    with pytest.raises(ConfigError, match="is no folder that can be written to; choose another --out"):
        run(tiny_run.spec(tmp_path), out=tmp_path / "file" / "out", store=store, quiet=True)
    assert not store.root.exists()


def test_engines_that_no_cell_uses_need_nothing(tmp_path: Path) -> None:
    engines = {
        "echo": {"engine": "echo"},
        "idle": {"engine": "ctranslate2", "models": {"en-*": "./nowhere"}, "tasks": ["qa"]},
    }
    assert dry_run(tiny_run.spec(tmp_path, engines=engines), store=Store(tmp_path / "cache"))


def test_a_dry_run_says_which_cells_are_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = tiny_run.spec(tmp_path, methods=["zero-shot", "bm25"])
    status, said, _ = call(monkeypatch, capsys, "run", str(tmp_path / f"{spec.name}.yaml"), "--dry-run")
    assert status == 0
    assert "not run: nli bm25 (pt): bm25 is a method of ranking only" in said.splitlines()


def test_a_spec_of_which_nothing_can_be_run_says_why(tmp_path: Path) -> None:
    error = refused(tmp_path, methods=["bm25", "translate-train"], engines={})
    assert str(error) == (
        "spec 'tiny': nothing of it can be run; not run: nli bm25 (pt): bm25 is a method of ranking only; "
        "not run: nli translate-train (pt): it translates, and the spec names no engine"
    )
