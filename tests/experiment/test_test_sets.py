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
from crossfare.score import qa
from crossfare.store import Store
from crossfare.tasks import TASKS
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
    assert same.believed.examples[0, 1] != 0  # they vary together over test examples
    (apart,) = decisions([read_run(made.folder) for made in (first, other)])
    assert len(apart.options) == 2
    assert apart.believed.examples[0, 1] == 0


def test_the_trivial_baseline_of_nli_is_the_share_of_the_most_frequent_label(tmp_path: Path) -> None:
    made = finished(tmp_path, pairs(tmp_path / "cats.jsonl"))
    assert made.results[0].baseline == pytest.approx(9 / 20)
    (decision,) = decisions([read_run(made.folder)])
    assert decision.options[0].baseline == pytest.approx(9 / 20)


def test_the_trivial_baseline_of_qa_is_the_better_of_the_whole_context_and_the_most_frequent_answer(
    tmp_path: Path,
) -> None:
    store = Store(tmp_path / "cache")
    spec = tiny_run.spec(tmp_path, tasks={"qa": tiny_run.task("qa")}, methods=["zero-shot"])
    made = run(spec, out=tmp_path / "out", jobs=1, store=store, quiet=True)
    (cell,) = Planner(spec).plan()
    examples = [e for e in artifact.read(store.artifact(cell.test.id)).examples if isinstance(e, QAExample)]
    golds = [(example.context, [answer.text for answer in example.answers]) for example in examples]
    frequent = Counter(text for _, texts in golds for text in set(texts)).most_common()
    first = min(text for text, count in frequent if count == frequent[0][1])
    by_hand = [sum(qa.f1(context, texts) for context, texts in golds) / len(golds)]
    by_hand.append(sum(qa.f1(first, texts) for _, texts in golds) / len(golds))
    assert made.results[0].baseline == pytest.approx(max(by_hand))
    assert 0 < (made.results[0].baseline or 0) < 0.5


def test_the_trivial_baseline_of_ranking_is_the_first_stage(tmp_path: Path) -> None:
    task = tiny_run.task("ranking", ranking={"depth": 6}, test={"pt": {"ref": "world:ranking", "limit": 8}})
    spec = tiny_run.spec(tmp_path, tasks={"ranking": task}, methods=["bm25"])
    (result,) = run(spec, out=tmp_path / "out", jobs=1, store=Store(tmp_path / "cache"), quiet=True).results
    assert 0 < result.score.value < 1
    assert result.baseline == result.score.value


def test_labels_that_are_as_frequent_are_taken_by_name_and_missing_ones_not_counted() -> None:
    labels = ("neutral", None, None, "entailment", "contradiction", "entailment", "contradiction")
    examples = tuple(PairExample(str(n), "a", "b", label) for n, label in enumerate(labels))
    (answers,) = TASKS["nli"].trivial(Dataset("made", "nli", "test", "pt", examples))
    assert Counter(each.output for each in answers) == {"contradiction": 7}


def test_a_model_that_gives_every_question_the_most_frequent_answer_is_not_above_the_baseline(tmp_path: Path) -> None:
    answers = ["Lisboa"] * 6 + ["Porto", "Braga"]
    (tmp_path / "test.json").write_text(json.dumps({"version": "1.1", "data": [squad(answers)]}), encoding="utf-8")
    task = tiny_run.task("qa", test={"pt": str(tmp_path / "test.json")})
    spec = tiny_run.spec(tmp_path, tasks={"qa": task}, methods=["zero-shot"])
    (result,) = run(spec, out=tmp_path / "out", jobs=1, store=Store(tmp_path / "cache"), quiet=True).results
    assert result.baseline == pytest.approx(6 / 8)


def squad(answers: list[str]) -> dict[str, object]:
    """An article of SQuAD: long contexts, each beginning with the answer to its one question."""
    paragraphs = [
        {
            "context": f"{answer} é a cidade, número {n}, em que Ana mora com quem mais gosta.",
            "qas": [{"id": str(n), "question": "Onde?", "answers": [{"text": answer, "answer_start": 0}]}],
        }
        for n, answer in enumerate(answers)
    ]
    return {"title": "made", "paragraphs": paragraphs}


def test_test_examples_that_a_model_was_trained_on_are_counted(tmp_path: Path) -> None:
    """A model trained on half of the test set is not compared as if it had met new text."""
    file = pairs(tmp_path / "cats.jsonl")

    def notes(gold: dict[str, object], test: dict[str, object]) -> tuple[str, ...]:
        name = f"run-{len(gold)}{len(test)}"
        task = tiny_run.task("nli", test={"pt": {"ref": str(file), **test}}, gold={"pt": {"ref": str(file), **gold}})
        spec = tiny_run.spec(tmp_path, name=name, tasks={"nli": task}, methods=["in-language"])
        made = run(spec, out=tmp_path / name, jobs=1, store=Store(tmp_path / "cache"), quiet=True)
        return made.results[0].test_notes

    told = "5 of the 10 test examples are in the training data of in-language too: its score is not one on new text"
    assert notes({"limit": 15}, {"skip": 10}) == (told,)
    assert notes({"limit": 10}, {"skip": 10, "limit": 10}) == ()
    (whole,) = notes({}, {})
    assert whole.startswith("all test examples are in the training data of in-language too")
