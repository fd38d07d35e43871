"""The catalogue of datasets (``catalog.yaml``) and the paper's figures about some (``published.yaml``)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from crossfare.strict import parse_yaml
from crossfare.types import TaskName


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """A dataset: what it is, how large, under which licence, and where to get it.

    ``sizes`` are (split, examples) as published, in ``size_language`` ("all" sums languages; None
    means every language has that many); for ranking queries, and passages of the split "collection".
    ``format`` is the name in `formats.FORMATS` of its files.
    ``hub`` can follow "hub:" in a reference; None where the hub is not known to have it. ``non_commercial`` says that
    its terms allow research or other non-commercial use only, of a part of it at least.
    """

    name: str
    title: str
    task: TaskName
    languages: tuple[str, ...]
    licence: str
    sizes: tuple[tuple[str, int], ...]
    format: str
    source: str
    role: str
    hub: str | None = None
    size_language: str | None = None
    non_commercial: bool = False

    @property
    def ref(self) -> str | None:
        """What `load` takes to get it without a file; None if it has to be fetched by hand."""
        if self.format == "embedded":
            return self.name
        return f"hub:{self.hub}" if self.hub else None


@dataclass(frozen=True, slots=True)
class Published:
    """A row of the paper's Table 6, 7 or 8: characters of one split, and per paragraph, question, pair or text."""

    name: str
    dataset: str
    task: TaskName
    language: str
    table: int
    examples: int
    characters: int
    per_unit: Decimal
    unit: Literal["paragraph", "question", "pair", "passage", "query"]


@cache
def catalog() -> tuple[CatalogEntry, ...]:
    """All datasets crossfare knows about, the embedded ones last."""
    return tuple(
        CatalogEntry(**{**row, "languages": tuple(row["languages"]), "sizes": tuple(row["sizes"].items())})
        for row in _rows("catalog.yaml")
    )


@cache
def published() -> tuple[Published, ...]:
    """The figures of the paper's Tables 6, 7 and 8."""
    return tuple(Published(**{**row, "per_unit": Decimal(f"{row['per_unit']:.2f}")}) for row in _rows("published.yaml"))


def _rows(name: str) -> list[dict[str, Any]]:
    text = files("crossfare.data").joinpath(name).read_text(encoding="utf-8")
    rows: list[dict[str, Any]] = parse_yaml(text, name)
    return rows
