"""Run directories: read, checked, priced anew."""

from __future__ import annotations

import json
import shutil
from dataclasses import fields, replace
from decimal import Decimal
from pathlib import Path
from typing import get_args

import made
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from crossfare.compare import Decision, RunRecord, UnitPrice, decisions, read_run, reprice
from crossfare.errors import ConfigError, DataError, PriceError
from crossfare.ledger import Catalogue
from crossfare.types import Result, Share, Usage

MONEY = {
    "translation",
    "annotation",
    "fine_tuning",
    "translation_per_1k",
    "inference_per_1k",
    "standalone",
    "marginal",
}


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> RunRecord:
    return read_run(made.run(tmp_path_factory.mktemp("made")))


def shape(decision: Decision) -> Decision:
    """A decision without its money."""
    return replace(
        decision, rates={name: UnitPrice(Decimal(0), Decimal(1), "", "") for name in decision.rates}, belief=None
    )


FORMAT_1 = Path(__file__).with_name("format_1")
"""The run of an earlier version: every task and way of crossing, gold data, ensembles, a validation set, timings."""


def test_a_run_of_the_format_before_is_read_with_the_costs_it_was_written_with() -> None:
    run = read_run(FORMAT_1)
    written = json.loads((FORMAT_1 / "results.json").read_text(encoding="utf-8"))["results"]
    played = {share for result in run.results for share in result.steps.values()}
    assert played == set(get_args(Share))
    for result, then in zip(run.results, written, strict=True):
        assert list(result.steps) == then["steps"]
        for part in MONEY:
            usd = getattr(result, part) and getattr(result, part).usd
            assert usd == (then[part] and Decimal(then[part]["usd"])), (result.spec.id, part)
    assert run.book.offers["engine:reference"] == "google-translate"
    assert run.book.offers["engine:echo"] == "compute"
    assert {decision.task for decision in decisions([run])} == {"qa", "nli", "ranking"}


@pytest.mark.parametrize("damage", ["steps", "translation", "spec"])
def test_a_damaged_run_of_the_format_before_is_refused_in_one_line(tmp_path: Path, damage: str) -> None:
    folder = Path(shutil.copytree(FORMAT_1, tmp_path / "run"))
    record = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    del record["results"][3][damage]
    (folder / "results.json").write_text(json.dumps(record), encoding="utf-8")
    with pytest.raises(DataError, match=r"results\.json: '\w+' is missing; run its spec again"):
        read_run(folder)


def test_labels_are_for_people(tmp_path: Path) -> None:
    """A run whose steps are all called otherwise has the same costs, and leads to the same decisions."""
    folder = made.run(tmp_path / "made")
    plain = read_run(folder)
    rows = [json.loads(line) for line in (folder / "ledger.jsonl").read_text(encoding="utf-8").splitlines()]
    labels = [row["label"] for row in rows]
    shuffled = [{**row, "label": label} for row, label in zip(rows, [*labels[1:], labels[0]], strict=True)]
    (folder / "ledger.jsonl").write_text("".join(json.dumps(row) + "\n" for row in shuffled), encoding="utf-8")
    run = read_run(folder)
    assert run.results == plain.results
    assert decisions([run]) == decisions([plain])
    prices = {"compute": Decimal(3), "engine:reference": Decimal(7)}
    again, before = (reprice([each], prices=prices)[0].results for each in (run, plain))
    assert again == before


@settings(max_examples=40)
@given(
    st.dictionaries(
        st.sampled_from(["compute", "engine:open", "engine:reference", "annotation:nli"]),
        st.decimals(0, 1000, places=4),
        min_size=1,
    )
)
def test_pricing_a_run_anew_changes_money_only(record: RunRecord, prices: dict[str, Decimal]) -> None:
    (again,) = reprice([record], prices=prices)
    for before, after in zip(record.results, again.results, strict=True):
        for field in fields(Result):
            if field.name not in MONEY:
                assert getattr(after, field.name) == getattr(before, field.name)
    assert tuple(again.book) == tuple(record.book)
    if "engine:open" not in prices:  # otherwise its seconds are no longer billed as compute
        (a,), (b,) = decisions([record]), decisions([again])
        assert shape(a) == shape(b)


def test_costs_follow_the_stated_prices(record: RunRecord) -> None:
    amounts = {"compute": Decimal(36), "engine:reference": Decimal(10), "annotation:nli": Decimal("0.5")}
    (again,) = reprice([record], prices=amounts)
    cells = {(r.spec.method, r.spec.engine): r for r in again.results}
    assert cells["zero-shot", None].fine_tuning.usd == Decimal("0.2")  # 20 s
    assert cells["zero-shot", None].fine_tuning.price.startswith("compute as stated@")
    assert cells["translate-train", "open"].translation.usd == Decimal("0.12345")  # an engine billed as compute
    assert cells["translate-train", "reference"].translation.usd == Decimal("3.06575")
    assert cells["translate-infer", "reference"].translation_per_1k.usd == Decimal("1.08025")
    assert cells["in-language", None].annotation.usd == 150


