"""Exact match and token F1 of extractive question answering.

``squad`` equals the official SQuAD v1.1 script (Rajpurkar et al. 2016, evaluate-v1.1.py): lower case, ASCII
punctuation removed, the English articles removed, white space collapsed; the best value over the gold answers;
F1 is 0 where no token is shared, even if both sides are empty.

``mlqa`` follows the official MLQA script (Lewis et al. 2020, mlqa_evaluation_v1.py): all Unicode punctuation is
removed, the articles are those of the language, and Chinese is split into characters. Added here: Unicode is
composed first (NFC; MLQA's Vietnamese is not), Portuguese has articles (o a os as um uma uns umas), and the other
scripts that are written without blanks (Japanese, Thai, Lao, Khmer, Burmese, Tibetan) are split into characters too.
A language that the official script does not know loses no articles and is split at white space.

Where nobody chooses, languages in such scripts are scored by ``mlqa`` and all others by ``squad``: split at blanks, a
Chinese or Japanese answer is one word, and F1 is exact match.
"""

from __future__ import annotations

import re
import string
import sys
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from crossfare.errors import ConfigError, DataError
from crossfare.languages import WordRule, by_characters, primary, unspaced_characters, word_rule
from crossfare.score import bootstrap
from crossfare.score.matching import outputs_by_id
from crossfare.settings import Seed
from crossfare.types import Dataset, Prediction, QAExample, Score

Normalise = Callable[[str], str]
Normaliser = Literal["squad", "mlqa"]


class AnswerRule(NamedTuple):
    """How answers in a language are compared: how they are normalised, and what of them is a word."""

    normalise: Normaliser
    words: WordRule


def rule(language: str, normalise: Normaliser | None = None) -> AnswerRule:
    """The rule for a language, whether ``normalise`` is chosen or not.

    Raises:
        ConfigError: ``normalise`` is neither "squad" nor "mlqa".
    """
    if normalise not in (None, "squad", "mlqa"):
        raise ConfigError(f"unknown answer normalisation {normalise!r}; choose squad or mlqa")
    if normalise == "squad" or (normalise is None and not by_characters(language)):
        return AnswerRule("squad", "blanks")
    return AnswerRule("mlqa", word_rule(language))


_ASCII_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ENGLISH_ARTICLES = re.compile(r"\b(a|an|the)\b")

_ARTICLES = {
    "ar": r"\sال^|ال",
    "de": r"\b(ein|eine|einen|einem|eines|einer|der|die|das|den|dem|des)\b",
    "en": r"\b(a|an|the)\b",
    "es": r"\b(un|una|unos|unas|el|la|los|las)\b",
    "pt": r"\b(o|a|os|as|um|uma|uns|umas)\b",
    "vi": r"\b(của|là|cái|chiếc|những)\b",
}
_CUT = {"mlqa-zh": re.compile("[\u4e00-\u9fa5]"), "characters": re.compile(f"[{unspaced_characters()}]")}


def normalise_squad(text: str) -> str:
    """Normalise an answer as evaluate-v1.1.py does."""
    return " ".join(_ENGLISH_ARTICLES.sub(" ", text.lower().translate(_ASCII_PUNCTUATION)).split())


def normalise_mlqa(text: str, language: str) -> str:
    """Normalise an answer as mlqa_evaluation_v1.py does for ``language``, after composing it to NFC."""
    words = word_rule(language)
    language = primary(language)
    text = unicodedata.normalize("NFC", text).lower().translate(_all_punctuation())
    if language in _ARTICLES:
        text = re.sub(_ARTICLES[language], " ", text)
    if words in _CUT:
        text = _CUT[words].sub(r" \g<0> ", text)
    return " ".join(text.split())


@lru_cache
def _all_punctuation() -> dict[int, None]:
    punctuation = (c for c in range(sys.maxunicode) if unicodedata.category(chr(c)).startswith("P"))
    return dict.fromkeys([*punctuation, *map(ord, string.punctuation)])


def exact_match(
    prediction: str, golds: Sequence[str], normalise: Normalise | None = None, *, language: str = "en"
) -> float:
    """1.0 if the normalised prediction equals one of the normalised gold answers, else 0.0.

    They are normalised as the ``language`` is by default, unless ``normalise`` says how.
    """
    function = normalise or _normaliser(rule(language), language)
    return float(function(prediction) in [function(gold) for gold in golds])


def f1(prediction: str, golds: Sequence[str], normalise: Normalise | None = None, *, language: str = "en") -> float:
    """Token F1 against the best of the gold answers, in 0-1; normalised as in `exact_match`."""
    function = normalise or _normaliser(rule(language), language)
    return _f1(function(prediction), [function(gold) for gold in golds])


def _f1(prediction: str, golds: Sequence[str]) -> float:
    tokens = prediction.split()
    return max(_token_f1(tokens, gold.split()) for gold in golds)


def _token_f1(prediction: Sequence[str], gold: Sequence[str]) -> float:
    same = sum((Counter(prediction) & Counter(gold)).values())
    if same == 0:
        return 0.0
    precision, recall = same / len(prediction), same / len(gold)
    return 2 * precision * recall / (precision + recall)


def score(
    dataset: Dataset,
    predictions: Sequence[Prediction],
    *,
    normalise: Normaliser | None = None,
    resamples: bootstrap.Resamples = bootstrap.RESAMPLES,
    seed: Seed = 0,
) -> tuple[Score, ...]:
    """F1 and exact match with their 95 % bootstrap intervals.

    An example without a prediction scores 0 and is counted in the signature (``missing``), which says how answers
    were normalised (``norm``) and, in scripts without blanks, what was a word (``words``). Unless ``normalise`` is
    given, both go by the language: see `rule`.

    Raises:
        ConfigError: ``normalise`` is neither "squad" nor "mlqa".
        DataError: the dataset is empty or not QA, an example has no answer, or ids do not match.
    """
    chosen = rule(dataset.language, normalise)
    function = _normaliser(chosen, dataset.language)
    outputs = outputs_by_id(dataset.examples, predictions)
    f1s: dict[str, float] = {}
    matches: dict[str, float] = {}
    for example in dataset.examples:
        if not isinstance(example, QAExample) or not example.answers:
            raise DataError(f"example {example.id!r} of {dataset.name} has no gold answer; it cannot be scored")
        golds = [function(answer.text) for answer in example.answers]
        output = function(outputs[example.id]) if example.id in outputs else None
        f1s[example.id] = 0.0 if output is None else _f1(output, golds)
        matches[example.id] = 0.0 if output is None else float(output in golds)
    if not f1s:
        raise DataError(f"{dataset.name} has no examples to score")
    missing = len(f1s) - len(outputs)
    said: dict[str, Any] = {
        "norm": chosen.normalise,
        **({"words": chosen.words} if by_characters(dataset.language) else {}),
    }
    return tuple(
        bootstrap.mean(metric, values, resamples=resamples, seed=seed, **said, missing=missing)
        for metric, values in (("f1", f1s), ("exact_match", matches))
    )


def _normaliser(chosen: AnswerRule, language: str) -> Normalise:
    return normalise_squad if chosen.normalise == "squad" else lambda text: normalise_mlqa(text, language)
