"""Whether translations can be those of their texts, each of its own, told without knowing either language.

Only what translations share with their originals is looked at.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence

from crossfare.languages import unspaced_characters

_NUMBER = re.compile(r"\d(?:[.,\u00a0\u202f'’]?\d)*")
_WORD = re.compile(rf"[{unspaced_characters()}]|[^\W{unspaced_characters()}]+")

_ALIKE = 0.5
"""Texts that share this much of their words may well have one translation."""

_MANY = 3
"""So many texts that have little in common do not have one translation."""


def unlike(one: str, other: str) -> bool:
    """Whether two texts have so little in common that no translation fits both."""
    if _numbers(one) != _numbers(other):
        return True
    mine, theirs = ({word.casefold() for word in _WORD.findall(text)} for text in (one, other))
    return len(mine & theirs) < _ALIKE * len(mine | theirs)


def misplaced(texts: Sequence[str], answers: Sequence[str | None]) -> list[int]:
    """Places of answers that seem to belong to other texts: unlike texts have the same one, or a number is missing.

    Numbers of one digit are left out: they are often written as words.
    """
    found = {place for places in shared(texts, answers) for place in places}
    found |= {
        place
        for place, (text, answer) in enumerate(zip(texts, answers, strict=True))
        if answer is not None and any(len(n) > 1 and n not in "".join(_digits(answer)) for n in _numbers(text))
    }
    return sorted(found)


def stock_phrase(texts: Sequence[str], answers: Sequence[str | None]) -> str:
    """What is said to so many unlike texts that it is no translation of any; "" if there is no such answer."""
    for first, *_ in same_for_many(texts, answers):
        return (answers[first] or "").strip()
    return ""


def same_for_many(texts: Sequence[str], answers: Sequence[str | None]) -> list[list[int]]:
    """Places of so many unlike texts with one answer that it is no translation of any."""
    return [places for places in shared(texts, answers) if len(places) >= _MANY]


def shared(texts: Sequence[str], answers: Sequence[str | None]) -> list[list[int]]:
    """Places that have one answer though their texts are unlike the first of them, with that one."""
    by_answer: dict[str, list[int]] = defaultdict(list)
    for place, answer in enumerate(answers):
        if answer is not None and answer.strip():
            by_answer[answer.strip()].append(place)
    found = []
    for first, *others in by_answer.values():
        apart = [place for place in others if unlike(texts[first], texts[place])]
        found += [[first, *apart]] if apart else []
    return found


def _numbers(text: str) -> list[str]:
    """The numbers of a text as plain digits, without what groups them."""
    return sorted("".join(_digits(number)) for number in _NUMBER.findall(text))


def _digits(text: str) -> list[str]:
    return [str(unicodedata.digit(sign)) for sign in text if unicodedata.digit(sign, None) is not None]
