"""A ranking collection on disk: millions of passages, read in order or by id, never in memory whole.

    collection.json         what it is: name, language, number of passages, characters, revision
    passages.jsonl          a passage a line: {"id": "7", "text": "..."}
    passages.offsets.npy    where each line begins, and where the last one ends (uint64, bytes)
    passages.hashes.npy     hashes of the ids, sorted (uint64)
    passages.places.npy     the line each of them stands in (uint32)

The arrays are 20 bytes per passage and mapped into memory, so that opening costs nothing and processes share them.
Hashes that coincide are told apart by the ids in their lines. ``collection.json`` is written last: without it
the folder is no collection.
"""

from __future__ import annotations

import hashlib
import json
import os
from array import array
from collections.abc import Callable, ItemsView, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

from crossfare.data.files import write_text
from crossfare.data.repair import encoding_repair
from crossfare.errors import DataError
from crossfare.strict import parse_json, read_json
from crossfare.types import Passage

HEADER = "collection.json"
VERSION = 1
_PASSAGES = "passages.jsonl"
_OFFSETS, _HASHES, _PLACES = "passages.offsets.npy", "passages.hashes.npy", "passages.places.npy"
_LISTED = 20

_quote = json.JSONEncoder(ensure_ascii=False).encode


@dataclass(slots=True)
class Tally:
    """How many passages something holds of, and the ids of the first 20 of them."""

    count: int = 0
    first: list[str] = field(default_factory=list)

    def add(self, name: str) -> None:
        """Count one more."""
        self.count += 1
        if len(self.first) < _LISTED:
            self.first.append(name)


@dataclass(frozen=True, slots=True)
class Header:
    """What a collection is, and what was found when it was written.

    ``characters``  code points of all texts
    ``revision``    identifies ids, texts and their order (SHA-256, 16 hex digits)
    ``origin``      the translation that made it, or None
    ``empty``       passages without text (or of white space alone), which are kept
    ``repeated``    passages given again with the same id and text, which are left out
    ``mended``      passages in which mojibake was repaired, where that was asked for
    """

    name: str
    language: str
    origin: str | None
    passages: int
    characters: int
    revision: str
    empty: Tally = field(default_factory=Tally)
    repeated: Tally = field(default_factory=Tally)
    mended: Tally = field(default_factory=Tally)

    def summary(self) -> tuple[str, ...]:
        """Lay it out as plain lines; what did not happen has no line."""
        lines = [
            f"{self.name}: {self.passages:,} passages, {self.characters:,} characters, language {self.language}",
            _line("empty passages, kept", self.empty),
            _line("passages repeated with the same id and text, left out", self.repeated),
            _line("passages with mojibake, repaired", self.mended),
        ]
        return tuple(line for line in lines if line)


class Collection(Mapping[str, str]):
    """A collection opened for reading: a mapping from passage id to text, in the order of its file.

    Lookups read one line from disk; they may be made from several threads and, after a fork, processes.
    """

    def __init__(self, folder: Path, header: Header, index: tuple[npt.NDArray[Any], ...]) -> None:
        self.folder = folder
        self.header = header
        self._offsets, self._hashes, self._places = index
        self._file = (folder / _PASSAGES).open("rb", buffering=0)

    @classmethod
    def open(cls, folder: str | Path) -> Collection:
        """Open what `write` wrote.

        Raises:
            DataError: there is no collection, or its files do not belong together.
        """
        place = Path(folder)
        header = read_header(place)
        try:
            offsets, hashes, places = (
                np.asarray(np.load(place / name, mmap_mode="r", allow_pickle=False))
                for name in (_OFFSETS, _HASHES, _PLACES)
            )
            size = (place / _PASSAGES).stat().st_size
        except (OSError, ValueError, EOFError) as error:
            raise DataError(f"{place}: an incomplete collection ({error}); write it again") from error
        sizes = (len(offsets) - 1, len(hashes), len(places))
        if sizes != (header.passages,) * 3 or int(offsets[-1]) != size:
            raise DataError(f"{place}: its files do not hold the same {header.passages:,} passages; write it again")
        return cls(place, header, (offsets, hashes, places))

    def __len__(self) -> int:
        return self.header.passages

    def __getitem__(self, key: str) -> str:
        passage = self._find(key)
        if passage is None:
            raise KeyError(key)
        return passage.text

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self._find(key) is not None

    def __iter__(self) -> Iterator[str]:
        return (passage.id for passage in self.passages())

    def items(self) -> ItemsView[str, str]:
        """Pairs of id and text in the order of the file, read once and not looked up one by one."""
        return _Items(self)

    def passages(self) -> Iterator[Passage]:
        """Yield all passages in the order of the file, reading it once."""
        return _read(self.folder / _PASSAGES)

    def close(self) -> None:
        """Close the file; lookups raise a ValueError from then on."""
        self._file.close()

    def __enter__(self) -> Collection:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    def _find(self, name: str) -> Passage | None:
        wanted = np.uint64(id_hash(name))
        place = int(np.searchsorted(self._hashes, wanted))
        while place < len(self._hashes) and self._hashes[place] == wanted:
            passage = self._at(int(self._places[place]))
            if passage.id == name:
                return passage
            place += 1
        return None

    def _at(self, number: int) -> Passage:
        start, end = int(self._offsets[number]), int(self._offsets[number + 1])
        return _passage(os.pread(self._file.fileno(), end - start, start))


