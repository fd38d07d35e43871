from __future__ import annotations

import gc
import itertools
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tiny_models
from crossfare.errors import ConfigError, DataError
from crossfare.finetune import FineTuned, Hyperparameters, finetune
from crossfare.model import labels, qa, ranking
from crossfare.model.encoder import Encoder
from crossfare.pretrained.loading import quiet
from crossfare.tasks import TASKS
from crossfare.types import NLI_LABELS, digest

torch = pytest.importorskip("torch")

HYPER = Hyperparameters(learning_rate=3e-3, epochs=2, batch_size=4, max_length=64)


@pytest.fixture(autouse=True)
def _quiet() -> Any:
    with quiet():
        yield


def run(out: Path, hyper: Hyperparameters = HYPER, **arguments: Any) -> FineTuned:
    examples = tiny_models.nli_data().examples
    folder = tiny_models.checkpoint()  # not in the call below: making it uses up random numbers
    return finetune(
        lambda: labels.load(folder, labels=NLI_LABELS, dropout=hyper.dropout),
        lambda encoder: labels.training_features(encoder, examples, max_length=64),  # type: ignore[arg-type]
        out=out,
        hyper=hyper,
        **arguments,
    )


def test_training_that_diverges_is_an_error_and_leaves_no_model(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="diverged, its loss is no number: lower learning_rate or weight_decay"):
        run(tmp_path / "model", replace(HYPER, weight_decay=1e30, max_steps=4))
    assert not (tmp_path / "model").exists()


