"""How many labels equal another method: from run directories to sentences, tables, a figure and the page."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from compare import made
from crossfare.cli import app
from crossfare.compare import LearningCurve, decisions, learning_curves, read_run, reprice
from crossfare.report import to_markdown, write_report
from crossfare.report.learning import answers, labels_table, parity_table, rounded, shown_labels

GROWN = tuple(made.Made("in-language", right, gold_size=labels) for labels, right in ((30, 4), (60, 12), (120, 17)))


def curve(folder: Path, zero_shot: int, *, more: tuple[made.Made, ...] = ()) -> LearningCurve:
    """A curve that ends at 300 labels and 21 of 40 test examples, against a zero-shot method."""
    cells = (made.Made("zero-shot", zero_shot), *GROWN, made.Made("in-language", 21), *more)
    (found,) = learning_curves([read_run(made.run(folder, cells))])
    return found


def test_the_question_is_answered_with_labels_an_interval_and_a_price(tmp_path: Path) -> None:
    found = curve(tmp_path, 15)
    assert [each.labels for each in found.points] == [30, 60, 120, 300]
    (parity,) = found.parities
    assert 60 < parity.reach.labels < 120
    (line,) = answers(found)
    count = rounded(parity.reach.labels)
    assert line.startswith(f"About {count} labels equal zero-shot (accuracy 0.375), ")
    assert f"{float(found.usd(count)):.2f} USD; 95 %: " in line
    assert found.usd(7) == Decimal("1.20")  # as annotation-nli is priced
    assert parity_table(found).rows[0][2].text == str(count)
    assert labels_table(found).rows[-1][3].text == "51.43"


@pytest.mark.parametrize(
    ("zero_shot", "said"),
    [
        (2, "Fewer than 30 labels, the fewest tried, equal zero-shot (accuracy 0.050): at most 5.14 USD"),
        (40, "Whether any number of labels equals zero-shot (accuracy 1.000) cannot be told: the curve levels off at"),
        (23, "equal zero-shot (accuracy 0.575)"),
    ],
)
def test_what_the_curve_cannot_tell_is_said(zero_shot: int, said: str, tmp_path: Path) -> None:
    found = curve(tmp_path, zero_shot)
    (line,) = answers(found)
    assert said in line
    reached = found.parities[0].reach.labels
    if found.most < reached <= 3 * found.most:
        assert "an extrapolation beyond the 300 tried" in line
    elif 3 * found.most < reached < float("inf"):
        assert line.startswith("More than 900 labels, 154.29 USD, would be needed")


def test_a_score_that_no_drawn_curve_reaches_is_never_reached(tmp_path: Path) -> None:
    found = curve(tmp_path, 40)
    never = replace(found.parities[0], reach=replace(found.parities[0].reach, share=0.01))
    (line,) = answers(replace(found, parities=(never,)))
    assert line.startswith("No number of labels is expected to equal zero-shot (accuracy 1.000): the curve levels off")


def test_beyond_three_times_the_labels_no_number_is_given(tmp_path: Path) -> None:
    found = curve(tmp_path, 15)
    assert shown_labels(found, 29.5) == "< 30"
    assert shown_labels(found, 899.0) == "900"
    assert shown_labels(found, 901.0) == "> 900"
    assert shown_labels(found, float("inf")) == "never"
    assert [rounded(labels) for labels in (1, 99, 101, 1234)] == [1, 99, 110, 1300]


def test_a_label_price_that_is_stated_changes_money_only(tmp_path: Path) -> None:
    run = read_run(made.run(tmp_path, (made.Made("zero-shot", 15), *GROWN, made.Made("in-language", 21))))
    (before,), (after,) = (
        learning_curves(runs) for runs in ([run], reprice([run], prices={"annotation:nli": Decimal(2)}))
    )
    assert after.usd(1) == 2
    assert replace(after, label_price=before.label_price).to_json() == before.to_json()


def test_fewer_than_three_numbers_of_labels_make_no_curve(tmp_path: Path) -> None:
    run = read_run(made.run(tmp_path, (made.Made("zero-shot", 15), *GROWN[:1], made.Made("in-language", 21))))
    assert learning_curves([run]) == ()
    labels = {option.label for option in decisions([run])[0].options}
    assert labels == {"zero-shot", "in-language (30 labels)", "in-language"}


def test_seeds_are_rows_and_doubts_are_told(tmp_path: Path) -> None:
    one = curve(tmp_path / "one", 15)
    assert any(note.startswith("One seed") for note in labels_table(one).notes)
    cells = [replace(cell, seed=seed) for seed in (0, 1) for cell in (*GROWN, made.Made("in-language", 21))]
    (two,) = learning_curves([read_run(made.run(tmp_path / "two", (made.Made("zero-shot", 15), *cells)))])
    assert two.seeds == 2
    assert not any(note.startswith("One seed") for note in labels_table(two).notes)


def test_compare_and_the_page_answer(tmp_path: Path) -> None:
    folder = made.run(tmp_path, (made.Made("zero-shot", 15), *GROWN, made.Made("in-language", 21)))
    (line,) = answers(learning_curves([read_run(folder)])[0])
    done = CliRunner().invoke(app, ["compare", str(folder), "--json", str(tmp_path / "out.json")])
    assert done.exit_code == 0
    assert line in done.stdout
    written = json.loads((tmp_path / "out.json").read_text())["learning_curves"]
    assert written[0]["equal"][0]["other"] == "zero-shot"
    page = write_report(folder).read_text(encoding="utf-8")
    assert line in page
    assert (folder / "figures" / "learning-nli-pt.svg").exists()
    assert "30" in to_markdown(labels_table(learning_curves([read_run(folder)])[0]))
