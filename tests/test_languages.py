"""Language tags: checked in one place, and written as BCP-47 writes them."""

from __future__ import annotations

from typing import Any

import pytest

from crossfare.errors import ConfigError
from crossfare.languages import known_languages, language_tag


@pytest.mark.parametrize(
    ("given", "tag"),
    [
        ("pt", "pt"),
        ("PT", "pt"),
        ("pt-BR", "pt-BR"),
        ("pt_br", "pt-BR"),
        ("ZH-hans-cn", "zh-Hans-CN"),
        ("zh-Hant", "zh-Hant"),
        ("es-419", "es-419"),
        ("zh-yue-HK", "zh-yue-HK"),
        ("de-CH-1996", "de-CH-1996"),
        ("sl-rozaj-biske", "sl-rozaj-biske"),
        ("en-x-simple", "en-x-simple"),
        ("und", "und"),
        ("tlh", "tlh"),
    ],
)
def test_tags_come_out_in_canonical_form(given: str, tag: str) -> None:
    assert language_tag(given) == tag
    assert language_tag(tag) == tag


def test_every_language_of_the_table_has_a_tag() -> None:
    assert [language_tag(tag) for tag in known_languages()] == list(known_languages())


@pytest.mark.parametrize(
    "given",
    [
        "",
        "x",
        "x/../../../PWNED",
        "../pt",
        "pt/",
        "pt\n",
        "pt\0",
        "pt\x1b[2J",
        "pt-",
        "-pt",
        "pt--BR",
        "portuguese",
        "ｐｔ",
        "p" * 300,
        "pt" + "-abcde" * 6,
        "*",
        "en-*",
        None,
        5,
    ],
)
def test_what_is_no_tag_is_refused_in_one_short_line(given: Any) -> None:
    with pytest.raises(ConfigError, match="is not a language tag; write one of BCP-47") as refused:
        language_tag(given)
    assert len(str(refused.value)) < 160
    assert str(refused.value).isprintable()
