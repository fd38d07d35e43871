"""Single texts with a label each: sentiment, intent, topic. Labels are any text; an empty one is none."""

from __future__ import annotations

from collections.abc import Sequence

from crossfare.data.labelled import Layout
from crossfare.errors import DataError
from crossfare.types import TextExample

PLAIN = Layout("labels", "classification", TextExample, "id", ("text",), "label", ("text", "label"))


def check_headerless(rows: Sequence[Sequence[str]], where: str) -> None:
    """Refuse a file without a header whose second column is not the label, which differs less often than the text."""
    texts, labels = (len({row[place] for row in rows if len(row) == 2}) for place in (0, 1))
    if labels > texts:
        raise DataError(
            f"{where}: without a header the columns are a text and its label, but the second one has {labels:,} "
            f"different values, the first one {texts:,}; name the columns in a first line"
        )


def is_headerless(cells: Sequence[str]) -> bool:
    """Whether cells are a text and one word."""
    return len(cells) == 2 and " " in cells[0].strip() and " " not in cells[1].strip()
