"""What a user says of a file: which columns hold what, what its labels mean, and what separates its cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crossfare.data import columns as known
from crossfare.data import labels as words
from crossfare.errors import ConfigError

TWO_CLASS = "two-class"
"""The name of the paper's mapping of three labels to two."""

Labels = str | Mapping[Any, Any] | Sequence[Any]
"""`TWO_CLASS`, a meaning for each of a file's own labels, or the labels in the order of its numbers (from 0)."""


@dataclass(frozen=True, slots=True)
class FileReading:
    """What was said, checked; nothing by default.

    ``columns``    the column of a part of an example: {"premise": "text_a"}; in a file without header its number from 1
    ``labels``     the label that each of the file's own stands for, None for none; None where nothing was said
    ``two_class``  whether labels are mapped to two classes once they are known
    ``separator``  what separates cells
    """

    columns: Mapping[str, str]
    labels: Mapping[str, str | None] | None = None
    two_class: bool = False
    separator: str | None = None

    @classmethod
    def of(
        cls, columns: Mapping[str, Any] | None = None, labels: Labels | None = None, separator: str | None = None
    ) -> FileReading:
        """What was said.

        Raises:
            ConfigError: it means nothing; the message says what can be said.
        """
        if separator is not None and (not isinstance(separator, str) or len(separator) != 1 or separator in '"\r\n'):
            raise ConfigError(f"separator: {separator!r} is not one character, such as ';' or a tab")
        if columns is not None and not isinstance(columns, Mapping):
            raise ConfigError(f"columns: {str(columns)[:60]!r} is no mapping, such as {{premise: NAME}}")
        known.check(columns or {})
        two = labels == TWO_CLASS
        stated = None if labels is None or two else words.stated(labels)
        return cls({role: str(name) for role, name in (columns or {}).items()}, stated, two, separator)

    @property
    def shaping(self) -> tuple[str, ...]:
        """What was said of the file's shape, by the names of the keys."""
        return ("columns",) * bool(self.columns) + ("separator",) * bool(self.separator)

    @property
    def said(self) -> tuple[str, ...]:
        """All that was said of the file itself, by the names of the keys."""
        return (*self.shaping, *("labels",) * (self.labels is not None))


READING_KEYS = ("columns", "labels", "separator")
"""What a user can say of a file, by the names of the keys."""

NOTHING = FileReading({})
"""Nothing was said."""
