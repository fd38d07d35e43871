"""The decision for people: tables and sentences."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import made
import pytest

from crossfare.compare import Constraints, Decision, Recommendation, decisions, read_run, recommend
from crossfare.report import to_csv, to_markdown, to_rich
from crossfare.report.decision import Horizon, break_even_table, explain, front_table, sensitivity_table

YEAR = Horizon(100_000, 12)

CHEAP = made.option("cheap", 0.70, "1", "0.10")
MIDDLE = made.option("middle", 0.75, "500", "0.10", latency_ms=12.0)
DEAR = made.option("dear", 0.80, "2", "5.00", latency_ms=None)
THREE = [CHEAP, MIDDLE, DEAR]


def said(decision: Decision, asked: Constraints | None = None, horizon: Horizon = YEAR) -> str:
    return "\n".join(explain(recommend(decision, horizon.examples, asked or Constraints()), horizon))


def test_a_tie_says_that_there_is_no_clear_winner_and_what_the_others_cost() -> None:
    text = said(made.decision(THREE, p=0.2))
    assert "NLI pt, 100,000 examples a month for 12 months:" in text
    assert "Recommended: cheap: accuracy 0.700 (0.650-0.750), 121.00 USD in all (1.00 USD once, 0.10 USD per" in text
    assert "no clear winner on quality: the scores of cheap, middle and dear are not told apart" in text
    assert (
        "- middle is not significantly better than the cheaper cheap, both tied with dear: 620.00 USD against" in text
    )
    assert "- dear is not significantly better than the cheaper cheap (difference 0.100, p = 0.400): 6,002.00" in text


def test_a_clear_winner_says_how_clear() -> None:
    text = said(made.decision(THREE, p=0.0001))
    assert "Recommended: dear" in text
    assert "added latency not measured" in text
    assert "It has the best score, and every other one is significantly worse" in text
    assert "- cheap is significantly worse than dear (difference 0.100, p < 0.001)." in text


def test_the_table_names_the_level_that_decides() -> None:
    notes = " ".join(front_table(recommend(made.decision(THREE), YEAR.examples), YEAR).notes)
    assert "not told apart from the best (paired tests, Holm's correction, significance level 0.05)" in notes


def test_every_broken_constraint_is_said() -> None:
    asked = Constraints(min_quality=0.72, max_latency_ms=10.0, max_usd=Decimal(600))
    text = said(made.decision(THREE), asked)
    assert "quality at least 0.72, at most 10 ms added, at most 600.00 USD:" in text
    assert "No method keeps the constraints." in text
    assert "- cheap breaks a constraint: accuracy 0.700 is below 0.72." in text
    assert "- middle breaks a constraint: it adds 12.00 ms, more than 10, 620.00 USD is over 600.00 USD." in text
    assert "its added latency was not measured, 6,002.00 USD is over 600.00 USD" in text


def test_a_minimum_inside_the_interval_is_a_warning() -> None:
    text = said(made.decision([MIDDLE]), Constraints(min_quality=0.72))
    assert "reaches below the asked 0.72" in text
    assert "There is no other method." in text


def test_what_would_change_the_choice_is_said() -> None:
    text = said(made.decision([CHEAP, DEAR], p=1.0), horizon=Horizon(100, 1))
    assert "It would change" not in text  # cheap is cheaper at every price and volume
    text = said(made.decision([CHEAP, replace(MIDDLE, recurring=())], p=1.0))
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
    found: Recommendation = recommend(decision, horizon.examples)
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
        ["cheap", "0.700 0.650-0.750", "1.00", "0.10", "121.00", "0", "both", "-"],
        ["middle", "0.750 0.700-0.800", "500.00", "0.10", "620.00", "12.00", "both", "99.80"],
        ["dear", "0.800 0.750-0.850", "2.00", "5.00", "6,002.00", "n.m.", "cost", "1,076.40"],
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
    rows = sensitivity_table(recommend(decision, YEAR.examples), YEAR).rows
    shown = {row[0].text: tuple(cell.text for cell in row[1:]) for row in rows}
    # 6.1315 USD of characters against 300 labels: equal at 0.0204 USD a label, or 167.75 USD a million characters.
    assert shown == {
        "engine:reference, USD per million characters": ("20.00", "above 167.75 (8.39x)", "in-language"),
        "annotation:nli, USD per example": ("0.17", "below 0.020 (0.12x)", "in-language"),
    }


def test_a_method_that_is_not_above_the_trivial_baseline_is_said_to_be_so() -> None:
    below = replace(made.option("cheap", 0.36, "1", "0.10"), baseline=0.34)
    above = replace(made.option("dear", 0.60, "2", "5.00"), baseline=0.34)
    refused = "cheap is not above the trivial baseline: accuracy 0.360 (0.310-0.410) against 0.340 of always the most"
    text = said(made.decision([below]))
    assert "No method is above the trivial baseline (always the most frequent label).\n" in text
    assert f"- {refused} frequent label." in text
    assert "Recommended" not in text
    text = said(made.decision([below, above]))
    assert "Recommended: dear" in text
    assert "It is the only method that is above the trivial baseline (always the most frequent label)." in text
    assert refused in text
    text = said(made.decision([below, above]), Constraints(max_usd=Decimal(10)))
    assert "No method keeps the constraints and is above the trivial baseline (always the most frequent label)." in text
    made_here = recommend(made.decision([below, above]), YEAR.examples)
    notes = front_table(made_here, YEAR).notes
    assert "Trivial baseline: always the most frequent label, 0.340. Not above it, so not recommended: cheap." in notes


def test_a_baseline_that_is_not_known_is_a_warning() -> None:
    assert "Whether it is above the trivial baseline (always the most frequent label) is not known" in said(
        made.decision(THREE)
    )
    (told,) = (
        note for note in front_table(recommend(made.decision(THREE), YEAR.examples), YEAR).notes if "base" in note
    )
    assert told.startswith("Trivial baseline (always the most frequent label): not known; its run was made before")
    assert "is not known" not in said(made.decision([replace(each, baseline=0.3) for each in THREE]))


def test_without_a_paired_test_nothing_is_called_significant() -> None:
    text = said(made.decision(THREE, p={}))
    assert "Recommended: dear" in text
    assert "It has the best score, but not every other one was tested on the same examples." in text
    assert "- cheap is dominated by" not in text
    assert "- cheap scores less than dear, on other test examples: no paired test is possible." in text
    assert "significantly" not in text
