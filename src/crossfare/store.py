"""Content-addressed artifacts: an id, a folder, and a marker written last.

    <root>/steps/<id>/step.json     what the step is (its identity, readable)
                      usage.json    what it consumed when it ran
                      artifact/     what it made
                      done          the checksums of all these; its existence means the step is complete
    <root>/work/<id>/               a step in progress; survives a kill, so work can resume
    <root>/damaged/<id>/            a step that was changed after it was made, put aside when it was made again

A step is made in ``work``, renamed into ``steps`` in one atomic operation, and only then marked. One that does not fit
its checksums or its id is not done. Older caches have empty markers: such steps are taken as they are, and sealed.
"""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

import platformdirs
from filelock import FileLock

from crossfare.errors import ConfigError, DataError, StaleArtifact
from crossfare.seal import damage, seal, stats
from crossfare.strict import parse_json, read_json
from crossfare.types import Step, Usage

_LOG = logging.getLogger(__name__)
_MARKER = "done"
_FORMAT = 1
_KNOWN: dict[tuple[Any, ...], str | None] = {}
"""What is wrong with steps that were looked at by this process, by place, marker, sizes and times of their files."""


def cache_folder() -> Path:
    """Folder shared by all runs: $CROSSFARE_CACHE, or the user's cache folder (XDG)."""
    given = os.environ.get("CROSSFARE_CACHE")
    return Path(given).expanduser() if given else Path(platformdirs.user_cache_dir("crossfare"))


_PLAIN = re.compile(r"[A-Za-z0-9+@=._-]{1,150}", re.ASCII)


def file_name(text: str) -> str:
    """Check that a text from a spec or a run directory can be a file's name, and return it.

    Every part of a path that is made from data comes through here: nothing leaves the folder it belongs to.

    Raises:
        DataError: it is empty, too long, begins with a dot or has characters that are no part of a plain name.
    """
    if not isinstance(text, str) or not _PLAIN.fullmatch(text) or text.startswith("."):
        raise DataError(f"{str(text)[:80]!r} cannot be part of a file's name; only letters, digits and + @ = . _ - can")
    return text


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Give a file to write; it becomes ``path`` when the block ends without an error.

    A reader sees the old file or the new one, never a part, and a full disk leaves the old one. A link is followed;
    what is no file, such as /dev/stdout, is written as it is. Folders that are missing are made.

    Raises:
        OSError: it cannot be written.
    """
    if path.exists() and not path.is_file() and not path.is_dir():
        with path.open("wb") as file:
            yield file
        return
    target = path.resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name[:50]}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            yield file
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, as `replacing` does.

    Raises:
        ConfigError: it cannot be written.
    """
    try:
        with replacing(path) as file:
            file.write(content)
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be written ({error.strerror}); free the disk, or choose another place"
        ) from error


