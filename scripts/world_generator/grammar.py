"""Articles, inflection and agreement, and the assembly of sentences that know where their slots stand.

A template is plain text with slots:

    {p}      the value's bare form             {o:FORM}    a form, named per language below
    {k@o}    the form agreeing with slot o     {p?o|a}     one of the endings, by the gender of slot p
    {o:FORM+k}   a noun phrase with the adjective of slot k inside it

Forms of nouns (``play`` and ``noplay``: what one plays an instrument with, and what one does not play).

    English      a, the, pl, play
    Portuguese   um, o, nenhum, em, de, por (the last three contracted with the article), pl, play, noplay
    German       ein.CASE, der.CASE, kein.CASE (CASE is n, a or d), pl, pl.d, play
    Vietnamese   cl (classifier and noun), một (a classified one), play, noplay

Names of places, rivers and companies take their article in every form but ``bare``; further forms are ``em``, ``de``
and ``por`` in Portuguese and ``dat`` in German.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Protocol

Pieces = tuple[tuple[str, str], ...]
"""Consecutive pieces of a text: (piece, name of the slot whose span it is, or "")."""

_SLOT = re.compile(r"\{(\w+)(?:([:@?])([^}]*))?\}")
_PREPOSITIONS = ("em", "de", "por")

_CONTRACTIONS = {
    ("em", "o"): "no",
    ("em", "a"): "na",
    ("de", "o"): "do",
    ("de", "a"): "da",
    ("por", "o"): "pelo",
    ("por", "a"): "pela",
}
_DE_DEFINITE = {"m": {"n": "der", "a": "den", "d": "dem"}, "f": {"n": "die", "a": "die", "d": "der"}}
_DE_DEFINITE["n"] = {"n": "das", "a": "das", "d": "dem"}
_DE_INDEFINITE = {"m": {"n": "", "a": "en", "d": "em"}, "f": {"n": "e", "a": "e", "d": "er"}}
_DE_INDEFINITE["n"] = {"n": "", "a": "", "d": "em"}
# Adjective endings: weak after the definite article, mixed after ein/kein.
_DE_WEAK = {"m": {"n": "e", "a": "en", "d": "en"}, "f": {"n": "e", "a": "e", "d": "en"}}
_DE_WEAK["n"] = {"n": "e", "a": "e", "d": "en"}
_DE_MIXED = {"m": {"n": "er", "a": "en", "d": "en"}, "f": {"n": "e", "a": "e", "d": "en"}}
_DE_MIXED["n"] = {"n": "es", "a": "es", "d": "en"}


class Value(Protocol):
    """What can fill a slot; ``key`` tells values apart."""

    @property
    def key(self) -> str:
        """What makes it this value and no other."""

    def gender(self, language: str, /) -> str:
        """The grammatical gender (m, f, n)."""

    def phrase(self, language: str, form: str, /) -> tuple[str, str]:
        """The words before the core (with the blank after them), and the core, which is the slot's span."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word without agreement: one text per language; ``feminine`` is its gender in Portuguese and of persons."""

    key: str
    texts: Mapping[str, str]
    feminine: bool = False

    def gender(self, _language: str, /) -> str:
        """Masculine unless marked."""
        return "f" if self.feminine else "m"

    def phrase(self, language: str, _form: str, /) -> tuple[str, str]:
        """The bare word, whatever the form."""
        return "", self.texts[language]


@dataclass(frozen=True, slots=True)
class Place:
    """A proper name that may take an article (``articles``, by language), or in Vietnamese a word before it."""

    key: str
    texts: Mapping[str, str]
    articles: Mapping[str, str]
    prefix_vi: str = ""

    def gender(self, language: str, /) -> str:
        """By its article."""
        return "f" if self.articles.get(language) in ("a", "die") else "m"

    def phrase(self, language: str, form: str, /) -> tuple[str, str]:
        """With its article, contracted with the preposition in Portuguese."""
        lead = self._article(language, form)
        return (f"{lead} " if lead else ""), self.texts[language]

    def _article(self, language: str, form: str) -> str:
        article = self.prefix_vi if language == "vi" else self.articles.get(language, "")
        if language == "pt" and form in _PREPOSITIONS:
            return _CONTRACTIONS.get((form, article), form)
        if language == "de" and article and form == "dat":
            return "der"
        return "" if form == "bare" else article


