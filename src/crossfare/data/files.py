"""Text files in and out, whole or as a stream: gzip and zstd, UTF-8 only, written atomically."""

from __future__ import annotations

import codecs
import difflib
import gzip
import io
import os
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from crossfare.errors import ConfigError, DataError
from crossfare.store import replacing
from crossfare.strict import parse_json

BOM = "\ufeff"

_LARGEST = 3 << 28  # bytes read at once: they, their text and its examples are in memory together
_LONGEST_LINE = 1 << 26
_OPENING = 1 << 16
_MOST_EMPTY = 1_000_000  # lines in a row

_QUOTED = re.compile(r'"(\w{1,20})"')
_PACKED = (".gz", ".zst")
_MARKS = {".gz": b"\x1f\x8b", ".zst": b"\x28\xb5\x2f\xfd"}  # which no UTF-8 text begins with


def read_text(path: Path) -> str:
    """Read a UTF-8 file, unpacking gzip and zstd; one leading byte order mark is skipped.

    Line ends are left as they are.

    Raises:
        DataError: the file is missing, empty, not gzip or not UTF-8 (with line and byte offset).
    """
    with _reading(path) as file:
        raw = file.read(_LARGEST + 1)
    if len(raw) > _LARGEST:
        raise DataError(f"{path}: holds more than {_LARGEST >> 20} MiB, too much to be read at once; split it")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise _not_utf8(path, line, raw[error.start], error.start) from error
    text = text.removeprefix(BOM)
    if not text.strip():
        raise _empty(path)
    return text


def stream_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (line number from 1, line without its end) of a UTF-8 file that need not fit into memory.

    A line ends at a line feed only (U+2028 is text), or at a carriage return and a line feed. One leading byte order
    mark and empty lines at the end of the file are skipped.

    Raises:
        DataError: as `read_text`, when the reading gets there.
    """
    offset = 0
    waiting: list[tuple[int, str]] = []
    found = False
    with _reading(path) as file:
        for number, raw in enumerate(iter(partial(file.readline, _LONGEST_LINE), b""), 1):
            if len(raw) == _LONGEST_LINE or len(waiting) > _MOST_EMPTY:
                what = (
                    f"holds more than {_LONGEST_LINE >> 20} MiB"
                    if len(raw) == _LONGEST_LINE
                    else "and a million more are empty"
                )
                raise DataError(f"{path}, line {number}: {what}; check that it is a text file")
            try:
                line = raw.decode("utf-8")
            except UnicodeDecodeError as error:
                raise _not_utf8(path, number, raw[error.start], offset + error.start) from error
            offset += len(raw)
            line = line.removeprefix(BOM) if number == 1 else line
            waiting.append((number, line.removesuffix("\n").removesuffix("\r")))
            if line.strip():
                found = True
                yield from waiting
                waiting.clear()
    if not found:
        raise _empty(path)


def is_folder(path: Path) -> bool:
    """Whether a path is a folder; one that no file can have, such as one too long, is none."""
    return os.path.isdir(path)  # noqa: PTH112


def opening(path: Path) -> str:
    """What a file is recognised by: its first line with content; of a JSON list, all of its first part."""
    first = next(line for _, line in stream_lines(path) if line.strip())
    if not first.lstrip().startswith("[") or len(first) > _OPENING:
        return first
    with _reading(path) as file:
        return file.read(_OPENING).decode("utf-8", errors="ignore").removeprefix(BOM)


def starts_with(path: Path, mark: bytes) -> bool:
    """Whether a file that is there begins so."""
    try:
        with path.open("rb") as file:
            return file.read(len(mark)) == mark
    except (OSError, ValueError):  # a NUL in a path is a ValueError
        return False


def split_lines(text: str) -> Iterator[tuple[str, str]]:
    """Yield ("line 1", its text) and so on, split at line feeds only; empty lines at the end are no lines."""
    for number, line in enumerate(text.rstrip("\r\n").split("\n"), 1):
        yield f"line {number}", line.removesuffix("\r")


def json_object(line: str, place: str, todo: str) -> dict[str, Any]:
    """Read a line that must hold a JSON object; ``todo`` is what to do about another one."""
    record = parse_json(line, place, todo=todo)
    if not isinstance(record, dict):
        raise DataError(f"{place}: not a JSON object but {line[:40]!r}; {todo}")
    return record


def check_unicode(text: str, place: str) -> None:
    """Refuse a text with a lone surrogate, which no UTF-8 file can hold; ``place`` is where it stands."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise DataError(
            f"{place}: lone surrogate {text[error.start]!a} at offset {error.start} of {text[:40]!a}, which "
            "is not valid Unicode; correct the text"
        ) from error


