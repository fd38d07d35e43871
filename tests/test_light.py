"""The light install plans, lists, compares and audits; what it has not is one line with what to install."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import tiny_run
from crossfare import data
from crossfare.experiment import run
from crossfare.store import Store

LIGHT = Path(__file__).with_name("light.py")
CONFIGS = Path(__file__).resolve().parents[1] / "configs"
RATES = "--rate tokens=0.25 --compute v100-gcp --rate finetune=1e-5 --rate predict=1e-5"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of questions and pairs, made with all there is."""
    folder = tmp_path_factory.mktemp("light")
    spec = tiny_run.spec(
        folder,
        tasks={"nli": tiny_run.task("nli"), "qa": tiny_run.task("qa")},
        methods=["zero-shot", "translate-train", "translate-infer"],
        extra_cells=[],
    )
    return run(spec, out=folder / "run", jobs=1, quiet=True, store=Store(folder / "cache")).folder


def crossfare(folder: Path, *commands: str) -> list[tuple[int, str]]:
    """Status and output of commands of the light install."""
    environment = {**os.environ, "CROSSFARE_CACHE": str(folder / "cache"), "COLUMNS": "200"}
    asked = json.dumps([shlex.split(command) for command in commands])
    command = [sys.executable, str(LIGHT), asked]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    found = [(status, out) for status, out in json.loads(done.stdout.splitlines()[-1])]
    assert not [out for _, out in found if "Traceback" in out]
    return found


def test_a_finished_run_is_compared_and_planned_anew(finished: Path) -> None:
    folder = finished.parent
    planned = "plan tiny.yaml --from run --json plan.json"
    commands = {"compare run": 0, "recommend run --mean": 1, "plan --check run": 0, planned: 0}
    for wanted, (status, out) in zip(commands.values(), crossfare(folder, *commands), strict=True):
        assert (status, len(out) > 200) == (wanted, True), out  # so small a run recommends nothing
    stages = {step["stage"] for step in json.loads((folder / "plan.json").read_text())["steps"]}
    assert {"translate", "finetune", "predict", "back-project"} <= stages


def test_a_spec_of_files_is_planned_from_nothing(tmp_path: Path) -> None:
    for name, language, split in (("train", "en", "train"), ("test", "de", "test"), ("gold", "de", "train")):
        pairs = data.load("world:nli", language=language, split=split, limit=12).dataset
        data.save(pairs, tmp_path / f"{name}.tsv")
    (tmp_path / "my.yaml").write_text(
        """
name: mine
targets: [de]
tasks: {nli: {train: train.tsv, test: {de: test.tsv}, gold: {de: gold.tsv}}}
methods: [zero-shot, translate-train, translate-infer, in-language]
models: {target-encoder: google-bert/bert-base-multilingual-cased, source-encoder: google-bert/bert-base-cased}
engines:
  open: {engine: ctranslate2, models: {"*": Helsinki-NLP/opus-mt-en-de}}
  bought: {engine: deepl}
prices: {annotation: {nli: annotation-nli}}
"""
    )
    (planned, out), (run, line) = crossfare(
        tmp_path, f"plan my.yaml {RATES} --rate translate=1e-4", "run my.yaml --dry-run"
    )
    assert planned == 0, out
    assert run == 2
    assert "pip install 'crossfare[models]'" in line and "pip install 'crossfare[deepl]'" in line
    assert "Traceback" not in line


def test_data_of_the_hub_are_planned_by_their_published_size(tmp_path: Path) -> None:
    paper = CONFIGS / "paper" / "assin2.yaml"
    (tmp_path / "other.yaml").write_text(paper.read_text().replace("nyu-mll/multi_nli", "stanfordnlp/snli"))
    known, unknown = crossfare(tmp_path, f"plan {paper} {RATES} --json plan.json", f"plan other.yaml {RATES}")
    assert known[0] == 0, known[1]
    steps = json.loads((tmp_path / "plan.json").read_text())["steps"]
    sent = next(step["usage"]["expected"]["characters"] for step in steps if step["stage"] == "translate")
    assert sent == pytest.approx(56_521_137 * 1.18, rel=0.01)  # the paper's Table 7, and white space
    assert unknown[0] == 2
    assert unknown[1].startswith("crossfare: hub:stanfordnlp/snli, split train: a forecast downloads nothing")


def test_a_step_that_needs_an_extra_says_so(finished: Path) -> None:
    spec = (finished.parent / "tiny.yaml").read_text()
    (finished.parent / "seeds.yaml").write_text(f"{spec}\nseeds: [5]\n")
    ((status, out),) = crossfare(finished.parent, "run seeds.yaml --quiet --tasks nli")
    assert status == 2
    assert re.match(r"torch, transformers is not installed, for nli .*; pip install 'crossfare\[models\]'", out), out


def test_lists_need_no_extra(tmp_path: Path) -> None:
    for status, out in crossfare(
        tmp_path, "--help", "prices", "datasets", "engines", "audit-paper", "plan paper --with all --prices today"
    ):
        assert (status, len(out) > 500) == (0, True), out


MISSING = {
    "report run": "report",
    "predict run --task nli --method zero-shot --input - --output -": "models",
    "serve run --task nli --method zero-shot": "models",
    "export run --task nli --method zero-shot --out model": "models",
    "demo --dry-run": "models",
    "prices llm:gpt-4o-mini": "llm",
    "run tiny.yaml --energy": "energy",
    "score-translation tiny.yaml tiny.yaml --target pt": "lint",
    "datasets inspect hub:facebook/xnli:de --split test": "hub",
    "translate p.tsv --task nli --source en --target de --engine deepl --estimate": "deepl",
}


def test_what_is_missing_is_one_line(finished: Path) -> None:
    folder = finished.parent
    data.save(data.load("world:nli", language="en", split="test", limit=4).dataset, folder / "p.tsv")
    (folder / "w.tsv").write_text("one\tum\ntwo\tdois\n", encoding="utf-8")
    for extra, (status, out) in zip(MISSING.values(), crossfare(folder, *MISSING), strict=True):
        assert (status, "Traceback" in out) == (2, False), out
        assert f"pip install 'crossfare[{extra}]'" in out
