"""The table: of each language its name, and what BM25 does with its words."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from crossfare.languages.tags import has_usual_script, primary, variety

NONE = "none"
"""What to set where a language shall have no stemmer or no stop words."""


@dataclass(frozen=True, slots=True)
class Language:
    """A row.

    ``name``        its English name, where prompts were written with it before CLDR was asked for all others
    ``stemmer``     the Snowball algorithm that stems its words; "none" of nothing to stem, None where nobody has said
    ``stop_words``  the list of bm25s; "none" for none
    """

    name: str = ""
    stemmer: str | None = None
    stop_words: str = NONE


LANGUAGES: dict[str, Language] = {
    "ar": Language("Arabic", "arabic"),
    "bg": Language("Bulgarian"),
    "ca": Language("", "catalan"),
    "cs": Language("Czech", "czech"),
    "da": Language("Danish", "danish", "danish"),
    "de": Language("German", "german", "german"),
    "el": Language("Greek", "greek"),
    "en": Language("English", "english", "english"),
    "eo": Language("", "esperanto"),
    "es": Language("Spanish", "spanish", "spanish"),
    "et": Language("", "estonian"),
    "eu": Language("", "basque"),
    "fa": Language("", "persian"),
    "fi": Language("Finnish", "finnish"),
    "fr": Language("French", "french", "french"),
    "hi": Language("Hindi", "hindi"),
    "hu": Language("", "hungarian"),
    "hy": Language("", "armenian"),
    "id": Language("Indonesian", "indonesian"),
    "it": Language("Italian", "italian", "italian"),
    "ja": Language("Japanese", NONE),  # pairs of characters
    "ko": Language("Korean", NONE),  # pairs of characters
    "lt": Language("", "lithuanian"),
    "nb": Language("", "norwegian", "norwegian"),
    "ne": Language("", "nepali"),
    "nl": Language("Dutch", "dutch", "dutch"),
    "nn": Language("", "norwegian", "norwegian"),
    "no": Language("", "norwegian", "norwegian"),
    "pl": Language("Polish", "polish"),
    "pt": Language("Portuguese", "portuguese", "portuguese"),
    "ro": Language("Romanian", "romanian"),
    "ru": Language("Russian", "russian", "russian"),
    "sr": Language("", "serbian"),
    "st": Language("", "sesotho"),
    "sv": Language("Swedish", "swedish", "swedish"),
    "sw": Language("Swahili"),
    "ta": Language("", "tamil"),
    "th": Language("Thai"),
    "tr": Language("Turkish", "turkish", "turkish"),
    "uk": Language("Ukrainian"),
    "ur": Language("Urdu"),
    "vi": Language("Vietnamese", NONE),  # Vietnamese words do not inflect: there is nothing to stem
    "yi": Language("", "yiddish"),
    "zh": Language("Chinese", NONE),  # pairs of characters
}


def known_languages() -> tuple[str, ...]:
    """The languages that a two-letter word in a file's name is taken for."""
    return tuple(tag for tag, row in LANGUAGES.items() if row.name)


def name_is_pinned(tag: str) -> bool:
    """Whether `language_name` is the table's, and not CLDR's, which may change with its version."""
    return primary(tag) in known_languages() and has_usual_script(tag)


@lru_cache(maxsize=1024)
def language_name(tag: str) -> str:
    """English name of a language, with its script if that is not the usual one; the tag itself if it has none.

    Regions are left out: "pt-PT" is Portuguese.
    """
    from langcodes import Language as Tag

    found = variety(tag)
    row = LANGUAGES.get(primary(tag), Language())
    if row.name and has_usual_script(tag):
        return row.name
    if found is None or not Tag.get(primary(tag)).is_valid() or found.language == "und":
        return tag
    name = row.name or Tag.get(primary(tag)).language_name("en")
    return name if has_usual_script(tag) else f"{name} ({Tag.get(f'und-{found.script}').script_name('en')})"


@lru_cache(maxsize=64)
def names_of(tag: str) -> frozenset[str]:
    """What a language is called in English and by itself, in lower case; nothing where CLDR has no names."""
    from langcodes import Language as Tag

    language = Tag.get(primary(tag))
    named = {language.language_name("en"), language.autonym()} if language.is_valid() else set()
    return frozenset(name.casefold() for name in named)
