"""Translate texts and datasets, with any engine, once."""

from __future__ import annotations

from crossfare.translate.dataset import (
    TranslatedDataset,
    TranslationReport,
    translate_dataset,
)
from crossfare.translate.engines import EngineInfo, engine, engines
from crossfare.translate.lint import LintReport, lint_examples, lint_texts
from crossfare.translate.markers import Markers
from crossfare.translate.memory import TranslationMemory
from crossfare.translate.outcome import ExplainedTranslation, Lost
from crossfare.translate.pieces import PassageTranslation, translate_texts
from crossfare.translate.projection import METHODS, ProjectedAnswer, Projection, recover_answers

__all__ = [
    "METHODS",
    "EngineInfo",
    "ExplainedTranslation",
    "LintReport",
    "Lost",
    "Markers",
    "PassageTranslation",
    "ProjectedAnswer",
    "Projection",
    "TranslatedDataset",
    "TranslationMemory",
    "TranslationReport",
    "engine",
    "engines",
    "lint_examples",
    "lint_texts",
    "recover_answers",
    "translate_dataset",
    "translate_texts",
]
