"""Quality measures, each equal to its official script; only numpy is needed."""

from __future__ import annotations

from crossfare.score.significance import Comparison, compare, holm

__all__ = ["Comparison", "compare", "holm"]
