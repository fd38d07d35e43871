"""No limit is passed, whatever fails: every attempt is entered before it is sent, and stays if its bill is not told."""

from __future__ import annotations

import multiprocessing
import random
import sys
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from servers import POISON, Fault
from vendors import SERVERS, Vendors

from crossfare.errors import BudgetExceeded, EngineError
from crossfare.experiment.charges import Charge, Charged
from crossfare.ledger import Catalogue
from crossfare.ledger.budget import Budget
from crossfare.translate import engine
from crossfare.translate.segments import translate_segments

everywhere = pytest.mark.parametrize("name", SERVERS)
TEXTS = [f"text {number} & so on" + (f" {POISON}" if number % 17 == 3 else "") for number in range(60)]
FAULTS = (
    Fault("lost", 500),
    Fault("lost", 503),
    Fault("lost", 0),
    Fault("status", 429),
    Fault("status", 500),
    Fault("garbage"),
    Fault("short"),
    Fault("hang-up"),
)


def charge(name: str, limit: Decimal, path: Path) -> Charge:
    """A thousandth of a dollar a character, or a token."""
    price = replace(Catalogue.load().get("google-translate"), per=Decimal(1000), amount=Decimal(1), counting=None)
    if name == "llm":
        price = replace(price, unit="token", output_amount=Decimal(2))
    return Charge(price, Budget(limit, path))


def bill(server: Any, name: str) -> Decimal:
    """What the service would bill, by its own count."""
    read, written = server.tokens
    return (Decimal(read) + 2 * Decimal(written) if name == "llm" else Decimal(server.billed)) / 1000


def failing(server: Any, draw: random.Random) -> None:
    """Let a request fail in any way, half of the time."""
    respond = server.respond

    def fails(request: Any) -> Any:
        if draw.random() < 0.5:
            server.fail(draw.choice(FAULTS))
        return respond(request)

    server.respond = fails


def pay(made: Any, paid: Charge, texts: list[str]) -> str:
    try:
        translate_segments(texts, Charged(made, paid), source="en", target="de")
    except (BudgetExceeded, EngineError) as error:
        return type(error).__name__
    return ""


@everywhere
@pytest.mark.parametrize("seed", range(4))
def test_no_limit_is_passed_whatever_fails(vendor: Any, name: str, seed: int, tmp_path: Path) -> None:
    server, made = vendor
    draw = random.Random(f"{name} {seed}")
    limit = Decimal(draw.randint(1, 40)) / (1 if name == "llm" else 20)
    paid = charge(name, limit, tmp_path / "spent")
    failing(server, draw)
    try:
        for _ in range(3):  # a run that was stopped is begun again: nothing is remembered here, all is sent anew
            pay(made(attempts=3, backoff=0.001), paid, TEXTS)
    finally:
        del server.respond
    assert paid.budget is not None
    account = paid.budget.account
    assert bill(server, name) <= account.total <= limit
    assert account.usd <= bill(server, name)


@pytest.mark.parametrize("name", ["deepl", "llm"])
def test_two_processes_pass_no_limit_either(vendors: Vendors, name: str, tmp_path: Path) -> None:
    vendors.make(name)
    server = vendors.server(name)
    server.reset()
    failing(server, random.Random(7))
    limit = Decimal(60 if name == "llm" else 3)
    paid = charge(name, limit, tmp_path / "spent")
    options = (
        {"base_url": f"{server.address}/v1", "model": "a-model"} if name == "llm" else {"endpoint": server.address}
    )
    try:
        with multiprocessing.get_context("spawn").Pool(2) as pool:
            ends = pool.starmap(_work, [(name, options, paid, seed) for seed in range(2)])
    finally:
        del server.respond
    assert "BudgetExceeded" in ends
    assert 0 < bill(server, name) <= paid.budget.spent <= limit  # type: ignore[union-attr]
    server.reset()


def _work(name: str, options: dict[str, Any], paid: Charge, seed: int) -> str:
    sys.path.insert(0, str(Path(__file__).parent))
    ends = ""
    for turn in range(20):
        texts = [f"text {number} of {seed} in turn {turn}" for number in range(20)]
        ends = pay(engine(name, **options, attempts=3, backoff=0.001), paid, texts)
        if ends == "BudgetExceeded":
            break
    return ends


@everywhere
def test_what_was_surely_not_billed_is_given_back(vendor: Any, name: str, tmp_path: Path) -> None:
    server, made = vendor
    paid = charge(name, Decimal(100), tmp_path / "spent")
    assert paid.budget is not None
    server.fail(*[Fault("status", 429)] * 2)
    pay(made(attempts=3, backoff=0.001), paid, ["one", "two"])
    assert paid.budget.spent == bill(server, name) > 0
    assert paid.budget.account.in_doubt == 0
    before = paid.budget.spent
    pay(made(attempts=3, backoff=0.001), paid, [f"a {POISON} text"])
    assert paid.budget.spent == bill(server, name), "a refusal is free; the probe is not"
    nowhere = {"base_url" if name == "llm" else "endpoint": "http://127.0.0.1:9"}
    with suppress(EngineError):
        made(**nowhere, attempts=2, backoff=0.001).translate_paying(
            ["one"], source="en", target="de", paying=lambda *asked: paid.paying(name, *asked)
        )
    assert paid.budget.spent == bill(server, name) >= before, "nobody was there to bill it"


@everywhere
def test_the_limit_holds_for_the_second_attempt_too(vendor: Any, name: str, tmp_path: Path) -> None:
    """The money is enough for one attempt and a half."""
    server, made = vendor
    tested = made(attempts=6, backoff=0.001)
    paid = charge(name, Decimal(100), tmp_path / "spent")
    most = paid.usd(paid.most(tested, ["one two three"], "en"))
    paid = charge(name, most * Decimal("1.5"), tmp_path / "spent")
    server.fail(*[Fault("lost", 500)] * 5)
    with pytest.raises(BudgetExceeded, match="are spent, and the next request of"):
        translate_segments(["one two three"], Charged(tested, paid), source="en", target="de")
    assert len(server.arrivals) == 1
    assert bill(server, name) <= paid.budget.spent == most  # type: ignore[union-attr]
