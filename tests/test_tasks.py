from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import tiny_models
from crossfare import tasks
from crossfare.errors import ConfigError, DataError
from crossfare.tasks import TASKS
from crossfare.types import Dataset, PairExample, Prediction, QueryExample

pytest.importorskip("torch")

FAST = {"learning_rate": 4e-3, "batch_size": 8, "dropout": 0.0, "schedule": "linear"}


def test_the_papers_settings_are_the_defaults() -> None:
    assert [*TASKS][:3] == ["qa", "nli", "ranking"]
    for name, task in TASKS.items():
        assert task.name == name
        assert task.hyperparameters() == task.defaults
        assert task.options().max_length == task.hyperparameters().max_length
    assert [TASKS[name].metric for name in ("qa", "nli", "ranking")] == ["f1", "accuracy", "mrr@10"]


def test_qa_from_examples_to_scores(tmp_path: Path) -> None:
    task, data = TASKS["qa"], tiny_models.qa_data()
    hyper = task.hyperparameters(**FAST, epochs=50)
    tuned = task.finetune(tiny_models.checkpoint(), [data], out=tmp_path / "out", hyper=hyper)
    seen: list[tuple[int, int]] = []
    predicted = task.predict(str(tuned.path), data, progress=lambda done, total: seen.append((done, total)))
    f1, exact = task.score(data, predicted.predictions)
    assert (f1.metric, exact.metric) == (task.metric, "exact_match")
    assert exact.value > 0.8
    assert seen[-1] == (16, 16)
    assert predicted.usage.input_tokens
    for example, prediction in zip(data.examples, predicted.predictions, strict=True):
        assert prediction.start is not None
        assert example.context[prediction.start :].startswith(prediction.output)  # type: ignore[union-attr]
    repeated = task.predict(str(tuned.path), data, options={"token_budget": 50})
    assert [p.output for p in repeated.predictions] == [p.output for p in predicted.predictions]
    assert len(task.predict(str(tuned.path), data, options={"n_best": 2}).predictions[0].scores) == 2


def test_nli_trained_on_two_datasets_of_different_labels(tmp_path: Path) -> None:
    """The paper's Table 4, alternative 1: three classes in training, contradiction to neutral in prediction."""
    task = TASKS["nli"]
    three, two = tiny_models.nli_data(18), replace(tiny_models.nli_data(12, classes=2), language="pt")
    unlabelled = replace(two, examples=(*two.examples, PairExample("odd", "a", "b", None)))
    hyper = task.hyperparameters(**FAST, epochs=25)
    tuned = task.finetune(tiny_models.checkpoint(), [three, unlabelled], out=tmp_path / "out", hyper=hyper)
    assert tuned.notes == ("1 examples have no label and were left out: odd",)
    assert tuned.steps == 25 * 4  # 30 examples in batches of 8
    predicted = task.predict(str(tuned.path), three)
    accuracy, macro = task.score(three, predicted.predictions)
    assert (accuracy.metric, macro.metric) == (task.metric, "macro_f1")
    assert accuracy.value > 0.9
    as_two = replace(
        three,
        examples=tuple(
            replace(example, label="neutral" if example.label == "contradiction" else example.label)  # type: ignore
            for example in three.examples
        ),
    )
    outputs = {prediction.output for prediction in task.predict(str(tuned.path), as_two).predictions}
    assert outputs == {"entailment", "neutral"}
    assert task.score(as_two, task.predict(str(tuned.path), as_two).predictions)[0].value > 0.9


def test_validation_selects_by_the_tasks_metric(tmp_path: Path) -> None:
    task, data = TASKS["qa"], tiny_models.qa_data()
    hyper = task.hyperparameters(**FAST, epochs=3, select_best=True)
    tuned = task.finetune(tiny_models.checkpoint(), [data], validation=data, out=tmp_path / "out", hyper=hyper)
    best = max(entry["eval_score"] for entry in tuned.log if "eval_score" in entry)
    predicted = task.predict(str(tuned.path), data)
    assert task.score(data, predicted.predictions)[0].value == pytest.approx(best)


