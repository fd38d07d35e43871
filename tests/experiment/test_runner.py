"""Runs, whole: shared steps, resumption after a kill, money that adds up, results that can be read again."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path

import pytest
from rich.console import Console

import tiny_models
import tiny_run
from crossfare.compare import decisions, read_run
from crossfare.compare.runs import RESULTS
from crossfare.errors import ConfigError, CrossfareError, DataError, PriceError
from crossfare.experiment import Run, dry_run, run
from crossfare.experiment.cell import distinct
from crossfare.experiment.forecast.measurements import Measurements
from crossfare.experiment.steps import Planner
from crossfare.ledger import Book, Catalogue, read_entries
from crossfare.model import labels
from crossfare.store import Store
from crossfare.types import NLI_LABELS, Step, Usage


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Path]:
    """Every method once, both tasks, with the echo engine."""
    folder = tmp_path_factory.mktemp("run")
    methods = ["zero-shot", "translate-train", "translate-infer", "in-language", "translate-train-joint+gold"]
    tasks = {"nli": tiny_run.task("nli"), "qa": tiny_run.task("qa")}
    spec = tiny_run.spec(folder, methods=methods, tasks=tasks, latency={"repeats": 1, "batch_sizes": [2]})
    return run(spec, out=folder / "out", jobs=2, store=Store(folder / "cache"), quiet=True), folder


def test_every_cell_has_a_result_with_its_costs(finished: tuple[Run, Path]) -> None:
    results = {(r.spec.task, r.spec.method, r.spec.model): r for r in finished[0].results}
    assert len(results) == 2 * 6
    for result in results.values():
        assert 0.0 <= result.score.low <= result.score.value <= result.score.high <= 1.0
        assert result.score.n == len(result.score.per_example) == 8
        assert result.fine_tuning is not None
        assert result.fine_tuning.usd > 0
        assert result.inference_per_1k.usd > 0
    zero_shot = results["nli", "zero-shot", "target-encoder"]
    assert zero_shot.translation is None
    assert zero_shot.translation_per_1k is None
    assert zero_shot.annotation is None
    assert zero_shot.train_examples == 12
    translated = results["qa", "translate-train", "target-encoder"]
    assert translated.translation is not None
    assert translated.train_yield is not None
    assert translated.train_yield.rate == 1.0
    served = results["qa", "translate-infer", "source-encoder"]
    assert served.translation_per_1k is not None
    assert [latency.batch_size for latency in served.latency] == [2]
    gold = results["nli", "in-language", "target-encoder"]
    assert gold.annotation is not None
    assert gold.annotation == Catalogue.load().cost(Usage(annotated=6), "annotation-nli")
    assert results["nli", "translate-train-joint+gold", "target-encoder"].train_examples == 12 + 12 + 6


def test_marginal_costs_add_up_to_what_the_run_cost(finished: tuple[Run, Path]) -> None:
    made, _ = finished
    ledger = made.folder / "ledger.jsonl"
    record = json.loads((made.folder / "results.json").read_text(encoding="utf-8"))
    latency = sum(
        1 for line in ledger.read_text(encoding="utf-8").splitlines() if json.loads(line)["stage"] == "latency"
    )
    assert latency == 2
    total = sum((r.marginal.usd for r in made.results), Decimal(0))
    assert 0 < total <= Decimal(record["total_usd"])
    for result in made.results:
        assert result.marginal.usd <= result.standalone.usd


def test_the_run_directory_can_be_read_again(finished: tuple[Run, Path]) -> None:
    made, _ = finished
    record = json.loads((made.folder / "results.json").read_text(encoding="utf-8"))
    assert RESULTS.validate_python(record["results"]) == made.results
    assert read_run(made.folder).results == made.results
    assert {"crossfare", "python", "packages", "hardware", "prices"} <= set(record["provenance"])
    for name in ("table1.md", "table1.csv", "table2.md", "table3.csv", "provenance.md"):
        assert (made.folder / "tables" / name).stat().st_size > 0
    for step_id in made.results[0].steps:
        assert (made.folder / "steps" / step_id / "done").exists()
    text = (made.folder / "spec.yaml").read_text(encoding="utf-8")
    assert "data_dir" not in text
    offers = {
        "compute": "cpu-core",
        "engine:echo": "compute",
        "annotation:qa": "annotation-qa",
        "annotation:nli": "annotation-nli",
    }
    book = Book(Catalogue.load(), offers, read_entries(made.folder / "ledger.jsonl"))
    assert book.total(entry.step_id for entry in book).usd == Decimal(record["total_usd"])


def test_a_second_run_does_nothing_and_finds_the_same(
    finished: tuple[Run, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    made, folder = finished

    def refuse(step: Step, root: Path) -> None:
        raise AssertionError(f"{step.label} was done again")

    monkeypatch.setattr("crossfare.experiment.schedule._execute", refuse)
    methods = ["zero-shot", "translate-train", "translate-infer", "in-language", "translate-train-joint+gold"]
    tasks = {"nli": tiny_run.task("nli"), "qa": tiny_run.task("qa")}
    spec = tiny_run.spec(folder, methods=methods, tasks=tasks, latency={"repeats": 1, "batch_sizes": [2]})
    store = Store(folder / "cache")
    assert all(done for _, _, done in dry_run(spec, store=store))
    again = run(spec, out=folder / "again", jobs=2, store=store, quiet=True)
    assert again.results == made.results
    entries = [json.loads(line) for line in (again.folder / "ledger.jsonl").read_text(encoding="utf-8").splitlines()]
    assert all(entry["reused"] for entry in entries)


@pytest.mark.parametrize("name", ["results.json", "ledger.jsonl", "spec.yaml"])
def test_a_run_directory_that_was_edited_is_named(finished: tuple[Run, Path], tmp_path: Path, name: str) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(finished[0].folder, folder, symlinks=True)
    assert read_run(folder).results == finished[0].results
    text = (folder / name).read_text(encoding="utf-8")
    (folder / name).write_text(text.replace("echo", "ohce", 1), encoding="utf-8")
    for reads in (read_run, Measurements().read_run):
        with pytest.raises(DataError, match=f"{name}: was changed since the run wrote it; run its spec again"):
            reads(folder)


def test_a_step_that_was_edited_is_made_again_and_says_so(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    store, spec = Store(tmp_path / "cache"), tiny_run.spec(tmp_path, methods=["zero-shot"])
    made = run(spec, out=tmp_path / "out", jobs=1, store=store, quiet=True)
    (scores,) = store.root.glob("steps/score-*/artifact/scores.json")
    scores.write_text(re.sub(r'"value": ?[0-9.]+', '"value":0.99', scores.read_text()))
    (usage,) = store.root.glob("steps/finetune-*/usage.json")
    usage.write_text(re.sub(r'"seconds": [0-9.]+', '"seconds": 9999', usage.read_text()))
    assert sum(not done for _, _, done in dry_run(spec, store=store)) == 2
    again = run(spec, out=tmp_path / "out", jobs=1, store=store, quiet=True)
    assert [result.score for result in again.results] == [result.score for result in made.results]
    assert '"seconds": 9999' not in (again.folder / "ledger.jsonl").read_text(encoding="utf-8")
    assert capfd.readouterr().err.count("was changed since it was made; it is made again") == 2


def test_a_folder_of_another_run_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    store = Store(tmp_path / "cache")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "precious.txt").write_text("x")
    with pytest.raises(ConfigError, match="holds files that no run wrote"):
        run(tiny_run.spec(tmp_path), out=tmp_path / "out", store=store, quiet=True, force=True)
    assert not store.root.exists()


def test_cells_share_their_steps(tmp_path: Path) -> None:
    spec = tiny_run.spec(tmp_path, targets=["pt", "de", "vi"], methods=["zero-shot", "translate-infer"])
    plan = Planner(spec).plan()
    stages = [step.stage for step in distinct(step for cell in plan for step in cell.all)]
    assert stages.count("finetune") == 1  # both roles are played by one checkpoint here
    assert stages.count("translate") == 3
    assert stages.count("predict") == 6


def test_a_seed_changes_only_what_depends_on_it(tmp_path: Path) -> None:
    one, two = (Planner(tiny_run.spec(tmp_path, seeds=[seed])).plan() for seed in (1, 2))
    ids = [{step.id for step in distinct(s for cell in plan for s in cell.all)} for plan in (one, two)]
    assert {step_id.partition("-")[0] for step_id in ids[0] & ids[1]} == {"dataset", "translate"}


def test_a_killed_run_goes_on_where_it_was(tmp_path: Path) -> None:
    program = f"""
