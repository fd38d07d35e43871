"""Read what a chat model answers to a list of texts, and see which answers cannot be trusted."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

from crossfare.translate.engines.correspondence import misplaced, stock_phrase
from crossfare.translate.engines.faults import Refused

Reply = list[tuple[int, str]]
"""Translations, each with the id of its text, as the model gives them."""

_THOUGHT = "</think>"


def read(content: str) -> Reply:
    """Find the list that was asked for: in a fence, after what the model thought aloud, or amid its prose.

    Raises:
        ValueError: it is not there.
    """
    for found in chain(_json(content.rpartition(_THOUGHT)[2]), _json(content)):
        items = found.get("translations") if isinstance(found, dict) else found
        if isinstance(items, list) and items:
            try:
                return [(int(item["id"]), _text(item["text"])) for item in items]
            except (ValueError, KeyError, TypeError):
                continue
    raise ValueError(f"its answer is not the JSON asked for: {content[:60]!r}")


def matched(texts: Sequence[str], reply: Reply) -> dict[str, Any]:
    """The fields of an `Answer`: a translation for each text, and which texts to ask for again.

    If the ids are not those that were asked for, texts were merged or cut, and nothing says which answer is whose.
    """
    said: dict[int, set[str]] = defaultdict(set)
    for number, text in reply:
        said[number].add(text)
    places = range(len(texts))
    if set(said) != set(places):
        refused = Refused(f"it answered {len(reply)} texts for {len(texts)}") if len(texts) == 1 else None
        return {"texts": [None] * len(texts), "refused": refused, "again": places}
    answers = [said[place].copy().pop() if len(said[place]) == 1 else None for place in places]
    if phrase := stock_phrase(texts, answers):
        return {"texts": answers, "refused": Refused(f"it says to different texts {phrase[:60]!r}", said=phrase)}
    if answers == [None]:
        return {"texts": answers, "refused": Refused(f"it answered a text {len(said[0])} times over")}
    twice = [place for place in places if answers[place] is None]
    return {"texts": answers, "again": sorted({*twice, *misplaced(texts, answers)})}


def _json(content: str) -> Iterator[Any]:
    """Every object or list of JSON that starts anywhere in a text, the outermost first."""
    decoder = json.JSONDecoder()  # noqa: TID251 - the strict reader reads no JSON amid prose
    for start, sign in enumerate(content):
        if sign in "{[":
            try:
                yield decoder.raw_decode(content, start)[0]
            except (ValueError, RecursionError):
                continue


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value
