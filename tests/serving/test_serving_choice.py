"""Which cell is served: the recommended one, or the one asked for; what is ambiguous is said."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from crossfare import compare
from crossfare.errors import ConfigError, DataError
from crossfare.serving import open_pipeline
from crossfare.serving.choice import Wanted, choose, is_exported, is_served


@pytest.fixture(scope="module")
def run(folder: Path) -> compare.RunRecord:
    return compare.read_run(folder)


def above(run: compare.RunRecord) -> compare.RunRecord:
    """The run, as if a trivial system scored nothing: its models, trained for two steps, are above no real one."""
    return replace(run, results=tuple(replace(each, baseline=-1.0) for each in run.results))


def test_without_a_method_it_is_the_recommended_one(run: compare.RunRecord) -> None:
    run = above(run)
    for target in ("pt", "de"):
        found = choose(run, Wanted(task="nli", target=target)).spec
        without = ("reference",)
        (decision,) = compare.decisions([run], tasks=("nli",), targets=(target,), without=without)
        made = compare.recommend(decision, Decimal(1_200_000))
        named = made.chosen or made.leading  # where the evidence is not enough, the one ahead
        assert named is not None
        assert found.without_seed == named.key
        assert found.seed == 0


def test_what_is_named_is_what_is_chosen(run: compare.RunRecord) -> None:
    found = choose(run, Wanted("nli", "pt", "translate-test", "open", "target-encoder", 1)).spec
    assert (found.method, found.engine, found.model, found.seed) == ("translate-infer", "open", "target-encoder", 1)
    assert choose(run, Wanted("nli", "pt", "zero-shot")).spec.seed == 0
    among = choose(above(run), Wanted("nli", "pt", engine="echo")).spec
    assert among.engine == "echo"


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (Wanted(), r"several cells fit; say which with --task: nli, qa, ranking"),
        (Wanted("nli"), r"several cells fit; say which with --target: pt, de"),
        (Wanted("nli", "pt", "translate-infer"), r"say which with --engine: echo, open, looked-up"),
        (
            Wanted("nli", "pt", "translate-infer-strategy-1"),
            r"no such cell with method .*; there: zero-shot, translate",
        ),
        (Wanted("nli", "fr"), r"served has no such cell with target 'fr'; there: pt, de"),
        (Wanted("nli", "pt", seed=5), r"with seed 5; there: 0, 1"),
        (Wanted("nli", "pt", "magic"), r"unknown method 'magic'"),
        (Wanted("pos"), r"with task 'pos'; there: nli, qa, ranking"),
    ],
)
def test_what_is_ambiguous_or_not_there_is_one_line_that_lists_the_choices(
    run: compare.RunRecord, asked: Wanted, message: str
) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        choose(run, asked)
    assert "\n" not in str(caught.value)


def test_what_is_not_above_the_trivial_baseline_is_not_served_by_itself(run: compare.RunRecord) -> None:
    guessing = replace(run, results=tuple(replace(each, baseline=1.0) for each in run.results))
    with pytest.raises(ConfigError, match=r"nothing is recommended for nli pt: no method .*; name a --method"):
        choose(guessing, Wanted("nli", "pt"))
    assert choose(guessing, Wanted("nli", "pt", "zero-shot")).spec.method == "zero-shot"


def grown(run: compare.RunRecord) -> compare.RunRecord:
    """With a cell that learnt from 50 labels and one from 200 beside each zero-shot cell that learnt from all."""
    zero_shot = [each for each in run.results if (each.spec.task, each.spec.method) == ("nli", "zero-shot")]
    parts = [replace(each, spec=replace(each.spec, gold_size=size)) for size in (50, 200) for each in zero_shot]
    return replace(run, results=(*parts, *zero_shot))


def test_a_number_of_labels_is_never_guessed(run: compare.RunRecord) -> None:
    made = grown(run)
    with pytest.raises(ConfigError, match="--gold-size: 50, 200, all ") as caught:
        choose(made, Wanted("nli", "pt", "zero-shot"))
    for cell in {each.spec.without_seed for each in made.results if each.spec.target == "pt"}:
        assert cell in str(caught.value)
    assert choose(made, Wanted("nli", "pt", "zero-shot", gold_size=200)).spec.gold_size == 200
    assert choose(made, Wanted("nli", "pt", "zero-shot", gold_size="all")).spec.gold_size is None
    with pytest.raises(ConfigError, match="no such cell with gold-size 70; there: 50, 200, all"):
        choose(made, Wanted("nli", "pt", "zero-shot", gold_size=70))


@pytest.mark.parametrize(
    ("option", "changed"),
    [
        ("train-engine", {"train_engine": "open"}),
        ("model", {"checkpoint": "another"}),
        ("model", {"model": "source-encoder"}),
    ],
)
def test_cells_that_differ_in_anything_but_the_seed_are_told_apart(
    run: compare.RunRecord, option: str, changed: dict[str, str]
) -> None:
    (one, *_) = [each for each in run.results if each.spec.method == "ensemble" and each.spec.engine == "echo"]
    other = replace(one, spec=replace(one.spec, **changed))  # type: ignore[arg-type]
    both = replace(run, results=(one, other))
    with pytest.raises(ConfigError, match=f"several cells fit; say which with --{option}:"):
        choose(both, Wanted(method="ensemble"))


def test_what_cannot_be_served_says_why(folder: Path) -> None:
    with pytest.raises(ConfigError, match="'looked-up' looks translations up and has none of new text"):
        open_pipeline(folder, task="nli", target="pt", method="translate-infer", engine="looked-up")
    with pytest.raises(ConfigError, match="bi-encoder is not served"):
        open_pipeline(folder, task="ranking", method="bi-encoder")
    with pytest.raises(ConfigError, match="ensemble-strategy-2 is not served: ensembles of ranking are not"):
        open_pipeline(folder, task="ranking", method="ensemble-strategy-2")


def test_by_default_only_what_can_be_used_so_is_chosen(run: compare.RunRecord) -> None:
    """Where the best cell is an ensemble it is served, but not exported: that takes one model."""
    nli = [each for each in run.results if (each.spec.task, each.spec.target) == ("nli", "pt")]
    best = tuple(
        replace(each, score=replace(each.score, per_example=tuple(1.0 for _ in each.score.ids), value=1.0))
        if each.spec.method == "ensemble" and each.spec.engine == "open"
        else replace(each, score=replace(each.score, per_example=tuple(0.0 for _ in each.score.ids), value=0.0))
        for each in nli
    )
    made = above(replace(run, results=best))
    assert choose(made, Wanted("nli", "pt")).spec.method == "ensemble"
    assert choose(made, Wanted("nli", "pt"), is_exported).spec.method not in ("ensemble", "bm25")
    assert {each.spec.method for each in run.results if not is_served(each.spec)} == {
        "bi-encoder",
        "ensemble-strategy-2",
    }
    unexported = {each.spec.method for each in run.results if not is_exported(each.spec)}
    assert unexported == {"bm25", "bi-encoder", "ensemble", "ensemble-strategy-2"}


def test_a_run_that_is_none_or_lost_its_steps_says_so(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not a run directory"):
        open_pipeline(tmp_path)
    moved = tmp_path / "moved"
    moved.mkdir()
    for name in ("results.json", "spec.yaml", "ledger.jsonl"):
        (moved / name).write_bytes((folder / name).read_bytes())
    with pytest.raises(DataError, match="is no longer in the cache; run the spec again"):
        open_pipeline(moved, task="nli", target="pt", method="zero-shot")
