"""What is forecast, estimated and reserved is what the service bills: one rehearsal counts all of it."""

from __future__ import annotations

import html
import sys
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from vendors import SERVERS, Vendors

from crossfare import data
from crossfare.errors import BudgetExceeded
from crossfare.experiment import Spec, load_spec, planned_spending
from crossfare.experiment.charges import charges, limited, purse
from crossfare.experiment.forecast import Basis, Forecaster
from crossfare.experiment.single import FileTranslation
from crossfare.experiment.stages import execute
from crossfare.store import Store
from crossfare.translate.engines import engine_of_spec
from crossfare.types import Answer, Dataset, PairExample, QAExample, Step

TEXTS = (
    "AT&T said <b> & went",
    "&quot;quoted&quot; &amp; 1 < 2 > 0",
    "hello 😀 👩🏽‍🚀 & 𝔘𝔫𝔦𝔠𝔬𝔡𝔢",
    "cafe\u0301 & nai\u0308ve",
    "  two\u00a0blanks  and a line\nanother line\u2028& a third \t",
    "the <a>cat</a> of AT&T",
    'so "quoted" that \\ it hurts',
    '"\\' * 3000,
    "The R&D is here. " * 4_000,
)
PRICES = """
checked: 2026-11-01
currency: USD
offers:
  - {offer: characters, unit: character, per: 1000000, amount: "20", STATED}
  - {offer: tokens, unit: token, per: 1000000, amount: "1", output_amount: "4", STATED}
""".replace("STATED", "valid_from: 2026-01-01, evidence: published, source: this test")
FILES = {"nli": "train.jsonl", "qa": "train.json"}
ENGINES = [*SERVERS, "libretranslate:text", "libretranslate:html"]


@dataclass(frozen=True)
class Paid:
    """An engine, how it is asked for, and what its server has billed by now: characters, or tokens read and written."""

    engine: str
    options: dict[str, Any]
    offer: str
    bill: Callable[[], tuple[int, ...]]


@pytest.fixture
def paid(request: pytest.FixtureRequest, name: str, monkeypatch: pytest.MonkeyPatch) -> Paid:
    """The engine ``name`` at its local server, with a clean bill."""
    monkeypatch.setenv("CROSSFARE_ALLOWED_HOSTS", "http://127.0.0.1 http://localhost")
    engine, _, form = name.partition(":")
    if engine == "libretranslate":
        server = request.getfixturevalue("libretranslate")
        server.billed.clear()
        options = {"url": server.url, "format": form, "max_texts": 3}
        # A text is counted as it is meant, not as it is escaped.
        meant = html.unescape if form == "html" else str
        billed = lambda: (sum(len(meant(text)) for request in server.billed for text in request.texts),)  # noqa: E731
        return Paid(engine, options, "characters", billed)
    vendors: Vendors = request.getfixturevalue("vendors")
    made = vendors.make(name)
    vendor = vendors.server(name)
    vendor.reset()
    if engine == "llm":
        return Paid(engine, vendors.options(name), "tokens", lambda: vendor.tokens)
    assert made.host
    return Paid(engine, vendors.options(name), "characters", lambda: (vendor.billed,))


def pairs() -> Dataset:
    examples = [PairExample(str(i), text, f"{i} & {text[:40]}", "neutral") for i, text in enumerate(TEXTS)]
    return Dataset("d", "nli", "train", "en", tuple(examples))


def questions() -> Dataset:
    contexts = [f"{text.strip()[:400]} said Ann & Bob in Lisbon." for text in TEXTS]
    examples = [
        QAExample(f"{i}-{answer}", context, f"Who & why <{i}>?", (Answer(answer, context.rindex(answer)),))
        for i, context in enumerate(contexts)
        for answer in ("Ann", "Lisbon")
    ]
    return Dataset("d", "qa", "train", "en", tuple(examples))


