"""Tables: the layouts of the paper, nothing left blank, nothing in data obeyed as markup."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import fixed
import pytest
from rich.console import Console

from crossfare.compare import standings
from crossfare.ledger import Catalogue
from crossfare.report import (
    REFERENCE_NOTE,
    Cell,
    Column,
    Context,
    Table,
    cost_table,
    energy_table,
    language_table,
    price_table,
    provenance,
    quality_table,
    table1,
    task_table,
    to_csv,
    to_markdown,
    to_rich,
    write_tables,
)
from crossfare.report.columns import BUSY_MARK
from crossfare.report.lines import lines
from crossfare.types import Cost, Result

GOLDEN = Path(__file__).parent / "golden"
CONTEXT = fixed.CONTEXT


def rendered(table: Table, width: int = 100) -> str:
    console = Console(width=width, file=io.StringIO(), force_terminal=False, color_system=None)
    console.print(to_rich(table))
    return console.file.getvalue()  # type: ignore[attr-defined]


def column(table: Table, title: str) -> list[str]:
    index = [each.title for each in table.columns].index(title)
    return [row[index].text for row in table.rows]


def all_tables(results: tuple[Result, ...], context: Context = CONTEXT) -> list[Table]:
    return [
        table1(results, context),
        quality_table(results, context),
        cost_table(results, context),
        task_table(results, "qa", context),
        task_table(results, "nli", context),
    ]


@pytest.mark.parametrize("path", sorted(GOLDEN.iterdir()), ids=lambda path: path.name)
def test_written_tables_are_the_golden_ones(path: Path, tmp_path: Path) -> None:
    """After a wanted change renew them with `python tests/report/fixed.py` and read the difference."""
    written = fixed.write(tmp_path)
    assert {each.name for each in written} == {each.name for each in GOLDEN.iterdir()}
    assert (tmp_path / path.name).read_text(encoding="utf-8") == path.read_text(encoding="utf-8")


def test_terminal_tables_fit_a_hundred_columns_uncut() -> None:
    for table in (quality_table(fixed.results(), CONTEXT), cost_table(fixed.results(), CONTEXT)):
        text = rendered(table)
        assert max(map(len, text.splitlines())) <= 100
        for row in table.rows:
            for cell in row:
                assert all(word in text for word in cell.text.split())


def test_a_narrow_terminal_wraps_labels_and_keeps_numbers() -> None:
    text = rendered(quality_table(fixed.results(), CONTEXT), 80)
    assert max(map(len, text.splitlines())) <= 80
    assert ".68–.72" in text
    assert "0.700" in text


def test_no_cell_is_blank_or_nan_and_empty_ones_have_a_reason() -> None:
    for table in [*all_tables(fixed.results()), language_table(fixed.results(), fixed.MISSING)]:
        assert all(len(row) == len(table.columns) for row in table.rows)
        assert all(cell.text.strip() and "nan" not in cell.text.lower() for row in table.rows for cell in row)
    notes = " ".join(table1(fixed.results(), CONTEXT).notes)
    assert "No score for QA, In-language (gold), multilingual-encoder, vi: no gold training data in vi." in notes
    assert "No NLI in vi: not part of this run." in notes


def test_a_row_without_any_result_is_no_row_but_has_its_reason() -> None:
    gone = [(fixed.spec("qa", "in-language", target), "no gold") for target in ("pt", "de", "vi")]
    kept = tuple(r for r in fixed.results() if r.spec.method != "in-language" or r.spec.task != "qa")
    table = task_table(kept, "qa", replace(CONTEXT, missing=gone))
    assert "In-language (gold)" not in column(table, "Method")
    assert column(table, "#") == [f"({number})" for number in range(1, 6)]
    assert any("pt, de, vi: no gold." in note for note in table.notes)


def test_every_table_says_what_the_reference_engine_is() -> None:
    for table in all_tables(fixed.results()):
        assert f"Comm*: {REFERENCE_NOTE}." in table.notes
        assert "Translate-train (Comm*)" in column(table, "Method")
    unmarked = tuple(replace(r, spec=replace(r.spec, engine_label=None)) for r in fixed.results())
    assert "Translate-train (reference†)" in column(table1(unmarked), "Method")
    assert f"reference†: {REFERENCE_NOTE}." in table1(unmarked).notes
    assert "Translate-train (open)" in column(table1(unmarked), "Method")


def test_a_run_without_the_reference_engine_has_no_footnote() -> None:
    own = tuple(r for r in fixed.results() if r.spec.engine != "reference")
    assert all(REFERENCE_NOTE not in note for table in all_tables(own) for note in table.notes)


def test_the_papers_table_1_layout() -> None:
    table = table1(fixed.results(), CONTEXT)
    assert table.sections == {0: "QA (F1)", 6: "NLI (accuracy)"}
    assert column(table, "Method")[:6] == [
        "Zero-shot",
        "Translate-train (Open S)",
        "Translate-train (Comm*)",
        "Translate-infer (Open S)",
        "Translate-infer (Comm*)",
        "In-language (gold)",
    ]
    assert column(table, "pt")[:6] == ["0.500", "0.600", "0.700", "0.650", "0.700", "0.400"]
    assert column(table, "95 % interval de")[0] == "0.490–0.530"
    assert column(table, "One-time cost (USD)")[:6] == ["-", "0.00042", "2.94", "-", "-", "-"]
    assert column(table, "Recurring cost (USD/1k ex.)")[:6] == ["-", "-", "-", "0.063", "1.50", "-"]
    assert column(table, "Added latency (s/batch of 32)")[:6] == ["-", "-", "-", "0.78", "n.m.", "-"]
    assert column(table, "Annotation (USD)")[:6] == ["-", "-", "-", "-", "-", "24.00"]
    assert column(table, "Training yield")[:6] == ["-", "99.5 %", "99.5 %", "-", "-", "-"]


def test_costs_are_means_over_languages_and_by_language_in_csv() -> None:
    results = [
        replace(r, fine_tuning=Cost(Decimal({"pt": "1", "de": "2", "vi": "6"}[r.spec.target]), "x@2020-01-01"))
        for r in fixed.results()
        if r.spec.task == "qa" and r.spec.method == "zero-shot"
    ]
    assert column(table1(results), "Fine-tuning (USD)") == ["3.00"]
    rows = list(csv.DictReader(io.StringIO(to_csv(language_table(results)))))
    assert [(row["target"], row["fine_tuning_usd"]) for row in rows] == [("pt", "1"), ("de", "2"), ("vi", "6")]


def test_csv_keeps_full_precision() -> None:
    value = 0.123456789012345
    one = fixed.result(fixed.spec("nli", "zero-shot", "pt"), value)
    assert str(value) in to_csv(task_table([one], "nli"))
    row = next(csv.DictReader(io.StringIO(to_csv(language_table([one])))))
    assert float(row["score"]) == value
    assert row["inference_usd_per_1k"] == "0.000009"
    assert row["missing"] == "-"


def test_the_best_is_bold_and_what_is_not_significantly_different_is_marked() -> None:
    best, close, worse = (
        fixed.spec("qa", "translate-train", "pt", "reference"),
        fixed.spec("qa", "translate-infer", "pt", "reference", "source-encoder"),
        fixed.spec("qa", "zero-shot", "pt"),
    )
    known = standings(fixed.results())
    known |= {
        cell.without_seed: replace(known[cell.without_seed], p=p, tests_only=False)
        for cell, p in ((close, 0.4), (worse, 0.001), (best, None))
    }
    table = task_table(fixed.results(), "qa", replace(CONTEXT, standings=known))
    assert column(table, "pt") == ["0.500", "0.600", "0.700", "0.650", "0.700°", "0.400"]
    assert [row[4].best for row in table.rows] == [False, False, True, False, False, False]
    assert "| **0.700** |" in to_markdown(table)
    assert any(note.startswith("°: not shown to be worse") for note in table.notes)
    one_seed = task_table(fixed.results(), "qa", CONTEXT)
    assert not any("°" in note for note in one_seed.notes)
    assert any("Scores less than 7 points apart may differ by the luck of training alone" in n for n in one_seed.notes)


def test_training_data_names_sides_and_sizes() -> None:
    assert column(task_table(fixed.results(), "qa", CONTEXT), "Training data (examples)") == [
        "en (2,000)",
        "translated (1,990)",
        "translated (1,990)",
        "en (2,000)",
        "en (2,000)",
        "gold (200)",
    ]
    named = task_table(fixed.results(), "nli", replace(CONTEXT, data_names={"nli": "MNLI"}))
    assert column(named, "Training data (examples)")[:2] == ["MNLI-en (2,000)", "MNLI-target (1,990)"]


def test_models_are_told_apart_by_checkpoint_only_where_a_role_has_several() -> None:
    first = fixed.result(fixed.spec("nli", "zero-shot", "pt"), 0.6)
    in_german = replace(first, spec=replace(first.spec, target="de", checkpoint="hub/bert-de"))
    assert column(quality_table([first, in_german]), "Model") == ["target encoder"]
    other = replace(first, spec=replace(first.spec, checkpoint="offline:minilm"))
    assert column(quality_table([first, other]), "Model") == ["multilingual-encoder", "minilm"]


# -- seeds ------------------------------------------------------------------------------------


def test_one_seed_keeps_the_interval_of_its_test_examples_and_says_so() -> None:
    cell = fixed.spec("qa", "zero-shot", "pt")
    (line,) = lines([fixed.result(cell, 0.5)])
    found = line.standing("pt")
    assert found
    assert (found.value, found.seeds, found.tests_only) == (0.5, 1, True)
    assert (found.low, found.high) == pytest.approx((0.48, 0.52))
    notes = quality_table([fixed.result(cell, 0.5)]).notes
    assert any("95 % intervals are of test sampling only" in note for note in notes)


def test_seeds_share_a_line() -> None:
    cell = fixed.spec("qa", "zero-shot", "pt")
    results = [fixed.result(replace(cell, seed=seed), 0.5 + seed / 10) for seed in range(3)]
    (line,) = lines(results)
    assert len(line.at("pt")) == 3
    table = quality_table(results)
    assert column(table, "pt\nscore 95 %")[0].startswith("0.600 ")
    assert any("means over 3 seeds" in note for note in table.notes)
    assert column(provenance(results), "Which")[-3:] == ["0, 1, 2", "qa f1", "target-encoder"]


# -- renderings -------------------------------------------------------------------------------

HOSTILE = "[bold]x[/bold] | *y* _z_ <script> \x1b[31m\n`q`"


def test_text_from_data_is_never_markup() -> None:
    table = Table(HOSTILE, (Column("a"), Column(HOSTILE)), ((Cell("1"), Cell(HOSTILE)),), (HOSTILE,), {0: HOSTILE})
    shown = rendered(table, 200)
    assert shown.count("[bold]x[/bold] | *y* _z_ <script> \N{REPLACEMENT CHARACTER}[31m `q`") >= 4
    assert "\x1b" not in shown
    text = to_markdown(table)
    assert "<script>" not in text.replace("\\<", "")
    assert [line.replace("\\|", "").count("|") for line in text.splitlines() if line.startswith("|")] == [3, 3, 3, 3]
    assert next(csv.reader(io.StringIO(to_csv(table).partition("\n")[2])))[0]


def test_csv_is_read_back_as_written() -> None:
    cells = ['a,"b"', "c\nd", "é"]
    table = Table("t", tuple(Column(c) for c in cells), (tuple(Cell(c) for c in cells),))
    assert list(csv.reader(io.StringIO(to_csv(table)))) == [cells, cells]


def test_provenance_names_prices_and_their_sources() -> None:
    table = provenance(fixed.results(), Catalogue.load(), {"version": "0.1.0"})
    details = dict(zip(column(table, "Which"), column(table, "Details"), strict=True))
    assert details["google-translate@2026-11-22"].startswith("20 USD per 1,000,000 characters; checked 2026-11-22")
    assert details["version"] == "0.1.0"
    assert fixed.HARDWARE in details
    unknown = replace(fixed.results()[0], fine_tuning=fixed.usd("1", "gone@2020-01-01"))
    assert "not in this catalogue" in column(provenance([unknown], Catalogue.load()), "Details")


def test_the_price_list_fits_and_names_every_source() -> None:
    catalogue = Catalogue.load()
    table = price_table(catalogue, date(2026, 11, 25))
    text = rendered(table)
    assert max(map(len, text.splitlines())) <= 100
    assert all(row[0].text in text for row in table.rows)
    assert len(table.notes) == len(table.rows) == len(list(catalogue))
    assert column(table, "Price")[column(table, "Offer").index("v100-gcp")] == "2.48 USD / device-hour"
    assert all("(stale)" in age for age in column(price_table(catalogue, date(2028, 1, 1)), "Age"))


def test_tables_of_nothing_are_empty_not_broken(tmp_path: Path) -> None:
    assert [path.name for path in write_tables((), tmp_path)] == [
        "table1.md",
        "table1.csv",
        "provenance.md",
        "provenance.csv",
    ]
    assert rendered(quality_table(()))


def test_a_latency_that_was_timed_on_a_busy_machine_is_marked() -> None:
    """One of which the load is not known is not."""
    results = fixed.results()
    assert not any(BUSY_MARK in note for note in cost_table(results).notes)
    busy = tuple(replace(r, latency=tuple(replace(each, load=0.6) for each in r.latency)) for r in results)
    calm = tuple(replace(r, latency=tuple(replace(each, load=0.05) for each in r.latency)) for r in results)
    marked = {cell for cell in column(cost_table(busy), "Latency\ns/batch\nof 32") if cell.endswith(BUSY_MARK)}
    assert marked == {
        f"{cell} {BUSY_MARK}" for cell in column(cost_table(calm), "Latency\ns/batch\nof 32") if cell[:1].isdigit()
    }
    assert marked
    (note,) = (note for note in cost_table(busy).notes if BUSY_MARK in note)
    assert "up to 60.0 % of the machine's processors" in note


def test_energy_is_shown_where_it_was_metered_and_only_there() -> None:
    first, *others = fixed.results()
    nothing_beforehand = replace(first, energy_kwh=0.0)  # a first stage alone, of a run that metered nothing
    assert energy_table((nothing_beforehand, *others), CONTEXT) is None
    metered = tuple(replace(each, energy_kwh=0.25, energy_kwh_per_1k=0.5) for each in (first, *others))
    table = energy_table(metered, CONTEXT)
    assert table is not None
    assert set(column(table, "Estimated energy once (kWh)")) == {"0.25"}
    assert set(column(table, "Estimated energy serving (kWh/1k ex.)")) == {"0.5"}


# -- narrow terminals -------------------------------------------------------------------------


def wide_table() -> Table:
    """More columns than a narrow terminal has room for, a section, and texts without a blank."""
    columns = (
        Column("#"),
        Column("Method"),
        *(Column(f"Column\nno. {n}", number=True) for n in range(12)),
        Column("Where"),
    )
    rows = tuple(
        (Cell(f"({r})"), Cell("translate-train (Open S)"), *(Cell(f"{r}{n}.12345") for n in range(12)), Cell("x" * 40))
        for r in range(3)
    )
    return Table("Many columns", columns, rows, ("A note. " * 20,), {1: "A section"})


@pytest.mark.parametrize("width", [40, 60, 80, 100])
def test_no_line_is_wider_than_the_terminal_and_no_cell_is_lost(width: int) -> None:
    narrow = [*all_tables(fixed.results()), price_table(Catalogue.load()), wide_table()]
    for table in narrow:
        text = rendered(table, width)
        assert max(map(len, text.splitlines())) <= width
        assert "…" not in text
        # Texts may be folded anywhere, numbers never are.
        solid, words = "".join(text.split()), text.split()
        for index, each in enumerate(table.columns):
            found = [row[index].text for row in table.rows]
            for word in (word for cell in (each.title, *found) for word in cell.split()):
                assert word in words if each.number else all(part in solid for part in (word[:8], word[-3:])), (
                    word,
                    text,
                )


def test_a_table_that_fits_is_in_one_part_and_one_that_does_not_names_its_rows_in_each() -> None:
    table = wide_table()
    assert rendered(table, 250).count("Method") == 1
    parts = rendered(table, 80).split("(continued)")
    assert len(parts) > 1
    for part in parts:
        assert all(f"({row})" in part for row in range(3))
        assert part.count("A section") == 1
