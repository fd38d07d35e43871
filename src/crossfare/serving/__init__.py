"""Run what a comparison chose on raw text: as a pipeline, over a file, behind HTTP, or exported as a plain model."""

from __future__ import annotations

from crossfare.serving.batcher import Limits
from crossfare.serving.model_folder import export
from crossfare.serving.paid_requests import Standing, standing
from crossfare.serving.pipeline import Pipeline, open_pipeline
from crossfare.serving.request_files import Answered, estimate_file, predict_file
from crossfare.serving.server import serve
from crossfare.tasks.nli import NLIRequest
from crossfare.tasks.qa import QARequest
from crossfare.tasks.ranking import RankingRequest

__all__ = [
    "Answered",
    "Limits",
    "NLIRequest",
    "Pipeline",
    "QARequest",
    "RankingRequest",
    "Standing",
    "estimate_file",
    "export",
    "open_pipeline",
    "predict_file",
    "serve",
    "standing",
]
