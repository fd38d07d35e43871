from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossfare.translate.sentences import join, merge_over, segment_spans

pytest.importorskip("sentencex")
ENDS = st.text(st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from(" .!?。\n\t\"'”»…1Aa̧")), max_size=80)


@settings(deadline=None)
@given(ENDS, st.sampled_from(["en", "de", "pt-BR", "vi", "zh", "xx"]), st.sampled_from(["sentence", "document"]))
def test_spans_hold_everything_but_white_space(text: str, language: str, granularity: str) -> None:
    spans = segment_spans(text, language, granularity)  # type: ignore[arg-type]
    assert all(text[start:end] == text[start:end].strip() != "" for start, end in spans)
    assert "".join(text[start:end] for start, end in spans).split() == "".join(text.split()).split() or spans
    outside = text
    for start, end in reversed(spans):
        outside = outside[:start] + outside[end:]
    assert not outside.strip()
    pieces = [text[start:end] for start, end in spans]
    assert "".join(join(text, spans, pieces, source=language, target="en")) == text


def test_sentences_are_found() -> None:
    text = " Dr. Smith left.  He slept.\n\nIt rained! "
    assert [text[s:e] for s, e in segment_spans(text, "en", "sentence")] == [
        "Dr. Smith left.",
        "He slept.",
        "It rained!",
    ]
    assert [text[s:e] for s, e in segment_spans(text, "en", "document")] == [text.strip()]


def test_text_that_no_splitter_can_read_stays_whole() -> None:
    assert segment_spans("a. \ud800 b.", "en", "sentence") == ((0, 7),)


@pytest.mark.parametrize(
    ("start", "end", "merged", "index"),
    [
        (0, 2, ((0, 5), (6, 10), (12, 20)), 0),
        (7, 8, ((0, 5), (6, 10), (12, 20)), 1),
        (4, 7, ((0, 10), (12, 20)), 0),
        (9, 13, ((0, 5), (6, 20)), 1),
        (0, 20, ((0, 20),), 0),
        (5, 6, ((0, 5), (5, 6), (6, 10), (12, 20)), 1),
    ],
)
def test_sentences_that_an_answer_touches_become_one(
    start: int, end: int, merged: tuple[tuple[int, int], ...], index: int
) -> None:
    assert merge_over([(0, 5), (6, 10), (12, 20)], start, end) == (merged, index)


def test_blanks_are_put_between_sentences_only_when_the_script_changes() -> None:
    text = "你好。再见。"
    spans = ((0, 3), (3, 6))
    assert "".join(join(text, spans, ["Hello.", "Bye."], source="zh", target="en")) == "Hello. Bye."
    assert "".join(join(text, spans, ["你好。", "再见。"], source="zh", target="en")) == text
    assert "".join(join(text, spans, ["A。", "B。"], source="zh", target="ja")) == "A。B。"
