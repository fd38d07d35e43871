"""Text files in and out: gzip by suffix, UTF-8 only, written atomically."""

from __future__ import annotations

import difflib
import gzip
import os
import zlib
from pathlib import Path

from crossfare.errors import DataError

BOM = "\ufeff"


def read_text(path: Path) -> str:
    """Read a UTF-8 file, unpacking it where the name ends in .gz; one leading byte order mark is skipped.

    Line ends are left as they are.

    Raises:
        DataError: the file is missing, empty, not gzip or not UTF-8 (with line and byte offset).
    """
    raw = _read_bytes(path)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{path}, line {line}: not UTF-8 (byte {raw[error.start]:#04x} at offset {error.start}); "
            "convert the file to UTF-8"
        ) from error
    text = text.removeprefix(BOM)
    if not text.strip():
        raise DataError(f"{path}: the file is empty; check that it was downloaded or written completely")
    return text


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 atomically (a reader sees the old file or the new one), packed where the name ends in .gz.

    The same text always gives the same bytes.

    Raises:
        DataError: the text holds a lone surrogate, which no UTF-8 file can hold, or the folder cannot be written.
    """
    # A text that itself begins with a byte order mark needs one more, or reading would take it away.
    text = BOM + text if text.startswith(BOM) else text
    try:
        raw = text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise DataError(
            f"{path}: cannot write the lone surrogate {text[error.start]!r}, it is not valid Unicode; "
            f"correct the text near {text[max(0, error.start - 20) : error.start]!r}"
        ) from error
    if path.suffix == ".gz":
        raw = gzip.compress(raw, mtime=0)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(raw)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise DataError(f"{path}: cannot be written ({error.strerror}); choose another place") from error


def stem(path: Path) -> str:
    """File name without its format suffix and .gz: "train-v1.1.json.gz" gives "train-v1.1"."""
    return Path(path.name.removesuffix(".gz")).stem


def _read_bytes(path: Path) -> bytes:
    try:
        raw = path.read_bytes()
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file; {_suggestion(path)}") from error
    except IsADirectoryError as error:
        raise DataError(f"{path}: is a folder; name a file in it") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); check its permissions") from error
    if path.suffix != ".gz":
        return raw
    try:
        return gzip.decompress(raw)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(
            f"{path}: not a complete gzip file ({error}); fetch it again, or drop .gz from its name"
        ) from error


def _suggestion(path: Path) -> str:
    if not path.parent.is_dir():
        return f"the folder {path.parent} does not exist either; check the path"
    names = [p.name for p in path.parent.iterdir()]
    near = difflib.get_close_matches(path.name, names, n=1, cutoff=0.6)
    if near:
        return f"did you mean {path.parent / near[0]}?"
    return "check the path, or use 'world:qa', 'world:nli' or 'hub:NAME' for data that is not a file"
