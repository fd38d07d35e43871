"""Translate texts and datasets, with any engine, once."""

from __future__ import annotations

from crossfare.translate.dataset import (
    Lost,
    TranslatedDataset,
    TranslationReport,
    texts_of,
    translate_dataset,
    translate_texts,
)
from crossfare.translate.engines import EngineInfo, engine, engines
from crossfare.translate.lint import LintReport, lint_examples, lint_texts
from crossfare.translate.markers import Markers
from crossfare.translate.memory import TranslationMemory
from crossfare.translate.outcome import ExplainedTranslation
from crossfare.translate.passages import PassageTranslation

__all__ = [
    "EngineInfo",
    "ExplainedTranslation",
    "LintReport",
    "Lost",
    "Markers",
    "PassageTranslation",
    "TranslatedDataset",
    "TranslationMemory",
    "TranslationReport",
    "engine",
    "engines",
    "lint_examples",
    "lint_texts",
    "texts_of",
    "translate_dataset",
    "translate_texts",
]
