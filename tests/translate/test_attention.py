"""Words linked by what a translation model attends to when it is made to write the translation."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import pytest
from fakes import ScriptedEngine
from hypothesis import given, settings
from hypothesis import strategies as st

from crossfare import data
from crossfare.errors import ConfigError
from crossfare.translate import Projection, engine, recover_answers, translate_dataset
from crossfare.translate.attention import AttentionAligner
from crossfare.translate.engines.ctranslate2_seq2seq import CrossAttention
from crossfare.translate.memory import TranslationMemory
from crossfare.translate.projection import ATTENTION
from crossfare.translate.words import find_pieces, words

MARIAN = "embedded:marian-en-xx"
BY_ATTENTION = Projection("align", ATTENTION)


def letters(text: str) -> list[tuple[int, int]]:
    return [(i, i + 1) for i, sign in enumerate(text) if not sign.isspace()]


class Drawn:
    """Attends at random, but to the same text always in the same way; pieces are single letters."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def weights(self, source: str, target: str) -> np.ndarray:
        rng = np.random.default_rng([len(source), len(target), sum(map(ord, source + target))])
        return rng.random((len(letters(target)), len(letters(source))), dtype=np.float32)

    def __call__(self, pairs: Sequence[tuple[str, str]]) -> list[CrossAttention | None]:
        self.asked += pairs
        return [CrossAttention(self.weights(*pair), letters(pair[1]), letters(pair[0])) for pair in pairs]


TEXTS = st.lists(st.text("ab cé", min_size=1, max_size=12).filter(str.strip), min_size=1, max_size=3)


def slow_links(source: str, target: str, weights: np.ndarray) -> set[tuple[tuple[int, int], tuple[int, int]]]:
    """Word by word: of all words of the translation the one whose letters attend most to the word, on average."""
    links = set()
    for word in words(source):
        columns = [j for j, place in enumerate(letters(source)) if word[0] <= place[0] < word[1]]
        means = {
            other: np.mean(
                [weights[i, columns].sum() for i, at in enumerate(letters(target)) if other[0] <= at[0] < other[1]]
            )
            for other in words(target)
        }
        links.add((word, max(means, key=lambda other: means[other])))
    return links


@given(TEXTS, TEXTS)
def test_links_against_the_definition_line_by_line(sources: list[str], targets: list[str]) -> None:
    count = min(len(sources), len(targets))
    one, other = "\n ".join(sources[:count]), "\n ".join(targets[:count])
    drawn = Drawn()
    (links,) = AttentionAligner(drawn).align([(one, other)])
    expected: set[tuple[tuple[int, int], tuple[int, int]]] = set()
    start = end = 0
    for source, target in zip(sources[:count], targets[:count], strict=True):
        pair = source.lstrip(), target.lstrip()
        first, second = start + len(source) - len(pair[0]), end + len(target) - len(pair[1])
        expected |= {
            ((a + first, b + first), (c + second, d + second))
            for (a, b), (c, d) in slow_links(*pair, drawn.weights(*pair))
        }
        start, end = start + len(source) + 2, end + len(target) + 2
    assert set(links) == expected


def test_equal_lines_are_asked_about_once_and_lines_that_do_not_match_together() -> None:
    drawn = Drawn()
    aligned = AttentionAligner(drawn).align([("a b\na b", "c d\nc d"), ("a\nb", "c d"), ("", "c"), ("a b", "c d")])
    assert drawn.asked == [("a b", "c d"), ("a\nb", "c d")]
    assert [len(links) for links in aligned] == [4, 2, 0, 2]
    assert AttentionAligner(lambda pairs: [None] * len(pairs)).align([("a", "b")]) == [()]


@given(st.lists(st.text("abé ?", max_size=4), max_size=8))
def test_pieces_of_a_text_as_it_is_are_found_where_they_stand(pieces: list[str]) -> None:
    start = 0
    for piece, (first, last) in zip(pieces, find_pieces(pieces, "".join(pieces)), strict=True):
        held = piece.strip()
        if held:
            assert first == start + piece.index(held)
            assert last == first + len(held)
        else:
            assert first == last
        start += len(piece)


