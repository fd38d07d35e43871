"""List the engines on offer: what is installed, configured, known and charged, without a request."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from crossfare import translate
from crossfare.errors import EngineUnavailable, PriceError
from crossfare.ledger import Catalogue


@dataclass(frozen=True, slots=True)
class EngineState:
    """An engine on offer and what it would take to use it here, found out without a request.

    ``missing``      packages and programs that are not installed; ``install`` brings them
    ``keys``         the environment variables it reads its credentials from, and whether each is set
    ``price``        what it costs today; "device time" for one that runs here
    ``granularity``  what it prefers to be given at once
    ``tags``         the markup whose tags it keeps with their words: "html", "xml" or "-"
    ``licence``      that of what it translates with, where that is one thing
    ``host``         where its texts and its key go unless told otherwise; "" for one that works here
    ``settings``     what its service would choose silently, and what it is asked for instead
    """

    name: str
    summary: str
    missing: tuple[str, ...]
    install: str
    keys: dict[str, bool]
    languages: str
    price: str
    granularity: str
    tags: str
    licence: str = ""
    host: str = ""
    settings: dict[str, str] = field(default_factory=dict)


def list_engines(price_files: Sequence[str | Path] = ()) -> tuple[EngineState, ...]:
    """List the engines on offer, with what is installed, configured and charged.

    Raises:
        ConfigError: a price file is wrong, or two packages offer an engine of one name.
    """
    catalogue = Catalogue.load(price_files)
    return tuple(_state(info, catalogue) for info in translate.engines())


def _state(info: translate.EngineInfo, catalogue: Catalogue) -> EngineState:
    languages, granularity, tags = info.languages, "-", "-"
    try:
        described = info.load()
        granularity = getattr(described, "granularity", "document")
        tags = getattr(described, "tag_handling", None) or "-"
        if hasattr(described, "installed_languages"):
            languages = described.installed_languages()
    except (ImportError, EngineUnavailable):  # said by "missing"
        pass
    return EngineState(
        name=info.name,
        summary=info.summary,
        missing=(*info.missing, *info.missing_commands),
        install=info.install,
        keys={key: bool(os.environ.get(key)) for key in info.keys},
        languages=languages or "-",
        price=_price(info.offer, catalogue),
        granularity=granularity,
        tags=tags,
        licence=info.licence,
        host=info.host,
        settings=dict(info.settings),
    )


def _price(offer: str, catalogue: Catalogue) -> str:
    if not offer:
        return "device time"
    if "{" in offer:
        return f"that of {offer}"
    try:
        price = catalogue.get(offer)
    except PriceError as error:
        return f"not known: {error}"
    return f"{price.amount} {price.currency} / {price.bought}"
