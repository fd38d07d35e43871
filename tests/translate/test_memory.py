from __future__ import annotations

import os
import pickle
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from fakes import ScriptedEngine

from crossfare.errors import ConfigError, EngineTransient, StaleArtifact
from crossfare.translate import TranslationMemory, segments, translate_texts
from crossfare.translate import memory as memory_module
from crossfare.translate.memory import Remembered, Scope
from crossfare.translate.reservations import hashed
from crossfare.translate.shares import Share, shares, total_usage
from crossfare.types import Usage

SCOPE = Scope("engine", "1", "en", "pt")
HERE = Path(__file__).parent


def entry(translation: str, seconds: float = 1.0) -> Remembered:
    return Remembered(translation, Share(seconds=seconds, characters=3.0, hardware="cpu"))


@pytest.fixture
def memory(tmp_path: Path) -> TranslationMemory:
    return TranslationMemory(tmp_path / "deep" / "memory.sqlite")


def test_what_is_stored_is_found_with_its_cost(memory: TranslationMemory) -> None:
    texts = {
        "gato 🐈": entry("cat"),
        "e\u0301": entry("NFD"),
        "\u00e9": entry("NFC"),
        "": entry("x"),
        "nul\0": entry("y"),
    }
    memory.remember(texts, SCOPE)
    assert memory.look_up([*texts, "unknown"], SCOPE) == texts
    assert memory.count() == 5


@pytest.mark.parametrize("field", Scope._fields)
def test_another_engine_revision_or_language_is_another_key(memory: TranslationMemory, field: str) -> None:
    memory.remember({"a": entry("b")}, SCOPE)
    assert memory.look_up(["a"], SCOPE._replace(**{field: "other"})) == {}


def test_many_texts_are_looked_up_in_batches(memory: TranslationMemory) -> None:
    texts = {str(i): entry(str(-i)) for i in range(1700)}
    memory.remember(texts, SCOPE)
    assert memory.look_up(list(texts), SCOPE) == texts


def test_the_first_translation_stays(memory: TranslationMemory) -> None:
    memory.remember({"a": entry("first")}, SCOPE)
    memory.remember({"a": entry("second")}, SCOPE)
    assert memory.look_up(["a"], SCOPE)["a"].translation == "first"


def test_a_failing_batch_stores_nothing(memory: TranslationMemory) -> None:
    with pytest.raises(AttributeError):
        memory.remember({"a": entry("b"), "c": None}, SCOPE)  # type: ignore[dict-item]
    assert memory.count() == 0


def test_texts_can_be_read_with_any_sqlite_tool(memory: TranslationMemory) -> None:
    memory.remember({"gato": entry("cat")}, SCOPE)
    connection = sqlite3.connect(memory.path)
    assert connection.execute("SELECT text, translation FROM translation").fetchall() == [("gato", "cat")]
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def change(memory: TranslationMemory, statement: str) -> None:
    connection = sqlite3.connect(memory.path)
    with connection:
        connection.execute(statement)
    connection.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE translation SET text = 'cão'",
        "UPDATE translation SET translation = 'dog'",
        "UPDATE translation SET translation = x'00ff'",
        "UPDATE translation SET translation = CAST(x'00ff' AS TEXT)",
        "UPDATE translation SET seconds = x'00ff'",
        "UPDATE translation SET seconds = 0.5",
        "UPDATE translation SET characters = NULL",
        "UPDATE translation SET characters = 'many'",
        "UPDATE translation SET output_tokens = 7",
        "UPDATE translation SET hardware = NULL",
        "UPDATE translation SET measured = 0",
        "UPDATE translation SET scope = (SELECT max(id) FROM scope)",
        "UPDATE translation SET checksum = x'00'",
    ],
)
def test_a_row_that_was_changed_is_not_used_and_written_anew(
    memory: TranslationMemory, statement: str, caplog: pytest.LogCaptureFixture
) -> None:
    other = SCOPE._replace(target="de")
    memory.remember({"gato": entry("cat"), "cão": entry("dog")}, SCOPE)
    memory.look_up([], other)
    memory.remember({}, other)
    change(memory, f"{statement} WHERE text = 'gato'")
    for scope in (SCOPE, other):
        assert memory.look_up(["gato"], scope) == {}
    assert "1 of its rows were changed since they were written" in caplog.text
    memory.remember({"gato": entry("katze")}, SCOPE)
    assert memory.look_up(["gato", "cão"], SCOPE) == {"gato": entry("katze"), "cão": entry("dog")}


