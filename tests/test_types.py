"""The vocabulary: addable usage, stable identities."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from crossfare.types import (
    Answer,
    PairExample,
    QAExample,
    RunSpec,
    Step,
    Usage,
    Yield,
    canonical_json,
    content_revision,
)

counts = st.none() | st.integers(0, 10**9)
usages = st.builds(
    Usage, seconds=st.none() | st.integers(0, 1000), requests=counts, characters=counts, annotated=counts
)


@given(usages, usages, usages)
def test_usage_adds_like_numbers_and_keeps_unmeasured_apart_from_zero(a: Usage, b: Usage, c: Usage) -> None:
    assert (a + b) + c == a + (b + c)
    assert a + Usage() == a
    for field in ("seconds", "requests", "characters", "annotated"):
        values = [getattr(u, field) for u in (a, b) if getattr(u, field) is not None]
        assert getattr(a + b, field) == (sum(values) if values else None)


def test_a_sum_with_a_derived_figure_is_not_measured() -> None:
    assert not (Usage(characters=1) + Usage(characters=1, measured=False)).measured


def test_step_ids_must_not_change() -> None:
    """Changing these makes every cached step of every user run again."""
    step = Step("translate", {"task": "qa", "target": "pt"}, {"data": ("dataset-1",)}, 1)
    assert step.id == "translate-2f16c82850d0f89f"
    assert Step("score", {"task": "nli"}).id == "score-07a3c2f107133cc8"


def test_runtime_knobs_and_labels_are_outside_a_steps_identity() -> None:
    plain = Step("predict", {"task": "qa"})
    assert Step("predict", {"task": "qa"}, label="shown", runtime={"batch_size": 7}).id == plain.id
    assert Step("predict", {"task": "qa"}, version=2).id != plain.id
    assert Step("predict", {"task": "qa"}, {"model": ("a",)}).id != plain.id


def test_content_revision_sees_every_field() -> None:
    pair = PairExample("1", "a", "b", "neutral")
    span = QAExample("1", "a b", "c", (Answer("b", 2),))
    variants = [
        (pair,),
        (PairExample("1", "a", "b", None),),
        (PairExample("1", "ab", "", "neutral"),),
        (pair, pair),
        (span,),
        (QAExample("1", "a b", "c", (Answer("a", 0),)),),
        (QAExample("1", "a b", "c", (Answer("b", 2),), "title"),),
    ]
    assert len({content_revision(v) for v in variants}) == len(variants)
    assert content_revision((span,)) == content_revision((QAExample("1", "a b", "c", (Answer("b", 2),)),))


def test_canonical_json_is_one_text_per_value() -> None:
    assert canonical_json({"b": 1, "a": "ä"}) == canonical_json({"a": "ä", "b": 1}) == '{"a":"ä","b":1}'


def test_cells_with_different_checkpoints_have_different_names() -> None:
    cells = {RunSpec("qa", "zero-shot", "target-encoder", "en", "pt", None, 0, name).id for name in ("", "a", "b")}
    assert len(cells) == 3


def test_yield_of_nothing_is_whole() -> None:
    assert Yield(0, 0).rate == 1.0
    assert Yield(3, 4, ("x",)).rate == 0.75


def test_scaled_usage_is_derived() -> None:
    usage = Usage(seconds=2.0, characters=7, hardware="cpu")
    assert usage.scaled(1) == usage
    assert usage.scaled(1.5) == Usage(seconds=3.0, characters=10, hardware="cpu", measured=False)
