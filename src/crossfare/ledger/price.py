"""One price record: an offer, what it bills, what that costs, and from where it is known."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

Unit = Literal["character", "device-hour", "example", "token", "gigabyte-month", "currency"]
Evidence = Literal["published", "secondary", "derived"]

_TAG = re.compile(r"<[^<>]*>")


_DEVICES = frozenset(
    [
        "cpu",
        "tpu",
        "v100",
        "p100",
        "t4",
        "l4",
        "l40s",
        "a10",
        "a10g",
        "a40",
        "a6000",
        "a100",
        "h100",
        "h200",
        "gh200",
        "b200",
        "gb200",
    ]
)


def device_of(offer: str) -> str | None:
    """The device that an offer of device time names: "v100" of "v100-gcp", "cpu" of "cpu-core"; None if none."""
    words = re.split(r"[^a-z0-9]+", offer.lower())
    return next((word for word in words if word in _DEVICES), None)


@dataclass(frozen=True, slots=True)
class Counting:
    """A provider's rule for how many characters of a text it bills.

    ``characters``   what is one character: a code point, a UTF-16 unit (a surrogate pair counts as
                     two) or a byte of UTF-8
    ``white_space``  whether blanks, tabs and line ends are billed
    ``markup``       "billed", or "free" where tags are left out once the request declares its text
                     to be XML or HTML
    ``minimum``      characters billed for a request at the least
    """

    characters: Literal["code-point", "utf-16", "byte"] = "code-point"
    white_space: bool = True
    markup: Literal["billed", "free"] = "billed"
    minimum: int = 0

    def billed(self, text: str) -> int:
        """Count the characters of one request's text as the provider bills them."""
        counted = text if self.markup == "billed" else _TAG.sub("", text)
        if not self.white_space:
            counted = "".join(counted.split())
        if self.characters == "code-point":
            size = len(counted)
        elif self.characters == "utf-16":
            size = len(counted.encode("utf-16-le", "surrogatepass")) // 2
        else:
            size = len(counted.encode("utf-8", "surrogatepass"))
        return max(size, self.minimum)

    def __str__(self) -> str:
        names = {"code-point": "code points", "utf-16": "UTF-16 units", "byte": "bytes"}
        spaces = "blanks billed" if self.white_space else "blanks free"
        least = f", at least {self.minimum:,} a request" if self.minimum else ""
        return f"counts {names[self.characters]}, {spaces}, tags {self.markup}{least}"


@dataclass(frozen=True, slots=True)
class Price:
    """One record of an offer: ``amount`` in ``currency`` buys ``per`` units.

    ``checked`` is the day on which somebody last compared the record with ``source``.
    ``evidence`` is "published" (the provider or the paper says so), "secondary" (a list kept by
    others says so) or "derived" (computed from published figures as ``note`` says).
    ``counting`` is the provider's rule for what it counts, None where it is not known.
    ``free_per_month`` is how many units cost nothing each month; costs do not deduct them.
    ``retired`` is the day on which the provider withdrew the offer.
    ``output_amount`` is what ``per`` tokens that a model writes cost; ``amount`` is for those it reads.
    ``usd_rate`` is what one unit of ``currency`` costs in USD, where that is stated.
    """

    offer: str
    unit: Unit
    per: Decimal
    amount: Decimal
    currency: str
    valid_from: date
    valid_to: date | None
    checked: date
    source: str
    evidence: Evidence
    counting: Counting | None = None
    note: str = ""
    mean_of: tuple[str, ...] = ()
    usd_rate: Decimal | None = None
    output_amount: Decimal | None = None
    free_per_month: int | None = None
    retired: date | None = None

    @property
    def ref(self) -> str:
        """What identifies the record: "offer@valid_from"."""
        return f"{self.offer}@{self.valid_from.isoformat()}"

    @property
    def bought(self) -> str:
        """What ``amount`` buys: "device-hour", "5 examples", "1,000,000 characters", "EUR"."""
        if self.unit == "currency":
            return self.offer.removeprefix(EXCHANGE_RATE).upper()
        return self.unit if self.per == 1 else f"{self.per:,} {self.unit}s"

    def holds(self, on: date) -> bool:
        """Whether the record is valid on a day (both ends included)."""
        return self.valid_from <= on and (self.valid_to is None or on <= self.valid_to)

    def age_days(self, today: date) -> int:
        """Days since the record was compared with its source."""
        return max((today - self.checked).days, 0)


# Offers of this name price one unit of a currency: "exchange-rate:eur".
EXCHANGE_RATE = "exchange-rate:"
