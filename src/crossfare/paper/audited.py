"""A cell of the paper's Table 1 beside what its own inputs give, and the verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import Literal

from crossfare.paper.published import Input
from crossfare.types import Usage

Agreement = Literal["exact", "truncated", "rounding"]
Verdict = Literal[
    "exact",
    "truncated",
    "rounding",
    "rounded input",
    "rounded input, truncated",
    "assumption",
    "assumption, truncated",
    "does not reproduce",
]
Explains = Literal["rounded input", "assumption", "nothing stated"]

_TRUNCATED: Mapping[Explains, Verdict] = {
    "rounded input": "rounded input, truncated",
    "assumption": "assumption, truncated",
}

# A difference of one in ten thousand is put down to rounding on the way (50,793.00 for 50,792.34).
_ROUNDING = Decimal("1e-4")


@dataclass(frozen=True, slots=True)
class Computation:
    """A value, how it is computed, and from what.

    ``explains`` says what it would mean if this were what the paper computed: one of its inputs was
    rounded, it made an assumption it does not state, or nothing that it states. ``usage`` is what the money is paid
    for, and ``language`` the one that it is for, where there are several.
    """

    value: Decimal
    formula: str
    inputs: tuple[Input, ...] = ()
    explains: Explains = "nothing stated"
    remark: str = ""
    usage: Usage = field(default_factory=Usage)
    language: str = ""


@dataclass(frozen=True, slots=True)
class Audited:
    """One cost or latency of Table 1.

    ``computed`` is made from the stated inputs; ``others`` are further computations: first those that
    would explain the printed figure, then what the same cell would be for other languages or readings.
    ``unit`` is "USD", "USD/1k" or "s/batch"; ``text`` is the figure as a copy of the text reads.
    """

    name: str
    title: str
    unit: str
    printed: Decimal
    computed: Computation
    others: tuple[Computation, ...] = ()
    note: str = ""
    text: str = ""

    @property
    def difference(self) -> Decimal:
        """Recomputed minus printed, as a fraction of what is printed."""
        return (self.computed.value - self.printed) / self.printed

    @property
    def verdict(self) -> Verdict:
        """How the printed figure comes out of the stated inputs.

        exact: rounded to the printed digits it is the printed figure. truncated: it is if further digits
        are cut off instead. rounding: neither, but it misses by no more than one in the last digit, or by
        no more than 0.01 %, as if something was rounded on the way. Otherwise what the first computation
        that gives the printed figure explains it by, cut off or not; without one, it does not reproduce.
        """
        if agreement := agree(self.printed, self.computed.value):
            return agreement
        for other in self.matches:
            if other.explains != "nothing stated":
                exact = agree(self.printed, other.value) == "exact"
                return other.explains if exact else _TRUNCATED[other.explains]
        return "does not reproduce"

    @property
    def matches(self) -> tuple[Computation, ...]:
        """The further computations that give the printed figure, rounded or cut off to its digits."""
        return tuple(other for other in self.others if agree(self.printed, other.value) in ("exact", "truncated"))

    @property
    def rest(self) -> tuple[Computation, ...]:
        """The further computations that do not."""
        return tuple(other for other in self.others if other not in self.matches)


def agree(printed: Decimal, value: Decimal) -> Agreement | None:
    """Whether a value could have been printed like this; None if not."""
    last_digit = Decimal(1).scaleb(int(printed.as_tuple().exponent))
    if value.quantize(last_digit, rounding=ROUND_HALF_UP) == printed:
        return "exact"
    if value.quantize(last_digit, rounding=ROUND_DOWN) == printed:
        return "truncated"
    difference = abs(value - printed)
    return "rounding" if difference <= max(last_digit, abs(printed) * _ROUNDING) else None
