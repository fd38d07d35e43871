r"""Apertium's stream format: text in, with its tags tied to words, and text out again.

Texts go to Apertium's pipeline directly instead of through its HTML filter. That filter leaves tags
standing between words, so that "The <a>white</a> house" becomes "La <a>casa</a> blanca". Here the
words inside a tag carry it as a word-bound blank, ``[[t:x:0]]white[[/]]``, which moves with them:
"La casa <a>blanca</a>". What counts as a tag is a pair without attributes, properly nested; all other
"<" are text. See https://wiki.apertium.org/wiki/Format_handling and
https://wiki.apertium.org/wiki/Word-bound_blanks.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

_LINE_END = re.compile(r"(\s*[\n\r\u2028\u2029\0]\s*)")
_TAG = re.compile(r"(</?[A-Za-z]\w*>)")
_RESERVED = re.compile(r"[\\\[\]{}^$/@<>]")
_STREAM = re.compile(
    r"\[\[(?P<bound>t:x:\d+(?:; t:x:\d+)*)\]\]|(?P<end>\[\[/\]\])|\[(?P<blank>(?:\\.|[^\]\\])*)\]"
    r"|\\(?P<escaped>.)|(?P<text>[^\[\\]+|.)",
    re.DOTALL,
)
_MOST_OUTSIDE = 2  # characters of other words inside a tag, for each of its own
_BLANKS = re.compile(r"(?<=\S) {2,}(?=\S)")
_BLANK_BEFORE_STOP = re.compile(r"(?<=[^\s\[]) (?=[.,;:!?](?:[\s\[]|$))")


@dataclass(frozen=True, slots=True)
class Encoded:
    """A text as Apertium is given it: lines, and what is needed to put it together again.

    ``parts`` are lines and line ends in turn. ``regions`` says of each word-bound blank in which of
    the ``elements`` it lies, which are tags and their ends.
    """

    parts: tuple[str, ...]
    lead: str = ""
    tail: str = ""
    elements: tuple[tuple[str, str], ...] = ()
    regions: tuple[tuple[int, ...], ...] = ()

    @property
    def lines(self) -> tuple[str, ...]:
        """What is to be translated; may hold empty lines."""
        return self.parts[::2]


def encode(text: str, *, tags: bool = True) -> Encoded:
    """Turn a text into lines of Apertium's stream format; without ``tags`` everything in it is text."""
    core = text.strip()
    if not core:
        return Encoded(("",), lead=text)
    lead, _, tail = text.partition(core)
    core = unicodedata.normalize("NFC", core)  # as the dictionaries are written
    elements: list[tuple[str, str]] = []
    regions: list[tuple[int, ...]] = []
    stream = ""
    for piece, inside in _pieces(core, elements) if tags else [(core, ())]:
        if inside:
            stream += _bound(piece, len(regions))
            regions.append(inside)
        else:
            stream += escape(piece)
    return Encoded(tuple(_LINE_END.split(stream)), lead, tail, tuple(elements), tuple(regions))


