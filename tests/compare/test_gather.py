"""What several seeds, runs and languages say of one method, brought together."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from itertools import combinations
from pathlib import Path
from typing import Any

import made
import numpy as np
import pytest

from crossfare.compare import (
    Constraints,
    Decision,
    Option,
    contests,
    decisions,
    read_run,
    recommend,
    standings,
    to_json,
)
from crossfare.errors import ConfigError

MILLION = Decimal(1_000_000)


def labels(decision: Decision) -> list[str]:
    return [option.label for option in decision.options]


def by_label(decision: Decision, label: str) -> Option:
    return next(option for option in decision.options if option.label == label)


def cells(**changes: Any) -> list[made.Made]:
    return [replace(cell, **changes) for cell in made.CELLS]


def test_an_option_has_the_quality_the_costs_and_the_latency_of_its_results(tmp_path: Path) -> None:
    (decision,) = decisions([read_run(made.run(tmp_path))])
    assert (decision.task, decision.target, decision.metric) == ("nli", "pt", "accuracy")
    served = by_label(decision, "translate-infer (Open S)")
    assert (served.quality, served.latency_ms, served.seeds) == (0.75, 20.0, 1)
    assert [(part.part, part.resource, part.quantity) for part in served.recurring] == [
        ("translation", "compute", Decimal("43.75")),  # 1.75 s for 40 examples
        ("inference", "compute", Decimal("12.5")),
    ]
    looked_up = by_label(decision, "translate-infer (Reference†)")
    assert looked_up.latency_ms is None
    assert looked_up.reference
    assert by_label(decision, "zero-shot").latency_ms == 0.0


def test_seeds_of_one_run_are_means(tmp_path: Path) -> None:
    seeds = [replace(cell, seed=seed) for seed in (0, 2) for cell in made.CELLS]
    record = read_run(made.run(tmp_path, seeds))
    (decision,) = decisions([record])
    assert labels(decision) == labels(decisions([read_run(made.run(tmp_path / "one"))])[0])
    zero_shot = by_label(decision, "zero-shot")
    assert zero_shot.fixed[0].quantity == 21  # 20 s and 22 s
    wanted = standings(record.results)[zero_shot.key]
    assert (zero_shot.quality, zero_shot.low, zero_shot.high) == (wanted.value, wanted.low, wanted.high)
    assert zero_shot.seeds == 2


def test_runs_that_differ_in_their_seeds_only_are_pooled(tmp_path: Path) -> None:
    runs = [read_run(made.run(tmp_path / str(seed), cells(seed=seed), name=f"s{seed}")) for seed in (0, 2)]
    together = read_run(made.run(tmp_path / "both", [*cells(seed=0), *cells(seed=2)]))
    (apart,), (joined,) = decisions(runs), decisions([together])
    assert apart.options == joined.options
    assert any("pooled" in note for note in apart.notes)
    assert np.array_equal(apart.believed.draws, joined.believed.draws)


def test_one_method_that_is_pooled_or_listed_by_run_is_enough_for_a_note(tmp_path: Path) -> None:
    first = read_run(made.run(tmp_path / "a", cells(seed=0), name="first"))
    more = read_run(made.run(tmp_path / "b", cells(seed=2)[1:], name="more"))
    (decision,) = decisions([first, more])
    assert [option.seeds for option in decision.options] == [1, 2, 2, 2, 2, 2]
    assert [note.partition(":")[0] for note in decision.notes] == ["Runs that differ in their seeds only are pooled"]
    again = read_run(made.run(tmp_path / "c", cells(seed=0)[1:], name="again"))
    (decision,) = decisions([first, again])
    assert len(decision.options) == 2 * len(made.CELLS) - 1
    assert [note.partition(":")[0] for note in decision.notes] == ["Cells found in several runs are listed by run"]


@pytest.mark.parametrize(
    "changes",
    [
        {"cells": cells(seed=0)},  # the same seed again
        {"hardware": "another machine"},
        {"offers": {**made.OFFERS, "compute": "gcp-n1-vcpu"}},
        {"spec": {"tasks": {"nli": {"train": "other"}}, "engines": dict(made.ENGINES)}},
    ],
    ids=["same seed", "hardware", "price", "task"],
)
def test_runs_that_differ_in_more_are_listed_by_run(tmp_path: Path, changes: dict[str, Any]) -> None:
    first = read_run(made.run(tmp_path / "a", name="first"))
    second = read_run(made.run(tmp_path / "b", **{"cells": cells(seed=1), "name": "second", **changes}))
    (decision,) = decisions([first, second])
    assert len(decision.options) == 2 * len(made.CELLS)
    assert labels(decision)[:3] == [
        "zero-shot (run first)",
        "zero-shot (run second)",
        "translate-train (Open S, run first)",
    ]
    assert any("listed by run" in note for note in decision.notes)


def test_prices_that_differ_between_runs_stay_apart(tmp_path: Path) -> None:
    offers = {**made.OFFERS, "compute": "gcp-n1-vcpu"}
    runs = [read_run(made.run(tmp_path / "a", name="x")), read_run(made.run(tmp_path / "b", name="y", offers=offers))]
    (decision,) = decisions(runs)
    assert set(decision.rates) == {"compute [x]", "compute [y]", "engine:reference", "annotation:nli"}
    for run, option in zip(runs, decision.options[:2], strict=True):
        assert decision.fixed_usd(option) == run.results[0].fine_tuning.usd


def test_runs_of_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    runs = [read_run(made.run(tmp_path / name)) for name in ("monday", "tuesday")]
    assert labels(decisions(runs)[0])[:2] == ["zero-shot (run monday)", "zero-shot (run tuesday)"]


def test_runs_of_different_languages_stand_side_by_side(tmp_path: Path) -> None:
    runs = [read_run(made.run(tmp_path / target, cells(target=target))) for target in ("pt", "de")]
    assert [(each.target, len(each.options)) for each in decisions(runs)] == [("pt", 6), ("de", 6)]
    assert [each.target for each in decisions(runs, targets=["de"])] == ["de"]


def test_the_mean_over_languages_is_one_decision(tmp_path: Path) -> None:
    here = [*cells(target="pt"), *(replace(cell, target="de", right=cell.right - 4) for cell in made.CELLS[:-1])]
    record = read_run(made.run(tmp_path, here))
    (mean,) = decisions([record], mean=True)
    each = decisions([record])
    assert mean.target == "pt+de"
    assert labels(mean) == labels(each[1])  # in-language was run in one language only
    assert "Not run in every language, so left out of the mean: in-language." in mean.notes
    for option in mean.options:
        pt, de = (by_label(decision, option.label) for decision in each)
        assert option.quality == pytest.approx((pt.quality + de.quality) / 2)
        # The test sets are copies of each other, so that two are no more evidence than one.
        assert option.low == pytest.approx((pt.low + de.low) / 2, abs=0.01)
        wanted = (Fraction(each[0].total_usd(pt, MILLION)) + Fraction(each[1].total_usd(de, MILLION))) / 2
        assert float(mean.total_usd(option, MILLION)) == pytest.approx(
            float(wanted), rel=1e-8
        )  # components are rounded
    assert decisions([record], targets=["pt"], mean=True)[0].options == each[0].options


def test_what_is_not_the_best_is_tested_as_the_tables_have_it(tmp_path: Path) -> None:
    record = read_run(made.run(tmp_path, [replace(cell, seed=seed) for seed in (0, 2) for cell in made.CELLS]))
    (decision,) = decisions([record])
    found = recommend(decision, MILLION)
    assert {verdict.option.key: verdict.p for verdict in found.verdicts if verdict.p is not None} == {
        contest.other: contest.p for contest in contests(record.results)
    }
    assert all(contest.p is None for contest in contests(read_run(made.run(tmp_path / "one")).results))


def examples_sd(decision: Decision, a: Option, b: Option) -> float:
    """Standard deviation over test examples of the difference of two methods."""
    believed = decision.believed
    i, j = believed.keys.index(a.key), believed.keys.index(b.key)
    covariance = believed.examples
    return float(np.sqrt(covariance[i, i] + covariance[j, j] - 2 * covariance[i, j]))


def test_parallel_languages_are_compared_by_the_mean_of_each_example(tmp_path: Path) -> None:
    here = [replace(cell, target=target) for target in ("pt", "de", "vi") for cell in made.CELLS]
    record = read_run(made.run(tmp_path, here))
    (mean,), (one, *_) = decisions([record], mean=True), decisions([record])
    # The made languages are copies of each other: three copies are no more evidence than one.
    for a, b in combinations(range(len(made.CELLS)), 2):
        several = examples_sd(mean, mean.options[a], mean.options[b])
        assert several == pytest.approx(examples_sd(one, one.options[a], one.options[b]), rel=0.25)


def test_other_test_sets_add_up_language_by_language(tmp_path: Path) -> None:
    here = [replace(cell, target=target) for target in ("pt", "de") for cell in made.CELLS]
    record = read_run(made.run(tmp_path, here))
    other = tuple(
        replace(result, score=replace(result.score, ids=tuple(f"de-{i}" for i in result.score.ids)), tested="de")
        if result.spec.target == "de"
        else result
        for result in record.results
    )
    (mean,), (one, *_) = (decisions([replace(record, results=other)], mean=each) for each in (True, False))
    for a, b in combinations(range(len(made.CELLS)), 2):
        several = examples_sd(mean, mean.options[a], mean.options[b])
        assert several == pytest.approx(examples_sd(one, one.options[a], one.options[b]) / 2**0.5, rel=0.05)


def test_engines_and_methods_can_be_left_out(tmp_path: Path) -> None:
    record = read_run(made.run(tmp_path))
    (decision,) = decisions([record], without=["reference", "in-language"])
    assert labels(decision) == ["zero-shot", "translate-train (Open S)", "translate-infer (Open S)"]
    assert set(decision.rates) == {"compute"}


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"tasks": ["qa"]}, "no result for task 'qa'; there: nli"),
        ({"targets": ["fr"]}, "no result for target 'fr'; there: pt"),
        ({"without": ["google"]}, "no result for engine or method 'google'; there: zero-shot, open"),
        ({"without": [cell.method for cell in made.CELLS]}, "no result is left"),
    ],
)
def test_what_is_not_there_is_an_error(tmp_path: Path, asked: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        decisions([read_run(made.run(tmp_path))], **asked)


def test_models_are_named_where_they_differ(tmp_path: Path) -> None:
    here = [*made.CELLS, replace(made.CELLS[3], model="source-encoder")]
    (decision,) = decisions([read_run(made.run(tmp_path, here))])
    assert {"translate-infer (Open S, target-encoder)", "translate-infer (Open S, source-encoder)"} < set(
        labels(decision)
    )


def test_the_exported_model_gives_the_computed_figures_by_the_documented_formulas(tmp_path: Path) -> None:
    """What another program does with the JSON alone, in exact fractions."""
    (decision,) = decisions([read_run(made.run(tmp_path, stored=9_876_543_210))], months=5)
    made_here = recommend(decision, MILLION, Constraints(min_quality=0.3, max_usd=Decimal(5_000)))
    plain = json.loads(json.dumps(to_json(made_here)))
    computed = plain["computed"]

    def paid(components: list[dict[str, str]]) -> Fraction:
        rates = plain["rates"]
        return sum(
            (
                Fraction(each["quantity"]) * Fraction(rate["usd"]) / Fraction(rate["per"])
                for each in components
                for rate in (rates[each["resource"]],)
            ),
            Fraction(0),
        )

    for option, figures in zip(plain["options"], computed["options"], strict=True):
        once, kept, per_1k = (paid(option[name]) for name in ("fixed", "kept", "recurring"))
        fixed = once + kept * plain["months"]
        assert abs(once - Fraction(figures["once_usd"])) < Fraction("1e-11")
        assert abs(kept - Fraction(figures["kept_usd_per_month"])) < Fraction("1e-11")
        assert (kept > 0) == option["key"].startswith("nli|translate-train|")
        assert abs(fixed - Fraction(figures["fixed_usd"])) < Fraction("1e-10")
        assert abs(per_1k - Fraction(figures["recurring_usd_per_1k"])) < Fraction("1e-11")
        total = fixed + per_1k * Fraction(computed["examples"]) / 1000
        assert abs(total - Fraction(figures["total_usd"])) < Fraction("0.00001")
    assert computed["recommended"] == (made_here.chosen and made_here.chosen.key)
    assert computed["leading"] == made_here.leading.key
    assert len(plain["pairs"]) == 15
    assert {flip["what"] for flip in computed["flips"]} <= {*plain["rates"], "volume"}


# -- test sets and trivial systems ------------------------------------------------------------


def over_runs(tmp_path: Path, *tested: str | None) -> Decision:
    """The same ids in every run, as line numbers are: one method each, on what each says it was tested on."""
    runs = [
        made.run(tmp_path / f"run{n}", [cell], name=f"run{n}", tested=each)
        for n, (cell, each) in enumerate(zip(made.CELLS, tested, strict=False))
    ]
    return decisions([read_run(folder) for folder in runs])[0]


def paired(decision: Decision) -> list[tuple[str, str]]:
    """Methods whose scores vary together over test examples."""
    found = decision.believed.examples
    return [
        (a.key, b.key) for (i, a), (j, b) in combinations(enumerate(decision.options), 2) if abs(found[i, j]) > 1e-12
    ]


def test_scores_are_paired_over_runs_where_the_test_examples_are_the_same(tmp_path: Path) -> None:
    decision = over_runs(tmp_path, "same", "same", "another")
    ((a, b),) = paired(decision)
    assert {key.split("|")[1] for key in (a, b)} == {"zero-shot", "translate-train"}
    assert any("tested on the same examples" in note for note in decision.notes)


def test_runs_that_do_not_say_what_they_were_tested_on_are_paired_only_within_themselves(tmp_path: Path) -> None:
    assert not paired(over_runs(tmp_path / "apart", None, None))
    (within,) = decisions([read_run(made.run(tmp_path / "one", tested=None))])
    assert len(paired(within)) == 15
    assert not any("tested on the same examples" in note for note in within.notes)


def test_seeds_on_different_test_sets_are_no_repetitions(tmp_path: Path) -> None:
    runs = [
        read_run(made.run(tmp_path / str(seed), cells(seed=seed), name=f"s{seed}", tested=f"set {seed}"))
        for seed in (0, 2)
    ]
    (decision,) = decisions(runs)
    assert labels(decision)[:2] == ["zero-shot (run s0)", "zero-shot (run s2)"]
    assert all(len({key.rpartition("|")[2] for key in pair}) == 1 for pair in paired(decision))


def test_means_over_languages_are_paired_language_by_language(tmp_path: Path) -> None:
    first = made.run(tmp_path / "pt", cells(target="pt")[:2], name="pt", tested="pt")
    second = made.run(tmp_path / "de", cells(target="de")[:1], name="de", tested="de")
    other = made.run(tmp_path / "other", cells(target="de")[1:2], name="other", tested="another de")
    (mean,) = decisions([read_run(each) for each in (first, second, other)], mean=True)
    assert len(mean.options) == 2
    assert not paired(mean)


def test_an_option_has_the_trivial_baseline_of_its_test_set(tmp_path: Path) -> None:
    here = [*cells(target="pt"), *cells(target="de")]
    (mean,) = decisions([read_run(made.run(tmp_path / "known", here, baseline=0.35))], mean=True)
    assert {option.baseline for option in mean.options} == {0.35}
    assert [option.label for option in mean.options if not mean.beats_baseline(option)] == ["in-language"]
    (unknown,) = decisions([read_run(made.run(tmp_path / "old", baseline=None))])
    assert all(option.baseline is None and unknown.beats_baseline(option) for option in unknown.options)
