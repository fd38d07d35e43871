"""What would fail later is found before anything is sent, trained or written: all of it, in a dry run too."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from itertools import cycle
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
        ({"prices": {"compute": "google-translate"}}, PriceError, "compute is billed by the device-hour"),
        ({"models": {"target-encoder": "embedded:marian-en-xx"}}, ConfigError, "is a marian, which translates"),
        (
            {"tasks": {"nli": tiny_run.task("nli", training={"freeze_layers": 5})}, "methods": ["zero-shot"]},
            ConfigError,
            "nli fine-tune bert-False-128 on en: freeze_layers is 5, but the model has 2 layers",
        ),
    ],
)
def test_one_thing_that_is_wrong_is_one_line(
    tmp_path: Path, changes: dict[str, Any], kind: type[CrossfareError], message: str
) -> None:
    error = refused(tmp_path, **changes)
    assert isinstance(error, kind)
    assert message in str(error)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"device": "tpu"}, "device cannot be 'tpu': it should be 'cpu' or 'cuda'"),
        ({"beam": 10**9}, "beam cannot be 1000000000: it should be less than or equal to 1000"),
        ({"device": "cpu", "quantization": "float16"}, "quantization float16 cannot be computed on this cpu"),
    ],
)
def test_what_the_machine_cannot_translate_with_is_found(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    pytest.importorskip("ctranslate2")
    engine = {"engine": "ctranslate2", "models": {"en-*": "embedded:marian-en-xx"}, "options": options}
    assert message in str(refused(tmp_path, engines={"open": engine}))


def test_an_encoder_decoder_neither_aligns_nor_embeds(tmp_path: Path) -> None:
    seq2seq = "embedded:seq2seq-reranker"
    tasks = {
        "qa": tiny_run.task("qa", back_projection={"aligner": seq2seq}),
        "ranking": tiny_run.task("ranking", gold={}),
    }
    models = {"target-encoder": seq2seq, "source-encoder": tiny_models.checkpoint("bert")}
    engines = {"echo": {"engine": "echo", "projection": {"method": "align", "aligner": seq2seq}, "tasks": ["qa"]}}
    methods = ["bi-encoder", "translate-train", "translate-infer"]
    error = refused(tmp_path, tasks=tasks, models=models, engines=engines, methods=methods)
    assert isinstance(error, Unready)
    labels = [
        line.partition(": ")[0] for line in error.problems if line.endswith("an encoder-decoder; give an encoder")
    ]
    assert {"qa echo en-pt", "qa echo pt-en", "ranking embed pt"} <= {*labels}


def write(path: Path, labels: Sequence[str | None], more: str = "") -> str:
    """NLI pairs with these labels, and further lines."""
    pairs = [
        {"id": f"p{i}", "premise": f"Ana lives in {city}.", "hypothesis": "Ana works.", "label": label}
        for i, (city, label) in enumerate(zip(cycle(("Berlin", "Lisboa", "Paris")), labels, strict=False))
    ]
    lines = [json.dumps({name: value for name, value in pair.items() if value}) for pair in pairs]
    path.write_text("\n".join([*lines, more]) + "\n", encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("labels", "more", "role", "message"),
    [
        (["entailment", "neutral"] * 4, '{"id": "cut off", "premi', "test", "nli test pt: .*, line 9, .*broken JSON"),
        (["entailment", "neutral", None], "", "validation", "nli validation en: .*, line 3: lacks label"),
        (["entailment", "neutral", "maybe"], "", "gold", "nli gold pt: .*, line 3: unknown label 'maybe'"),
        (["neutral"] * 6, "", "train", "nli fine-tune .* on en: the training set has 1 different labels"),
    ],
)
def test_data_are_read_to_the_end_before_anything_is_trained(
    tmp_path: Path, labels: list[str | None], more: str, role: str, message: str
) -> None:
    training = {**tiny_run.TRAINING, "select_best": role == "validation"}
    ref = write(tmp_path / "pairs.jsonl", labels, more)
    data = {"train": {"ref": "world:nli", "limit": 12}, role: ref}
    error = refused(
        tmp_path,
        tasks={"nli": tiny_run.task("nli", training=training, **data)},
        methods=["zero-shot", "in-language"],
    )
    assert re.match(message, str(error))


def test_translations_of_other_examples_and_more_labels_than_there_are_are_found(tmp_path: Path) -> None:
    pairs = write(tmp_path / "pairs.jsonl", ["entailment", "neutral"] * 3)
    engines = {"human": {"engine": "existing", "existing": {"nli": {"pt": pairs}}}}
    error = refused(
        tmp_path,
        tasks={"nli": tiny_run.task("nli", gold=pairs, gold_sizes=[2, 50])},
        methods=["translate-train", "in-language"],
        engines=engines,
    )
    assert isinstance(error, Unready)
    translation, sizes = error.problems
    assert translation.endswith("pairs.jsonl: no example has an id of the source training set")
    assert sizes == "gold_sizes: 50 are more than the 6 examples of nli gold in pt"


def test_a_run_directory_that_cannot_be_written_is_found_first(tmp_path: Path) -> None:
    store = Store(tmp_path / "cache")
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    (tmp_path / "circle").symlink_to("circle")
    spec = tiny_run.spec(tmp_path)
    places = {
        tmp_path / "file" / "out": r"cannot be written \(.* is no folder\); choose another place",
        tmp_path / "file": "is no folder; choose another --out",
        tmp_path / "circle": "cannot be written",
        tmp_path / ("x" * 252): "File name too long",
        store.root: "lies in the cache, or holds it",
        store.root / "steps": "lies in the cache, or holds it",
        tmp_path: "lies in the cache, or holds it",
    }
    for out, message in places.items():
        with pytest.raises(ConfigError, match=message):
            dry_run(spec, out=out, store=store)
        with pytest.raises(ConfigError, match=message):
            run(spec, out=out, store=store, quiet=True)
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
