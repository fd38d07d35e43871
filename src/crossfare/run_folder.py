"""Run directories: built beside, swapped whole, and what belongs to a run told from what somebody put there.

    <run>/checksums.json   the run's own files with their checksums, and the names of those that a report added
    .<run>.new, .<run>.old, .<run>.lock   beside it, while a run writes

Killed anywhere, the directory holds the old run or the new one; between the two renames it is set aside as ``.old``,
and the next run puts it back. Files that neither a run nor a report wrote are kept.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from crossfare.errors import ConfigError, CrossfareError, DataError
from crossfare.output import check_above, claim_folder
from crossfare.seal import seal, unchanged
from crossfare.store import write_bytes, write_json
from crossfare.strict import read_json, read_yaml

CHECKSUMS = "checksums.json"
_FORMAT = 1
_OLDER = ("spec.yaml", "ledger.jsonl", "results.json", "report.html", "tables/", "figures/")
"""What runs and reports of older versions wrote, which kept no list."""

_UNCOUNTED = ("energy",)
"""Keys of a spec that change no cell."""


@dataclass(frozen=True, slots=True)
class RunFolder:
    """A place that is kept for one run: nobody else writes there until it is let go (see `claimed`)."""

    path: Path

    @property
    def results(self) -> int:
        """How many results the run that lies there has; 0 if none does."""
        try:
            return len(read_json(self.path / "results.json")["results"])
        except (CrossfareError, KeyError, TypeError):
            return 0

    @contextmanager
    def rewriting(self) -> Iterator[Path]:
        """Give an empty folder to write the run into; it takes the place of what is there when the block ends.

        Raises:
            ConfigError: it cannot be written; what was there is left.
        """
        place = self.path.resolve()
        new = _beside(place, "new")
        try:
            _remove(new)
            new.mkdir(parents=True)
            yield new
            write_json(new / CHECKSUMS, {"format": _FORMAT, "run": seal(new), "report": []})
            _carry_over(place, new)
            _swap(place, new)
        except OSError as error:
            raise ConfigError(f"{self.path}: cannot be written ({error.strerror}); choose another --out") from error


def check(folder: Path, spec: Mapping[str, Any], *, apart: Path | None = None, force: bool = False) -> None:
    """Refuse a folder that `claimed` would not keep, without touching anything.

    Raises:
        ConfigError: as `claimed`, but for another run that writes there.
    """
    place = _place(folder, apart)
    old = _beside(place, "old")
    _check_content(folder, old if old.exists() and not place.exists() else place, spec, force)


@contextmanager
def claimed(
    folder: Path, spec: Mapping[str, Any], *, apart: Path | None = None, force: bool = False
) -> Iterator[RunFolder]:
    """Keep a folder for a run of ``spec`` until the block ends; nothing is written to it yet.

    A folder that holds a run of the same spec is written anew. ``force`` lets it be a run of another spec; files that
    no run wrote are never replaced. ``apart`` is the cache, which a run directory can neither hold nor lie in.

    Raises:
        ConfigError: another run writes there; it holds a run of another spec, or something else; or it is a place
            that cannot be written or swapped.
    """
    place = _place(folder, apart)
    lock = FileLock(place.with_name(f".{place.name}.lock"), timeout=0)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise ConfigError(f"{folder}: another run is writing there; wait for it, or choose another --out") from None
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be written ({error.strerror}); choose another --out") from error
    try:
        _heal(place)
        _check_content(folder, place, spec, force)
        yield RunFolder(folder)
    finally:
        lock.release()


def verify(folder: Path) -> None:
    """Refuse a run whose own files are not as it wrote them; older runs, which have no checksums, pass.

    Raises:
        DataError: it names the file.
    """
    files = _listed(folder).get("run", {})
    for name in ("results.json", "ledger.jsonl", "spec.yaml"):
        path = folder / name
        if name in files and path.is_file() and not unchanged(path, files[name], path.stat()):
            raise DataError(
                f"{path}: was changed since the run wrote it; run its spec again (or delete {CHECKSUMS} beside it, to "
                "read it as it is)"
            )


def add_report(folder: Path, files: Mapping[str, bytes], *, force: bool = False) -> None:
    """Write the files of a report, by their names, into a run directory; those of an earlier report are replaced.

    Raises:
        ConfigError: one is there that neither a run nor a report wrote, and ``force`` is not given; or one cannot be
            written.
    """
    listed = _listed(folder)
    if listed:
        own = {*listed["run"], *listed["report"]}
        for name in files:
            if name not in own and (folder / name).exists() and not force:
                raise ConfigError(f"{folder / name}: exists already, and no report wrote it; add --force to replace it")
        names = sorted({*listed["report"], *files})  # first: what is listed may be missing, but not the other way round
        write_json(folder / CHECKSUMS, {**listed, "report": names})
    for name, content in files.items():
        write_bytes(folder / name, content)


# -- what a folder is -------------------------------------------------------------------------


def _place(folder: Path, apart: Path | None) -> Path:
    """Where a folder lies, if that can be swapped."""
    try:
        place = folder.resolve()
        _check_place(folder, place, apart)
    except (OSError, ValueError, RuntimeError) as error:  # a name that is too long, or has a NUL; links in a circle
        raise ConfigError(f"{str(folder)[:80]!a}: cannot be written ({error}); choose another --out") from error
    return place


def _check_place(folder: Path, place: Path, apart: Path | None) -> None:
    cache = apart.resolve() if apart else None
    if cache and (place in (cache, *cache.parents) or cache in place.parents):
        raise ConfigError(f"{folder}: lies in the cache, or holds it ({apart}); choose another --out")
    if place.exists() and not place.is_dir():
        raise ConfigError(f"{folder}: is no folder; choose another --out")
    if place == Path.cwd() or place in Path.cwd().parents:
        raise ConfigError(f"{folder}: is the folder you are in; name one in it with --out")
    if os.path.ismount(place):
        raise ConfigError(f"{folder}: is a mount point, which cannot be replaced; name a folder in it with --out")
    check_above(place)
    _beside(place, "lock").exists()  # finds a name that is too long with this


def _check_content(folder: Path, place: Path, spec: Mapping[str, Any], force: bool) -> None:
    if not place.exists() or not any(place.iterdir()):
        claim_folder(place)
        return
    if not (_listed(place) or _has_results(place)):
        raise ConfigError(f"{folder}: holds files that no run wrote; choose another --out")
    if not force and (different := _differences(place / "spec.yaml", spec)):
        raise ConfigError(
            f"{folder}: holds a run of another spec (other {', '.join(different)}); add --force to replace it, "
            "or choose another --out"
        )


def _has_results(place: Path) -> bool:
    try:
        record = read_json(place / "results.json")
    except CrossfareError:
        return False
    return isinstance(record, dict) and {"format", "name", "results"} <= record.keys()


def _differences(path: Path, spec: Mapping[str, Any]) -> list[str]:
    """The keys in which a run's spec is another; a spec that cannot be read is another."""
    try:
        there = read_yaml(path)
    except CrossfareError:
        there = None
    if not isinstance(there, dict):
        return ["everything"]
    keys = dict.fromkeys([*spec, *there])
    return [str(key) for key in keys if key not in _UNCOUNTED and spec.get(key) != there.get(key)]


