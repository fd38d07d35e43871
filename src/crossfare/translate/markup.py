"""Engines that read markup: text is escaped for them, tags stay tags.

An engine says so by an attribute ``tags``:

    "html", "xml"  it is given fragments of markup, and keeps their tags with the words they enclose
    "text"         it is given plain text, and makes markup of it by itself
    None, or none  tags are text to it, and may come back in any shape

`reading_text` puts the first kind behind an interface that takes plain text as all engines do, so that
``AT&T`` and a lone ``<b>`` in a text are what they are.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from typing import Any

from crossfare.translate.outcome import ExplainedTranslation
from crossfare.types import Engine

_TAG = re.compile(r"(</?[a-z][a-z0-9]*>)")


def tags_of(engine: Engine) -> str | None:
    """Return how an engine keeps tags, by its attribute ``tags``."""
    return getattr(engine, "tags", None)


def reading_text(engine: Engine) -> Engine:
    """Return an engine that takes plain text in place of one that takes markup; others as they are."""
    return MarkupEngine(engine) if tags_of(engine) in ("html", "xml") else engine


class MarkupEngine:
    """Escape what an engine is sent, and undo it in what comes back; pairs of tags are left as tags."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.name = engine.name
        self.revision = engine.revision
        self.granularity = engine.granularity

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def translate(self, texts: Sequence[str], *, source: str, target: str) -> ExplainedTranslation:
        """Translate plain texts."""
        made = self._engine.translate([to_markup(text) for text in texts], source=source, target=target)
        translations = tuple(None if text is None else html.unescape(text) for text in made.texts)
        return ExplainedTranslation(translations, made.usage, getattr(made, "failures", {}))


def to_markup(text: str) -> str:
    """Escape a text for HTML and XML, but for its tags that come in pairs."""
    parts = _TAG.split(text)
    tags: set[int] = set()
    opened: list[int] = []
    for number in range(1, len(parts), 2):
        name = parts[number].strip("</>")
        if not parts[number].startswith("</"):
            opened.append(number)
        elif any(parts[other] == f"<{name}>" for other in opened):
            while parts[opened[-1]] != f"<{name}>":
                opened.pop()
            tags |= {opened.pop(), number}
    return "".join(part if number in tags else html.escape(part, quote=False) for number, part in enumerate(parts))