def spec(folder: Path, paid: Paid, made: Dataset) -> Spec:
    """Training data translated by an engine; they lie at the spec."""
    data.save(made, folder / FILES[made.task])
    (folder / "prices.yaml").write_text(PRICES)
    engine = {"engine": paid.engine, "options": paid.options, "price": paid.offer, "projection": "tags"}
    values = {
        "name": "counted",
        "targets": ["de"],
        "tasks": {made.task: {"train": FILES[made.task], "test": f"world:{made.task}"}},
        "methods": ["translate-train"],
        "models": {
            "target-encoder": "embedded:multilingual-encoder",
            "source-encoder": "embedded:multilingual-encoder",
        },
        "engines": {"paid": engine},
        "latency": {"repeats": 0},
        "prices": {"files": ["prices.yaml"]},
    }
    (folder / "spec.yaml").write_text(yaml.safe_dump(values))
    return load_spec(folder / "spec.yaml")


def translating(spec: Spec, store: Store) -> tuple[Forecaster, Step]:
    """The forecast of a spec, and its step that is paid; the data that it reads are made."""
    forecaster = Forecaster(spec, Basis.gather(store=store))
    for step in forecaster.steps.values():
        if step.stage == "dataset" and step.params["split"] == "train":
            execute(step, store)
    (step,) = (each for each in forecaster.steps.values() if each.stage == "translate")
    return forecaster, step


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("made", [pairs(), questions()], ids=["pairs", "questions"])
def test_forecast_estimate_budget_and_bill_are_one(
    paid: Paid, name: str, made: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CROSSFARE_CACHE", str(tmp_path / "cache"))
    given, store = spec(tmp_path, paid, made), Store()
    (planned,) = planned_spending(given).steps
    forecaster, step = translating(given, store)
    found = forecaster.forecasts[step.id]
    how = step.runtime.get("projection") or {}
    estimated = FileTranslation.prepare(
        tmp_path / FILES[made.task],
        task=made.task,
        source="en",
        target="de",
        engine=paid.engine,
        options=paid.options,
        price=paid.offer,
        price_files=[tmp_path / "prices.yaml"],
        projection=how.get("method"),
    ).estimate()
    assert paid.bill() in [(0,), (0, 0)], "nothing is sent to find that out"
    assert estimated.most is not None
    forecast, most = found.usages["expected"], found.bound
    assert most is not None
    assert (planned.characters, planned.most) == (forecast.characters, estimated.most.usd)
    assert (estimated.most.characters, estimated.most.requests) == (forecast.characters, forecast.requests)
    paying = charges(given, forecaster.catalogue, forecaster.resources)
    with purse(planned.most) as budget:  # what is said to be the most is enough
        used = execute(limited([step], paying, budget)[0], store)
        spent = budget.spent
    bill = paid.bill()
    assert (used.characters, used.requests) == (forecast.characters, forecast.requests)
    if name == "llm":
        assert (used.input_tokens, used.output_tokens) == bill
        assert (most.input_tokens or 0) >= bill[0] > 0
        assert (most.output_tokens or 0) >= bill[1] > 0
    else:
        assert bill == (forecast.characters,)
        assert planned.usd == planned.most == spent == bill[0] * Decimal("0.00002")


@pytest.mark.parametrize("name", ENGINES)
def test_less_than_the_most_is_refused(paid: Paid, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CROSSFARE_CACHE", str(tmp_path / "cache"))
    given, store = spec(tmp_path, paid, pairs()), Store()
    (planned,) = planned_spending(given).steps
    forecaster, step = translating(given, store)
    paying = charges(given, forecaster.catalogue, forecaster.resources)
    limit = (planned.usd or Decimal(0)) * (Decimal("0.1") if name == "llm" else 1) - Decimal("0.00001")
    with purse(limit) as budget, pytest.raises(BudgetExceeded):
        execute(limited([step], paying, budget)[0], store)


@pytest.mark.parametrize("name", ENGINES)
def test_an_engine_counts_without_its_packages(
    paid: Paid, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_them = engine_of_spec(paid.engine, paid.options)
    monkeypatch.setattr(sys.modules[engine_of_spec.__module__], "_installed", lambda _: False)
    without: Any = engine_of_spec(paid.engine, paid.options, planning=True)
    assert without.revision == with_them.revision
    assert list(without.itemised(TEXTS, source="en")) == list(with_them.itemised(TEXTS, source="en"))  # type: ignore[attr-defined]
