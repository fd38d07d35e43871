"""The translation memory: nothing is translated, or paid, twice.

One SQLite file for all engines and runs, keyed by engine, revision (which covers the decoding
options), languages and text. Each row keeps what the translation consumed when it was made, so that
work answered from the memory keeps its cost.
"""

from __future__ import annotations

import hashlib
import math
import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple

from filelock import FileLock

from crossfare.errors import ConfigError, EngineTransient, StaleArtifact
from crossfare.types import Usage, digest

SCHEMA_VERSION = 1
_BUSY_SECONDS = 60.0
_LOOKUP_BATCH = 500
_SCHEMA = (
    """CREATE TABLE scope (
        id INTEGER PRIMARY KEY, engine TEXT NOT NULL, revision TEXT NOT NULL, source TEXT NOT NULL,
        target TEXT NOT NULL, UNIQUE (engine, revision, source, target))""",
    """CREATE TABLE translation (
        scope INTEGER NOT NULL REFERENCES scope(id), hash BLOB NOT NULL, text TEXT NOT NULL,
        translation TEXT NOT NULL, seconds REAL, requests REAL, characters REAL, input_tokens REAL,
        output_tokens REAL, energy_kwh REAL, hardware TEXT, measured INTEGER NOT NULL, PRIMARY KEY (scope, hash))""",
    f"PRAGMA user_version = {SCHEMA_VERSION}",
)

# Columns that files of this version did not have at first; they are added when a file is opened. Who does not know them
# reads and writes the others.
_ADDED = {"served_seconds": "REAL", "waited_seconds": "REAL", "worked_seconds": "REAL"}


@dataclass(frozen=True, slots=True)
class Share:
    """One text's part of what a call consumed: `Usage` with fractions."""

    seconds: float | None = None
    requests: float | None = None
    characters: float | None = None
    input_tokens: float | None = None
    output_tokens: float | None = None
    energy_kwh: float | None = None
    served_seconds: float | None = None
    waited_seconds: float | None = None
    worked_seconds: float | None = None
    hardware: str | None = None
    measured: bool = True


_AMOUNTS = tuple(f.name for f in fields(Share) if f.name not in {"hardware", "measured"})
_COLUMNS = (*_AMOUNTS, "hardware", "measured")


class Remembered(NamedTuple):
    """A translation and its part of the cost."""

    translation: str
    share: Share


class Pace(NamedTuple):
    """What a character took so far: ``seconds`` by the clock, and ``device_seconds``, as an offer of them bills."""

    seconds: float
    device_seconds: float


class Scope(NamedTuple):
    """Whose translations are meant: everything that can change the result but the text."""

    engine: str
    revision: str
    source: str
    target: str


def shares(usage: Usage, weights: Sequence[float]) -> list[Share]:
    """Divide what a call consumed among its texts, in proportion to ``weights`` (their lengths)."""
    total = sum(weights)

    def part(weight: float) -> Share:
        fraction = weight / total if total else 1 / len(weights)
        amounts: dict[str, Any] = {
            name: None if getattr(usage, name) is None else getattr(usage, name) * fraction for name in _AMOUNTS
        }
        return Share(**amounts, hardware=usage.hardware, measured=usage.measured)

    return [part(weight) for weight in weights]


def total_usage(parts: Sequence[Share]) -> Usage:
    """Add shares up again; counts are rounded once, at the end. No share at all is a measured zero."""
    if not parts:
        return Usage(seconds=0.0, requests=0, characters=0)
    sums: dict[str, Any] = {}
    for name in _AMOUNTS:
        values = [value for part in parts if (value := getattr(part, name)) is not None]
        whole = not name.endswith(("seconds", "kwh"))
        sums[name] = None if not values else round(math.fsum(values)) if whole else math.fsum(values)
    hardware = sorted({part.hardware for part in parts if part.hardware})
    return Usage(**sums, hardware="+".join(hardware) or None, measured=all(part.measured for part in parts))


