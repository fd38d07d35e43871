"""`crossfare predict`: in order, in bounded batches, and nothing lost whatever a line or a kill does."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from served import asked, read, write

from crossfare import cli
from crossfare.errors import ConfigError, CrossfareError, DataError, EngineTransient
from crossfare.serving import Pipeline, open_pipeline, predict_file
from crossfare.tasks.requests import Answer, Request
from crossfare.types import Usage


@pytest.fixture(scope="module")
def qa(folder: Path) -> Iterator[Pipeline]:
    with open_pipeline(folder, task="qa", method="zero-shot") as pipeline:
        yield pipeline


@pytest.mark.parametrize("batch_size", [1, 3, 64])
def test_lines_are_answered_in_order_whatever_the_batches(qa: Pipeline, tmp_path: Path, batch_size: int) -> None:
    requests = asked(qa.parts)
    done = predict_file(qa, write(tmp_path / "in.jsonl", requests), tmp_path / "out.jsonl", batch_size=batch_size)
    assert (done.answered, done.before, done.without) == (8, 0, 0)
    expected = [answer.model_dump() for answer in qa.answer(requests)]
    found = read(tmp_path / "out.jsonl")
    assert {line.pop("pipeline") for line in found} == {qa.revision}
    for line, answer in zip(found, expected, strict=True):
        assert line.pop("score") == pytest.approx(answer.pop("score"), abs=1e-4)
        assert line == answer


def test_ids_are_kept_and_else_are_line_numbers(qa: Pipeline, tmp_path: Path) -> None:
    lines = [
        '\ufeff{"context": "a b", "question": "c"}',
        "",
        '{"id": 70, "context": "a b", "question": "c"}',
        "  ",
        '{"id": null, "context": " ", "question": "c", "answers": ["gold"]}',
        '{"id": "x", "context": "a b", "question": "c"}',
    ]
    (tmp_path / "in.jsonl").write_text("\n".join(lines), encoding="utf-8")
    done = predict_file(qa, tmp_path / "in.jsonl", tmp_path / "out.jsonl")
    assert [line["id"] for line in read(tmp_path / "out.jsonl")] == [1, 70, 5, "x"]
    assert (done.answered, done.without) == (4, 1)
    assert "4 answered, 1 without an answer, see their notes" in done.summary()


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (b"{", "not valid JSON"),
        (b'{"context": "a"}', "question: Field required"),
        (b'{"context": "\xff", "question": "a"}', "not valid JSON"),
        (b"[]", "a line holds one request, not a list"),
    ],
)
def test_a_bad_line_is_one_error_and_what_stands_before_it_is_kept(
    qa: Pipeline, tmp_path: Path, bad: bytes, message: str
) -> None:
    requests = asked(qa.parts)
    good = [request.model_dump_json().encode() for request in requests]
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_bytes(b"\n".join([*good[:5], bad, *good[5:]]))
    with pytest.raises(DataError, match=rf"in\.jsonl:6: {message}.*; 5 answers are kept.* --resume") as caught:
        predict_file(qa, source, target, batch_size=3)
    assert "\n" not in str(caught.value)
    assert [line["id"] for line in read(target)] == [request.id for request in requests[:5]]
    source.write_bytes(b"\n".join(good))
    done = predict_file(qa, source, target, resume=True)
    assert (done.answered, done.before) == (3, 5)
    assert [line["id"] for line in read(target)] == [request.id for request in requests]


def test_an_output_cut_off_anywhere_is_completed(qa: Pipeline, tmp_path: Path) -> None:
    source = write(tmp_path / "in.jsonl", asked(qa.parts))
    predict_file(qa, source, tmp_path / "whole.jsonl", batch_size=2)
    whole = (tmp_path / "whole.jsonl").read_bytes()
    target = tmp_path / "out.jsonl"
    for size in (0, 1, len(whole) // 3, len(whole) // 2, len(whole) - 1, len(whole)):
        target.write_bytes(whole[:size])
        done = predict_file(qa, source, target, resume=True, batch_size=2)
        assert done.before == whole[:size].count(b"\n")
        found, expected = read(target), read(tmp_path / "whole.jsonl")
        for line, other in zip(found, expected, strict=True):
            assert line.pop("score") == pytest.approx(other.pop("score"), abs=1e-4)
            assert line == other


def test_an_output_is_never_overwritten_nor_mixed(folder: Path, qa: Pipeline, tmp_path: Path) -> None:
    requests = asked(qa.parts)
    source, target = write(tmp_path / "in.jsonl", requests), tmp_path / "out.jsonl"
    predict_file(qa, source, target)
    before = target.read_bytes()
    with pytest.raises(ConfigError, match="exists already; go on with --resume"):
        predict_file(qa, source, target)
    other = write(tmp_path / "other.jsonl", requests[::-1])
    with pytest.raises(DataError, match=r"out\.jsonl:1: answers .*, but the input has .* there; it is of other lines"):
        predict_file(qa, other, target, resume=True)
    short = write(tmp_path / "short.jsonl", requests[:3])
    with pytest.raises(DataError, match=r"out\.jsonl:4: answers .*, but the input ends before it"):
        predict_file(qa, short, target, resume=True)
    with (
        open_pipeline(folder, task="qa", method="zero-shot", seed=1) as second,
        pytest.raises(DataError, match=rf"answered by another pipeline \({qa.revision}, this is {second.revision}\)"),
    ):
        predict_file(second, source, target, resume=True)
    (tmp_path / "notes.txt").write_text("not an answer\n")
    with pytest.raises(DataError, match=r"notes\.txt:1: not an answer of crossfare predict"):
        predict_file(qa, source, tmp_path / "notes.txt", resume=True)
    assert target.read_bytes() == before
    assert (tmp_path / "notes.txt").read_text() == "not an answer\n"


class Failing:
    """Answers as another one does, until a call too many."""

    def __init__(self, other: Any, calls: int) -> None:
        self.other, self.calls = other, calls

    def problem(self, request: Request) -> str | None:
        return None

    def answer(self, requests: Sequence[Request]) -> tuple[tuple[Answer, ...], Usage]:
        self.calls -= 1
        if self.calls < 0:
            raise EngineTransient("the service is away")
        return self.other.answer(requests)  # type: ignore[no-any-return]

    def close(self) -> None:
        """Nothing is open."""


def test_a_failing_engine_loses_nothing(qa: Pipeline, tmp_path: Path) -> None:
    source, target = write(tmp_path / "in.jsonl", asked(qa.parts)), tmp_path / "out.jsonl"
    failing = replace(qa, answering=Failing(qa.answering, 2))
    with pytest.raises(EngineTransient, match="line 7: the service is away; 6 answers are kept, go on with --resume"):
        predict_file(failing, source, target, batch_size=3)
    assert len(read(target)) == 6
    assert predict_file(qa, source, target, resume=True).answered == 2


def test_a_file_that_is_no_output_is_never_cut_off(qa: Pipeline, tmp_path: Path) -> None:
    source = write(tmp_path / "in.jsonl", asked(qa.parts)[:1])
    source.write_bytes(source.read_bytes().rstrip(b"\n"))
    notes = tmp_path / "notes.txt"
    notes.write_text("a line without an end")
    copy = tmp_path / "copy.jsonl"
    copy.write_bytes(source.read_bytes())
    for file, told in ((source, "is read here"), (notes, "not an answer"), (copy, "not an answer")):
        before = file.read_bytes()
        with pytest.raises(CrossfareError, match=told):
            predict_file(qa, source, file, resume=True)
        assert file.read_bytes() == before
    with pytest.raises(ConfigError, match=r"results\.json: belongs to"):
        predict_file(qa, source, qa.parts.run.folder / "results.json", resume=True)


def test_files_that_cannot_be_used_are_named(qa: Pipeline, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere\.jsonl: cannot be read"):
        predict_file(qa, tmp_path / "nowhere.jsonl", tmp_path / "out.jsonl")
    assert not (tmp_path / "out.jsonl").exists()
    source = write(tmp_path / "in.jsonl", asked(qa.parts))
    with pytest.raises(ConfigError, match="cannot be written"):
        predict_file(qa, source, tmp_path / "no" / "folder.jsonl")
    with pytest.raises(ConfigError, match="--resume needs an output file"):
        predict_file(qa, source, "-", resume=True)


# -- the command ------------------------------------------------------------------------------


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["crossfare", *arguments])
    try:
        cli.main()
    except SystemExit as stopped:
        return int(stopped.code or 0)
    return 0


class _Bytes(io.StringIO):
    """A text stream with a buffer of bytes below, as standard input has."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.buffer = io.BytesIO(content)


