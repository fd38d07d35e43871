"""A translation that says why a segment failed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from crossfare.types import Translation


@dataclass(frozen=True, slots=True)
class ExplainedTranslation(Translation):
    """What an engine returns that knows why some segments are None.

    ``failures`` maps the index of a failed segment to one readable reason.
    """

    failures: Mapping[int, str] = field(default_factory=dict)
