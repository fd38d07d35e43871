"""Serving by an engine whose requests are paid: estimated, agreed to, limited; the server counts what it billed."""

from __future__ import annotations

import asyncio
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from served import asked, body, read, talking, write

import tiny_run
from crossfare.cli import terminal
from crossfare.errors import BudgetExceeded, PriceError
from crossfare.experiment import run
from crossfare.serving import estimate_file, open_pipeline, predict_file
from crossfare.serving.server import spending
from crossfare.store import Store
from crossfare.tasks.nli import NLIRequest
from crossfare.translate import TranslationMemory
from crossfare.translate.engines import hosts
from libretranslate_server import Server, serving
from test_cli import call

GOOGLE = Decimal("0.00002")
CELL: dict[str, Any] = {"method": "translate-infer", "engine": "paid"}
OPTIONS = ("--method", "translate-infer", "--engine", "paid")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as made:
        yield made


@pytest.fixture(scope="module")
def paid(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that paid for its translations: its folder."""
    folder = tmp_path_factory.mktemp("paid")
    options = {"url": server.url, "max_texts": 2}
    engines = {
        "paid": {"engine": "libretranslate", "price": "google-translate", "options": options},
        "own": {"engine": "libretranslate", "options": {**options, "format": "html"}},
    }
    spec = tiny_run.spec(
        folder,
        methods=["zero-shot"],
        extra_cells=[
            {"method": "translate-infer", "model": "target-encoder"},
            {"method": "ensemble", "model": "target-encoder", "engines": ["paid"]},
        ],
        tasks={"qa": tiny_run.task("qa", back_projection={"ways": ["markers"]}), "nli": tiny_run.task("nli")},
        engines=engines,
    )
    return run(spec, out=folder / "out", jobs=2, store=Store(folder / "cache"), quiet=True).folder


@pytest.fixture(autouse=True)
def nothing_billed_yet(server: Server) -> None:
    server.billed.clear()
    server.seen = 0


def cost(server: Server) -> Decimal:
    return sum((len(text) * GOOGLE for request in server.billed for text in request.texts), Decimal(0))


def pairs(count: int) -> list[NLIRequest]:
    """Pairs whose premise is shared by three and whose hypothesis is new: texts of 20 characters each."""
    return [
        NLIRequest(id=i, premise=f"premise number {i // 3:05d}", hypothesis=f"hypothesis no. {i:05d}")
        for i in range(count)
    ]


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CROSSFARE_CACHE", str(tmp_path / "cache"))
    return write(tmp_path / "in.jsonl", pairs(30))


def command(folder: Path, file: Path, *further: str) -> tuple[str, ...]:
    out = ("--output", str(file.with_name("out.jsonl")))
    return ("predict", str(folder), "--input", str(file), "--task", "nli", *OPTIONS, *out, *further)


# -- files ------------------------------------------------------------------------------------


def test_an_estimate_is_exact_and_sends_nothing(
    paid: Path, server: Server, file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, _ = call(monkeypatch, capsys, *command(paid, file, "--estimate"))
    assert (status, server.seen, file.with_name("out.jsonl").exists()) == (0, 0, False)
    # 10 premises and 30 hypotheses of 20 characters, two to a request.
    assert out.splitlines()[:4] == [
        f"to send: 40 texts to {server.url.removeprefix('http://')}; 0 more are in the translation memory",
        "characters: 800",
        "calls: 20",
        "money: 0.0160 USD (google-translate@2026-11-22)",
    ]
    assert call(monkeypatch, capsys, *command(paid, file, "--yes"))[0] == 0
    assert (len(server.billed), cost(server)) == (20, Decimal("0.016"))
    _, out, _ = call(monkeypatch, capsys, *command(paid, file, "--estimate"))
    assert out.splitlines()[0] == "to send: 0 texts; 40 more are in the translation memory"


def test_what_batches_send_again_is_not_estimated_twice(paid: Path, server: Server, file: Path, tmp_path: Path) -> None:
    memory = TranslationMemory(tmp_path / "memory.sqlite")
    with open_pipeline(paid, task="nli", **CELL, memory=memory) as pipeline:
        estimated = estimate_file(pipeline, file, batch_size=2)
        predict_file(pipeline, file, tmp_path / "out.jsonl", batch_size=2)
        assert estimated is not None
        assert (estimated.expected.texts, estimated.expected.requests) == (40, len(server.billed))
        assert estimated.expected.usd == cost(server)
        again = estimate_file(pipeline, file, batch_size=2)
        assert again is not None
        assert (again.expected.texts, again.remembered, again.expected.requests) == (0, 40, 0)


def test_what_was_answered_before_is_not_estimated(paid: Path, server: Server, file: Path, tmp_path: Path) -> None:
    memory, out = TranslationMemory(tmp_path / "memory.sqlite"), tmp_path / "out.jsonl"
    with open_pipeline(paid, task="nli", **CELL, memory=memory) as pipeline:
        predict_file(pipeline, write(tmp_path / "first.jsonl", pairs(12)), out)
        cut = out.read_bytes()[:-5]
        out.write_bytes(cut)
        left = estimate_file(pipeline, file, out)
        assert left is not None
        assert (left.expected.texts, left.remembered) == (
            6 + 18,
            2,
        )  # of line 12, whose answer was not written to its end
        assert out.read_bytes() == cut


def test_bringing_answers_back_is_estimated_by_the_run(paid: Path, server: Server, tmp_path: Path) -> None:
    """The test set again: all but the answers is known exactly, and these took as much when the run was scored."""
    memory = TranslationMemory(tmp_path / "memory.sqlite")
    for method in ("translate-infer", "ensemble"):
        with open_pipeline(paid, task="qa", method=method, engine="paid", memory=memory) as pipeline:
            source = write(tmp_path / "qa.jsonl", asked(pipeline.parts))
            estimated = estimate_file(pipeline, source)
            assert estimated is not None
            assert estimated.most is None
            assert "money: about 0.0" in estimated.lines[3]
            assert "answers: translating them back takes about " in estimated.lines[-1]
            before = cost(server)
            predict_file(pipeline, source, tmp_path / f"{method}.jsonl")
            assert estimated.expected.usd == pytest.approx(cost(server) - before, rel=Decimal("0.02"))
        memory = TranslationMemory(tmp_path / "other.sqlite")


def test_a_paid_prediction_asks_first(
    paid: Path, server: Server, file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    status, _, told = call(monkeypatch, capsys, *command(paid, file))
    assert (status, server.seen) == (2, 0)
    address = server.url.removeprefix("http://")
    assert f"40 texts (800 characters) for libretranslate at {address} cost 0.0160 USD (google-translate@2026" in told
    assert "and there is no terminal to ask on: add --yes; nothing was sent" in told
    monkeypatch.setattr(terminal, "on_a_terminal", lambda: True)
    agreed: list[bool] = []

    def confirm(question: str, *, abort: bool, err: bool) -> None:
        assert (question, abort, err) == ("Send it?", True, True)
        agreed.append(True)

    monkeypatch.setattr("typer.confirm", confirm)
    status, out, told = call(monkeypatch, capsys, *command(paid, file))
    assert (status, agreed, len(server.billed)) == (0, [True], 20)
    assert out == ""  # where answers may go
    assert "money: 0.0160 USD" in told
    file.with_name("out.jsonl").unlink()
    assert call(monkeypatch, capsys, *command(paid, file))[0] == 0  # all of it is remembered: nothing to ask
    assert (agreed, len(server.billed)) == ([True], 20)


def test_a_limit_stops_before_the_request_that_would_pass_it(
    paid: Path, server: Server, file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = file.with_name("out.jsonl")
    limited = ("--yes", "--batch-size", "10", "--max-usd")
    status, _, told = call(monkeypatch, capsys, *command(paid, file, *limited, "0.0081"))
    _, spent, line = told.splitlines()
    assert re.fullmatch(r"spent now: \d+ requests, 400 characters, 0\.00800 USD", spent), spent
    # 20 texts are paid: of 15 lines, 5 premises and 15 hypotheses. A batch is paid in part, and its lines answered.
    assert re.match(
        r"crossfare: line 16: 0\.00800 of 0\.00810 USD are spent, and the next request of libretranslate \(2 texts, 40 "
        r"characters\) would cost 0\.000800 USD more; .* what was done is kept: allow more to go on; 15 answers are "
        r"kept, go on with --resume$",
        line,
    ), line
    assert (status, cost(server)) == (2, Decimal("0.008"))
    assert [each["id"] for each in read(out)] == list(range(15))
    status, _, told = call(monkeypatch, capsys, *command(paid, file, *limited, "0.02", "--resume"))
    assert (status, "15 answered, 15 before" in told) == (0, True)
    assert "0.00800 of 0.0200 USD spent" in told
    assert [each["id"] for each in read(out)] == list(range(30))
    assert set(server.texts.values()) == {1}
    with open_pipeline(paid, task="nli", **CELL, memory=TranslationMemory(file.with_name("m.sqlite"))) as pipeline:
        predict_file(pipeline, file, file.with_name("at-once.jsonl"))
    for found, expected in zip(read(out), read(file.with_name("at-once.jsonl")), strict=True):
        assert found.pop("probabilities") == pytest.approx(expected.pop("probabilities"), abs=1e-4)
        assert found == expected


def test_a_server_asks_before_it_begins_where_texts_are_paid_or_leave(
    paid: Path, server: Server, file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    served: list[str] = []
    monkeypatch.setattr("crossfare.serving.serve", lambda pipeline, **_: served.append(str(pipeline)))
    address = server.url.removeprefix("http://")
    fixed = ("serve", str(paid), "--task", "nli", "--method", "translate-infer", "--engine")
    for engine, limit, money in (
        ("paid", (), "billed by google-translate@2026-11-22, without a limit"),
        ("paid", ("--max-usd", "2"), "billed by google-translate@2026-11-22, 2.00 USD at the most"),
        ("own", (), "no request is billed"),
    ):
        if engine == "own":
            assert call(monkeypatch, capsys, *fixed, engine)[0] == 0  # its texts do not leave this machine
            monkeypatch.setattr(hosts, "is_local", lambda host: False)
        served.clear()
        status, _, told = call(monkeypatch, capsys, *fixed, engine, *limit)
        assert (status, served) == (2, [])
        asked = f"the texts of every request are sent to {address} (libretranslate), {money}"
        assert f"{asked}, and there is no terminal to ask on: add --yes" in told
        assert call(monkeypatch, capsys, *fixed, engine, *limit, "--yes")[0] == 0
        assert len(served) == 1
    out = ("--input", str(file), "--output", str(file.with_name("out.jsonl")))
    status, _, told = call(monkeypatch, capsys, "predict", *fixed[1:], "own", *out)
    assert (status, f"for libretranslate at {address} cost" in told) == (2, True)
    assert server.seen == 0


@pytest.mark.parametrize("cents", [0, 1, 3, 7])
def test_no_limit_is_passed_when_answers_are_translated_back(
    paid: Path, server: Server, tmp_path: Path, cents: int
) -> None:
    limit = Decimal(cents) / 100
    memory = TranslationMemory(tmp_path / "memory.sqlite")
    for _ in range(30):
        server.billed.clear()
        with open_pipeline(paid, task="qa", method="ensemble", engine="paid", memory=memory, max_usd=limit) as pipeline:
            source = write(tmp_path / "qa.jsonl", asked(pipeline.parts))
            try:
                predict_file(pipeline, source, tmp_path / "out.jsonl", resume=True)
            except BudgetExceeded:
                assert cost(server) == Decimal(spending(pipeline)["spent_usd"]) <= limit  # type: ignore[index]
                limit *= 1 if server.billed else 2
                limit = limit or Decimal("0.001")
            else:
                break
    assert len(read(tmp_path / "out.jsonl")) == 8


def test_what_nobody_bills_needs_no_consent_and_has_no_limit(
    paid: Path, server: Server, file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(file.with_name("out.jsonl"))
    fixed = ("predict", str(paid), "--input", str(file), "--task", "nli", "--output", out)
    zero_shot, own = ("--method", "zero-shot"), ("--method", "translate-infer", "--engine", "own")
    _, said, _ = call(monkeypatch, capsys, *fixed, *zero_shot, "--estimate")
    assert said == "to send: nothing, nli pt by zero-shot of tiny, seed 0 translates nothing\n"
    _, said, _ = call(monkeypatch, capsys, *fixed, *own, "--estimate")
    assert "money: an unknown amount (cpu-core@2026-11-22)" in said
    for cell, why in ((zero_shot, "by zero-shot nothing is translated"), (own, "nobody bills engine 'own'")):
        status, _, told = call(monkeypatch, capsys, *fixed, *cell, "--max-usd", "1")
        assert (status, why in told, len(told.splitlines())) == (2, True, 1)
    assert server.seen == 0
    assert call(monkeypatch, capsys, *fixed, *own)[0] == 0  # without --yes
    assert server.billed


def test_standard_input_is_not_estimated(
    paid: Path, server: Server, file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    status, _, told = call(monkeypatch, capsys, *command(paid, Path("-")))
    assert (status, "standard input cannot be read twice" in told) == (2, True)
    status, _, told = call(monkeypatch, capsys, "predict", str(paid), "--input", str(file), "--task", "nli", *OPTIONS)
    assert (status, "name the file to write with --output" in told) == (2, True)
    assert server.seen == 0


def test_prices_may_be_ones_own(paid: Path, file: Path, tmp_path: Path) -> None:
    prices = tmp_path / "prices.yaml"
    prices.write_text(
        "checked: 2026-11-01\ncurrency: USD\noffers:\n- {offer: google-translate, unit: character, amount: 1, "
        "valid_from: 2026-01-01, source: our contract}\n"
    )
    with open_pipeline(paid, task="nli", **CELL, price_files=[prices]) as pipeline:
        estimated = estimate_file(pipeline, file, batch_size=30)
        assert estimated is not None
        assert estimated.expected.usd == 800


# -- HTTP -------------------------------------------------------------------------------------


def test_a_server_that_spent_its_money_answers_what_costs_nothing(paid: Path, server: Server, tmp_path: Path) -> None:
    known, new = pairs(6)[:3], pairs(6)[3:]  # a premise and three hypotheses each: 80 characters, 0.0016 USD
    memory = TranslationMemory(tmp_path / "memory.sqlite")
    with open_pipeline(paid, task="nli", **CELL, memory=memory, max_usd=Decimal("0.002")) as pipeline:

        async def talk(http: httpx.AsyncClient) -> list[httpx.Response]:
            first = await http.post("/predict", json=[body(each) for each in known])
            mixed = (http.post("/predict", json=body(each)) for each in (*new, *known, known[0], known[2]))
            return [first, *await asyncio.gather(*mixed)]

        first, *mixed = talking(talk, pipeline)
        expected = pipeline.answer(known)
        spent = spending(pipeline)
    assert first.status_code == 200
    assert [each.status_code for each in mixed] == [402] * 3 + [200] * 5  # one batch of them, or several
    assert [each.json()["id"] for each in mixed[3:]] == [0, 1, 2, 0, 2]
    assert mixed[3].json()["label"] == expected[0].model_dump()["label"]
    for refused in mixed[:3]:
        assert refused.json() == {"error": "this needs a translation that costs more than the server may still spend"}
        assert "retry-after" not in refused.headers
    assert cost(server) == Decimal("0.0016")
    assert spent == {"limit_usd": "0.002", "spent_usd": "0.0016"}


def test_a_list_of_which_a_part_costs_too_much_is_refused_whole(paid: Path, server: Server) -> None:
    with open_pipeline(paid, task="nli", **CELL, max_usd=Decimal("0.001")) as pipeline:

        async def talk(http: httpx.AsyncClient) -> list[int]:
            blank = {"premise": " ", "hypothesis": "a"}  # translates nothing
            calls = ([blank, body(pairs(1)[0]), *map(body, pairs(9)[6:])], blank)
            return [(await http.post("/predict", json=asked)).status_code for asked in calls]

        assert talking(talk, pipeline) == [402, 200]
    assert cost(server) <= Decimal("0.001")


def test_what_was_spent_is_counted_until_the_pipeline_is_closed(paid: Path, server: Server) -> None:
    with open_pipeline(paid, task="nli", **CELL, max_usd=Decimal("0.001")) as pipeline:
        pipeline.answer(pairs(1))
        budget = pipeline.budget
        assert budget is not None
        assert budget.spent == cost(server) == Decimal("0.0008")
        with pytest.raises(BudgetExceeded, match=r"0\.000800 of 0\.00100 USD are spent"):
            pipeline.answer(pairs(1))  # without a memory it is translated again
    assert not budget.path.parent.exists()
    with open_pipeline(paid, task="nli", method="zero-shot") as pipeline:
        assert (pipeline.budget, spending(pipeline)) == (None, None)


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_server_that_ends_says_what_it_spent(paid: Path, server: Server, sent: signal.Signals) -> None:
    told = "from crossfare.cli import main; main()"
    started = [sys.executable, "-c", told, "serve", str(paid), "--task", "nli", *OPTIONS, "--port", "0", "--yes"]
    before = cost(server)
    with subprocess.Popen(started, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address = process.stdout.readline().split()[-1]
        asked = {"premise": "Os dados somem.", "hypothesis": "Eles somem."}
        assert httpx.post(f"{address}/predict", json=asked, timeout=60).status_code == 200
        process.send_signal(sent)
        _, err = process.communicate(timeout=60)
    assert err.splitlines()[0] == "spent now: 1 requests, 26 characters, 0.000520 USD", err
    assert cost(server) - before == Decimal("0.00052")


def test_who_agrees_without_an_estimate_hears_that_a_price_is_not_known(
    paid: Path, file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def unknown(*_: object) -> None:
        raise PriceError("no price is known for 'google-translate'")

    monkeypatch.setattr("crossfare.serving.paid_requests.charge_of", unknown)
    status, _, told = call(monkeypatch, capsys, *command(paid, file, "--yes"))
    assert status == 0
    assert "what will be spent cannot be told: no price is known for 'google-translate'\n" in told