@dataclass(frozen=True, slots=True)
class Noun:
    """A countable noun: forms, genders and classifier; ``hypernym`` marks the name of a whole group."""

    key: str
    group: str
    en: tuple[str, str]
    pt: tuple[str, str, str]
    de: tuple[str, str, str]
    vi: tuple[str, str]
    hypernym: bool = False

    def gender(self, language: str, /) -> str:
        """The grammatical gender in Portuguese and German."""
        return {"pt": self.pt[0], "de": self.de[0]}.get(language, "m")

    def phrase(self, language: str, form: str, /) -> tuple[str, str]:
        """Determiner, and the noun in number and case."""
        form = self._concrete(language, form)
        determiner, core = determine(self, language, form), self._core(language, form)
        if determiner == "a" and language == "en":
            determiner = _indefinite(core)
        return (f"{determiner} " if determiner else ""), core

    def _concrete(self, language: str, form: str) -> str:
        """The form that ``play`` and ``noplay`` stand for: "plays the violin", but "plays an instrument"."""
        if form == "play":
            indefinite = {"en": "a", "pt": "um", "de": "ein.a", "vi": "một"}[language]
            definite = "the" if language == "en" else ""
            return indefinite if self.hypernym else definite
        if form == "noplay":
            return "nenhum" if self.hypernym else ""
        return form

    def _core(self, language: str, form: str) -> str:
        plural = form.startswith("pl")
        if language == "en":
            return self.en[plural]
        if language == "vi":
            return self.vi[1]
        core = (self.pt if language == "pt" else self.de)[1 + plural]
        # The German dative plural ends in -n, but for plurals in -s.
        return f"{core}n" if form == "pl.d" and core[-1] not in "ns" else core


def _indefinite(following: str) -> str:
    return "an" if following[0] in "aeiou" else "a"


def determine(noun: Noun, language: str, form: str) -> str:
    """Choose the determiner of ``noun`` in ``form``, "" where there is none (English "an" is left to the caller)."""
    if form in ("", "pl", "pl.d"):
        return ""
    if language == "en":
        return form
    if language == "vi":
        return " ".join(part for part in ("một" if form == "một" else "", noun.vi[0]) if part)
    return _determine_pt(noun, form) if language == "pt" else _determine_de(noun, form)


def _determine_pt(noun: Noun, form: str) -> str:
    feminine = noun.pt[0] == "f"
    if form in _PREPOSITIONS:
        return _CONTRACTIONS[form, "a" if feminine else "o"]
    return {"um": ("um", "uma"), "o": ("o", "a"), "nenhum": ("nenhum", "nenhuma")}[form][feminine]


def _determine_de(noun: Noun, form: str) -> str:
    stem, case = form.split(".")
    if stem == "der":
        return _DE_DEFINITE[noun.de[0]][case]
    return stem + _DE_INDEFINITE[noun.de[0]][case]


@dataclass(frozen=True, slots=True)
class Profession:
    """A profession as one person has it, in that person's gender; ``hypernym`` marks the name of a group."""

    key: str
    group: str
    texts: Mapping[str, str]
    hypernym: bool = False

    def gender(self, _language: str, /) -> str:
        """Not needed: the person's gender is already in the texts."""
        return "m"

    def phrase(self, language: str, form: str, /) -> tuple[str, str]:
        """With an article in English only."""
        core = self.texts[language]
        if language == "en" and form == "a":
            return f"{_indefinite(core)} ", core
        return "", core


@dataclass(frozen=True, slots=True)
class Adjective:
    """A descriptive adjective: it agrees in Portuguese, is inflected before a noun in German."""

    key: str
    en: str
    pt: tuple[str, str]
    de: tuple[str, str]
    vi: str

    def gender(self, _language: str, /) -> str:
        """Adjectives have none of their own."""
        return "m"

    def phrase(self, language: str, form: str, /) -> tuple[str, str]:
        """The predicative form; ``form`` is the gender to agree with."""
        if language == "pt":
            return "", self.pt[form == "f"]
        return "", {"en": self.en, "de": self.de[1], "vi": self.vi}[language]

    def attributive(self, noun: Noun, language: str, form: str) -> str:
        """Inflect it to stand beside ``noun`` in ``form``."""
        if language == "de":
            stem, case = form.split(".")
            return self.de[0] + (_DE_WEAK if stem == "der" else _DE_MIXED)[noun.de[0]][case]
        return self.phrase(language, noun.gender(language))[1]


