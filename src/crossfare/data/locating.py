"""Where an answer stands in its context, however either of them is spelt."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby, pairwise

ENTITY = re.compile(r"&(?:#[0-9]+|#[xX][0-9a-fA-F]+|[A-Za-z][A-Za-z0-9]*);")  # "R&D" and "&c" are none
_PIECE = re.compile(rf"{ENTITY.pattern}|\s+|.", re.DOTALL)


def locate(context: str, text: str, given: int) -> tuple[int, int] | None:
    """Find where ``text`` stands in ``context``: at ``given``, else its occurrence nearest to it.

    If the text does not occur as written, both are compared in Unicode normal form C; then with every stretch of white
    space as one blank (of no matter which kind, nor at the ends of the answer), HTML entities resolved, compatible
    characters alike (NFKC) and invisible ones left out. The span is mapped back through an offset table, so that it
    holds the context's own spelling.

    Returns:
        (start, end) in code points of ``context``, or None if the text does not occur.
    """
    if not text:
        return None
    if given >= 0 and context.startswith(text, given):
        return given, given + len(text)
    nearest = (context.rfind(text, 0, max(given, 0) + len(text)), context.find(text, max(given, 0)))
    spans = [(start, start + len(text)) for start in nearest if start >= 0]
    spans = spans or _normalised_occurrences(context, text) or _loose_occurrences(context, text)
    return min(spans, key=lambda span: abs(span[0] - given), default=None)


def _occurrences(text: str, part: str) -> Iterator[int]:
    start = text.find(part)
    while start >= 0:
        yield start
        start = text.find(part, start + 1)


def _normalised_occurrences(context: str, text: str) -> list[tuple[int, int]]:
    if _has_heap_of_marks(context) or _has_heap_of_marks(text):
        return []
    if unicodedata.is_normalized("NFC", context) and unicodedata.is_normalized("NFC", text):
        return []
    part = unicodedata.normalize("NFC", text)
    normalised, offsets = _normalise(context)
    # A match inside a character that normalisation composed has no place in the original.
    return [
        (offsets[start], offsets[start + len(part)])
        for start in _occurrences(normalised, part)
        if start in offsets and start + len(part) in offsets
    ]


def _has_heap_of_marks(text: str) -> bool:
    """Whether more marks stand on a character than any language writes: normalising takes their number squared."""
    return not text.isascii() and any(
        marks and sum(1 for _ in run) > 1_000
        for marks, run in groupby(text, key=lambda c: unicodedata.combining(c) > 0)
    )


def _normalise(text: str) -> tuple[str, dict[int, int]]:
    """Normalise to NFC; the table maps offsets of the result that bound whole characters to offsets of ``text``."""
    bounds = [0]
    for i in range(1, len(text)):
        if not _composes(text[bounds[-1] : i], text[i]):
            bounds.append(i)
    pieces, offsets, length = [], {0: 0}, 0
    for start, end in pairwise([*bounds, len(text)]):
        pieces.append(unicodedata.normalize("NFC", text[start:end]))
        length += len(pieces[-1])
        offsets[length] = end
    return "".join(pieces), offsets


def _composes(before: str, character: str) -> bool:
    """Whether ``character`` is a mark on ``before``, or melts with it (Hangul, some Indic vowels)."""
    if unicodedata.combining(character):
        return True
    nfc = unicodedata.normalize
    return nfc("NFC", before + character) != nfc("NFC", before) + nfc("NFC", character)


def _loose_occurrences(context: str, text: str) -> list[tuple[int, int]]:
    if _has_heap_of_marks(context) or _has_heap_of_marks(text):
        return []
    part = _folded(text)[0].strip()
    folded, starts, ends = _folded(context)
    # A match begins and ends with whole characters of the original.
    return [
        (starts[at], ends[last])
        for at in (_occurrences(folded, part) if part else ())
        if (at == 0 or starts[at] != starts[at - 1])
        and ((last := at + len(part) - 1) + 1 == len(folded) or starts[last] != starts[last + 1])
    ]


@lru_cache(maxsize=64)
def _folded(text: str) -> tuple[str, list[int], list[int]]:
    """What is compared of a text; and where in the text each of its characters begins and ends."""
    parts: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for start, end in _pieces(text):
        piece = unicodedata.normalize("NFKC", html.unescape(text[start:end]))
        if piece.isspace():
            piece = " "
        elif len(piece) == 1 and unicodedata.category(piece) == "Cf":  # soft hyphens, marks of direction and width
            continue
        parts.append(piece)
        starts += [start] * len(piece)
        ends += [end] * len(piece)
    return "".join(parts), starts, ends


def _pieces(text: str) -> Iterator[tuple[int, int]]:
    """Where entities, stretches of white space and characters with their marks begin and end."""
    bounds: list[int] = []
    for match in _PIECE.finditer(text):
        start = match.start()
        if not bounds or not (unicodedata.combining(text[start]) or _composes(text[bounds[-1] : start], text[start])):
            bounds.append(start)
    return pairwise([*bounds, len(text)])
