"""What steps read and do, by size: datasets, collections, and the work of a step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from crossfare.types import Dataset, QAExample, Step, Usage

Level = Literal["low", "expected", "high"]
LEVELS: tuple[Level, ...] = ("low", "expected", "high")


@dataclass(frozen=True, slots=True)
class Material:
    """The data that a step makes, as far as they are known beforehand.

    ``stretch``  characters of the real texts for one of these: those of a translation that is still to be made
    ``copies``   real examples for one of these: figures stated by the user are shown by a few examples
    ``exact``    whether the texts (before any translation) are as many and as long as the real ones
    ``stated``   whether that is so because the user says it
    """

    dataset: Dataset
    stretch: float = 1.0
    copies: float = 1.0
    exact: bool = True
    stated: bool = False

    @property
    def examples(self) -> int:
        """How many examples there really are."""
        return round(len(self.dataset) * self.copies)

    @property
    def characters(self) -> float:
        """Characters of all texts."""
        shown = sum(len(text) for example in self.dataset.examples for text in example.texts)
        return shown * self.copies * self.stretch


@dataclass(frozen=True, slots=True)
class Passages:
    """A collection, by its size."""

    count: int
    characters: int
    language: str
    stretch: float = 1.0
    some: tuple[str, ...] = ()

    @property
    def mean(self) -> float:
        """Characters of a passage."""
        return self.stretch * self.characters / max(1, self.count)


@dataclass(frozen=True, slots=True)
class Work:
    """How much a step has to do, in the units its rates may be in.

    ``characters`` and ``requests`` are expected, ``least`` and ``most`` are characters too, where these differ.
    ``exact`` says that characters and requests are what will be billed, ``stated`` that the user says so;
    ``lacking`` what had to be known to count, and was not. ``bound`` is the most that can be billed, where that is
    known before it is, and ``billed`` the characters that are billed for one of those counted. ``timing`` says how
    often it is done, where it is timed.
    """

    amounts: Mapping[str, float] = field(default_factory=dict)
    characters: int | None = None
    requests: int | None = None
    annotated: int | None = None
    exact: bool = True
    stated: bool = False
    lacking: str = ""
    note: str = ""
    least: int | None = None
    most: int | None = None
    bound: Usage | None = None
    billed: float = 1.0
    timing: Mapping[str, Any] | None = None

    @property
    def source(self) -> str:
        """Where the amounts are from."""
        return "estimated" if not self.exact else "stated" if self.stated else "counted"

    def usage(self, level: Level) -> Usage:
        """What is counted of it, at the least, as expected or at the most."""
        characters = {"low": self.least, "high": self.most}.get(level)
        characters = self.characters if characters is None else characters
        requests = None if self.requests is None else round(self.requests * self.share(level))
        return Usage(characters=characters, requests=requests, annotated=self.annotated, measured=False)

    def share(self, level: Level) -> float:
        """Characters at a level over those expected."""
        bound = {"low": self.least, "high": self.most}.get(level)
        return 1.0 if bound is None or not self.characters else bound / self.characters


def one(step: Step, role: str) -> str:
    """The only step that a step reads in some role."""
    return step.inputs[role][0]


def gold(dataset: Dataset) -> list[str]:
    """The first gold answer of every question."""
    return [each.answers[0].text for each in dataset.examples if isinstance(each, QAExample) and each.answers]


@dataclass(frozen=True, slots=True)
class Timed:
    """A finished timing of requests: one record a batch size, the characters of a request, device-seconds in all."""

    step: Step
    found: tuple[dict[str, Any], ...]
    characters: float
    where: str
    seconds: float | None = None