def decode(encoded: Encoded, translated: Sequence[str]) -> str:
    """Put translated lines together again, tags round the words they belong to.

    A tag covers what became of its words: from the first to the last of them, unless too much lies
    between that is not its own; then the longest run of them. One none of whose words has a translation
    is gone.
    """
    joined = "".join(
        part if number % 2 else translated[number // 2].strip() for number, part in enumerate(encoded.parts)
    )
    return f"{encoded.lead}{_tagged(list(_runs(joined)), encoded)}{encoded.tail}"


def tidy(translated: str, source: str) -> str:
    """Remove the blanks that words without a translation leave behind, in a line of the stream format."""
    if "  " not in source:
        translated = _BLANKS.sub(" ", translated)
    if not _BLANK_BEFORE_STOP.search(source):
        translated = _BLANK_BEFORE_STOP.sub("", translated)
    return translated.strip()


def plain(line: str) -> str:
    """Return the text of a line of the stream format."""
    return "".join(run.text for run in _runs(line))


def escape(text: str) -> str:
    """Return a text as the stream format has it."""
    return _RESERVED.sub(r"\\\g<0>", text).replace("~", "[~]")


def _bound(piece: str, region: int) -> str:
    """Tie a piece of text to a region; never across lines, and without its outer blanks."""
    parts = _LINE_END.split(piece)
    for number in range(0, len(parts), 2):
        core = parts[number].strip()
        if core:
            before, _, after = parts[number].partition(core)
            parts[number] = f"{before}[[t:x:{region}]]{escape(core)}[[/]]{after}"
    return "".join(parts)


def _pieces(text: str, elements: list[tuple[str, str]]) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Cut a text at its tags, fill ``elements``, and yield the pieces with the elements they lie in."""
    parts = _TAG.split(text)
    partners = _partners(parts)
    opened: list[int] = []
    for number, part in enumerate(parts):
        if number not in partners:  # text, or a tag without a partner, which is text
            if part:
                yield part, tuple(opened)
        elif partners[number] > number:
            opened.append(len(elements))
            elements.append((part, parts[partners[number]]))
        else:
            opened.pop()


def _partners(parts: Sequence[str]) -> dict[int, int]:
    """Match opening and closing tags, by their positions, properly nested."""
    partners: dict[int, int] = {}
    stack: list[tuple[str, int]] = []
    for number in range(1, len(parts), 2):
        tag = parts[number]
        name = tag.strip("</>")
        if not tag.startswith("</"):
            stack.append((name, number))
        elif any(name == other for other, _ in stack):
            while stack[-1][0] != name:
                stack.pop()
            partners[number] = stack.pop()[1]
            partners[partners[number]] = number
    return partners


class _Run(NamedTuple):
    """A stretch of text, and the regions its words are tied to: several where words were contracted."""

    text: str
    regions: tuple[int, ...] = ()


def _runs(stream: str) -> Iterator[_Run]:
    """Read the stream format."""
    regions: tuple[int, ...] = ()
    for found in _STREAM.finditer(stream):
        if found["bound"]:
            regions = tuple(int(region) for region in re.findall(r"\d+", found["bound"]))
        elif found["end"]:
            regions = ()
        elif found["blank"] is not None:
            yield _Run(re.sub(r"\\(.)", r"\1", found["blank"], flags=re.DOTALL), regions)
        else:
            yield _Run(found["escaped"] or found["text"], regions)


def _tagged(runs: Sequence[_Run], encoded: Encoded) -> str:
    """Write runs with each element round those that are its own."""
    openings: dict[int, list[int]] = {}
    closings: dict[int, list[int]] = {}
    lengths = [len(run.text) for run in runs]
    for number in range(len(encoded.elements)):
        inside = [
            any(number in encoded.regions[region] for region in run.regions) if run.text.strip() else None
            for run in runs
        ]
        span = _span(inside, lengths)
        if span:
            openings.setdefault(span[0], []).append(number)
            closings.setdefault(span[1], []).insert(0, number)
    made = ""
    for position, run in enumerate(runs):
        made += "".join(encoded.elements[number][0] for number in openings.get(position, ()))
        made += run.text
        made += "".join(encoded.elements[number][1] for number in closings.get(position, ()))
    return made


def _span(inside: Sequence[bool | None], lengths: Sequence[int]) -> tuple[int, int] | None:
    """First and last run that an element covers; None marks a blank, which belongs to either side."""
    covered = [position for position, within in enumerate(inside) if within]
    if not covered:
        return None
    first, last = covered[0], covered[-1]
    outside = sum(lengths[position] for position in range(first, last) if inside[position] is False)
    if outside <= _MOST_OUTSIDE * sum(lengths[position] for position in covered):
        return first, last
    stretches: list[tuple[int, int, int]] = []
    size, start = 0, first
    for position in range(first, last + 1):
        if inside[position]:
            start = start if size else position
            size += lengths[position]
            stretches.append((size, start, position))
        elif inside[position] is False:
            size = 0
    return max(stretches, key=lambda stretch: (stretch[0], -stretch[1]))[1:]
