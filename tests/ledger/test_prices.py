"""The catalogue, against the paper's own money (its Table 1, recomputed from its inputs)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossfare.errors import ConfigError, PriceError
from crossfare.ledger import STALE_AFTER_DAYS, Catalogue, Price, per_1k
from crossfare.types import Cost, Usage

DECEMBER = date(2021, 12, 15)
CATALOGUE = Catalogue.load()

own_file = """
checked: 2026-01-31
offers:
  - {{offer: mine, unit: character, per: 1000, amount: "0.5", valid_from: 2026-01-01, source: contract{more}}}
"""


RATES = """
  - {offer: exchange-rate:eur, unit: currency, amount: "1.10", valid_from: 2026-01-10, source: the bank}
  - {offer: exchange-rate:eur, unit: currency, amount: "1.20", valid_from: 2026-03-01, source: the bank}
"""

RATES_FILE = "checked: 2026-01-31\noffers:" + RATES

TOKENS = """
checked: 2026-01-31
offers:
  - offer: our-llm
    unit: token
    per: 1000000
    amount: "0.15"
    output_amount: "0.60"
    valid_from: 2026-01-01
    source: contract
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "prices.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("usage", "offer", "usd"),
    [
        # One-time costs: hours on a V100, characters of the training sets (Tables 6 to 8).
        (Usage(seconds=34 * 3600), "paper-v100-mean", "94.18"),
        (Usage(characters=17_688_764), "paper-api-mean", "294.81"),
        (Usage(seconds=2.25 * 3600), "paper-v100-mean", "6.23"),
        (Usage(characters=56_521_137), "paper-api-mean", "942.02"),
        (Usage(seconds=50 * 3600), "paper-v100-mean", "138.50"),
        (Usage(seconds=51 * 3600), "paper-v100-mean", "141.27"),
        (Usage(characters=3_047_540_622), "paper-api-mean", "50792.34"),
        # Recurring costs per 1,000 examples: 31.25 batches of 32, or characters per example.
        (Usage(seconds=31.25 * 2.50), "paper-v100-mean", "0.06"),
        (Usage(seconds=1000 * 1.4), "paper-v100-mean", "1.08"),
        (Usage(characters=1_006_570), "paper-api-mean", "16.78"),
        (Usage(characters=462_550), "paper-api-mean", "7.71"),
        (Usage(characters=230_100), "paper-api-mean", "3.84"),  # 3.835: half a cent, rounded up
        (Usage(seconds=31.25 * 0.78), "paper-v100-mean", "0.02"),
        (Usage(characters=89_800), "paper-api-mean", "1.50"),
        (Usage(characters=155_440), "paper-api-mean", "2.59"),
        (Usage(characters=131_430), "paper-api-mean", "2.19"),
        (Usage(seconds=31.25 * 0.72), "paper-v100-mean", "0.02"),
        (Usage(characters=35_770), "paper-api-mean", "0.60"),
        (Usage(seconds=31.25 * 680.64), "paper-v100-mean", "16.37"),
        (Usage(characters=1000 * 344_670 + 35_770), "paper-api-mean", "5745.10"),
        # Single offers.
        (Usage(characters=1_000_000), "google-translate", "20.00"),
        (Usage(characters=1_000_000), "azure-translator", "10.00"),
        (Usage(seconds=3600), "v100-gcp", "2.48"),
        (Usage(seconds=3600), "v100-ibm", "3.06"),
    ],
)
def test_the_papers_costs(usage: Usage, offer: str, usd: str) -> None:
    cost = CATALOGUE.cost(usage, offer, DECEMBER)
    assert abs(cost.usd - Decimal(usd)) <= Decimal("0.005")
    assert cost.price == f"{offer}@2021-12-01"


def test_a_mean_is_computed_from_its_offers() -> None:
    assert CATALOGUE.get("paper-v100-mean", DECEMBER).amount == Decimal("2.77")
    assert abs(CATALOGUE.get("paper-api-mean", DECEMBER).amount - Decimal(50) / 3) < Decimal("1e-20")


def test_a_mean_keeps_its_value_after_one_of_its_offers_has_ended() -> None:
    assert CATALOGUE.get("paper-api-mean") == CATALOGUE.get("paper-api-mean", DECEMBER)
    with pytest.raises(PriceError, match="was withdrawn on 2024-12-10"):
        CATALOGUE.get("ibm-translator")


