from __future__ import annotations

import itertools
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossfare.translate.matching import find, fold
from crossfare.translate.words import words

TEXT = st.text(st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from(" .é\u0301ßİŉﬁ日本")), max_size=30)


def found(wanted: str, text: str, expected: float | None = None) -> str | None:
    match = find(wanted, text, expected=expected)
    return match and text[match.start : match.end]


@pytest.mark.parametrize(
    ("wanted", "text", "answer"),
    [
        ("São Paulo", "Nasceu em SAO  PAULO, em 1990.", "SAO  PAULO"),
        ("os Broncos de Denver", "Os Denver Broncos derrotaram os Panthers.", "Os Denver Broncos"),
        ("1.176", "perdeu 1.176 de 3.286 respostas", "1.176"),
        ("“liberdade”", "o conceito de «liberdade» aqui", "liberdade"),
        ("liberdades", "o conceito de liberdade aqui", "liberdade"),
        ("東京", "彼は東京に住む", "東京"),
        ("Haus", "das Haus", "Haus"),
        ("?!", "Was ?!", "?!"),
        ("Tokyo", "nothing of the kind", None),
        ("", "x", None),
        ("x", "", None),
    ],
)
def test_what_is_found(wanted: str, text: str, answer: str | None) -> None:
    assert found(wanted, text) == answer


def test_of_equal_matches_the_nearest_to_the_expected_place() -> None:
    text = "1990 foi bom. Depois veio 1990 outra vez. E 1990 no fim."
    starts = [find("1990", text, expected=place).start for place in (0.0, 0.5, 1.0)]  # type: ignore[union-attr]
    assert starts == [text.index("1990"), text.index("1990 outra"), text.index("1990 no")]


def test_a_better_match_far_away_beats_a_poor_one_nearby() -> None:
    assert found("Universidade de Lisboa", "Universidade de Lima e depois a Universidade de Lisboa", 0.0) == (
        "Universidade de Lisboa"
    )


def test_confidence_is_one_for_equal_texts_and_falls_with_likeness() -> None:
    text = "a cidade velha de Roma"
    sure, less = find("cidade velha", text), find("cidades velhas", text)
    assert sure is not None and less is not None
    assert sure.confidence == 1.0 > less.confidence > 0.8


def test_half_of_the_letters_is_the_least_that_is_alike() -> None:
    half = find("abcd", "abxy")
    assert half is not None and half.confidence == 0.5
    assert find("abcdefgh", "abcdstuvw") is None


def test_the_same_words_in_another_order_are_nearly_as_sure() -> None:
    match = find("Maria Silva", "Silva Maria")
    assert match is not None and match.confidence == pytest.approx(0.95)


def test_a_match_loses_a_seventh_of_the_way_to_it() -> None:
    """A word that is 5 % less alike wins if it is nearer by more than 35 % of the text."""
    text = "abcdefghix" + " zz" * 36 + " abcdefghi"
    assert found("abcdefghi", text, 0.32) == "abcdefghix"
    assert found("abcdefghi", text, 0.33) == "abcdefghi"


@given(TEXT, st.data())
def test_a_run_of_words_of_a_text_is_found_in_it_in_any_normal_form(text: str, data: st.DataObject) -> None:
    spans = words(text)
    letters = [i for i, (start, _) in enumerate(spans) if fold(text[start]).text.isalnum()]
    if not letters:
        return
    first = data.draw(st.sampled_from(letters))
    last = data.draw(st.sampled_from([i for i in letters if i >= first]))
    wanted = text[spans[first][0] : spans[last][1]]
    form = data.draw(st.sampled_from(["NFC", "NFD"]))
    match = find(unicodedata.normalize(form, wanted), text)
    assert match is not None
    assert fold(text[match.start : match.end]).text.strip() == fold(wanted).text.strip()
    assert match.confidence == 1.0


@given(TEXT, TEXT, st.none() | st.floats(0, 1))
def test_whatever_is_found_lies_in_the_text(wanted: str, text: str, expected: float | None) -> None:
    match = find(wanted, text, expected=expected)
    if match:
        assert 0 <= match.start < match.end <= len(text)
        assert 0 < match.confidence <= 1


@given(TEXT)
def test_folding_maps_every_character(text: str) -> None:
    folded = fold(text)
    assert len(folded.offsets) == len(folded.text)
    pieces = [folded.text[slice(*folded.folded((i, i + 1)))] for i in range(len(text))]
    assert "".join(pieces) == folded.text
    assert folded.folded((0, len(text))) == (0, len(folded.text))


@given(TEXT)
def test_words_hold_everything_but_blanks(text: str) -> None:
    spans = words(text)
    assert all(a[1] <= b[0] for a, b in itertools.pairwise(spans))
    kept = "".join(text[start:end] for start, end in spans)
    assert [c for c in kept if not c.isspace()] == [c for c in text if not c.isspace()]
    assert not any(c.isspace() for c in kept)


def test_marks_stay_with_their_letter_and_unspaced_scripts_are_cut() -> None:
    text = unicodedata.normalize("NFD", "Tiếng Việt, हिन्दी, 東京")
    assert [text[a:b] for a, b in words(text)] == [
        unicodedata.normalize("NFD", word) for word in ("Tiếng", "Việt", ",", "हिन्दी", ",", "東", "京")
    ]
