"""Align words by the attention of the model that translates: no further model is needed.

The model is made to write the translation that is given, so that the translation memory serves as ever.
Each word of the source is linked with the word of the translation that attended to it most when it was
written. Layer, heads and the direction of the links were chosen on data: see docs/span-projection.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

import numpy as np

from crossfare.translate.alignment import Link, words_in_pieces
from crossfare.translate.engines.ctranslate2_seq2seq import CrossAttention

NAME = "attention"
VERSION = 1
_LINE = re.compile(r"\S[^\n\r\u2028\u2029]*")

Attending = Callable[[Sequence[tuple[str, str]]], list[CrossAttention | None]]


@runtime_checkable
class Attends(Protocol):
    """An engine that says what its model attends to when it writes given translations."""

    def cross_attention(
        self, pairs: Sequence[tuple[str, str]], *, source: str, target: str
    ) -> list[CrossAttention | None]:
        """See `CTranslate2Engine.cross_attention`."""


class AttentionAligner:
    """Align by the cross-attention of a translation model.

    Args:
        attending: what tells, for (source text, translation), how the model attends; None where it cannot.
    """

    def __init__(self, attending: Attending) -> None:
        self._attending = attending

    def align(self, pairs: Sequence[tuple[str, str]]) -> list[tuple[Link, ...]]:
        """Return for each (source text, target text) the linked character spans of words."""
        cut = [_by_line(*pair) for pair in pairs]
        distinct = list(dict.fromkeys((a.group(), b.group()) for lines in cut for a, b in lines))
        links = {
            texts: _links(*texts, attention) if attention else ()
            for texts, attention in zip(distinct, self._attending(distinct), strict=True)
        }
        return [
            tuple(
                ((s + one.start(), e + one.start()), (t + other.start(), f + other.start()))
                for one, other in lines
                for (s, e), (t, f) in links[one.group(), other.group()]
            )
            for lines in cut
        ]


def _by_line(source: str, target: str) -> list[tuple[re.Match[str], re.Match[str]]]:
    """Pair the lines of a text with those of its translation: engines here translate line by line."""
    one, other = (list(_LINE.finditer(text)) for text in (source, target))
    if len(one) != len(other):
        whole = re.compile(r"\S.*", re.DOTALL)
        one, other = (list(whole.finditer(text)) for text in (source, target))
    return list(zip(one, other, strict=False))


def _links(source: str, target: str, attention: CrossAttention) -> tuple[Link, ...]:
    read, written = (
        list(words_in_pieces(text, pieces)) for text, pieces in ((source, attention.read), (target, attention.written))
    )
    if not read or not written:
        return ()
    rows = np.stack([attention.weights[pieces].mean(axis=0) for _, pieces in written])
    weights = np.stack([rows[:, pieces].sum(axis=1) for _, pieces in read])
    best = weights.argmax(axis=1).tolist()
    return tuple((word, written[j][0]) for (word, _), j in zip(read, best, strict=True))
