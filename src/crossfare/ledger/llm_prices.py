"""Prices of language models, from the kept price library genai-prices (extra ``llm``).

The library's bundled data are used as they are; nothing is fetched.
"""

from __future__ import annotations

import importlib.metadata
import re
from datetime import date
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING

from crossfare.errors import PriceError
from crossfare.ledger.price import Price

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, ModelPrice, Provider, TieredPrices

PREFIX = "llm:"
_DATE = re.compile(r"\b20\d\d-\d\d-\d\d\b")
_PACKAGE = "genai-prices"


def look_up(offer: str, on: date | None = None) -> Price:
    """The price of a model's tokens: ``llm:MODEL`` or ``llm:PROVIDER/MODEL``.

    ``amount`` is for a million tokens read, ``cached_amount`` for those of them that were cached, ``output_amount``
    for a million written, at the standard rate for prompts of ordinary length: no batch or off-peak discount.
    ``checked`` is the newest day that the library's own data name, so the age is that or less.

    Raises:
        PriceError: the library is not installed, does not know the model, or has no token price for it on that day.
    """
    provider, model = _find(offer)
    day = on or date.today()
    prices, start = _valid(model, day)
    known = _newest_date()
    valid_from = start or known
    if prices is None or valid_from > day:
        raise PriceError(
            f"no price of {offer!r} is known for {day}; {_PACKAGE} {_version()} knows it from {valid_from}"
        )
    read, written, cached = map(_base, (prices.input_mtok, prices.output_mtok, prices.cache_read_mtok))
    if read is None or written is None:
        raise PriceError(f"{offer!r} has no price for tokens read and written in {_PACKAGE} {_version()}")
    return Price(
        offer=offer,
        unit="token",
        per=Decimal(1_000_000),
        amount=read,
        output_amount=written,
        cached_amount=cached if cached is not None and cached < read else None,
        currency="USD",
        valid_from=valid_from,
        valid_to=None,
        checked=known,
        source=f"{_PACKAGE} {_version()}, {provider.name} {model.id}" + _page(provider),
        evidence="secondary",
        note=_tiers(prices),
    )


def _find(offer: str) -> tuple[Provider, ModelInfo]:
    name = offer.removeprefix(PREFIX)
    try:
        from genai_prices import data_snapshot
    except ImportError as error:
        raise PriceError(
            f"{offer!r} is priced by {_PACKAGE}: pip install 'crossfare[llm]', or state the offer in a price file"
        ) from error
    snapshot = data_snapshot.get_snapshot()
    provider, _, model = name.partition("/")
    known = bool(model) and data_snapshot.find_provider_by_id(snapshot.providers, provider)
    asked = (model, None, provider, None) if known else (name, None, None, None)
    try:
        found: tuple[Provider, ModelInfo] = snapshot.find_provider_model(*asked)
    except LookupError:
        raise PriceError(
            f"no price is known for {offer!r}; name it as {PREFIX}PROVIDER/MODEL, as {_PACKAGE} {_version()} lists it"
        ) from None
    return found


def _valid(model: ModelInfo, day: date) -> tuple[ModelPrice | None, date | None]:
    """The prices of a day and since when; where they differ by the hour, those of the dearest."""
    from genai_prices.types import ModelPrice, StartDateConstraint, TimeOfDateConstraint

    if isinstance(model.prices, ModelPrice):
        return model.prices, None
    hourly = [each.prices for each in model.prices if isinstance(each.constraint, TimeOfDateConstraint)]
    later = None
    for conditional in reversed(model.prices):
        constraint = conditional.constraint
        start = constraint.start_date if isinstance(constraint, StartDateConstraint) else None
        if constraint is None or (start and start <= day):
            return max([conditional.prices, *hourly], key=lambda found: _base(found.input_mtok) or 0), start
        later = start or later
    return None, later


def _base(price: Decimal | TieredPrices | None) -> Decimal | None:
    return price if price is None or isinstance(price, Decimal) else price.base


def _tiers(prices: ModelPrice) -> str:
    tiered = prices.input_mtok
    if tiered is None or isinstance(tiered, Decimal) or not tiered.tiers:
        return ""
    return f"prompts of {tiered.tiers[0].start:,} tokens and more cost more, which is not counted here"


def _page(provider: Provider) -> str:
    return f" ({provider.pricing_urls[0]})" if provider.pricing_urls else ""


@cache
def _newest_date() -> date:
    """The newest day up to today that the library's data name: it was kept up at least until then."""
    from genai_prices import data_snapshot

    today = date.today()
    texts = (
        model.price_comments or "" for provider in data_snapshot.get_snapshot().providers for model in provider.models
    )
    days = (date.fromisoformat(found) for text in texts for found in _DATE.findall(text))
    return max(day for day in days if day <= today)


@cache
def _version() -> str:
    return importlib.metadata.version(_PACKAGE)
