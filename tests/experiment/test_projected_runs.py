"""How a spec chooses where answers go, and what that does to steps, runs and forecasts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import tiny_run
from crossfare import data
from crossfare.errors import ConfigError
from crossfare.experiment import dry_run, rehearse, run
from crossfare.experiment.forecast import Basis, Forecaster, StepForecast
from crossfare.experiment.spec_engine import EngineSpec
from crossfare.experiment.stages import execute
from crossfare.experiment.steps import Planner
from crossfare.store import Store
from crossfare.translate import Projection, attention, engine, translate_dataset
from crossfare.translate.alignment import Link, WordForWord
from crossfare.types import Answer, QAExample

ALIGNER = "embedded:multilingual-encoder"
METHODS = {"methods": ["translate-train"]}


def steps(folder: Path, task: str, *, encoder: Any = None, **engine: Any) -> list[tuple[str, str]]:
    changes = {"models": {"target-encoder": encoder}} if encoder else {}
    engines = {"echo": {"engine": "echo", **engine}}
    spec = tiny_run.spec(folder, tasks={task: tiny_run.task(task)}, engines=engines, **METHODS, **changes)
    return [(label, step_id) for label, step_id, _ in dry_run(spec, store=Store(folder))]


def test_unasked_the_target_encoder_aligns(tmp_path: Path) -> None:
    unasked = steps(tmp_path, "qa", encoder=ALIGNER)
    assert unasked == steps(tmp_path, "qa", encoder=ALIGNER, projection={"aligner": ALIGNER})
    assert unasked == steps(tmp_path, "qa", encoder=ALIGNER, projection="cascade")
    assert steps(tmp_path, "qa", encoder={"*": ALIGNER}) == unasked


def test_without_an_aligner_or_with_delimiters_named_answers_are_marked(tmp_path: Path) -> None:
    own = {"pt": ALIGNER}  # an encoder of the target language alone cannot align
    marked = steps(tmp_path, "qa", encoder=own, projection="markers")
    assert steps(tmp_path, "qa", encoder=own) == marked
    translator = {"engine": "ctranslate2", "models": {"en-pt": "embedded:marian-en-xx"}}
    by_attention = steps(tmp_path, "qa", encoder=own, **translator, projection={"aligner": "attention"})
    assert steps(tmp_path, "qa", encoder=own, **translator) == by_attention
    pair = {"markers": ["<x>", "</x>"]}
    assert steps(tmp_path, "qa", **pair) == steps(tmp_path, "qa", **pair, projection="markers")
    assert steps(tmp_path, "qa", **pair) != steps(tmp_path, "qa", **pair, projection="tags")


def test_steps_are_others_only_where_answers_are_projected_otherwise(tmp_path: Path) -> None:
    cascade = {"projection": {"aligner": ALIGNER}}
    assert steps(tmp_path, "nli") == steps(tmp_path, "nli", **cascade)
    before, after = dict(steps(tmp_path, "qa", projection="markers")), dict(steps(tmp_path, "qa", **cascade))
    same = {label for label in before if before[label] == after[label]}
    assert same == {label for label in before if " train en" in label or " test " in label}
    sure = {"projection": {"aligner": ALIGNER, "threshold": 0.5}}
    assert steps(tmp_path, "qa", **sure) != steps(tmp_path, "qa", **cascade)
    assert steps(tmp_path, "qa", projection={"method": "tags", "aligner": ALIGNER}) == steps(
        tmp_path, "qa", projection="tags"
    )


def test_alignment_by_attention_is_identified_by_its_method_and_the_engines_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def translated(model: str, aligner: str) -> str:
        made = steps(tmp_path, "qa", engine="ctranslate2", models={"en-pt": model}, projection={"aligner": aligner})
        (step_id,) = [step_id for label, step_id in made if label.endswith("training set")]
        return step_id

    models, aligners = ("embedded:marian-en-xx", "embedded:marian-en-xx-marked"), ("attention", ALIGNER)
    ids = [translated(model, aligner) for model in models for aligner in aligners]
    monkeypatch.setattr(attention, "VERSION", 99)
    ids += [translated(models[0], aligner) for aligner in aligners]
    assert len(set(ids)) == 5
    assert ids[-1] == ids[1]


def test_a_wrong_projection_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="projection"):
        steps(tmp_path, "qa", projection="best")


def lossy(folder: Path, limit: int) -> Path:
    """The world's translation, as if answers had been translated by themselves: every second stands nowhere."""
    gold = data.load("world:qa", task="qa", language="pt", split="train").dataset
    entries = []
    for number, example in enumerate(gold.examples[:limit]):
        assert isinstance(example, QAExample)
        answer = example.answers[0]
        text = f"x{answer.text}" if number % 2 else answer.text
        qas = [{"id": example.id, "question": example.question, "answers": [{"text": text, "answer_start": 0}]}]
        entries.append({"context": example.context, "qas": qas})
    path = folder / "bought.json"
    path.write_text(json.dumps({"version": "1.1", "data": [{"title": "t", "paragraphs": entries}]}), encoding="utf-8")
    return path


