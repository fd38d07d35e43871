"""The grammar of the embedded world against forms written by hand."""

from __future__ import annotations

import re

import pytest

from crossfare.data import world
from crossfare.data.world import LANGUAGES
from world_generator import lexicon
from world_generator.grammar import Adjective, Count, Noun, Place, Profession, Word, parse, render
from world_generator.relations import RELATIONS

TABLE = Noun("table", "", ("table", "tables"), ("f", "mesa", "mesas"), ("m", "Tisch", "Tische"), ("chiếc", "bàn"))
GUITAR = Noun(
    "guitar", "", ("guitar", "guitars"), ("m", "violão", "violões"), ("f", "Gitarre", "Gitarren"), ("cây", "đàn ghi-ta")
)
BOAT = Noun("boat", "", ("boat", "boats"), ("m", "barco", "barcos"), ("n", "Boot", "Boote"), ("chiếc", "thuyền"))
AXE = Noun("axe", "", ("axe", "axes"), ("m", "machado", "machados"), ("f", "Axt", "Äxte"), ("chiếc", "rìu"))
CELLO = Noun(
    "cello", "", ("cello", "cellos"), ("m", "violoncelo", "violoncelos"), ("n", "Cello", "Cellos"), ("cây", "đàn")
)
ANIMAL = Noun(
    "animal", "", ("animal", "animals"), ("m", "animal", "animais"), ("n", "Tier", "Tiere"), ("con", "vật"), True
)
RED = Adjective("red", "red", ("vermelho", "vermelha"), ("rot", "rot"), "đỏ")
ORANGE = Adjective("orange", "orange", ("laranja", "laranja"), ("orange", "orange"), "cam")
DARK = Adjective("dark", "dark", ("escuro", "escura"), ("dunkl", "dunkel"), "tối")
TWO = Count("two", {"en": "two", "pt": "dois", "de": "zwei", "vi": "hai"}, "duas")
RIO = Place("Rio", dict.fromkeys(LANGUAGES, "Rio"), {"pt": "o"})
SWITZERLAND = Place(
    "Switzerland",
    {"en": "Switzerland", "pt": "Suíça", "de": "Schweiz", "vi": "Thụy Sĩ"},
    {"pt": "a", "de": "die"},
)
LISBON = Place("Lisbon", {"en": "Lisbon", "pt": "Lisboa", "de": "Lissabon", "vi": "Lisbon"}, {})
ORLA = Place("Orla", dict.fromkeys(LANGUAGES, "Orla"), {"en": "the", "pt": "o", "de": "die"}, "sông")
ACTOR = Profession("actor", "", {"en": "actor", "pt": "atriz", "de": "Schauspielerin", "vi": "diễn viên"})
ANNA = Word("Anna", dict.fromkeys(LANGUAGES, "Anna"), feminine=True)
VALUES = {
    "table": TABLE, "guitar": GUITAR, "boat": BOAT, "axe": AXE, "cello": CELLO, "animal": ANIMAL, "red": RED,
    "orange": ORANGE, "dark": DARK, "two": TWO, "rio": RIO, "schweiz": SWITZERLAND, "lisbon": LISBON, "orla": ORLA,
    "actor": ACTOR, "anna": ANNA,
}  # fmt: skip