def _listed(folder: Path) -> dict[str, Any]:
    """What a run's checksums say; nothing where there are none, or none that could be of use."""
    try:
        values = read_json(folder / CHECKSUMS)
        facts = [each.keys() for each in values["run"].values()]
        usable = isinstance(values["report"], list) and all({"bytes", "sha256", "mtime_ns"} <= keys for keys in facts)
    except (CrossfareError, TypeError, KeyError, AttributeError):
        return {}
    return dict(values) if usable else {}


# -- swapping ---------------------------------------------------------------------------------


def _beside(place: Path, what: str) -> Path:
    return place.with_name(f".{place.name}.{what}")


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def _heal(place: Path) -> None:
    """Finish, or take back, what a run that was killed had begun."""
    old = _beside(place, "old")
    if old.exists() and not place.exists():
        old.rename(place)
    _remove(old)
    _remove(_beside(place, "new"))


def _swap(place: Path, new: Path) -> None:
    old = _beside(place, "old")
    if place.exists():
        place.rename(old)
    try:
        new.rename(place)
    except OSError:
        _heal(place)
        raise
    _remove(old)


def _carry_over(old: Path, new: Path) -> None:
    """Link, or copy, what neither a run nor a report wrote; where the new run has a file of the name, beside it."""
    for name in _foreign(old):
        target = new / name
        while target.exists() or target.is_symlink():
            target = target.with_name(f"{target.name}.kept")
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(old / name, target, follow_symlinks=False)
        except OSError:
            shutil.copy2(old / name, target, follow_symlinks=False)


def _foreign(folder: Path) -> list[str]:
    if not folder.exists():
        return []
    listed = _listed(folder)
    own = {*listed["run"], *listed["report"], CHECKSUMS} if listed else set()
    return [name for name in _files(folder) if name not in own and (listed or not name.startswith(_OLDER))]


def _files(folder: Path, above: str = "") -> Iterable[str]:
    """All files and links below a run directory, but for the links to its steps."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _files(Path(entry.path), f"{above}{entry.name}/")
            elif not (above == "steps/" and entry.is_symlink()):
                yield f"{above}{entry.name}"
