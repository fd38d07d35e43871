"""Offsets that do not count code points: recognised by where all answers of a file would stand.

Tools count bytes of UTF-8 or units of UTF-16 (Java, JavaScript, C#), or the characters of the text before its line
ends, entities, accents or blanks were written another way. One answer tells little, since its text is looked for
anyhow; which of several occurrences is meant, all answers together tell.
"""

from __future__ import annotations

import html
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from crossfare.data.locating import ENTITY

Placed = tuple[str, str, int]
"""A context, an answer's text, and the offset that the file gives."""

Ints = NDArray[np.int64]

_LEAST = 2  # answers that tell
_SHARE = 0.8  # of them that stand where the offsets say


@dataclass(frozen=True, slots=True)
class OffsetUnit:
    """What a file's offsets count; ``shift`` is how much is added to them once they count code points."""

    what: str
    shift: int = 0

    def place(self, context: str, given: int) -> int:
        """The offset in code points."""
        if self.shift:
            return given + self.shift
        return _converted(context, given, self.what)


def recognise(answers: Sequence[Placed]) -> OffsetUnit | None:
    """What the offsets of a file count; None for code points, as they should, or nothing that is known."""
    if sum(not _stands(*each) for each in answers) < _LEAST:
        return None
    found = [(_told_by(answers, what), OffsetUnit(what)) for what in _WIDTHS]
    found.append(_shifted(answers))
    most, best = max(found, key=lambda each: each[0])
    return best if most else None


def _stands(context: str, text: str, start: int) -> bool:
    return start >= 0 and bool(text) and context.startswith(text, start)


def _told_by(answers: Sequence[Placed], what: str) -> int:
    """How many more answers stand where offsets of a kind say; 0 if they do not stand there by and large."""
    moved = [(each, (each[0], each[1], _converted(each[0], each[2], what))) for each in answers]
    telling = [(given, other) for given, other in moved if given[2] != other[2]]
    there = sum(_stands(*other) for _, other in telling)
    before = sum(_stands(*given) for given, _ in telling)
    enough = there >= max(_LEAST, _SHARE * len(telling)) and before <= len(telling) / 2
    return there - before if enough else 0


def _shifted(answers: Sequence[Placed]) -> tuple[int, OffsetUnit]:
    """The same of offsets that are all off by as much, told by answers that occur once."""
    once = [each for each in answers if each[1] and each[0].count(each[1]) == 1]
    shifts = Counter(context.find(text) - start for context, text, start in once)
    shift, count = shifts.most_common(1)[0] if shifts else (0, 0)
    enough = shift and count >= max(_LEAST, _SHARE * len(once))
    return (count if enough else 0), OffsetUnit(f"characters from {-shift:+d}", shift)


def _converted(context: str, given: int, what: str) -> int:
    """The last code point that such an offset reaches; the offset itself where it means none."""
    bounds = _bounds(context, what)
    if bounds is None or not 0 <= given <= bounds[-1]:
        return given
    return int(np.searchsorted(bounds, given, side="right")) - 1


@lru_cache(maxsize=256)
def _bounds(text: str, what: str) -> Ints | None:
    """The offset of each code point, and of the end; None if they are the same as in code points."""
    widths = _WIDTHS[what](text)
    if (widths == 1).all():
        return None
    return np.concatenate([[0], np.cumsum(widths)])


def _codes(text: str) -> Ints:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(np.int64)


def _utf8(text: str) -> Ints:
    codes = _codes(text)
    return np.asarray(1 + (codes > 0x7F) + (codes > 0x7FF) + (codes > 0xFFFF), dtype=np.int64)


def _utf16(text: str) -> Ints:
    return np.asarray(1 + (_codes(text) > 0xFFFF), dtype=np.int64)


def _one_line_end(text: str) -> Ints:
    codes = _codes(text)
    paired = (codes[:-1] == 13) & (codes[1:] == 10)
    return np.asarray(1 - np.append(paired, False)[: len(codes)], dtype=np.int64)


def _two_line_ends(text: str) -> Ints:
    codes = _codes(text)
    alone = (codes == 10) & (np.append([0], codes[:-1])[: len(codes)] != 13)
    return np.asarray(1 + alone, dtype=np.int64)


def _entities(text: str) -> Ints:
    widths = np.ones(len(text), dtype=np.int64)
    for match in ENTITY.finditer(text):
        widths[match.start() : match.end()] = 0
        widths[match.start()] = len(html.unescape(match[0]))
    return widths


def _blanks(text: str) -> Ints:
    space = np.array([sign.isspace() for sign in text], dtype=bool)
    return np.asarray(1 - (space & np.append([True], space[:-1])[: len(text)]), dtype=np.int64)


def _decomposed(text: str) -> Ints:
    return np.array([len(unicodedata.normalize("NFD", sign)) for sign in text], dtype=np.int64)


def _composed(text: str) -> Ints:
    """Marks count with what they stand on, where the two are one character."""
    widths = np.ones(len(text), dtype=np.int64)
    for place, sign in enumerate(text):
        if place and unicodedata.combining(sign):
            widths[place] = len(unicodedata.normalize("NFC", text[place - 1 : place + 1])) - 1
    return widths


_WIDTHS: dict[str, Callable[[str], Ints]] = {
    "UTF-8 bytes": _utf8,
    "UTF-16 units": _utf16,
    "characters with line ends of one": _one_line_end,
    "characters with line ends of two": _two_line_ends,
    "characters with entities resolved": _entities,
    "characters with blanks joined": _blanks,
    "characters of decomposed text (NFD)": _decomposed,
    "characters of composed text (NFC)": _composed,
}
"""How many of what is counted a code point is."""
