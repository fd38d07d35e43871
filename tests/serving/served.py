"""What was asked of the run that is served, and what it predicted itself."""

from __future__ import annotations

from typing import Any

from crossfare.data import artifact
from crossfare.experiment.files import PREDICTIONS
from crossfare.serving.messages import NLIRequest, QARequest, RankingRequest, Request
from crossfare.serving.parts import Parts, StepRecord
from crossfare.types import Prediction

DEPTH = 6


def predictions(parts: Parts, step: StepRecord | None = None) -> tuple[Prediction, ...]:
    """What the run itself predicted for a cell."""
    return PREDICTIONS.validate_json((parts.artifact(step or parts.answering) / "predictions.json").read_bytes())


def asked(parts: Parts) -> list[Request]:
    """The cell's test set as raw requests in the target language."""
    step = parts.source(parts.answering, "data")
    while step.stage != "dataset":
        step = parts.source(step, "data")
    return [request(example) for example in artifact.read(parts.artifact(step)).examples]


def request(example: Any) -> Request:
    """An example as a request."""
    if hasattr(example, "context"):
        return QARequest(id=example.id, context=example.context, question=example.question)
    if hasattr(example, "premise"):
        return NLIRequest(id=example.id, premise=example.premise, hypothesis=example.hypothesis)
    return RankingRequest(id=example.id, query=example.query)
