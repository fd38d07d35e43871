"""The specs in configs/: the paper's experiments run as they stand, with small models and data for the hub's."""

from __future__ import annotations

from pathlib import Path

import pytest

from crossfare.experiment import cells, load_spec, missing, run
from crossfare.experiment.spec import DataRef, LatencySpec, Spec, TaskSpec
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


def test_the_papers_hyperparameters_are_written_out_as_they_are_the_defaults() -> None:
    from crossfare.tasks import TASKS

    for name in PAPER:
        for task, spec in paper(name).tasks.items():
            assert TASKS[task].hyperparameters(**spec.training) == TASKS[task].hyperparameters()


def in_miniature(spec: Spec) -> Spec:
    """The same spec: small random BERTs for BERTs, the embedded Marian models for opus-mt, a few embedded examples."""
    from tiny_models import checkpoint

    def small(ref: DataRef, task: str) -> DataRef:
        return ref.model_copy(update={"ref": f"world:{task}", "limit": 6})

    def task(name: str, given: TaskSpec) -> TaskSpec:
        return given.model_copy(
            update={
                "train": small(given.train, name),
                "test": {target: small(ref, name) for target, ref in given.test.items()},
                "gold": {target: small(ref, name) for target, ref in given.gold.items()},
                "training": {**given.training, "epochs": 1},
            }
        )

    marian = {"en-*": "embedded:marian-en-xx-marked", "*-en": "embedded:marian-xx-en-marked"}
    return spec.model_copy(
        update={
            "tasks": {name: task(name, given) for name, given in spec.tasks.items()},
            "models": {"source-encoder": (checkpoint(),), "target-encoder": (checkpoint(positions=96),)},
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
        assert result.fine_tuning.usd > 0
        if "joint+gold" in result.spec.method:
            assert result.train_examples == 6 + 6 + 6
    assert (tmp_path / "run" / "results.json").is_file()
