"""What is drawn for reports, kept in the cache folder by what it shows: a report made again draws what has changed."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from crossfare.errors import ConfigError
from crossfare.store import cache_folder, changed, mark
from crossfare.types import digest

Files = Mapping[str, bytes]


def kept(shown: Any, draw: Callable[[], Files]) -> Files:
    """What ``draw`` makes of ``shown`` (plain data), by name; read from the cache folder where it lies there unchanged.

    A cache that cannot be read or written is done without.
    """
    folder = cache_folder() / "drawn" / digest({"by": version("vl-convert-python"), "shown": shown}, 32)
    if (found := _read(folder)) is not None:
        return found
    made = draw()
    with suppress(OSError, ConfigError):
        _keep(folder, made)
    return made


def _read(folder: Path) -> Files | None:
    with suppress(OSError):
        if (folder / "done").stat().st_size and changed(folder) is None:
            return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "done"}
    return None


def _keep(folder: Path, made: Files) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    making = Path(mkdtemp(prefix=".", dir=folder.parent))
    try:
        for name, content in made.items():
            (making / name).write_bytes(content)
        mark(making)
        shutil.rmtree(folder, ignore_errors=True)  # a damaged one
        making.replace(folder)
    finally:
        shutil.rmtree(making, ignore_errors=True)