class _Items(ItemsView[str, str]):
    _mapping: Collection

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return ((passage.id, passage.text) for passage in self._mapping.passages())


def write(
    passages: Iterable[Passage],
    folder: str | Path,
    *,
    name: str = "",
    language: str = "und",
    origin: str | None = None,
    fix_encoding: bool = False,
) -> Header:
    """Write passages as a collection, reading them once; memory stays at some 40 bytes per passage.

    Args:
        passages: any number of them; an empty one is kept and counted, one that comes again with the same text is
            left out and counted.
        folder: where to put it; other files there are left alone. A collection that is there is replaced when
            the new one is complete.
        name: what messages call it; the folder's name where it is not given.
        language: BCP-47 tag.
        origin: the translation that made it.
        fix_encoding: repair mojibake (needs the package ftfy).

    Raises:
        DataError: there is no passage, an id is empty or comes twice with different texts, a text is not
            valid Unicode, or the folder cannot be written.
        ConfigError: ``fix_encoding`` without the package ftfy.
    """
    target = Path(folder)
    where = name or target.name
    mended = Tally()
    if fix_encoding:
        passages = _mend(passages, encoding_repair(), mended)
    try:
        target.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=target, prefix=".collection.") as work:
            body, repeated = _lay_out(passages, Path(work), where)
            header = Header(
                where, language, origin, len(body.hashes), body.characters, body.revision, body.empty, repeated, mended
            )
            _publish(Path(work), target, header)
    except OSError as error:
        raise DataError(f"{target}: cannot be written ({error.strerror}); choose another place") from error
    return header


def is_collection(folder: Path) -> bool:
    """Whether a folder holds a complete collection."""
    return os.path.isfile(folder / HEADER)  # noqa: PTH113 - a name that no file can have is none


def read_header(folder: str | Path) -> Header:
    """Read what a collection is without opening it.

    Raises:
        DataError: there is none, or it was written by another version.
    """
    path = Path(folder) / HEADER
    if not path.is_file():
        raise DataError(f"{folder}: no collection (no {HEADER}); write one, or name a file of passages")
    try:
        record = read_json(path)
        version = record.pop("crossfare_collection")
        if version != VERSION:
            raise DataError(f"{path}: version {version!r}, this crossfare reads {VERSION}; write the collection again")
        tallies = {key: Tally(**record[key]) for key in ("empty", "repeated", "mended")}
        return Header(**{**record, **tallies})
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise DataError(f"{path}: not the description of a collection ({error}); write the collection again") from error


@dataclass(slots=True)
class _Body:
    """What is known of the lines written so far; ``ends`` are offsets in bytes."""

    ends: array[int] = field(default_factory=lambda: array("Q", [0]))
    hashes: array[int] = field(default_factory=lambda: array("Q"))
    characters: int = 0
    empty: Tally = field(default_factory=Tally)
    revision: str = ""


