"""How tasks and metrics are called in headings."""

from __future__ import annotations

from collections.abc import Mapping

from crossfare.compare import Decision
from crossfare.tasks import TASKS

_METRICS: Mapping[str, str] = {
    "f1": "F1",
    "exact_match": "exact match",
    "source_f1": "F1 on the source side",
    "source_exact_match": "exact match on the source side",
    "mrr@10": "MRR@10",
    "ndcg@10": "nDCG@10",
    "bleu": "BLEU",
    "chrf": "chrF",
}


def trivial_name(task: str) -> str:
    """What the trivial baseline of a task does."""
    return TASKS[task].trivial_name


def task_name(task: str) -> str:
    """A task as it is written in a heading."""
    return TASKS[task].title


def metric_name(metric: str) -> str:
    """A metric as it is written in a heading."""
    return _METRICS.get(metric, metric)


def subject(decision: Decision) -> str:
    """What a decision is about: its task and target language, or languages."""
    return f"{task_name(decision.task)} {decision.target}"


def where(decision: Decision) -> str:
    """The same for a heading of its own: it says that several languages stand for their mean."""
    return subject(decision) + (" (mean)" if "+" in decision.target else "")


def column(decision: Decision) -> str:
    """Its language where the task is known already; "mean" of several."""
    return "mean" if "+" in decision.target else decision.target
