"""Translations in a run: scored where there is a reference, linted always, bad ones dropped on request."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import tiny_run
from crossfare import data
from crossfare.data import artifact, world
from crossfare.errors import ConfigError, DataError
from crossfare.experiment import Spec, score_translation
from crossfare.experiment.quality import world_quality
from crossfare.experiment.stages import execute
from crossfare.experiment.steps import Planner
from crossfare.report.run_tables import translation_quality_table
from crossfare.store import Store
from crossfare.types import PairExample

REFERENCE = {"engine": "reference", "options": {"parallel": "world"}, "price": "google-translate"}


def made(spec: Spec, store: Store) -> tuple[dict[str, Any], Path]:
    """Make the translated training set of a spec's one cell, and return its record and its folder."""
    (cell,) = Planner(spec).plan()
    (translation,) = cell.one_time
    for step in cell.all:
        if step.stage in ("dataset", "translate", "existing"):
            execute(step, store)
    folder = store.artifact(translation.id)
    return json.loads((folder / "yield.json").read_text(encoding="utf-8")), folder


def test_a_translation_is_scored_against_the_world_and_shown_in_the_report(tmp_path: Path) -> None:
    spec = tiny_run.spec(tmp_path, methods=["translate-train"], engines={"ref": REFERENCE})
    record, _ = made(spec, Store(tmp_path))
    assert record["report"]["lint"]["checked"] == 24
    assert not any(record["report"]["lint"]["counts"].values())
    scores = {each["metric"]: each for each in record["quality"]}
    assert scores["bleu"]["value"] == pytest.approx(1)
    record["report"]["lint"]["counts"]["truncated"] = 1
    record["report"]["lint"]["examples"]["truncated"] = ["<b>x1</b>"]
    table = translation_quality_table({"data": {"t": {"label": "nli ref", **record}}})
    assert [column.title for column in table.columns][:4] == ["Translation", "BLEU", "chrF", "Texts"]
    assert [cell.text for cell in table.rows[0]][:4] == ["nli ref", "100.0", "100.0", "24"]
    assert any("tok:13a" in note for note in table.notes)
    assert "nli ref: truncated in <b>x1</b>" in table.notes
    assert translation_quality_table({"data": {"old": {"label": "x", "kept": 1, "total": 1, "lost": []}}}).rows == ()


def test_dropping_bad_examples_is_part_of_the_training_translation_alone(tmp_path: Path) -> None:
    methods = ["translate-train", "translate-infer", "translate-infer-round-trip"]

    def steps(**changes: Any) -> dict[str, str]:
        spec = tiny_run.spec(tmp_path, methods=methods, engines={"echo": {"engine": "echo", **changes}})
        return {step.label: step.id for cell in Planner(spec).plan() for step in cell.all}

    plain, dropping = steps(), steps(drop_bad=True)
    assert plain == steps(drop_bad=False)
    changed = {label for label, step_id in plain.items() if dropping[label] != step_id}
    assert {"nli echo en-pt: training set", "nli echo pt-en: training set, there and back"} <= changed
    assert "nli echo pt-en: test pt" not in changed


def test_what_was_dropped_is_not_sent_back_and_the_way_back_drops_too(tmp_path: Path) -> None:
    methods, engines = ["translate-infer-round-trip"], {"echo": {"engine": "echo", "drop_bad": True}}
    store = Store(tmp_path)
    cell = Planner(tiny_run.spec(tmp_path, methods=methods, engines=engines)).plan()[0]
    there, back = cell.one_time
    assert (there.params["drop_bad"], back.params["drop_bad"]) == (True, True)
    for step in cell.all:
        if step.stage == "dataset" or step in cell.one_time:
            execute(step, store)
    sent, kept = artifact.read(store.artifact(there.id)), artifact.read(store.artifact(back.id))
    record = json.loads((store.artifact(back.id) / "yield.json").read_text(encoding="utf-8"))
    assert record["total"] == len(sent) < 12
    assert store.usage(back.id).characters == sum(
        map(len, {text for example in sent.examples for text in example.texts})
    )
    assert {each["id"] for each in record["report"]["lost"]} == {e.id for e in sent.examples} - {
        e.id for e in kept.examples
    }


