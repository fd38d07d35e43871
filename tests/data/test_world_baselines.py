"""What can be had in the embedded world without understanding must stay little."""

from __future__ import annotations

from pathlib import Path

import pytest

from crossfare.data import world
from crossfare.types import Answer, Dataset, PairExample, QAExample
from world_generator.baselines import hypothesis_only, lexical_overlap_qa, overlap_only, table


def pairs(*rows: tuple[str, str, str]) -> Dataset:
    examples = tuple(PairExample(str(i), *row) for i, row in enumerate(rows))
    return Dataset("toy", "nli", "train", "en", examples)


@pytest.fixture(scope="module")
def measured() -> str:
    return table()


def test_shortcuts_do_not_pay(measured: str) -> None:
    rows = [line.strip("| ").split(" | ") for line in measured.splitlines()[2:]]
    assert [row[0] for row in rows] == list(world.LANGUAGES)
    for _, *figures in rows:
        hypothesis, overlap, lexical = map(float, figures)
        assert hypothesis < 0.45
        assert overlap < 0.5
        assert lexical < 0.65


def test_the_documented_table_is_the_measured_one(measured: str) -> None:
    assert measured in (Path(__file__).parents[2] / "docs" / "embedded-default.md").read_text(encoding="utf-8")


def test_hypothesis_only_learns_a_word_that_gives_the_label_away() -> None:
    train = pairs(("a b", "not c", "contradiction"), ("a b", "maybe c", "neutral"), ("a b", "surely c", "entailment"))
    test = pairs(("x y", "not z", "contradiction"), ("x y", "surely z", "entailment"), ("x y", "not z", "neutral"))
    assert hypothesis_only(train, train) == 1.0
    assert hypothesis_only(train, test) == pytest.approx(2 / 3)


def test_overlap_only_learns_from_overlap_and_from_nothing_else() -> None:
    train = pairs(*[("a b c", "a b", "entailment")] * 3, *[("a b c", "x y", "neutral")] * 3)
    assert overlap_only(train, train) == 1.0
    assert overlap_only(train, pairs(("p q", "q p", "entailment"), ("p q", "r s", "entailment"))) == 0.5


def test_lexical_overlap_finds_the_name_in_the_closest_sentence() -> None:
    context = "Tim lives in Rome. Anna bought a boat from Otto Weber."
    example = QAExample("1", context, "From whom did Anna buy a boat?", (Answer("Otto Weber", 43),))
    assert context[43:].startswith("Otto Weber")
    assert lexical_overlap_qa(Dataset("toy", "qa", "test", "en", (example,))) == 1.0
