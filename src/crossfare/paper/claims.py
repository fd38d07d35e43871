"""What the paper concludes from its tables, against what their test sets can tell: a verdict for each sentence.

Its scores are of one training run each, without a figure for the single example. So a score is taken as a share of n
examples that came out right (Wilson 1927), and a difference as one of two such shares that know nothing of each other
(Newcombe 1998, method 10). F1 and MRR, whose examples score between 0 and 1, vary less than right and wrong answers of
the same mean do, and scores on the same examples mostly go together: intervals are rather too wide than too narrow.
The luck of training is not in them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import sqrt
from typing import Any, Literal

from crossfare.compare.measured import NORMAL
from crossfare.data.catalog import published
from crossfare.paper.published import PublishedScore, inputs, packaged, printed, published_scores
from crossfare.types import TaskName

Support = Literal["supported", "within noise", "contradicted by its own table"]


def wilson(value: float, n: int) -> tuple[float, float]:
    """The 95 % interval of a share of n examples."""
    z = NORMAL
    centre, half = value + z**2 / (2 * n), z * sqrt(value * (1 - value) / n + z**2 / (4 * n**2))
    return (centre - half) / (1 + z**2 / n), (centre + half) / (1 + z**2 / n)


def newcombe(a: float, b: float, n: int) -> tuple[float, float]:
    """The 95 % interval of a - b, two shares of n examples each."""
    (low_a, high_a), (low_b, high_b) = wilson(a, n), wilson(b, n)
    return a - b - sqrt((a - low_a) ** 2 + (high_b - b) ** 2), a - b + sqrt((high_a - a) ** 2 + (b - low_b) ** 2)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two cells of a table on ``n`` test examples: what ``over`` scores more than ``under``, with its interval.

    ``holds`` says whether the table has it as the sentence does, ``shown`` whether the interval does, too.
    """

    over: PublishedScore
    under: PublishedScore
    n: int
    low: float
    high: float
    holds: bool
    shown: bool

    @property
    def difference(self) -> float:
        """In the unit of the scores."""
        return self.over.value - self.under.value


@dataclass(frozen=True, slots=True)
class CostComparison:
    """Two costs, latencies or times, as printed, each with its name; nothing about them is a matter of chance."""

    less: str
    than: str
    holds: bool

    def __str__(self) -> str:
        return f"{self.less} {'<' if self.holds else 'is not below'} {self.than}"


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence of the paper, how it is read, and what its tables say of it."""

    name: str
    section: str
    sentence: str
    reading: str
    note: str
    scores: tuple[Comparison, ...]
    costs: tuple[CostComparison, ...]
    most: bool

    @property
    def verdict(self) -> Support:
        """Contradicted where a figure is against it, within noise where an interval does not exclude the contrary.

        A sentence that says "generally" needs more than half of its comparisons.
        """
        holding, shown = [each.holds for each in self.scores], [each.shown for each in self.scores]
        enough: Callable[[Sequence[bool]], bool] = _most if self.most else all
        if not enough(holding) or not all(each.holds for each in self.costs):
            return "contradicted by its own table"
        return "supported" if enough(shown) else "within noise"


def _most(of: Sequence[bool]) -> bool:
    return 2 * sum(of) > len(of)


def claims() -> tuple[Claim, ...]:
    """Every sentence of claims.yaml with its comparisons."""
    read = packaged("claims.yaml")
    return tuple(_claim(each, read["test_sets"]) for each in read["claims"])


def tested() -> tuple[tuple[PublishedScore, str, int], ...]:
    """The best score of the paper's own on each test set, what the set is called, and how many examples it has."""
    found = {}
    for task, sets in packaged("claims.yaml")["test_sets"].items():
        for language, name in sets.items():
            scores = [each for each in published_scores(task, language=language) if _own(each)]
            found[task, language] = max(scores, key=lambda each: each.value), name, _examples(name)
    return tuple(found.values())


def tested_on(task: TaskName, language: str) -> tuple[str, int]:
    """The name of the test set of a task and language, and how many examples it has."""
    name = packaged("claims.yaml")["test_sets"][task][language]
    return name, _examples(name)


def _own(score: PublishedScore) -> bool:
    return score.table != 1 and "et al." not in score.checkpoint


def _claim(given: Mapping[str, Any], sets: Mapping[str, Mapping[str, str]]) -> Claim:
    return Claim(
        **{name: str(given.get(name, "")) for name in ("name", "section", "sentence", "reading", "note")},
        scores=tuple(each for part in given.get("scores", ()) for each in _compared(part, sets)),
        costs=tuple(map(_cost, given.get("costs", ()))),
        most=bool(given.get("most")),
    )


def _compared(part: Mapping[str, Any], sets: Mapping[str, Mapping[str, str]]) -> Iterator[Comparison]:
    """A comparison in every language that both sides have."""
    cells: dict[str, dict[str, PublishedScore]] = {}
    for score in published_scores(table=part["table"]):
        cells.setdefault(score.language, {}).setdefault(score.place, score)  # Table 4: accuracy, which comes first
    for language, at in cells.items():
        over, under = ([at[place] for place in part[side] if place in at] for side in ("over", "under"))
        if over and under and language in part.get("in", cells):
            for a, b in _pairs(part, over, under):
                yield _comparison(part, a, b, _examples(sets[a.task][language]))


def _pairs(
    part: Mapping[str, Any], over: Sequence[PublishedScore], under: Sequence[PublishedScore]
) -> Iterator[tuple[PublishedScore, PublishedScore]]:
    if part.get("pairs"):
        yield from zip(over, under, strict=True)
        return
    pick = min if part.get("pick") == "worst" else max
    yield pick(over, key=lambda each: each.value), max(under, key=lambda each: each.value)


def _comparison(part: Mapping[str, Any], over: PublishedScore, under: PublishedScore, n: int) -> Comparison:
    difference, (low, high) = over.value - under.value, newcombe(over.value, under.value, n)
    if part.get("at_least"):
        return Comparison(over, under, n, low, high, holds=high >= 0, shown=difference >= 0)
    margin = part.get("more_than", 0) / 100
    least, most = part.get("points", (None, None))
    sized = least is None or least <= round(100 * difference) <= most
    return Comparison(over, under, n, low, high, holds=difference > margin and sized, shown=low > margin)


def _cost(given: Mapping[str, Any]) -> CostComparison:
    """One side may be no cell: nothing is paid, or there is a most."""
    (less, called), (than, limit) = _paid(given["less"]), _paid(given.get("than", ""), given.get("most"))
    least, most = given.get("times", (None, None))
    holds = (less <= than if limit == "what is said" else less < than) and (
        least is None or least <= than / less <= most
    )
    return CostComparison(f"{called} {less:,f}" if less else called, f"{limit} {than:,f}", holds)


def _paid(name: str, most: int | None = None) -> tuple[Decimal, str]:
    if not name:
        return (Decimal(0), "nothing") if most is None else (Decimal(most), "what is said")
    return (printed()[name].figure if name in printed() else inputs()[name].value), name


def _examples(name: str) -> int:
    """The examples of a test set: those of its published file, or counted."""
    found = {row.name: row.examples for row in published()}
    return found[name] if name in found else int(inputs()[name].value)
