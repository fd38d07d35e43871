"""What identifies the models and the data that a spec refers to."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from crossfare import pretrained
from crossfare.data import world
from crossfare.data.hub import parse_ref
from crossfare.errors import ConfigError, DataError
from crossfare.types import digest


def resolved(ref: str) -> pretrained.Resolved:
    """A model's folder and revision.

    Raises:
        ConfigError: there is none, or its name cannot be that of a folder.
        EngineUnavailable: the package that carries it is missing.
    """
    try:
        return pretrained.resolve(ref)
    except (OSError, RuntimeError) as error:  # too long a name, a home of nobody's
        raise ConfigError(f"model {ref[:80]!r}: cannot be read ({error}); give a folder or a hub id") from error


@lru_cache(maxsize=256)
def data_revision(ref: str) -> str:
    """Identify the content behind a data reference without reading it as data.

    A file is its SHA-256, a folder the names and SHA-256 of its files, ``world:`` is the revision
    of the embedded texts, a hub id is its name.

    Raises:
        DataError: the file cannot be read.
        ConfigError: a hub id has no owner.
    """
    if ref.startswith("world:"):
        return f"{ref}@{world.REVISION}"
    if ref.startswith("hub:"):
        parse_ref(ref.removeprefix("hub:"))
        return ref
    try:
        if Path(ref).is_dir():
            files = sorted(path for path in Path(ref).rglob("*") if path.is_file())
            return digest({str(path.relative_to(ref)): _sha256(path) for path in files})
        return _sha256(Path(ref))[:16]
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise DataError(f"{ref}: cannot be read ({reason}); correct the path in the spec") from error


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
