"""BCP 47 tags: checked, written one way, and read with the script and region that CLDR finds likely."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from crossfare.errors import ConfigError

# RFC 5646, section 2.1: language, script, region, variants, private use; no extensions, and of languages only those
# with a code of ISO 639. A tag of 35 characters is the longest that it asks anyone to keep (section 4.4.1).
_LONGEST = 35
_TAG = re.compile(
    r"(?P<language>[a-z]{2,3}(-[a-z]{3}){0,3})(-(?P<script>[a-z]{4}))?(-(?P<region>[a-z]{2}|[0-9]{3}))?"
    r"(?P<rest>(-([a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*(-x(-[a-z0-9]{1,8})+)?)"
)
# One language under two codes, which CLDR keeps apart: a macrolanguage, and the member that is written for it.
_SAME = {"nb": "no", "pbt": "ps", "quy": "qu"}
_SAME_SCRIPT = {"Kore": "Hang"}  # Korean with and without Chinese characters


class Variety(NamedTuple):
    """What a tag means: a language, and which of it.

    ``language``  the code that CLDR prefers, of a macrolanguage where there is one: "zh" for "cmn", "ar" for "arb"
    ``script``    as stated, or the likely one; None where CLDR knows none
    ``region``    as stated; None else
    ``rest``      variants and private use, in lower case
    ``likely``    the region that is likely where none is stated
    ``stated``    whether the script is stated
    """

    language: str
    script: str | None
    region: str | None
    rest: tuple[str, ...]
    likely: str | None
    stated: bool


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


@lru_cache(maxsize=4096)
def variety(tag: str) -> Variety | None:
    """What a tag, or a code that is written like one ("zho_Hans"), means; None if it is no tag."""
    from langcodes import Language, standardize_tag
    from langcodes.data_dicts import LIKELY_SUBTAGS

    try:
        stated = Language.get(standardize_tag(tag.replace("_", "-")))
        preferred = stated.prefer_macrolanguage().language or "und"
    except ValueError:
        return None
    language = _SAME.get(preferred, preferred)
    likely = stated.update_dict({"language": language})
    if language != "und" and language in LIKELY_SUBTAGS:
        likely = likely.maximize()
    rest = (*(stated.variants or ()), *(stated.extensions or ()), *((stated.private,) if stated.private else ()))
    return Variety(
        language,
        _SAME_SCRIPT.get(likely.script or "", likely.script),
        stated.territory,
        tuple(sorted(each.lower() for each in rest)),
        likely.territory,
        stated.script is not None,
    )


def script_of(tag: str) -> str | None:
    """The script of a tag, stated or likely."""
    found = variety(tag)
    return found.script if found else None


def has_usual_script(tag: str) -> bool:
    """Whether a tag means the script that its language is usually written in: "zh-TW" does not."""
    return script_of(tag) == script_of(primary(tag))