def test_unreachable_answers_are_noted(tmp_path: Path) -> None:
    task, data = TASKS["qa"], tiny_models.qa_data(4)
    example: Any = data.examples[0]
    context = " ".join([example.context] * 40)
    long = replace(example, id="long", context=context, answers=(replace(example.answers[0], text=context, start=0),))
    tuned = task.finetune(
        tiny_models.checkpoint(),
        [replace(data, examples=(*data.examples, long))],
        out=tmp_path / "out",
        hyper=task.hyperparameters(**FAST, max_steps=1),
    )
    assert tuned.notes == ("1 examples have their answer in no window and teach nothing: long",)


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("xlm-roberta", {"loss": "pointwise", "max_steps": 60, "batch_size": 32}),
        ("t5", {"loss": "pointwise", "max_steps": 40, "batch_size": 32}),
        ("mt5", {"loss": "listwise", "max_steps": 30}),
    ],
)
def test_ranking_from_examples_to_scores(kind: str, settings: dict[str, Any], tmp_path: Path) -> None:
    task, data = TASKS["ranking"], tiny_models.ranking_data()
    hyper = task.hyperparameters(**{**FAST, "optimizer": "adamw", "max_length": 64, **settings})
    tuned = task.finetune(tiny_models.checkpoint(kind), [data, data], out=tmp_path / "out", hyper=hyper)
    assert tuned.log[-1]["loss"] < 0.5 * tuned.log[0]["loss"]
    queries, run, passages = tiny_models.reranking()
    seen: list[tuple[int, int]] = []
    predicted = task.predict(
        str(tuned.path),
        queries,
        candidates=run,
        passages=passages,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen[-1] == (24, 24)
    assert predicted.usage.input_tokens
    before, after = (task.score(queries, ranked)[0] for ranked in (run, predicted.predictions))
    assert (after.metric, before.value) == (task.metric, pytest.approx(1 / 3))
    assert after.value > 0.8
    for prediction, first in zip(predicted.predictions, run, strict=True):
        assert {name for name, _ in prediction.scores} == {name for name, _ in first.scores}
        assert [score for _, score in prediction.scores] == sorted((s for _, s in prediction.scores), reverse=True)


def test_reranking_in_chunks_gives_what_it_gives_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task = TASKS["ranking"]
    hyper = task.hyperparameters(**FAST, optimizer="adamw", max_steps=3, max_length=64)
    tuned = task.finetune(tiny_models.checkpoint(), [tiny_models.ranking_data()], out=tmp_path / "out", hyper=hyper)
    queries, run, passages = tiny_models.reranking()

    def rerank(**options: Any) -> Any:
        seen: list[tuple[int, int]] = []
        predicted = task.predict(
            str(tuned.path),
            queries,
            candidates=run[:-1],
            passages=passages,
            options=options,
            progress=lambda done, total: seen.append((done, total)),
        )
        return predicted, seen

    whole, _ = rerank()
    assert whole.predictions[-1] == Prediction("q5", "")  # no candidates, no ranking
    nothing = [Prediction(first.id, "") for first in run]
    predicted = task.predict(str(tuned.path), queries, candidates=nothing, passages=passages)
    assert predicted.predictions == tuple(nothing)
    monkeypatch.setattr(tasks.ranking, "_PAIRS_AT_ONCE", 5)
    parts, seen = rerank(token_budget=30)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1] == (20, 20)
    assert parts.usage.input_tokens == whole.usage.input_tokens
    for one, other in zip(whole.predictions, parts.predictions, strict=True):
        assert one.output == other.output
        assert dict(one.scores) == pytest.approx(dict(other.scores), rel=1e-5)
    best_two, _ = rerank(depth=2)
    assert [{name for name, _ in prediction.scores} for prediction in best_two.predictions[:-1]] == [
        {name for name, _ in first.scores[:2]} for first in run[:-1]
    ]
    with pytest.raises(DataError, match="passage 'd7', a candidate of query 'q4', is not in the collection"):
        task.predict(
            str(tuned.path),
            queries,
            candidates=run,
            passages={name: text for name, text in passages.items() if name != "d7"},
        )


def test_ranking_selects_the_epoch_that_ranks_the_positive_highest(tmp_path: Path) -> None:
    task, data = TASKS["ranking"], tiny_models.ranking_data()
    hyper = task.hyperparameters(**FAST, optimizer="adamw", epochs=3, max_length=64, select_best=True, loss="listwise")
    tuned = task.finetune(tiny_models.checkpoint(), [data], validation=data, out=tmp_path / "out", hyper=hyper)
    evaluated = [entry["eval_score"] for entry in tuned.log if "eval_score" in entry]
    assert len(evaluated) == 3
    examples: Any = data.examples
    texts = [(example.query, text) for example in examples for text in (example.positive, *example.negatives)]
    passages = {str(i): text for i, (_, text) in enumerate(texts)}
    queries = tuple(QueryExample(str(i), example.query, ((str(4 * i), 1),)) for i, example in enumerate(examples))
    run = tuple(
        Prediction(str(i), "", scores=tuple((str(4 * i + k), -float(k)) for k in range(4)))
        for i in range(len(examples))
    )
    test = Dataset("as-queries", "ranking", "test", "en", queries)
    predicted = task.predict(str(tuned.path), test, candidates=run, passages=passages)
    assert task.score(test, predicted.predictions)[0].value == pytest.approx(max(evaluated))


