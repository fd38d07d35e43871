"""Usage is a fact, prices are dated data, cost is derived."""

from __future__ import annotations

from crossfare.ledger.book import Book, Entry, read_entries
from crossfare.ledger.price import Bill, Counting, Price, Terms, UnitPrice
from crossfare.ledger.prices import STALE_AFTER_DAYS, Catalogue, per_1k

__all__ = [
    "STALE_AFTER_DAYS",
    "Bill",
    "Book",
    "Catalogue",
    "Counting",
    "Entry",
    "Price",
    "Terms",
    "UnitPrice",
    "per_1k",
    "read_entries",
]