def weights(folder: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    return load_file(folder / "model.safetensors")


def same(a: Path, b: Path, tolerance: float = 0.0) -> bool:
    one, two = weights(a), weights(b)
    return one.keys() == two.keys() and all(
        torch.allclose(one[name], two[name], rtol=0, atol=tolerance) for name in one
    )


def test_garbage_collection_is_as_before_afterwards(tmp_path: Path) -> None:
    run(tmp_path / "a")
    assert gc.get_freeze_count() == 0


def test_the_papers_hyperparameters() -> None:
    hyper = TASKS["qa"].hyperparameters()
    assert (hyper.learning_rate, hyper.epochs, hyper.batch_size) == (2e-5, 5, 12)
    assert (hyper.max_length, hyper.stride, hyper.schedule, hyper.weight_decay) == (384, 128, "constant", 0.0)
    hyper = TASKS["nli"].hyperparameters(epochs=1)
    assert (hyper.learning_rate, hyper.epochs, hyper.batch_size, hyper.max_length) == (2e-5, 1, 32, 128)
    hyper = TASKS["ranking"].hyperparameters()
    assert (hyper.learning_rate, hyper.batch_size, hyper.max_steps) == (1e-3, 128, 100_000)
    assert (hyper.optimizer, hyper.schedule, hyper.loss) == ("adafactor", "constant", "pointwise")
    assert TASKS["ranking"].hyperparameters(epochs=2).max_steps is None
    assert TASKS["ranking"].hyperparameters(epochs=2, max_steps=5).max_steps == 5


def test_runtime_knobs_are_not_part_of_the_identity() -> None:
    slow = TASKS["nli"].hyperparameters(gradient_accumulation=8, save_every=1.0)
    assert slow.identity() == TASKS["nli"].hyperparameters().identity()
    assert slow.runtime() == {"gradient_accumulation": 8, "save_every": 1.0}
    assert TASKS["nli"].hyperparameters(dropout=0.0).identity() != slow.identity()


def test_what_only_ranking_reads_leaves_older_identities_as_they_are() -> None:
    assert digest(TASKS["nli"].hyperparameters().identity()) == "5a5d27715b5c4eb9"
    assert digest(TASKS["qa"].hyperparameters().identity()) == "5436c7b7d8c62f62"
    assert TASKS["ranking"].hyperparameters().identity()["optimizer"] == "adafactor"
    changes = ({"loss": "listwise"}, {"negatives": 3}, {"relevance_tokens": ["sim", "não"]}, {"optimizer": "adamw"})
    plain = digest(TASKS["ranking"].hyperparameters().identity())
    digests = {digest(TASKS["ranking"].hyperparameters(**change).identity()) for change in changes}
    assert len(digests | {plain}) == 5


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"epochs": -1}, "epochs cannot be -1: it should be greater than or equal to 0"),
        ({"gradient_accumulation": 5}, "cannot be divided by gradient_accumulation 5"),
        ({"schedule": "cosine"}, "should be 'constant' or 'linear'"),
        ({"precision": "int8"}, "'auto', 'fp32', 'bf16' or 'fp16'"),
        ({"optimizer": "sgd"}, "'adamw' or 'adafactor'"),
        ({"loss": "hinge"}, "'pointwise' or 'listwise'"),
        ({"negatives": 0}, "negatives cannot be 0: it should be greater than or equal to 1"),
        ({"learning_rate": "fast"}, "learning_rate cannot be 'fast': it should be a valid number"),
        ({"learning_rate": float("inf")}, "learning_rate cannot be inf"),
        ({"learning_rate": float("nan")}, "learning_rate cannot be nan"),
        ({"batch_size": 10**40}, "batch_size cannot be 1000"),
        ({"batch_size": True}, "batch_size cannot be True: it should be a valid integer"),
        ({"max_steps": [2]}, r"max_steps cannot be \[2\]: it should be a valid integer"),
        ({"max_length": 1}, "max_length cannot be 1: it should be greater than or equal to 8"),
        ({"relevance_tokens": ["yes"]}, "relevance_tokens cannot be"),
        ({"lr": 1e-3}, "'lr' is not a hyperparameter; choose from learning_rate"),
    ],
)
def test_wrong_hyperparameters_are_named(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        TASKS["nli"].hyperparameters(**wrong)


def test_importing_it_loads_no_torch() -> None:
    code = "import sys, crossfare.finetune, crossfare.predict, crossfare.latency, crossfare.tasks; "
    code += "print([name for name in ('torch', 'transformers', 'scipy', 'sklearn') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_saves_a_model_and_reports_what_it_took(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    tuned = run(tmp_path / "out", progress=lambda done, total: seen.append((done, total)))
    assert tuned.path == tmp_path / "out"
    assert {path.name for path in tmp_path.iterdir()} == {"out"}  # no checkpoints left behind
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= {path.name for path in tuned.path.iterdir()}
    assert tuned.steps == 10
    assert seen == [(step, 10) for step in range(1, 11)]
    features = labels.features(labels.load(str(tuned.path)), tiny_models.nli_data().examples)
    assert tuned.usage.input_tokens == 2 * sum(len(feature["input_ids"]) for feature in features)
    assert tuned.usage.seconds
    assert [entry["step"] for entry in tuned.log] == list(range(1, 11))
    assert tuned.train_loss == pytest.approx(np.mean([entry["loss"] for entry in tuned.log]))


@pytest.mark.parametrize("kind", tiny_models.ARCHITECTURES)
def test_learns_to_answer_questions_by_heart(kind: str, tmp_path: Path) -> None:
    examples: Any = tiny_models.qa_data().examples

    def losses(epochs: int) -> list[float]:
        tuned = finetune(
            lambda: qa.load(tiny_models.checkpoint(kind), dropout=0.0),
            lambda encoder: qa.training_features(encoder, examples, max_length=64).features,
            out=tmp_path / f"{epochs}",
            hyper=Hyperparameters(learning_rate=4e-3, epochs=epochs, batch_size=8, max_length=64, schedule="linear"),
        )
        return [entry["loss"] for entry in tuned.log]

    assert losses(1)[0] > 2.5  # of the first step alone: a long training logs means of several steps
    assert losses(50)[-1] < 0.4


def test_the_seed_decides_everything(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        run(tmp_path / name, seed=seed)
    assert same(tmp_path / "a", tmp_path / "b")
    assert not same(tmp_path / "a", tmp_path / "c", 1e-4)


def test_bf16_trains_on_a_cpu_and_lands_near_fp32(tmp_path: Path) -> None:
    full = run(tmp_path / "fp32", TASKS["nli"].hyperparameters(epochs=1, batch_size=4, precision="fp32"))
    half = run(tmp_path / "bf16", TASKS["nli"].hyperparameters(epochs=1, batch_size=4, precision="bf16"))
    assert half.train_loss == pytest.approx(full.train_loss, rel=0.05)
    assert not same(full.path, half.path)


def test_a_killed_training_goes_on_where_it_was(tmp_path: Path) -> None:
    hyper = TASKS["nli"].hyperparameters(learning_rate=3e-3, epochs=3, batch_size=4, save_every=0.0)
    whole = run(tmp_path / "whole", hyper, seed=3)
    for stop in (4, 5, 9):  # at the end of a checkpoint, at the end of an epoch, and in the middle

        def killed(done: int, _total: int, stop: int = stop) -> None:
            if done == stop + 1:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "out", hyper, seed=3, progress=killed)
        assert not (tmp_path / "out").exists()
    (tmp_path / ".out.training" / "checkpoint-9999").mkdir()  # killed while writing one
    resumed: list[int] = []
    tuned = run(tmp_path / "out", hyper, seed=3, progress=lambda done, _: resumed.append(done))
    assert resumed[0] == 10
    assert same(tmp_path / "whole", tmp_path / "out")
    assert tuned.steps == whole.steps
    assert tuned.train_loss == pytest.approx(whole.train_loss)
    assert tuned.usage.input_tokens == whole.usage.input_tokens


def test_seconds_before_a_kill_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from crossfare.finetune import trainer

    hyper = TASKS["nli"].hyperparameters(learning_rate=3e-3, epochs=1, batch_size=4, save_every=0.0)

    def killed(done: int, _total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "out", hyper, progress=killed)
    read = trainer._earlier_seconds
    monkeypatch.setattr(trainer, "_earlier_seconds", lambda log: read(log) + 1000 * (read(log) > 0))
    seconds = run(tmp_path / "out", hyper).usage.seconds or 0
    assert seconds >= 1000


def test_another_training_does_not_resume_from_these_checkpoints(tmp_path: Path) -> None:
    hyper = TASKS["nli"].hyperparameters(learning_rate=3e-3, epochs=1, batch_size=4, save_every=0.0)

    def killed(done: int, _total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "out", hyper, seed=1, progress=killed)
    started: list[int] = []
    run(tmp_path / "out", hyper, seed=2, progress=lambda done, _: started.append(done))
    assert started[0] == 1


@pytest.mark.parametrize("parts", [2, 4])
def test_gradient_accumulation_changes_memory_not_the_result(parts: int, tmp_path: Path) -> None:
    plain = TASKS["nli"].hyperparameters(learning_rate=1e-3, epochs=1, batch_size=8, dropout=0.0, max_steps=2)
    run(tmp_path / "plain", plain)
    tuned = run(tmp_path / "split", replace(plain, gradient_accumulation=parts))
    assert tuned.steps == 2
    assert same(tmp_path / "plain", tmp_path / "split", 2e-5)


def test_frozen_parts_do_not_move_and_the_head_has_its_own_rate(tmp_path: Path) -> None:
    start = labels.load(tiny_models.checkpoint(), labels=NLI_LABELS).model.state_dict()

    def moved(**settings: Any) -> Callable[[str], float]:
        run(tmp_path / "out", TASKS["nli"].hyperparameters(**{"learning_rate": 1e-3, "max_steps": 2, **settings}))
        end = weights(tmp_path / "out")
        return lambda part: max(
            float((end[name] - start[name]).abs().max()) for name in end if part in name and "classifier" not in name
        )

    everything = moved()
    assert min(map(everything, ("embeddings", "layer.0", "layer.1", "pooler.dense.bias"))) > 1e-4
    upper = moved(freeze_layers=1, freeze_embeddings=True)
    assert upper("embeddings") == upper("layer.0") == 0.0
    assert upper("layer.1") > 1e-4
    fast_head = moved(head_learning_rate=1e-1)
    assert fast_head("pooler.dense.bias") > 20 * fast_head("layer.1.output.dense.bias")
    with pytest.raises(ConfigError, match="freeze_layers is 3, but the model has 2 layers"):
        moved(freeze_layers=3)


def test_warmup_and_schedules(tmp_path: Path) -> None:
    def rates(**settings: Any) -> list[float]:
        hyper = TASKS["nli"].hyperparameters(learning_rate=1.0e-3, batch_size=2, max_steps=10, **settings)
        return [round(entry["learning_rate"] / 1e-3, 4) for entry in run(tmp_path / "out", hyper).log]

    assert rates() == [1.0] * 10
    assert rates(warmup_ratio=0.2) == [0.0, 0.5, *[1.0] * 8]
    assert rates(schedule="linear") == pytest.approx([1 - i / 10 for i in range(10)])


def test_adafactor_is_used_as_t5s_authors_have_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The weights after one step are those of a hand-made step of the same optimiser, without gradient clipping."""
    from transformers.optimization import Adafactor

    examples: Any = tiny_models.ranking_data(4, negatives=1).examples
    path = tiny_models.checkpoint("t5")

    def train(out: str, optimizer: str) -> dict[str, Any]:
        finetune(
            lambda: ranking.load(path, dropout=0.0),
            lambda model: ranking.training_features(model, examples, loss="pointwise", max_length=64).features,
            out=tmp_path / out,
            hyper=TASKS["ranking"].hyperparameters(max_steps=1, batch_size=8, optimizer=optimizer, max_grad_norm=1e-6),
            loss=lambda model: ranking.loss_of(model, "pointwise"),
        )
        return weights(tmp_path / out)

    made = train("adafactor", "adafactor")
    reranker = ranking.load(path, dropout=0.0)
    optimizer = Adafactor(
        reranker.model.parameters(), lr=1e-3, scale_parameter=True, relative_step=False, warmup_init=False
    )
    features = ranking.training_features(reranker, examples, loss="pointwise", max_length=64).features
    batch = reranker.collate(features)
    labels = batch.pop("labels")
    reranker.pointwise(reranker.model(**batch), labels).backward()
    optimizer.step()
    expected = reranker.model.state_dict()
    start = weights(Path(path))
    assert max(float((made[name] - start[name]).abs().max()) for name in made) > 1e-4
    assert all(torch.allclose(made[name], expected[name], rtol=0, atol=1e-5) for name in made)
    other = train("adamw", "adamw")
    assert any(not torch.allclose(made[name], other[name], rtol=0, atol=1e-4) for name in made)


def test_the_best_epoch_is_kept(tmp_path: Path) -> None:
    scores = iter([0.2, 0.9, 0.4])
    snapshots: list[Any] = []

    def validate(encoder: Encoder) -> float:
        snapshots.append({name: value.clone() for name, value in encoder.model.state_dict().items()})
        return next(scores)

    hyper = TASKS["nli"].hyperparameters(learning_rate=3e-3, epochs=3, batch_size=4, select_best=True)
    tuned = run(tmp_path / "out", hyper, validate=validate)
    assert [entry["eval_score"] for entry in tuned.log if "eval_score" in entry] == [0.2, 0.9, 0.4]
    kept = weights(tmp_path / "out")
    assert all(torch.equal(kept[name], snapshots[1][name]) for name in kept)
    assert not torch.equal(kept["classifier.weight"], snapshots[2]["classifier.weight"])
    with pytest.raises(ConfigError, match="select_best needs a validation set"):
        run(tmp_path / "none", hyper)


def test_errors(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="training set is empty"):
        finetune(
            lambda: labels.load(tiny_models.checkpoint(), labels=NLI_LABELS),
            lambda _: [],
            out=tmp_path / "out",
            hyper=HYPER,
        )
    with pytest.raises(ConfigError, match="cannot report to nowhere"):
        run(tmp_path / "out", report_to=["nowhere"])
    if not torch.accelerator.is_available():
        with pytest.raises(ConfigError, match="fp16 training needs a GPU"):
            run(tmp_path / "out", TASKS["nli"].hyperparameters(precision="fp16"))


def test_out_of_memory_says_what_to_lower(tmp_path: Path) -> None:
    def out_of_memory(_done: int, _total: int) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    with pytest.raises(ConfigError, match=r"raise gradient_accumulation \(now 1\), or lower batch_size \(4\)"):
        run(tmp_path / "out", progress=out_of_memory)


@given(
    lengths=st.lists(st.integers(1, 99), min_size=1, max_size=200),
    batch=st.integers(1, 9),
    seed=st.integers(0, 9),
)
def test_length_groups_are_a_shuffle_that_pads_less(lengths: list[int], batch: int, seed: int) -> None:
    from crossfare.finetune.trainer import LengthGroups

    sampler = LengthGroups(lengths, batch, seed, pool=10)
    first = list(sampler)
    assert sorted(first) == list(range(len(lengths)))
    assert list(sampler) == first
    if len(lengths) > 20:
        sampler.set_epoch(1)
        assert list(sampler) != first
    groups = [[lengths[i] for i in first[at : at + batch]] for at in range(0, len(first), batch)]
    assert all(len(group) == batch for group in groups[:-1])
    if len(lengths) <= 10 * batch:  # one pool: groups do not overlap in length
        bounds = sorted((min(group), max(group)) for group in groups)
        assert all(before[1] <= after[0] for before, after in itertools.pairwise(bounds))
