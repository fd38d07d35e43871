from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossfare.errors import ConfigError
from crossfare.translate.markers import Markers, Recovered, mark, recover, wrap_all
from crossfare.translate.outcome import Failed

PAPER = Markers("<answer_start>", "<answer_end>")
AWKWARD = st.text(
    st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from("<>/a1 \n\t&;lẗ́\u200b")), max_size=40
)


@settings(deadline=None)
@given(AWKWARD, AWKWARD, AWKWARD, st.sampled_from([Markers(), PAPER, Markers("[[", "]]"), Markers("*", "+")]))
def test_an_identity_translation_gives_text_and_span_back(left: str, answer: str, right: str, pair: Markers) -> None:
    if answer != answer.strip() or not answer:
        answer = f"x{answer}x"
    text = left + answer + right
    marked, used = mark(text, len(left), len(left) + len(answer), pair)
    assert recover(marked, used) == Recovered(text, len(left), len(left) + len(answer))


@settings(deadline=None)
@given(st.text(st.sampled_from("b <>/1\U0001f600é"), max_size=30), st.sets(st.integers(0, 30), max_size=6))
def test_spans_marked_together_come_back_together(text: str, places: set[int]) -> None:
    spans = pairwise(sorted(place for place in places if place <= len(text)))
    marked = {Markers().variant(number): span for number, span in enumerate(spans)}
    assert Markers().unwrap_all(wrap_all(text, marked)) == (text, marked)


def test_a_tag_without_its_other_half_is_text() -> None:
    text = "</a1>one <a2>two</a2> <a3>three <a3>four</a3>"
    assert Markers().unwrap_all(text) == ("</a1>one two <a3>three <a3>four</a3>", {Markers("<a2>", "</a2>"): (9, 12)})


def test_the_answer_keeps_its_last_letter_and_its_start_is_measured_without_markers() -> None:
    """The two faults of the paper's published code."""
    found = recover("Er wohnt in <answer_start>Berlin<answer_end>.", PAPER)
    assert found.text == "Er wohnt in Berlin."
    assert (found.answer, found.start) == ("Berlin", 12)
    assert found.text[found.start : found.end] == "Berlin"


@pytest.mark.parametrize(
    ("translated", "text", "answer"),
    [
        ("die <a>Katze</a> sitzt", "die Katze sitzt", "Katze"),
        ("die <a> Katze </a> sitzt", "die Katze sitzt", "Katze"),
        ("die<a> Katze </a>sitzt", "die Katze sitzt", "Katze"),
        ("die < a > Katze </ a > sitzt", "die Katze sitzt", "Katze"),
        ("die <A>Katze</A> sitzt", "die Katze sitzt", "Katze"),
        ("die &lt;a&gt;Katze&lt;/a&gt; sitzt", "die Katze sitzt", "Katze"),
        ("die ＜a＞Katze＜/a＞ sitzt", "die Katze sitzt", "Katze"),
        ("(<a> Katze </a>).", "(Katze).", "Katze"),
        ("die <a> Katze </a>.", "die Katze.", "Katze"),
        ("<a> Katze </a>", "Katze", "Katze"),
        ("<a>Die</a> Katze", "Die Katze", "Die"),
        ("Katze<a>n</a>", "Katzen", "n"),
    ],
)
def test_blanks_case_and_escapes_are_forgiven(translated: str, text: str, answer: str) -> None:
    found = recover(translated, Markers())
    assert (found.text, found.answer) == (text, answer)


@pytest.mark.parametrize(
    ("translated", "reason"),
    [
        ("die Katze", "0 opening and 0 closing"),
        ("die <a>Katze", "1 opening and 0 closing"),
        ("die Katze</a>", "0 opening and 1 closing"),
        ("<a>die</a> <a>Katze</a>", "2 opening and 2 closing"),
        ("die </a>Katze<a>", "before"),
        ("die <a> </a>Katze", "nothing between"),
        ("die <a1>Katze</a1>", "0 opening"),
    ],
)
def test_number_and_order_are_not_forgiven(translated: str, reason: str) -> None:
    with pytest.raises(Failed, match=reason):
        recover(translated, Markers())


@pytest.mark.parametrize("held", ["<a>", "</a>", "< A >", "&lt;/a&gt;"])
def test_a_text_that_holds_the_marker_gets_another_pair(held: str) -> None:
    text = f"an {held} anchor"
    marked, used = mark(text, 0, 2)
    assert used == Markers("<a1>", "</a1>")
    assert marked == f"<a1>an</a1> {held} anchor"


def test_the_next_free_pair_is_taken_in_order() -> None:
    assert mark("<a> <a1> </a2> x", 15, 16)[1] == Markers("<a3>", "</a3>")


def test_a_text_full_of_markers_is_given_up_with_a_reason() -> None:
    with pytest.raises(Failed, match="cannot be marked"):
        mark("".join(Markers().variant(n).opening for n in range(200)) + "x", 0, 3)


@pytest.mark.parametrize("pair", [("", "</a>"), ("<a>", "<a>"), ("<a", "<a>"), ("<a> ", "</a>"), (" ", "x")])
def test_unusable_pairs_are_refused(pair: tuple[str, str]) -> None:
    with pytest.raises(ConfigError, match="markers"):
        Markers(*pair)
