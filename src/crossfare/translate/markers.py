"""Answer delimiters (paper section 4.2): put them round an answer, find the answer again afterwards.

The paper marks the answer in its context, translates, and reads the answer off between the markers.
Its published code measured the start while the marker was still in the text and cut the last letter;
here the span is measured on the text without markers, and every marking is checked to come back
unchanged before it is sent.

Engines touch markers: they put blanks round them, change case, escape them for HTML. That is
forgiven. Their number and order are not: exactly one opening, then exactly one closing marker.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from crossfare.errors import ConfigError
from crossfare.translate.outcome import Failed

# What engines make of the characters of a tag: themselves, HTML escapes, full-width forms.
_FORGIVEN = {
    "<": "<|&lt;|＜",
    ">": ">|&gt;|＞",
    "/": r"/|\\/|&#47;|／",
    "&": "&|&amp;",
    '"': '"|&quot;',
    "'": "'|&#39;",
}
_SPACED_TOKEN = re.compile(r"[^\W\d_]+|\d+|_|\W")
OPENS = "([{<«„“‘¿¡"
CLOSES = ")]}>»”’.,;:!?%…"
_VARIANTS = 100


@dataclass(frozen=True, slots=True)
class Markers:
    """A pair of delimiters, such as the paper's ``Markers("<answer_start>", "<answer_end>")``.

    Raises:
        ConfigError: a marker is blank, or one contains the other.
    """

    opening: str = "<a>"
    closing: str = "</a>"

    def __post_init__(self) -> None:
        pair = (self.opening, self.closing)
        if any(marker != marker.strip() or not marker for marker in pair):
            raise ConfigError(f"markers {pair}: each must be a text without outer blanks")
        if self.opening in self.closing or self.closing in self.opening:
            raise ConfigError(f"markers {pair}: neither may contain the other; choose a pair such as <a> and </a>")

    def variant(self, number: int) -> Markers:
        """Return the n-th replacement: ``<a1>``/``</a1>`` for 1; the pair itself for 0."""
        if number == 0:
            return self
        return Markers(_numbered(self.opening, number), _numbered(self.closing, number))

    def wrap(self, text: str, start: int, end: int) -> str:
        """Put the markers round ``text[start:end]``."""
        return f"{text[:start]}{self.opening}{text[start:end]}{self.closing}{text[end:]}"

    def unwrap_all(self, text: str) -> tuple[str, dict[Markers, tuple[int, int]]]:
        """Undo `wrap_all` exactly: the text without this pair and its variants, and what each of them held.

        A pair that is not there once, opening before closing, counts as text.
        """
        tags = [
            (match.start(), match.group(), int(match["number"] or 0), is_opening)
            for is_opening, marker in ((True, self.opening), (False, self.closing))
            for match in _any_number(marker).finditer(text)
        ]
        of_pair: dict[int, list[bool]] = {}
        for _, _, number, is_opening in sorted(tags):
            of_pair.setdefault(number, []).append(is_opening)
        plain, end, starts = "", 0, {}
        found: dict[Markers, tuple[int, int]] = {}
        for start, tag, number, is_opening in sorted(tags):
            if of_pair[number] != [True, False]:
                continue
            plain += text[end:start]
            end = start + len(tag)
            if is_opening:
                starts[number] = len(plain)
            else:
                found[self.variant(number)] = (starts[number], len(plain))
        return plain + text[end:], found


def wrap_all(text: str, spans: Mapping[Markers, tuple[int, int]]) -> str:
    """Put each pair of markers round its span; where one ends and another begins, the end comes first."""
    tags = sorted(
        (place, is_opening, marker)
        for pair, (start, end) in spans.items()
        for place, is_opening, marker in ((start, True, pair.opening), (end, False, pair.closing))
    )
    for place, _, marker in reversed(tags):
        text = text[:place] + marker + text[place:]
    return text


@dataclass(frozen=True, slots=True)
class Recovered:
    """A text without markers, and the span ``[start, end)`` that was marked in it, in code points."""

    text: str
    start: int
    end: int

    @property
    def answer(self) -> str:
        """The marked part."""
        return self.text[self.start : self.end]


def mark(text: str, start: int, end: int, preferred: Markers | None = None) -> tuple[str, Markers]:
    """Mark ``text[start:end]``, which must not begin or end with white space.

    Returns the marked text and the pair used: the preferred one, or its first variant that the text
    does not hold already in any spelling `recover` would take for it.

    Raises:
        Failed: no pair is free, or there is nothing to mark.
    """
    for number in range(_VARIANTS):
        markers = (preferred or Markers()).variant(number)
        marked = markers.wrap(text, start, end)
        try:
            if recover(marked, markers) == Recovered(text, start, end):
                return marked, markers
        except Failed:
            continue
    raise Failed(f"the answer {text[start:end]!r} cannot be marked", text[start:end])


def recover(text: str, markers: Markers) -> Recovered:
    """Take the markers out of a translated text and measure the span they held, as `untag` does.

    Raises:
        Failed: not exactly one opening marker followed by one closing marker, or nothing between.
    """
    tags = _tags(text, [markers])
    openings = sum(tag.is_opening for tag in tags)
    if (openings, len(tags)) != (1, 2):
        raise Failed(f"{openings} opening and {len(tags) - openings} closing markers instead of one each", text)
    if not tags[0].is_opening:
        raise Failed("the closing marker stands before the opening one", text)
    plain = untag(text, [markers])
    place = plain.places[0]
    if isinstance(place, Failed):
        raise Failed("nothing between the markers", text)
    return Recovered(plain.text, place.start, place.end)


class Place(NamedTuple):
    """Where a tagged span lies in the text without tags; several pieces of it that lie apart cost confidence."""

    start: int
    end: int
    confidence: float


@dataclass(frozen=True, slots=True)
class Untagged:
    """A text without its tags, and for each pair of tags its place or why it has none."""

    text: str
    places: tuple[Place | Failed, ...]


def untag(text: str, pairs: Sequence[Markers]) -> Untagged:
    """Take the tags of all pairs out of a translated text, and measure the spans they held.

    Blanks an engine put inside tags are moved outside, and dropped where they would double a blank or
    stand before punctuation. An engine that moves words may close a tag and open it again: the place
    then reaches from the first piece to the last.
    """
    tags = _tags(text, pairs)
    pieces = [
        text[start:end]
        for start, end in zip([0, *(t.end for t in tags)], [*(t.start for t in tags), None], strict=True)
    ]
    plain = gap = ""
    offsets: list[int] = []
    for number, (piece, before, after) in enumerate(zip(pieces, [None, *tags], [*tags, None], strict=True)):
        rest = "".join(pieces[number:])
        if gap and rest and not rest[0].isspace() and rest[0] not in CLOSES:
            plain += gap
        gap = ""
        held = piece.lstrip() if before and before.is_opening else piece
        if before and before.is_opening:
            if plain and not plain[-1].isspace() and plain[-1] not in OPENS:
                plain += piece[: len(piece) - len(held)]
            offsets[-1] = len(plain)
        inner = held.rstrip() if after and not after.is_opening else held
        gap = held[len(inner) :]
        plain += inner
        offsets.append(len(plain))
    return Untagged(plain, tuple(_place(number, tags, offsets) for number in range(len(pairs))))


class _Tag(NamedTuple):
    start: int
    end: int
    pair: int
    is_opening: bool


def _tags(text: str, pairs: Sequence[Markers]) -> list[_Tag]:
    return sorted(
        _Tag(*match.span(), number, is_opening)
        for number, pair in enumerate(pairs)
        for is_opening, marker in ((True, pair.opening), (False, pair.closing))
        for match in pattern(marker).finditer(text)
    )


def _place(pair: int, tags: Sequence[_Tag], offsets: Sequence[int]) -> Place | Failed:
    """Say where a pair's tags were: ``offsets`` has the place of each tag in the plain text."""
    own = [(tag.is_opening, offset) for tag, offset in zip(tags, offsets, strict=False) if tag.pair == pair]
    openings, closings = own[::2], own[1::2]
    if len(openings) != len(closings) or not all(o[0] for o in openings) or any(c[0] for c in closings) or not own:
        count = sum(is_opening for is_opening, _ in own)
        return Failed(f"{count} opening and {len(own) - count} closing tags instead of one each")
    held = sum(closing[1] - opening[1] for opening, closing in zip(openings, closings, strict=True))
    start, end = own[0][1], own[-1][1]
    return Place(start, end, held / (end - start)) if held else Failed("nothing between the tags")


def _numbered(marker: str, number: int) -> str:
    """Number a marker inside its last bracket: ``</a>`` to ``</a1>``, ``##`` to ``##1``."""
    before, after = _around_number(marker)
    return f"{before}{number}{after}"


def _around_number(marker: str) -> tuple[str, str]:
    return (marker[:-1], marker[-1]) if marker[-1] in ">]})" else (marker, "")


@lru_cache(maxsize=16)
def _any_number(marker: str) -> re.Pattern[str]:
    """Match a marker and all its numbered variants, exactly as `_numbered` makes them."""
    before, after = _around_number(marker)
    return re.compile(re.escape(before) + r"(?P<number>[1-9]\d*)?" + re.escape(after))


@lru_cache(maxsize=256)
def pattern(marker: str) -> re.Pattern[str]:
    """Match a marker as engines may return it: other case, blanks between its parts, escaped."""
    parts = (f"(?:{_FORGIVEN.get(part, re.escape(part))})" for part in _SPACED_TOKEN.findall(marker))
    return re.compile(r"\s*".join(parts), re.IGNORECASE)
