"""Facts: values drawn for the slots of a relation, and their wording in every language.

Facts of the splits are disjoint by construction: people and companies belong to one split each (a residue class of
their composed names), and a river may be told a value only in the split that the pair hashes to.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from random import Random

from crossfare.data.world import LANGUAGES, Aligned
from world_generator import lexicon
from world_generator.grammar import (
    Adjective,
    Count,
    Noun,
    Place,
    Profession,
    Value,
    Word,
    parse,
    render,
)
from world_generator.relations import Relation, Row

SPLIT_CLASSES = {"pretrain": (0, 1, 2, 3, 4), "train": (5, 6, 7), "validation": (8,), "test": (9,)}
"""The residue classes (of ten) of each split; "pretrain" is the corpus'."""
WARE_GROUPS = ("instrument", "vehicle", "furniture", "tool", "jewel")

Spans = dict[str, tuple[int, int]]
"""Where each slot stands in a text: (start, end) in code points."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A relation with a value in every slot."""

    relation: Relation
    values: Mapping[str, Value]

    def with_values(self, **changed: Value) -> Fact:
        """Copy the fact with other values."""
        return Fact(self.relation, {**self.values, **changed})


@cache
def slots_of(row: Row) -> frozenset[str]:
    """Return the slots that the wording ``row`` mentions (the same in every language)."""
    return parse(LANGUAGES[0], row[0]).slots


@cache
def _sorted_slots(row: Row) -> tuple[str, ...]:
    return tuple(sorted(slots_of(row)))


@dataclass(frozen=True, slots=True)
class Sentence:
    """A fact worded with ``row``; each language is rendered when it is asked for, and not kept."""

    fact: Fact
    row: Row

    @property
    def slots(self) -> frozenset[str]:
        """The slots that the wording mentions."""
        return slots_of(self.row)

    @property
    def names(self) -> tuple[str, ...]:
        """The same in the order of the spans of `align`."""
        return _sorted_slots(self.row)

    def render(self, language: str) -> tuple[str, Spans]:
        """Say it in ``language``: the text and the span of every slot."""
        return render(parse(language, self.row[LANGUAGES.index(language)]), self.fact.values)

    def text(self, language: str) -> str:
        """Say it in ``language``."""
        return self.render(language)[0]

    def align(self) -> Aligned:
        """Say it in every language."""
        told = {language: self.render(language) for language in LANGUAGES}
        spans = tuple([{language: found[name] for language, (_, found) in told.items()} for name in self.names])
        return Aligned({language: text for language, (text, _) in told.items()}, spans)


def _rows(table: str) -> list[list[str]]:
    return [line.split("|") for line in table.splitlines()]


def _same(text: str) -> dict[str, str]:
    return dict.fromkeys(LANGUAGES, text)


def _words(table: str) -> tuple[Word, ...]:
    return tuple(Word(row[0], dict(zip(LANGUAGES, row, strict=True))) for row in _rows(table))


def _place(row: list[str]) -> Place:
    texts = dict(zip(LANGUAGES, row, strict=True))
    articles = {}
    for language, known in (("pt", ("o ", "a ")), ("de", ("die ",))):
        if texts[language].startswith(known):
            articles[language], _, texts[language] = texts[language].partition(" ")
    return Place(row[0], texts, articles)


def _noun(row: list[str], hypernym: bool) -> Noun:
    en, pt, de, vi = (tuple(cell.split(",")) for cell in row[:4])
    return Noun(
        row[0].split(",")[0],
        row[4],
        (en[0], en[1]),
        (pt[0], pt[1], pt[2]),
        (de[0], de[1], de[2]),
        (vi[0], vi[1]),
        hypernym,
    )


def _adjective(row: list[str]) -> Adjective:
    pt, de = row[1].split(","), row[2].split(",")
    return Adjective(row[0], row[0], (pt[0], pt[1]), (de[0], de[1]), row[3])


def _profession(row: list[str], feminine: bool, hypernym: bool) -> Profession:
    forms = [cell.split(",") for cell in row[:4]]
    texts = {language: form[feminine if len(form) > 1 else 0] for language, form in zip(LANGUAGES, forms, strict=True)}
    return Profession(row[0], row[4], texts, hypernym)


