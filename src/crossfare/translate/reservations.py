"""Who is about to buy which text: reservations in the translation memory, so that no two processes pay for the same.

A text is reserved before it is sent, and no longer once its translation is stored. Whose process has died is found by a
lock on a file, which the system lets go of however a process ends. What such a process had on its way may have been
billed: it is bought again, and counted.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from filelock import FileLock, Timeout

TABLE = """CREATE TABLE IF NOT EXISTS reservation (
    scope INTEGER NOT NULL, hash BLOB NOT NULL, owner TEXT NOT NULL, request INTEGER NOT NULL,
    PRIMARY KEY (scope, hash)) WITHOUT ROWID"""

_LEFT_BEHIND = 86400.0
"""Seconds: a file of an owner that nobody holds for so long was left by a process that was killed."""

_AT_ONCE = 500

Writing = Callable[[], AbstractContextManager[tuple[sqlite3.Connection, int]]]
"""Begins a transaction of the memory, and gives the number of the scope that is meant."""


@lru_cache(maxsize=4096)
def hashed(text: str) -> bytes:
    """The key of a text."""
    return hashlib.sha256(text.encode("utf-8")).digest()


@dataclass(frozen=True, slots=True)
class Owner:
    """Somebody who buys, for as long as a file in ``folder`` is locked."""

    folder: Path
    name: str
    writing: Writing

    def alive(self, owner: str) -> bool:
        """Whether an owner still is there."""
        path = self.folder / owner
        return owner == self.name or (path.exists() and not _removed(path))


@dataclass(slots=True)
class Purchases:
    """Texts that are about to be bought; without an ``owner`` nothing is reserved.

    ``doubtful`` are requests that were on their way when their process was killed, as far as they are sent again, and
    ``doubtful_texts`` how many texts of them are.
    """

    owner: Owner | None
    doubtful: set[tuple[str, int]] = field(default_factory=set)
    doubtful_texts: int = 0

    def reserve(self, requests: Sequence[Sequence[str]]) -> list[list[str]]:
        """The texts of each request that nobody else is about to buy, reserved; look them up once more before."""
        if self.owner is None:
            return [list(texts) for texts in requests]
        alive: dict[str, bool] = {}
        mine: list[list[str]] = []
        with self.owner.writing() as (connection, scope):
            for texts in requests:
                number = secrets.randbits(62)
                keys = {text: hashed(text) for text in texts}
                taken = self._taken(connection, scope, list(keys.values()), alive)
                free = [text for text, key in keys.items() if key not in taken]
                rows = ((scope, keys[text], self.owner.name, number) for text in free)
                connection.executemany("INSERT OR REPLACE INTO reservation VALUES (?, ?, ?, ?)", rows)
                mine.append(free)
        return mine

    @property
    def doubt(self) -> str:
        """What may be billed twice, in a clause; empty if nothing may."""
        if not self.doubtful:
            return ""
        return (
            f"{len(self.doubtful):,} requests had no answer when their process was killed; "
            f"{self.doubtful_texts:,} texts of them were asked for again, and may be billed twice"
        )

    def let_go(self, texts: Sequence[str] | None = None) -> None:
        """Let others buy texts; by default all that are reserved."""
        if self.owner is None:
            return
        query = "DELETE FROM reservation WHERE owner = ?"
        with self.owner.writing() as (connection, scope):
            if texts is None:
                connection.execute(query, (self.owner.name,))
            else:
                rows = ((self.owner.name, scope, hashed(text)) for text in texts)
                connection.executemany(f"{query} AND scope = ? AND hash = ?", rows)

    def _taken(
        self, connection: sqlite3.Connection, scope: int, keys: list[bytes], alive: dict[str, bool]
    ) -> set[bytes]:
        """Those that others are about to buy; what a dead owner had is noted."""
        assert self.owner is not None
        found: list[tuple[bytes, str, int]] = []
        for start in range(0, len(keys), _AT_ONCE):
            some = keys[start : start + _AT_ONCE]
            marks = ",".join("?" * len(some))
            query = f"SELECT hash, owner, request FROM reservation WHERE scope = ? AND hash IN ({marks})"
            found += connection.execute(query, (scope, *some))
        taken: set[bytes] = set()
        for key, owner, request in found:
            if owner not in alive:
                alive[owner] = self.owner.alive(owner)
            if alive[owner]:
                taken.add(key)
            else:
                self.doubtful.add((owner, request))
                self.doubtful_texts += 1
        return taken


@contextmanager
def buying(memory: Path, writing: Writing) -> Iterator[Purchases]:
    """Reserve texts of a translation memory, until the block ends."""
    folder = memory.with_name(f"{memory.name}.buying")
    folder.mkdir(parents=True, exist_ok=True)
    _tidy(folder)
    owner = Owner(folder, f"{os.getpid()}-{secrets.token_hex(6)}", writing)
    lock = FileLock(folder / owner.name, thread_local=False)
    with lock:
        made = Purchases(owner)
        try:
            yield made
        finally:
            made.let_go()
            (folder / owner.name).unlink(missing_ok=True)


def _tidy(folder: Path) -> None:
    """Remove what killed processes left long ago; a file that has just been made may not be locked yet."""
    for path in folder.iterdir():
        with suppress(OSError):
            if path.stat().st_mtime < time.time() - _LEFT_BEHIND:
                _removed(path)


def _removed(path: Path) -> bool:
    """Remove the file of an owner, unless somebody holds it."""
    lock = FileLock(path, thread_local=False)
    try:
        with lock.acquire(timeout=0):
            path.unlink(missing_ok=True)
    except Timeout:
        return False
    return True
