"""`crossfare plan paper`: Table 1 as the paper's own inputs give it, and what it left out, worked out by hand."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from crossfare import paper
from crossfare.cli import app
from crossfare.compare.model import Decision, Option
from crossfare.errors import ConfigError
from crossfare.ledger import Catalogue
from crossfare.paper.plan import by_part, cell_name
from crossfare.paper.published import printed, published_scores

AUDIT = paper.audit()
AS_PRINTED = paper.forecast(paper.StudyTerms())


def option(decisions: tuple[Decision, ...], task: str, key: str, target: str = "pt") -> tuple[Decision, Option]:
    own = next(each for each in decisions if (each.task, each.target) == (task, target))
    return own, next(each for each in own.options if each.key == key)


@pytest.mark.parametrize(
    "score", published_scores(table=1, language="pt"), ids=lambda s: f"{s.task}-{s.method}-{s.engine}"
)
def test_table_1_comes_out_as_the_audit_recomputes_it(score: paper.PublishedScore) -> None:
    """Every cost of every row: the audited one, which is the printed one unless the audit says why not."""
    own, found = option(AS_PRINTED, score.task, f"{score.method} {score.engine or ''}".strip())
    assert found.quality == score.value
    for part, components in (("one-time", found.fixed), ("recurring", found.recurring)):
        paid = dict(by_part(own, components))
        name = cell_name(score.task, str(score.method), part, score.engine)
        trains = str(score.method).startswith("translate-train")
        expected = name in printed() and (score.method != "translate-infer" or part == "recurring")
        if not expected or (trains and part == "recurring"):
            assert not paid
            continue
        cell = AUDIT.cell(name)
        assert abs(paid["translation"] - cell.computed.value) < Decimal("1e-9")
        if cell.verdict in ("exact", "truncated", "rounding"):
            last = Decimal(1).scaleb(int(cell.printed.as_tuple().exponent))
            assert abs(paid["translation"] - cell.printed) <= max(last, cell.printed / 10_000)
    latency = printed().get(cell_name(score.task, str(score.method), "latency", score.engine))
    infers = str(score.method).startswith("translate-infer")
    assert found.latency_ms == pytest.approx(float(latency.figure) * 1000 if infers and latency else 0)


def test_every_cost_of_table_1_is_forecast() -> None:
    said = {
        cell_name(score.task, str(score.method), part, score.engine)
        for score in published_scores(table=1, language="pt")
        for part in ("one-time", "recurring", "latency")
    }
    assert set(printed()) <= said


def test_costs_are_those_of_the_language() -> None:
    own, german = option(AS_PRINTED, "qa", "translate-infer commercial", "de")
    assert own.recurring_usd_per_1k(german) == pytest.approx(Decimal("7.709"), abs=Decimal("0.001"))  # AUDIT: 7.71
    own, vietnamese = option(AS_PRINTED, "nli", "translate-infer commercial", "vi")
    assert own.recurring_usd_per_1k(vietnamese) == pytest.approx(Decimal("2.19"), abs=Decimal("0.005"))
    _, missing = option(AS_PRINTED, "ranking", "translate-train open", "vi")
    assert missing.quality != missing.quality  # an empty cell of the paper's


def test_what_the_paper_left_out() -> None:
    found = paper.forecast(paper.StudyTerms(parts=paper.PARTS))
    own, zero = option(found, "ranking", "zero-shot")
    assert own.once_usd(zero) == Decimal(96)  # 12 hours of a TPU v3-8 at 8 USD
    assert own.recurring_usd_per_1k(zero) == pytest.approx(
        Decimal(5 * 8 * 1000) / 6900
    )  # AUDIT: the same order as 16.36
    own, zero = option(found, "qa", "zero-shot")
    assert own.once_usd(zero) == Decimal("2.77")  # 24 minutes for two epochs: an hour for five
    own, gold = option(found, "nli", "in-language")
    parts = dict(by_part(own, gold.fixed))
    assert parts["annotation"] == pytest.approx(Decimal(6500) * Decimal("1.20") / 7)
    assert parts["fine-tuning"] == pytest.approx(Decimal(159 * 60) * 6500 / 392702 * Decimal("2.77") / 3600)
    assert (gold.quality, own.tested) == (0.8656, 2448)
    assert not [each for each in found if each.task == "ranking" and "in-language" in [o.key for o in each.options]]


def test_todays_prices_are_the_newest_of_the_same_kind() -> None:
    today = paper.forecast(paper.StudyTerms("today"))
    own, bought = option(today, "nli", "translate-train commercial")
    assert own.once_usd(bought) == Decimal(56_521_137) * Catalogue.load().get("google-translate").amount / 1_000_000
    assert own.rates["commercial"].source == Catalogue.load().get("google-translate").ref
    own, _ = option(paper.forecast(paper.StudyTerms(api="deepl")), "nli", "translate-train commercial")
    assert own.rates["commercial"].source == Catalogue.load().get("deepl-api").ref


def test_the_study_counts_each_model_and_translation_once() -> None:
    planner = paper.StudyPlanner(paper.StudyTerms(parts=("fine-tuning",)))
    study = dict(planner.study(paper.forecast(planner.asked)))
    # BERT-en, BERT-pt and mBERT on SQuAD; BERT-pt and twice mBERT on each translation
    assert study["qa"]["fine-tuning"] == 9 * Decimal("2.77")
    # mT5 in English, three with the API, three joint, and two with the open model, which Vietnamese has not
    assert study["ranking"]["fine-tuning"] == 9 * Decimal(96)
    once = {engine: AUDIT.cell(f"ranking-one-time-{engine}").computed.value for engine in ("open", "commercial")}
    assert abs(study["ranking"]["translation"] - (2 * once["open"] + 3 * once["commercial"])) < Decimal("1e-6")
    assert "test sets" not in study["ranking"]
    only = paper.StudyPlanner(paper.StudyTerms(parts=("fine-tuning",), tasks=("qa",), targets=("de",)))
    assert dict(only.study(paper.forecast(only.asked)))["qa"]["fine-tuning"] == 4 * Decimal("2.77")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--prices then", "--prices then: the paper's are paper, today"),
        ("--with storage", "--with storage: the paper's are fine-tuning, inference, annotation"),
        ("--targets es", "--targets es: the paper's are pt, de, vi"),
        ("--gold 100", "count them with --with annotation"),
        ("--engine apertium", "runs on your own device; price that with --compute"),
        ("--engine t4-gcp", "it bills by the device-hour; name an offer that bills by the character"),
        ("--compute deepl-api", "it bills by the character; name an offer that bills by the device-hour"),
        ("--rate finetune=1", "plan paper goes by what the paper states"),
        ("--engine deepl --engine google", "give --engine once"),
    ],
)
def test_what_cannot_be_asked_is_one_line(arguments: str, message: str) -> None:
    result = CliRunner().invoke(app, ["plan", "paper", *arguments.split()])
    assert isinstance(result.exception, ConfigError)
    assert message in str(result.exception)


def test_the_switches_are_the_papers_alone(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["plan", "demo", "--prices", "today"])
    assert "crossfare plan paper" in str(result.exception)


def test_the_command_prints_tables_and_writes_json(tmp_path: Path) -> None:
    written = tmp_path / "plan.json"
    command = ["plan", "paper", "--tasks", "ranking", "--with", "all", "--volume", "10", "--json", str(written)]
    result = CliRunner().invoke(app, command, env={"COLUMNS": "120"})
    assert result.exit_code == 0, result.output
    for text in ("0.3810?", "5,745.10", "break-even volumes", "What the study costs", "audit-paper names"):
        assert text in result.output
    read = json.loads(written.read_text(encoding="utf-8"))
    chosen = next(each for each in read["methods"] if each["method"] == "translate-infer-strategy-1 open")
    total = sum(map(Decimal, chosen["one_time_usd"].values()))
    total += sum(map(Decimal, chosen["usd_per_1k"].values())) * 120 / 1000
    assert Decimal(chosen["total_usd"]) == pytest.approx(total)


def test_the_page_says_what_the_study_costs() -> None:
    planner = paper.StudyPlanner(paper.StudyTerms("today", paper.PARTS))
    study = dict(planner.study(paper.forecast(planner.asked)))
    whole, qa = (sum(sum(study[task].values()) for task in tasks) for tasks in (study, ("qa",)))
    google = 3 * Decimal(3_047_540_622) * 20 / 1_000_000
    page = (Path(__file__).parents[2] / "docs" / "plan.md").read_text(encoding="utf-8")
    for text in (f"{whole:,.0f} USD in 2026", f"{100 * google / whole:.0f} % of that is", f"takes {qa:,.0f} USD"):
        assert text in page
    for part in ("annotation", "fine-tuning"):
        assert f"{study['qa'][part]:,.0f} for" in page
