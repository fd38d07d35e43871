"""Whether translations can be those of their texts, each of its own, told without knowing either language.

Only what translations share with their originals is looked at.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from itertools import product

from crossfare.languages import unspaced_characters

_NUMBER = re.compile(r"\d(?:[.,\u00a0\u202f'’]?\d)*")
_WORD = re.compile(rf"[{unspaced_characters()}]|[^\W{unspaced_characters()}]+")

_NAME = re.compile(r"(?<!^)\b[A-ZÀ-ÖØ-ÞĀ-Ž]\w{3,}")

_ALIKE = 0.5
"""Texts that share this much of their words may well have one translation."""

_FEWEST = 3
_VARIANCE = 6.8
"""Of the difference of lengths, per character: Gale and Church's, of parliamentary debates."""

_UNLIKELY = 6.0
_SWAPPED = 2, 2
_BEADS = {(1, 1): 0.0} | dict.fromkeys([(2, 1), (1, 2), (1, 0), (0, 1), _SWAPPED], _UNLIKELY)
"""So many texts are answered by so many answers, and how unlikely that is, as a negative logarithm."""

_MANY = 3
"""So many texts that have little in common do not have one translation."""


def unlike(one: str, other: str) -> bool:
    """Whether two texts have so little in common that no translation fits both."""
    return _numbers(one) != _numbers(other) or reworded(one, other)


def reworded(one: str, other: str) -> bool:
    """Whether two texts share less than half of their words."""
    mine, theirs = ({word.casefold() for word in _WORD.findall(text)} for text in (one, other))
    return len(mine & theirs) < _ALIKE * len(mine | theirs)


def misplaced(texts: Sequence[str], answers: Sequence[str | None]) -> list[int]:
    """Places of answers that seem to belong to other texts.

    Unlike texts have the same one, a number is missing (of two digits and more: others are often written as words),
    names are those of another text, most words are, or lengths fit only if texts were merged and the next ones moved
    up, or two have changed places.
    """
    found = {place for places in shared(texts, answers) for place in places}
    found |= {
        place
        for place, (text, answer) in enumerate(zip(texts, answers, strict=True))
        if answer and reworded(text, answer) and not all(reworded(other, answer) for other in texts)
    }
    found |= {
        place
        for place, (text, answer) in enumerate(zip(texts, answers, strict=True))
        if answer is not None and any(len(n) > 1 and n not in "".join(_digits(answer)) for n in _numbers(text))
    }
    said = [answer or "" for answer in answers]
    return sorted(found | _misnamed(texts, said) | _moved(texts, said))


def _misnamed(texts: Sequence[str], answers: Sequence[str]) -> set[int]:
    """Places whose answers have names of other texts alone: words with a capital in one text and one answer only."""
    theirs, ours = _names(texts), _names(answers)
    links = [(theirs[name], ours[name]) for name in theirs.keys() & ours.keys()]
    at_home = {text for text, answer in links if text == answer}
    return {answer for text, answer in links if text != answer and answer not in at_home}


def _names(texts: Sequence[str]) -> dict[str, int]:
    """Where each name stands that stands in one of the texts only."""
    places: dict[str, set[int]] = defaultdict(set)
    for place, text in enumerate(texts):
        for word in _NAME.findall(text):
            places[word].add(place)
    return {name: among.copy().pop() for name, among in places.items() if len(among) == 1}


def _moved(texts: Sequence[str], answers: Sequence[str]) -> set[int]:
    """Places that are not answered by their own where texts and answers are aligned by their lengths.

    By Gale and Church (1993), A Program for Aligning Sentences in Bilingual Corpora; here one to one is so likely that
    it takes several odd lengths to think otherwise.
    """
    if len(texts) < _FEWEST or not all(answers):
        return set()
    mine, theirs = ([len(text.strip()) for text in each] for each in (texts, answers))
    ratio = sum(theirs) / max(1, sum(mine))
    best: dict[tuple[int, int], tuple[float, tuple[int, int]]] = {(0, 0): (0.0, (0, 0))}
    for i, j in product(range(len(mine) + 1), range(len(theirs) + 1)):
        steps = [
            (best[before][0] + penalty + _misfits(mine[before[0] : i], theirs[before[1] : j], ratio), before)
            for (di, dj), penalty in _BEADS.items()
            if (before := (i - di, j - dj)) in best
        ]
        if steps:
            best[i, j] = min(steps)
    place = len(mine), len(theirs)
    found: set[int] = set()
    while place != (0, 0):
        before = best[place][1]
        if place[0] != place[1] or before[0] != before[1] or place[0] - before[0] > 1:
            found.update(range(min(before), max(place)))
        place = before
    return found


def _misfits(lengths: Sequence[int], answered: Sequence[int], ratio: float) -> float:
    """How unlikely it is that texts of some lengths have answers of others; two of each have changed places."""
    if (len(lengths), len(answered)) == _SWAPPED:
        return _misfit(lengths[0], answered[1], ratio) + _misfit(lengths[1], answered[0], ratio)
    return _misfit(sum(lengths), sum(answered), ratio)


def _misfit(length: int, answered: int, ratio: float) -> float:
    """How unlikely it is that a text of a length has an answer of another, as a negative logarithm."""
    expected = length * ratio
    apart = abs(answered - expected) / math.sqrt(_VARIANCE * max(1.0, (expected + answered) / 2))
    return -math.log(max(math.erfc(apart / math.sqrt(2)), 1e-300))


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
