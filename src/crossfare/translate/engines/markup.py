"""Text as HTML or XML, for services that keep tags: markers become tags, all else is escaped.

A pair of tags counts as markers if it has no attributes, a short name (``<a>``, ``<b2>``, ``<span>``, ``<mark>``,
``<answer>``) and is properly nested. Whatever else looks like markup is text and must come back as it was: a lone
``<b>``, ``AT&T``, ``&quot;``. Names that HTML reads as more than an inline element (``<p>``, ``<h1>``) are text too.
"""

from __future__ import annotations

import html
import re
from functools import lru_cache

_TAG = re.compile(r"<(/?)((?:[a-gi-oq-z]|span|mark|answer)\d*)>")
_ANY_TAG = re.compile(r"<[^<>]*>")
# With its semicolon only: a bare "&lt" in a translation is text that the service forgot to escape.
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z]\w{1,31});")
_NOT_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def marker_pairs(text: str) -> list[tuple[re.Match[str], re.Match[str]]]:
    """The opening and closing tags that serve as markers, properly nested, in the order in which they close."""
    pairs: list[tuple[re.Match[str], re.Match[str]]] = []
    opened: list[re.Match[str]] = []
    for tag in _TAG.finditer(text):
        if not tag[1]:
            opened.append(tag)
        elif any(other[2] == tag[2] for other in opened):
            while (last := opened.pop())[2] != tag[2]:
                pass  # never closed, or closed too late: text
            pairs.append((last, tag))
    return pairs


@lru_cache(maxsize=4096)
def to_markup(text: str) -> str:
    """Escape a text; its markers stay tags."""
    tags = sorted(tag.span() for pair in marker_pairs(text) for tag in pair)
    parts: list[str] = []
    position = 0
    for start, end in tags:
        parts += (html.escape(text[position:start], quote=False), text[start:end])
        position = end
    return "".join((*parts, html.escape(text[position:], quote=False)))


def from_markup(markup: str) -> str:
    """Undo the escapes, once; tags stay as the service returned them."""
    return _ENTITY.sub(lambda entity: html.unescape(entity[0]), markup)


def visible(markup: str) -> str:
    """The text between the tags, without escapes."""
    return from_markup(_ANY_TAG.sub("", markup))


def not_xml(text: str) -> str:
    """The first character that XML cannot hold, as "U+000B"; empty if there is none."""
    found = _NOT_XML.search(text)
    return f"U+{ord(found[0]):04X}" if found else ""