def say(language: str, template: str) -> str:
    return render(parse(language, template), VALUES)[0]


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{table:der.n}|{table:der.a}|{table:der.d}", "Der Tisch|den Tisch|dem Tisch"),
        ("{guitar:der.n}|{guitar:der.a}|{guitar:der.d}", "Die Gitarre|die Gitarre|der Gitarre"),
        ("{boat:der.n}|{boat:der.a}|{boat:der.d}", "Das Boot|das Boot|dem Boot"),
        ("{table:ein.n}|{table:ein.a}|{table:ein.d}", "Ein Tisch|einen Tisch|einem Tisch"),
        ("{guitar:ein.n}|{guitar:ein.a}|{guitar:ein.d}", "Eine Gitarre|eine Gitarre|einer Gitarre"),
        ("{boat:kein.n}|{boat:kein.a}|{boat:kein.d}", "Kein Boot|kein Boot|keinem Boot"),
        (
            "{table:ein.n+red}|{table:ein.a+red}|{table:ein.d+red}",
            "Ein roter Tisch|einen roten Tisch|einem roten Tisch",
        ),
        ("{guitar:ein.a+red}|{guitar:ein.d+red}", "Eine rote Gitarre|einer roten Gitarre"),
        ("{boat:kein.a+red}|{boat:ein.d+red}", "Kein rotes Boot|einem roten Boot"),
        ("{table:der.n+red}|{table:der.a+red}", "Der rote Tisch|den roten Tisch"),
        ("{boat:der.a+red}|{boat:der.d+red}", "Das rote Boot|dem roten Boot"),
        ("{boat:der.n} ist {red}. {boat:ein.a+dark}; {dark}", "Das Boot ist rot. ein dunkles Boot; dunkel"),
        ("{table:pl}|{table:pl.d}|{guitar:pl.d}|{cello:pl.d}", "Tische|Tischen|Gitarren|Cellos"),
        ("{schweiz}|aus {schweiz:dat}|aus {lisbon:dat}", "Die Schweiz|aus der Schweiz|aus Lissabon"),
        ("{orla} fließt; an {orla:dat}", "Die Orla fließt; an der Orla"),
    ],
)
def test_german_genders_and_cases(template: str, expected: str) -> None:
    assert say("de", template) == expected


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{table:um}|{table:o}|{table:nenhum}", "Uma mesa|a mesa|nenhuma mesa"),
        ("{boat:um}|{boat:o}|{boat:nenhum}|{boat:pl}", "Um barco|o barco|nenhum barco|barcos"),
        ("{table:em}|{table:de}|{table:por}", "Na mesa|da mesa|pela mesa"),
        ("{boat:em}|{boat:de}|{boat:por}", "No barco|do barco|pelo barco"),
        ("{rio:em}|{rio:de}|{rio:por}|{rio}|{rio:bare}", "No Rio|do Rio|pelo Rio|o Rio|Rio"),
        ("{schweiz:em}|{schweiz:de}|{schweiz:por}", "Na Suíça|da Suíça|pela Suíça"),
        ("{lisbon:em}|{lisbon:de}|{lisbon:por}|{lisbon}", "Em Lisboa|de Lisboa|por Lisboa|Lisboa"),
        ("{table:um+red}|{boat:um+red}", "Uma mesa vermelha|um barco vermelho"),
        ("{table:o} é {red@table}; {boat:o} é {red@boat}", "A mesa é vermelha; o barco é vermelho"),
        ("{two@table} {table:pl}, {two@boat} {boat:pl}", "Duas mesas, dois barcos"),
        ("{anna} é {anna?formado|formada}; {table?feito|feita}", "Anna é formada; feita"),
    ],
)
def test_portuguese_contractions_and_agreement(template: str, expected: str) -> None:
    assert say("pt", template) == expected


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{table:một}|{guitar:cl}|{table}", "Một chiếc bàn|cây đàn ghi-ta|bàn"),
        ("{table:một+red}|{table:cl+red}", "Một chiếc bàn màu đỏ|chiếc bàn màu đỏ"),
        ("{two} {animal:cl}", "Hai con vật"),
        ("{guitar:play}|{animal:play}|{guitar:noplay}", "Đàn ghi-ta|một con vật|đàn ghi-ta"),
        ("{orla} chảy; {orla:bare}", "Sông Orla chảy; Orla"),
    ],
)
def test_vietnamese_classifiers_and_modifiers_after_the_noun(template: str, expected: str) -> None:
    assert say("vi", template) == expected


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{table:a}|{axe:a}|{table:the}|{axe:pl}", "A table|an axe|the table|axes"),
        ("{axe:a+red}|{table:a+orange}", "A red axe|an orange table"),
        ("{guitar:play}|{animal:play}", "The guitar|an animal"),
        ("Anna is {actor:a}; the {actor}; {orla}", "Anna is an actor; the actor; the Orla"),
    ],
)
def test_english_articles(template: str, expected: str) -> None:
    assert say("en", template) == expected


def test_spans_leave_out_articles_and_keep_noun_and_adjective_apart() -> None:
    text, spans = render(parse("de", "Er hat {table:ein.a+red} in {schweiz:dat}."), VALUES)
    assert text == "Er hat einen roten Tisch in der Schweiz."
    assert {name: text[a:b] for name, (a, b) in spans.items()} == {
        "table": "Tisch",
        "red": "roten",
        "schweiz": "Schweiz",
    }
    text, spans = render(parse("vi", "{table:một+red}"), VALUES)
    assert [text[a:b] for a, b in (spans["table"], spans["red"])] == ["bàn", "đỏ"]


def test_an_adjective_beside_what_is_no_noun_is_an_error() -> None:
    with pytest.raises(TypeError, match="'Anna' and 'red'"):
        render(parse("en", "{anna:a+red}"), VALUES)


