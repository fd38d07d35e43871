from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from crossfare.errors import ConfigError
from crossfare.languages import NONE
from crossfare.retrieve.analysis import ANALYSES, STEMMERS, STOP_WORDS, Analyser, analysis, stop_list

pytest.importorskip("bm25s")
Stemmer = pytest.importorskip("Stemmer")


def analyser(language: str, **options: str) -> Analyser:
    return Analyser(language, analysis(language, **options))


def test_every_row_names_what_is_there() -> None:
    assert {*STEMMERS} - {NONE} <= {*Stemmer.algorithms()}
    for name in STOP_WORDS - {NONE}:
        assert 30 < len(stop_list(name)) < 350


# Two forms of one word in each language that is stemmed: what a wrong stemmer would leave apart.
_INFLECTED = {
    "ar": "كتاب الكتاب",
    "ca": "ciutat ciutats",
    "cs": "hrad hradu",
    "da": "bil bilen",
    "de": "Haus Häuser",
    "el": "σπίτι σπίτια",
    "en": "query queries",
    "eo": "domo domojn",
    "es": "libro libros",
    "et": "raamat raamatud",
    "eu": "mendi mendiak",
    "fa": "کتاب کتاب‌ها",
    "fi": "talo talon",
    "fr": "maison maisons",
    "hi": "किताब किताबें",
    "hu": "könyv könyvek",
    "hy": "քաղաք քաղաքներ",
    "id": "buku bukunya",
    "it": "libro libri",
    "lt": "miestas miestai",
    "nb": "bil bilen",
    "ne": "घर घरहरू",
    "nl": "boek boeken",
    "nn": "bil bilen",
    "no": "bil bilen",
    "pl": "kot koty",
    "pt": "livro livros",
    "ro": "casa case",
    "ru": "книга книги",
    "sr": "кућа kuće",
    "st": "motho batho",
    "sv": "bil bilar",
    "ta": "வீடு வீடுகள்",
    "tr": "KITAP kıtaplar",
    "yi": "טיש טישן",
}


@pytest.mark.parametrize("language", sorted(ANALYSES))
def test_inflected_forms_meet_where_the_table_names_a_stemmer(language: str) -> None:
    if ANALYSES[language].stemmer == NONE:
        assert language in {"ja", "ko", "vi", "zh"}
        return
    one, other = analyser(language).terms(_INFLECTED[language])
    assert one == other
    assert len(set(analyser(language, stemmer=NONE).terms(_INFLECTED[language]))) == 2


def test_stop_words_are_those_of_the_language() -> None:
    assert analyser("en").terms("The capital of Portugal") == ["capit", "portug"]
    assert analyser("pt").terms("A capital de Portugal") == ["capital", "portugal"]
    assert analyser("de").terms("daß ich Straße") == ["strass"]  # folded like the texts: "daß" is "dass" by then
    assert analyser("pt", stop_words=NONE, stemmer=NONE).terms("a capital de") == ["a", "capital", "de"]
    assert analyser("vi").terms("Thủ đô của Việt Nam là gì?") == ["thủ", "đô", "của", "việt", "nam", "là", "gì"]


def test_composed_and_decomposed_text_give_the_same_terms() -> None:
    for language, text in (("vi", "Việt Nam là gì"), ("pt", "AÇÃO"), ("ko", "한국어"), ("el", "σπίτι ς")):
        decomposed = unicodedata.normalize("NFD", text)
        assert decomposed != text
        assert analyser(language).terms(decomposed) == analyser(language).terms(text)


def test_words_keep_their_marks_and_lose_everything_else() -> None:
    assert analyser("hi", stemmer=NONE).terms("हिन्दी, में।") == ["हिन्दी", "में"]
    assert analyser("en").words("Foo_bar: 3.14 e-mail (naïve)") == ["foo", "bar", "3", "14", "e", "mail", "naïve"]
    assert analyser("en").words("!? ... --- ___ ❤️ \u0301 '") == []
    assert analyser("fr").terms("l’avion") == ["avion"]
    assert analyser("en").terms("Newton’s 'apple'") == ["newton", "appl"]
    assert analyser("hy").words("ինչպե՞ս") == ["ինչպես"]


def test_chinese_japanese_and_korean_become_pairs() -> None:
    assert analyser("zh").terms("我爱北京。abc天") == ["我爱", "爱北", "北京", "abc", "天"]
    assert analyser("ja").terms("東京タワー") == ["東京", "京タ", "タワ", "ワー"]
    assert analyser("ko").terms("한국어 책") == ["한국", "국어", "책"]


def test_turkish_has_two_letters_i() -> None:
    assert analyser("tr").words("IŞIK İSTANBUL") == ["ışık", "istanbul"]
    assert analyser("en").words("IS") == ["is"]


def test_region_and_script_do_not_matter() -> None:
    assert analysis("pt-BR") == analysis("PT_pt") == analysis("pt")


def test_the_documentation_lists_every_language() -> None:
    page = (Path(__file__).parents[2] / "docs" / "ranking.md").read_text(encoding="utf-8")
    table = page.partition("| | stemmer | stop words |")[2].partition("\n\n")[0]
    rows = [line.split("|")[1:4] for line in table.splitlines()[2:]]
    listed = {language.strip(): row[1:] for row in rows for language in row[0].split(",")}
    assert listed.keys() == ANALYSES.keys() | {"bo", "dz", "km", "lo", "my", "th"}
    for language, chosen in ANALYSES.items():
        stemmer, stop_words = listed[language]
        assert stemmer.strip().startswith("none" if chosen.stemmer == NONE else "Snowball"), language
        assert stop_words.strip().startswith("none" if chosen.stop_words == NONE else "bm25s"), language


def test_an_unknown_language_is_refused_and_told_what_to_set() -> None:
    with pytest.raises(ConfigError, match=r"'sw' \(Swahili\).*stemmer: none and stop_words: none"):
        analysis("sw")
    with pytest.raises(ConfigError, match=r"'tlh'.*stemmer: none and stop_words: none"):
        analysis("tlh", stemmer=NONE)  # one of the two is still missing
    with pytest.raises(ConfigError, match=r"Thai.*without blanks.*cut the texts into words first"):
        analysis("th")
    assert analyser("sw", stemmer=NONE, stop_words=NONE).terms("Habari ya dunia") == ["habari", "ya", "dunia"]


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"unknown stemmer 'pt'.*portuguese"):
        analysis("pt", stemmer="pt")
    with pytest.raises(ConfigError, match="unknown stop words 'lucene'"):
        analysis("pt", stop_words="lucene")
