"""The decision for people: tables and sentences."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import made
import pytest

from crossfare.compare import (
    Aim,
    Component,
    Constraints,
    Decision,
    Recommendation,
    UnitPrice,
    decisions,
    read_run,
    recommend,
    settle,
)
from crossfare.report import to_csv, to_markdown, to_rich
from crossfare.report.advice import advice, explain
from crossfare.report.decision import Horizon, break_even_table, front_table, sensitivity_table

YEAR = Horizon(100_000, 12)
WIDE = Aim(margin=0.2)

CHEAP = made.option("cheap", 0.70, "1", "0.10", half=0.01)
MIDDLE = made.option("middle", 0.75, "500", "0.10", latency_ms=12.0, half=0.01)
DEAR = made.option("dear", 0.80, "2", "5.00", latency_ms=None, half=0.01)
THREE = [CHEAP, MIDDLE, DEAR]


def said(decision: Decision, asked: Constraints | None = None, horizon: Horizon = YEAR, aim: Aim = WIDE) -> str:
    return "\n".join(explain(recommend(decision, horizon.examples, asked or Constraints(), aim), horizon))


def test_the_choice_says_how_sure_it_is_and_what_the_others_cost() -> None:
    text = said(made.decision(THREE), aim=Aim(margin=0.07))
    assert "NLI pt, 100,000 examples a month for 12 months:" in text
    assert "Recommended: middle: accuracy 0.750 (0.740-0.760), 620.00 USD in all (500.00 USD once, 0.10 USD per" in text
    assert "12.00 ms added to a request; best with probability 0%, expected regret 5 points." in text
    assert "It is the cheapest of 2 methods shown to be within 7 points of the best one." in text
    assert (
        "- cheap is worse than the best: 0.100 less (p < 0.001); best with probability 0%, expected regret 10 po"
        in text
    )
    assert "- dear is within 7 points of the best too, but dearer: 6,002.00 USD against 620.00 USD; best" in text


def test_a_clear_winner_says_so() -> None:
    text = said(made.decision(THREE), aim=Aim())
    assert "Recommended: dear" in text
    assert "added latency not measured" in text
    assert "It is the only method shown to be within 2 points of the best one." in text


def undecided() -> Decision:
    """Three methods tested on 200 examples, which is too few."""
    wide = [replace(each, low=each.quality - 0.08, high=each.quality + 0.08) for each in THREE]
    return replace(made.decision(wide), tested=200)


def test_without_enough_evidence_the_one_ahead_is_named_with_what_would_settle_it() -> None:
    found = recommend(undecided(), YEAR.examples)
    text = advice(found)
    assert text.startswith(
        "Not enough evidence: no method is shown to be within 2 points of the best one. Ahead is dear:"
    )
    assert "expected regret" in text
    (more,) = settle(found)
    assert (more.seeds, more.labels_usd) == (1, None)
    assert f"If scores stay as they are, {more.examples:,} test examples in place of 200 (" in text
    assert f"It would be enough for a margin of {100 * found.least_margin:.1f} points." in text
    assert "Recommended" not in text
    # What is said to settle it does, and a quarter of that does not.
    for examples, enough in ((more.examples, True), (200 + (more.examples - 200) / 4, False)):
        told = replace(undecided(), belief=undecided().believed.predicted(examples=examples / 200))
        assert (recommend(told, YEAR.examples).chosen is not None) == enough


def test_more_evidence_is_priced_for_the_methods_in_the_race() -> None:
    labelled = replace(DEAR, fixed=(Component("annotation", "label", Decimal(300)),), low=0.74, high=0.86)
    trained = replace(MIDDLE, fixed=(Component("fine-tuning", "money", Decimal(7)),), low=0.69, high=0.81)
    made_here = made.decision([labelled, trained])
    rates = {**made_here.rates, "label": UnitPrice(Decimal("0.17"), Decimal(1), "example", "made")}
    found = recommend(replace(made_here, rates=rates, tested=200), YEAR.examples)
    (more,) = settle(found)
    assert len(found.racing) == 2
    assert more.usd == (more.examples - 200) * Decimal("5.10") / 1000
    assert more.labels_usd == (more.examples - 200) * Decimal("0.17")


def test_a_worth_per_error_is_said_with_what_a_wrong_choice_loses() -> None:
    text = said(made.decision(THREE), aim=Aim(worth=Decimal("0.10")))
    assert "Recommended: dear" in text
    assert "It has the greatest expected net benefit, at 0.10 USD for an error less." in text
    # 10 points of 1.2 million examples at ten cents, less the 5,881 USD that it saves: 121 against 6,002.
    (line,) = (line for line in text.splitlines() if line.startswith("- cheap"))
    assert 6_000 < float(line.rpartition(" points and ")[2].removesuffix(" USD.").replace(",", "")) < 6_300


def test_one_seed_is_said_to_be_one(tmp_path: Path) -> None:
    for seeds, assumed in (((0,), True), ((0, 1), False)):
        folder = made.run(
            tmp_path / str(len(seeds)), [replace(cell, seed=seed) for seed in seeds for cell in made.CELLS]
        )
        (decision,) = decisions([read_run(folder)])
        assert ("by 2.5 points (standard deviation) is assumed, not measured" in said(decision)) == assumed


def test_every_broken_constraint_is_said() -> None:
    asked = Constraints(min_quality=0.72, max_latency_ms=10.0, max_usd=Decimal(600))
    text = said(made.decision(THREE), asked)
    assert "quality at least 0.72, at most 10 ms added, at most 600.00 USD:" in text
    assert "No method keeps the constraints." in text
    assert "- cheap breaks a constraint: accuracy 0.700 is below 0.72." in text
    assert "- middle breaks a constraint: it adds 12.00 ms, more than 10, 620.00 USD is over 600.00 USD." in text
    assert "its added latency was not measured, 6,002.00 USD is over 600.00 USD" in text


def test_a_minimum_inside_the_interval_is_a_warning() -> None:
    text = said(made.decision([replace(MIDDLE, low=0.7, high=0.8)]), Constraints(min_quality=0.72))
    assert "reaches below the asked 0.72" in text
    assert "There is no other method." in text


def test_what_would_change_the_choice_is_said() -> None:
    text = said(made.decision([CHEAP, DEAR]), horizon=Horizon(100, 1))
    assert "It would change" not in text  # cheap is cheaper at every price and volume
    text = said(made.decision([CHEAP, replace(MIDDLE, recurring=())]))
    # 1 USD and 0.10 per thousand against 500 USD once: equal at 4,990,000 examples.
    assert "It would change to middle above 415,833 examples a month." in text


def test_a_reference_translation_is_called_what_it_is(tmp_path: Path) -> None:
    (decision,) = decisions([read_run(made.run(tmp_path))], without=["open"])
    text = said(decision)
    assert "Recommended: translate-train (Reference†)" in text
    assert "no system's translation: reference translation, priced as a commercial API." in text
    assert "`--without reference`" in text
    table = front_table(recommend(decision, YEAR.examples), YEAR)
    assert "Reference†: reference translation, priced as a commercial API." in table.notes


def tables(decision: Decision, horizon: Horizon = YEAR) -> dict[str, list[list[str]]]:
    found: Recommendation = recommend(decision, horizon.examples, aim=Aim(margin=0.2))
    shown = {
        "front": front_table(found, horizon),
        "break-even": break_even_table(decision, horizon),
        "sensitivity": sensitivity_table(found, horizon),
    }
    for table in shown.values():
        to_rich(table)
        assert to_markdown(table).startswith("## NLI pt: ")
    return {name: [line.split(",") for line in to_csv(table).splitlines()] for name, table in shown.items()}


def test_the_front_lists_methods_cheapest_first_in_full_precision() -> None:
    found = recommend(made.decision(THREE), YEAR.examples)
    rows = [[cell.text for cell in row] for row in front_table(found, YEAR).rows]
    assert rows == [
        ["cheap", "0.700 0.690-0.710", "1.00", "0.10", "121.00", "0", "both", "-"],
        ["middle", "0.750 0.740-0.760", "500.00", "0.10", "620.00", "12.00", "both", "99.80"],
        ["dear", "0.800 0.790-0.810", "2.00", "5.00", "6,002.00", "n.m.", "cost", "1,076.40"],
    ]
    assert tables(made.decision(THREE))["front"][-1][4] == "6002.000000000000"


def test_break_evens_beyond_reason_are_counted_not_listed() -> None:
    found = tables(made.decision(THREE))["break-even"]
    assert len(found) == 1 + 1 + 1  # the heading takes two lines
    assert found[-1][:2] == ["dear", "middle"]
    assert Decimal(found[-1][2]) == pytest.approx(Decimal(498_000) / Decimal("4.9"))
    notes = break_even_table(made.decision(THREE), YEAR).notes
    assert notes == ("In 2 of 3 pairs one method is cheaper at any volume.",)
    far = break_even_table(made.decision([CHEAP, replace(MIDDLE, recurring=())]), Horizon(1, 1))
    assert far.rows == ()
    assert "1 more cross below one example or beyond 1,000 times the volume." in far.notes


def test_prices_are_shown_as_people_state_them(tmp_path: Path) -> None:
    cells = [made.Made("in-language", 34), made.Made("translate-train", 34, "reference")]
    (decision,) = decisions([read_run(made.run(tmp_path, cells))])
    rows = sensitivity_table(recommend(decision, YEAR.examples, aim=Aim(margin=0.2)), YEAR).rows
    shown = {row[0].text: tuple(cell.text for cell in row[1:]) for row in rows}
    # 6.1315 USD of characters against 300 labels: equal at 0.0204 USD a label, or 167.75 USD a million characters.
    assert shown == {
        "engine:reference, USD per million characters": ("20.00", "above 167.75 (8.39x)", "in-language"),
        "annotation:nli, USD per example": ("0.17", "below 0.020 (0.12x)", "in-language"),
    }


def test_a_method_that_is_not_above_the_trivial_baseline_is_said_to_be_so() -> None:
    below = replace(made.option("cheap", 0.36, "1", "0.10"), baseline=0.34)
    above = replace(made.option("dear", 0.60, "2", "5.00"), baseline=0.34)
    trivial = "the trivial baseline (always the most frequent label)"
    refused = (
        "cheap is not shown to be above the trivial baseline: accuracy 0.360 (0.310-0.410) against 0.340 of always"
    )
    text = said(made.decision([below]))
    assert "No method is shown to be above the trivial baseline (always the most frequent label).\n" in text
    assert f"- {refused} the most frequent label." in text
    assert "Recommended" not in text
    text = said(made.decision([below, above]))
    assert "Recommended: dear" in text
    assert (
        "It is the only method that is shown to be above the trivial baseline (always the most frequent label)." in text
    )
    assert refused in text
    text = said(made.decision([below, above]), Constraints(max_usd=Decimal(10)))
    assert f"No method keeps the constraints and is shown to be above {trivial}." in text
    made_here = recommend(made.decision([below, above]), YEAR.examples)
    notes = front_table(made_here, YEAR).notes
    assert (
        "Trivial baseline: always the most frequent label, 0.340. Not shown to be above it, so not recommended: cheap."
        in notes
    )


def test_a_baseline_that_is_not_known_is_a_warning() -> None:
    assert "Whether it is above the trivial baseline (always the most frequent label) is not known" in said(
        made.decision(THREE)
    )
    (told,) = (
        note for note in front_table(recommend(made.decision(THREE), YEAR.examples), YEAR).notes if "base" in note
    )
    assert told.startswith("Trivial baseline (always the most frequent label): not known; its run was made before")
    assert "is not known" not in said(made.decision([replace(each, baseline=0.3) for each in THREE]))
