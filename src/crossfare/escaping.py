"""Text that others wrote, as a terminal may show it: control characters, escapes and text direction cannot act."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable
from typing import Any

import rich.console
from rich.console import ConsoleOptions, RenderableType
from rich.segment import Segment

# Control characters (8-bit ones too), line separators, direction overrides, invisible marks, lone surrogates. The
# joiners U+200C and U+200D belong to Persian, Hindi and emoji.
_ACTING = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)
_ACTING_BUT_LINES = re.compile(f"(?!\n){_ACTING.pattern}")

_SIZES = ("COLUMNS", "LINES", "JUPYTER_COLUMNS", "JUPYTER_LINES")


def escaped(text: str) -> str:
    r"""One line in which every character that a terminal would obey is written out: "\x1b[2J", "\n"."""
    return _ACTING.sub(_written_out, text)


def check_printable(text: str) -> None:
    """Refuse control characters but tabs and line ends, which neither figures nor tables can hold, and halves of one.

    Raises:
        ValueError: the text holds one.
    """
    plain = text.replace("\n", "").replace("\t", "")
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in plain):
        raise ValueError(f"{text[:80]!a} has a control character or half of one; remove it")


def _written_out(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")


class Console(rich.console.Console):
    """A terminal that obeys rich alone: whatever is printed on it, by anybody, is escaped (lines stay lines)."""

    def __init__(self, **settings: Any) -> None:
        # rich takes a size such as "²" for a number, and fails
        environment = {name: value for name, value in os.environ.items() if name not in _SIZES or value.isdecimal()}
        super().__init__(**{"emoji": False, "_environ": environment, **settings})

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """The segments of something, their text escaped."""
        for segment in super().render(renderable, options):
            if segment.control or not _ACTING_BUT_LINES.search(segment.text):
                yield segment
            else:
                yield Segment(_ACTING_BUT_LINES.sub(_written_out, segment.text), segment.style)