def test_annotation_and_core_prices_follow_from_the_published_figures() -> None:
    assert CATALOGUE.cost(Usage(annotated=837), "annotation-qa").usd == Decimal("837") * Decimal("0.12")
    assert CATALOGUE.cost(Usage(annotated=7), "annotation-nli").usd == Decimal("0.40") * 3
    assert CATALOGUE.cost(Usage(seconds=8 * 3600), "cpu-core").usd == Decimal("0.28678")


def test_the_newest_record_counts_unless_a_day_is_given() -> None:
    assert CATALOGUE.get("google-translate", DECEMBER).ref == "google-translate@2021-12-01"
    assert CATALOGUE.get("google-translate").valid_from > DECEMBER


def test_zero_costs_nothing_but_unmeasured_is_an_error() -> None:
    assert CATALOGUE.cost(Usage(characters=0), "google-translate").usd == 0
    with pytest.raises(PriceError, match="bills by the character"):
        CATALOGUE.cost(Usage(seconds=5), "google-translate")


@pytest.mark.parametrize(
    ("offer", "on", "message"),
    [
        ("gogle-translate", None, "did you mean google-translate"),
        ("zzz", None, "crossfare prices"),
        ("v100-gcp", date(2021, 11, 30), "no price of 'v100-gcp' is known for 2021-11-30"),
        ("ibm-translator", date(2024, 12, 11), "known: 2021-12-01 to 2024-12-10"),
        ("exchange-rate:eur", None, "no price is known"),
    ],
)
def test_an_unknown_price_is_an_error(offer: str, on: date | None, message: str) -> None:
    with pytest.raises(PriceError, match=message):
        CATALOGUE.get(offer, on)


def test_every_shipped_record_says_where_it_is_from() -> None:
    prices = list(CATALOGUE)
    assert len({price.ref for price in prices}) == len(prices)
    for price in prices:
        assert price.source
        assert price.checked >= price.valid_from or price.valid_from.year <= 2021
        assert price.evidence != "derived" or price.note or price.mean_of, price.ref


