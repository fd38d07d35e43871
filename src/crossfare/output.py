"""Where results may be written: never over what is read, and over what is there already only when that is asked for.

Every command that writes asks here before it begins, so that nothing is computed or paid for a place that is refused.
How files are written is `store.replacing`: whole or not at all.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from crossfare.errors import ConfigError

_FORCE = "add --force to replace it, or name another file"


def claim(path: Path, *, reads: Iterable[str | Path] = (), force: bool = False, instead: str = _FORCE) -> None:
    """Refuse a file that must not be written.

    What is no file and no folder (/dev/stdout, a pipe) may always be written: nothing is lost there.

    Args:
        path: the file to write; it and its folder need not be there.
        reads: what the command reads, files and folders; names of what does not lie on disk are passed over.
        force: replace a file that is there already, unless it is read.
        instead: what to do where one is there already.

    Raises:
        ConfigError: it is read, under whatever name or link, or belongs to a folder that is; or it is there already;
            or it is a folder; or its own folder cannot be made or written.
    """
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            return
        _check_place(path)
        _check_not_read(path, reads)
        if path.exists() and not force:
            raise ConfigError(f"{path}: exists already; {instead}")
    except (OSError, ValueError) as error:  # a name that is too long, or has a NUL
        raise ConfigError(f"{path}: cannot be written ({_reason(error)}); name another file") from error


def claim_folder(folder: Path) -> None:
    """Refuse a folder that holds anything: nothing is ever written over what lies there.

    Raises:
        ConfigError: it holds something, is no folder, or cannot be made.
    """
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise ConfigError(f"{folder}: exists already; choose another --out")
        check_above(folder)
    except (OSError, ValueError) as error:
        raise ConfigError(f"{folder}: cannot be written ({_reason(error)}); choose another --out") from error


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Give a folder to fill; it becomes ``folder`` when the block ends without an error: complete, or not there at all.

    Raises:
        ConfigError: as `claim_folder`; or it cannot be written.
    """
    claim_folder(folder)
    place = folder.resolve()
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=place.parent, prefix=f".{place.name[:50]}.") as work:
            made = Path(work) / "made"
            made.mkdir()
            yield made
            if place.exists():
                place.rmdir()
            made.rename(place)
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be written ({_reason(error)}); choose another --out") from error


def _reason(error: OSError | ValueError) -> str:
    return str((error.strerror if isinstance(error, OSError) else None) or error)


def _check_place(path: Path) -> None:
    if path.is_dir():
        raise ConfigError(f"{path}: is a folder; name a file")
    check_above(path)


def check_above(path: Path) -> None:
    """Refuse a place whose folder cannot be made or written, or is what a step made (runs link to those).

    Raises:
        ConfigError: it says why.
    """
    with suppress(FileNotFoundError, NotADirectoryError):
        path.lstat()  # finds a name that no file can have
    above = next(parent for parent in path.absolute().parents if parent.exists())
    if not above.is_dir():
        raise ConfigError(f"{path}: cannot be written ({above} is no folder); choose another place")
    if not os.access(above, os.W_OK | os.X_OK):
        raise ConfigError(f"{path}: cannot be written (no right to write in {above}); choose another place")
    if step := next((parent for parent in path.resolve().parents if (parent / "step.json").is_file()), None):
        raise ConfigError(
            f"{path}: lies in a step of the cache ({step}), which a file more would damage; choose another place"
        )


def _check_not_read(path: Path, reads: Iterable[str | Path]) -> None:
    if not path.exists():
        return
    for each in reads:
        read = Path(each)
        if os.path.isfile(read) and path.samefile(read):  # noqa: PTH113 - Path.is_file fails on what no file can be called
            raise ConfigError(f"{path}: is read here, and would be lost; name another file to write")
        if os.path.isdir(read) and _holds(read, path):  # noqa: PTH112 - as above
            raise ConfigError(f"{path}: belongs to {read}, which is read here; name another file to write")


def _holds(folder: Path, path: Path) -> bool:
    """Whether a file lies in a folder, by its own name or through a link."""
    return any(
        parent.exists() and parent.samefile(folder) for parent in (*path.absolute().parents, *path.resolve().parents)
    )
