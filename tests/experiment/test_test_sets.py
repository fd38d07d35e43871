"""What results are measured against: test sets known by their content, and what a trivial system scores on them."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

import tiny_run
from crossfare.compare import decisions, read_run
from crossfare.data import artifact
from crossfare.experiment import Run, run
from crossfare.experiment.steps import Planner
from crossfare.score import qa, trivial
from crossfare.store import Store
from crossfare.types import Dataset, PairExample, QAExample

PAIRS = (("entailment", 9), ("contradiction", 6), ("neutral", 5))


def pairs(path: Path, word: str = "cat") -> Path:
    """Pairs without ids, so that their ids are line numbers."""
    labels = [label for label, count in PAIRS for _ in range(count)]
    lines = [
        json.dumps({"premise": f"The {word} sleeps {n} hours.", "hypothesis": f"It slept {n}.", "label": label})
        for n, label in enumerate(labels)
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def finished(folder: Path, test: Path, method: str = "zero-shot", name: str = "tiny") -> Run:
    task = tiny_run.task("nli", test={"pt": str(test)})
    spec = tiny_run.spec(folder, name=name, tasks={"nli": task}, methods=[method])
    return run(spec, out=folder / name, jobs=1, store=Store(folder / "cache"), quiet=True)


def test_runs_on_other_files_with_the_same_line_numbers_are_not_paired(tmp_path: Path) -> None:
    first = finished(tmp_path, pairs(tmp_path / "cats.jsonl"), name="first")
    again = finished(tmp_path, pairs(tmp_path / "copy-of-cats.jsonl"), "translate-train", "again")
    other = finished(tmp_path, pairs(tmp_path / "dogs.jsonl", "dog"), "translate-train", "other")
    assert first.results[0].score.ids == other.results[0].score.ids
    (same,) = decisions([read_run(made.folder) for made in (first, again)])
    assert len(dict(same.pairs)) == 1
    (apart,) = decisions([read_run(made.folder) for made in (first, other)])
    assert len(apart.options) == 2
    assert not dict(apart.pairs)


def test_the_trivial_baseline_of_nli_is_the_share_of_the_most_frequent_label(tmp_path: Path) -> None:
    made = finished(tmp_path, pairs(tmp_path / "cats.jsonl"))
    assert made.results[0].baseline == pytest.approx(9 / 20)
    (decision,) = decisions([read_run(made.folder)])
    assert decision.options[0].baseline == pytest.approx(9 / 20)


def test_the_trivial_baseline_of_qa_is_the_whole_context(tmp_path: Path) -> None:
    store = Store(tmp_path / "cache")
    spec = tiny_run.spec(tmp_path, tasks={"qa": tiny_run.task("qa")}, methods=["zero-shot"])
    made = run(spec, out=tmp_path / "out", jobs=1, store=store, quiet=True)
    (cell,) = Planner(spec).plan()
    examples = [e for e in artifact.read(store.artifact(cell.test.id)).examples if isinstance(e, QAExample)]
    by_hand = [qa.f1(example.context, [answer.text for answer in example.answers]) for example in examples]
    assert made.results[0].baseline == pytest.approx(sum(by_hand) / len(by_hand))
    assert 0 < (made.results[0].baseline or 0) < 0.5


def test_labels_that_are_as_frequent_are_taken_by_name_and_missing_ones_not_counted() -> None:
    labels = ("neutral", None, None, "entailment", "contradiction", "entailment", "contradiction")
    examples = tuple(PairExample(str(n), "a", "b", label) for n, label in enumerate(labels))
    assert Counter(each.output for each in trivial.answers(Dataset("made", "nli", "test", "pt", examples))) == {
        "contradiction": 7
    }
