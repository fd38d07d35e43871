"""Run directories: no foreign file is lost, nothing stale is left, and a kill leaves the old one or the new one."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from crossfare.errors import ConfigError, DataError
from crossfare.run_folder import add_report, claimed, verify

SPEC = {"name": "tiny", "targets": ["pt", "de"]}
SMALLER = {"name": "tiny", "targets": ["pt"]}


def write(folder: Path, spec: Mapping[str, Any] = SPEC, *, force: bool = False, **further: str) -> None:
    """What a run writes, in small: a table and a step for each target."""
    with claimed(folder, spec, force=force) as place, place.rewriting() as new:
        (new / "tables").mkdir()
        (new / "steps").mkdir()
        (new / "spec.yaml").write_text(yaml.safe_dump(dict(spec)))
        (new / "results.json").write_text(json.dumps({"format": 1, "name": spec["name"], "results": [], **further}))
        for target in spec["targets"]:
            (new / "tables" / f"{target}.md").write_text(target)
            (new / "steps" / f"step-{target}").symlink_to(folder.parent, target_is_directory=True)


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_symlink() or path.is_file())


PART = ["checksums.json", "results.json", "spec.yaml", "steps/step-pt", "tables/pt.md"]
WHOLE = sorted([*PART, "steps/step-de", "tables/de.md"])


def test_the_same_spec_runs_again_and_another_one_when_forced_only_and_leaves_nothing_stale(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "run"
    write(folder)
    write(folder, {**SPEC, "energy": True})
    add_report(folder, {"report.html": b"page", "figures/one.svg": b"figure"})
    assert files(folder) == sorted([*WHOLE, "report.html", "figures/one.svg"])
    with pytest.raises(ConfigError, match=r"holds a run of another spec \(other targets\); add --force"):
        write(folder, SMALLER)
    assert files(folder) == sorted([*WHOLE, "report.html", "figures/one.svg"])
    write(folder, SMALLER, force=True)
    assert files(folder) == PART
    assert [path.name for path in folder.parent.iterdir() if path.suffix != ".lock"] == ["run"]


def test_files_that_no_run_wrote_are_kept(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    write(folder, SMALLER)
    (folder / "notes").mkdir()
    own = {"notes/mine.txt": "a", "tables/mine.md": "b", "tables/de.md": "of the same name", ".hidden": "c"}
    for name, text in own.items():
        (folder / name).write_text(text)
    (folder / "notes" / "link").symlink_to("mine.txt")
    write(folder, force=True)
    assert files(folder) == sorted(
        [*WHOLE, ".hidden", "notes/link", "notes/mine.txt", "tables/mine.md", "tables/de.md.kept"]
    )
    assert (folder / "tables" / "de.md").read_text() == "de"
    assert (folder / "tables" / "de.md.kept").read_text() == "of the same name"
    assert (folder / "notes" / "link").read_text() == "a"


def test_a_run_of_an_older_version_has_no_checksums_and_is_written_anew(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    write(folder)
    (folder / "checksums.json").unlink()
    for name in ("report.html", "tables/old.md", "mine.txt"):
        (folder / name).write_text("x")
    verify(folder)
    add_report(folder, {"report.html": b"page"})
    write(folder)
    assert files(folder) == sorted([*WHOLE, "mine.txt"])


def test_a_folder_that_holds_something_else_is_refused_whatever_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "thesis.tex").write_text("precious")
    (foreign / "results.json").write_text('{"accuracy": 0.9}')
    file = tmp_path / "file"
    file.write_text("x")
    with pytest.raises(ConfigError, match="holds files that no run wrote; choose another --out"):
        write(foreign, force=True)
    for place in (file, file / "below"):
        with pytest.raises(ConfigError, match="choose another"):
            write(place, force=True)
    for name in ("a\0b", "x" * 5000):
        with pytest.raises(ConfigError, match="cannot be written"):
            write(tmp_path / name)
    monkeypatch.chdir(foreign)
    for place in (foreign, tmp_path, Path(), Path("..")):
        with pytest.raises(ConfigError, match="is the folder you are in"):
            write(place, force=True)
    assert (files(foreign), file.read_text()) == (["results.json", "thesis.tex"], "x")


def test_the_results_that_are_there_are_counted(tmp_path: Path) -> None:
    with claimed(tmp_path / "run", SPEC) as place:
        assert place.results == 0
        with place.rewriting() as new:
            (new / "results.json").write_text('{"format": 1, "name": "tiny", "results": [1, 2, 3]}')
        assert place.results == 3


def test_an_empty_folder_and_a_link_to_one_are_filled(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.mkdir()
    link.symlink_to(real)
    write(link)
    write(link)
    assert link.is_symlink()
    assert files(real) == WHOLE


def test_what_fails_while_it_is_written_leaves_the_old_run(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    write(folder)
    before = (folder / "results.json").read_bytes()
    with pytest.raises(RuntimeError), claimed(folder, SPEC) as place, place.rewriting() as new:
        (new / "results.json").write_text("half")
        raise RuntimeError
    assert (folder / "results.json").read_bytes() == before
    write(folder)
    assert files(folder) == WHOLE


def test_two_runs_do_not_write_to_one_folder(tmp_path: Path) -> None:
    with claimed(tmp_path / "run", SPEC), pytest.raises(ConfigError, match="another run is writing there"):
        write(tmp_path / "run")
    write(tmp_path / "run")


@pytest.mark.parametrize("name", ["results.json", "spec.yaml"])
def test_a_run_that_was_changed_is_named(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "run"
    write(folder)
    verify(folder)
    stat = (folder / name).stat()
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[:-2] + bytes([content[-2] ^ 1]) + content[-1:])
    os.utime(folder / name, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    with pytest.raises(DataError, match=rf"{name}: was changed since the run wrote it; run its spec again"):
        verify(folder)
    shutil.copytree(folder, tmp_path / "copy", symlinks=True)
    with pytest.raises(DataError, match="was changed"):
        verify(tmp_path / "copy")
    write(folder, force=True)
    verify(folder)


def test_a_report_replaces_an_earlier_one_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    write(folder)
    add_report(folder, {"figures/a.svg": b"1"})
    add_report(folder, {"figures/a.svg": b"2", "figures/b.svg": b"2"})
    (folder / "figures" / "mine.svg").write_text("precious")
    with pytest.raises(ConfigError, match=r"mine\.svg: exists already, and no report wrote it; add --force"):
        add_report(folder, {"figures/a.svg": b"3", "figures/mine.svg": b"3"})
    assert (folder / "figures" / "a.svg").read_bytes() == b"2"
    add_report(folder, {"figures/mine.svg": b"3"}, force=True)
    write(folder)
    assert files(folder) == WHOLE


PROGRAM = f"""
import sys
from pathlib import Path
sys.path[:0] = {[str(Path(__file__).parent)]!r}
from test_run_folder import write
folder, count = Path(sys.argv[1]), int(sys.argv[2])
while True:
    count += 1
    write(folder, made=str(count))
    print(count, flush=True)
"""


def test_killed_anywhere_it_is_the_old_run_or_the_new_one(tmp_path: Path) -> None:
    folder, draw, count = tmp_path / "run", random.Random(5), 0
    write(folder, made="0")
    (folder / "mine.txt").write_text("precious")
    for _ in range(6):
        with subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(folder), str(count)], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(draw.uniform(0, 0.03))
            process.kill()
            said = process.stdout.read().split()
        with claimed(folder, SPEC):  # what a run begins with
            verify(folder)
            made = int(json.loads((folder / "results.json").read_text())["made"])
        done = int(said[-1]) if said else count + 1
        assert made in (done, done + 1)
        assert files(folder) == sorted([*WHOLE, "mine.txt"])
        count = made
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix != ".lock") == ["run"]


def test_a_run_that_was_killed_between_the_two_renames_is_put_back(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    write(folder)
    folder.rename(tmp_path / ".run.old")
    with claimed(folder, SPEC):
        assert files(folder) == WHOLE
    shutil.copytree(folder, tmp_path / ".run.old", symlinks=True)
    (tmp_path / ".run.new").mkdir()
    write(folder)
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".lock"] == ["run"]
