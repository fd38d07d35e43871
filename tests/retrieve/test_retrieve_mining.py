from __future__ import annotations

import pytest

from crossfare.errors import ConfigError, DataError
from crossfare.retrieve import mine, without_relevant
from crossfare.types import Prediction, QueryExample, RankingExample

PASSAGES = {f"p{n}": f"text {n}" for n in range(20)}


def query(name: str = "q", **grades: int) -> QueryExample:
    return QueryExample(name, f"question {name}", tuple(grades.items()))


def run(*passages: str, name: str = "q") -> Prediction:
    scores = tuple((passage, float(-place)) for place, passage in enumerate(passages))
    return Prediction(name, passages[0] if passages else "", scores=scores)


def mined(
    example: QueryExample, found: Prediction, negatives: int = 2, depth: int = 10, seed: int = 0
) -> RankingExample:
    [made] = mine([example], [found], PASSAGES, negatives=negatives, depth=depth, seed=seed)
    return made


def test_negatives_come_from_the_depth_and_are_not_relevant() -> None:
    found = run(*PASSAGES)
    for seed in range(20):
        made = mined(query(p3=2), found, negatives=4, depth=6, seed=seed)
        assert made.id == "q|p3"
        assert (made.query, made.positive) == ("question q", "text 3")
        assert len(set(made.negatives)) == 4
        assert set(made.negatives) <= {"text 0", "text 1", "text 2", "text 4", "text 5"}


def test_every_relevant_passage_makes_an_example_and_is_nobodys_negative() -> None:
    examples = mine([query(p1=1, p2=3, p3=0)], [run(*PASSAGES)], PASSAGES, negatives=3, depth=5, seed=1)
    assert [example.id for example in examples] == ["q|p1", "q|p2"]
    assert [example.positive for example in examples] == ["text 1", "text 2"]
    for example in examples:
        assert set(example.negatives) == {"text 0", "text 3", "text 4"}  # grade 0 is no positive


def test_the_draw_is_seeded_and_knows_nothing_of_other_queries() -> None:
    found = [run(*PASSAGES, name="q"), run(*list(PASSAGES)[::-1], name="r")]
    both = mine([query("q", p0=1), query("r", p1=1)], found, PASSAGES, negatives=3, depth=9, seed=7)
    turned = mine([query("r", p1=1), query("q", p0=1)], found[::-1], PASSAGES, negatives=3, depth=9, seed=7)
    assert both == turned[::-1]
    assert both[0] == mined(query(p0=1), found[0], negatives=3, depth=9, seed=7)
    assert len({mined(query(p0=1), found[0], negatives=3, depth=9, seed=seed).negatives for seed in range(10)}) > 5


def test_every_candidate_is_drawn_alike() -> None:
    drawn = [
        mined(query(p0=1), run("p0", "p1", "p2", "p3"), negatives=1, seed=seed).negatives[0] for seed in range(600)
    ]
    counts = [drawn.count(f"text {number}") for number in (1, 2, 3)]
    assert sum(counts) == 600
    assert counts == pytest.approx([200, 200, 200], abs=45)  # 4 standard errors


def test_random_passages_fill_up() -> None:
    made = mined(query(p0=1), run("p0", "p1", "p2"), negatives=6)
    assert set(made.negatives[:2]) == {"text 1", "text 2"}
    assert len({*made.negatives, "text 0"}) == 7
    assert mined(query(p0=1), run(), negatives=6).negatives != mined(query(p0=1), run(), negatives=6, seed=1).negatives
    [absent] = mine([query("a", p0=1)][:1], [run("p1", name="a")], PASSAGES, negatives=19, depth=1, seed=0)
    assert len(set(absent.negatives)) == 19


def test_what_reads_like_a_positive_is_no_negative() -> None:
    passages = {"a": "The answer.", "b": "the  answer.\n", "c": "Another.", "d": " ", "e": "another. ", "f": "Third"}
    [made] = mine([query(a=1)], [run(*"bacdef")], passages, negatives=2, depth=6, seed=0)
    assert {text.strip().lower() for text in made.negatives} == {"another.", "third"}
    with pytest.raises(DataError, match="only 2 passages of the collection can be its negatives, not 3"):
        mine([query(a=1)], [run(*"bacdef")], passages, negatives=3, depth=6, seed=0)


def test_queries_without_a_relevant_passage_are_named() -> None:
    queries = [query("q", p1=1), query("r", p2=0), query("s")]
    assert without_relevant(queries) == ("r", "s")
    examples = mine(queries, [run("p5")], PASSAGES, negatives=1, depth=1, seed=0)
    assert [example.id for example in examples] == ["q|p1"]


def test_bad_input_is_refused() -> None:
    with pytest.raises(DataError, match="query 'q': passage 'x' is not in the collection"):
        mined(query(x=1), run("p1"))
    with pytest.raises(DataError, match="query 'q': passage 'y' is not in the collection"):
        mined(query(p1=1), run("y"))
    with pytest.raises(DataError, match=r"the run holds none of the queries \('q', ...\); it holds 'other'"):
        mined(query(p1=1), run("p1", name="other"))
    for options in ({"negatives": 0}, {"depth": 0}):
        with pytest.raises(ConfigError, match="at least 1 negative and depth 1"):
            mined(query(p1=1), run("p1"), **options)
