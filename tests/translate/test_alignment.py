from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from crossfare.errors import ConfigError
from crossfare.translate.alignment import EncoderAligner, _off_diagonal, _Words, itermax, mutual_argmax, project

ENCODER = "embedded:multilingual-encoder"
MATRICES = arrays(
    np.float32,
    st.tuples(st.integers(1, 6), st.integers(1, 6)),
    # Distinct values: what ties do is a convention, not the method.
    elements=st.floats(0.015625, 1, width=32),
    unique=True,
)


@given(MATRICES)
def test_mutual_argmax_is_what_both_sides_would_choose(similarity: np.ndarray) -> None:
    linked = mutual_argmax(similarity)
    for i, j in itertools.product(*map(range, similarity.shape)):
        best = similarity[i, j] == similarity[i].max() == similarity[:, j].max()
        assert linked[i, j] == best


def slow_itermax(similarity: np.ndarray, rounds: int) -> set[tuple[int, int]]:
    """SimAlign's algorithm 1, pair by pair."""
    rows, columns = similarity.shape
    linked: set[tuple[int, int]] = set()
    for number in range(rounds):
        left = {}
        for i, j in itertools.product(range(rows), range(columns)):
            taken = any(a == i for a, _ in linked) + any(b == j for _, b in linked)
            left[i, j] = np.float32(similarity[i, j]) * np.float32(0.9 if taken and number else 1)
            if taken == 2:
                left[i, j] = np.float32(-1)
        new = {
            (i, j)
            for (i, j), value in left.items()
            if value > 0
            and all(value >= left[i, k] for k in range(columns))
            and all(value >= left[k, j] for k in range(rows))
        }
        if new <= linked:
            break
        linked |= new
    return linked


@given(MATRICES, st.integers(1, 4))
def test_itermax_against_the_algorithm_pair_by_pair(similarity: np.ndarray, rounds: int) -> None:
    found = set(zip(*(index.tolist() for index in np.nonzero(itermax(similarity, rounds))), strict=True))
    assert found == slow_itermax(similarity, rounds)


def test_a_text_is_aligned_with_itself_word_by_word() -> None:
    text = "The old farmer sells his horse in the city."
    (links,) = EncoderAligner(ENCODER).align([(text, text)])
    assert [text[slice(*source)] for source, _ in links] == text.replace(".", " .").split()
    assert all(source == target for source, target in links)


def test_long_texts_blank_texts_and_texts_without_a_known_word() -> None:
    aligner = EncoderAligner(ENCODER)
    long = " ".join(f"In {year} the doctor lives in a house." for year in range(1000, 1080))
    aligned = aligner.align([(long, long), ("", long), (" \n", "x"), ("👩🏽\u200d🚀", "👩🏽\u200d🚀")])
    assert len(aligned) == 4
    assert aligned[1] == aligned[2] == ()
    assert sum(source == target for source, target in aligned[0]) / len(aligned[0]) > 0.9
    assert aligned[0][-1][0] == (len(long) - 1, len(long))


def test_padding_and_batches_do_not_change_the_links() -> None:
    aligner = EncoderAligner(ENCODER)
    pairs = [("The cat sleeps.", "Die Katze schläft."), ("The doctor lives in the old city since 1990.", "Der Arzt.")]
    assert aligner.align(pairs) == [aligner.align([pair])[0] for pair in pairs]
    assert aligner.align([]) == []


def test_bad_choices_are_named() -> None:
    with pytest.raises(ConfigError, match="layers 0 to 4, not 5"):
        EncoderAligner(ENCODER, layer=5).align([("a", "b")])
    with pytest.raises(ConfigError, match="give an encoder"):
        EncoderAligner("embedded:marian-en-xx").align([("a", "b")])


def embedded(texts: list[str], *vectors: list[float]) -> _Words:
    """Words of so many given components; the last one makes them unit vectors."""
    rows = [[*vector, (1 - sum(x * x for x in vector)) ** 0.5] for vector in vectors]
    return _Words([(i, i + 1) for i in range(len(texts))], texts, np.array(rows, dtype=np.float32))


@pytest.mark.parametrize(("like", "other", "own"), [(0.60, 0.68, True), (0.58, 0.70, False)])
def test_a_word_that_reads_the_same_gains_a_twentieth(
    monkeypatch: pytest.MonkeyPatch, like: float, other: float, own: bool
) -> None:
    monkeypatch.setattr("crossfare.translate.alignment.itermax", mutual_argmax)  # the first round tells
    here = embedded(["roma", "x"], [like, other], [0.1, 0.1])
    there = embedded(["roma", "y"], [1.0, 0.0], [0.0, 1.0])
    assert EncoderAligner(ENCODER)._links(here, there)[0] == ((0, 1), (0, 1) if own else (1, 2))


def test_a_word_may_move_by_a_dozen_words_for_nothing() -> None:
    loss = _off_diagonal(1, 40)[0]
    assert [i for i, each in enumerate(loss) if each == 0] == list(range(12))
    assert loss[12] == pytest.approx((12 / 39) ** 2)


# -- project ------------------------------------------------------------------------------------

SPANS = st.tuples(st.integers(0, 30), st.integers(1, 6)).map(lambda pair: (pair[0], pair[0] + pair[1]))


@given(SPANS, st.lists(st.tuples(SPANS, SPANS), max_size=8))
def test_a_projected_span_starts_and_ends_with_words_linked_to_it(
    span: tuple[int, int], links: list[tuple[tuple[int, int], tuple[int, int]]]
) -> None:
    inside = {target for source, target in links if source[0] < span[1] and span[0] < source[1]}
    projected = project(span, links)
    assert (projected is None) == (not inside)
    if projected:
        (start, end), confidence = projected
        assert start in {target[0] for target in inside}
        assert start < end
        assert 0 <= confidence <= 1
        assert project(span, reversed(links)) == projected


@given(st.lists(st.integers(1, 9), min_size=1, max_size=12), st.data())
def test_words_linked_one_to_one_carry_any_span_exactly(lengths: list[int], data: st.DataObject) -> None:
    starts = list(itertools.accumulate((length + 1 for length in lengths), initial=0))
    words = [(start, start + length) for start, length in zip(starts, lengths, strict=False)]
    moved = [(start + 100, end + 100) for start, end in words]
    first = data.draw(st.integers(0, len(words) - 1))
    last = data.draw(st.integers(first, len(words) - 1))
    span = (words[first][0], words[last][1])
    assert project(span, zip(words, moved, strict=True)) == ((span[0] + 100, span[1] + 100), 1.0)


def test_a_stray_link_is_left_out_and_costs_confidence() -> None:
    words = [(3 * i, 3 * i + 2) for i in range(10)]
    straight = [(word, word) for word in words]
    stray = (words[2], words[9])
    projected = project((words[2][0], words[3][1]), [*straight, stray])
    assert projected is not None
    assert projected[0] == (words[2][0], words[3][1])
    assert 0.5 < projected[1] < 1


def test_words_of_the_span_that_nothing_translates_cost_confidence() -> None:
    links = [((0, 4), (0, 4))]
    assert project((0, 4), links) == ((0, 4), 1.0)
    assert project((0, 9), links) == ((0, 4), pytest.approx(4 / 9))
    assert project((5, 9), links) is None
