"""Arrays and lists of strings on disk, read where they lie: what is not asked for costs no memory."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_BLOCK = 256
"""Strings of which one is held in memory once any is looked for."""

_MANY, _SHORT = 32, 64
"""Strings, and characters of each, that are worth reading all at once."""


def mapped(path: Path, mode: Any = "r") -> NDArray[Any]:
    """An array that numpy saved, mapped into memory.

    Raises:
        OSError, ValueError: the file is missing or cut short.
    """
    array: NDArray[Any] = np.asarray(np.load(path, mmap_mode=mode, allow_pickle=False))
    return array


class Strings:
    """A memory-mapped list of strings: their UTF-8 bytes in one file, where each begins in another.

    Raises:
        OSError, ValueError: a file is missing or cut short.
    """

    def __init__(self, path: Path) -> None:
        self._offsets = mapped(_offsets(path))
        size = int(self._offsets[-1])
        self._characters = np.asarray(np.memmap(path, mode="r", shape=(size,))) if size else np.empty(0, np.uint8)
        self._bytes = self._characters.data

    @staticmethod
    @contextmanager
    def writing(path: Path) -> Iterator[Callable[[str], None]]:
        """Yield a function that appends one string to the list at ``path``."""
        ends = array("q", [0])
        with path.open("wb") as file:
            yield lambda string: ends.append(ends[-1] + file.write(string.encode()))
        np.save(_offsets(path), np.frombuffer(ends, dtype=np.int64))

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def at(self, positions: Sequence[int] | NDArray[np.integer[Any]]) -> list[str]:
        """The strings at ``positions``."""
        where = np.asarray(positions, dtype=np.int64)
        begins, ends = self._offsets[where], self._offsets[where + 1]
        if len(where) >= _MANY and (found := self._short(begins, ends - begins)) is not None:
            return found
        pairs = zip(begins.tolist(), ends.tolist(), strict=True)
        return [str(self._bytes[begin:end], "utf-8") for begin, end in pairs]

    def _short(self, begins: NDArray[np.int64], lengths: NDArray[np.int64]) -> list[str] | None:
        """The same by numpy, eight times as fast, where all are short and plain ASCII; None where they are not."""
        longest = int(lengths.max())
        if not 0 < longest <= _SHORT:
            return None
        places = begins[:, None] + np.arange(longest)
        block = self._characters[np.minimum(places, len(self._characters) - 1, out=places)]
        block[np.arange(longest) >= lengths[:, None]] = 0
        if block.max() >= 128 or np.count_nonzero(block) < lengths.sum():  # numpy takes no NUL for a character
            return None
        found: list[str] = block.view(f"S{longest}").ravel().astype(f"U{longest}").tolist()
        return found

    def find(self, string: str) -> int | None:
        """Position of ``string`` in a list in the order of UTF-8 (that of code points); None if it is not there."""
        wanted = string.encode()
        start = max(0, bisect_right(self._heads, wanted) - 1) * _BLOCK
        offsets = self._offsets[start : start + _BLOCK + 1].tolist()

        def encoded(place: int) -> bytes:
            return bytes(self._bytes[offsets[place] : offsets[place + 1]])

        place = bisect_left(range(len(offsets) - 1), wanted, key=encoded)
        return start + place if place < len(offsets) - 1 and encoded(place) == wanted else None

    @cached_property
    def _heads(self) -> list[bytes]:
        """The first string of every block: what is looked for is in the last block that does not begin after it."""
        return [string.encode() for string in self.at(range(0, len(self), _BLOCK))]


def _offsets(path: Path) -> Path:
    return path.with_name(f"{path.name}.offsets.npy")
