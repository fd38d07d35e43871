"""Numbers as tools write them: a column with gaps comes out of many a tool as 1.0, 2.0."""

from __future__ import annotations

import re
from typing import Any

_WHOLE = re.compile(r"\s*([-+]?\d{1,18})(?:\.0*)?\s*")


def is_number(value: Any) -> bool:
    """Whether a value is a number, and not text that looks like one."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def whole(value: Any) -> int | None:
    """The whole number that a value is, or that its text writes: 32 of 32.0 and of "32.0"; None of 0.5 and all else."""
    if isinstance(value, str):
        found = _WHOLE.fullmatch(value)
        return int(found[1]) if found else None
    if not is_number(value) or not abs(value) < 1 << 63:  # NaN is not
        return None
    return int(value) if value == int(value) else None