class TranslationMemory:
    """Translations on disk, shared by threads, processes and runs.

    Connections are opened on first use, one for each thread and process, so a memory can be handed
    to a process pool. Keep the file on a local disk: SQLite's write-ahead log needs one.

    Raises:
        StaleArtifact: the file is not a translation memory, is damaged, or was made by another version.
        EngineTransient: another process kept the file locked for a minute, or the disk is full.
        ConfigError: the file cannot be created or opened.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self._local = threading.local()

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.__init__(state["path"])  # type: ignore[misc]

    def __enter__(self) -> TranslationMemory:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def count(self) -> int:
        """Count the translations stored."""
        with self._guarded() as connection:
            return int(connection.execute("SELECT count(*) FROM translation").fetchone()[0])

    def close(self) -> None:
        """Close this thread's connection; it opens again when needed."""
        held = getattr(self._local, "held", None)
        if held and held[0] == os.getpid():
            held[1].close()
        self._local.held = None

    def look_up(self, texts: Sequence[str], scope: Scope) -> dict[str, Remembered]:
        """Return what is known, by text."""
        by_hash = {_hash(text): text for text in texts}
        found: dict[str, Remembered] = {}
        with self._guarded() as connection:
            scope_id = self._scope_id(connection, scope)
            for hashes in _batches(list(by_hash), _LOOKUP_BATCH):
                marks = ",".join("?" * len(hashes))
                rows = connection.execute(
                    f"SELECT hash, text, translation, {','.join(_COLUMNS)} FROM translation "
                    f"WHERE scope = ? AND hash IN ({marks})",
                    (scope_id, *hashes),
                )
                for digest, text, translation, *amounts, hardware, measured in rows:
                    if text != by_hash[digest]:
                        raise StaleArtifact(
                            f"{self.path}: the text of a row does not match its key; delete the file, it is damaged"
                        )
                    share = Share(
                        **dict(zip(_AMOUNTS, amounts, strict=True)), hardware=hardware, measured=bool(measured)
                    )
                    found[text] = Remembered(translation, share)
        return found

    def remember(self, entries: Mapping[str, Remembered], scope: Scope) -> None:
        """Store translations, all or none; what is stored already stays as it is."""
        marks = ",".join("?" * (4 + len(_COLUMNS)))
        with self._guarded() as connection, connection:
            scope_id = self._scope_id(connection, scope)
            connection.executemany(
                f"INSERT OR IGNORE INTO translation (scope, hash, text, translation, {','.join(_COLUMNS)}) "
                f"VALUES ({marks})",
                [
                    (scope_id, _hash(text), text, entry.translation, *(getattr(entry.share, c) for c in _COLUMNS))
                    for text, entry in entries.items()
                ],
            )

    @contextmanager
    def turn(self, scope: Scope) -> Iterator[None]:
        """Wait until no other thread or process has its turn with this scope; a killed one lets go.

        Who looks up, asks and remembers within its turn pays for nothing that another has just paid for.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(self.path.with_name(f"{self.path.name}.{digest(scope)}.lock")):
            yield

    def pace(self, scope: Scope) -> Pace | None:
        """What a character took in this scope so far; None where none was timed."""
        with self._guarded() as connection:
            seconds, device_seconds, characters = connection.execute(
                "SELECT sum(CASE WHEN served_seconds IS NULL THEN seconds ELSE served_seconds + "
                "ifnull(waited_seconds, 0) + ifnull(worked_seconds, 0) END), sum(seconds), sum(characters) "
                "FROM translation WHERE scope = ? AND seconds IS NOT NULL",
                (self._scope_id(connection, scope),),
            ).fetchone()
        return Pace(seconds / characters, device_seconds / characters) if seconds is not None and characters else None

    def _scope_id(self, connection: sqlite3.Connection, scope: Scope) -> int:
        query = "SELECT id FROM scope WHERE engine = ? AND revision = ? AND source = ? AND target = ?"
        row = connection.execute(query, scope).fetchone()
        if row is None:
            with connection:
                connection.execute(
                    "INSERT OR IGNORE INTO scope (engine, revision, source, target) VALUES (?,?,?,?)", scope
                )
            row = connection.execute(query, scope).fetchone()
        return int(row[0])

    @contextmanager
    def _guarded(self) -> Iterator[sqlite3.Connection]:
        """Give this thread's connection, and say in our words what went wrong with it."""
        try:
            yield self._connection()
        except sqlite3.OperationalError as error:
            if "unable to open" in str(error):
                raise ConfigError(f"{self.path}: cannot be opened ({error}); check the path and its rights") from error
            raise EngineTransient(f"{self.path}: {error}; wait for the other process, or free the disk") from error
        except sqlite3.DatabaseError as error:
            raise StaleArtifact(
                f"{self.path}: damaged, or not a translation memory ({error}); "
                "delete it (its texts will be translated again) or restore a copy"
            ) from error

    def _connection(self) -> sqlite3.Connection:
        held = getattr(self._local, "held", None)
        if held is None or held[0] != os.getpid():  # a connection must not cross a fork
            held = (os.getpid(), self._open())
            self._local.held = held
        connection: sqlite3.Connection = held[1]
        return connection

    def _open(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self.path, timeout=_BUSY_SECONDS)
        try:
            _set_up(connection, self.path)
        except BaseException:
            connection.close()
            raise
        return connection


class ReadOnlyMemory(TranslationMemory):
    """A memory that is looked into but learns nothing: for trying what a translation would take."""

    def remember(self, entries: Mapping[str, Remembered], scope: Scope) -> None:
        """Forget them."""


def _set_up(connection: sqlite3.Connection, path: Path) -> None:
    """Check the version, or make the tables; several processes may do it at the same moment."""
    _write_ahead(connection)
    if not _version(connection, path) or _lacking(connection):
        connection.execute("BEGIN IMMEDIATE")
        with connection:
            _make_tables(connection, path)


def _make_tables(connection: sqlite3.Connection, path: Path) -> None:
    """Make what is not there yet: another process may have been faster."""
    if not _version(connection, path):
        if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            raise StaleArtifact(f"{path}: a database, but not a translation memory; name another file")
        for statement in _SCHEMA:
            connection.execute(statement)
    for column in _lacking(connection):
        connection.execute(f"ALTER TABLE translation ADD COLUMN {column} {_ADDED[column]}")


def _lacking(connection: sqlite3.Connection) -> list[str]:
    """The columns that an older file does not have."""
    there = {name for _, name, *_ in connection.execute("PRAGMA table_info(translation)")}
    return [column for column in _ADDED if column not in there]


def _version(connection: sqlite3.Connection, path: Path) -> int:
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version not in (0, SCHEMA_VERSION):
        raise StaleArtifact(
            f"{path}: a translation memory of version {version}, this crossfare reads {SCHEMA_VERSION}; "
            "delete it or name another file"
        )
    return version


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switch to the write-ahead log; SQLite does not wait for a lock here, so we do."""
    deadline = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8")).digest()


def _batches(items: Sequence[bytes], size: int) -> Iterator[Sequence[bytes]]:
    return (items[start : start + size] for start in range(0, len(items), size))
