"""The table of languages: tags checked in one place, and what every engine calls them."""

from __future__ import annotations

from typing import Any

import pytest

from crossfare.errors import ConfigError
from crossfare.languages import (
    bleu_tokenizer,
    by_characters,
    has_usual_script,
    known_languages,
    language_name,
    language_tag,
    services,
    word_rule,
)
from crossfare.languages.codes import find_code, listed, meant, named, offers


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


# -- what engines call them -------------------------------------------------------------------


def nllb() -> dict[str, str]:
    """The codes of NLLB-200, which are those of FLORES-200."""
    pytest.importorskip("transformers")
    from transformers.models.nllb.tokenization_nllb import FAIRSEQ_LANGUAGE_CODES

    return offers(FAIRSEQ_LANGUAGE_CODES)


def test_every_code_of_flores_200_is_found_by_its_own_tag_and_has_a_name() -> None:
    offered = nllb()
    assert len(offered) > 200
    tags = {code: language_tag(code) for code in offered}
    assert {code: find_code(tag, offered, {}) for code, tag in tags.items()} == {code: code for code in offered}
    assert [code for code, tag in tags.items() if language_name(tag) == tag] == []


@pytest.mark.parametrize(
    ("tag", "code"),
    [
        ("zh", "zho_Hans"),
        ("zh-TW", "zho_Hant"),
        ("zh-Hant", "zho_Hant"),
        ("zh-MO", "zho_Hant"),
        ("cmn", "zho_Hans"),
        ("yue", "yue_Hant"),
        ("ar", "arb_Arab"),
        ("arz", "arz_Arab"),
        ("ary", "ary_Arab"),
        ("pt-PT", "por_Latn"),
        ("no", "nob_Latn"),
        ("nb", "nob_Latn"),
        ("nn", "nno_Latn"),
        ("sr", "srp_Cyrl"),
        ("sr-Latn", None),
        ("fa", "pes_Arab"),
        ("ps", "pbt_Arab"),
        ("ku", "kmr_Latn"),
        ("ckb", "ckb_Arab"),
        ("ko", "kor_Hang"),
        ("tl", "tgl_Latn"),
        ("iw", "heb_Hebr"),
        ("tw", "twi_Latn"),
        ("ak", "aka_Latn"),
        ("ks", "kas_Arab"),
        ("ks-Deva", "kas_Deva"),
        ("taq", "taq_Latn"),
        ("taq-Tfng", "taq_Tfng"),
        ("xx", None),
    ],
)
def test_a_tag_finds_its_code_of_nllb_or_none(tag: str, code: str | None) -> None:
    assert find_code(tag, nllb(), {}) == code


@pytest.mark.parametrize("offered", [services.GOOGLE, services.DEEPL_TARGETS, services.AZURE, services.AMAZON])
def test_every_code_of_a_service_is_found_by_what_it_means(offered: dict[str, str]) -> None:
    found = {code: find_code(tag, offered, {}) for code, tag in offered.items()}
    assert {code: other for code, other in found.items() if code != other} == {}


@pytest.mark.parametrize(
    ("offered", "tag", "code"),
    [
        (services.GOOGLE, "zh-HK", "zh-TW"),
        (services.GOOGLE, "pt", "pt"),
        (services.GOOGLE, "pt-AO", None),
        (services.GOOGLE, "pa-PK", "pa-Arab"),
        (services.GOOGLE, "fr-CH", "fr"),
        (services.GOOGLE, "nn", None),
        (services.DEEPL_TARGETS, "en", "EN-US"),
        (services.DEEPL_TARGETS, "en-AU", None),
        (services.DEEPL_TARGETS, "es-AR", "ES-419"),
        (services.DEEPL_TARGETS, "es-ES", "ES"),
        (services.DEEPL_TARGETS, "zh-SG", "ZH-HANS"),
        (services.AZURE, "mn-Mong", "mn-Mong"),
        (services.AZURE, "ku", "kmr"),
        (services.AZURE, "ckb", "ku"),
        (services.AZURE, "fa-AF", "prs"),
        (services.AMAZON, "es-AR", "es"),
        (services.AMAZON, "es-MX", "es-MX"),
        (services.AMAZON, "sr-Latn", None),
        (services.AMAZON, "ca-valencia", None),
    ],
)
def test_no_variant_of_a_service_stands_in_for_another(offered: dict[str, str], tag: str, code: str | None) -> None:
    assert find_code(tag, offered, {}) == code


