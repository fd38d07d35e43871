"""The translation memory: nothing is translated, or paid, twice.

One SQLite file for all engines and runs, keyed by engine, revision (which covers the decoding
options), languages and text. Each row keeps what the translation consumed when it was made, so that
work answered from the memory keeps its cost, and a checksum of all of it: a row that was changed since
is not used, and its text is translated again.
"""

from __future__ import annotations

import hashlib
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from crossfare.errors import ConfigError, EngineTransient, StaleArtifact
from crossfare.translate import reservations
from crossfare.translate.reservations import Purchases, hashed
from crossfare.translate.shares import AMOUNTS, Share
from crossfare.types import canonical_json

_LOG = logging.getLogger(__name__)

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
_ADDED = {
    **dict.fromkeys(("served_seconds", "waited_seconds", "worked_seconds", "cached_tokens"), "REAL"),
    "checksum": "BLOB",
}


_COLUMNS = (*AMOUNTS, "hardware", "measured")
_SCOPE = "engine, revision, source, target"


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
        with self._guarded() as connection:
            rows = list(_rows(connection, self._scope_id(connection, scope), scope, map(hashed, texts)))
        if damaged := sum(not row.intact for row in rows):
            _LOG.warning("%s: %d of its rows were changed since they were written; not used", self.path, damaged)
        return {row.text: row.entry for row in rows if row.intact}

    def remember(self, entries: Mapping[str, Remembered], scope: Scope) -> None:
        """Store translations, all or none, which nobody has reserved any longer.

        What is stored already stays as it is, unless it was changed since.
        """
        marks = ",".join("?" * (5 + len(_COLUMNS)))
        with self._guarded() as connection, connection:
            scope_id = self._scope_id(connection, scope)
            stored = _rows(connection, scope_id, scope, map(hashed, entries))
            damaged = [(scope_id, row.hash) for row in stored if not row.intact]
            connection.executemany("DELETE FROM translation WHERE scope = ? AND hash = ?", damaged)
            reserved = [(scope_id, hashed(text)) for text in entries]
            connection.executemany("DELETE FROM reservation WHERE scope = ? AND hash = ?", reserved)
            connection.executemany(
                f"INSERT OR IGNORE INTO translation (scope, hash, text, translation, checksum, {','.join(_COLUMNS)}) "
                f"VALUES ({marks})",
                [
                    (scope_id, hashed(text), text, entry.translation, _checksum(scope, text, entry), *_values(entry))
                    for text, entry in entries.items()
                ],
            )

    @contextmanager
    def buying(self, scope: Scope) -> Iterator[Purchases]:
        """Reserve texts of a scope before they are bought; what is reserved at the end no longer is."""
        with reservations.buying(self.path, lambda: self._writing(scope)) as made:
            yield made

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
    def _writing(self, scope: Scope) -> Iterator[tuple[sqlite3.Connection, int]]:
        """A transaction that need not outlast the machine, as it is about what processes do, and the scope's number."""
        with self._guarded() as connection:
            scope_id = self._scope_id(connection, scope)
            connection.execute("PRAGMA synchronous = NORMAL")
            try:
                connection.execute("BEGIN IMMEDIATE")
                with connection:
                    yield connection, scope_id
            finally:
                connection.execute("PRAGMA synchronous = FULL")

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
        connection.text_factory = _text
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

    @contextmanager
    def buying(self, scope: Scope) -> Iterator[Purchases]:  # noqa: ARG002 - in none
        """Reserve nothing."""
        yield Purchases(None)


def _set_up(connection: sqlite3.Connection, path: Path) -> None:
    """Check the version, or make the tables; several processes may do it at the same moment."""
    _write_ahead(connection)
    if not _version(connection, path) or _lacking(connection) or not _has_reservations(connection):
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
    connection.execute(reservations.TABLE)
    lacking = _lacking(connection)
    for column in lacking:
        connection.execute(f"ALTER TABLE translation ADD COLUMN {column} {_ADDED[column]}")
    if "checksum" in lacking:
        _seal(connection)


def _has_reservations(connection: sqlite3.Connection) -> bool:
    query = "SELECT 1 FROM sqlite_master WHERE name = 'reservation'"
    return connection.execute(query).fetchone() is not None


def _lacking(connection: sqlite3.Connection) -> list[str]:
    """The columns that an older file does not have."""
    there = {name for _, name, *_ in connection.execute("PRAGMA table_info(translation)")}
    return [column for column in _ADDED if column not in there]


def _seal(connection: sqlite3.Connection) -> None:
    """Give the rows of an older file their checksums: what they say by now is taken as it is."""
    scopes = {number: Scope(*names) for number, *names in connection.execute(f"SELECT id, {_SCOPE} FROM scope")}
    for number, scope in scopes.items():
        query = "SELECT hash FROM translation WHERE scope = ?"
        hashes = [found for (found,) in connection.execute(query, (number,))]
        sealed = (
            (_checksum(scope, row.text, row.entry), number, row.hash)
            for row in _rows(connection, number, scope, hashes)
        )
        connection.executemany("UPDATE translation SET checksum = ? WHERE scope = ? AND hash = ?", sealed)


class _Row(NamedTuple):
    """A row as it is stored, and whether it says what was written."""

    hash: bytes
    text: str
    entry: Remembered
    intact: bool


def _rows(connection: sqlite3.Connection, scope_id: int, scope: Scope, hashes: Iterable[bytes]) -> Iterator[_Row]:
    """The rows that are there of those with the given keys; one that an older crossfare wrote has no checksum."""
    for batch in _batches(list(dict.fromkeys(hashes)), _LOOKUP_BATCH):
        marks = ",".join("?" * len(batch))
        found = connection.execute(
            f"SELECT hash, CAST(text AS TEXT), CAST(translation AS TEXT), checksum, {','.join(_COLUMNS)} "
            "FROM translation "
            f"WHERE scope = ? AND hash IN ({marks})",
            (scope_id, *batch),
        )
        for key, text, translation, checksum, *amounts, hardware, measured in found.fetchall():
            share = Share(**dict(zip(AMOUNTS, amounts, strict=True)), hardware=hardware, measured=bool(measured))
            entry = Remembered(translation, share)
            yield _Row(key, text, entry, key == hashed(text) and checksum in (None, _checksum(scope, text, entry)))


def _checksum(scope: Scope, text: str, entry: Remembered) -> bytes:
    """A digest of all that a row says; amounts that are not known are left out, as columns of later versions are."""
    amounts = {name: getattr(entry.share, name) for name in AMOUNTS}
    known = {name: _amount(value) for name, value in amounts.items() if value is not None}
    facts = [*scope, text, entry.translation, known, str(entry.share.hardware), bool(entry.share.measured)]
    return hashlib.sha256(canonical_json(facts).encode()).digest()[:16]


def _amount(value: Any) -> float | str:
    """A number as SQLite gives it back; a column may also hold what somebody else put there."""
    return float(value) if isinstance(value, (int, float)) else str(value)


def _values(entry: Remembered) -> tuple[Any, ...]:
    return tuple(getattr(entry.share, column) for column in _COLUMNS)


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


def _text(raw: bytes) -> str:
    """A text of the file; one that is no longer UTF-8 does not fit its checksum."""
    return raw.decode("utf-8", "replace")


def _batches(items: Sequence[bytes], size: int) -> Iterator[Sequence[bytes]]:
    return (items[start : start + size] for start in range(0, len(items), size))
