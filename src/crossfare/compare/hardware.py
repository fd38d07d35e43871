"""Seconds of one device at the price of another: costs of neither machine, which has to be said."""

from __future__ import annotations

from collections.abc import Iterable

from crossfare.ledger import Book
from crossfare.ledger.price import device_of


def hardware_notes(book: Book, steps: Iterable[str]) -> tuple[str, ...]:
    """A note for each price of device time that stands on seconds of another device, both named."""
    found: dict[tuple[str, str], None] = {}
    for step_id in steps:
        entry = book.entry(step_id)
        for price in (book.catalogue.get(book.offer(name)) for name in entry.resources):
            made_on, device = entry.usage.hardware, device_of(price.offer)
            timed = price.unit == "device-hour" and entry.usage.seconds
            if timed and made_on and device and not _is(made_on, device):
                found[made_on, price.ref] = None
    return tuple(
        f"Seconds of {made_on} are priced as {ref}, another device: that is what neither of them costs. Name the offer "
        "of the device, or state its price."
        for made_on, ref in found
    )


def _is(hardware: str, device: str) -> bool:
    words = hardware.lower().replace("-", " ").replace("_", " ").split()
    return device in words
