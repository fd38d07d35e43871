"""What an engine calls a language: found among the codes that it offers, or named by the user.

No variant stands in for another. A code fits a tag if it means the same language in the same script; a region that it
names has to be the tag's, or the likely one of a tag that names none; a code without a region means all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from crossfare.errors import ConfigError
from crossfare.languages.tags import Variety, language_tag, primary, variety

_SHOWN = 40
OPTION = "where it calls the language something else, say so with the option codes, such as codes: {zh-TW: zt}"
"""What to do about a language that is not found, for messages."""

# What codes mean that are no tags, or say a script by a region; as services and checkpoints write them.
_MEANT = {
    "ns": "nso",  # M2M-100
    "pb": "pt-BR",  # LibreTranslate
    "sat-beng": "sat",  # NLLB: it is written in Ol Chiki
    "zh-cn": "zh-Hans",
    "zh-tw": "zh-Hant",
    "zho-cn": "zh-Hans",
    "zho-tw": "zh-Hant",
    "zt": "zh-Hant",  # LibreTranslate
}
# Of UN M49's region 419.
_LATIN_AMERICA = frozenset(["AR", "BO", "BR", "CL", "CO", "CR", "CU", "DO", "EC", "GT"]) | frozenset(
    ["HN", "MX", "NI", "PA", "PE", "PR", "PY", "SV", "UY", "VE"]
)


def meant(code: str) -> str:
    """The tag that a code means: "zho_Hant" is zh-Hant, "zt" too."""
    tag = code.replace("_", "-")
    return _MEANT.get(tag.lower(), tag)


def offers(codes: Iterable[str]) -> dict[str, str]:
    """Codes, each with the tag that it means."""
    return {code: meant(code) for code in codes}


def named(codes: Mapping[str, str]) -> dict[str, str]:
    """Check the option ``codes`` of an engine: what the user says that it calls languages, by tags.

    Raises:
        ConfigError: a key is no tag, or a code is blank or not one printable line.
    """
    for tag, code in codes.items():
        if not code.strip() or not code.isprintable():
            raise ConfigError(f"codes: {tag} cannot be {code!r}; write what the engine calls the language")
    return {language_tag(tag): code for tag, code in codes.items()}


def find_code(
    tag: str, offered: Mapping[str, str], own: Mapping[str, str], *, complete: bool = True, reading: bool = False
) -> str | None:
    """The code of a language among those offered, or as named by the user; None if there is none.

    Args:
        offered: codes, each with the tag that it means.
        own: the option ``codes``.
        complete: whether ``offered`` is all that the engine has: then a code that the user names has to be among them.
        reading: that the language is read, not written: any region of it does, if there is no better.
    """
    tag = tag.replace("_", "-")
    if stated := next((code for name, code in own.items() if name.lower() == tag.lower()), None):
        return stated if stated in offered or not complete else None
    wanted = variety(meant(tag))
    if wanted is None:
        return tag if tag in offered else None
    fitting = {
        (code.lower() != tag.lower(), rank, _letters(means) != _letters(tag), not there.stated, code): there.script
        for code, means in offered.items()
        if (there := variety(means)) is not None and (rank := _rank(wanted, there, reading)) is not None
    }
    if wanted.script is None and len(set(fitting.values())) > 1:
        return None  # which of the scripts is meant, nobody knows
    return min(fitting)[-1] if fitting else None


def _letters(tag: str) -> str:
    """The three letters of a language: "aka" and "twi", which CLDR takes for one, are "ak" and "tw"."""
    from langcodes import Language

    language = primary(tag)
    try:
        return Language.make(language).to_alpha3() if len(language) == 2 else language
    except LookupError:
        return language


def fit(tag: str, code: str, own: Mapping[str, str], *, reading: bool = False) -> int | None:
    """How well one code fits a tag, 0 best; None where it means something else, or the user names another."""
    if tag in own:
        return 0 if own[tag] == code else None
    wanted, there = variety(tag), variety(meant(code))
    return None if wanted is None or there is None else _rank(wanted, there, reading)


def _rank(wanted: Variety, there: Variety, reading: bool) -> int | None:
    """How well a code's meaning fits: 0 is best; None where it means something else."""
    if (wanted.language, wanted.rest) != (there.language, there.rest):
        return None
    if wanted.script != there.script and None not in (wanted.script, there.script):
        return None
    if there.region is None:
        return 1
    if there.region == wanted.region or (there.region == "419" and wanted.region in _LATIN_AMERICA):
        return 0
    if wanted.region is None and there.region == wanted.likely:
        return 2
    return 3 if reading else None


def listed(tag: str, offered: Mapping[str, str]) -> str:
    """The codes on offer, for a message: those of the same language, if there are any, else all."""
    known: Sequence[str] = sorted(offered)
    language = getattr(variety(tag), "language", None)
    kin = [code for code in known if getattr(variety(offered[code]), "language", "") == language]
    if kin and len(kin) < len(known):
        return f"of {primary(tag)} it has {', '.join(kin)}"
    more = ", ..." if len(known) > _SHOWN else ""
    return f"it has {', '.join(known[:_SHOWN]) or 'none'}{more}"