def test_an_offer_is_that_of_the_catalogue(record: RunRecord) -> None:
    (again,) = reprice([record], offers={"engine:open": "google-translate"})
    opened = next(r for r in again.results if (r.spec.method, r.spec.engine) == ("translate-train", "open"))
    assert opened.translation == Catalogue.load().cost(Usage(characters=306_575), "google-translate")
    with pytest.raises(PriceError, match="did you mean google-translate"):
        reprice([record], offers={"engine:open": "google-translat"})


def test_an_offer_in_euros_comes_with_its_exchange_rate(record: RunRecord, tmp_path: Path) -> None:
    file = tmp_path / "rates.yaml"
    file.write_text(
        """
checked: 2026-11-01
offers:
  - {offer: ours, unit: example, amount: "0.35", currency: EUR, valid_from: 2026-01-01, source: invoices}
  - {offer: "exchange-rate:eur", unit: currency, amount: "1.08", valid_from: 2026-11-01, source: our bank}
  - {offer: "exchange-rate:chf", unit: currency, amount: "1.25", valid_from: 2026-11-01, source: our bank}
""",
        encoding="utf-8",
    )
    catalogue = Catalogue.load([file])
    (again,) = reprice([record], offers={"annotation:nli": "ours"}, catalogue=catalogue)
    cell = next(r for r in again.results if r.spec.method == "in-language")
    assert cell.annotation.usd == 300 * Decimal("0.35") * Decimal("1.08")
    assert cell.annotation.price == "ours@2026-01-01 + exchange-rate:eur@2026-11-01"
    assert "exchange-rate:chf" not in {price.offer for price in again.book.catalogue}
    rates = [decision.rates["annotation:nli"] for decision in decisions([again])]
    assert {rate.usd / rate.per for rate in rates} == {Decimal("0.378")}
    without = [price for price in catalogue if price.offer != "exchange-rate:eur"]
    with pytest.raises(PriceError, match="is in EUR; state the offer exchange-rate:eur"):
        reprice([record], offers={"annotation:nli": "ours"}, catalogue=Catalogue(without))


def test_an_offer_in_euros_is_converted_as_the_run_was_if_no_other_rate_is_stated(tmp_path: Path) -> None:
    """A run keeps the rate that it was priced with, beside its prices."""
    folder = made.run(tmp_path)
    path = folder / "results.json"
    values = json.loads(path.read_text(encoding="utf-8"))
    (ref,) = (ref for ref in values["provenance"]["prices"] if ref.startswith("annotation-nli@"))
    values["provenance"]["prices"][ref] |= {"currency": "EUR", "usd_rate": "1"}
    path.write_text(json.dumps(values), encoding="utf-8")
    (again,) = reprice([read_run(folder)], offers={"engine:reference": "deepl-api-eur"})
    cell = next(r for r in again.results if (r.spec.method, r.spec.engine) == ("translate-train", "reference"))
    assert cell.translation is not None and cell.translation.usd == Decimal("6.13150")  # 306,575 at 20 EUR the million
    file = tmp_path / "rates.yaml"
    file.write_text(
        "checked: 2026-11-01\noffers:\n"
        '  - {offer: "exchange-rate:eur", unit: currency, amount: "1.10", valid_from: 2026-11-01, source: our bank}\n',
        encoding="utf-8",
    )
    offers = {"engine:reference": "deepl-api-eur"}
    (again,) = reprice([read_run(folder)], offers=offers, catalogue=Catalogue.load([file]))
    cell = next(r for r in again.results if (r.spec.method, r.spec.engine) == ("translate-train", "reference"))
    assert cell.translation is not None and cell.translation.usd == Decimal("6.744650")


@pytest.mark.parametrize("offer", ["compute", "v100-gcp"])
def test_what_was_looked_up_is_not_priced_by_the_hour(tmp_path: Path, offer: str) -> None:
    """It took no time, so that it would be free."""
    looked_up = made.run(tmp_path, jitter=lambda step: 0.0 if "translate" in step and "reference" in step else 1.0)
    with pytest.raises(
        PriceError, match=r"engine:reference: .* bills by the device-hour, but nli reference .*looked up"
    ):
        reprice([read_run(looked_up)], offers={"engine:reference": offer})


def test_an_engine_is_billed_as_compute_on_request(record: RunRecord) -> None:
    (again,) = reprice([record], offers={"engine:reference": "compute"})
    cell = next(r for r in again.results if (r.spec.method, r.spec.engine) == ("translate-train", "reference"))
    assert cell.translation is not None
    assert cell.translation.price.startswith("cpu-core@")


