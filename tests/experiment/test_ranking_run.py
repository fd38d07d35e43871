"""Ranking, whole: baselines, rerankers and both strategies of translating at inference, with real steps."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

import tiny_run
from crossfare.compare import decisions, read_run, recommend
from crossfare.data.collection import Collection
from crossfare.errors import DataError
from crossfare.experiment import Run, cells, run
from crossfare.experiment.revisions import data_revision
from crossfare.experiment.stages.translate_candidates import without_lost
from crossfare.experiment.steps import Planner
from crossfare.ledger import Catalogue
from crossfare.store import Store
from crossfare.types import Prediction, Result, Usage

METHODS = (
    *("bm25", "bi-encoder", "zero-shot", "translate-train", "translate-infer-strategy-1"),
    *("translate-infer-strategy-2", "in-language"),
)
DEPTH = 5


def beir(folder: Path, queries: int = 6) -> Path:
    """A collection in which every passage answers one query, and shares words with its neighbours."""
    animals = ("cat", "dog", "cow", "hen", "fox", "owl")
    places = ("garden", "river", "forest")
    passages = [f"The {animal} lives in the {place}." for animal in animals for place in places]
    folder.mkdir()
    corpus = [json.dumps({"_id": f"p{i}", "title": "", "text": text}) for i, text in enumerate(passages)]
    asked = [json.dumps({"_id": f"q{i}", "text": f"Which {animals[i]} is in the forest?"}) for i in range(queries)]
    (folder / "corpus.jsonl").write_text("\n".join(corpus), encoding="utf-8")
    (folder / "queries.jsonl").write_text("\n".join(asked), encoding="utf-8")
    (folder / "qrels").mkdir()
    for split in ("train", "test"):
        rows = [f"q{i}\tp{3 * i + 2}\t1" for i in range(queries)]
        lines = ["query-id\tcorpus-id\tscore", *rows]
        (folder / "qrels" / f"{split}.tsv").write_text("\n".join(lines), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Path]:
    folder = tmp_path_factory.mktemp("ranking")
    data = str(beir(folder / "beir"))
    task = {
        **{role: {"ref": data, "split": split} for role, split in (("train", "train"), ("test", "test"))},
        "gold": {"ref": data, "split": "train", "limit": 2},
        "ranking": {"depth": DEPTH, "negatives": 2, "mining_depth": 4, "bm25": {"k1": 0.9, "b": 0.4}},
        "training": {"optimizer": "adamw", "loss": "listwise", "max_steps": 2, "batch_size": 4, "max_length": 48},
        "prediction": {"max_length": 48},
    }
    spec = tiny_run.spec(
        folder,
        tasks={"ranking": task},
        methods=list(METHODS),
        seeds=[0, 1],
        prices={"compute": "cpu-core"},
        latency={"repeats": 1, "batch_sizes": [2]},
    )
    return run(spec, out=folder / "out", jobs=2, store=Store(folder / "cache"), quiet=True), folder


def found(finished: tuple[Run, Path], method: str, model: str = "target-encoder", seed: int = 0) -> Result:
    wanted = (method, model, seed)
    return next(r for r in finished[0].results if (r.spec.method, r.spec.model, r.spec.seed) == wanted)


def test_baselines_are_not_trained_and_run_once(finished: tuple[Run, Path]) -> None:
    for method, model in (("bm25", "bm25"), ("bi-encoder", "target-encoder")):
        result = found(finished, method, model)
        assert result.fine_tuning is None
        assert result.train_examples == 0
        assert result.inference_per_1k.usd > 0
        assert [r.spec.seed for r in finished[0].results if r.spec.method == method] == [0]
    assert {r.spec.seed for r in finished[0].results if r.spec.method == "zero-shot"} == {0, 1}


def test_an_identity_translation_changes_no_score(finished: tuple[Run, Path]) -> None:
    """Translated training data, a translated collection and translated candidates are the originals themselves."""
    expected = found(finished, "zero-shot").score
    assert expected.metric == "mrr@10"
    for method in ("translate-train", "translate-infer-strategy-2"):
        assert found(finished, method).score.per_example == expected.per_example, method
    # Strategy 1 searches in the source language's own analysis (here both find the same candidates or nearly so).
    assert found(finished, "translate-infer-strategy-1").score.n == expected.n


def test_what_is_paid_once_and_what_when_serving(finished: tuple[Run, Path]) -> None:
    train, one, two = (
        found(finished, name)
        for name in ("translate-train", "translate-infer-strategy-1", "translate-infer-strategy-2")
    )
    assert train.translation is not None
    assert train.translation_per_1k is None
    assert train.train_yield is not None
    assert one.translation is not None
    assert one.translation_per_1k is not None
    assert two.translation is None
    assert two.translation_per_1k is not None
    assert two.translation_per_1k.usd > one.translation_per_1k.usd
    assert [latency.batch_size for latency in two.latency] == [2]
    gold = found(finished, "in-language")
    assert gold.annotation == Catalogue.load().cost(Usage(annotated=2), "annotation-ranking")


def test_strategy_2_is_billed_for_every_candidate_of_every_query(finished: tuple[Run, Path]) -> None:
    folder = finished[1]
    store = Store(folder / "cache")
    result = found(finished, "translate-infer-strategy-2")
    step = next(s for s in result.steps if s.startswith("translate-candidates"))
    run_step = next(s for s in found(finished, "zero-shot").steps if s.startswith("retrieve") and _deep(store, s))
    predictions = json.loads((store.artifact(run_step) / "predictions.json").read_text(encoding="utf-8"))
    collection_step = next(s for s in found(finished, "bm25", "bm25").steps if s.startswith("collection"))
    with Collection.open(store.artifact(collection_step)) as collection:
        served = [collection[name] for each in predictions for name, _ in each["scores"]]
    assert len(served) > len(set(served))  # otherwise nothing is tested
    usage = store.usage(step)
    assert usage.characters == sum(map(len, served))
    assert not usage.measured


def _deep(store: Store, step_id: str) -> bool:
    predictions = json.loads((store.artifact(step_id) / "predictions.json").read_text(encoding="utf-8"))
    return max(len(each["scores"]) for each in predictions) == DEPTH


def test_the_table_is_the_papers_table_5(finished: tuple[Run, Path]) -> None:
    text = (finished[0].folder / "tables" / "table5.md").read_text(encoding="utf-8")
    assert text.startswith("## Table 5") or "Table 5: results on the Ranking task (MRR@10)" in text
    assert "BM25" in text
    assert "strategy 1" in text


def test_the_run_directory_can_be_read_again(finished: tuple[Run, Path]) -> None:
    assert read_run(finished[0].folder).results == finished[0].results


def test_a_candidate_lost_in_translation_is_not_ranked(tmp_path: Path) -> None:
    run = (
        Prediction("q1", "a", scores=(("a", 2.0), ("b", 1.0))),
        Prediction("q2", "a", scores=(("a", 2.0),)),
    )
    assert without_lost(run, tmp_path) == run
    (tmp_path / "yield.json").write_text(json.dumps({"kept": 1, "total": 2, "lost": ["a"]}), encoding="utf-8")
    assert without_lost(run, tmp_path) == (Prediction("q1", "b", scores=(("b", 1.0),)), Prediction("q2", "", scores=()))


def test_lost_passages_are_recorded_as_lost_examples_are(finished: tuple[Run, Path]) -> None:
    """The report reads the reasons of both from one place."""
    store = Store(finished[1] / "cache")
    steps = [s for s in found(finished, "translate-infer-strategy-2").steps if s.startswith("translate-")]
    passages, queries = (
        json.loads((store.artifact(step) / "yield.json").read_text(encoding="utf-8"))
        for step in sorted(steps, key=lambda step: not step.startswith("translate-candidates"))
    )
    assert passages["lost"] == passages["report"]["lost"] == []
    assert queries["lost"] == queries["report"]["lost"] == []


def test_graded_judgements_that_count_alike_are_told_of_wherever_the_scores_are(tmp_path: Path) -> None:
    data = beir(tmp_path / "beir")
    rows = (data / "qrels" / "test.tsv").read_text(encoding="utf-8").replace("\t1\n", "\t3\n", 1)
    (data / "qrels" / "test.tsv").write_text(rows, encoding="utf-8")
    role = {"ref": str(data), "split": "test"}

    def noted(scoring: dict[str, int]) -> list[tuple[str, ...]]:
        task = {"train": role, "test": role, "ranking": {"depth": DEPTH}, "scoring": scoring}
        spec = tiny_run.spec(tmp_path, name=f"of-{len(scoring)}", tasks={"ranking": task}, methods=["bm25"])
        made = run(spec, out=tmp_path / spec.name, jobs=1, store=Store(tmp_path / "cache"), quiet=True)
        (decision,) = decisions([read_run(made.folder)])
        told = (made.results[0].test_notes, decision.notes, [note for table in made.tables for note in table.notes])
        return [tuple(note for note in each if "count as relevant in MRR" in note) for each in told]

    result, decision, tables = noted({})
    assert len(result) == len(decision) == 1
    assert set(tables) == {f"Ranking in pt: {result[0]}."}
    assert noted({"relevant": 2}) == [(), (), ()]


def test_methods_of_other_tasks_make_no_cells(tmp_path: Path) -> None:
    both = tiny_run.spec(tmp_path, methods=["translate-infer", "bm25"])
    assert {cell.method for cell in cells(both)} == {"translate-infer"}


def test_steps_are_shared_between_methods(finished: tuple[Run, Path]) -> None:
    by_method = {r.spec.method: set(r.steps) for r in finished[0].results if r.spec.seed == 0}
    assert by_method["bm25"] - {s for s in by_method["bm25"] if s.startswith("score")} <= by_method["zero-shot"]


def test_a_folders_revision_is_its_contents(tmp_path: Path) -> None:
    folder = beir(tmp_path / "one")
    first = data_revision(str(folder))
    (folder / "corpus.jsonl").write_text("changed", encoding="utf-8")
    data_revision.cache_clear()
    assert data_revision(str(folder)) != first
    with pytest.raises(DataError, match="cannot be read"):
        data_revision(str(tmp_path / "absent"))


def test_a_spec_without_negatives_takes_its_training_data_for_triples(tmp_path: Path) -> None:
    data = str(beir(tmp_path / "beir"))
    task = {"train": {"ref": data, "split": "train"}, "test": {"ref": data, "split": "test"}}
    spec = tiny_run.spec(tmp_path, tasks={"ranking": task}, methods=["zero-shot"])
    stages = [step.stage for step in Planner(spec).plan()[0].all]
    assert "mine" not in stages
    assert stages.count("retrieve") == 1


def test_the_trivial_baseline_is_what_the_first_stage_of_the_same_candidates_scores(finished: tuple[Run, Path]) -> None:
    results = {result.spec.method: result for result in finished[0].results}
    first_stage = results["bm25"].score.value
    # The echo engine translates into the very same text, but what is searched then is analysed as English.
    untranslated = {method for method in METHODS if method != "translate-infer-strategy-1"}
    assert {results[method].baseline for method in untranslated} == {first_stage}
    assert results["translate-infer-strategy-1"].baseline is not None
    assert len({result.tested for result in results.values()}) == 1
    (decision,) = decisions([read_run(finished[0].folder)])
    made = recommend(decision, Decimal(1000))
    assert next(v for v in made.verdicts if v.option.label == "bm25").status == "not-above-baseline"