def test_own_files_add_and_replace_offers(tmp_path: Path) -> None:
    text = own_file.format(more="") + (
        '  - {offer: google-translate, unit: character, amount: "0.000015", valid_from: 2020-01-01, source: s}\n'
        "  - {offer: both, mean_of: [mine, mine], valid_from: 2026-02-01, source: us}\n"
        "  - {offer: gpus, mean_of: [v100-gcp, v100-ibm], valid_from: 2022-01-01, source: us}\n"
    )
    catalogue = Catalogue.load([written(tmp_path, text)])
    assert catalogue.cost(Usage(characters=2000), "mine").usd == 1
    assert catalogue.cost(Usage(characters=1_000_000), "google-translate").usd == 15
    assert [p.ref for p in catalogue if p.offer == "google-translate"] == ["google-translate@2020-01-01"]
    assert catalogue.get("both").amount == Decimal("0.5")
    assert catalogue.get("gpus").amount == Decimal("2.77")
    # What was derived from the shipped price stays derived from it.
    assert catalogue.get("paper-api-mean") == CATALOGUE.get("paper-api-mean")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- 1", "a price file is a mapping of keys"),
        (own_file.format(more="").replace('"0.5"', "0.5"), "in quotes"),
        (own_file.format(more="").replace('"0.5"', "true"), "in quotes"),
        (own_file.format(more="").replace('"0.5"', '"-1"'), "greater than or equal to 0"),
        (own_file.format(more="").replace('"0.5"', '"NaN"'), "finite number"),
        (own_file.format(more="").replace("per: 1000", "per: 0"), "greater than 0"),
        (own_file.format(more=", colour: red"), "colour"),
        (own_file.format(more=", mean_of: [mine]"), "either amount or mean_of"),
        (own_file.format(more=", valid_to: 2025-01-01"), "before valid_from"),
        (own_file.format(more="").replace("unit: character, ", ""), "say what the amount buys"),
        (own_file.format(more="") + own_file.format(more="").splitlines()[-1] + "\n", "two records"),
        (
            own_file.format(more="") + "  - {offer: m, mean_of: [mine, v100-gcp], valid_from: 2026-02-01, source: s}\n",
            "alike",
        ),
        (own_file.format(more="") + "  - {offer: m, mean_of: [nobody], valid_from: 2026-02-01, source: s}\n", "nobody"),
        (own_file.format(more=", output_amount: '1'"), "unit token needs"),
        (own_file.format(more=", cached_amount: '1'"), "cached_amount is for tokens"),
        (TOKENS.replace('"0.60"', '"0.60"\n    cached_amount: "0.20"'), "at the most what amount says"),
        (TOKENS.replace('    output_amount: "0.60"\n', ""), "unit token needs"),
        (own_file.format(more="").replace("unit: character", "unit: currency"), "exchange-rate:eur and the like"),
        (own_file.format(more="").replace("offer: mine", "offer: exchange-rate:eur"), "exchange-rate:eur and the like"),
        (own_file.format(more=", counting: by hand"), "counting"),
        (own_file.format(more=", counting: {characters: word, white_space: true, markup: free}"), "characters"),
        (TOKENS + "    counting: {characters: byte, white_space: true, markup: free}", "bill characters"),
        (RATES_FILE.replace("unit: currency", "unit: currency, currency: EUR"), "stated in USD"),
        ("checked: [", "not valid YAML"),
        ("- 1", "prices.yaml"),
    ],
)
def test_a_malformed_file_is_named_with_what_is_wrong(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        Catalogue.load([written(tmp_path, text)])
    assert "prices.yaml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        Catalogue.load([tmp_path / "none.yaml"])


def test_another_currency_needs_a_rate(tmp_path: Path) -> None:
    euros = own_file.format(more=", currency: EUR").rstrip()
    without = Catalogue.load([written(tmp_path, euros)])
    with pytest.raises(PriceError, match="exchange-rate:eur"):
        without.cost(Usage(characters=1000), "mine")
    catalogue = Catalogue.load([written(tmp_path, euros + RATES)])
    usage = Usage(characters=1000)
    assert catalogue.cost(usage, "mine") == Cost(Decimal("0.6"), "mine@2026-01-01 + exchange-rate:eur@2026-03-01")
    on = date(2026, 2, 1)
    assert catalogue.cost(usage, "mine", on) == Cost(Decimal("0.55"), "mine@2026-01-01 + exchange-rate:eur@2026-01-10")
    with pytest.raises(PriceError, match="exchange-rate:eur"):  # no rate was known by then
        catalogue.cost(usage, "mine", date(2026, 1, 5))
    with pytest.raises(PriceError, match="it prices no work"):
        catalogue.cost(usage, "exchange-rate:eur")
    rows = {row["offer"]: row for row in catalogue.describe(on)}
    assert (rows["exchange-rate:eur"]["amount"], rows["exchange-rate:eur"]["unit"]) == ("1.20 USD", "EUR")
    assert catalogue.cost(Usage(characters=1_000_000), "deepl-api-eur").usd == 24


def test_a_currency_file_states_its_rates_in_dollars(tmp_path: Path) -> None:
    text = (
        own_file.format(more="").replace("checked: 2026-01-31", "checked: 2026-01-31\ncurrency: EUR").rstrip() + RATES
    )
    assert Catalogue.load([written(tmp_path, text)]).cost(Usage(characters=1000), "mine").usd == Decimal("0.6")


def test_tokens_read_and_written_have_a_price_each(tmp_path: Path) -> None:
    catalogue = Catalogue.load([written(tmp_path, TOKENS)])
    cost = catalogue.cost(Usage(input_tokens=2_000_000, output_tokens=500_000), "our-llm")
    assert cost == Cost(Decimal("0.6"), "our-llm@2026-01-01")
    with pytest.raises(PriceError, match="output_tokens were not measured"):
        catalogue.cost(Usage(input_tokens=1), "our-llm")
    assert {row["offer"]: row["amount"] for row in catalogue.describe()}["our-llm"] == "0.15 read and 0.60 written USD"


def test_the_list_shows_age_and_marks_stale_records() -> None:
    rows = {row["offer"]: row for row in CATALOGUE.describe(date(2026, 11, 25))}
    assert rows["v100-gcp"] == {
        "offer": "v100-gcp",
        "amount": "2.48 USD",
        "unit": "device-hour",
        "valid": "from 2021-12-01",
        "age": "3 d",
        "evidence": "published",
        "source": "Rosa et al. 2021, section 4.5 (Google Cloud, December 2021)",
        "counting": "",
        "free": "",
        "fee": "",
        "minimum": "",
        "retired": "",
    }
    assert rows["ibm-translator"]["retired"] == "withdrawn on 2024-12-10"
    assert rows["azure-translator"]["counting"] == "counts UTF-16 units, blanks billed, tags billed"
    assert rows["google-translate"]["free"] == "500,000 characters a month are free"
    assert rows["annotation-qa"]["unit"] == "5 examples"
    assert rows["paper-api-mean"]["amount"] == "16.6667 USD"
    assert rows["ibm-translator"]["valid"] == "2021-12-01 to 2024-12-10"
    assert all("stale" in row["age"] for row in CATALOGUE.describe(date(2028, 1, 1)))


def test_per_1k() -> None:
    assert per_1k(Cost(Decimal("0.5"), "x@2020-01-01"), 250) == Cost(Decimal("2"), "x@2020-01-01")
    with pytest.raises(PriceError, match="at least one example"):
        per_1k(Cost(Decimal(1)), 0)


characters = st.integers(0, 10**12)
seconds = st.floats(0, 1e9, allow_nan=False)


@given(characters, characters)
def test_characters_are_priced_linearly(a: int, b: int) -> None:
    parts = [CATALOGUE.cost(Usage(characters=n), "paper-api-mean").usd for n in (a, b)]
    whole = CATALOGUE.cost(Usage(characters=a) + Usage(characters=b), "paper-api-mean").usd
    assert abs(sum(parts) - whole) <= Decimal("2e-12")


@given(seconds, seconds)
def test_more_time_never_costs_less(a: float, b: float) -> None:
    low, high = sorted((a, b))
    assert CATALOGUE.cost(Usage(seconds=low), "cpu-core").usd <= CATALOGUE.cost(Usage(seconds=high), "cpu-core").usd


counts = st.none() | st.integers(0, 10**9)
usages = st.builds(
    Usage,
    requests=counts,
    characters=counts,
    input_tokens=counts,
    output_tokens=counts,
    annotated=counts,
    hardware=st.none() | st.just("cpu"),
    measured=st.booleans(),
)


@given(usages, usages, usages)
def test_usage_adds_like_numbers(a: Usage, b: Usage, c: Usage) -> None:
    assert a + b == b + a
    assert (a + b) + c == a + (b + c)
    assert replace(a + Usage(), measured=a.measured) == a
    assert (a + b).characters == (
        None if a.characters is None and b.characters is None else (a.characters or 0) + (b.characters or 0)
    )


def test_matching_lists_a_part_of_the_catalogue() -> None:
    assert {price.offer for price in CATALOGUE.matching("lambda")} >= {"a10-lambda", "h100-sxm-lambda"}
    assert len({price.offer for price in CATALOGUE.matching("google-translate")}) == 1
    with pytest.raises(PriceError, match="did you mean google-translate"):
        CATALOGUE.matching("gogle-translate")


def test_stale_records_are_those_unchecked_for_longer_than_the_limit() -> None:
    last = CATALOGUE.get("v100-gcp").checked
    limit = last + timedelta(days=STALE_AFTER_DAYS)
    assert "v100-gcp" not in {price.offer for price in CATALOGUE.stale(limit)}
    assert "v100-gcp" in {price.offer for price in CATALOGUE.stale(limit + timedelta(days=1))}
    assert not CATALOGUE.stale(last)


def test_a_price_names_itself() -> None:
    price = CATALOGUE.get("v100-gcp")
    assert isinstance(price, Price)
    assert price.ref == "v100-gcp@2021-12-01"
    assert price.holds(date(2030, 1, 1))
    assert not price.holds(date(2021, 11, 30))


def test_the_documented_price_file_is_one(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "docs" / "prices.md").read_text(encoding="utf-8")
    example = text.split("```yaml\n")[1].split("```")[0]
    catalogue = Catalogue.load([written(tmp_path, example)])
    assert catalogue.cost(Usage(annotated=100), "our-annotators").usd == Decimal("37.8")
    assert catalogue.cost(Usage(input_tokens=10**6, output_tokens=10**6), "our-llm").usd == Decimal("0.5")
    named = {name for line in text.split("## What is counted")[0].splitlines() for name in line.split("|")[1:2]}
    shipped = {price.offer for price in CATALOGUE}
    listed = {part.strip(" `") for cell in named for part in cell.split(",")}
    assert shipped <= listed