def _titles() -> tuple[Word, ...]:
    titles = []
    for adjective in map(_adjective, _rows(lexicon.TITLE_ADJECTIVES)):
        for en, pt, de, vi in _rows(lexicon.TITLE_NOUNS):
            (pt_gender, pt_noun), (de_gender, de_noun) = pt.split(","), de.split(",")
            feminine = pt_gender == "f"
            texts = {
                "en": f"The {adjective.en.title()} {en.title()}",
                "pt": f"{'A' if feminine else 'O'} {pt_noun} {adjective.pt[feminine]}",
                "de": f"{ {'m': 'Der', 'f': 'Die', 'n': 'Das'}[de_gender] } {adjective.de[0]}e {de_noun}",
                "vi": f"{vi[0].upper()}{vi[1:]} {adjective.vi}",
            }
            titles.append(Word(texts["en"], texts))
    return tuple(titles)


def _awards() -> tuple[Word, ...]:
    forms = {"en": "{} Prize", "pt": "Prêmio {}", "de": "{}-Preis", "vi": "giải {}"}
    return tuple(
        Word(name, {language: form.format(name) for language, form in forms.items()}) for name in lexicon.AWARDS
    )


@cache
def _number(number: int) -> Word:
    return Word(str(number), _same(str(number)))


@cache
def _money(amount: int) -> Word:
    return Word(
        str(amount), {"en": f"{amount} euros", "pt": f"{amount} euros", "de": f"{amount} Euro", "vi": f"{amount} euro"}
    )


@cache
def _date(day: int, month: int, year: int) -> Word:
    en, pt, de = _rows(lexicon.MONTHS)[month - 1]
    texts = {
        "en": f"{day} {en} {year}",
        "pt": f"{day} de {pt} de {year}",
        "de": f"{day}. {de} {year}",
        "vi": f"ngày {day} tháng {month} năm {year}",
    }
    return Word(f"{year}-{month:02}-{day:02}", texts)


@cache
def _people(split: str) -> tuple[Word, ...]:
    """Everyone of one split; gender is known by the first name."""
    firsts = [(name, True) for name in lexicon.FIRST_FEMALE] + [(name, False) for name in lexicon.FIRST_MALE]
    return tuple(
        Word(f"{first} {last}", _same(f"{first} {last}"), feminine)
        for i, (first, feminine) in enumerate(firsts)
        for j, last in enumerate(lexicon.LAST)
        if (i + 3 * j) % 10 in SPLIT_CLASSES[split]
    )


@cache
def _companies(split: str) -> tuple[Place, ...]:
    return tuple(
        Place(f"{head} {tail}", _same(f"{head} {tail}"), {"pt": "a"}, "công ty")
        for i, head in enumerate(lexicon.COMPANY_HEADS)
        for j, tail in enumerate(lexicon.COMPANY_TAILS)
        if (i + 3 * j) % 10 in SPLIT_CLASSES[split]
    )


_NOUNS = tuple(_noun(row, False) for row in _rows(lexicon.NOUNS))
_POOLS: dict[str, tuple[Value, ...]] = {
    "town": tuple(map(_place, _rows(lexicon.TOWNS))),
    "country": tuple(map(_place, _rows(lexicon.COUNTRIES))),
    "river": tuple(Place(name, _same(name), {"en": "the", "pt": "o", "de": "die"}, "sông") for name in lexicon.RIVERS),
    "instrument": tuple(noun for noun in _NOUNS if noun.group == "instrument"),
    "ware": tuple(noun for noun in _NOUNS if noun.group in WARE_GROUPS),
    "animal": tuple(noun for noun in _NOUNS if noun.group == "animal"),
    "colour": tuple(map(_adjective, _rows(lexicon.COLOURS))),
    "material": _words(lexicon.MATERIALS),
    "tongue": _words(lexicon.TONGUES),
    "subject": _words(lexicon.SUBJECTS),
    "food": _words(lexicon.FOODS),
    "award": _awards(),
    "title": _titles(),
    # People are born and companies founded before anything else happens to them.
    "early year": tuple(map(_number, range(1890, 1950))),
    "year": tuple(map(_number, range(1960, 2020))),
    "number": tuple(map(_number, range(110, 1000, 10))),
    "money": tuple(map(_money, range(110, 1000, 10))),
    "count": tuple(
        Count(row[0], {"en": row[0], "pt": row[1].split(",")[0], "de": row[2], "vi": row[3]}, row[1].split(",")[1])
        for row in _rows(lexicon.COUNTS)
    ),
}
_PROFESSIONS = {
    feminine: tuple(_profession(row, feminine, False) for row in _rows(lexicon.PROFESSIONS))
    for feminine in (False, True)
}
_PROFESSION_GROUPS = {
    feminine: {row[4]: _profession(row, feminine, True) for row in _rows(lexicon.PROFESSION_HYPERNYMS)}
    for feminine in (False, True)
}
_NOUN_GROUPS = {row[4]: _noun(row, True) for row in _rows(lexicon.HYPERNYMS)}


