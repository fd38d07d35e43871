"""Answers in scripts without blanks: a part of the answer is worth a part of the score, and the rule is printed."""

from __future__ import annotations

import pytest

from crossfare.score import qa
from crossfare.types import Answer, Dataset, Prediction, QAExample


def scored(language: str, gold: str, said: str, **options: str) -> tuple[float, str]:
    example = QAExample("1", gold, "?", (Answer(gold, 0),))
    data = Dataset("d", "qa", "test", language, (example,))
    f1, _ = qa.score(data, [Prediction("1", said)], resamples=1, **options)  # type: ignore[arg-type]
    return f1.value, f1.signature


@pytest.mark.parametrize(
    ("language", "gold", "said", "value", "rule"),
    [
        ("zh", "清华大学", "清华大学物理系", 8 / 11, "norm:mlqa|words:mlqa-zh"),
        ("zh-TW", "臺灣大學", "國立臺灣大學", 8 / 10, "norm:mlqa|words:mlqa-zh"),
        ("yue", "香港", "香港大學", 4 / 6, "norm:mlqa|words:mlqa-zh"),
        ("ja", "京都大学", "京都大学文学部", 8 / 11, "norm:mlqa|words:characters"),
        ("ja", "カタカナ", "カナ", 4 / 6, "norm:mlqa|words:characters"),
        ("th", "กรุงเทพ", "กรุงเทพมหานคร", 14 / 20, "norm:mlqa|words:characters"),
        ("km", "ភ្នំពេញ", "រាជធានីភ្នំពេញ", 14 / 21, "norm:mlqa|words:characters"),
        ("lo", "ວຽງຈັນ", "ນະຄອນວຽງຈັນ", 12 / 17, "norm:mlqa|words:characters"),
        ("my", "ရန်ကုန်", "ရန်ကုန်မြို့", 14 / 19, "norm:mlqa|words:characters"),
        ("bo", "ལྷ་ས", "ལྷ་ས", 1.0, "norm:mlqa|words:characters"),
        ("pt", "casa azul", "casa", 2 / 3, "norm:squad|missing"),
        ("ko", "서울 대학교", "서울 대학교 병원", 4 / 5, "norm:squad|missing"),
    ],
)
def test_unspaced_f1(language: str, gold: str, said: str, value: float, rule: str) -> None:
    found, signature = scored(language, gold, said)
    assert found == pytest.approx(value)
    assert rule in signature
    assert scored(language, gold, gold)[0] == 1


def test_who_asks_for_the_squad_script_gets_it_and_is_told_what_a_word_is() -> None:
    value, signature = scored("zh", "清华大学", "清华大学物理系", normalise="squad")
    assert value == 0
    assert "norm:squad|words:blanks" in signature
