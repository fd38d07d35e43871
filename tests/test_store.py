"""Content-addressed artifacts: done only when marked, whole or absent, remade never."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from crossfare.errors import DataError, StaleArtifact
from crossfare.store import Store, cache_folder, file_name
from crossfare.types import Step, Usage

STEP = Step("score", {"task": "qa"}, {"data": ("dataset-0",)}, label="a label")


def make(store: Store, step: Step = STEP, text: str = "made") -> bool:
    with store.making(step) as work:
        if work is None:
            return False
        (work / "artifact" / "file.txt").write_text(text)
        store.finish(step, Usage(seconds=1.5, characters=3))
        return True


def test_a_finished_step_is_found_again_with_what_it_consumed(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert not store.done(STEP.id)
    assert make(store)
    assert not make(store, text="made twice")
    assert (store.artifact(STEP.id) / "file.txt").read_text() == "made"
    assert Store(tmp_path).usage(STEP.id) == Usage(seconds=1.5, characters=3)


def test_an_interrupted_step_is_not_done_and_keeps_its_work(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with pytest.raises(RuntimeError), store.making(STEP) as work:
        assert work is not None
        (work / "artifact" / "half").write_text("half")
        raise RuntimeError
    assert not store.done(STEP.id)
    with store.making(STEP) as work:
        assert work is not None
        assert (work / "artifact" / "half").exists()


def test_a_folder_without_its_marker_is_made_anew(tmp_path: Path) -> None:
    store = Store(tmp_path)
    make(store)
    (store.folder(STEP.id) / "done").unlink()
    assert not store.done(STEP.id)
    assert make(store, text="again")
    assert (store.artifact(STEP.id) / "file.txt").read_text() == "again"


def test_an_unreadable_usage_record_names_what_to_delete(tmp_path: Path) -> None:
    store = Store(tmp_path)
    make(store)
    (store.folder(STEP.id) / "usage.json").write_text("{")
    with pytest.raises(StaleArtifact, match=STEP.id):
        store.usage(STEP.id)


def edit(path: Path) -> None:
    """Change a file, and neither its size nor its time."""
    stat, content = path.stat(), path.read_bytes()
    path.write_bytes(bytes([content[0] ^ 1]) + content[1:])
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def lengthen(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b" ")


def accompany(path: Path) -> None:
    path.with_name("adapter_config.json").write_text("{}")


@pytest.mark.parametrize("change", [edit, lengthen, Path.unlink, accompany])
@pytest.mark.parametrize("name", ["artifact/file.txt", "usage.json", "step.json"])
def test_a_step_that_was_changed_is_not_done_and_made_again(
    tmp_path: Path, name: str, change: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    store = Store(tmp_path)
    make(store)
    change(store.folder(STEP.id) / name)
    assert not store.done(STEP.id)
    with pytest.raises(StaleArtifact, match=STEP.id):
        store.usage(STEP.id)
    with pytest.raises(StaleArtifact, match=STEP.id):
        store.check(STEP.id)
    assert make(store, text="anew")
    (line,) = caplog.records
    assert "since it was made; it is made again, the other is in" in line.getMessage()
    assert (store.artifact(STEP.id) / "file.txt").read_text() == "anew"
    assert store.usage(STEP.id) == Usage(seconds=1.5, characters=3)
    assert (tmp_path / "damaged" / STEP.id / "artifact").is_dir()


@pytest.mark.parametrize("marker", ["{", "[]", '{"format": 1}', '{"files": {"usage.json": 1}}', "[" * 100_000])
def test_a_marker_that_says_nothing_marks_nothing(tmp_path: Path, marker: str) -> None:
    store = Store(tmp_path)
    make(store)
    (store.folder(STEP.id) / "done").write_text(marker)
    assert not store.done(STEP.id)
    assert make(store)


def test_a_change_is_seen_by_a_process_that_has_looked_before_and_of_the_same_size_and_time_by_another(
    tmp_path: Path,
) -> None:
    store = Store(tmp_path)
    make(store)
    assert store.done(STEP.id)
    edit(store.artifact(STEP.id) / "file.txt")
    program = "import sys; from pathlib import Path; from crossfare.store import Store\n"
    program += "print(Store(Path(sys.argv[1])).done(sys.argv[2]))"
    command = [sys.executable, "-c", program, str(tmp_path), STEP.id]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == "False\n"
    os.utime(store.artifact(STEP.id) / "file.txt")
    assert not store.done(STEP.id)


def test_a_step_under_the_name_of_another_is_not_used(tmp_path: Path) -> None:
    store, other = Store(tmp_path), Step("score", {"task": "nli"}, {"data": ("dataset-0",)})
    make(store)
    make(store, other)
    shutil.rmtree(store.folder(STEP.id))
    store.folder(other.id).rename(store.folder(STEP.id))
    assert not store.done(STEP.id)
    assert store.damage(STEP.id) == "'step.json' was changed, it describes another step"


def test_a_step_of_an_older_cache_is_taken_as_it_is_and_sealed(tmp_path: Path) -> None:
    store = Store(tmp_path)
    make(store)
    (store.folder(STEP.id) / "done").write_bytes(b"")
    assert store.done(STEP.id)
    lengthen(store.artifact(STEP.id) / "file.txt")
    assert not store.done(STEP.id)


def test_a_large_file_is_read_again_only_if_its_time_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crossfare.seal.HASHED", 3)
    store = Store(tmp_path)
    make(store)
    edit(store.artifact(STEP.id) / "file.txt")
    assert store.done(STEP.id)
    os.utime(store.artifact(STEP.id) / "file.txt")
    assert not store.done(STEP.id)


def test_a_cache_that_was_copied_is_used(tmp_path: Path) -> None:
    make(Store(tmp_path / "one"))
    shutil.copytree(tmp_path / "one", tmp_path / "other", copy_function=shutil.copyfile)
    assert Store(tmp_path / "other").done(STEP.id)


def test_two_processes_make_a_step_once(tmp_path: Path) -> None:
    program = textwrap.dedent("""
        import sys, time
        from pathlib import Path
        from crossfare.store import Store
        from crossfare.types import Step, Usage
        step, store = Step("score", {"task": "race"}), Store(Path(sys.argv[1]))
        with store.making(step) as work:
            if work is not None:
                time.sleep(0.5)
                store.finish(step, Usage())
                print("made")
    """)
    command = [sys.executable, "-c", program, str(tmp_path)]
    racing = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    outputs = [process.communicate(timeout=60)[0] for process in racing]
    assert [process.returncode for process in racing] == [0, 0]
    assert "".join(outputs) == "made\n"


def test_the_cache_folder_can_be_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CROSSFARE_CACHE", str(tmp_path / "here"))
    assert cache_folder() == tmp_path / "here"
    assert Store().root == tmp_path / "here"


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "a/b", "a\\b", "/etc", "a\0", "a\n", ".hidden", "x" * 151, "é"]
)
def test_a_name_from_data_that_is_no_plain_name_never_becomes_a_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="cannot be part of a file's name"):
        file_name(name)
    with pytest.raises(DataError, match="cannot be part of a file's name"):
        Store(tmp_path).done(name)


def test_names_that_are_made_here_are_plain() -> None:
    for name in ("translate-0123456789abcdef", "nli-pt-BR", "ranking-de+pt", "results.json"):
        assert file_name(name) == name