def write_text(path: Path, text: str) -> None:
    """Write a text as UTF-8, otherwise as `write_bytes`."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file, indented for people, otherwise as `write_bytes`; lone surrogates stay escaped."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    write_bytes(path, text.encode("utf-8", "backslashreplace"))


class Store:
    """The artifacts below one root folder."""

    def __init__(self, root: str | Path | None = None) -> None:
        self.root = Path(root or cache_folder()).absolute()

    def folder(self, step_id: str) -> Path:
        """Where a finished step lies.

        Raises:
            DataError: the id, which a run directory may bring, is no name of a folder.
        """
        return self.root / "steps" / file_name(step_id)

    def artifact(self, step_id: str) -> Path:
        """The folder of what a finished step made."""
        return self.folder(step_id) / "artifact"

    def size(self, step_id: str) -> int:
        """Bytes on disk of what a finished step made."""
        return sum(path.stat().st_size for path in self.artifact(step_id).rglob("*") if path.is_file())

    def done(self, step_id: str) -> bool:
        """Whether the step is complete, and as it was made."""
        return (self.folder(step_id) / _MARKER).exists() and self.damage(step_id) is None

    def damage(self, step_id: str) -> str | None:
        """What is wrong with a step that was complete, in words; None if nothing is, or if it never was."""
        folder = self.folder(step_id)
        try:
            marker = (folder / _MARKER).read_bytes()
            there = stats(folder, leaving=(_MARKER,))
            key = (folder, marker, *((name, stat.st_size, stat.st_mtime_ns) for name, stat in there.items()))
            if key not in _KNOWN:
                _KNOWN[key] = _wrong_id(folder) or changed(folder)
            return _KNOWN[key]
        except FileNotFoundError:  # never complete, or put aside at this moment
            return None
        except OSError as error:
            return f"cannot be read ({error.strerror})"

    def check(self, step_id: str) -> None:
        """Refuse a step that is not as it was made.

        Raises:
            StaleArtifact: it names what is wrong.
        """
        if found := self.damage(step_id):
            raise StaleArtifact(f"{self.folder(step_id)}: {found} since it was made; run its spec again")

    def usage(self, step_id: str) -> Usage:
        """What the step consumed when it ran.

        Raises:
            StaleArtifact: the record is missing or unreadable, or the step is not as it was made.
        """
        path = self.folder(step_id) / "usage.json"
        todo = f"delete {path.parent} and run again"
        values = read_json(path, error=StaleArtifact, todo=todo)
        try:
            usage = Usage(**values)
        except TypeError as error:
            raise StaleArtifact(f"{path}: unreadable usage record ({error}); {todo}") from error
        self.check(step_id)
        return usage

    @contextmanager
    def making(self, step: Step) -> Iterator[Path | None]:
        """Yield the folder to make ``step`` in, or None if it is done already.

        The folder may hold what an earlier, killed attempt left: stages that can resume use it.
        One process at a time makes a step; a second one waits and then finds it done. One that is damaged is put
        aside, and made again.
        """
        work = self.root / "work" / step.id
        work.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{work}.lock"):
            if self.done(step.id):
                yield None
                return
            if found := self.damage(step.id):
                self._put_aside(step.id, found)
            (work / "artifact").mkdir(parents=True, exist_ok=True)
            yield work

    def finish(self, step: Step, usage: Usage) -> None:
        """Move what was made into its place and mark it done, in that order."""
        work = self.root / "work" / step.id
        write_json(work / "step.json", describe(step))
        write_json(work / "usage.json", asdict(usage))
        final = self.folder(step.id)
        final.parent.mkdir(parents=True, exist_ok=True)
        if final.exists():  # a folder without its marker: an earlier attempt died between the two
            shutil.rmtree(final)
        work.replace(final)
        mark(final)

    def _put_aside(self, step_id: str, found: str) -> None:
        aside = self.root / "damaged" / step_id
        shutil.rmtree(aside, ignore_errors=True)
        aside.parent.mkdir(parents=True, exist_ok=True)
        self.folder(step_id).replace(aside)
        _LOG.warning("%s: %s since it was made; it is made again, the other is in %s", step_id, found, aside)


def mark(folder: Path) -> None:
    """Mark a cached folder as complete, with the checksums of its files.

    Raises:
        ConfigError: the marker cannot be written.
    """
    write_json(folder / _MARKER, {"format": _FORMAT, "files": seal(folder, leaving=(_MARKER,))})


def changed(folder: Path) -> str | None:
    """What differs in a cached folder from what its marker says, in words; None if nothing does.

    Older caches have empty markers, or none: what is there is taken as it is, and marked.

    Raises:
        OSError: it cannot be read.
    """
    marker = (folder / _MARKER).read_bytes() if (folder / _MARKER).exists() else b""
    if not marker:
        with suppress(ConfigError):  # a cache that can only be read
            mark(folder)
        return None
    try:
        return damage(folder, parse_json(marker, _MARKER)["files"], stats(folder, leaving=(_MARKER,)))
    except (DataError, TypeError, KeyError, AttributeError):
        return f"its marker {_MARKER!r} was changed"


def _wrong_id(folder: Path) -> str | None:
    """What is wrong if a folder does not describe the step that it is named after."""
    try:
        told = read_json(folder / "step.json")
        made = Step(told["stage"], told["params"], told["inputs"], told["version"])
        return None if made.id == folder.name else "'step.json' was changed, it describes another step"
    except (DataError, TypeError, KeyError):
        return "'step.json' was changed, it describes no step"


def describe(step: Step) -> Mapping[str, Any]:
    """A step as plain data, for step.json and for listings."""
    return {
        "id": step.id,
        "label": step.label,
        "name": step.name,
        "stage": step.stage,
        "version": step.version,
        "params": dict(step.params),
        "inputs": {role: list(ids) for role, ids in step.inputs.items()},
    }