def test_a_text_that_is_read_may_be_of_any_region_but_not_of_another_script() -> None:
    offered = offers(["pt-BR", "zh-Hans"])
    assert find_code("pt-PT", offered, {}) is None
    assert find_code("pt-PT", offered, {}, reading=True) == "pt-BR"
    assert find_code("zh-TW", offered, {}, reading=True) is None


def test_which_of_two_scripts_is_meant_is_not_guessed_where_nobody_knows_the_usual_one() -> None:
    assert find_code("acm", offers(["acm_Arab"]), {}) == "acm_Arab"
    assert find_code("acm", offers(["acm_Arab", "acm_Latn"]), {}) is None
    assert find_code("acm-Latn", offers(["acm_Arab", "acm_Latn"]), {}) == "acm_Latn"


def test_what_the_user_names_comes_first_and_has_to_be_there_where_all_is_known() -> None:
    offered = offers(["zh", "zt"])
    own = named({"zh_tw": "zh", "th": "th"})
    assert find_code("zh-TW", offered, own) == "zh"
    assert find_code("th", offered, own) is None
    assert find_code("th", offered, own, complete=False) == "th"


@pytest.mark.parametrize("codes", [{"x": "y"}, {"zh": " "}, {"zh": "a\nb"}])
def test_what_is_no_code_is_refused(codes: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match=r"is not a language tag|write what the engine calls the language"):
        named(codes)


def test_known_codes_are_listed_those_of_the_language_first() -> None:
    assert listed("zh-TW", offers(["en", "zh-Hans", "zh-CN"])) == "of zh it has zh-CN, zh-Hans"
    assert listed("fr", offers(["en", "zt"])) == "it has en, zt"
    assert listed("fr", {}) == "it has none"
    assert listed("fr", offers(f"x{a}{b}" for a in "abcdefgh" for b in "abcdefgh")).endswith(", ...")


def test_codes_that_are_no_tags_are_known() -> None:
    assert [meant(code) for code in ("zt", "pb", "zho_Hant", "zh_CN", "ns")] == [
        "zh-Hant",
        "pt-BR",
        "zho-Hant",
        "zh-Hans",
        "nso",
    ]


# -- names and words --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tag", "name"),
    [
        ("zh", "Chinese"),
        ("zh-TW", "Chinese (Traditional)"),
        ("pt-PT", "Portuguese"),
        ("km", "Khmer"),
        ("sr-Latn", "Serbian (Latin)"),
        ("xx", "xx"),
        ("und", "und"),
    ],
)
def test_names_say_the_script_where_it_is_not_the_usual_one(tag: str, name: str) -> None:
    assert language_name(tag) == name


@pytest.mark.parametrize(
    ("tag", "unspaced", "rule", "tokenizer"),
    [
        ("en", False, "blanks", "13a"),
        ("zh-TW", True, "mlqa-zh", "zh"),
        ("yue", True, "mlqa-zh", "zh"),
        ("ja", True, "characters", None),
        ("ja-Latn", False, "blanks", "13a"),
        ("th", True, "characters", "char"),
        ("shn", True, "characters", "char"),
        ("dz", True, "characters", "char"),
        ("ko", False, "blanks", None),
        ("und", False, "blanks", "13a"),
    ],
)
def test_words_are_cut_by_the_script(tag: str, unspaced: bool, rule: str, tokenizer: str | None) -> None:
    assert (by_characters(tag), word_rule(tag)) == (unspaced, rule)
    assert bleu_tokenizer(tag) in ({tokenizer} if tokenizer else {"char", f"{tag}-mecab"})
    assert has_usual_script(tag) == (tag not in ("zh-TW", "ja-Latn"))