def tsv_line(name: str, *cells: str) -> str:
    """Lay cells out as a line; a cell of the example ``name`` with a tab or line end in it is refused."""
    for cell in cells:
        if any(mark in cell for mark in "\t\n\r"):
            raise DataError(
                f"example {name!r}: {cell[:40]!r} holds a tab or line end, which a tab-separated file cannot hold; "
                "save as .jsonl"
            )
    return "\t".join(cells) + "\n"


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 atomically (a reader sees the old file or the new one), packed where the name ends in .gz.

    The same text always gives the same bytes.
    """
    with writing(path) as write:
        write(text)


def json_keys(line: str) -> frozenset[str]:
    """The keys of a JSON object in one line; none if it is no object, and all its quoted words if it is a bad one.

    So that a file is taken for what it means to be, and its reader says what is wrong with it.
    """
    if not line.lstrip().startswith("{"):
        return frozenset()
    try:
        return frozenset(parse_json(line, "a line"))
    except DataError:
        return frozenset(_QUOTED.findall(line))


def suffix(path: Path) -> str:
    """What a file name ends in, leaving .gz and .zst aside: ".tsv" of "queries.tsv.gz"."""
    return Path(_unpacked(path)).suffix


def inside(folder: Path, name: str) -> Path:
    """The file of that name in a folder, packed or not."""
    found = (folder / f"{name}{ending}" for ending in _PACKED if not (folder / name).exists())
    return next((packed for packed in found if packed.is_file()), folder / name)


@contextmanager
def writing(path: Path) -> Iterator[Callable[[str], None]]:
    """Write a text in pieces, otherwise as `write_text`: the file appears when the block ends without an error.

    Raises:
        DataError: as `write_text`.
    """
    try:
        with ExitStack() as stack:
            file = stack.enter_context(replacing(path))
            if path.suffix == ".gz":
                file = stack.enter_context(gzip.GzipFile("", "wb", fileobj=file, mtime=0))  # type: ignore[assignment]
            elif path.suffix == ".zst":
                file = stack.enter_context(_pyarrow(path).CompressedOutputStream(file, "zstd"))
            yield _encoder(path, file)
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror}); choose another place") from error


def stem(path: Path) -> str:
    """File name without its format suffix, .gz and .zst: "train-v1.1.json.gz" gives "train-v1.1"."""
    return Path(_unpacked(path)).stem


def _unpacked(path: Path) -> str:
    return path.name.removesuffix(".gz").removesuffix(".zst")


def _encoder(path: Path, file: BinaryIO) -> Callable[[str], None]:
    begun = False

    def write(text: str) -> None:
        nonlocal begun
        try:
            raw = text.encode("utf-8")
        except UnicodeEncodeError as error:
            raise DataError(
                f"{path}: cannot write the lone surrogate {text[error.start]!r}, it is not valid Unicode; "
                f"correct the text near {text[max(0, error.start - 20) : error.start]!r}"
            ) from error
        if text.startswith(BOM) and not begun:
            # A text that itself begins with a byte order mark needs one more, or reading would take it away.
            raw = codecs.BOM_UTF8 + raw
        begun = begun or bool(text)
        file.write(raw)

    return write


@contextmanager
def _reading(path: Path) -> Iterator[BinaryIO]:
    """Open a file, unpacked; what goes wrong until the block ends is a DataError."""
    try:
        with path.open("rb") as file:
            yield _unpacking(path, file)
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file; {_suggestion(path)}") from error
    except IsADirectoryError as error:
        raise DataError(f"{path}: is a folder; name a file in it") from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(
            f"{path}: not a complete gzip file ({error}); fetch it again, or drop .gz from its name"
        ) from error
    except (OSError, ValueError) as error:  # a NUL in a path is a ValueError
        if "ZSTD" in str(error) or "compressed stream" in str(error):  # pyarrow's only words
            raise DataError(f"{path}: not a complete zstd file; fetch it again, or drop .zst from its name") from error
        reason = error.strerror if isinstance(error, OSError) else error
        raise DataError(f"{path}: cannot be read ({reason}); check its path and its permissions") from error


def _unpacking(path: Path, file: io.BufferedReader) -> BinaryIO:
    """What a file holds, unpacked where its name or its first bytes say that it is packed."""
    begins = file.peek(4)[:4]
    packed = next((each for each, mark in _MARKS.items() if begins.startswith(mark)), path.suffix)
    # The buffers make reading lines of a packed file several times as fast.
    if packed == ".gz":
        return io.BufferedReader(gzip.GzipFile(fileobj=file), 1 << 20)
    if packed == ".zst":
        return io.BufferedReader(_pyarrow(path).CompressedInputStream(file, "zstd"), 1 << 20)
    return file


def _pyarrow(path: Path) -> Any:
    try:
        import pyarrow
    except ImportError as error:
        raise ConfigError(f"{path}: zstd needs the package 'pyarrow'; pip install 'crossfare[hub]'") from error
    return pyarrow


def _not_utf8(path: Path, line: int, byte: int, offset: int) -> DataError:
    if not offset and byte in {0xFF, 0xFE}:
        return DataError(f"{path}: UTF-16, not UTF-8; save it as UTF-8 (of Excel's kinds of file: CSV UTF-8)")
    return DataError(f"{path}, line {line}: not UTF-8 (byte {byte:#04x} at offset {offset}); convert the file to UTF-8")


def _empty(path: Path) -> DataError:
    return DataError(f"{path}: the file is empty; check that it was downloaded or written completely")


def _suggestion(path: Path) -> str:
    if not path.parent.is_dir():
        return f"the folder {path.parent} does not exist either; check the path"
    names = [p.name for p in path.parent.iterdir()]
    near = difflib.get_close_matches(path.name, names, n=1, cutoff=0.6)
    if near:
        return f"did you mean {path.parent / near[0]}?"
    return (
        "check the path, or use 'world:qa', 'world:nli', 'world:ranking' or 'hub:OWNER/NAME' for data that is no file"
    )