def hypernym(value: Value, holder: Value) -> Value | None:
    """Name the group that ``value`` belongs to, None where it belongs to none; ``holder`` is who has it."""
    if isinstance(value, Profession):
        return _PROFESSION_GROUPS[holder.gender("pt") == "f"].get(value.group)
    return _NOUN_GROUPS.get(value.group) if isinstance(value, Noun) else None


def names_group(value: Value) -> bool:
    """Whether ``value`` is the name of a group ("vehicle") and not of a thing."""
    return isinstance(value, Noun | Profession) and value.hypernym


def threshold(value: Value, more: bool, rng: Random) -> Value | None:
    """Draw a round number clearly below (``more``) or above ``value``, None where there is none."""
    number = int(value.key)
    bounds = [n for n in range(200, 1000, 100) if (n < number - 40 if more else n > number + 40)]
    if not bounds:
        return None
    is_money = value.phrase("en", "")[1] != value.key
    return (_money if is_money else _number)(rng.choice(bounds))


def allowed(fact: Fact, split: str) -> bool:
    """Whether ``fact`` may be told in ``split``: always, but for rivers, whose values are dealt out by a hash.

    People and companies need no such check, since each belongs to one split.
    """
    if "r" not in fact.relation.slots:
        return True
    river = fact.values["r"].key
    return all(
        zlib.crc32(f"{fact.relation.name}/{river}/{name}/{value.key}".encode()) % 10 in SPLIT_CLASSES[split]
        for name, value in fact.values.items()
        if name not in ("r", "c")
    )


def everyone(kind: str, split: str) -> tuple[Value, ...]:
    """Name everyone (or everything) of type ``kind`` that may be told of in ``split``."""
    known: dict[str, Callable[[str], tuple[Value, ...]]] = {"person": _people, "company": _companies}
    return known[kind](split) if kind in known else _POOLS[kind]


def draw(kind: str, split: str, rng: Random, holder: Value | None = None) -> Value:
    """Draw a value of type ``kind``; a profession takes the gender of ``holder``."""
    if kind == "person":
        return rng.choice(_people(split))
    if kind == "company":
        return rng.choice(_companies(split))
    if kind == "profession":
        return rng.choice(_PROFESSIONS[holder is not None and holder.gender("pt") == "f"])
    if kind == "date":
        return _date(rng.randint(1, 28), rng.randint(1, 12), rng.randint(1960, 2019))
    return rng.choice(_POOLS[kind])


def draw_fact(
    relation: Relation, split: str, rng: Random, used: set[str], fixed: Mapping[str, Value] | None = None
) -> Fact:
    """Draw a fact of ``relation`` that is allowed in ``split``.

    It has the values of ``fixed``, and else none whose key is in ``used``, to which its keys are added.
    """
    fixed = fixed or {}
    known = used | {value.key for value in fixed.values()}
    while True:
        values: dict[str, Value] = dict(fixed)
        taken = set(known)
        for name, kind in relation.slots.items():
            while name not in values:
                value = draw(kind, split, rng, values.get("p"))
                if value.key not in taken:
                    values[name] = value
                    taken.add(value.key)
        fact = Fact(relation, values)
        if allowed(fact, split):
            used |= taken
            return fact