def test_examples_without_negatives_are_noted(tmp_path: Path) -> None:
    task, data = TASKS["ranking"], tiny_models.ranking_data(4)
    bare: Any = replace(data.examples[0], id="bare", negatives=())  # type: ignore[call-arg]
    for loss, notes in (("listwise", ("1 examples have no negatives and were left out: bare",)), ("pointwise", ())):
        hyper = task.hyperparameters(**FAST, optimizer="adamw", max_steps=1, loss=loss)
        tuned = task.finetune(
            tiny_models.checkpoint(), [replace(data, examples=(*data.examples, bare))], out=tmp_path / loss, hyper=hyper
        )
        assert tuned.notes == notes


@pytest.mark.parametrize("kind", ["bert", "xlm-roberta"])
def test_a_bi_encoder_finds_passages_without_training(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    queries, _, passages = tiny_models.reranking()
    asked: Any = queries.examples
    model = tiny_models.checkpoint(kind)
    seen: list[tuple[int, int]] = []
    found = tasks.dense_run(model, asked, passages, 3, progress=lambda done, total: seen.append((done, total)))
    assert [prediction.id for prediction in found.predictions] == [query.id for query in asked]
    assert all(len(prediction.scores) == 3 for prediction in found.predictions)
    assert seen == [(8, 8)]
    assert found.usage.input_tokens
    monkeypatch.setattr(tasks.ranking, "_PASSAGES_AT_ONCE", 3)
    seen.clear()
    again = tasks.dense_run(model, asked, passages, 3, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(3, 8), (6, 8), (8, 8)]
    for one, other in zip(found.predictions, again.predictions, strict=True):
        assert dict(one.scores) == pytest.approx(dict(other.scores), abs=1e-5)
    itself = tuple(QueryExample(name, text, ()) for name, text in passages.items())
    same = tasks.dense_run(model, itself, passages, 1, options={"query_prefix": "", "max_length": 32})
    assert [prediction.output for prediction in same.predictions] == list(passages)
    prefixed = tasks.dense_run(model, itself, passages, 1, options={"query_prefix": "never always "})
    assert prefixed.predictions[0].scores[0][1] < 1 - 1e-4


def test_errors(tmp_path: Path) -> None:
    qa, nli = TASKS["qa"], TASKS["nli"]
    out, pairs = tmp_path / "out", tiny_models.nli_data()
    with pytest.raises(DataError, match="marks-3 is nli data, but the task is qa"):
        qa.finetune(tiny_models.checkpoint(), [pairs], out=out)
    mixed = Dataset("mixed", "qa", "test", "en", pairs.examples)
    with pytest.raises(DataError, match="'p0' is a PairExample, not a QAExample"):
        qa.finetune(tiny_models.checkpoint(), [mixed], out=out)
    with pytest.raises(DataError, match="the training set has 1 different labels"):
        nli.finetune(tiny_models.checkpoint(), [tiny_models.nli_data(1)], out=out)
    with pytest.raises(DataError, match="training set is empty"):
        qa.finetune(tiny_models.checkpoint(), [replace(tiny_models.qa_data(), examples=())], out=out)
    with pytest.raises(ConfigError, match="is not fine-tuned"):
        qa.predict(tiny_models.checkpoint(), tiny_models.qa_data())
    ranking, (queries, run, passages) = TASKS["ranking"], tiny_models.reranking()
    with pytest.raises(DataError, match="'q0' is a QueryExample, not a RankingExample"):
        ranking.finetune(tiny_models.checkpoint(), [queries], out=out)
    with pytest.raises(ConfigError, match="is not fine-tuned"):
        ranking.predict(tiny_models.checkpoint(), queries, candidates=run, passages=passages)
    with pytest.raises(ConfigError, match="not an inference option"):
        qa.predict(tiny_models.checkpoint(), tiny_models.qa_data(), options={"temperature": 1})
    with pytest.raises(ConfigError):
        qa.finetune(str(tmp_path / "nowhere"), [tiny_models.qa_data()], out=out)
