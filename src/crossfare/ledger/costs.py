"""What cells cost: the one place where a ledger's entries become the costs of a `Result`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crossfare.ledger.book import Book
from crossfare.ledger.prices import per_1k
from crossfare.types import Cost, Result, Share

SHARES: tuple[Share, ...] = ("translation", "annotation", "fine_tuning", "translation_per_1k", "inference_per_1k")
"""The parts that are costs of their own, as `Result` names them."""


@dataclass(frozen=True, slots=True)
class Needs:
    """The steps a cell needs, each with its part in the cost, and what serving was measured on.

    ``translated`` examples are behind the usage of translating requests, ``answered`` behind that of inference.
    """

    steps: Mapping[str, Share]
    translated: int
    answered: int

    @classmethod
    def of(cls, result: Result) -> Needs:
        """Those of a finished cell."""
        return cls(result.steps, result.test_yield.total if result.test_yield else 0, result.score.n)

    def playing(self, share: Share) -> tuple[str, ...]:
        """The steps that are one part of the cost."""
        return tuple(step for step, played in self.steps.items() if played == share)

    @property
    def serving(self) -> tuple[str, ...]:
        """All that using the method takes, which is not only measured."""
        return tuple(step for step, played in self.steps.items() if played != "measuring")

    def per(self, share: Share) -> int | None:
        """How many examples the usage behind a part served; None for what is paid once."""
        return {"translation_per_1k": self.translated, "inference_per_1k": self.answered}.get(share)


def costs(book: Book, cells: Sequence[Needs]) -> Iterator[dict[str, Any]]:
    """The costs of each cell by the names that `Result` has for them; None where it has nothing of the kind.

    Raises:
        DataError: a step is not in the ledger.
        PriceError: something that was used has no price.
    """
    whole = [(index, cell.serving) for index, cell in enumerate(cells)]
    standalone, marginal = book.standalone(whole), book.marginal(whole)
    for index, cell in enumerate(cells):
        found: dict[str, Cost | None] = {share: _cost(book, cell, share) for share in SHARES}
        yield {**found, "standalone": standalone[index], "marginal": marginal[index]}


def _cost(book: Book, cell: Needs, share: Share) -> Cost | None:
    steps = cell.playing(share)
    if not steps:
        return None
    examples, total = cell.per(share), book.total(steps)
    return total if examples is None else per_1k(total, examples)