def test_an_older_file_is_read_sealed_and_still_read_by_older_versions(memory: TranslationMemory) -> None:
    memory.remember({"gato": entry("cat"), "cão": entry("dog")}, SCOPE)
    memory.close()
    change(memory, "ALTER TABLE translation DROP COLUMN checksum")
    assert memory.look_up(["gato"], SCOPE) == {"gato": entry("cat")}
    memory.close()
    change(memory, "UPDATE translation SET translation = 'x' WHERE text = 'gato'")
    change(
        memory, "INSERT INTO translation (scope, hash, text, translation, measured) VALUES (1, x'00', 'old', 'x', 1)"
    )
    assert memory.look_up(["gato", "cão"], SCOPE) == {"cão": entry("dog")}
    assert memory.count() == 3


def test_a_row_of_an_older_version_has_no_checksum_and_is_used(memory: TranslationMemory) -> None:
    memory.remember({"gato": entry("cat")}, SCOPE)
    change(memory, "UPDATE translation SET checksum = NULL")
    assert memory.look_up(["gato"], SCOPE) == {"gato": entry("cat")}


@pytest.mark.parametrize("size", [10, 5000])
def test_a_damaged_file_is_named_with_what_to_do(tmp_path: Path, size: int) -> None:
    path = tmp_path / "memory.sqlite"
    path.write_bytes(b"no database " * size)
    with pytest.raises(StaleArtifact, match=r"memory\.sqlite: damaged.*delete it"):
        TranslationMemory(path).look_up(["a"], SCOPE)


def test_damage_inside_the_file_is_named_too(memory: TranslationMemory) -> None:
    memory.remember({str(i): entry("x" * 500) for i in range(500)}, SCOPE)
    memory.close()
    content = bytearray(memory.path.read_bytes())
    content[4096 * 3 :] = b"\xff" * (len(content) - 4096 * 3)
    memory.path.write_bytes(bytes(content))
    with pytest.raises(StaleArtifact, match="damaged"):
        memory.look_up([str(i) for i in range(500)], SCOPE)


def test_another_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE precious (x)")
    connection.close()
    with pytest.raises(StaleArtifact, match="not a translation memory"):
        TranslationMemory(path).count()
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("precious",)]
    connection.close()


def test_a_file_of_another_version_is_refused(memory: TranslationMemory) -> None:
    memory.count()
    memory.close()
    connection = sqlite3.connect(memory.path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StaleArtifact, match="version 99"):
        memory.count()


def test_a_path_that_cannot_be_opened_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be opened"):
        TranslationMemory(tmp_path).count()