def test_lost_answers_of_an_existing_translation_come_back_in_a_run(tmp_path: Path) -> None:
    bought = {"engine": "existing", "existing": {"qa": {"pt": str(lossy(tmp_path, 12))}}, "price": "google-translate"}
    spec = tiny_run.spec(
        tmp_path,
        tasks={"qa": tiny_run.task("qa")},
        engines={"as-is": bought, "recovered": {**bought, "projection": {"aligner": ALIGNER}}},
        **METHODS,
    )
    store = Store(tmp_path / "cache")
    made = run(spec, out=tmp_path / "run", jobs=1, store=store, quiet=True)
    yields = {result.spec.engine: result.train_yield for result in made.results}
    assert (yields["as-is"].kept, yields["as-is"].total) == (6, 12)  # type: ignore[union-attr]
    assert (yields["recovered"].kept, yields["recovered"].total) == (12, 12)  # type: ignore[union-attr]
    reports = [json.loads(path.read_text(encoding="utf-8")) for path in store.root.rglob("yield.json")]
    (explained,) = [each["report"]["answers"] for each in reports if "answers" in each["report"]]
    assert len(explained) == 6
    gold = {e.id: e for e in data.load("world:qa", task="qa", language="pt", split="train").dataset.examples}
    exact = [Answer(each["text"], each["start"]) in gold[each["id"]].answers for each in explained]  # type: ignore[union-attr]
    assert sum(exact) >= 5


def forecast(folder: Path, chosen: Any, store: Store | None = None) -> StepForecast:
    """That of translating a training set of 12 questions."""
    engines = {"echo": {"engine": "echo", "projection": chosen}}
    spec = tiny_run.spec(folder, tasks={"qa": tiny_run.task("qa")}, engines=engines, **METHODS)
    forecaster = Forecaster(spec, Basis.gather(store=store or Store(folder)))
    (found,) = [each for each in forecaster.forecasts.values() if each.step.stage == "translate"]
    return found


def sent(projection: Projection) -> int | None:
    source = data.load("world:qa", task="qa", language="en", split="train", limit=12).dataset
    return translate_dataset(source, engine("echo"), target="pt", projection=projection).usage.characters


@pytest.mark.parametrize("chosen", ["tags", "match", {"method": "align", "aligner": ALIGNER}])
def test_a_projection_is_forecast_to_the_character(tmp_path: Path, chosen: Any) -> None:
    given = EngineSpec(engine="echo", projection=chosen).projection
    assert given is not None
    made = forecast(tmp_path, chosen)
    assert made.exact
    assert {usage.characters for usage in made.usages.values()} == {
        sent(Projection(given.method, given.aligner or ALIGNER))
    }


class Blind:
    """Aligns nothing."""

    def align(self, pairs: Sequence[tuple[str, str]]) -> list[list[Link]]:
        return [[] for _ in pairs]


def test_a_cascade_is_forecast_between_no_answer_and_every_answer(tmp_path: Path) -> None:
    made = forecast(tmp_path, {"aligner": ALIGNER})
    least, most = sent(Projection("cascade", WordForWord())), sent(Projection("cascade", Blind()))
    assert least is not None
    assert most is not None
    assert least < most
    usages = made.usages
    assert (usages["low"].characters, usages["high"].characters) == (least, most)
    assert usages["expected"].characters == pytest.approx(least + 0.2 * (most - least), abs=1)
    assert not made.exact
    assert "20 % of the characters of answers by themselves (assumed)" in made.note


def test_what_a_cascade_searched_for_is_learnt_from_those_that_are_finished(tmp_path: Path) -> None:
    store, least = Store(tmp_path / "cache"), sent(Projection("cascade", WordForWord()))
    chosen = {"aligner": ALIGNER}
    engines = {"echo": {"engine": "echo", "projection": chosen}}
    spec = tiny_run.spec(tmp_path, tasks={"qa": tiny_run.task("qa")}, engines=engines, **METHODS)
    for step in Planner(spec).plan()[0].all:
        if step.stage in {"dataset", "translate"}:
            execute(step, store)
    made = forecast(tmp_path, {**chosen, "threshold": 0.5}, store)
    assert made.source != "finished here"
    assert made.usages["expected"].characters == least  # every answer was aligned: the text was given back
    assert "0 % of the characters of answers by themselves (measured)" in made.note


def test_the_share_that_was_searched_for_counts_the_unsure_and_the_lost() -> None:
    def answer(text: str, method: str, confidence: float) -> dict[str, Any]:
        return {"text": text, "method": method, "confidence": confidence}

    found = [answer("x" * 10, "align", 0.95), answer("x" * 4, "align", 0.5), answer("x" * 6, "match", 1.0)]
    report: dict[str, Any] = {"answers": found, "answers_dropped": [], "lost": []}
    assert rehearse.searched(report) == pytest.approx(10 / 20)
    lost = [{"reason": "nothing like its translation"}, {"reason": "lint: truncated"}]
    assert rehearse.searched({**report, "lost": lost}) == pytest.approx((10 + 20 / 3) / (20 + 20 / 3))
    assert rehearse.searched({**report, "answers": []}) is None
