"""What a call consumed, divided among its texts and added up again."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from crossfare.types import Usage


@dataclass(frozen=True, slots=True)
class Share:
    """One text's part of what a call consumed: `Usage` with fractions."""

    seconds: float | None = None
    requests: float | None = None
    characters: float | None = None
    input_tokens: float | None = None
    output_tokens: float | None = None
    cached_tokens: float | None = None
    energy_kwh: float | None = None
    served_seconds: float | None = None
    waited_seconds: float | None = None
    worked_seconds: float | None = None
    hardware: str | None = None
    measured: bool = True


AMOUNTS = tuple(f.name for f in fields(Share) if f.name not in {"hardware", "measured"})
"""The fields that are amounts."""


def shares(usage: Usage, weights: Sequence[float]) -> list[Share]:
    """Divide what a call consumed among its texts, in proportion to ``weights`` (their lengths)."""
    total = sum(weights)

    def part(weight: float) -> Share:
        fraction = weight / total if total else 1 / len(weights)
        amounts: dict[str, Any] = {
            name: None if getattr(usage, name) is None else getattr(usage, name) * fraction for name in AMOUNTS
        }
        return Share(**amounts, hardware=usage.hardware, measured=usage.measured)

    return [part(weight) for weight in weights]


def total_usage(parts: Sequence[Share]) -> Usage:
    """Add shares up again; counts are rounded once, at the end. No share at all is a measured zero."""
    if not parts:
        return Usage(seconds=0.0, requests=0, characters=0, input_tokens=0, output_tokens=0)
    sums: dict[str, Any] = {}
    for name in AMOUNTS:
        values = [value for part in parts if (value := getattr(part, name)) is not None]
        whole = not name.endswith(("seconds", "kwh"))
        sums[name] = None if not values else round(math.fsum(values)) if whole else math.fsum(values)
    hardware = sorted({part.hardware for part in parts if part.hardware})
    return Usage(**sums, hardware="+".join(hardware) or None, measured=all(part.measured for part in parts))
