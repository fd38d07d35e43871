"""The specs in configs/: the paper's experiments run as they stand, with small models and data for the hub's."""

from __future__ import annotations

from pathlib import Path

import pytest

import tiny_models
from crossfare.data import world
from crossfare.experiment import cells, load_spec, missing, run
from crossfare.experiment.spec import LatencySpec, Spec, TaskSpec
from crossfare.experiment.spec_engine import DataRef
from crossfare.store import Store

CONFIGS = Path(__file__).resolve().parents[1] / "configs"
PAPER = ("qa", "nli", "assin2")


def paper(name: str) -> Spec:
    return load_spec(CONFIGS / "paper" / f"{name}.yaml")


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*/*.yaml")), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_config_is_a_valid_spec_with_every_cell_it_promises(path: Path) -> None:
    spec = load_spec(path)
    assert cells(spec)
    for cell, reason in missing(spec):
        if cell.task == "ranking":
            continue  # see test_the_papers_table_5_has_its_rows
        assert cell.method == "translate-train", reason  # the existing translation is into Portuguese only
        assert cell.target != "pt"


@pytest.mark.parametrize("name", ["qa", "nli"])
def test_the_papers_tables_2_and_3_have_their_rows(name: str) -> None:
    rows = {(cell.method, cell.model) for cell in cells(paper(name))}
    assert rows == {
        ("zero-shot", "target-encoder"),
        ("translate-train", "target-encoder"),
        ("translate-infer", "target-encoder"),
        ("translate-infer", "source-encoder"),
    }
    models = {(cell.model, cell.target): cell.checkpoint for cell in cells(paper(name))}
    assert models["target-encoder", "pt"] == "neuralmind/bert-base-portuguese-cased"
    assert models["target-encoder", "de"] == models["target-encoder", "vi"] != models["source-encoder", "de"]


def test_the_papers_table_5_has_its_rows() -> None:
    """Its empty cell too: Vietnamese has no open-source translation."""
    found = {(cell.method, cell.engine, cell.target) for cell in cells(paper("ranking"))}
    for target in ("pt", "de", "vi"):
        assert {("bm25", None, target), ("zero-shot", None, target)} <= found
        for method in ("translate-train", "translate-train-joint"):
            assert (method, "google", target) in found
            assert ((method, "helsinki", target) in found) == (target != "vi")
        for strategy in ("1", "2"):
            assert (f"translate-infer-strategy-{strategy}", "open", target) in found


def test_the_papers_hyperparameters_are_written_out_as_they_are_the_defaults() -> None:
    from crossfare.tasks import TASKS

    for name in (*PAPER, "ranking"):
        for task, spec in paper(name).tasks.items():
            assert TASKS[task].hyperparameters(**spec.training) == TASKS[task].hyperparameters()


def in_miniature(spec: Spec) -> Spec:
    """The same spec: small random BERTs for BERTs, the embedded Marian models for opus-mt, a few embedded examples."""

    def small(ref: DataRef, task: str) -> DataRef:
        return ref.model_copy(update={"ref": f"world:{task}", "limit": 6})

    def task(name: str, given: TaskSpec) -> TaskSpec:
        return given.model_copy(
            update={
                "train": small(given.train, name),
                "test": {target: small(ref, name) for target, ref in given.test.items()},
                "gold": {target: small(ref, name) for target, ref in given.gold.items()},
                "training": {**given.training, "epochs": 1},
                "back_projection": given.back_projection.model_copy(update={"aligner": tiny_models.checkpoint()}),
            }
        )

    marian = {"en-*": "embedded:marian-en-xx-marked", "*-en": "embedded:marian-xx-en-marked"}
    return spec.model_copy(
        update={
            "tasks": {name: task(name, given) for name, given in spec.tasks.items()},
            "models": {
                "source-encoder": (tiny_models.checkpoint(),),
                "target-encoder": (tiny_models.checkpoint(positions=96),),
            },
            "engines": {name: given.model_copy(update={"models": marian}) for name, given in spec.engines.items()},
            "latency": LatencySpec(batch_sizes=(2,), repeats=1, warmup=0),
        }
    )


@pytest.mark.parametrize("name", PAPER)
def test_the_papers_experiments_run_with_small_stand_ins(name: str, tmp_path: Path) -> None:
    pytest.importorskip("ctranslate2")
    spec = in_miniature(paper(name))
    done = run(spec, out=tmp_path / "run", jobs=1, store=Store(tmp_path / "cache"), quiet=True)
    assert [result.spec for result in done.results] == list(cells(spec))
    for result in done.results:
        assert 0 <= result.score.value <= 1
        assert result.fine_tuning is not None
        assert result.fine_tuning.usd > 0
        if "joint+gold" in result.spec.method:
            assert result.train_examples == 6 + 6 + 6
    assert (tmp_path / "run" / "results.json").is_file()


def mmarco(folder: Path) -> Path:
    """The embedded collection in mMARCO's files: numbered passages and queries in four languages, triples of ids."""
    asked = world.ranking("en", "validation").examples[:6]
    numbers = {passage.id: n for n, passage in enumerate(world.collection("en", "validation"))}
    gold = [numbers[query.judgements[0][0]] for query in asked]
    for language, name in (("en", "english"), ("pt", "portuguese"), ("de", "german"), ("vi", "vietnamese")):
        passages = [f"{n}\t{passage.text}" for n, passage in enumerate(world.collection(language, "validation"))]
        own = world.ranking(language, "validation").examples[:6]
        queries = [f"{n}\t{query.query}" for n, query in enumerate(own)]
        for engine in ("google", "helsinki"):
            write(folder / engine / "collections" / f"{name}_collection.tsv", passages)
            write(folder / engine / "queries" / "train" / f"{name}_queries.train.tsv", queries)
            write(folder / engine / "queries" / "dev" / f"{name}_queries.dev.small.tsv", queries)
    write(folder / "triples.train.ids.small.tsv", [f"{n}\t{p}\t{(p + 7) % len(numbers)}" for n, p in enumerate(gold)])
    write(folder / "qrels.dev.small.tsv", [f"{n}\t0\t{p}\t1" for n, p in enumerate(gold)])
    return folder


def write(path: Path, lines: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def test_the_papers_ranking_experiment_runs_with_small_stand_ins(tmp_path: Path) -> None:
    pytest.importorskip("ctranslate2")
    spec = load_spec(CONFIGS / "paper" / "ranking.yaml", data_dir=mmarco(tmp_path / "mmarco"))
    given = spec.tasks["ranking"]
    small = {
        "training": {**given.training, "max_steps": 1, "batch_size": 4, "max_length": 96},
        "prediction": {"max_length": 96},
        "ranking": given.ranking.model_copy(update={"depth": 4}),
    }
    engines = dict(spec.engines)
    engines["open"] = engines["open"].model_copy(update={"models": {"*-en": "embedded:marian-xx-en"}})
    model = (tiny_models.checkpoint("t5"),)
    spec = spec.model_copy(
        update={
            "targets": ("pt", "vi"),
            "tasks": {"ranking": given.model_copy(update=small)},
            "models": {"source-encoder": model, "target-encoder": model},
            "engines": engines,
            "latency": LatencySpec(repeats=0),
        }
    )
    done = run(spec, out=tmp_path / "run", jobs=1, store=Store(tmp_path / "cache"), quiet=True)
    assert [result.spec for result in done.results] == list(cells(spec))
    by_method = {(r.spec.method, r.spec.engine, r.spec.target): r for r in done.results}
    assert by_method["translate-train", "google", "vi"].train_examples == 6
    assert by_method["translate-train-joint", "helsinki", "pt"].train_examples == 12
