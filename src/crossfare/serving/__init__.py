"""Run what a comparison chose on raw text: as a pipeline, over a file, behind HTTP, or exported as a plain model."""

from __future__ import annotations

from crossfare.serving.pipeline import Pipeline, open_pipeline

__all__ = ["Pipeline", "open_pipeline"]
