"""What a spec, or the command line beside it, says of its files."""

from __future__ import annotations

from pathlib import Path

import pytest

from crossfare.errors import ConfigError
from crossfare.experiment import load_spec, read_as
from crossfare.experiment.stages.loading import load_data
from crossfare.experiment.steps import Planner
from crossfare.types import Step

SPEC = """
name: said
targets: [pt]
tasks:
  nli:
    train: world:nli
    test: {pt: {ref: pares.csv%s}}
methods: [zero-shot]
models: {target-encoder: embedded:multilingual-encoder}
latency: {repeats: 0}
"""
PAIRS = "frase1,frase2,rotulo\nChove.,Chove muito.,1\nFaz sol.,Chove.,2\n"
COLUMNS = "columns: {premise: frase1, hypothesis: frase2, label: rotulo}"


def made(folder: Path, said: str = "") -> Path:
    (folder / "pares.csv").write_text(PAIRS, encoding="utf-8")
    path = folder / "spec.yaml"
    path.write_text(SPEC % said, encoding="utf-8")
    return path


def step_of(path: Path, **told: object) -> Step:
    (cell,) = Planner(read_as(load_spec(path), (), told)).plan()
    return cell.test


def labels_of(step: Step) -> list[str | None]:
    return [each.label for each in load_data(step).dataset.examples]  # type: ignore[attr-defined]


def test_what_is_said_reads_the_file_and_is_in_the_step(tmp_path: Path) -> None:
    step = step_of(made(tmp_path, f", {COLUMNS}, labels: [entailment, neutral, contradiction]"))
    assert labels_of(step) == ["neutral", "contradiction"]
    other = step_of(made(tmp_path, f", {COLUMNS}, labels: [contradiction, entailment, neutral]"))
    assert labels_of(other) == ["entailment", "neutral"]
    assert step.id != other.id
    assert "labels" not in step_of(made(tmp_path)).params


def test_the_command_line_says_the_same_as_the_spec(tmp_path: Path) -> None:
    said = step_of(made(tmp_path, f", {COLUMNS}, labels: [entailment, neutral, contradiction], separator: ','"))
    columns = {"premise": "frase1", "hypothesis": "frase2", "label": "rotulo"}
    labels = ("entailment", "neutral", "contradiction")
    told = step_of(made(tmp_path), columns=columns, labels=labels, separator=",")
    assert told.id == said.id
    first = step_of(made(tmp_path, ", labels: [contradiction, entailment, neutral]"), columns=columns, labels=labels)
    assert labels_of(first) == ["entailment", "neutral"]  # a file's own key comes first


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (", labels: three-class", "labels: 'three-class' is neither"),
        (", columns: [a, b]", "columns: .* is no mapping"),
        (", separator: ''", "separator: '' is not one character"),
    ],
)
def test_what_means_nothing_is_told_with_its_place(said: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=rf"tasks\.nli\.test\.pt.*{message}"):
        load_spec(made(tmp_path, said))


def test_what_fits_no_file_of_the_spec_is_refused(tmp_path: Path) -> None:
    path = made(tmp_path)
    path.write_text(path.read_text().replace("{ref: pares.csv}", "world:nli"), encoding="utf-8")
    with pytest.raises(ConfigError, match="has no file that labels could be said of"):
        read_as(load_spec(path), (), {"labels": ("a", "b")})