@given(st.lists(st.text(max_size=4), max_size=6), st.text(max_size=20))
def test_pieces_of_another_text_are_in_order_and_within_it(pieces: list[str], text: str) -> None:
    spans = find_pieces(pieces, text)
    assert len(spans) == len(pieces)
    position = 0
    for start, end in spans:
        assert position <= start <= end <= len(text)
        position = end


def test_pieces_are_found_in_spite_of_normalisation_and_unknown_words() -> None:
    text = "Ich sah Ɐna  und „ﬁel…"
    pieces = [" Ich", " sah", " ", "\ufffd", " und", ' "', "f", "iel", "...", ""]
    found = [text[slice(*span)] for span in find_pieces(pieces, text)]
    assert found[:3] == ["Ich", "sah", ""]
    assert found[3] and found[3] in "Ɐna"
    assert found[4:6] == ["und", "„"]
    assert "".join(found[6:8]) == "ﬁel"
    assert found[8:] == ["…", ""]


@pytest.fixture(scope="module")
def marian() -> object:
    return engine("ctranslate2", model=MARIAN)


def test_the_embedded_model_links_names_with_themselves(marian: object) -> None:
    aligner = AttentionAligner(partial(marian.cross_attention, source="en", target="pt"))  # type: ignore[attr-defined]
    pairs = [("Anna Weber lives in Lisbon.", "Anna Weber mora em Lisboa."), ("Anna Weber\nlives", "Anna Weber\nmora")]
    first, second = (
        {one[slice(*s)]: other[slice(*t)] for s, t in links}
        for (one, other), links in zip(pairs, aligner.align(pairs), strict=True)
    )
    assert {word: first[word] for word in ("Anna", "Weber", "Lisbon")} == {
        "Anna": "Anna",
        "Weber": "Weber",
        "Lisbon": "Lisboa",
    }
    assert second == {"Anna": "Anna", "Weber": "Weber", "lives": "mora"}


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(*[st.text(st.characters(exclude_categories=["Cs"]), max_size=30)] * 2), max_size=3))
def test_any_text_can_be_aligned(marian: object, pairs: list[tuple[str, str]]) -> None:
    aligner = AttentionAligner(partial(marian.cross_attention, source="en", target="pt"))  # type: ignore[attr-defined]
    for (source, target), links in zip(pairs, aligner.align(pairs), strict=True):
        for side, text in enumerate((source, target)):  # one word; of unspaced scripts, several that are one piece
            found = {link[side] for link in links}
            assert {start for start, _ in found} <= {start for start, _ in words(text)}
            assert {end for _, end in found} <= {end for _, end in words(text)}


@pytest.mark.parametrize("method", ["align", "cascade"])
def test_a_dataset_is_projected_by_the_engines_own_model_and_from_memory_alike(
    marian: object, method: str, tmp_path: object
) -> None:
    source = data.load("world:qa", task="qa", language="en", split="test", limit=30).dataset
    chosen = Projection(method, ATTENTION)  # type: ignore[arg-type]
    memory = TranslationMemory(tmp_path / "memory.sqlite")  # type: ignore[operator]
    once, again = (
        translate_dataset(source, marian, target="pt", projection=chosen, memory=memory)  # type: ignore[arg-type]
        for _ in range(2)
    )
    assert again.report.fresh == 0
    assert again.dataset == once.dataset
    assert again.report.answers == once.report.answers
    assert once.yield_.rate == 1.0
    encoder = Projection(method, "embedded:multilingual-encoder")  # type: ignore[arg-type]
    other = translate_dataset(source, marian, target="pt", projection=encoder, memory=memory)  # type: ignore[arg-type]
    same = [a.answers == b.answers for a, b in zip(once.dataset.examples, other.dataset.examples, strict=True)]  # type: ignore[union-attr]
    assert sum(same) / len(same) > 0.8


def test_an_engine_without_a_model_to_attend_is_refused_before_anything_is_sent() -> None:
    source = data.load("world:qa", task="qa", language="en", split="test", limit=1).dataset
    spy = ScriptedEngine(str.upper)
    with pytest.raises(ConfigError, match=r"^engine 'scripted' has no attention to align by, .*: name an encoder"):
        translate_dataset(source, spy, target="pt", projection=BY_ATTENTION)
    assert spy.calls == []
    with pytest.raises(ConfigError, match="nothing is translated here: name an encoder"):
        recover_answers([], BY_ATTENTION)