def test_the_command_reads_and_writes_standard_streams(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes], tmp_path: Path
) -> None:
    monkeypatch.setenv("CROSSFARE_CACHE", str(tmp_path))
    monkeypatch.setattr(
        sys, "stdin", _Bytes('{"premise": "Ana vive em Berlim", "hypothesis": "Ñ"}\n{"premise": "a"}'.encode())
    )
    arguments = ["predict", str(folder), "--input", "-", "--output", "-", "--task", "nli", "--target", "pt"]
    status = call(monkeypatch, *arguments, "--method", "translate-infer", "--engine", "echo")
    out, err = capfdbinary.readouterr()
    assert status == 2
    (line,) = out.splitlines()
    assert json.loads(line)["label"] in ("entailment", "neutral", "contradiction")
    told = err.decode().splitlines()
    assert told[0] == "answering with nli pt by translate-infer (echo) of served, seed 0"
    assert told[1].startswith("crossfare: standard input:2: hypothesis: Field required; 1 answers are kept")
    assert len(told) == 2


def test_the_command_says_what_is_ambiguous(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    status = call(monkeypatch, "predict", str(folder), "--input", "-", "--output", str(tmp_path / "out.jsonl"))
    assert status == 2
    assert capsys.readouterr().err == "crossfare: several cells fit; say which with --task: nli, qa, ranking\n"
    assert not (tmp_path / "out.jsonl").exists()