@dataclass(frozen=True, slots=True)
class Count:
    """A number from two to nine, as a word."""

    key: str
    texts: Mapping[str, str]
    feminine_pt: str

    def gender(self, _language: str, /) -> str:
        """Numbers have none of their own."""
        return "m"

    def phrase(self, language: str, form: str, /) -> tuple[str, str]:
        """The word, in Portuguese agreeing with the gender ``form``."""
        return "", self.feminine_pt if language == "pt" and form == "f" else self.texts[language]


@dataclass(frozen=True, slots=True)
class Slot:
    """A slot of a template; ``agrees`` and ``adjective`` name another slot, ``endings`` are (masculine, feminine)."""

    name: str
    form: str = ""
    agrees: str = ""
    adjective: str = ""
    endings: tuple[str, str] | None = None

    @property
    def spans(self) -> tuple[str, ...]:
        """The slots whose spans it leaves in the text."""
        if self.endings:
            return ()
        return (self.name, self.adjective) if self.adjective else (self.name,)

    def pieces(self, values: Mapping[str, Value], language: str) -> Pieces:
        """Fill the slot."""
        value = values[self.name]
        if self.endings:
            return ((self.endings[value.gender(language) == "f"], ""),)
        if self.adjective:
            return self._described(value, values[self.adjective], language)
        form = values[self.agrees].gender(language) if self.agrees else self.form
        before, core = value.phrase(language, form)
        return ((before, ""), (core, self.name)) if before else ((core, self.name),)

    def _described(self, noun: Value, adjective: Value, language: str) -> Pieces:
        if not isinstance(noun, Noun) or not isinstance(adjective, Adjective):
            raise TypeError(f"'{noun.key}' and '{adjective.key}' must be a noun and an adjective to form a phrase")
        names = {"noun": self.name, "adjective": self.adjective, "": ""}
        return tuple((piece, names[role]) for piece, role in noun_phrase(noun, language, self.form, adjective))


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed template of one language: literal texts and slots in their order."""

    language: str
    parts: tuple[str | Slot, ...]

    @property
    def slots(self) -> frozenset[str]:
        """The slots that leave a span in the text."""
        return frozenset(name for part in self.parts if isinstance(part, Slot) for name in part.spans)


@cache
def parse(language: str, text: str) -> Template:
    """Read a template (the syntax stands at the head of this module)."""
    parts: list[str | Slot] = []
    position = 0
    for match in _SLOT.finditer(text):
        if match.start() > position:
            parts.append(text[position : match.start()])
        parts.append(_slot(match[1], match[2] or "", match[3] or ""))
        position = match.end()
    if position < len(text):
        parts.append(text[position:])
    return Template(language, tuple(parts))


def _slot(name: str, operator: str, argument: str) -> Slot:
    if operator == "?":
        masculine, _, feminine = argument.partition("|")
        return Slot(name, endings=(masculine, feminine))
    if operator == "@":
        return Slot(name, agrees=argument)
    form, _, adjective = argument.partition("+")
    return Slot(name, form, adjective=adjective)


def noun_phrase(noun: Noun, language: str, form: str, adjective: Adjective) -> Pieces:
    """Build a noun with an adjective: pieces, each marked "" (plain), "noun" or "adjective"."""
    determiner = determine(noun, language, form)
    core = noun.phrase(language, "")[1]
    described = adjective.attributive(noun, language, form)
    if language == "en" and determiner == "a":
        determiner = _indefinite(described)
    lead = (f"{determiner} " if determiner else "", "")
    if language in ("pt", "vi"):
        # The adjective follows; a colour is told as one in Vietnamese ("màu").
        return lead, (core, "noun"), (" màu " if language == "vi" else " ", ""), (described, "adjective")
    return lead, (described, "adjective"), (" ", ""), (core, "noun")


def render(template: Template, values: Mapping[str, Value]) -> tuple[str, dict[str, tuple[int, int]]]:
    """Fill ``template``: the sentence, its first letter a capital, and the span of every slot (code points)."""
    text = ""
    spans: dict[str, tuple[int, int]] = {}
    for part in template.parts:
        if isinstance(part, str):
            text += part
            continue
        for piece, name in part.pieces(values, template.language):
            if name:
                spans[name] = (len(text), len(text) + len(piece))
            text += piece
    return text[0].upper() + text[1:], spans
