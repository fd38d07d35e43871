"""Nothing that is read is overwritten, and nothing that is there already unless it is asked for."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crossfare import data
from crossfare.errors import ConfigError
from crossfare.output import claim, claim_folder, new_folder
from crossfare.store import replacing, write_json, write_text
from crossfare.types import Dataset, PairExample
from test_cli import call


def itself(path: Path) -> Path:
    return path


def symbolic(path: Path) -> Path:
    link = path.with_name("symbolic")
    link.symlink_to(path)
    return link


def hard(path: Path) -> Path:
    link = path.with_name("hard")
    os.link(path, link)
    return link


def roundabout(path: Path) -> Path:
    (path.parent / "deep").mkdir()
    return path.parent / "deep" / ".." / path.name


def relative(path: Path) -> Path:
    return Path(os.path.relpath(path))


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("spelling", [itself, symbolic, hard, roundabout, relative])
def test_what_is_read_is_never_written_however_it_is_called(
    tmp_path: Path, spelling: Callable[[Path], Path], force: bool
) -> None:
    read = tmp_path / "read.txt"
    read.write_text("precious")
    with pytest.raises(ConfigError, match="is read here, and would be lost; name another file"):
        claim(spelling(read), reads=["world:nli", read], force=force)


def test_a_file_of_a_folder_that_is_read_is_never_written_but_a_new_one_may_be(tmp_path: Path) -> None:
    run = tmp_path / "run"
    (run / "tables").mkdir(parents=True)
    (run / "tables" / "table1.md").write_text("precious")
    with pytest.raises(ConfigError, match="which is read here"):
        claim(run / "tables" / "table1.md", reads=[run], force=True)
    link = tmp_path / "link"
    link.symlink_to(run)
    with pytest.raises(ConfigError, match="which is read here"):
        claim(link / "tables" / "table1.md", reads=[run], force=True)
    claim(run / "decision.json", reads=[run])


def test_nothing_is_written_into_a_step_through_the_link_of_a_run(tmp_path: Path) -> None:
    made, run = tmp_path / "cache" / "steps" / "finetune-1", tmp_path / "run"
    (made / "artifact").mkdir(parents=True)
    (made / "step.json").write_text("{}")
    (run / "steps").mkdir(parents=True)
    (run / "steps" / made.name).symlink_to(made)
    for place in (run / "steps" / made.name / "new.json", made / "artifact" / "deep" / "new.json"):
        with pytest.raises(ConfigError, match="lies in a step of the cache"):
            claim(place, reads=[run], force=True)
        with pytest.raises(ConfigError, match="lies in a step of the cache"):
            claim_folder(place)


def test_what_is_there_already_is_replaced_when_asked_only(tmp_path: Path) -> None:
    there = tmp_path / "there.json"
    there.write_text("precious")
    with pytest.raises(ConfigError, match="exists already; add --force"):
        claim(there)
    claim(there, force=True)
    claim(tmp_path / "new" / "folder" / "file")
    assert not (tmp_path / "new").exists()


def test_places_that_cannot_be_written_are_found_before_anything_is_done(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    with pytest.raises(ConfigError, match="is a folder; name a file"):
        claim(tmp_path, force=True)
    with pytest.raises(ConfigError, match="is no folder"):
        claim(file / "below", force=True)
    for name in ("a\0b", "x" * 5000):
        with pytest.raises(ConfigError, match="cannot be written"):
            claim(tmp_path / name)


def test_a_device_is_written_and_stays_one(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    claim(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_text(pipe, "through")
    assert os.read(reader, 100) == b"through"
    os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_file_is_written_whole_or_not_at_all_and_through_a_link(tmp_path: Path) -> None:
    file, link = tmp_path / "file", tmp_path / "link"
    file.write_text("old")
    link.symlink_to(file)
    with pytest.raises(RuntimeError), replacing(file) as half:
        half.write(b"half")
        raise RuntimeError
    assert file.read_text() == "old"
    write_json(link, {"text": "a lone \ud800"})
    assert link.is_symlink()
    assert json.loads(file.read_text(encoding="utf-8")) == {"text": "a lone \ud800"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "link"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this machine has no /dev/full")
def test_a_full_disk_is_one_line() -> None:
    with pytest.raises(ConfigError, match=r"^/dev/full: cannot be written \(No space left on device\)"):
        write_text(Path("/dev/full"), "x")


def test_a_new_folder_is_complete_or_not_there(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "model"
    with pytest.raises(RuntimeError), new_folder(folder) as made:
        (made / "half").write_text("half")
        raise RuntimeError
    assert list(folder.parent.iterdir()) == []
    folder.mkdir()
    with new_folder(folder) as made:
        (made / "whole").write_text("whole")
    assert [path.name for path in folder.iterdir()] == ["whole"]
    for taken in (folder, folder / "whole", folder / "whole" / "below"):
        with pytest.raises(ConfigError):
            claim_folder(taken)


# -- the commands -----------------------------------------------------------------------------


@pytest.fixture
def pairs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CROSSFARE_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "pairs.jsonl"
    data.save(Dataset("pairs", "nli", "test", "en", (PairExample("1", "It rains.", "It is wet.", "neutral"),)), path)
    return path


def translate(file: Path, out: Path, *further: str) -> tuple[str, ...]:
    fixed = ("--task", "nli", "--source", "en", "--target", "de", "--engine", "echo")
    return ("translate", str(file), *fixed, "--out", str(out), *further)


def test_translate_refuses_its_input_and_its_references(
    monkeypatch: pytest.MonkeyPatch, capsys: Any, tmp_path: Path, pairs: Path
) -> None:
    before = pairs.read_bytes()
    status, _, err = call(monkeypatch, capsys, *translate(pairs, pairs, "--force"))
    assert (status, "is read here" in err, len(err.splitlines())) == (2, True, 1)
    reference = tmp_path / "pairs.de.jsonl"
    data.save(
        Dataset("pairs", "nli", "test", "de", (PairExample("1", "Es regnet.", "Es ist nass.", "neutral"),)), reference
    )
    kept = reference.read_bytes()
    arguments = translate(pairs, reference, "--reference", str(reference), "--force")
    status, _, err = call(monkeypatch, capsys, *arguments)
    assert (status, "is read here" in err) == (2, True)
    beside = tmp_path / "out.jsonl.lost.json"
    beside.write_bytes(before)
    status, _, err = call(monkeypatch, capsys, *translate(pairs, tmp_path / "out.jsonl"))
    assert (status, "out.jsonl.lost.json: exists already" in err) == (2, True)
    assert [path.read_bytes() for path in (pairs, reference, beside)] == [before, kept, before]


def test_translate_replaces_a_file_when_forced_and_leaves_no_list_of_an_earlier_one(
    monkeypatch: pytest.MonkeyPatch, capsys: Any, tmp_path: Path, pairs: Path
) -> None:
    out, lost = tmp_path / "out.jsonl", tmp_path / "out.jsonl.lost.json"
    lost.write_text('[{"id": "7", "reason": "of a translation that was stopped", "translated": null}]')
    status, _, _ = call(monkeypatch, capsys, *translate(pairs, out))
    assert (status, out.exists(), lost.exists()) == (0, True, False)
    status, _, err = call(monkeypatch, capsys, *translate(pairs, out))
    assert (status, "out.jsonl: exists already; add --force" in err) == (2, True)
    lost.write_text("[]")
    status, _, _ = call(monkeypatch, capsys, *translate(pairs, out, "--force"))
    assert (status, lost.exists()) == (0, False)