import sys
from pathlib import Path
sys.path[:0] = {[str(Path(__file__).parents[1])]!r}
import tiny_models, tiny_run
from crossfare.experiment import run
from crossfare.store import Store
if __name__ == "__main__":
    folder = Path(sys.argv[1])
    tiny_models.checkpoint = lambda kind: sys.argv[2]
    run(tiny_run.spec(folder), out=folder / "out", jobs=1, store=Store(folder / "cache"), quiet=True)
"""
    script = tmp_path / "program.py"
    script.write_text(program)
    model = tiny_run.tiny_models.checkpoint("bert")
    store = Store(tmp_path / "cache")
    killed = subprocess.Popen([sys.executable, str(script), str(tmp_path), model], start_new_session=True)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not list((store.root / "steps").glob("finetune-*/done")):
        assert killed.poll() is None
        time.sleep(0.02)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    kept = {path.parent.name: path.stat().st_mtime_ns for path in (store.root / "steps").glob("*/done")}
    assert kept
    spec = tiny_run.spec(tmp_path)
    made = run(spec, out=tmp_path / "out", jobs=1, store=store, quiet=True)
    assert {name: (store.folder(name) / "done").stat().st_mtime_ns for name in kept} == kept
    fresh = run(spec, out=tmp_path / "fresh", jobs=1, store=Store(tmp_path / "other"), quiet=True)
    assert [r.score for r in made.results] == [r.score for r in fresh.results]


def test_workers_end_with_a_killed_run() -> None:
    program = """
