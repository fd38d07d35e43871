"""Read what a chat model answers to a list of texts, and see which answers cannot be trusted."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from crossfare.translate.correspondence import misplaced, stock_phrase
from crossfare.translate.engines.faults import Refused

Reply = list[tuple[int, str]]
"""Translations, each with the id of its text, as the model gives them."""

_BRACKET = re.compile(r"[\[{]")

_LONGEST = 1_000_000
"""Characters: no translation of a request is longer, with all that the model may think aloud."""

_FALSE_STARTS = 1000
"""So many brackets that begin no JSON are taken for prose."""

_STRAY_COMMA = re.compile(r'("(?:[^"\\]|\\.)*")|,(?=\s*[\]}])')
_KEYS = ("text", "translation", "translated_text", "translated")
"""What models call a translation; the first is what they are asked to."""


def read(content: object, count: int) -> Reply:
    """Find the list of ``count`` that was asked for: in a fence, after what the model thought aloud, amid its prose.

    Where there are several it is the last that is complete (those before are drafts), else the last; objects that stand
    in no list are one.

    Raises:
        ValueError: it is not there.
    """
    text = "".join(_parts(content)) if isinstance(content, list) else content
    if not isinstance(text, str) or len(text) > _LONGEST:
        what = f"{len(text):,} characters long" if isinstance(text, str) else "no text"
        raise ValueError(f"its answer is {what}")
    found = list(_found(text)) or list(_found(_STRAY_COMMA.sub(r"\1", text)))
    lists = [_reply(each) for each in found if not _is_item(each)]
    lists.append([each for item in found if _is_item(item) for each in _reply(item)])
    complete = [each for each in lists if {number for number, _ in each} == set(range(count))]
    for reply in (complete or lists[:-1])[-1:]:
        return reply
    raise ValueError(f"its answer is not the JSON asked for: {text[:60]!r}")


def _parts(content: list[Any]) -> Iterator[str]:
    """The text among the parts of a message; the others are what the model thought."""
    for part in content:
        said = part.get("text") if isinstance(part, dict) else getattr(part, "text", None)
        if isinstance(said, str):
            yield said


def matched(texts: Sequence[str], reply: Reply) -> dict[str, Any]:
    """The fields of an `Answer`: a translation for each text, and which texts to ask for again.

    If the ids are not those that were asked for, texts were merged or cut, and nothing says which answer is whose.
    """
    said: dict[int, set[str]] = defaultdict(set)
    for number, text in reply:
        said[number].add(text)
    places = range(len(texts))
    if set(said) != set(places):
        refused = Refused("it answered another text than the one it was sent") if len(texts) == 1 else None
        return {"texts": [None] * len(texts), "refused": refused, "again": places}
    answers = [said[place].copy().pop() if len(said[place]) == 1 else None for place in places]
    if all(answer is not None and not answer.strip() for answer in answers):
        return {"texts": answers, "refused": Refused("it left every text blank")}
    if phrase := stock_phrase(texts, answers):
        return {"texts": answers, "refused": Refused(f"it says to different texts {phrase[:60]!r}", said=phrase)}
    if answers == [None]:
        return {"texts": answers, "refused": Refused(f"it answered a text {len(said[0])} times over")}
    twice = [place for place in places if answers[place] is None]
    return {"texts": answers, "again": sorted({*twice, *misplaced(texts, answers)})}


def _found(content: str) -> Iterator[Any]:
    """Every JSON of translations in a text; each bracket outside those that were found may begin one."""
    decoder = json.JSONDecoder()  # noqa: TID251 - the strict reader reads no JSON amid prose
    end = false_starts = 0
    for bracket in _BRACKET.finditer(content):
        if bracket.start() < end or false_starts == _FALSE_STARTS:
            continue
        try:
            found, after = decoder.raw_decode(content, bracket.start())
        except (ValueError, RecursionError):
            false_starts += 1
            continue
        if _reply(found):
            end = after
            yield found


def _is_item(found: Any) -> bool:
    """Whether it is one translation, and in no list."""
    return isinstance(found, dict) and "id" in found


def _reply(found: Any) -> Reply:
    """What is a list of translations, or holds one; empty if it does not."""
    items: Any = found.get("translations", found) if isinstance(found, dict) else found
    try:
        if _is_item(items):
            items = [items]
        if isinstance(items, dict):  # of texts by their ids
            return [(_id(number), _text(said)) for number, said in items.items()]
        return [(_id(item["id"]), _text(next(item[key] for key in _KEYS if key in item))) for item in items]
    except (ValueError, KeyError, TypeError, OverflowError, StopIteration):
        return []


def _id(value: object) -> int:
    """An id, which may be written as a text, or as a number with a point."""
    if not isinstance(value, (int, float, str)) or int(value) != float(value):
        raise ValueError
    return int(value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value