def test_a_lock_that_is_not_released_is_reported(memory: TranslationMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    memory.count()
    holder = sqlite3.connect(memory.path)
    holder.execute("BEGIN IMMEDIATE")
    monkeypatch.setattr(memory_module, "_BUSY_SECONDS", 0.05)
    with pytest.raises(EngineTransient, match="locked"):
        TranslationMemory(memory.path).remember({"a": entry("b")}, SCOPE)
    holder.close()


def test_threads_and_pickles_get_their_own_connection(memory: TranslationMemory) -> None:
    memory.remember({"a": entry("b")}, SCOPE)
    copy = pickle.loads(pickle.dumps(memory))
    assert copy.look_up(["a"], SCOPE)
    found: list[dict[str, Remembered]] = []

    def look() -> None:
        found.append(memory.look_up(["a"], SCOPE))
        memory.close()

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert found == [{"a": entry("b")}]
    with memory:
        pass


def test_shares_add_up_to_what_was_consumed() -> None:
    usage = Usage(seconds=0.7, requests=1, characters=13, input_tokens=7, hardware="cpu")
    assert total_usage(shares(usage, [1, 2, 3, 7, 0])) == usage
    assert total_usage(shares(usage, [0, 0, 0])) == usage


def test_hardware_and_derived_figures_are_kept_when_adding() -> None:
    both = total_usage([Share(seconds=1, hardware="cpu"), Share(seconds=2, hardware="H100", measured=False)] * 2)
    assert both == Usage(seconds=6.0, hardware="H100+cpu", measured=False)


def test_failures_are_tried_again(memory: TranslationMemory) -> None:
    spy = ScriptedEngine(lambda text: None if text == "b" else text)
    for _ in range(2):
        translate_texts(["a", "b"], spy, source="en", target="pt", memory=memory)
    assert spy.calls == [["a", "b"], ["b"]]


def test_texts_that_another_process_translated_meanwhile_are_not_sent(
    memory: TranslationMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segments, "CHUNK", 2)

    def sly(text: str) -> str:
        memory.remember({"c": entry("from elsewhere")}, Scope("scripted", "1", "en", "pt"))
        return text.upper()

    spy = ScriptedEngine(sly)
    made = translate_texts(["a", "b", "c", "d"], spy, source="en", target="pt", memory=memory)
    assert made.texts == ("A", "B", "from elsewhere", "D")
    assert spy.calls == [["a", "b"], ["d"]]


WORKER = """
import sys, time
from pathlib import Path
sys.path.insert(0, {here!r})
from fakes import ScriptedEngine
from crossfare.translate import TranslationMemory, segments, translate_texts

segments.CHUNK = 5
log, pause = Path(sys.argv[2]), float(sys.argv[3])

class Logged(ScriptedEngine):
    def translate(self, texts, *, source, target):
        with log.open("a") as file:
            file.write("".join(text + chr(10) for text in texts))
        time.sleep(pause)
        return super().translate(texts, source=source, target=target)

texts = [f"text {{i}}" for i in range(100)]
with TranslationMemory(sys.argv[1]) as memory:
    made = translate_texts(texts, Logged(str.upper), source="en", target="pt", memory=memory)
assert made.texts == tuple(text.upper() for text in texts)
"""


def worker(tmp_path: Path, log: str, pause: float) -> subprocess.Popen[bytes]:
    script = tmp_path / "worker.py"
    script.write_text(WORKER.format(here=str(HERE)))
    return subprocess.Popen([sys.executable, str(script), str(tmp_path / "m.sqlite"), str(tmp_path / log), str(pause)])


def lines(path: Path) -> list[str]:
    return path.read_text().split("\n")[:-1] if path.exists() else []


def test_two_processes_share_one_memory(tmp_path: Path) -> None:
    started = [worker(tmp_path, f"log{i}", 0.01) for i in range(2)]
    assert [process.wait(timeout=120) for process in started] == [0, 0]
    assert TranslationMemory(tmp_path / "m.sqlite").count() == 100


def test_a_killed_run_translates_at_most_one_chunk_twice(tmp_path: Path) -> None:
    first = worker(tmp_path, "first", 0.05)
    deadline = time.monotonic() + 120
    while len(lines(tmp_path / "first")) < 25 and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(first.pid, signal.SIGKILL)
    assert first.wait() == -signal.SIGKILL
    sent = lines(tmp_path / "first")
    assert 25 <= len(sent) < 100
    assert worker(tmp_path, "second", 0).wait(timeout=120) == 0
    again = set(sent) & set(lines(tmp_path / "second"))
    assert len(again) <= 5
    assert set(sent) | set(lines(tmp_path / "second")) == {f"text {i}" for i in range(100)}


_AT_FIRST = (
    """CREATE TABLE scope (
        id INTEGER PRIMARY KEY, engine TEXT NOT NULL, revision TEXT NOT NULL, source TEXT NOT NULL,
        target TEXT NOT NULL, UNIQUE (engine, revision, source, target))""",
    """CREATE TABLE translation (
        scope INTEGER NOT NULL REFERENCES scope(id), hash BLOB NOT NULL, text TEXT NOT NULL,
        translation TEXT NOT NULL, seconds REAL, requests REAL, characters REAL, input_tokens REAL,
        output_tokens REAL, energy_kwh REAL, hardware TEXT, measured INTEGER NOT NULL, PRIMARY KEY (scope, hash))""",
    "INSERT INTO scope VALUES (1, 'engine', '1', 'en', 'pt')",
    "PRAGMA user_version = 1",
)


def test_a_file_from_before_times_were_told_apart_is_read_and_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "memory.sqlite"
    connection = sqlite3.connect(path)
    for statement in _AT_FIRST:
        connection.execute(statement)
    insert = "INSERT INTO translation VALUES (1, ?, ?, 'cat', 2.0, 0.5, 4.0, NULL, NULL, NULL, 'cpu', 1)"
    connection.execute(insert, (hashed("gato"), "gato"))
    connection.commit()
    connection.close()
    memory = TranslationMemory(path)
    (old,) = memory.look_up(["gato"], SCOPE).values()
    assert (old.translation, old.share.seconds, old.share.served_seconds) == ("cat", 2.0, None)
    assert memory.pace(SCOPE) == (0.5, 0.5)
    timed = Share(seconds=12.0, characters=4.0, served_seconds=6.0, waited_seconds=3.0, worked_seconds=1.0)
    memory.remember({"cao": Remembered("dog", timed)}, SCOPE)
    assert memory.look_up(["cao"], SCOPE)["cao"].share == timed
    assert memory.pace(SCOPE) == ((2.0 + 10.0) / 8, (2.0 + 12.0) / 8)
    memory.close()
    connection = sqlite3.connect(path)  # as a version that knows the first columns only
    named = "scope, hash, text, translation, seconds, measured"
    connection.execute(f"INSERT INTO translation ({named}) VALUES (1, ?, 'pao', 'bread', 1.0, 1)", (b"x",))
    connection.close()
