"""HTML entities become characters, and answers stay where they are."""

from __future__ import annotations

import html
import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from crossfare import data
from crossfare.data.repair import unescaped
from crossfare.types import Answer, PairExample, QAExample

PLAIN = st.text(st.sampled_from("ab &;#\"'<é日x3"), max_size=12)


@given(before=PLAIN, answer=PLAIN, after=PLAIN)
def test_what_was_escaped_comes_back_with_its_answer(before: str, answer: str, after: str) -> None:
    escaped = [html.escape(text) for text in (before, answer, after)]
    example = QAExample("q", "".join(escaped), html.escape(answer), (Answer(escaped[1], len(escaped[0])),))
    assert unescaped(example) == QAExample("q", before + answer + after, answer, (Answer(answer, len(before)),))


@given(st.text(st.sampled_from("ab &;#quotamplt39"), max_size=30), st.data())
def test_an_answer_is_always_a_span_of_its_context(context: str, draw: st.DataObject) -> None:
    start = draw.draw(st.integers(0, len(context)))
    end = draw.draw(st.integers(start, len(context)))
    made = unescaped(QAExample("q", context, "", (Answer(context[start:end], start),)))
    assert isinstance(made, QAExample)
    answer = made.answers[0]
    assert made.context[answer.start : answer.start + len(answer.text)] == answer.text


def test_what_looks_like_an_entity_and_is_none_stays() -> None:
    pair = PairExample("1", "R&D; AT&T &c &copy 5 &amp;amp; &#39;", "&nosuch; &quot;", "neutral")
    made = unescaped(pair)
    assert made == PairExample("1", "R&D; AT&T &c &copy 5 &amp; '", '&nosuch; "', "neutral")


def test_only_where_it_is_asked_for_and_listed(tmp_path: Path) -> None:
    paragraphs = [
        {
            "context": "a &quot;b&quot; c",
            "qas": [{"id": "1", "question": "?", "answers": [{"text": "c", "answer_start": 15}]}],
        },
        {"context": "plain", "qas": [{"id": "2", "question": "?", "answers": [{"text": "plain", "answer_start": 0}]}]},
    ]
    file = tmp_path / "x.json"
    file.write_text(json.dumps({"version": "1.1", "data": [{"title": "t", "paragraphs": paragraphs}]}))
    assert data.load(file).report.unescaped == ()
    loaded = data.load(file, unescape=True)
    assert loaded.report.unescaped == ("1",)
    assert loaded.dataset.examples[0] == QAExample("1", 'a "b" c', "?", (Answer("c", 6),), "t")
    assert any(line.startswith("examples with HTML entities, unescaped: 1") for line in loaded.report.summary())
