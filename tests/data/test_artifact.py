"""The lossless dataset file."""

from __future__ import annotations

from pathlib import Path

import pytest

from crossfare.data import artifact, load
from crossfare.errors import DataError
from crossfare.types import Answer, Dataset, PairExample, QAExample, content_revision

PAIRS = (PairExample("1", "p\u2028", "h", None, (("b", "2"), ("a", "1"))), PairExample("2", "p", "h", "neutral"))
QUESTIONS = (QAExample("1", "Paris", "?", (Answer("Paris", 0), Answer("is", 3)), None),)


def dataset(task: str, origin: str | None = None) -> Dataset:
    examples = PAIRS if task == "nli" else QUESTIONS
    return Dataset("d", task, "train", "pt-BR", examples, content_revision(examples), origin)


@pytest.mark.parametrize("task", ["qa", "nli"])
@pytest.mark.parametrize("origin", [None, "marian@1f3a"])
def test_what_is_written_is_read(tmp_path: Path, task: str, origin: str | None) -> None:
    given = dataset(task, origin)
    path = artifact.write(given, tmp_path / "step")
    assert path == tmp_path / "step" / "dataset.jsonl"
    assert artifact.read(tmp_path / "step") == artifact.read(path) == given
    loaded = load(tmp_path / "step")
    assert (loaded.dataset, loaded.report.format) == (given, "crossfare")


def test_the_same_dataset_gives_the_same_bytes(tmp_path: Path) -> None:
    one, two = (artifact.write(dataset("nli"), tmp_path / name) for name in ("a.jsonl.gz", "b.jsonl.gz"))
    assert one.read_bytes() == two.read_bytes()


def test_the_first_line_describes_it() -> None:
    assert artifact.render(dataset("qa")).split("\n")[0] == (
        '{"crossfare": 1, "name": "d", "task": "qa", "split": "train", "language": "pt-BR", '
        f'"revision": "{content_revision(QUESTIONS)}", "origin": null, "examples": 1}}'
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"h"', '"changed"', "its content is not what was written"),
        ('"examples": 2', '"examples": 3', "cut short, 2 of 3 examples"),
        ('"task": "nli"', '"task": "mt"', "line 1: unknown task 'mt'"),
        ('"origin": null, ', "", "line 1: the header lacks origin"),
        ('"premise": "p",', "", "line 3: not an example of task nli"),
        ('{"id": "2"', '{"id": 2"', "line 3, column 9: broken JSON"),
        ('{"id": "2"', '3\n{"id": "2"', "line 3: not a JSON object"),
    ],
)
def test_a_damaged_artifact_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = tmp_path / "d.jsonl"
    text = artifact.render(dataset("nli"))
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(DataError, match=message):
        artifact.read(path)


def test_an_answer_that_is_no_span_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    path.write_text(artifact.render(dataset("qa")).replace('["is", 3]', '["is", 2]'))
    with pytest.raises(DataError, match="line 2: the answer 'is' of example '1' does not stand at 2 of its context"):
        artifact.read(path)


def test_another_language_than_the_artifacts_is_refused(tmp_path: Path) -> None:
    path = artifact.write(dataset("nli"), tmp_path / "d.jsonl")
    assert load(path, language="pt").dataset.language == "pt"
    with pytest.raises(DataError, match="is in pt-BR, not de"):
        load(path, language="de")
