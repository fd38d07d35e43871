"""Checksums of the files in a folder: whether they still say what was written.

They guard against damage and against edits that are forgotten, not against somebody who makes the checksums anew.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

HASHED = 1 << 26
"""Bytes of a file above which it is hashed only where its time of change is another than when it was sealed."""

Seal = Mapping[str, Mapping[str, Any]]
"""By path from the folder on: ``sha256``, ``bytes`` and ``mtime_ns``."""

_Stats = Mapping[str, os.stat_result]


def seal(folder: Path, *, leaving: Collection[str] = ()) -> Seal:
    """The checksums of all files below a folder, but of hidden ones and of those ``leaving`` names."""
    return {
        name: {"sha256": _sha256(folder / name), "bytes": stat.st_size, "mtime_ns": stat.st_mtime_ns}
        for name, stat in stats(folder, leaving=leaving).items()
    }


def damage(folder: Path, sealed: Seal, there: _Stats) -> str | None:
    """What first differs from what was sealed, in words; None if nothing does."""
    for name in sorted(sealed.keys() | there.keys()):
        if name not in there:
            return f"{name!a} is missing"
        if name not in sealed:
            return f"{name!a} was added"
        if not unchanged(folder / name, sealed[name], there[name]):
            return f"{name!a} was changed"
    return None


def unchanged(path: Path, facts: Mapping[str, Any], stat: os.stat_result) -> bool:
    """Whether a file is as it was sealed."""
    if stat.st_size != facts["bytes"]:
        return False
    same_time = stat.st_mtime_ns == facts["mtime_ns"]
    return (same_time and stat.st_size > HASHED) or _sha256(path) == facts["sha256"]


def stats(folder: Path, *, leaving: Collection[str] = ()) -> _Stats:
    """Size and time of every file below a folder, by its path from there on; links to folders are not followed."""
    return {name: found for name, found in sorted(_stats(folder, "")) if name not in leaving}


def _stats(folder: Path, above: str) -> Iterator[tuple[str, os.stat_result]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from _stats(Path(entry.path), f"{above}{entry.name}/")
            elif entry.is_file():
                yield f"{above}{entry.name}", entry.stat()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
