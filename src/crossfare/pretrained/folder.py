"""Identify a checkpoint folder by its content."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

# Whatever can change a model's answer. A training state, logs and readmes cannot.
_WEIGHTS = (".safetensors", ".bin", ".model", ".spm", ".txt")
_NOT_CONTENT = {"training_args.bin", "optimizer.pt", "trainer_state.json", "all_results.json"}


def content_revision(folder: Path) -> str:
    """Hash weights, configuration and tokenizer files of a checkpoint (16 hex digits).

    Files are read again only if their size or modification time has changed.
    """
    hasher = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.name not in _NOT_CONTENT and path.suffix in {*_WEIGHTS, ".json"}:
            status = path.stat()
            hasher.update(f"{path.name} {file_sha256(path, status.st_size, status.st_mtime_ns)}\n".encode())
    return hasher.hexdigest()[:16]


@lru_cache(maxsize=256)
def file_sha256(path: Path, size: int, modified_ns: int) -> str:  # noqa: ARG001 - they are the cache's key
    """Hash a file; ``size`` and ``modified_ns`` only say whether an earlier answer still holds."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
