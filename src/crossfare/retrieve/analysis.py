"""From a text to the terms that are indexed, for each language on its own terms.

A text is composed (Unicode NFC), case-folded and cut into words; stop words are taken out and the rest is
stemmed. Queries and passages go through the same steps. What each language gets is stated in the table of
`crossfare.languages`, absent stemmers and stop words included. A language that is not there is refused instead of
being treated as English: mMARCO's Portuguese BM25 loses 0.011 of MRR@10 that way (0.141 for 0.152).

*Words* are runs of letters, digits and the marks that belong to them (Indic vowel signs, Hebrew points; zero-width
joiners too). In English an apostrophe inside a word belongs to it, since the stemmer takes off "'s"; elsewhere
it separates ("l'avion"). Runs of Han, kana or Hangul become overlapping pairs of characters, as Lucene's CJKAnalyzer
has them. A character that stands alone in a query of such a language asks for every pair that holds it (`Index`).

*Stemmers* are Snowball's (PyStemmer). *Stop words* are the lists that bm25s carries: Lucene's for English, for the
other languages those published with the Snowball stemmers. Where it has none, none are taken out: BM25 weighs
frequent words next to nothing anyway.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from crossfare.errors import ConfigError
from crossfare.languages import LANGUAGES, NONE, by_characters, language_name, primary, writes_in_pairs
from crossfare.languages.writing import IN_PAIRS
from crossfare.types import digest

_DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Analysis:
    """What one language gets: a Snowball algorithm and a list of stop words by name, or "none" of either."""

    stemmer: str
    stop_words: str


ANALYSES: dict[str, Analysis] = {
    tag: Analysis(row.stemmer, row.stop_words) for tag, row in LANGUAGES.items() if row.stemmer is not None
}

# "porter" is what Anserini stems English with; Irish needs its prefixed capitals split off before folding.
STEMMERS = frozenset({row.stemmer for row in ANALYSES.values()} | {"dutch_porter", "irish", "porter"})
STOP_WORDS = frozenset(row.stop_words for row in ANALYSES.values())

_BEFORE_FOLDING: dict[str, dict[int, str | None]] = {
    "hy": dict.fromkeys(map(ord, "՛՜՞")),  # accents of a sentence, written inside a word
    "tr": {ord("I"): "ı", ord("İ"): "i"},  # plain case folding makes both of them i
}


def analysis(language: str, stemmer: str = _DEFAULT, stop_words: str = _DEFAULT) -> Analysis:
    """What ``language`` (a BCP-47 tag) gets, with what is asked for in place of the table's defaults.

    Raises:
        ConfigError: the language is not in the table and not both are given, or a name is unknown.
    """
    row = ANALYSES.get("zh" if writes_in_pairs(language) else primary(language))
    if row is None and _DEFAULT in {stemmer, stop_words}:
        raise ConfigError(_unknown(language))
    if row is not None:
        stemmer = row.stemmer if stemmer == _DEFAULT else stemmer
        stop_words = row.stop_words if stop_words == _DEFAULT else stop_words
    if stemmer not in STEMMERS:
        raise ConfigError(f"BM25: unknown stemmer {stemmer!r}; choose from {', '.join(sorted(STEMMERS))}")
    if stop_words not in STOP_WORDS:
        raise ConfigError(f"BM25: unknown stop words {stop_words!r}; choose from {', '.join(sorted(STOP_WORDS))}")
    return Analysis(stemmer, stop_words)


def _unknown(language: str) -> str:
    name = language_name(language)
    tag = repr(language) if name == language else f"{language!r} ({name})"
    if by_characters(language):
        return (
            f"BM25: {tag} is written without blanks between words, which crossfare cannot cut; "
            "cut the texts into words first, then set stemmer: none and stop_words: none"
        )
    return (
        f"BM25: no stemmer and stop words are known for language {tag}, and those of another language would be wrong; "
        "set stemmer: none and stop_words: none to index its plain words"
    )


class Analyser:
    """Cuts texts of one language into terms.

    Raises:
        ConfigError: PyStemmer or bm25s is not installed.
    """

    def __init__(self, language: str, chosen: Analysis) -> None:
        self._fold = _BEFORE_FOLDING.get(primary(language), {})
        self._pattern = _word(apostrophes=primary(language) == "en")
        self._stop_words = frozenset(word for stop in stop_list(chosen.stop_words) for word in self.words(stop))
        self._stem = _stemmer(chosen.stemmer)

    def words(self, text: str) -> list[str]:
        """The folded words of ``text`` in order, stop words included."""
        if not text.isascii():
            text = unicodedata.normalize("NFC", text)
        if self._fold:
            text = text.translate(self._fold)
        text = text.casefold().replace("_", " ").replace("\u2019", "'")
        if text.isascii():
            return self._pattern.findall(text)
        text = unicodedata.normalize("NFC", text)  # folding may have taken composed letters apart
        return self._pattern.findall(_PAIRED.sub(_pairs, text))

    def term(self, word: str) -> str | None:
        """What a folded word is indexed as: its stem, or None for a stop word."""
        return None if word in self._stop_words else self._stem(word) or word

    def terms(self, text: str) -> list[str]:
        """The terms of ``text`` in order, with repetitions."""
        return [term for term in map(self.term, self.words(text)) if term is not None]


_PAIRED = re.compile(f"[{IN_PAIRS}]+")


def in_pairs(term: str) -> bool:
    """Whether a term is a pair of such characters, or a lone one."""
    return len(term) <= 2 and _PAIRED.fullmatch(term) is not None


def _pairs(run: re.Match[str]) -> str:
    characters = run[0]
    pairs = (characters[i : i + 2] for i in range(max(1, len(characters) - 1)))
    return f" {' '.join(pairs)} "


@lru_cache
def _word(*, apostrophes: bool) -> re.Pattern[str]:
    joined = r"\w\u200c\u200d" + _marks()
    inside = f"(?:'[{joined}]+)*" if apostrophes else ""
    return re.compile(rf"\w[{joined}]*{inside}")


@lru_cache
def _marks() -> str:
    """The combining marks as the inside of a character class: ``\\w`` lacks them, and would cut Hindi at its vowels.

    Those beyond U+FFFF are left out: they belong to historic scripts, and make matching several times slower.
    """
    return "".join(c for c in map(chr, range(0x300, 0x10000)) if unicodedata.category(c).startswith("M"))


def stop_list(name: str) -> tuple[str, ...]:
    """The stop words of the list called ``name``, as bm25s carries them."""
    if name == NONE:
        return ()
    try:
        from bm25s import stopwords
    except ImportError as error:
        raise ConfigError("BM25 needs the package bm25s: pip install 'crossfare[models]'") from error
    words: tuple[str, ...] = getattr(stopwords, "STOPWORDS_EN" if name == "english" else f"STOPWORDS_{name.upper()}")
    return words


def _stemmer(name: str) -> Callable[[str], str]:
    if name == NONE:
        return str
    stem: Callable[[str], str] = _pystemmer().Stemmer(name, 0).stemWord  # 0: callers remember what they have stemmed
    return stem


def analysis_revision(chosen: Analysis) -> str:
    """Identify what the installed packages make of ``chosen``: a list or a stemmer may change with their version."""
    version = "" if chosen.stemmer == NONE else _pystemmer().version()
    return digest([version, sorted(stop_list(chosen.stop_words))])


def _pystemmer() -> Any:
    try:
        import Stemmer
    except ImportError as error:
        raise ConfigError("stemming needs the package PyStemmer: pip install 'crossfare[models]'") from error
    return Stemmer
