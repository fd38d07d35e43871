"""The command line: verbs that work by themselves, and errors that are one line with status 2."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from crossfare import cli, data
from crossfare.types import Answer, Dataset, PairExample, QAExample


def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Run the entry point as a shell would; returns status, standard output, standard error."""
    monkeypatch.setattr(sys, "argv", ["crossfare", *arguments])
    monkeypatch.setenv("COLUMNS", "200")
    try:
        cli.main()
        status = 0
    except SystemExit as stopped:
        status = int(stopped.code or 0)
    printed = capsys.readouterr()
    return status, printed.out, printed.err


@pytest.fixture
def squad(tmp_path: Path) -> Path:
    context = "Ana lives in Lisbon. Bruno, her brother, lives in Porto."
    examples = (
        QAExample("q1", context, "Where does Ana live?", (Answer("Lisbon", 13),), "People"),
        QAExample("q2", context, "Who lives in Porto?", (Answer("Bruno, her brother", 21),), "People"),
    )
    path = tmp_path / "people.json"
    data.save(Dataset("people", "qa", "test", "en", examples), path)
    return path


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["datasets"], ["squad", "faquad", "xnli", "world:qa"]),
        (["prices"], ["google-translate", "v100-gcp", "2.48", "annotation-qa"]),
        (["engines"], ["echo", "ctranslate2", "device time", "those of the model"]),
        (["engines", "--json"], ['"name": "echo"', '"keys": {}']),
        (["datasets", "inspect", "world:nli", "--language", "pt", "--split", "test"], ["premises", "label neutral"]),
        (["demo", "--dry-run", "--tasks", "nli", "--targets", "pt"], ["nli fine-tune", "to do", "steps:"]),
    ],
)
def test_listings_show_what_there_is(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    arguments: list[str],
    expected: list[str],
) -> None:
    monkeypatch.setenv("CROSSFARE_CACHE", str(tmp_path))
    status, out, _ = call(monkeypatch, capsys, *arguments)
    assert status == 0
    for text in expected:
        assert text in out


def test_translate_works_by_itself_and_keeps_the_format(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, squad: Path
) -> None:
    monkeypatch.setenv("CROSSFARE_CACHE", str(tmp_path / "cache"))
    out = tmp_path / "out.json"
    arguments = ["translate", str(squad), "--task", "qa", "--source", "en", "--target", "pt", "--engine", "echo"]
    status, printed, _ = call(monkeypatch, capsys, *arguments, "--out", str(out))
    assert status == 0
    assert "2 of 2 examples (100.0%)" in printed
    assert data.load(out).dataset.examples == data.load(squad).dataset.examples
    assert json.loads(out.read_text(encoding="utf-8"))["data"][0]["title"] == "People"


def test_translate_says_how_each_answer_was_found(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, squad: Path
) -> None:
    monkeypatch.setenv("CROSSFARE_CACHE", str(tmp_path / "cache"))
    out = tmp_path / "out.json"
    arguments = ["translate", str(squad), "--task", "qa", "--source", "en", "--target", "pt", "--engine", "echo"]
    aligned = ["--aligner", "embedded:multilingual-encoder", "--out", str(out)]
    status, printed, _ = call(monkeypatch, capsys, *arguments, *aligned)
    assert status == 0
    assert "answers found: 2 by align" in printed
    assert data.load(out).dataset.examples == data.load(squad).dataset.examples
    explained = json.loads((tmp_path / "out.json.answers.json").read_text(encoding="utf-8"))
    assert [each["method"] for each in explained] == ["align", "align"]
    status, _, err = call(monkeypatch, capsys, *arguments, "--projection", "best", "--out", str(out))
    assert (status, "choose from markers, tags" in err) == (2, True)
    status, _, err = call(monkeypatch, capsys, *arguments, "--aligner", "attention", "--out", str(out), "--force")
    assert (status, "engine 'echo' has no attention to align by" in err) == (2, True)


def test_translate_scores_against_a_reference_and_drops_what_lint_finds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, squad: Path
) -> None:
    pytest.importorskip("sacrebleu")
    monkeypatch.setenv("CROSSFARE_CACHE", str(tmp_path / "cache"))
    arguments = ["translate", str(squad), "--task", "qa", "--source", "en", "--target", "pt", "--engine", "echo"]
    out = ["--out", str(tmp_path / "out.json")]
    status, printed, _ = call(monkeypatch, capsys, *arguments, *out, "--reference", str(squad))
    assert status == 0
    assert "lint: untranslated: 2 examples, such as q1, q2" in printed
    assert "chrf 100.0 [100.0, 100.0] over 3 texts (metric:chrf|nrefs:1" in printed
    status, _, said = call(monkeypatch, capsys, *arguments, *out, "--drop-bad", "--force")
    assert status == 2
    assert "first loss: lint: untranslated" in said


def test_score_translation_prints_a_line_a_metric(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    pytest.importorskip("sacrebleu")
    text = tmp_path / "text"
    text.write_text("one two three four five\n", encoding="utf-8")
    arguments = ["score-translation", str(text), str(text), "--target", "en"]
    status, printed, _ = call(monkeypatch, capsys, *arguments, "--metrics", "chrf,bleu")
    assert status == 0
    assert [line.split(" ")[:2] for line in printed.splitlines()] == [["chrf", "100.0"], ["bleu", "100.0"]]
    status, _, said = call(monkeypatch, capsys, *arguments, "--metrics", "ter")
    assert (status, said.strip()) == (2, "crossfare: unknown metric ter; choose from bleu, chrf, chrf++, comet")


def test_inspect_counts_code_points_apart(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "pairs.jsonl"
    pairs = (PairExample("1", "ab \U0001f600", "c", "entailment"), PairExample("2", "d", "ef", None))
    data.save(Dataset("pairs", "nli", "test", "en", pairs), path)
    status, out, _ = call(monkeypatch, capsys, "datasets", "inspect", str(path))
    assert status == 0
    assert "premises: 2" in out
    assert "5 (2.50 each)" in out
    assert "examples without a label: 1: 2" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "nowhere.yaml"], "nowhere.yaml: cannot be read"),
        (["demo", "--targets", "fr"], "no target 'fr'; it has pt, de, vi"),
        (["demo", "--seeds", "one"], "--seeds takes whole numbers separated by commas, not 'one'"),
        (["datasets", "inspect", "nowhere.json"], "nowhere.json: no such file"),
        (["prices", "--file", "nowhere.yaml"], "nowhere.yaml"),
    ],
)
def test_a_known_error_is_one_line_and_status_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    status, _, err = call(monkeypatch, capsys, *arguments)
    assert status == 2
    assert message in err
    assert len(err.strip().splitlines()) == 1


def test_a_wrong_engine_or_task_says_what_there_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, squad: Path
) -> None:
    monkeypatch.setenv("CROSSFARE_CACHE", str(tmp_path / "cache"))
    fixed = ["translate", str(squad), "--source", "en", "--target", "pt", "--out", str(tmp_path / "o.json")]
    status, _, err = call(monkeypatch, capsys, *fixed, "--task", "qa", "--engine", "babel")
    assert (status, "no engine 'babel'; there are: " in err) == (2, True)
    status, _, err = call(monkeypatch, capsys, *fixed, "--task", "pos", "--engine", "echo")
    assert (status, "unknown task 'pos'; choose from qa, nli" in err) == (2, True)
    assert not (tmp_path / "o.json").exists()


def test_an_unknown_option_is_a_usage_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    status, _, err = call(monkeypatch, capsys, "run", "--nope")
    assert status == 2
    assert "No such option" in err
