"""Free amounts, fees and least charges of offers, counted month by month."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import made
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from crossfare.compare import (
    Aim,
    Component,
    Decision,
    Option,
    UnitPrice,
    break_evens,
    decisions,
    price_flips,
    read_run,
    recommend,
    reprice,
    volume_flips,
)
from crossfare.ledger import Catalogue, Terms
from crossfare.report.decision import Horizon, front_table

ANY = Aim(margin=1.0)
MILLION = Decimal(1_000_000)


def api(name: str, once: str, per_1k: str, quality: float = 0.5) -> Option:
    """A method that uses so many characters of an API, once and for a thousand examples."""
    return replace(
        made.option(name, quality, "0", "0"),
        fixed=(Component("translation", "api", Decimal(once)),),
        recurring=(Component("translation", "api", Decimal(per_1k)),),
    )


def priced(options: list[Option], terms: Terms, months: int = 12, usd: str = "20") -> Decision:
    rates = {"api": UnitPrice(Decimal(usd), MILLION, "character", "made", terms), **made.decision([]).rates}
    return replace(made.decision(options), rates=rates, months=months)


def counted(decision: Decision, option: Option, examples: Decimal) -> Fraction:
    """The bill of an API, month by month; other costs as they are stated."""
    rate = decision.rates["api"]
    once, again = (
        sum((Fraction(each.quantity) for each in components if each.resource == "api"), Fraction(0))
        for components in (option.fixed, option.recurring)
    )
    other = Fraction(0)
    for each in option.fixed:
        other += Fraction(each.quantity) if each.resource == "money" else 0
    for each in option.recurring:
        other += Fraction(each.quantity) * Fraction(examples) / 1000 if each.resource == "money" else 0
    bill = Fraction(0)
    for month in range(decision.months):
        used = again * Fraction(examples) / 1000 / decision.months + (once if month == 0 else 0)
        if used:
            paid = max(Fraction(0), used - Fraction(rate.terms.free)) * Fraction(rate.usd) / Fraction(rate.per)
            bill += Fraction(rate.terms.fee) + max(Fraction(rate.terms.minimum), paid)
    return other + bill


amounts = st.integers(0, 40).map(lambda n: Decimal(n) * 50_000)
terms = st.builds(
    Terms, amounts, st.integers(0, 3).map(lambda n: Decimal(n) * 5), st.integers(0, 3).map(lambda n: Decimal(n) * 7)
)


@given(amounts, amounts, terms, st.integers(1, 24), st.integers(0, 60))
def test_a_total_is_what_the_bills_of_all_months_come_to(
    once: Decimal, per_1k: Decimal, asked: Terms, months: int, thousands: int
) -> None:
    option = api("a", str(once), str(per_1k))
    decision, examples = priced([option], asked, months), Decimal(thousands * 1000)
    assume(examples or not per_1k)  # nothing served: whether a fee is due is not asked
    assert float(decision.total_usd(option, examples)) == pytest.approx(float(counted(decision, option, examples)))


def test_what_is_free_each_month_is_no_cost_and_no_more_than_that() -> None:
    """The demo's 167,139 characters once are free; 17 million of serving are free to 500,000 a month."""
    once, served = api("once", "167139", "0"), api("served", "0", "106553.333")
    decision = priced([once, served], Terms(free=Decimal(500_000)))
    examples = Decimal(1_200_000)
    assert decision.total_usd(once, examples) == 0
    listed = decision.recurring_usd_per_1k(served) * 1200
    assert decision.terms_usd(served, examples) == -120  # 12 times half a million at 20 USD the million
    assert decision.total_usd(served, examples) == listed - 120


def test_a_fee_is_paid_in_each_month_in_which_the_offer_is_used() -> None:
    once, served, own = api("once", "1000000", "0"), api("served", "0", "1000"), made.option("own", 0.5, "5", "1")
    decision = priced([once, served, own], Terms(fee=Decimal("5.49")))
    assert decision.total_usd(once, Decimal(1000)) == 20 + Decimal("5.49")
    assert decision.total_usd(served, Decimal(1000)) == Decimal("0.02") + 12 * Decimal("5.49")
    assert decision.total_usd(own, Decimal(1000)) == 6


def crossings(decision: Decision) -> list[Decimal]:
    return [each.examples for each in break_evens(decision) if each.examples is not None]


