"""Counts against counting by hand, and the paper's Tables 6 and 7 against the real files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from crossfare.data import inspect, tabulate
from crossfare.errors import ConfigError


def rows(path: Path, **call: str) -> dict[str, tuple[str, str, str, str]]:
    table = tabulate(inspect(path, **call))
    assert table.columns[:3] == ("", "all characters", "without white space")
    assert table.columns[3:] in ((), ("paper", "difference"))
    return {r.label: (r.value, r.without_space, r.paper, r.difference) for r in table.rows}


def question(id_: str, text: str, *answers: tuple[str, int]) -> dict[str, object]:
    return {"id": id_, "question": text, "answers": [{"text": t, "answer_start": s} for t, s in answers]}


def test_characters_are_code_points_counted_apart(tmp_path: Path) -> None:
    paragraphs = [
        {"context": "é 😀\u00a0b", "qas": [question("1", "a b", ("b", 4), ("é", 0)), question("2", "c", ("b", 4))]},
        {"context": "xyz", "qas": [question("3", "d", ("xy", 0))]},
        {"context": "é 😀\u00a0b", "qas": [question("4", "c", ("b", 0))]},
    ]
    path = tmp_path / "d.json"
    path.write_text(json.dumps({"data": [{"title": "T", "paragraphs": paragraphs}]}))
    inspection = inspect(path)
    counted = {c.what: (c.texts, c.characters, c.without_space) for c in inspection.counts}
    assert counted == {
        "contexts, distinct": (2, 8, 6),
        "contexts, once per paragraph": (3, 13, 9),
        "contexts, once per question": (4, 18, 12),
        "questions": (4, 6, 5),
        "answers, first of each question": (4, 5, 5),
        "answers, all": (5, 6, 6),
    }
    assert inspection.paper is None
    laid_out = rows(path)
    assert laid_out["repaired answers"][0] == "1"
    assert laid_out["repeated contents"][0] == "1"
    assert laid_out["contexts, distinct: 2"] == ("8 (4.00 each)", "6", "", "")


def test_pairs_and_labels(tmp_path: Path) -> None:
    path = tmp_path / "d.tsv"
    path.write_text("a b\tc\tneutral\na b\td\tneutral\ne\tf\t-\n")
    inspection = inspect(path)
    assert {c.what: (c.texts, c.characters, c.without_space) for c in inspection.counts} == {
        "premises": (3, 7, 5),
        "premises, distinct": (2, 4, 3),
        "hypotheses": (3, 3, 3),
    }
    assert inspection.labels == (("neutral", 2), ("unlabelled", 1))
    assert rows(path)["label unlabelled"][0] == "1"


def test_faquad_is_the_papers_to_the_character_without_white_space(shared_data: Path) -> None:
    inspection = inspect(shared_data / "faquad/train.json")
    assert inspection.paper is not None
    assert (inspection.paper.name, inspection.recognised) == ("faquad-train", "recognised by its 837 examples")
    laid_out = rows(shared_data / "faquad/train.json")
    assert laid_out["contexts, once per paragraph: 211"][0].startswith("164,452 ")
    assert laid_out["Table 6, against contexts alone"] == ("164,452", "", "210,804", "-46,352 (-22.0%)")
    assert laid_out["Table 6, against contexts + questions + first answers"] == (
        "246,821",
        "",
        "210,804",
        "+36,017 (+17.1%)",
    )
    assert laid_out["Table 6, against the same without white space"] == ("", "210,804", "210,804", "0")
    assert laid_out["Table 6, characters per paragraph, without white space"] == ("", "999.07", "999.07", "0")


def test_assin2_is_the_papers_to_the_character_without_white_space(shared_data: Path) -> None:
    laid_out = rows(shared_data / "assin2/assin2-train-only.xml.gz")
    assert laid_out["Table 7, against premises + hypotheses"][0] == "659,734"
    assert laid_out["Table 7, against the same without white space"] == ("", "554,639", "554,639", "0")
    assert laid_out["Table 7, characters per pair, without white space"] == ("", "85.33", "85.33", "0")


def test_a_name_can_be_given_and_a_language_rules_out(shared_data: Path) -> None:
    path = shared_data / "xnli/dev-vi.tsv"
    assert inspect(path).paper is None
    named = inspect(path, name="xnli-vi-test")
    assert named.paper is not None
    assert any("named by the caller" in note for note in tabulate(named).notes)
    assert inspect(shared_data / "faquad/train.json", language="de").paper is None


def test_an_unknown_name_lists_those_that_are_known(tmp_path: Path) -> None:
    path = tmp_path / "d.tsv"
    path.write_text("a\tb\tneutral\n")
    with pytest.raises(ConfigError, match=r"no figures for 'faquad'; it has them for squad-train, .*xnli-vi-test"):
        inspect(path, name="faquad")
