"""Cut a text into words, in any script, without a language model: what alignment and search count in."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from crossfare.languages import is_unspaced
from crossfare.translate.sentences import Span


def words(text: str) -> list[Span]:
    """Return the spans of words, numbers and single signs, in order; blanks belong to none.

    Combining marks and joiners stay with the character before them. In scripts without blanks each
    character is a word of its own.
    """
    spans: list[Span] = []
    previous = ""
    for index, character in enumerate(text):
        kind = _kind(character)
        if not kind:
            previous = ""
        elif (kind == "mark" and previous) or (kind == previous == "letter"):
            spans[-1] = (spans[-1][0], index + 1)
        else:
            spans.append((index, index + 1))
            previous = kind
    return spans


def join_pieces(text: str, spans: Sequence[Span], pieces: Sequence[Span]) -> list[Span]:
    """Join the characters of unspaced scripts that a tokenizer has put into one piece; both are in order."""
    joined: list[Span] = []
    position = 0
    for start, end in spans:
        while position < len(pieces) and pieces[position][1] <= start:
            position += 1
        inside = position < len(pieces) and pieces[position][0] < start
        touching = joined and joined[-1][1] == start
        if inside and touching and is_unspaced(text[start]) and is_unspaced(text[start - 1]):
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def find_pieces(pieces: Sequence[str], text: str) -> list[Span]:
    """Find the pieces that a tokenizer without offsets has cut a text into, in order; blanks are not part of a piece.

    The tokenizer may have normalised the text. A piece that stands nowhere is an empty span where it should.
    """
    from rapidfuzz.distance import Levenshtein

    whole = "".join(pieces)
    places: list[Span] = []
    for edit in Levenshtein.opcodes(whole, text):
        step = 0 if edit.tag == "delete" else 1
        starts = (edit.dest_start + step * i for i in range(edit.src_end - edit.src_start))
        places += ((start, start + step) for start in starts)
    spans: list[Span] = []
    first = position = 0
    for piece in pieces:
        signs = [places[first + i] for i, sign in enumerate(piece) if not sign.isspace()]
        found = [place for place in signs if place[0] < place[1]]
        spans.append((found[0][0], found[-1][1]) if found else (position, position))
        position = spans[-1][1]
        first += len(piece)
    return spans


def _kind(character: str) -> str:
    """Tell what a character does to a word: "" ends it, the same letter kind continues it."""
    if character.isspace():
        return ""
    category = unicodedata.category(character)
    if category[0] == "M" or character in "\u200c\u200d":
        return "mark"
    if is_unspaced(character):
        return "sign"
    return "letter" if character.isalnum() else "sign"