def test_dropped_examples_are_lost_with_the_reason(tmp_path: Path) -> None:
    spec = tiny_run.spec(tmp_path, methods=["translate-train"], engines={"echo": {"engine": "echo", "drop_bad": True}})
    record, folder = made(spec, Store(tmp_path))
    assert record["kept"] == len(artifact.read(folder)) < record["total"] == 12
    assert record["lost"] == [each["id"] for each in record["report"]["lost"]]
    assert all(each["reason"].startswith("lint: untranslated") for each in record["report"]["lost"])
    assert record["report"]["lint"]["counts"]["untranslated"] == len(record["lost"])


def test_an_existing_translation_is_linted_and_dropped_from(tmp_path: Path) -> None:
    known = world.nli("pt", "train")
    first, second, *others = known.examples[:12]
    assert isinstance(first, PairExample)
    cut = replace(first, premise=" ".join(first.premise.split()[:3]))
    path = tmp_path / "translated.jsonl"
    data.save(replace(known, examples=(cut, second, *others)), path)
    existing = {"engine": "existing", "existing": {"nli": {"pt": str(path)}}, "price": "google-translate"}
    counts = []
    for drop_bad in (False, True):
        engines = {"bought": {**existing, "drop_bad": drop_bad}}
        record, _ = made(tiny_run.spec(tmp_path, methods=["translate-train"], engines=engines), Store(tmp_path))
        assert record["report"]["lint"]["examples"]["truncated"] == [first.id]
        counts.append((record["kept"], [each["reason"] for each in record["report"]["lost"]]))
    assert counts == [(12, []), (11, ["lint: truncated"])]


def test_only_what_has_a_known_reference_is_scored() -> None:
    dataset = world.nli("pt", "test")
    assert [each["value"] for each in world_quality(dataset, "pt")] == pytest.approx([1.0, 1.0])
    assert world_quality(replace(dataset, name="other"), "pt") == []
    assert all(world_quality(dataset, target) == [] for target in ("sw", "pt-BR"))
    english = world_quality(world.nli("en", "test"), "pt")
    assert all(each["value"] < 0.5 for each in english)
    assert english[0]["n"] <= 1000


def test_datasets_are_scored_by_id_and_shared_texts_once(tmp_path: Path) -> None:
    paths = {}
    for language in ("pt", "de"):
        dataset = world.qa(language, "test")
        paths[language] = tmp_path / f"{language}.json"
        data.save(replace(dataset, examples=dataset.examples[:30]), paths[language])
    bleu, _ = score_translation(paths["pt"], paths["pt"], target="pt", task="qa")
    assert bleu.value == pytest.approx(1)
    texts = {text for example in world.qa("pt", "test").examples[:30] for text in (example.context, example.question)}  # type: ignore[union-attr]
    assert bleu.n == len(texts)
    other, _ = score_translation(paths["de"], paths["pt"], target="pt", task="qa")
    assert other.value < 0.3
    with pytest.raises(ConfigError, match="unknown task 'sum'"):
        score_translation(paths["pt"], paths["pt"], target="pt", task="sum")


def test_lines_are_scored_in_order(tmp_path: Path) -> None:
    made, known = tmp_path / "made.txt", tmp_path / "known.txt"
    made.write_text("uma casa\n\num gato preto\n", encoding="utf-8")
    known.write_text("uma casa\num cão\num gato preto", encoding="utf-8")
    bleu, chrf = score_translation(made, known, target="pt")
    assert bleu.n == 3
    assert 0 < chrf.value < 1
    known.write_text("uma casa\n", encoding="utf-8")
    with pytest.raises(DataError, match="3 translations for 1 references"):
        score_translation(made, known, target="pt")
    with pytest.raises(DataError, match="cannot be read"):
        score_translation(made, tmp_path / "missing", target="pt")
