"""Content-addressed artifacts: an id, a folder, and a marker written last.

    <root>/steps/<id>/step.json     what the step is (its identity, readable)
                      usage.json    what it consumed when it ran
                      artifact/     what it made
                      done          empty; its existence means the step is complete
    <root>/work/<id>/               a step in progress; survives a kill, so work can resume

A step is made in ``work``, renamed into ``steps`` in one atomic operation, and only then marked.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import platformdirs
from filelock import FileLock

from crossfare.errors import DataError, StaleArtifact
from crossfare.strict import read_json
from crossfare.types import Step, Usage


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


def write_text(path: Path, text: str) -> None:
    """Write a file atomically: a reader sees the old text or the new, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file atomically, indented for people."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


class Store:
    """The artifacts below one root folder."""

    def __init__(self, root: Path | None = None) -> None:
        self.root = (root or cache_folder()).absolute()

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
        """Whether the step is complete."""
        return (self.folder(step_id) / "done").exists()

    def usage(self, step_id: str) -> Usage:
        """What the step consumed when it ran.

        Raises:
            StaleArtifact: the record is missing or unreadable.
        """
        path = self.folder(step_id) / "usage.json"
        todo = f"delete {path.parent} and run again"
        values = read_json(path, error=StaleArtifact, todo=todo)
        try:
            return Usage(**values)
        except TypeError as error:
            raise StaleArtifact(f"{path}: unreadable usage record ({error}); {todo}") from error

    @contextmanager
    def making(self, step: Step) -> Iterator[Path | None]:
        """Yield the folder to make ``step`` in, or None if it is done already.

        The folder may hold what an earlier, killed attempt left: stages that can resume use it.
        One process at a time makes a step; a second one waits and then finds it done.
        """
        work = self.root / "work" / step.id
        work.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{work}.lock"):
            if self.done(step.id):
                yield None
                return
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
        (final / "done").touch()


def describe(step: Step) -> Mapping[str, Any]:
    """A step as plain data, for step.json and for listings."""
    return {
        "id": step.id,
        "label": step.label,
        "stage": step.stage,
        "version": step.version,
        "params": dict(step.params),
        "inputs": {role: list(ids) for role, ids in step.inputs.items()},
    }
