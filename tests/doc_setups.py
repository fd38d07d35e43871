"""What the pages of the documentation talk about, as small as it can be: a finished run, files, models by name."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

import tiny_models
from crossfare import data
from crossfare.experiment import demo_spec, load_spec, run, schedule
from doc_pages import ROOT, blocks

# Folders under the hub's names, which are looked for before the hub is: the same kinds of models, tiny or embedded.
ENCODERS = ("google-bert/bert-base-multilingual-cased", "google-bert/bert-base-cased")
ENCODERS += ("neuralmind/bert-base-portuguese-cased",)
EMBEDDED = Path(data.__file__).parents[1] / "checkpoints"
TRANSLATORS = {
    "Helsinki-NLP/opus-mt-en-de": "marian-en-xx",
    "Helsinki-NLP/opus-mt-de-en": "marian-xx-en",
    "Helsinki-NLP/opus-mt-en-ROMANCE": "marian-en-xx",
    "Helsinki-NLP/opus-mt-mul-en": "marian-xx-en",
    "tuned": "marian-en-xx-marked",
}
TRAINING = {"max_steps": 1, "batch_size": 4, "max_length": 64}


def pairs(path: Path, language: str = "en", split: str = "test", count: int = 8) -> None:
    data.save(data.load("world:nli", language=language, split=split, limit=count).dataset, path)


def questions(path: Path, language: str = "en", split: str = "test", count: int = 6) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    data.save(data.load("world:qa", language=language, split=split, limit=count).dataset, path)


def small_demo() -> dict[str, Any]:
    """The demo's spec, cut down to seconds: one task a language, one step of training, few examples."""
    spec = json.loads(demo_spec().model_dump_json(exclude={"data_dir"}, exclude_unset=True, by_alias=True))
    tasks = {}
    for task, target in (("nli", "pt"), ("qa", "de")):
        given = {role: {"ref": f"world:{task}", "limit": size} for role, size in (("train", 8), ("test", 6))}
        tasks[task] = {"name": f"World-{task}", "train": given["train"], "test": {target: given["test"]}}
        tasks[task] |= {"training": TRAINING}
    tasks["nli"]["gold"] = {"pt": {"ref": "world:nli", "limit": 6}}
    engines = {name: spec["engines"][name] for name in ("open", "reference")}
    spec |= {"seeds": [0], "targets": ["pt", "de"], "tasks": tasks, "engines": engines, "extra_cells": []}
    spec |= {"methods": ["zero-shot", "translate-train", "translate-infer", "in-language"]}
    return spec | {"latency": {"repeats": 1, "warmup": 0, "batch_sizes": [1], "max_seconds": 1}}


def without_workers(patch: pytest.MonkeyPatch) -> None:
    """Runs execute their steps in this process, one after the other.

    The steps are the same. A worker process spends ten times their seconds on importing torch; that workers work is
    shown by the tests of runs and of the schedule.
    """

    def thread(_: int, mp_context: object, **start: Any) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(1, **start)

    patch.setattr(schedule, "ProcessPoolExecutor", thread)


def finished(folder: Path) -> Path:
    """A run of it."""
    (folder / "demo.yaml").write_text(yaml.safe_dump(small_demo()), encoding="utf-8")
    return run(load_spec(folder / "demo.yaml"), out=folder / "demo", jobs=1, quiet=True).folder


def models(folder: Path, _: Path) -> None:
    for name in ENCODERS:
        shutil.copytree(tiny_models.checkpoint("bert"), folder / name)
    for name, embedded in TRANSLATORS.items():
        shutil.copytree(EMBEDDED / embedded, folder / name)


def demo(folder: Path, made: Path) -> None:
    shutil.copytree(made, folder / "runs" / "demo", symlinks=True)


def my_files(folder: Path, _: Path) -> None:
    """The files of README's my.yaml."""
    pairs(folder / "mnli.tsv", split="train")
    pairs(folder / "our-german-pairs.tsv", "de")
    pairs(folder / "our-200-labels.tsv", "de", "train")


def spec_files(folder: Path, _: Path) -> None:
    """The files of docs/spec.md's my-comparison.yaml."""
    questions(folder / "data/squad/train-v1.1.json", split="train")
    questions(folder / "data/squad/dev-v1.1.json", split="validation")
    questions(folder / "data/squad-pt/train-v1.1.json", "pt", "train")
    questions(folder / "data/faquad/train.json", "pt", "train", 200)  # as many as gold_sizes asks for
    questions(folder / "data/faquad/dev.json", "pt")
    questions(folder / "data/germanquad/test.json", "de")
    rates = next(
        block.text for block in blocks(ROOT / "docs/prices.md") if block.remarks.get("file") == "my-rates.yaml"
    )
    (folder / "data/my-rates.yaml").write_text(rates, encoding="utf-8")


def plan_files(folder: Path, made: Path) -> None:
    """The spec that the run was made of, the run by the page's names for it, and a file to count."""
    for name in ("pilot", "my-comparison"):
        shutil.copytree(made, folder / "runs" / name, symlinks=True)
    shutil.copyfile(made / "spec.yaml", folder / "my-comparison.yaml")
    questions(folder / "train-v1.1.json", split="train")


def requests(folder: Path, _: Path) -> None:
    request = {"premise": "A Ana mora em Lisboa.", "hypothesis": "Ana mora em Portugal."}
    (folder / "requests.jsonl").write_text(json.dumps(request) + "\n", encoding="utf-8")


def datasets(folder: Path, _: Path) -> None:
    questions(folder / "squad.json")
    questions(folder / "squad.pt.json", "pt")
    questions(folder / "human.pt.json", "pt")
    pairs(folder / "pairs.jsonl")
    for name in ("ours.pt.txt", "human.pt.txt"):
        (folder / name).write_text("A Ana mora em Lisboa.\nO Bruno mora no Porto.\n", encoding="utf-8")


def collection(folder: Path, _: Path) -> None:
    lines = [f"p{number}\tLisboa é a capital de Portugal, passagem {number}.\n" for number in range(5)]
    (folder / "collection.tsv").write_text("".join(lines), encoding="utf-8")


def repository(folder: Path, _: Path) -> None:
    """What a command names that is run in a checkout."""
    for name in ("benchmarks", "configs", "scripts"):
        (folder / name).symlink_to(ROOT / name)


SETUPS: Mapping[str, Callable[[Path, Path], None]] = {
    "models": models,
    "demo": demo,
    "my-files": my_files,
    "spec-files": spec_files,
    "plan-files": plan_files,
    "requests": requests,
    "datasets": datasets,
    "collection": collection,
    "repository": repository,
}
