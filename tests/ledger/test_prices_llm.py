"""Prices of language models come from genai-prices, and only when one is asked for."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from crossfare.errors import PriceError
from crossfare.ledger import Catalogue
from crossfare.types import Usage

MODEL = "llm:openai/gpt-4o-mini"


@pytest.fixture
def library() -> None:
    pytest.importorskip("genai_prices")


@pytest.mark.usefixtures("library")
def test_tokens_cost_what_the_library_says() -> None:
    from genai_prices import Usage as TokenUsage
    from genai_prices import calc_price

    catalogue = Catalogue.load()
    cost = catalogue.cost(Usage(input_tokens=123_456, output_tokens=7_890), MODEL)
    theirs = calc_price(TokenUsage(input_tokens=123_456, output_tokens=7_890), "gpt-4o-mini", provider_id="openai")
    assert abs(cost.usd - theirs.total_price) <= Decimal("1e-12")
    assert cost.price == catalogue.get(MODEL).ref


@pytest.mark.usefixtures("library")
def test_cached_tokens_cost_what_the_library_says_of_them() -> None:
    from genai_prices import Usage as TokenUsage
    from genai_prices import calc_price

    used = {"input_tokens": 2746, "output_tokens": 197}
    catalogue = Catalogue.load()
    theirs = calc_price(TokenUsage(**used, cache_read_tokens=2208), "gpt-4o-mini", provider_id="openai").total_price
    assert catalogue.cost(Usage(**used, cached_tokens=2208), MODEL).usd == theirs
    assert (
        catalogue.cost(Usage(**used), MODEL).usd == catalogue.cost(Usage(**used, cached_tokens=0), MODEL).usd > theirs
    )


@pytest.mark.usefixtures("library")
def test_of_prices_by_the_hour_the_dearest_counts() -> None:
    from genai_prices import data_snapshot

    _, model = data_snapshot.get_snapshot().find_provider_model("deepseek-chat", None, "deepseek", None)
    dearest = max(each.prices.input_mtok for each in model.prices)
    assert len(model.prices) > 1
    assert Catalogue.load().get("llm:deepseek/deepseek-chat").amount == dearest


@pytest.mark.usefixtures("library")
def test_a_model_is_listed_once_it_was_looked_up() -> None:
    catalogue = Catalogue.load()
    assert not [price for price in catalogue if price.offer.startswith("llm:")]
    price = catalogue.get("llm:gpt-4o-mini")
    assert [each for each in catalogue if each.offer.startswith("llm:")] == [price]
    assert (price.unit, price.per, price.evidence) == ("token", 1_000_000, "secondary")
    assert price.amount < (price.output_amount or 0)
    assert "genai-prices" in price.source
    assert price.checked <= date.today()
    assert list(catalogue.matching("llm:gpt-4o-mini")) == [price]


@pytest.mark.usefixtures("library")
def test_prompts_of_ordinary_length_count() -> None:
    price = Catalogue.load().get("llm:anthropic/claude-sonnet-4-5")
    assert price.amount == 3
    assert "cost more" in price.note


@pytest.mark.usefixtures("library")
def test_a_day_before_the_price_was_known_is_an_error() -> None:
    first = Catalogue.load().get(MODEL).valid_from
    with pytest.raises(PriceError, match="knows it from"):
        Catalogue.load().get(MODEL, first - timedelta(days=1))


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("offer", ["llm:no-such-model", "llm:openai/no-such-model"])
def test_an_unknown_model_is_an_error(offer: str) -> None:
    with pytest.raises(PriceError, match="no price is known for 'llm:") as caught:
        Catalogue.load().get(offer)
    assert "\n" not in str(caught.value)


def test_your_own_rate_for_a_model_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    file = tmp_path / "rates.yaml"
    file.write_text(
        "checked: 2026-11-01\noffers:\n  - {offer: llm:openai/gpt-4o-mini, unit: token, per: 1000000, amount: '1', "
        "output_amount: '2', valid_from: 2026-11-01, source: contract}\n",
        encoding="utf-8",
    )
    assert Catalogue.load([file]).cost(Usage(input_tokens=1_000_000, output_tokens=1_000_000), MODEL).usd == 3


def test_without_the_library_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    with pytest.raises(PriceError, match=r"crossfare\[llm\]") as caught:
        Catalogue.load().get("llm:gpt-4o-mini")
    assert "\n" not in str(caught.value)


def test_the_library_is_not_loaded_for_other_prices() -> None:
    code = (
        "import sys; from crossfare.ledger import Catalogue; Catalogue.load().get('google-translate'); "
        "sys.exit('genai_prices' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