@given(amounts, amounts, terms, st.integers(1, 12), st.integers(0, 60), st.integers(0, 40))
def test_costs_cross_at_the_break_evens_and_nowhere_else(
    once: Decimal, per_1k: Decimal, asked: Terms, months: int, own_once: int, own_per_1k: int
) -> None:
    a, b = api("a", str(once), str(per_1k)), made.option("b", 0.5, str(own_once), str(own_per_1k))
    decision = priced([a, b], asked, months)
    found = break_evens(decision)
    for each in found:
        if each.examples is not None:
            little = each.examples * Decimal("1e-9")
            before, after = (
                decision.total_usd(each.first, n) - decision.total_usd(each.then, n)
                for n in (each.examples - little, each.examples + little)
            )
            assert before <= 0 <= after
    at = sorted(crossings(decision))
    for low, high in zip([Decimal("0.001"), *at], [*at, Decimal(10**7)], strict=True):
        inside = [low + (high - low) * Decimal(k) / 20 for k in range(1, 20)]
        signs = {
            (d > 0) - (d < 0) for n in inside if abs(d := decision.total_usd(a, n) - decision.total_usd(b, n)) > 1e-9
        }
        assert len(signs) <= 1


def test_an_offer_with_a_free_amount_is_overtaken_where_its_bill_catches_up() -> None:
    """Free up to 6 million characters in a year, so at 0 USD up to 60,000 examples of 100 characters."""
    served, own = api("served", "0", "100000"), made.option("own", 0.5, "10", "0")
    decision = priced([served, own], Terms(free=Decimal(500_000)))
    (found,) = break_evens(decision)
    assert (found.first, found.then, found.examples) == (served, own, 65_000)  # 6 million free, and 10 USD beyond
    assert break_evens(priced([served, own], Terms()))[0].examples == 5_000


@pytest.mark.parametrize("asked", [Terms(free=Decimal(500_000)), Terms(minimum=Decimal(9)), Terms(fee=Decimal(2))])
@pytest.mark.parametrize("volume", [5_000, 20_000, 200_000])
def test_flips_are_where_the_recommendation_changes(asked: Terms, volume: int) -> None:
    served, own = api("served", "200000", "100000"), made.option("own", 0.5, "40", "0.5")
    decision, examples = priced([served, own], asked), Decimal(volume)
    found = recommend(decision, examples, aim=ANY)
    for flip in volume_flips(found):
        for n, wanted in ((flip.threshold * Decimal("0.9999"), False), (flip.threshold * Decimal("1.0001"), True)):
            changed = recommend(decision, n, aim=ANY).chosen != found.chosen
            assert changed == (wanted == (flip.side == "above"))
    for flip in price_flips(found):
        for usd, wanted in ((flip.threshold * Decimal("0.9999"), False), (flip.threshold * Decimal("1.0001"), True)):
            changed = recommend(decision.at_price(flip.what, usd), examples, aim=ANY).chosen != found.chosen
            assert changed == (wanted == (flip.side == "above"))
    assert (volume_flips(found) or price_flips(found)) and (price_flips(found) or volume < 200_000)


def test_a_run_keeps_the_terms_of_its_offers_and_an_older_one_says_that_it_does_not(tmp_path: Path) -> None:
    folder = made.run(tmp_path)
    values = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    for price in values["provenance"]["prices"].values():
        del price["terms"]
    (folder / "results.json").write_text(json.dumps(values), encoding="utf-8")
    record = read_run(folder)
    (before,) = decisions([record])
    assert not any(rate.terms for rate in before.rates.values())
    (note,) = (note for note in before.notes if "each month" in note)
    assert note.startswith("What google-translate asks or gives each month (a fee, a free amount) was not recorded")
    (again,) = decisions(reprice([record], offers={"engine:reference": "google-translate"}))
    assert again.rates["engine:reference"].terms == Terms(free=Decimal(500_000))
    assert not any("each month" in note for note in again.notes)
    horizon = Horizon(100_000, 12)
    (told,) = (note for note in front_table(recommend(again, horizon.examples), horizon).notes if "bills" in note)
    assert told.endswith("an offer that is used has: engine:reference 500,000 characters free.")


def test_a_fee_in_euros_is_converted(tmp_path: Path) -> None:
    file = tmp_path / "rates.yaml"
    file.write_text(
        "checked: 2026-11-01\noffers:\n"
        '  - {offer: "exchange-rate:eur", unit: currency, amount: "1.10", valid_from: 2026-11-01, source: our bank}\n',
        encoding="utf-8",
    )
    (bill,) = Catalogue.load([file]).get("deepl-api-eur").bills("engine:x")
    assert bill.rate.terms == Terms(fee=Decimal("4.99") * Decimal("1.10"))
