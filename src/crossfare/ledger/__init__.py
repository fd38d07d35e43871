"""Usage is a fact, prices are dated data, cost is derived."""

from __future__ import annotations

from crossfare.ledger.book import Book, Entry
from crossfare.ledger.prices import Catalogue, Price, per_1k

__all__ = ["Book", "Catalogue", "Entry", "Price", "per_1k"]
