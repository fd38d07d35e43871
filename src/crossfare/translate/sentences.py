"""Cut a text into sentences, and join it again without losing a character.

"The open-source models translate single sentences better than multiple sentences" (paper section
4.2), so they are given one at a time. White space between sentences is never sent: it is kept, and
put back between the translations.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from crossfare.languages import by_characters, primary

Span = tuple[int, int]
Granularity = Literal["sentence", "document"]


def segment_spans(text: str, language: str, granularity: Granularity) -> tuple[Span, ...]:
    """Return the spans to translate in one call each; only white space lies between and around them."""
    whole = _trim(text, 0, len(text))
    if granularity == "document":
        return whole
    pieces = _sentences(text, language)
    if "".join(pieces) != text:
        return whole
    spans: list[Span] = []
    start = 0
    for piece in pieces:
        spans += _trim(text, start, start + len(piece))
        start += len(piece)
    return tuple(spans)


def merge_over(spans: Sequence[Span], start: int, end: int) -> tuple[tuple[Span, ...], int]:
    """Merge the spans that ``[start, end)`` touches into one; return all spans and its index."""
    before = [span for span in spans if span[1] <= start]
    after = [span for span in spans if span[0] >= end]
    touched = spans[len(before) : len(spans) - len(after)]
    merged = (min([start, *(s for s, _ in touched)]), max([end, *(e for _, e in touched)]))
    return (*before, merged, *after), len(before)


def join(text: str, spans: Sequence[Span], translations: Sequence[str], *, source: str, target: str) -> list[str]:
    """Interleave translations with the white space of the original.

    Returns the parts of the translated text: blank, translation, blank, translation, ..., blank.
    """
    parts: list[str] = []
    position = 0
    for index, ((start, end), translation) in enumerate(zip(spans, translations, strict=True)):
        gap = text[position:start]
        if index and not gap and translation != text[start:end] and _needs_blank(source, target):
            gap = " "
        parts += (gap, translation)
        position = end
    return [*parts, text[position:]]


def _needs_blank(source: str, target: str) -> bool:
    """Whether a translation into another script needs a blank between sentences that the source has not."""
    return by_characters(source) and not by_characters(target)


def _trim(text: str, start: int, end: int) -> tuple[Span, ...]:
    core = text[start:end].strip()
    if not core:
        return ()
    first = start + len(text[start:end]) - len(text[start:end].lstrip())
    return ((first, first + len(core)),)


def _sentences(text: str, language: str) -> list[str]:
    from sentencex import segment

    try:
        return list(segment(primary(language), text))
    except UnicodeEncodeError:  # a lone surrogate: no sentence splitter can read the text
        return [text]