SENTENCES = [
    # German: second place of the verb after an adverbial, participle last, subordinate clause with its verb last,
    # separable and dative forms. Portuguese: contraction. Vietnamese: classifier, modifier after the noun.
    (
        "Yesterday Emma Seidel came with a brown guitar.",
        "Ontem Emma Seidel veio com um violão marrom.",
        "Gestern kam Emma Seidel mit einer braunen Gitarre.",
        "Hôm qua Emma Seidel đến với một cây đàn ghi-ta màu nâu.",
    ),
    (
        "We know that Georg Krause lives in Rio de Janeiro.",
        "Sabemos que Georg Krause mora no Rio de Janeiro.",
        "Wir wissen, dass Georg Krause in Rio de Janeiro wohnt.",
        "Chúng tôi biết rằng Georg Krause sống ở Rio de Janeiro.",
    ),
    (
        "It is said that Lan Vogel is a good astronomer.",
        "Dizem que Lan Vogel é uma boa astrônoma.",
        "Man sagt, dass Lan Vogel eine gute Astronomin ist.",
        "Người ta nói rằng Lan Vogel là một nhà thiên văn giỏi.",
    ),
    (
        "Monvik Systems opened a shop in Rio de Janeiro on 25 March 1972.",
        "A Monvik Systems abriu uma loja no Rio de Janeiro em 25 de março de 1972.",
        "Monvik Systems hat am 25. März 1972 ein Geschäft in Rio de Janeiro eröffnet.",
        "Công ty Monvik Systems mở một cửa hàng ở Rio de Janeiro vào ngày 25 tháng 3 năm 1972.",
    ),
    (
        "Felix Brandt comes from Switzerland.",
        "Felix Brandt vem da Suíça.",
        "Felix Brandt kommt aus der Schweiz.",
        "Felix Brandt đến từ Thụy Sĩ.",
    ),
    (
        "In 1986, Cordan Tech was taken over by Delvo Steel.",
        "Em 1986, a Cordan Tech foi adquirida pela Delvo Steel.",
        "Im Jahr 1986 wurde Cordan Tech von Delvo Steel übernommen.",
        "Năm 1986, công ty Cordan Tech bị công ty Delvo Steel mua lại.",
    ),
    (
        "Gustav Vieira does not have a white chair.",
        "Gustav Vieira não tem uma cadeira branca.",
        "Gustav Vieira hat keinen weißen Stuhl.",
        "Gustav Vieira không có chiếc ghế màu trắng.",
    ),
    (
        "Hanna Truong has never learned to play an instrument.",
        "Hanna Truong nunca aprendeu a tocar um instrumento.",
        "Hanna Truong hat nie gelernt, ein Instrument zu spielen.",
        "Hanna Truong chưa bao giờ học chơi một nhạc cụ.",
    ),
    (
        "Zentra Steel is a manufacturer of vehicles.",
        "A Zentra Steel é uma fabricante de veículos.",
        "Zentra Steel ist ein Hersteller von Fahrzeugen.",
        "Công ty Zentra Steel là nhà sản xuất phương tiện.",
    ),
    (
        "Lena Fischer is employed by Elbor Systems.",
        "Lena Fischer está empregada na Elbor Systems.",
        "Lena Fischer ist bei Elbor Systems angestellt.",
        "Lena Fischer là nhân viên của công ty Elbor Systems.",
    ),
]


@pytest.mark.parametrize("sentence", SENTENCES, ids=[sentence[0] for sentence in SENTENCES])
def test_sentences_of_the_training_data(sentence: tuple[str, ...], training_texts: set[tuple[str, ...]]) -> None:
    assert sentence in training_texts


@pytest.fixture(scope="module")
def training_texts() -> set[tuple[str, ...]]:
    return {tuple(aligned.texts.values()) for aligned in world.parallel("nli", "train")}


# What the grammar must never write, in any text.
IMPOSSIBLE = {
    "en": r"\b[Aa] [aeio]|\b[Aa]n [^aeiou]|\b(\w+) \1\b",
    "pt": r"\b([Dd]e|[Ee]m|[Pp]or) (o|a|os|as) (?!\d)",
    "de": r"\b(in|mit|von|aus) (die|den|das|eine|einen|ein)\b",
    "vi": r"\b(một một|màu màu|chiếc chiếc|con con|công ty công ty)\b",
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_impossible_sequences_never_occur(language: str, training_texts: set[tuple[str, ...]]) -> None:
    place = LANGUAGES.index(language)
    texts = [text[place] for text in training_texts]
    assert [text for text in texts if re.search(IMPOSSIBLE[language], text)] == []
    assert [text for text in texts if "  " in text or "{" in text or "|" in text or text[-1] not in ".?"] == []


def test_wordings_of_a_row_mention_the_same_slots() -> None:
    for relation in RELATIONS:
        questions = [row for rows in relation.ask.values() for row in rows]
        for row in (*relation.say, *relation.deny, *relation.more, *relation.less, *questions):
            slots = [parse(language, text).slots for language, text in zip(LANGUAGES, row, strict=True)]
            assert all(found == slots[0] for found in slots), row
            assert slots[0] <= set(relation.slots), row


def test_questions_do_not_mention_what_they_ask_for() -> None:
    for relation in RELATIONS:
        for slot, rows in relation.ask.items():
            assert all(slot not in parse("en", row[0]).slots for row in rows), (relation.name, slot)


def test_lexicon_has_no_doubles() -> None:
    for names in (lexicon.FIRST_FEMALE + lexicon.FIRST_MALE, lexicon.LAST, lexicon.COMPANY_HEADS, lexicon.RIVERS):
        assert len(set(names)) == len(names)
    for table in (lexicon.TOWNS, lexicon.NOUNS, lexicon.PROFESSIONS, lexicon.COLOURS, lexicon.TONGUES, lexicon.FOODS):
        for column in zip(*(line.split("|")[:4] for line in table.splitlines()), strict=True):
            assert len(set(column)) == len(column)
