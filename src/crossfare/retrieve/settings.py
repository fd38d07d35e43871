"""The settings of BM25 (Robertson et al. 1994), in the exact form that Lucene approximates.

The score of a passage d for a query is the sum over the query's terms t (a term that is asked twice counts twice) of

    ln(1 + (N - df(t) + 0.5) / (df(t) + 0.5)) * tf(t, d) / (tf(t, d) + k1 * (1 - b + b * |d| / avgdl))

with N passages, df(t) of them holding t, tf(t, d) times in d, which has |d| terms, avgdl on average (Kamphuis et
al. 2020, "Lucene (accurate)"). Lucene itself, and so Anserini, rounds |d| to one byte: lists agree but for the tail.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from crossfare import settings
from crossfare.errors import ConfigError
from crossfare.languages import primary
from crossfare.retrieve.analysis import Analysis, analysis

PRESETS: dict[str, tuple[float, float]] = {
    "anserini": (0.9, 0.4),  # Anserini's default
    "msmarco": (0.82, 0.68),  # tuned on MS MARCO passages: MRR@10 .1874 on dev with Anserini, for .1840
}
"""Published values of k1 and b by name."""


@dataclass(frozen=True, slots=True)
class BM25:
    """How passages are cut into terms and weighed.

    ``stemmer`` and ``stop_words`` are names ("none" for none at all); "default" is resolved to what the table of
    `crossfare.retrieve.analysis` holds for the language.

    Raises:
        ConfigError: k1 or b is out of range, or there is no default for the language.
    """

    language: str
    k1: settings.NotNegative = PRESETS["msmarco"][0]
    b: settings.Share = PRESETS["msmarco"][1]
    stemmer: str = "default"
    stop_words: str = "default"

    def __post_init__(self) -> None:
        settings.check(self, "BM25: ")
        chosen = analysis(self.language, self.stemmer, self.stop_words)
        object.__setattr__(self, "language", primary(self.language))
        object.__setattr__(self, "k1", float(self.k1))
        object.__setattr__(self, "b", float(self.b))
        object.__setattr__(self, "stemmer", chosen.stemmer)
        object.__setattr__(self, "stop_words", chosen.stop_words)

    @classmethod
    def configured(cls, language: str, options: Mapping[str, Any]) -> BM25:
        """Settings from a spec: any field but the language, and ``preset``, the name of a pair of k1 and b.

        Raises:
            ConfigError: an option or a preset has an unknown name, or a value does not fit.
        """
        options = dict(options)
        preset = options.pop("preset", "msmarco")
        if not isinstance(preset, str) or preset not in PRESETS:
            raise ConfigError(f"BM25: unknown preset {preset!r}; choose from {', '.join(PRESETS)}")
        known = {field.name for field in fields(cls)} - {"language"}
        if unknown := sorted(set(options) - known):
            raise ConfigError(f"BM25: unknown option {unknown[0]!r}; choose from {', '.join(sorted(known))}, preset")
        k1, b = PRESETS[preset]
        return cls(language, **{"k1": k1, "b": b, **options})

    @property
    def analysis(self) -> Analysis:
        """The stemmer and the stop words, resolved."""
        return Analysis(self.stemmer, self.stop_words)

    def identity(self) -> dict[str, Any]:
        """Everything that changes an index, as plain data: ``BM25(**identity)`` is equal."""
        return asdict(self)