def test_an_offer_that_bills_what_was_not_measured_is_refused(record: RunRecord) -> None:
    with pytest.raises(PriceError, match="bills by the character"):
        reprice([record], offers={"compute": "google-translate"}, catalogue=Catalogue.load())


def test_only_what_a_run_uses_can_be_priced(record: RunRecord) -> None:
    with pytest.raises(ConfigError, match="nothing here uses 'gpu'; what has a price here: compute, engine:open"):
        reprice([record], prices={"gpu": Decimal(1)})
    with pytest.raises(ConfigError, match="both a price and an offer"):
        reprice([record], prices={"compute": Decimal(1)}, offers={"compute": "cpu-core"})


def edited(folder: Path, **changes: object) -> Path:
    """A run whose results.json says something else."""
    path = made.run(folder) / "results.json"
    values = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**values, **changes}), encoding="utf-8")
    return folder


def test_what_is_no_run_directory_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "empty", tmp_path / "nowhere"):
        with pytest.raises(DataError, match="not a run directory"):
            read_run(folder)
    with pytest.raises(DataError, match="format 0, this version reads formats 1 and 2"):
        read_run(edited(tmp_path / "older", format=0))
    with pytest.raises(DataError, match=r"results\.json: 0\.spec: "):
        read_run(edited(tmp_path / "other", results=[{"task": "nli"}]))
    with pytest.raises(DataError, match="'prices' is missing"):
        read_run(edited(tmp_path / "bare", provenance={}))
    (made.run(tmp_path / "torn") / "results.json").write_text('{"format": 1', encoding="utf-8")
    with pytest.raises(DataError, match="broken JSON"):
        read_run(tmp_path / "torn")
    (made.run(tmp_path / "lost") / "ledger.jsonl").unlink()
    with pytest.raises(DataError, match=r"ledger\.jsonl: cannot be read"):
        read_run(tmp_path / "lost")
    (made.run(tmp_path / "no-spec") / "spec.yaml").unlink()
    with pytest.raises(DataError, match=r"spec\.yaml: cannot be read"):
        read_run(tmp_path / "no-spec")


def test_a_ledger_of_another_run_is_noticed(tmp_path: Path) -> None:
    folder, other = made.run(tmp_path / "a"), made.run(tmp_path / "b", speed=2.0)
    (folder / "ledger.jsonl").write_bytes((other / "ledger.jsonl").read_bytes())
    with pytest.raises(DataError, match=r"does not give the fine tuning cost of nli\|zero-shot"):
        read_run(folder)
    lines = (other / "ledger.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    (other / "ledger.jsonl").write_text("".join(lines[1:]), encoding="utf-8")
    with pytest.raises(DataError, match=r"step dataset-en of nli.* is not in ledger\.jsonl"):
        read_run(other)


def test_an_engine_without_a_price_is_billed_as_compute(record: RunRecord) -> None:
    assert record.book.offers == made.OFFERS
    (decision,) = decisions([record])
    assert set(decision.rates) == {"compute", "engine:reference", "annotation:nli"}


def test_the_note_of_an_engine_is_kept(tmp_path: Path) -> None:
    spec = {"engines": {**made.ENGINES, "open": {"engine": "ctranslate2", "note": "a small model"}}}
    (decision,) = decisions([read_run(made.run(tmp_path, spec=spec))])
    notes = {option.label: option.note for option in decision.options}
    assert notes["translate-train (Open S†)"] == "a small model"
    assert notes["translate-train (Reference†)"] == "reference translation, priced as a commercial API"
    assert yaml.safe_load((tmp_path / "spec.yaml").read_text(encoding="utf-8")) == spec


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("steps", {"../../../outside": "supporting"}),
        ("target", "x/../../../PWNED"),
        ("model", "m\x1b[2J"),
        ("engine_label", "e\x07"),
    ],
)
def test_a_strangers_results_lead_nowhere_else_and_draw_as_text(tmp_path: Path, field: str, value: object) -> None:
    folder = made.run(tmp_path)
    record = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    first = record["results"][0]
    (first if field == "steps" else first["spec"])[field] = value
    (folder / "results.json").write_text(json.dumps(record), encoding="utf-8")
    said = r"results\.json: .*(cannot be part of a file's name|is not a language tag|has a control character)"
    with pytest.raises(DataError, match=said):
        read_run(folder)


def test_a_strangers_ledger_leads_nowhere_else(tmp_path: Path) -> None:
    folder = made.run(tmp_path)
    path = folder / "ledger.jsonl"
    first, *others = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join([json.dumps({**json.loads(first), "step_id": "../../x"}) + "\n", *others]), "utf-8")
    with pytest.raises(DataError, match=r"line 1: not a ledger entry .*cannot be part of a file's name"):
        read_run(folder)
