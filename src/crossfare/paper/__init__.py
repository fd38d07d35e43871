"""What Rosa et al. (2021) published: their scores, and their costs and latencies recomputed."""

from __future__ import annotations

from crossfare.paper.audit import Assumptions, Audit, audit
from crossfare.paper.audited import Audited, Computation, Verdict
from crossfare.paper.layout import full_table, to_json, to_tables
from crossfare.paper.plan import PARTS, StudyPlanner, StudyTerms, forecast
from crossfare.paper.published import PublishedScore, published_scores

__all__ = [
    "PARTS",
    "Assumptions",
    "Audit",
    "Audited",
    "Computation",
    "PublishedScore",
    "StudyPlanner",
    "StudyTerms",
    "Verdict",
    "audit",
    "forecast",
    "full_table",
    "published_scores",
    "to_json",
    "to_tables",
]
