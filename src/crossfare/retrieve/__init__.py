"""Find candidates in a collection of passages, and draw hard negatives from what was found."""

from __future__ import annotations

from crossfare.retrieve.building import build
from crossfare.retrieve.index import Index
from crossfare.retrieve.mining import mine, without_relevant
from crossfare.retrieve.settings import BM25, PRESETS

__all__ = ["BM25", "PRESETS", "Index", "build", "mine", "without_relevant"]