def _lay_out(passages: Iterable[Passage], work: Path, where: str) -> tuple[_Body, Tally]:
    """Write lines and index; a second time without the repeated ones if there are any."""
    body = _write_lines(passages, work / _PASSAGES, where)
    repeated, skipped = _repeated(work / _PASSAGES, body, where)
    if skipped:
        first = (work / _PASSAGES).rename(work / "first.jsonl")
        kept = (passage for number, passage in enumerate(_read(first)) if number not in skipped)
        body = _write_lines(kept, work / _PASSAGES, where)
        first.unlink()
    hashes, order = _sorted(body)
    np.save(work / _OFFSETS, np.frombuffer(body.ends, dtype=np.uint64), allow_pickle=False)
    np.save(work / _HASHES, hashes, allow_pickle=False)
    np.save(work / _PLACES, order.astype(np.uint32), allow_pickle=False)
    return body, repeated


def _write_lines(passages: Iterable[Passage], path: Path, where: str) -> _Body:
    body = _Body()
    hasher = hashlib.sha256()
    end = 0
    with path.open("wb", buffering=1 << 20) as file:
        for passage in passages:
            line = _render(passage, where, len(body.hashes) + 1)
            file.write(line)
            hasher.update(line)
            end += len(line)
            body.ends.append(end)
            body.hashes.append(id_hash(passage.id))
            body.characters += len(passage.text)
            if not passage.text or passage.text.isspace():
                body.empty.add(passage.id)
    if not body.hashes:
        raise DataError(f"{where}: holds no passage; check that it is the complete collection")
    body.revision = hasher.hexdigest()[:16]
    return body


def _repeated(path: Path, body: _Body, where: str) -> tuple[Tally, set[int]]:
    """Find the lines whose id an earlier one has; the same text makes them superfluous, another is an error."""
    ordered, order = _sorted(body)
    alike = np.flatnonzero(ordered[1:] == ordered[:-1])
    suspects = sorted({int(order[i + shift]) for i in alike for shift in (0, 1)})
    texts: dict[str, int] = {}
    repeated, skipped = Tally(), set()
    with path.open("rb") as file:
        for number in suspects:
            file.seek(body.ends[number])
            passage = _passage(file.readline())
            text = id_hash(passage.text)
            if passage.id not in texts:
                texts[passage.id] = text
            elif texts[passage.id] == text:
                repeated.add(passage.id)
                skipped.add(number)
            else:
                raise DataError(
                    f"{where}, passage {number + 1:,}: the id {passage.id!r} was given before with another text; "
                    "make ids unique"
                )
    return repeated, skipped


def _sorted(body: _Body) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.intp]]:
    """The hashes of the ids in order, and the line that each of them stands in."""
    hashes = np.frombuffer(body.hashes, dtype=np.uint64)
    order = np.argsort(hashes, kind="stable")
    return hashes[order], order


def _publish(work: Path, target: Path, header: Header) -> None:
    (target / HEADER).unlink(missing_ok=True)
    for name in (_PASSAGES, _OFFSETS, _HASHES, _PLACES):
        (work / name).replace(target / name)
    record = {"crossfare_collection": VERSION, **asdict(header)}
    write_text(target / HEADER, json.dumps(record, indent=2, ensure_ascii=False) + "\n")


def _render(passage: Passage, where: str, number: int) -> bytes:
    if not passage.id:
        raise DataError(f"{where}, passage {number:,}: its id is empty; give it one")
    try:
        return f'{{"id": {_quote(passage.id)}, "text": {_quote(passage.text)}}}\n'.encode()
    except UnicodeEncodeError as error:
        raise DataError(
            f"{where}, passage {passage.id!a}: holds a lone surrogate, which is not valid Unicode; correct the text"
        ) from error


def _read(path: Path) -> Iterator[Passage]:
    with path.open("rb", buffering=1 << 20) as file:
        for line in file:
            yield _passage(line)


def _passage(line: bytes) -> Passage:
    record = parse_json(line, "passage", todo="write the collection again")
    return Passage(record["id"], record["text"])


def _mend(passages: Iterable[Passage], repair: Callable[[str], str], mended: Tally) -> Iterator[Passage]:
    for passage in passages:
        text = repair(passage.text)
        if text != passage.text:
            mended.add(passage.id)
        yield Passage(passage.id, text)


def id_hash(name: str) -> int:
    """A 64-bit hash that is the same in every process (BLAKE2b)."""
    return int.from_bytes(hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def _line(what: str, tally: Tally) -> str:
    if not tally.count:
        return ""
    more = ", ..." if tally.count > len(tally.first) else ""
    return f"{what}: {tally.count:,}: {', '.join(tally.first)}{more}"
