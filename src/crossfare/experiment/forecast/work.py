"""What steps read and do, by size: datasets, collections, and the work of a step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from crossfare.experiment.forecast.rates import Level
from crossfare.translate import texts_of
from crossfare.types import Dataset, QAExample, Step, Usage


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
        shown = sum(len(text) for example in self.dataset.examples for text in texts_of(example))
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
    known before it is.
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


def labels(dataset: Dataset) -> float:
    """What is compared in scoring: every gold answer, or one label an example."""
    return float(sum(len(each.answers) if isinstance(each, QAExample) else 1 for each in dataset.examples))
