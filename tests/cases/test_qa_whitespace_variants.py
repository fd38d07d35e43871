"""Answers spelt otherwise than their contexts, and offsets that count something else than characters."""

from __future__ import annotations

import html
import json
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossfare import data
from crossfare.data.locating import locate
from crossfare.data.offsets import OffsetUnit, recognise

CONTEXT = (
    "O Museu Nacional\r\nde Belas Artes abriu em\u00a01937, no Rio.\r\n"
    "Foi fundado por  Ana\tLima &amp; filhos; guarda 70\u202f000 obras, e a \ufb01gura \u201cLuz\u201d é a mais "
    "an\u00adtiga."
)
VARIANTS = {
    "LF for CRLF": ("Museu Nacional\nde Belas Artes", "Museu Nacional\r\nde Belas Artes"),
    "blank for CRLF": ("Museu Nacional de Belas", "Museu Nacional\r\nde Belas"),
    "two blanks for a line end": ("Nacional  de", "Nacional\r\nde"),
    "blank for NBSP": ("em 1937", "em\u00a01937"),
    "NBSP for blank": ("no\u00a0Rio", "no Rio"),
    "one blank for two": ("por Ana", "por  Ana"),
    "blank for tab": ("Ana Lima", "Ana\tLima"),
    "narrow blank": ("70 000 obras", "70\u202f000 obras"),
    "blank behind": ("no Rio ", "no Rio"),
    "line end before": ("\n Foi fundado", "Foi fundado"),
    "entity in the context": ("Ana Lima & filhos", "Ana\tLima &amp; filhos"),
    "entity in the answer": ("a &#64257;gura &ldquo;Luz", "a \ufb01gura \u201cLuz"),
    "ligature": ("a figura", "a \ufb01gura"),
    "soft hyphen": ("mais antiga", "mais an\u00adtiga"),
    "decomposed": (unicodedata.normalize("NFD", "é a mais"), "é a mais"),
}


def squad(context: str, answers: dict[str, tuple[str, int]], folder: Path) -> Path:
    asked = [
        {"id": name, "question": f"{name}?", "answers": [{"text": text, "answer_start": start}]}
        for name, (text, start) in answers.items()
    ]
    path = folder / "made.json"
    path.write_text(json.dumps({"data": [{"paragraphs": [{"context": context, "qas": asked}]}]}), encoding="utf-8")
    return path


def test_answers_are_found_in_whatever_white_space_and_form(tmp_path: Path) -> None:
    path = squad(CONTEXT, {name: (answer, 0) for name, (answer, _) in VARIANTS.items()}, tmp_path)
    loaded = data.load(path)
    assert not loaded.report.lost
    for example in loaded.dataset.examples:
        (answer,) = example.answers  # type: ignore[attr-defined]
        assert answer.text == VARIANTS[example.id][1]
        assert CONTEXT[answer.start : answer.start + len(answer.text)] == answer.text
    assert {repair.id for repair in loaded.report.repaired if repair.normalised} == set(VARIANTS)
    assert any(
        line.startswith("answers that take the spelling of their context: 15") for line in loaded.report.summary()
    )


@pytest.mark.parametrize("answer", ["museu nacional", "Museo", "Rio Ana", " \u00a0", "&nbsp;", "am", "figura Luz"])
def test_other_words_are_lost(answer: str) -> None:
    assert locate(CONTEXT, answer, 0) is None or CONTEXT.find(answer) >= 0


def test_a_part_of_an_entity_or_of_a_ligature_is_no_answer() -> None:
    assert locate("x &lt;br&gt; y", "<b", 0) == (2, 7)
    assert locate("o \ufb01m", "im", 0) is None


TEXT = st.text(st.sampled_from("ab \u00a0\r\n\t&;#<é\u200b\ufb01😀"), max_size=15)


@given(TEXT, TEXT, TEXT)
def test_what_is_found_is_the_same_but_for_spelling(before: str, answer: str, after: str) -> None:
    context = f"{before}|{answer}|{after}"
    blanks = " \u2003 ".join(part for part in answer.split())  # other blanks, none at the ends
    span = locate(context, blanks, len(before) + 1)
    assert (span is not None) == bool(blanks.strip()) or not blanks.replace("\u200b", "").strip()
    if span:
        bare = unicodedata.normalize("NFKC", html.unescape("".join(context[slice(*span)].split())))
        assert bare.replace("\u200b", "") == unicodedata.normalize(
            "NFKC", html.unescape("".join(blanks.split()))
        ).replace("\u200b", "")


TOWNS = "Évora tem sol 😀. Beja tem sol 🌞. Faro tem sol, e Évora tem mar.\r\nSó Beja tem sol &amp; pó.  Faro tem sol."
REPEATED = ("tem sol", "Évora", "Beja", "Faro", "tem")


def places() -> dict[str, tuple[str, int]]:
    """Every occurrence of every word, so that only offsets tell which is meant."""
    found = {}
    for word in REPEATED:
        at = TOWNS.find(word)
        while at >= 0:
            found[f"{word} {at}"] = (word, at)
            at = TOWNS.find(word, at + 1)
    return found


COUNTED: dict[str, Callable[[str], int]] = {
    "UTF-8 bytes": lambda before: len(before.encode()),
    "UTF-16 units": lambda before: len(before.encode("utf-16-le")) // 2,
    "line ends of one": lambda before: len(before.replace("\r\n", "\n")),
    "entities resolved": lambda before: len(html.unescape(before)),
    "blanks joined": lambda before: len(before.replace("\r\n", " ").replace("  ", " ")),
    "decomposed": lambda before: len(unicodedata.normalize("NFD", before)),
    "characters from": lambda before: len(before) + 40,
}


@pytest.mark.parametrize("what", COUNTED)
def test_what_offsets_count_is_told_by_all_answers_together(what: str, tmp_path: Path) -> None:
    right = places()
    given_ = {name: (word, COUNTED[what](TOWNS[:at])) for name, (word, at) in right.items()}
    if what == "characters from":  # a constant shift is told by words that occur once
        once = {"mar": ("mar", TOWNS.find("mar") + 40), "e Évora": ("e Évora", TOWNS.find("e Évora") + 40)}
        given_ |= once
    loaded = data.load(squad(TOWNS, given_, tmp_path))
    assert what in loaded.report.offsets
    for example in loaded.dataset.examples:
        if example.id in right:
            assert (example.answers[0].text, example.answers[0].start) == right[example.id]  # type: ignore[attr-defined]
    assert any(f"offsets of answers count {loaded.report.offsets}" in line for line in loaded.report.summary())


def test_right_offsets_with_a_few_faults_are_taken_as_they_are(tmp_path: Path) -> None:
    given_ = places()
    for name in list(given_)[:4]:
        word, at = given_[name]
        given_[name] = (word, len(TOWNS[:at].encode()))
    loaded = data.load(squad(TOWNS, given_, tmp_path))
    assert loaded.report.offsets == ""
    assert recognise([(TOWNS, word, at) for word, at in places().values()]) is None


@given(st.text(st.sampled_from("aé😀\r\n &;lt\u0301"), max_size=20), st.integers(-3, 60))
def test_an_offset_never_leaves_what_it_can_mean(context: str, start: int) -> None:
    for what in ("UTF-8 bytes", "UTF-16 units", "characters with entities resolved", "characters with blanks joined"):
        placed = OffsetUnit(what).place(context, start)
        assert placed == start or 0 <= placed <= len(context)
