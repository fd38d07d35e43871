"""Forecasts: exact where counting is possible, learnt where it was measured, and no number out of nothing."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import plan_made
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossfare import cli, translate
from crossfare.compare import decisions, read_run, reprice
from crossfare.compare.forecast import StepCheck
from crossfare.errors import ConfigError, EngineUnavailable
from crossfare.experiment import Run, Spec, dry_run, load_spec, run
from crossfare.experiment.forecast import (
    Basis,
    Forecaster,
    Rate,
    Stated,
    check_rates,
    check_saved,
    parse,
    planner,
    priced,
    published,
    save,
    stated_spec,
)
from crossfare.experiment.forecast.planner import ForecastPlanner
from crossfare.experiment.forecast.rates import Observation, Rates
from crossfare.experiment.rehearse import Rehearsed
from crossfare.experiment.spec_engine import EngineSpec
from crossfare.experiment.stages import tokens
from crossfare.ledger import Catalogue
from crossfare.report.decision import Horizon
from crossfare.report.forecast import check_table, plan_table, step_table
from crossfare.store import Store
from crossfare.tasks import TASKS
from crossfare.translate.engines.echo import EchoEngine
from crossfare.types import Answer, Dataset, PairExample, QAExample, RunSpec, Step

Made = tuple[Run, Spec, Store]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return plan_made.made_run(tmp_path_factory.mktemp("plan"))


@pytest.fixture
def empty(tmp_path: Path) -> Store:
    return Store(tmp_path / "nothing")


# -- counting ---------------------------------------------------------------------------------


@given(
    st.lists(st.tuples(st.text("ab .<>/1\n", min_size=1, max_size=30), st.integers(0, 29)), min_size=1, max_size=8),
    st.sampled_from(["sentence", "document"]),
)
@settings(max_examples=60, deadline=None)
def test_counted_characters_are_those_that_translating_sends(
    drawn: list[tuple[str, int]], granularity: planner.Granularity
) -> None:
    examples = []
    for number, (text, at) in enumerate(drawn):
        start = min(at, len(text) - 1)
        examples.append(QAExample(str(number), text, "why?", (Answer(text[start : start + 3], start),)))
    dataset = Dataset("d", "qa", "train", "en", tuple(examples))
    sent = translate.translate_dataset(dataset, EchoEngine(granularity=granularity), target="pt")
    tried = Rehearsed(EchoEngine(granularity=granularity), None)
    translate.translate_dataset(dataset, tried, target="pt")
    assert tried.usage.characters == sent.usage.characters


def test_what_is_billed_by_count_is_forecast_exactly(made: Made) -> None:
    finished, spec, store = made
    forecaster = Forecaster(spec, Basis.gather(store=store), finished=False)
    used = {entry["step_id"]: entry for entry in _ledger(finished.folder)}
    billed = [
        each
        for each in forecaster.forecasts.values()
        if each.step.stage == "translate" or each.step.params.get("annotated")
    ]
    assert len(billed) == 2 * (2 * 2 + 1) + 2  # and questions twice: as they are served, and with their answers known
    for each in billed:
        usage = used[each.step.id]["usage"]
        assert each.exact
        assert each.usages["expected"].characters == usage.get("characters")
        assert each.usages["expected"].annotated == usage.get("annotated")
    api = [each for each in billed if "engine:api" in each.resources]
    assert all(each.usages["low"] == each.usages["high"] for each in api)


def test_the_plan_has_the_steps_of_the_run(tmp_path: Path) -> None:
    models = {"en-*": "embedded:marian-en-xx", "*-en": "embedded:marian-xx-en"}
    engine = {"engine": "ctranslate2", "models": models}
    spec = plan_made.spec(tmp_path, engines={"open": engine})
    with ForecastPlanner(spec) as planned:
        ids = [step.id for cell in planned.plan() for step in cell.all]
    assert set(ids) == {step_id for _, step_id, _ in dry_run(spec, store=Store(tmp_path))}


def test_planning_needs_neither_the_engine_nor_the_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty: Store
) -> None:
    def missing(*_: object, **__: object) -> None:
        raise EngineUnavailable("not installed")

    monkeypatch.setattr(planner, "make_engine", missing)
    spec = plan_made.spec(
        tmp_path,
        engines={"open": {"engine": "ctranslate2", "models": {"*": "some-org/some-model"}}},
        models={"target-encoder": "some-org/some-encoder", "source-encoder": "some-org/other"},
    )
    forecaster = Forecaster(spec, Basis.gather(store=empty))
    counted = [each for each in forecaster.forecasts.values() if each.step.stage == "translate"]
    assert len(counted) == 5
    assert all(each.usages["expected"].characters for each in counted)
    labels = {each.step.label for each in forecaster.forecasts.values() if each.step.stage == "finetune"}
    assert "nli fine-tune some-encoder on en" in labels
    finetune = next(each.step for each in forecaster.forecasts.values() if each.step.stage == "finetune")
    assert forecaster.forecast(finetune, without={"another step"}).lacking


def test_tokens_are_counted_as_windows_cut_a_long_context() -> None:
    # 100 tokens of context, 10 of question: windows of 64 - 3 - 10 = 51 tokens, each 16 over the one before.
    example = QAExample("q", "x" * 400, "y" * 40, (Answer("x", 0),))
    read = TASKS["qa"].inference_tokens([example], 0.25, {"max_length": 64, "stride": 16})
    assert read == (51 + 13) + (51 + 13) + (100 - 70 + 13)
    pair = PairExample("p", "x" * 40, "y" * 20, None)
    assert TASKS["nli"].inference_tokens([pair, pair], 0.25, {"max_length": 64}) == 2 * (15 + 3)
    assert TASKS["nli"].inference_tokens([pair], 0.25, {"max_length": 12}) == 12


def test_tokens_per_character_are_found_from_a_total() -> None:
    examples = plan_made.questions(9, "en", "train").examples
    options = {"max_length": 64, "stride": 16}
    total = TASKS["qa"].inference_tokens(examples, 0.31, options)
    found = tokens.solve(total, lambda ratio: TASKS["qa"].inference_tokens(examples, ratio, options))
    assert found is not None
    assert TASKS["qa"].inference_tokens(examples, found, options) == pytest.approx(total, rel=1e-6)
    assert tokens.solve(1e12, lambda ratio: ratio) is None


# -- rates ------------------------------------------------------------------------------------


_KEYS = ("nli m 64", "nli called M 64", "nli m", "nli called M", "m", "called M")


def _observed(seconds: float, amount: float, step_id: str = "s", hardware: str = "cpu") -> Observation:
    return Observation(step_id, "predict", _KEYS, hardware, seconds, amount, "token", "here")


def _find(rates: Rates, *, hardware: str = "cpu", own: tuple[str, ...] = _KEYS) -> Rate | None:
    return rates.find(Step("predict", {"task": "nli"}), "m", own, hardware)


def test_a_rate_is_the_total_time_over_the_total_work_and_spans_what_was_seen() -> None:
    rate = _find(Rates([_observed(1, 100, "a"), _observed(3, 120, "b")]))
    assert rate is not None
    assert (rate.low, rate.expected, rate.high) == (0.01, pytest.approx(4 / 220), 0.025)


def test_sizes_that_differ_tell_what_a_step_takes_whatever_its_size() -> None:
    rate = _find(Rates([_observed(5 + 0.01 * n, n, str(n)) for n in (100, 1000, 5000)]))
    assert rate is not None
    assert rate.fixed == pytest.approx(5)
    assert rate.expected == pytest.approx(0.01)


def test_a_single_measurement_and_a_relative_are_trusted_less() -> None:
    alone = _find(Rates([_observed(1, 100)]))
    relative = _find(
        Rates([_observed(1, 100)]), own=("qa m 384", "qa called M 384", "qa m", "qa called M", "m", "called M")
    )
    assert alone is not None
    assert relative is not None
    assert (alone.low, alone.high) == (0.0075, 0.0125)
    assert (relative.low, relative.high) == (0.005, 0.015)
    assert "another task" in relative.source


def test_rates_of_other_hardware_are_used_where_there_are_no_others_and_say_so() -> None:
    """They span what another processor may take, and do not pull those of this machine."""
    here, there = "A Processor, 2 cores, avx512 bf16", "B Processor, 8 cores, avx2"
    known = [replace(_observed(1, 100, str(n)), machine=there) for n in range(3)]
    elsewhere = _find(Rates(known, machine=here))
    assert elsewhere is not None
    assert (elsewhere.low, elsewhere.expected, elsewhere.high) == pytest.approx((0.01 / 2.2, 0.01, 0.022))
    assert elsewhere.source.endswith(f"on other hardware: {there}")
    own = _find(Rates([*known, replace(_observed(5, 100, "own"), machine=here)], machine=here))
    assert own is not None and own.expected == 0.05 and "other hardware" not in own.source
    # What names no instruction set may be this machine, and what names nothing was measured here.
    for machine in ("A Processor, 2 cores", None):
        same = _find(Rates([replace(each, machine=machine) for each in known], machine=here))
        assert same is not None and (same.low, same.high) == (0.01, 0.01)


def test_a_model_that_is_not_here_is_known_by_its_name() -> None:
    rate = _find(
        Rates([_observed(1, 100)]), own=("nli ? 64", "nli called M 64", "nli ?", "nli called M", "?", "called M")
    )
    assert rate is not None
    assert (rate.low, rate.expected) == (0.0075, 0.01)
    assert "the model by its name" in rate.source


def test_rates_of_other_hardware_and_of_steps_left_out_are_not_used() -> None:
    rates = Rates([_observed(1, 100)])
    assert _find(rates, hardware="NVIDIA T4") is None
    assert rates.find(Step("predict", {"task": "nli"}), "m", _KEYS, "cpu", {"s"}) is None


def test_stated_rates_come_before_measured_ones() -> None:
    rates = Rates([_observed(1, 100)], stated=parse(["predict:m=1,2,3"]))
    assert _find(rates) == Rate(1, 2, 3, "token", "stated")


@pytest.mark.parametrize(
    "text", ["predict", "predict=x", "predict=1,2", "predict=3,2,1", "fly=1", "predict=-1", "predict=nan"]
)
def test_a_rate_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="--rate takes"):
        parse([text])


def test_a_rate_for_what_the_spec_does_not_have_is_refused(made: Made, empty: Store) -> None:
    with pytest.raises(ConfigError, match="no engine or model 'gogle'"):
        Forecaster(made[1], Basis.gather(store=empty, stated=parse(["translate:gogle=1"])))


# -- forecasts --------------------------------------------------------------------------------


def test_seconds_follow_from_the_rates_of_other_cells(made: Made) -> None:
    finished, _, store = made
    check = check_rates(finished.folder, Basis.gather([finished.folder], store=store), data_dir=finished.folder.parent)
    model_steps = [step for step in check.steps if step.stage in {"finetune", "predict"}]
    judged = [step for step in model_steps if step.error is not None]
    assert len(judged) >= 12
    for step in judged:
        assert step.error is not None
        assert step.error < 0.02
    # How many answers have to be translated to be found again shows only when they are there.
    # What the translation memory had from another step was sent in that step's calls.
    assert all(step.exact for step in check.steps if step.stage != "back-project" and "answers known" not in step.label)


def test_nothing_that_a_cell_tells_is_used_to_forecast_it(tmp_path: Path) -> None:
    # Only translate-infer runs the source encoder, and a model without weights has no size to scale by.
    finished, _, store = plan_made.made_run(tmp_path, tasks=("nli",))
    check = check_rates(finished.folder, Basis.gather([finished.folder], store=store), data_dir=finished.folder.parent)
    source = [step for step in check.steps if step.stage == "finetune" and "source-model" in step.label]
    assert [step.error for step in source] == [None]


def test_finished_steps_count_with_what_they_used(made: Made) -> None:
    finished, spec, store = made
    forecaster = Forecaster(spec, Basis.gather(store=store))
    book = forecaster.book("expected")
    assert book.total(entry.step_id for entry in book).usd == Decimal(
        json.loads((finished.folder / "results.json").read_text())["total_usd"]
    )


def test_costs_are_those_of_the_results_once_everything_is_known(made: Made) -> None:
    finished, spec, store = made
    by_key = {result.spec.without_seed: result for result in finished.results}
    for plan in Forecaster(spec, Basis.gather(store=store)).plans():
        for option in plan.expected.options:
            result = by_key[option.key]
            paid = (result.translation, result.annotation, result.fine_tuning)
            once = sum((cost.usd for cost in paid if cost), Decimal(0))
            per_1k = result.inference_per_1k.usd + (result.translation_per_1k.usd if result.translation_per_1k else 0)
            assert abs(plan.expected.once_usd(option) - once) < Decimal("1e-9")
            assert abs(plan.expected.recurring_usd_per_1k(option) - per_1k) < Decimal("1e-9")


def test_hardware_that_works_half_of_the_time_costs_twice_as_much_to_serve_by(made: Made) -> None:
    forecaster = Forecaster(made[1], Basis.gather(store=made[2]))
    for busy, idle in zip(forecaster.plans(), forecaster.plans(utilisation=Decimal("0.5")), strict=True):
        for one, other in zip(busy.expected.options, idle.expected.options, strict=True):
            assert one.fixed == other.fixed
            timed = [each.quantity for each in one.recurring if busy.expected.rates[each.resource].unit == "second"]
            longer = [each.quantity for each in other.recurring if idle.expected.rates[each.resource].unit == "second"]
            assert timed
            assert longer == pytest.approx([2 * each for each in timed], rel=Decimal("1e-9"))


def test_without_a_rate_there_is_no_number_but_a_line_that_says_what_to_give(made: Made, empty: Store) -> None:
    plans = Forecaster(made[1], Basis.gather(store=empty, stated=parse(["tokens=0.25"]))).plans()
    lines = plans[0].todo
    assert any("--rate finetune:" in line and "per token" in line for line in lines)
    assert any("translate:own" in line for line in lines)
    table = plan_table(plans[0], Horizon(1000, 2))
    zero_shot = next(row for row in table.rows if row[0].text == "zero-shot")
    assert [zero_shot[column].text for column in (2, 4, 5)] == ["?", "?", "?"]
    assert zero_shot[2].value == ""
    infer = next(row for row in table.rows if row[0].text.startswith("translate-infer (API"))
    assert infer[4].text.startswith("> ")


def test_tokens_that_cannot_be_told_are_asked_for(made: Made, empty: Store) -> None:
    plans = Forecaster(made[1], Basis.gather(store=empty, stated=parse(["finetune=0.001", "predict=0.001"]))).plans()
    assert any("--rate tokens=0.25" in line for line in plans[0].todo)


def test_stated_rates_give_low_expected_and_high(made: Made, empty: Store) -> None:
    stated = parse(["tokens=0.25", "finetune=0.001,0.002,0.004", "predict=0", "translate=0", "latency=0"])
    plan = Forecaster(made[1], Basis.gather(store=empty, stated=stated)).plans()[0]
    assert not plan.todo
    totals = [decision.fixed_usd(decision.options[0]) for decision in (plan.low, plan.expected, plan.high)]
    assert totals[1] == pytest.approx(2 * totals[0])
    assert totals[2] == pytest.approx(4 * totals[0])
    assert all(isinstance(total, Decimal) for total in totals)


def test_published_hours_are_used_for_an_open_engine_at_the_price_of_their_hardware(
    tmp_path: Path, empty: Store
) -> None:
    engine = {"engine": "ctranslate2", "models": {"*": "embedded:marian-en-xx"}}
    spec = plan_made.spec(tmp_path, engines={"open": engine}, methods=["translate-train"])
    forecaster = Forecaster(spec, Basis.gather(store=empty))
    found = next(each for each in forecaster.forecasts.values() if each.step.label.startswith("nli open"))
    assert found.source.startswith("published: 2.25 h on a V100 for 392,702 pairs")
    seconds = found.usages["expected"].seconds
    assert (found.amount, found.unit) == (30, "example")
    assert seconds == pytest.approx(30 * 2.25 * 3600 / 392_702)
    v100 = Decimal("2.77")
    cost = forecaster.book("expected").cost(found.step.id).usd
    assert float(cost) == pytest.approx(float(v100) * (seconds or 0) / 3600)


def test_the_published_hours_of_squad_are_for_its_questions() -> None:
    """34 hours at 2.77 USD are 94.18 USD for all of SQuAD, however many characters of it an engine is sent."""
    per_question, per_character = (
        rate for stage, task, rate in published.rates() if (stage, task) == ("translate", "qa")
    )
    assert per_question.unit == "example"
    assert per_question.expected * 87_599 / 3600 * 2.77 == pytest.approx(94.18, abs=0.005)
    assert per_question.low * 87_599 / 3600 * 2.77 == pytest.approx(2.77)
    assert per_character.unit == "character"  # of answers that are carried back; a paragraph is sent for each question
    assert per_character.expected * 55_070_000 / 3600 == pytest.approx(34, rel=0.01)


def test_a_question_that_is_translated_takes_what_a_question_took_there(tmp_path: Path, empty: Store) -> None:
    engine = {"engine": "ctranslate2", "models": {"*": "embedded:marian-en-xx"}, "projection": "markers"}
    spec = plan_made.spec(tmp_path, tasks=("qa",), engines={"open": engine}, methods=["translate-train"])
    forecaster = Forecaster(spec, Basis.gather(store=empty))
    found = next(each for each in forecaster.forecasts.values() if each.step.stage == "translate")
    assert found.usages["expected"].seconds == pytest.approx(30 * 34 * 3600 / 87_599)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ({"engine": "ctranslate2", "models": {"*": "m"}}, "open"),
        ({"engine": "apertium", "price": "compute"}, "open"),
        ({"engine": "google"}, "commercial"),
        ({"engine": "offline:bergamot"}, "open"),
        ({"engine": "existing", "price": "paper-opus-v100"}, None),  # a price is no declaration
        ({"engine": "existing"}, None),
        ({"engine": "existing", "kind": "open"}, "open"),
        ({"engine": "reference", "price": "google-translate"}, None),
        ({"engine": "llm", "options": {"model": "m"}, "price": "google-translate", "kind": "commercial"}, "commercial"),
        ({"engine": "echo"}, None),
    ],
)
def test_what_the_paper_would_call_an_engine_is_declared(values: dict[str, Any], kind: str | None) -> None:
    assert published.kind(EngineSpec.model_validate(values)) == kind


def test_the_papers_ranking_spec_is_credited_with_the_papers_own_rows() -> None:
    """Table 5: translate-train has .285 with the open model and .302 with the API; joint training has the API only."""
    engines = load_spec(Path(__file__).parents[2] / "configs/paper/ranking.yaml").engines

    def credited(method: str, engine: str) -> float | None:
        cell = RunSpec("ranking", method, "target-encoder", "en", "pt", engine, 0)
        found = published.quality(cell, engines[engine])
        return found.value if found else None

    assert credited("translate-train", "helsinki") == 0.285
    assert credited("translate-train", "google") == 0.302
    assert credited("translate-train-joint", "google") == 0.306
    assert credited("translate-train-joint", "helsinki") is None


def test_stated_tokens_come_before_what_finished_steps_tell(made: Made) -> None:
    _, spec, store = made

    def read(*texts: str) -> dict[str, int | None]:
        basis = Basis.gather(store=store, stated=parse(["finetune=0.001", "predict=0.001", *texts]))
        found = Forecaster(spec, basis, finished=False).forecasts.values()
        return {each.step.id: each.usages["expected"].input_tokens for each in found if each.step.stage == "finetune"}

    learnt, twice = read(), read(f"tokens={2 * plan_made.RATIO}")
    assert all((twice[step] or 0) > 1.2 * (learnt[step] or 0) for step in learnt)
    own = read(f"tokens:{spec.models['target-encoder'][0]}={2 * plan_made.RATIO}")
    assert (
        {step for step in learnt if own[step] != learnt[step]}
        == {step for step in learnt if own[step] == twice[step]}
        != set(learnt)
    )


def test_seconds_at_the_price_of_another_device_are_named(made: Made) -> None:
    finished, spec, store = made
    v100 = priced(spec, "paper-v100-mean")
    (plan, *_) = Forecaster(v100, Basis.gather(store=store)).plans()
    said = "Seconds of cpu are priced as paper-v100-mean@2021-12-01, another device"
    assert any(note.startswith(said) for note in plan.notes)
    assert not any("another device" in note for note in Forecaster(spec, Basis.gather(store=store)).plans()[0].notes)
    record = read_run(finished.folder)
    (dear, *_) = decisions(reprice([record], offers={"compute": "v100-gcp"}))
    assert any("Seconds of cpu are priced as v100-gcp@2021-12-01, another device" in note for note in dear.notes)
    (stated, *_) = decisions(reprice([record], prices={"compute": Decimal(1)}))
    assert not any("another device" in note for note in (*decisions([record])[0].notes, *stated.notes))


def test_quality_is_the_pilots_own_or_else_published_and_says_which(made: Made, empty: Store) -> None:
    finished, spec, store = made
    pilot = Forecaster(spec, Basis.gather([finished.folder], store=store)).plans()[0]
    scores = {result.spec.without_seed: result.score.value for result in finished.results}
    for option in pilot.expected.options:
        assert option.quality == scores[option.key]
        assert pilot.qualities[option.key] == "score measured in run made"
    paper = Forecaster(spec, Basis.gather(store=empty)).plans()[0]
    zero_shot = paper.expected.options[0]
    assert zero_shot.quality == 0.8291
    assert paper.qualities[zero_shot.key] == "score published: Rosa et al. 2021, Table 3"


def test_added_latency_is_nothing_without_translation_and_published_for_an_api(made: Made, empty: Store) -> None:
    plan = Forecaster(made[1], Basis.gather(store=empty)).plans()[0]
    added = {option.label: option.latency_ms for option in plan.expected.options}
    assert added["zero-shot"] == 0.0
    assert added["translate-infer (API, source-encoder)"] == 760.0
    assert "published" in plan.latencies[plan.expected.options[-2].key] or "published" in str(plan.latencies)


# -- figures instead of a spec ----------------------------------------------------------------


@pytest.mark.parametrize(("task", "billed"), [("nli", 170), ("qa", 170 + len("<a1></a1>"))])
def test_stated_figures_are_billed_to_the_character(task: str, billed: int, empty: Store) -> None:
    asked = stated_spec(Stated(task, ("pt",), examples=39_000, characters=170, engines=("google-translate",)))
    forecaster = Forecaster(asked.spec, Basis.gather(store=empty), given=asked.given)
    one_time = next(each for each in forecaster.forecasts.values() if each.step.label.endswith("training set"))
    assert one_time.usages["expected"].characters == 39_000 * billed
    usd = Catalogue.load().cost(one_time.usages["expected"], "google-translate").usd
    assert forecaster.book("expected").cost(one_time.step.id).usd == usd
    assert one_time.source == "stated"


def test_a_file_is_counted_instead_of_stated_figures(tmp_path: Path, empty: Store) -> None:
    path = plan_made.saved(plan_made.pairs(12, "en", "train"), tmp_path / "pairs.jsonl")
    asked = stated_spec(Stated("nli", ("pt",), train=path, engines=("google-translate",), methods=("translate-train",)))
    forecaster = Forecaster(asked.spec, Basis.gather(store=empty), given=asked.given)
    found = next(each for each in forecaster.forecasts.values() if each.step.stage == "translate")
    texts = {text for e in plan_made.pairs(12, "en", "train").examples for text in e.texts}
    assert found.usages["expected"].characters == sum(map(len, texts))


def test_ranking_is_forecast_from_figures(empty: Store) -> None:
    figures = Stated(
        "ranking",
        ("pt",),
        examples=500,
        characters=40,
        engines=("google-translate",),
        passages=10_000,
        passage_characters=300,
    )
    asked = stated_spec(figures)
    stated = parse(["retrieve=0.001", "tokens=0.25"])
    plan = Forecaster(asked.spec, Basis.gather(store=empty, stated=stated), given=asked.given).plans()[0]
    costs = {o.label: (plan.expected.once_usd(o), plan.expected.recurring_usd_per_1k(o)) for o in plan.expected.options}
    first = costs["translate-infer-strategy-1 (google-translate, source-encoder)"]
    second = costs["translate-infer-strategy-2 (google-translate, source-encoder)"]
    zero_shot = costs["zero-shot"]
    assert first[0] - zero_shot[0] == Decimal("60")  # 3 million characters
    assert first[1] - zero_shot[1] == Decimal("0.8")  # 40,000 characters of queries
    assert second[1] - zero_shot[1] == Decimal("6000.8")  # and a thousand passages for each
    kept = {o.label: plan.expected.kept_usd_per_month(o) for o in plan.expected.options}
    stored = Decimal(3_000_000 + 50 * 10_000) / 2**30  # the collection, once more, at 0.02 USD a gigabyte and month
    strategy_1 = kept["translate-infer-strategy-1 (google-translate, source-encoder)"]
    assert abs(strategy_1 - stored * Decimal("0.02")) < Decimal("1e-11")
    assert kept["translate-infer-strategy-2 (google-translate, source-encoder)"] == kept["zero-shot"] == 0
    assert not plan.todo


def test_a_model_known_by_its_size_takes_a_rate_in_proportion(empty: Store) -> None:
    observation = Observation("s", "finetune", ("nli m x", "nli m", "m"), "cpu", 10, 1000, "token", "here", 1_000_000)
    rate = Rates([observation], sizes={"2M": 2_000_000}).find(
        Step("finetune", {"task": "nli"}), "2M", ("nli other y", "nli other", "other"), "cpu"
    )
    assert rate is not None
    assert (rate.low, rate.expected, rate.high) == (0.01, 0.02, 0.04)
    assert "scaled by model size" in rate.source


@pytest.mark.parametrize(
    ("figures", "message"),
    [
        (Stated("chess", ("pt",), examples=1, characters=1), "unknown task"),
        (Stated("nli", (), examples=1, characters=1), "--targets"),
        (Stated("nli", ("pt",)), "--examples and --characters"),
        (Stated("ranking", ("pt",), examples=1, characters=1), "--passages"),
        (Stated("nli", ("pt",), examples=1, characters=1, engines=("nix",)), "neither an engine"),
        (Stated("nli", ("pt",), examples=1, characters=1, engines=("cpu-core",)), "bills by the device-hour"),
        (Stated("nli", ("pt",), examples=1, characters=1, methods=("magic",)), "unknown method"),
    ],
)
def test_what_was_not_stated_is_asked_for(figures: Stated, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        stated_spec(figures)


# -- a forecast against a run -----------------------------------------------------------------


def test_a_forecast_written_before_is_compared_with_the_run_after(tmp_path: Path) -> None:
    spec, store = plan_made.spec(tmp_path), Store(tmp_path / "cache")
    stated = parse(["tokens=0.25", f"finetune={plan_made.TRAINING_SECONDS}", f"predict={plan_made.INFERENCE_SECONDS}"])
    save(Forecaster(spec, Basis.gather(store=store, stated=stated)), tmp_path / "plan.json", volume=10)
    plan_made.finish(spec, store)
    finished = run(spec, out=tmp_path / "out", store=store, quiet=True)
    check = check_saved(finished.folder, tmp_path / "plan.json")
    assert {step.error for step in check.steps if step.stage == "dataset"} == {0.0}
    # How many answers have to be translated to be found again shows only when they are there.
    # What the translation memory had from another step was sent in that step's calls.
    assert all(step.exact for step in check.steps if step.stage != "back-project" and "answers known" not in step.label)
    assert max(step.error or 0 for step in check.steps if step.stage in {"finetune", "predict"}) < 0.01
    assert all(step.error is None for step in check.steps if step.stage == "score")
    assert check.left_out == 4
    assert json.loads((tmp_path / "plan.json").read_text())["volume"] == 10


def test_the_check_counts_what_is_within_and_names_the_worst() -> None:
    from crossfare.compare.forecast import Check

    def step(name: str, forecast: float | None, used: float) -> StepCheck:
        money = None if forecast is None else Decimal(str(forecast))
        return StepCheck(name, "predict", name, (forecast, used), (money, Decimal(str(used))))

    check = Check("run x", (step("good", 1.2, 1.0), step("bad", 3.0, 2.0), step("none", None, 1.0)), 0)
    assert [each.within for each in check.steps] == [True, False, False]
    assert check.share_within == pytest.approx(1 / 3)
    notes = " ".join(check_table(check).notes)
    assert "33 % of 3 steps are within 25 %" in notes
    assert "Worst: bad, off by 50 %" in notes
    assert "want of a rate: none" in notes
    assert [row[0].text for row in step_table(check).rows] == ["none", "bad", "good"]


# -- the command ------------------------------------------------------------------------------


def _call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["crossfare", "plan", *arguments])
    monkeypatch.setenv("COLUMNS", "200")
    status = 0
    try:
        cli.main()
    except SystemExit as stopped:
        status = int(stopped.code or 0)
    printed = capsys.readouterr()
    return status, printed.out, printed.err


def test_the_command_prints_what_each_method_costs(
    made: Made, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    finished, _, store = made
    monkeypatch.setenv("CROSSFARE_CACHE", str(store.root))
    path, out = finished.folder.parent / "made.yaml", tmp_path / "plan.json"
    status, printed, _ = _call(monkeypatch, capsys, str(path), "--tasks", "nli", "--volume", "500", "--json", str(out))
    assert status == 0
    assert "NLI pt: forecast for 500 examples a month for 12 months" in printed
    assert "break-even volumes" in printed
    assert "finished here" in printed
    plans = json.loads(out.read_text())["plans"]
    assert Decimal(plans[0]["expected"]["rates"]["engine:api"]["usd"]) == 20
    status, printed, _ = _call(
        monkeypatch, capsys, "--check", str(finished.folder), "--data-dir", str(path.parent), "--steps"
    )
    assert status == 0
    assert "steps are within 25 % in seconds and money" in printed


def test_the_command_says_what_is_not_known_and_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("CROSSFARE_CACHE", str(tmp_path))
    figures = ("--task", "nli", "--targets", "pt", "--examples", "100", "--characters", "80")
    status, printed, _ = _call(monkeypatch, capsys, *figures)
    assert status == 1
    assert printed.count("unknown: ") == 2
    status, _, error = _call(monkeypatch, capsys)
    assert (status, error.count("\n")) == (2, 1)
    assert "--task" in error


def test_planning_loads_no_model_library(made: Made, tmp_path: Path) -> None:
    finished = made[0]
    path = finished.folder.parent / "made.yaml"
    code = (
        "import sys\n"
        "from crossfare import cli\n"
        f"sys.argv = ['crossfare', 'plan', {str(path)!r}, '--from', {str(finished.folder)!r}]\n"
        "try:\n    cli.main()\nexcept SystemExit as stopped:\n    assert not stopped.code, stopped.code\n"
        "heavy = ('torch', 'transformers', 'ctranslate2', 'scipy.stats', 'sklearn', 'bm25s', 'numba', 'ir_measures')\n"
        "found = [name for name in heavy if name in sys.modules]\n"
        "assert not found, found\n"
    )
    environment = {"CROSSFARE_CACHE": str(tmp_path), "PATH": "", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stdout[-500:] + done.stderr[-1500:]
    assert "forecast for" in done.stdout


def _ledger(folder: Path) -> list[dict[str, dict[str, float] | str]]:
    return [json.loads(line) for line in (folder / "ledger.jsonl").read_text().splitlines()]


def test_unknown_scores_are_null_in_json(tmp_path: Path, empty: Store) -> None:
    spec = plan_made.spec(tmp_path, tasks=("nli",), methods=["translate-train-joint"])
    forecaster = Forecaster(spec, Basis.gather(store=empty))
    assert math.isnan(forecaster.plans()[0].expected.options[0].quality)
    save(forecaster, tmp_path / "plan.json")
    assert json.loads((tmp_path / "plan.json").read_text())["plans"][0]["expected"]["options"][0]["quality"] is None
