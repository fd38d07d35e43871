"""Compose text to NFC and keep the way back to the original offsets.

Most pretrained tokenizers were fitted on composed text: decomposed text (part of MLQA's and XNLI's Vietnamese)
falls apart into unknown pieces, or its combining marks fall out of the token offsets. So text is composed before
it is tokenised, and offsets are mapped back to the text as given, of which predictions must be slices.
"""

from __future__ import annotations

import sys
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Composed:
    """NFC text; character i stands for ``original[begin[i]:end[i]]``. Both are None if nothing changed."""

    text: str
    begin: NDArray[np.int64] | None = None
    end: NDArray[np.int64] | None = None


def compose(text: str) -> Composed:
    """Compose ``text`` to NFC, with the code-point offsets that lead back to it."""
    if text.isascii() or unicodedata.is_normalized("NFC", text):
        return Composed(text)
    begin: list[int] = []
    end: list[int] = []
    parts: list[str] = []
    for start, stop in _clusters(text):
        cluster = text[start:stop]
        composed = unicodedata.normalize("NFC", cluster)
        parts.append(composed)
        if composed == cluster:
            begin.extend(range(start, stop))
            end.extend(range(start + 1, stop + 1))
        else:
            begin.extend([start] * len(composed))
            end.extend([stop] * len(composed))
    return Composed("".join(parts), np.array(begin, dtype=np.int64), np.array(end, dtype=np.int64))


def _clusters(text: str) -> list[tuple[int, int]]:
    """Spans that normalise independently: a starter with everything that may combine with it."""
    trailing = _trailing()
    starts = [0, *(i for i in range(1, len(text)) if not (unicodedata.combining(text[i]) or text[i] in trailing))]
    return list(zip(starts, [*starts[1:], len(text)], strict=True))


@lru_cache
def _trailing() -> frozenset[str]:
    """Starters that may compose with the character before them (NFC_Quick_Check=Maybe, combining class 0)."""
    decompositions = (unicodedata.decomposition(chr(code)).split() for code in range(sys.maxunicode))
    second = {chr(int(parts[1], 16)) for parts in decompositions if len(parts) == 2 and not parts[0].startswith("<")}
    hangul = {chr(code) for code in range(0x1160, 0x1200)}  # vowel and final jamo compose by rule, not by table
    return frozenset(second | hangul)
