from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossfare.model.composed import compose

# Starters, combining marks that do and do not compose, Hangul jamo, starters that compose (Kannada, Bengali).
_MARKED = ("e\u0302\u0301", "\u0301", "\u0323", "x\u0304", "ậ", "ộ", "\u0344", "\u0958", "ﬁ", "Å", "\u212b")
_JOINED = ("한", "\u1112\u1161\u11ab", "\u0cc6\u0cc2", "\u09c7\u09be")
_PIECES = st.sampled_from([*"aeo dD", *_MARKED, *_JOINED])


@settings(max_examples=200, deadline=None)
@given(st.lists(_PIECES, max_size=12).map("".join))
def test_every_composed_character_knows_where_it_came_from(text: str) -> None:
    composed = compose(text)
    assert composed.text == unicodedata.normalize("NFC", text)
    if composed.begin is None or composed.end is None:
        assert composed.text == text
        return
    assert len(composed.begin) == len(composed.end) == len(composed.text)
    begin, end = composed.begin.tolist(), composed.end.tolist()
    assert begin == sorted(begin)
    assert end == sorted(end)
    if text:
        assert (begin[0], end[-1]) == (0, len(text))
    for i in range(1, len(begin)):  # either the same cluster, or the next one without a gap
        assert (begin[i], end[i]) == (begin[i - 1], end[i - 1]) or begin[i] == end[i - 1]
    for character, left, right in zip(composed.text, begin, end, strict=True):
        assert character in unicodedata.normalize("NFC", text[left:right])


def test_composed_text_is_left_alone() -> None:
    assert compose("Hà Nội").begin is None


@pytest.mark.parametrize("word", ["Việt", "Trần"])
def test_slices_of_decomposed_text_are_whole_words(word: str) -> None:
    text = unicodedata.normalize("NFD", f"ở {word} Nam")
    composed = compose(text)
    at = composed.text.index(word)
    assert composed.begin is not None
    assert composed.end is not None
    left, right = composed.begin[at], composed.end[at + len(word) - 1]
    assert unicodedata.normalize("NFC", text[left:right]) == word
