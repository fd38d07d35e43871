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
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from crossfare.errors import ConfigError

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


class MarkersLost(ValueError):
    """The markers did not survive; the message says how."""


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
        MarkersLost: no pair is free, or there is nothing to mark.
    """
    for number in range(_VARIANTS):
        markers = (preferred or Markers()).variant(number)
        marked = markers.wrap(text, start, end)
        try:
            if recover(marked, markers) == Recovered(text, start, end):
                return marked, markers
        except MarkersLost:
            continue
    raise MarkersLost(f"the answer {text[start:end]!r} cannot be marked")


def recover(text: str, markers: Markers) -> Recovered:
    """Take the markers out of a translated text and measure the span they held.

    The blanks an engine put inside the markers stay outside the answer, and are dropped where they
    would double a blank or stand before punctuation.

    Raises:
        MarkersLost: not exactly one opening marker followed by one closing marker, or nothing between.
    """
    openings = list(pattern(markers.opening).finditer(text))
    closings = list(pattern(markers.closing).finditer(text))
    if len(openings) != 1 or len(closings) != 1:
        raise MarkersLost(f"{len(openings)} opening and {len(closings)} closing markers instead of one each")
    opening, closing = openings[0], closings[0]
    if opening.end() > closing.start():
        raise MarkersLost("the closing marker stands before the opening one")
    left, inner, right = text[: opening.start()], text[opening.end() : closing.start()], text[closing.end() :]
    answer = inner.strip()
    if not answer:
        raise MarkersLost("nothing between the markers")
    lead = inner[: len(inner) - len(inner.lstrip())]
    tail = inner[len(inner.rstrip()) :]
    if not left or left[-1].isspace() or left[-1] in OPENS:
        lead = ""
    if not right or right[0].isspace() or right[0] in CLOSES:
        tail = ""
    start = len(left) + len(lead)
    return Recovered(f"{left}{lead}{answer}{tail}{right}", start, start + len(answer))


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
