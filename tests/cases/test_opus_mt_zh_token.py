"""The token of a target language is read from the vocabulary of the checkpoint: script, region and macrolanguage."""

from __future__ import annotations

from typing import Any

import pytest

from crossfare.errors import ConfigError
from crossfare.translate.engines.seq2seq import Vocabulary, find_route

EN_ZH = (">>cmn_Hans<<", ">>cmn_Hant<<", ">>cmn<<", ">>yue_Hant<<", ">>yue_Hans<<", ">>nan<<")
EN_AR = (">>ara<<", ">>arz<<", ">>apc<<")
EN_ROMANCE = (">>pt<<", ">>pt_BR<<", ">>pt_PT<<", ">>es<<", ">>fr_CA<<", ">>fr<<")
EN_SOUTH_SLAVIC = (">>srp_Cyrl<<", ">>srp_Latn<<", ">>hrv<<", ">>bos_Latn<<")


class Tokens:
    """The vocabulary of a Marian checkpoint, and nothing else of it."""

    def __init__(self, tokens: tuple[str, ...]) -> None:
        self.tokens = tokens

    def get_vocab(self) -> dict[str, int]:
        return {token: number for number, token in enumerate(("▁the", *self.tokens))}


def prefix(tokens: tuple[str, ...], target: str, **own: str) -> str:
    vocabulary = Vocabulary(Tokens(tokens), "marian", 512, frozenset())
    named: Any = {tag.replace("_", "-"): code for tag, code in own.items()}
    return find_route(vocabulary, "en", target, None, "m", named).prefix


@pytest.mark.parametrize(
    ("tokens", "target", "token"),
    [
        (EN_ZH, "zh", ">>cmn_Hans<<"),
        (EN_ZH, "zh-CN", ">>cmn_Hans<<"),
        (EN_ZH, "zh-Hans", ">>cmn_Hans<<"),
        (EN_ZH, "zh-TW", ">>cmn_Hant<<"),
        (EN_ZH, "zh-Hant", ">>cmn_Hant<<"),
        (EN_ZH, "zh-HK", ">>cmn_Hant<<"),
        (EN_ZH, "yue", ">>yue_Hant<<"),
        (EN_AR, "ar", ">>ara<<"),
        (EN_AR, "arz", ">>arz<<"),
        ((">>ara<<", ">>heb<<"), "ar-EG", ">>ara<<"),
        (EN_ROMANCE, "pt", ">>pt<<"),
        (EN_ROMANCE, "pt-BR", ">>pt_BR<<"),
        (EN_ROMANCE, "pt-PT", ">>pt_PT<<"),
        (EN_ROMANCE, "es-MX", ">>es<<"),
        (EN_ROMANCE, "fr-CA", ">>fr_CA<<"),
        (EN_SOUTH_SLAVIC, "sr", ">>srp_Cyrl<<"),
        (EN_SOUTH_SLAVIC, "sr-Latn", ">>srp_Latn<<"),
    ],
)
def test_opus_mt_zh_token(tokens: tuple[str, ...], target: str, token: str) -> None:
    assert prefix(tokens, target) == f"{token} "


@pytest.mark.parametrize(
    ("tokens", "target", "known"),
    [
        ((">>cmn_Hans<<", ">>yue_Hant<<"), "zh-TW", "of zh it has >>cmn_Hans<<"),
        ((">>pt_BR<<", ">>es<<"), "pt-PT", "of pt it has >>pt_BR<<"),
        ((">>arz<<", ">>apc<<"), "ar", "it has >>apc<<, >>arz<<"),
    ],
)
def test_no_variant_stands_in_for_another(tokens: tuple[str, ...], target: str, known: str) -> None:
    with pytest.raises(ConfigError, match=f"does not translate into '{target}'; {known}; .*option codes"):
        prefix(tokens, target)


def test_the_user_may_name_the_token() -> None:
    assert prefix(EN_ZH, "zh", zh=">>nan<<") == ">>nan<< "
    assert prefix(EN_ZH, "zh-TW", zh_TW="yue_Hant") == ">>yue_Hant<< "
    with pytest.raises(ConfigError, match="does not translate into 'zh'"):
        prefix(EN_ZH, "zh", zh=">>deu<<")
