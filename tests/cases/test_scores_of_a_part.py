"""A score that is not over the whole test file says over how many of how many examples, wherever it is shown."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

import tiny_run
from crossfare.experiment import run
from crossfare.report import quality_table, table1, task_table
from crossfare.report.latex import to_latex
from crossfare.report.table import to_csv, to_markdown
from crossfare.report.tables import language_table
from crossfare.types import Result
from report import fixed


def results(held: int | None) -> tuple[Result, ...]:
    """Scores of 500 examples each; German files hold ``held``."""
    made = fixed.results()
    return tuple(replace(each, held=held if each.spec.target == "de" else each.score.n) for each in made)


@pytest.mark.parametrize("held", [500, None])
def test_a_whole_file_needs_no_word(held: int | None) -> None:
    for table in (table1(results(held)), quality_table(results(held)), task_table(results(held), "qa")):
        assert "500 of" not in to_csv(table)
        assert not any("Scored" in text for text in (*table.notes, *(column.title for column in table.columns)))


def test_a_part_is_told_in_every_table_and_rendering() -> None:
    found = results(1_190)
    for table in (table1(found), quality_table(found), task_table(found, "qa", fixed.CONTEXT)):
        assert [column.title for column in table.columns if "Scored" in column.title] == ["Scored de"]
        assert any("QA de 500 of 1,190" in note for note in table.notes)
        assert all(len(row) == len(table.columns) for row in table.rows)
        for text in (to_markdown(table), to_csv(table), to_latex(table, "made")):
            assert "500 of 1,190" in text
    rows = list(csv.DictReader(io.StringIO(to_csv(language_table(found)))))
    assert {(row["target"], row["test_examples"], row["test_file_examples"]) for row in rows} == {
        ("pt", "500", "500"),
        ("de", "500", "1190"),
        ("vi", "500", "500"),
    }


def test_a_run_tells_what_its_scores_are_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tiny run asks for 8 pairs; of those of a file one has no label."""
    monkeypatch.setenv("CROSSFARE_CACHE", str(tmp_path / "cache"))
    lines = [
        f"Chove {n}.,Chove muito {n}.,{label}" for n, label in enumerate(["neutral", "entailment", "-", "neutral"])
    ]
    (tmp_path / "pares.csv").write_text("premise,hypothesis,label\n" + "\n".join(lines) + "\n", encoding="utf-8")
    tests = {"pt": {"ref": "world:nli", "limit": 8}, "de": "pares.csv"}
    spec = tiny_run.spec(
        tmp_path, methods=["zero-shot"], targets=["pt", "de"], tasks={"nli": tiny_run.task("nli", test=tests)}
    )
    finished = run(spec, out=tmp_path / "run", quiet=True, jobs=1)
    whole = {each.spec.target: each.held for each in finished.results}["pt"]
    told = {each.spec.target: each.scored for each in finished.results}
    assert whole is not None and whole > 8
    assert told == {"pt": f"8 of {whole}", "de": "3 of 4"}
    for each in finished.results:
        assert {score.signature.rpartition("|")[2] for score in (each.score, *each.further_scores)} == {
            f"scored:{each.scored}"
        }
    record = json.loads((tmp_path / "run" / "results.json").read_text(encoding="utf-8"))
    assert "scored:3 of 4" in record["results"][1]["score"]["signature"]
    for name in ("table3.md", "table3.csv", "table1.md", "provenance.md"):
        assert "3 of 4" in (tmp_path / "run" / "tables" / name).read_text(encoding="utf-8")