import multiprocessing, os, sys, time
from crossfare.experiment import schedule
class Silent:
    def started(self, step): pass
    def advanced(self, *event): pass
    def finished(self, *args, **kwargs): pass
if __name__ == "__main__":
    with schedule.workers(1, Silent()) as pool:
        print(pool.submit(os.getpid).result(), flush=True)
        time.sleep(60)
"""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "program.py"
        script.write_text(program)
        parent = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        parent.kill()
        parent.wait()
        parent.stdout.close()
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                os.kill(worker, 0)
            except ProcessLookupError:
                return
            time.sleep(0.05)
        os.kill(worker, signal.SIGKILL)
        pytest.fail("the worker outlived its run")


def test_a_failed_step_is_one_line_that_names_it_and_keeps_the_rest(tmp_path: Path) -> None:
    (tmp_path / "test.tsv").write_text("one\ttwo\tneutral\nnot three columns\n", encoding="utf-8")
    changes = {"tasks": {"nli": tiny_run.task("nli", test="test.tsv")}}
    store = Store(tmp_path / "cache")
    with pytest.raises(CrossfareError, match="nli test pt: ") as caught:
        run(tiny_run.spec(tmp_path, **changes), out=tmp_path / "out", jobs=1, store=store, quiet=True)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_unknown_prices_and_files_are_found_before_anything_runs(tmp_path: Path) -> None:
    store = Store(tmp_path / "cache")
    with pytest.raises(PriceError, match="no price is known for 'gpu-of-mine'"):
        run(tiny_run.spec(tmp_path, prices={"compute": "gpu-of-mine"}), store=store, quiet=True)
    changes = {"tasks": {"nli": tiny_run.task("nli", test="nowhere.tsv")}}
    with pytest.raises(CrossfareError, match=r"nowhere\.tsv: cannot be read"):
        run(tiny_run.spec(tmp_path, **changes), store=store, quiet=True)
    with pytest.raises(ConfigError, match="'learning' is not a hyperparameter"):
        run(
            tiny_run.spec(tmp_path, tasks={"nli": tiny_run.task("nli", training={"learning": 1})}),
            store=store,
            quiet=True,
        )
    assert not list(store.root.glob("steps/*"))


def test_engines_that_differ_in_their_price_only_are_refused(tmp_path: Path) -> None:
    store = Store(tmp_path / "cache")
    one, other = {"engine": "echo"}, {"engine": "echo", "price": "google-translate"}
    with pytest.raises(ConfigError, match=r"'a' \(compute\) and 'b' \(google-translate\) make the same translations"):
        run(tiny_run.spec(tmp_path, engines={"a": one, "b": other}), store=store, quiet=True)
    assert not list(store.root.glob("steps/*"))
    run(tiny_run.spec(tmp_path, engines={"a": one, "b": one}), out=tmp_path / "out", store=store, quiet=True)
    assert len(read_run(tmp_path / "out").results) == 3


def test_a_model_that_answers_everything_the_same_is_named(tmp_path: Path) -> None:
    only = tmp_path / "nearly-all-neutral.tsv"
    labels = ["entailment", *["neutral"] * 23]
    rows = [f"{label}\tOne of {number} is here.\tIt is number {number}." for number, label in enumerate(labels)]
    only.write_text("\n".join(["gold_label\tsentence1\tsentence2", *rows]), encoding="utf-8")
    training = {**tiny_run.TRAINING, "max_steps": 30, "learning_rate": 1.0e-2}
    task = tiny_run.task("nli", train=str(only), training=training)
    spec = tiny_run.spec(tmp_path, methods=["zero-shot"], tasks={"nli": task})
    made = run(spec, out=tmp_path / "out", jobs=1, store=Store(tmp_path / "cache"), quiet=True)
    assert [result.one_answer for result in made.results] == ["neutral"]
    notes = [note for table in made.tables for note in table.notes]
    assert "The same answer to everything, so that fine-tuning did not converge: (2) pt seed 0 (neutral)." in notes
    (found,) = decisions([read_run(made.folder)])
    told = "zero-shot: with seed 0 its model answers everything in pt the same, so that fine-tuning did not converge."
    assert told in found.notes


def test_a_head_that_was_made_anew_is_named_below_the_scores(tmp_path: Path) -> None:
    encoder = labels.load(tiny_models.checkpoint(), labels=NLI_LABELS)
    encoder.model.config.id2label = dict(enumerate(("LABEL_0", "LABEL_1", "LABEL_2")))
    encoder.model.save_pretrained(tmp_path / "unnamed")
    encoder.tokenizer.save_pretrained(tmp_path / "unnamed")
    models = {"target-encoder": str(tmp_path / "unnamed")}
    spec = tiny_run.spec(tmp_path, methods=["zero-shot"], models=models)
    made = run(spec, out=tmp_path / "out", jobs=1, store=Store(tmp_path / "cache"), quiet=True)
    tuned = next(step for cell in Planner(spec).plan() for step in cell.all if step.stage == "finetune")
    assert tuned.params["head"] == "new"  # and so it is not what was made when the head was kept
    (result,) = read_run(made.folder).results
    (note,) = result.model_notes
    assert note.startswith(
        "unnamed's own head was replaced by a new one: its labels (label_0, label_1, label_2) do not"
    )
    assert f"{note}." in [told for table in made.tables for told in table.notes]


def test_log_lines_say_which_step_and_how_much(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    console = Console(width=100)
    spec = tiny_run.spec(tmp_path, methods=["zero-shot"])
    run(spec, out=tmp_path / "out", jobs=1, store=Store(tmp_path / "cache"), console=console)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("[1/5] nli train en: ")
    assert "USD so far" in lines[-1]
    assert len(lines) == 5
