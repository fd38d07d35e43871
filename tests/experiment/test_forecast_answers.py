"""Answers that are projected back: counted once a model has answered, else told from what others sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest

import tiny_run
from crossfare.data import artifact, world
from crossfare.experiment import Spec
from crossfare.experiment.files import PREDICTIONS
from crossfare.experiment.forecast import Basis, Forecaster, Stated, answers, parse, stated_spec
from crossfare.experiment.rehearse import Rehearsed, TextByText
from crossfare.experiment.stages import execute
from crossfare.experiment.stages.keys import answer_keys
from crossfare.experiment.stages.work import Material
from crossfare.experiment.stages.work import gold as gold_answers
from crossfare.experiment.steps import Planner
from crossfare.store import Store
from crossfare.translate.engines.echo import EchoEngine
from crossfare.types import Prediction, QAExample, Step, Usage

REFERENCE = {"engine": "reference", "options": {"parallel": "world"}, "price": "google-translate"}


def rehearsed(_: Step) -> Rehearsed:
    """An API that is asked text by text."""
    return Rehearsed(TextByText(EchoEngine(name="api")), None)


class Timed(EchoEngine):
    billing = "seconds"


def answered(folder: Path, ways: Sequence[str]) -> tuple[Spec, Step, Store]:
    """A spec, its back-projection, and all that it reads: real translations, and three words of each as the answer."""
    task = tiny_run.task("qa", back_projection={"ways": list(ways)}, test={"ref": "world:qa", "limit": 24})
    spec = tiny_run.spec(folder, tasks={"qa": task}, methods=["translate-infer"], engines={"given": REFERENCE})
    cell, store = Planner(spec).plan()[0], Store(folder / "cache")
    asked, back = cell.recurring
    for step in cell.all:
        if step.stage == "dataset" or step is asked:
            execute(step, store)
    (predict,) = cell.inference
    with store.making(predict) as work:
        assert work is not None
        found = []
        for number, example in enumerate(artifact.read(store.artifact(asked.id)).examples):
            context = cast("QAExample", example).context
            words = context.split()
            text = " ".join(words[number % 5 : number % 5 + 3])
            found.append(Prediction(example.id, text, context.index(text), ((text, 1.0),)))
        (work / "artifact" / "predictions.json").write_bytes(PREDICTIONS.dump_json(tuple(found)))
        store.finish(predict, Usage(seconds=1.0, input_tokens=1, hardware="cpu"))
    return spec, back, store


def test_what_is_searched_for_is_counted_once_the_model_has_answered(tmp_path: Path) -> None:
    spec, back, store = answered(tmp_path, ["search"])
    made = Forecaster(spec, Basis.gather(store=store)).forecasts[back.id]
    used = execute(back, store)
    assert used.characters
    assert made.exact
    for usage in made.usages.values():
        assert (usage.characters, usage.requests) == (used.characters, used.requests)


def test_marked_sentences_are_reckoned_with_at_the_most(tmp_path: Path) -> None:
    spec, back, store = answered(tmp_path, ["search", "markers"])
    made = Forecaster(spec, Basis.gather(store=store)).forecasts[back.id]
    used = execute(back, store).characters
    low, expected, high = (usage.characters for usage in made.usages.values())
    assert low is not None
    assert used is not None
    assert high is not None
    assert low == expected <= used <= high
    assert low < high
    assert not made.exact


def test_answers_that_are_not_there_are_told_from_finished_steps(tmp_path: Path) -> None:
    spec, back, store = answered(tmp_path, ["search"])
    used = execute(back, store)
    # Nothing that the run made is read, but what its steps used.
    known = Forecaster(spec, Basis.gather(store=store), finished=False)
    usages = known.forecasts[back.id].usages
    assert usages["expected"].characters == used.characters
    assert (usages["low"].characters or 0) * 3 == pytest.approx(usages["high"].characters, abs=3)
    assert "assumed" not in known.forecasts[back.id].note
    left_out = known.forecast(back, without={back.id})
    gold = sum(len(text) for text in gold_answers(artifact.read(store.artifact(back.inputs["data"][0]))))
    assert [usage.characters for usage in left_out.usages.values()] == [
        round(share * gold) for share in (0.25, 0.6, 1.0)
    ]
    assert "0.6 are assumed" in left_out.note


def step(model: str, n_best: int = 1, **changes: Any) -> Step:
    params = {"engine": {"name": "api", "revision": "1"}, "source": "en", "target": "pt", "ways": ["search"]}
    inputs = {"predictions": (f"predict {model}",)}
    return Step("back-project", {**params, "aligner": None, "n_best": n_best, **changes}, inputs)


def find(step_id: str) -> Step:
    kind, _, name = step_id.partition(" ")
    if kind == "predict":
        return Step("predict", {}, {"model": (f"finetune {name}",)})
    return Step("finetune", {}, {}, name=name)


def test_the_same_models_answers_tell_before_those_of_others() -> None:
    dataset = world.qa("pt", "test")
    asked = Material(replace(dataset, examples=dataset.examples[:40]))
    gold = sum(map(len, gold_answers(asked.dataset)))
    own, other = (answer_keys(step(name), find)[0] for name in ("bert", "other"))
    of_other_models = answer_keys(step("bert"), find)[2]
    learnt = {own: [0.5, 0.5, 0.5], other: [0.9], of_other_models: [0.7]}

    def sent(asking: Step) -> list[int]:
        return [round(each) for each in answers.forecast(asking, asked, rehearsed, learnt, find).characters]

    assert sent(step("bert")) == [round(0.5 * gold)] * 3  # several that agree
    assert sent(step("other")) == [round(share * gold) for share in (0.45, 0.9, 1.35)]  # one alone
    assert sent(step("third")) == [round(share * gold) for share in (0.35, 0.7, 1.05)]  # another model's
    learnt[answer_keys(step("third", source="en", target="de"), find)[1]] = [0.4]
    assert sent(step("third"))[1] == round(0.4 * gold)  # its own answers in another direction tell more
    five = answers.forecast(step("bert", 5), asked, rehearsed, learnt, find)
    assert round(five.characters[1]) == round(5 * 0.6 * gold)  # one best and five differ: those were not measured
    requests = answers.forecast(step("bert"), asked, rehearsed, learnt, find).requests
    assert 0 < requests <= 40 * 0.35
    assert answers.forecast(step("bert"), asked, lambda _: Rehearsed(Timed(), None), learnt, find).requests == 0


def test_a_language_model_that_projects_answers_back_is_forecast_by_its_tokens(tmp_path: Path) -> None:
    pytest.importorskip("genai_prices")
    offer = "llm:openai/gpt-4o-mini"
    asked = stated_spec(Stated("qa", ("pt",), examples=100, characters=400, engines=(offer,)))
    rates = parse(["tokens=0.25", "prompt=40", "finetune=0.001", "predict=0.001", "back-project=0.002"])
    made = Forecaster(asked.spec, Basis.gather(store=Store(tmp_path), stated=rates), given=asked.given)
    backs = [each for each in made.forecasts.values() if each.step.stage == "back-project"]
    assert backs
    price = made.catalogue.get(offer)
    assert price.output_amount is not None
    for back in backs:
        usage = back.usages["expected"]
        assert usage.characters
        assert usage.requests
        assert usage.input_tokens == round(usage.characters * 0.25 + usage.requests * 40)
        assert usage.output_tokens == round(usage.characters * 0.25)
        assert usage.seconds == pytest.approx(0.002 * 1000)  # of looking for them, on the own machine
        paid = (usage.input_tokens * price.amount + usage.output_tokens * price.output_amount) / 1_000_000
        own = made.catalogue.cost(usage, asked.spec.prices.compute).usd
        assert made.book("expected").cost(back.step.id).usd == pytest.approx(paid + own, abs=Decimal("1e-12"))
    assert not any(made.forecast(back.step).lacking for back in backs)
    without = Forecaster(
        asked.spec, Basis.gather(store=Store(tmp_path), stated=parse(["tokens=0.25"])), given=asked.given
    )
    assert without.forecasts[backs[0].step.id].usages["expected"].input_tokens  # no rate of the own part
