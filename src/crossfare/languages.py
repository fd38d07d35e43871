"""Languages: BCP-47 tags, their names, and what each family of engines calls them."""

from __future__ import annotations

import re

from crossfare.errors import ConfigError

# tag: (English name, NLLB-200 code, mBART-50 code)
_LANGUAGES: dict[str, tuple[str, str, str]] = {
    "ar": ("Arabic", "arb_Arab", "ar_AR"),
    "bg": ("Bulgarian", "bul_Cyrl", ""),
    "cs": ("Czech", "ces_Latn", "cs_CZ"),
    "da": ("Danish", "dan_Latn", ""),
    "de": ("German", "deu_Latn", "de_DE"),
    "el": ("Greek", "ell_Grek", ""),
    "en": ("English", "eng_Latn", "en_XX"),
    "es": ("Spanish", "spa_Latn", "es_XX"),
    "fi": ("Finnish", "fin_Latn", "fi_FI"),
    "fr": ("French", "fra_Latn", "fr_XX"),
    "hi": ("Hindi", "hin_Deva", "hi_IN"),
    "id": ("Indonesian", "ind_Latn", "id_ID"),
    "it": ("Italian", "ita_Latn", "it_IT"),
    "ja": ("Japanese", "jpn_Jpan", "ja_XX"),
    "ko": ("Korean", "kor_Hang", "ko_KR"),
    "nl": ("Dutch", "nld_Latn", "nl_XX"),
    "pl": ("Polish", "pol_Latn", "pl_PL"),
    "pt": ("Portuguese", "por_Latn", "pt_XX"),
    "ro": ("Romanian", "ron_Latn", "ro_RO"),
    "ru": ("Russian", "rus_Cyrl", "ru_RU"),
    "sv": ("Swedish", "swe_Latn", "sv_SE"),
    "sw": ("Swahili", "swh_Latn", ""),
    "th": ("Thai", "tha_Thai", "th_TH"),
    "tr": ("Turkish", "tur_Latn", "tr_TR"),
    "uk": ("Ukrainian", "ukr_Cyrl", "uk_UA"),
    "ur": ("Urdu", "urd_Arab", "ur_PK"),
    "vi": ("Vietnamese", "vie_Latn", "vi_VN"),
    "zh": ("Chinese", "zho_Hans", "zh_CN"),
}


# RFC 5646, section 2.1: language, script, region, variants, private use; no extensions, and of languages only those
# with a code of ISO 639. A tag of 35 characters is the longest that it asks anyone to keep (section 4.4.1).
_LONGEST = 35
_TAG = re.compile(
    r"(?P<language>[a-z]{2,3}(-[a-z]{3}){0,3})(-(?P<script>[a-z]{4}))?(-(?P<region>[a-z]{2}|[0-9]{3}))?"
    r"(?P<rest>(-([a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*(-x(-[a-z0-9]{1,8})+)?)"
)


def language_tag(text: str) -> str:
    """Check a language tag, and return it as BCP-47 writes it: "pt_br" as "pt-BR", "ZH-hans" as "zh-Hans".

    Tags from specs and command lines become parts of file names, labels and requests: this is where they are checked.

    Raises:
        ConfigError: it is none.
    """
    found = _TAG.fullmatch(text.replace("_", "-").lower()) if isinstance(text, str) and len(text) <= _LONGEST else None
    if found is None:
        shown = repr(text) if len(repr(text)) <= 2 * _LONGEST else f"{str(text)[:_LONGEST]!r}..."
        raise ConfigError(f"{shown} is not a language tag; write one of BCP-47, such as pt, pt-BR or zh-Hant")
    subtags = [
        found["language"],
        *((found["script"].title(),) if found["script"] else ()),
        *((found["region"].upper(),) if found["region"] else ()),
    ]
    return "-".join(subtags) + found["rest"]


def primary(tag: str) -> str:
    """Reduce a BCP-47 tag to its primary language: "pt-BR" to "pt"."""
    return tag.replace("_", "-").partition("-")[0].lower()


def known_languages() -> tuple[str, ...]:
    """Tags of the languages in the table."""
    return tuple(_LANGUAGES)


def language_name(tag: str) -> str:
    """English name of a language; the tag itself where it is not in the table."""
    return _LANGUAGES.get(primary(tag), (tag, "", ""))[0]


def nllb_code(tag: str) -> str:
    """NLLB-200 code (FLORES-200) of a language.

    Raises:
        ConfigError: the language is not in the table.
    """
    return _code(tag, 1, "NLLB")


def mbart_code(tag: str) -> str:
    """mBART-50 code of a language.

    Raises:
        ConfigError: mBART-50 does not know the language, or it is not in the table.
    """
    return _code(tag, 2, "mBART-50")


def _code(tag: str, column: int, family: str) -> str:
    code = _LANGUAGES.get(primary(tag), ("", "", ""))[column]
    if not code:
        raise ConfigError(f"language {tag!r} has no {family} code in crossfare; add it to crossfare/languages.py")
    return code
