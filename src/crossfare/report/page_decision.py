"""A decision of the page: every method that was run, and what is recommended among those that a system delivers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

from crossfare.compare import Aim, Constraints, Decision, Option, Recommendation, recommend
from crossfare.report.names import column


@dataclass(frozen=True, slots=True)
class PageDecision:
    """``made`` leaves out reference translations, which no system delivers, unless there is nothing else."""

    whole: Decision
    made: Recommendation

    @classmethod
    def of(cls, whole: Decision, examples: Decimal, aim: Aim) -> PageDecision:
        """Recommend at a number of examples."""
        delivered = tuple(option for option in whole.options if not option.reference)
        return cls(whole, recommend(replace(whole, options=delivered or whole.options), examples, Constraints(), aim))

    @property
    def column(self) -> str:
        """The language, or "mean" of several."""
        return column(self.whole)

    def mark(self, option: Option) -> str:
        """What a method is marked by: it is recommended, or ahead without enough evidence, or neither."""
        if option == self.made.chosen:
            return "recommended"
        return "ahead" if option == self.made.leading and self.made.chosen is None else ""


def numbered(judged: Iterable[PageDecision]) -> dict[str, int]:
    """A number for every method of a task, by its label: the best first, at its mean over languages."""
    scores: dict[str, list[float]] = {}
    for each in judged:
        for option in each.whole.options:
            scores.setdefault(option.label, []).append(option.quality)
    ordered = sorted(scores, key=lambda label: -sum(scores[label]) / len(scores[label]))
    return {label: number for number, label in enumerate(ordered, 1)}
