"""Price files: the YAML form of price records, shipped or one's own (see docs/prices.md)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from crossfare.errors import ConfigError
from crossfare.ledger.price import EXCHANGE_RATE, Counting, Evidence, Price, Unit
from crossfare.strict import read_yaml


def _exact(value: Any) -> Any:
    """Reject binary floating point: money in a file is written as text or as a whole number."""
    if isinstance(value, (bool, float)):
        raise ValueError(f'put the number {value} in quotes ("{value}"), so that it stays exact')
    return value


Exact = Annotated[Decimal, BeforeValidator(_exact), Field(ge=0, allow_inf_nan=False)]
Positive = Annotated[Exact, Field(gt=0)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Counting(_Strict):
    characters: Literal["code-point", "utf-16", "byte"]
    white_space: bool
    markup: Literal["billed", "free"]
    minimum: int = Field(default=0, ge=0)


class Offer(_Strict):
    """An offer as a file states it; what a mean of other offers bills is not stated."""

    offer: str = Field(pattern=r"^[a-z0-9][a-z0-9._:/-]*$")
    unit: Unit | None = None
    per: Positive = Decimal(1)
    amount: Exact | None = None
    output_amount: Exact | None = None
    cached_amount: Exact | None = None
    mean_of: tuple[str, ...] = ()
    currency: str | None = Field(default=None, pattern=r"^[A-Z]{3}$")
    valid_from: date
    valid_to: date | None = None
    retired: date | None = None
    checked: date | None = None
    source: str = Field(min_length=1)
    evidence: Evidence = "published"
    counting: _Counting | None = None
    free_per_month: int | None = Field(default=None, gt=0)
    fee_per_month: Positive | None = None
    minimum_per_month: Positive | None = None
    note: str = ""

    @model_validator(mode="after")
    def _complete(self) -> Offer:
        if bool(self.mean_of) == (self.amount is not None):
            raise ValueError(f"{self.offer}: give either amount or mean_of")
        if self.mean_of and (self.unit or self.currency):
            raise ValueError(f"{self.offer}: unit and currency of a mean are those of its offers; leave them out")
        if self.amount is not None and self.unit is None:
            raise ValueError(f"{self.offer}: say what the amount buys (unit: {', '.join(get_args(Unit))})")
        if self.valid_to and self.valid_to < self.valid_from:
            raise ValueError(f"{self.offer}: valid_to lies before valid_from")
        self._check_unit()
        return self

    def _check_unit(self) -> None:
        if (self.unit == "token") != (self.output_amount is not None):
            raise ValueError(f"{self.offer}: unit token needs amount (tokens read) and output_amount (tokens written)")
        if self.cached_amount is not None and not (self.unit == "token" and self.cached_amount <= (self.amount or 0)):
            raise ValueError(
                f"{self.offer}: cached_amount is for tokens read from a cache, and at the most what amount says"
            )
        if (self.unit == "currency") != self.offer.startswith(EXCHANGE_RATE):
            raise ValueError(f"{self.offer}: unit currency is for offers named {EXCHANGE_RATE}eur and the like")
        if self.unit == "currency" and (self.currency or "USD") != "USD":
            raise ValueError(f"{self.offer}: an exchange rate is stated in USD")
        if self.counting and self.unit != "character":
            raise ValueError(f"{self.offer}: counting is for offers that bill characters")

    def price(self) -> Price:
        """The price that the file states; of a mean, all but what it bills and the amount."""
        known = {
            **dict(self),
            "unit": self.unit or "example",
            "amount": self.amount or Decimal(0),
            "valid_to": self.valid_to or self.retired,
            "counting": Counting(**dict(self.counting)) if self.counting else None,
            "note": self.note.strip(),
        }
        return Price(**known)


class _File(_Strict):
    checked: date
    currency: str = Field(default="USD", pattern=r"^[A-Z]{3}$")
    offers: tuple[Offer, ...]


def read(path: Path) -> list[Offer]:
    """Read a price file; what an offer leaves to the file, its day and its currency, is filled in.

    Raises:
        ConfigError: it cannot be read, is not YAML, or does not have the form of a price file; the
            message names the file and the key.
    """
    values = read_yaml(path)
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: a price file is a mapping of keys; see docs/prices.md")
    try:
        file = _File.model_validate(values)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise ConfigError(f"{path}: {problems}") from error
    refs = [(offer.offer, offer.valid_from) for offer in file.offers]
    for offer, start in refs:
        if refs.count((offer, start)) > 1:
            raise ConfigError(f"{path}: {offer} has two records valid from {start}; keep one")
    return [
        offer.model_copy(
            update={
                "currency": offer.currency or ("USD" if offer.unit == "currency" else file.currency),
                "checked": offer.checked or file.checked,
            }
        )
        for offer in file.offers
    ]
