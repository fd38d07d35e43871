"""Answers that a cascade translates by themselves, to search for them: how many shows only once it has aligned them.

Beforehand there is the least (none), the most (every answer), and a share between them: measured by what finished
translations did, or else assumed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crossfare.translate.spans import SURE_FORWARD
from crossfare.types import Usage

# Of the characters of all answers, those of 300 questions of XQuAD, en-es by Apertium (docs/span-projection.md):
# without tags 790 of 4,050; where the engine keeps tags none was unsure.
_WITHOUT_TAGS, _WITH_TAGS = 0.2, 0.0


def assumed(*, keeps_tags: bool) -> float:
    """The share of the characters of answers that is taken to be searched for where none was measured."""
    return _WITH_TAGS if keeps_tags else _WITHOUT_TAGS


def measured(report: Mapping[str, Any]) -> float | None:
    """The share of the characters of answers that a finished translation searched for; None if it has no answer.

    ``report`` is that of the translation as plain data. Answers are taken at the length of their translation, lost ones
    at the mean.
    """
    answers = report["answers"]
    if not answers:
        return None
    lost = len(report["answers_dropped"]) + sum(not each["reason"].startswith("lint") for each in report["lost"])
    searched = [each for each in answers if each["method"] == "match" or each["confidence"] < SURE_FORWARD]
    total = sum(len(each["text"]) for each in answers)
    unsure = sum(len(each["text"]) for each in searched) + lost * total / len(answers)
    return unsure / (total + lost * total / len(answers))


def between(least: Usage, most: Usage, share: float) -> Usage:
    """So much of what lies between the least and the most."""
    return least if least == most else least.scaled(1 - share) + most.scaled(share)
