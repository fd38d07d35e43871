"""The ledger: what is shared is paid once, and prices change money only."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossfare.errors import DataError, PriceError
from crossfare.ledger import Book, Catalogue, Entry, read_entries
from crossfare.types import Usage

CATALOGUE = Catalogue.load()
OFFERS = {
    "compute": "cpu-core",
    "engine:reference": "google-translate",
    "engine:open": "compute",
    "annotation:qa": "annotation-qa",
}


def entry(step_id: str, usage: Usage, *resources: str, reused: bool = False) -> Entry:
    return Entry(step_id, step_id.partition("-")[0], f"label of {step_id}", usage, resources, reused)


def book(*entries: Entry) -> Book:
    return Book(CATALOGUE, OFFERS, entries)


def test_an_engine_with_an_offer_is_billed_by_characters_and_an_open_one_by_seconds() -> None:
    used = Usage(seconds=3600, characters=1_000_000)
    ledger = book(entry("a", used, "engine:reference"), entry("b", used, "engine:open"), entry("c", used, "compute"))
    assert ledger.cost("a").usd == 20
    assert ledger.cost("b") == ledger.cost("c")
    assert ledger.cost("b").usd == Decimal("0.28678") / 8
    assert ledger.cost("b").price == "cpu-core@2026-11-22"


def test_a_step_pays_for_everything_it_used_and_for_nothing_it_did_not() -> None:
    used = Usage(seconds=0, annotated=100)
    ledger = book(entry("gold", used, "compute", "annotation:qa"), entry("score", Usage(seconds=9)))
    assert ledger.cost("gold").usd == 12
    assert ledger.cost("gold").price == "cpu-core@2026-11-22 + annotation-qa@2016-06-16"
    assert ledger.cost("score").usd == 0


def test_what_is_not_known_is_an_error() -> None:
    ledger = book(entry("a", Usage(seconds=1), "engine:new"), entry("b", Usage(seconds=1), "engine:reference"))
    with pytest.raises(PriceError, match="label of a: no offer prices 'engine:new'"):
        ledger.cost("a")
    with pytest.raises(PriceError, match=r"label of b: .*characters were not measured"):
        ledger.cost("b")
    with pytest.raises(DataError, match="step c is not in the ledger"):
        ledger.cost("c")
    with pytest.raises(PriceError, match="no offer prices 'compute'"):
        Book(CATALOGUE, {}, [entry("a", Usage(seconds=1), "compute")]).cost("a")


def test_a_step_named_twice_is_paid_once() -> None:
    hour = Usage(seconds=8 * 3600)
    ledger = book(entry("a", hour, "compute", reused=True), entry("b", hour, "compute"))
    assert ledger.total(["a", "b", "b"]).usd == 2 * Decimal("0.28678")


def test_cells_share_steps() -> None:
    ledger = book(*(entry(step, Usage(annotated=5), "annotation:qa") for step in ("train", "pt", "de")))
    cells = [("pt", ["train", "pt"]), ("de", ["train", "de"])]
    cent = Decimal("0.60")
    assert {cell: cost.usd for cell, cost in ledger.standalone(cells).items()} == {"pt": 2 * cent, "de": 2 * cent}
    assert {cell: cost.usd for cell, cost in ledger.marginal(cells).items()} == {"pt": 2 * cent, "de": cent}


STEPS = [f"step-{i}" for i in range(8)]
resources = st.sampled_from([(), ("compute",), ("engine:reference",), ("engine:open",), ("annotation:qa", "compute")])
entries = st.builds(
    lambda usages: [entry(step, usage, *names) for step, (usage, names) in zip(STEPS, usages, strict=True)],
    st.lists(
        st.tuples(
            st.builds(
                Usage,
                seconds=st.floats(0, 1e7, allow_nan=False),
                characters=st.integers(0, 10**11),
                annotated=st.integers(0, 10**6),
            ),
            resources,
        ),
        min_size=len(STEPS),
        max_size=len(STEPS),
    ),
)
matrices = st.lists(st.lists(st.sampled_from(STEPS), max_size=12), max_size=6).map(lambda rows: list(enumerate(rows)))


@settings(deadline=None)  # the machine may be busy
@given(entries, matrices, st.randoms(use_true_random=False))
def test_marginal_costs_sum_to_the_total_in_any_order(made: list[Entry], cells: list, random) -> None:
    ledger = book(*made)
    total = ledger.total(step for _, steps in cells for step in steps).usd
    standalone = ledger.standalone(cells)
    for _ in range(3):
        marginal = ledger.marginal(cells)
        assert sum((cost.usd for cost in marginal.values()), Decimal(0)) == total
        assert all(marginal[cell].usd <= standalone[cell].usd for cell, _ in cells)
        random.shuffle(cells)
    assert sum((cost.usd for cost in standalone.values()), Decimal(0)) >= total


@settings(deadline=None)  # the machine may be busy
@given(entries)
def test_repricing_changes_money_only(made: list[Entry]) -> None:
    ledger = book(*made)
    dearer = ledger.repriced(CATALOGUE, {"engine:reference": "compute", "compute": "v100-ibm"})
    assert list(dearer) == list(ledger) == made
    assert dearer.repriced(CATALOGUE, OFFERS).total(STEPS) == ledger.total(STEPS)
    for each in made:
        if each.resources == ("engine:reference",):
            assert dearer.cost(each.step_id).price == "v100-ibm@2021-12-01"
        elif each.resources in {("compute",), ("engine:open",)}:
            assert dearer.cost(each.step_id).usd >= ledger.cost(each.step_id).usd


@settings(deadline=None)  # the machine may be busy
@given(entries)
def test_a_written_ledger_reads_back_the_same(tmp_path_factory, made: list[Entry]) -> None:
    path = tmp_path_factory.mktemp("ledger") / "ledger.jsonl"
    book(*made).write(path)
    again = Book(CATALOGUE, OFFERS, read_entries(path))
    assert list(again) == made
    assert again.total(STEPS) == book(*made).total(STEPS)


def test_labels_may_hold_any_text(tmp_path: Path) -> None:
    odd = Entry("a", "translate", "Straße \u2028 \x85 \n {", Usage(seconds=1.5, hardware="cpu\u2029"))
    book(odd).write(tmp_path / "ledger.jsonl")
    assert list(Book(CATALOGUE, OFFERS, read_entries(tmp_path / "ledger.jsonl"))) == [odd]
    book().write(tmp_path / "empty.jsonl")
    assert len(Book(CATALOGUE, OFFERS, read_entries(tmp_path / "empty.jsonl"))) == 0


def test_a_ledger_has_one_line_a_step_and_keeps_the_last_word(tmp_path: Path) -> None:
    ledger = book(entry("a", Usage(seconds=1), "compute"), entry("b", Usage(), "compute"))
    ledger.add(entry("a", Usage(seconds=2), "compute", reused=True))
    ledger.write(tmp_path / "run" / "ledger.jsonl")
    lines = (tmp_path / "run" / "ledger.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == len(ledger) == 2
    assert '"usage": {"seconds": 2, "measured": true}' in lines[0]


@pytest.mark.parametrize("line", ["{", "[]", "{}", '{"step_id": "a", "usage": {"colour": 1}}'])
def test_a_malformed_line_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "ledger.jsonl"
    book(entry("a", Usage(seconds=1), "compute")).write(path)
    path.write_text(path.read_text(encoding="utf-8") + line + "\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"line 2(: not a ledger entry|, column 2: broken JSON)"):
        Book(CATALOGUE, OFFERS, read_entries(path))


def test_a_ledger_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        Book(CATALOGUE, OFFERS, read_entries(tmp_path / "ledger.jsonl"))
