"""`crossfare translate` with money: estimates, consent, limits; the server counts what was really billed."""

from __future__ import annotations

import random
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from crossfare import data, translate_file
from crossfare.cli import terminal
from crossfare.errors import BudgetExceeded
from crossfare.translate.engines import hosts
from crossfare.types import Dataset, PairExample
from libretranslate_server import Server, serving
from test_cli import call

pytest.importorskip("httpx")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Server]:
    monkeypatch.setenv("CROSSFARE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("LIBRETRANSLATE_API_KEY", raising=False)
    with serving() as made:
        monkeypatch.setenv("LIBRETRANSLATE_URL", made.url)
        yield made


def pairs(folder: Path, count: int, name: str = "pairs.jsonl") -> Path:
    """Pairs whose premise is shared by three and whose hypothesis is new: texts of 20 characters each."""
    examples = tuple(
        PairExample(str(i), f"premise number {i // 3:05d}", f"hypothesis no. {i:05d}", "neutral") for i in range(count)
    )
    path = folder / name
    data.save(Dataset("pairs", "nli", "test", "en", examples), path)
    return path


def arguments(file: Path, *further: str) -> tuple[str, ...]:
    fixed = ("--task", "nli", "--source", "en", "--target", "de", "--engine", "libretranslate")
    return ("translate", str(file), *fixed, "--out", str(file.with_suffix(".de.jsonl")), *further)


def host(server: Server) -> str:
    return server.url.removeprefix("http://")


PAID = ("--price", "google-translate", "--option", "max_texts=10")  # 20 USD a million: 0.004 USD a request of 10 texts


def test_an_estimate_is_exact_sends_nothing_and_counts_the_memory(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, server: Server
) -> None:
    part, whole = pairs(tmp_path, 30, "part.jsonl"), pairs(tmp_path, 60)
    status, out, _ = call(monkeypatch, capsys, *arguments(whole, "--estimate", *PAID))
    assert (status, server.seen) == (0, 0)
    assert out.splitlines() == [
        f"to send: 80 texts to {host(server)}; 0 more are in the translation memory",
        "characters: 1,600",
        "calls: 8",
        "money: 0.0320 USD (google-translate@2026-11-22)",
        "time: unknown, nothing was timed yet",
    ]
    assert not whole.with_suffix(".de.jsonl").exists()
    assert call(monkeypatch, capsys, *arguments(part, "--yes", *PAID))[0] == 0
    assert len(server.billed) == 4
    status, out, _ = call(monkeypatch, capsys, *arguments(whole, "--estimate", *PAID))
    assert out.splitlines()[:4] == [
        f"to send: 40 texts to {host(server)}; 40 more are in the translation memory",
        "characters: 800",
        "calls: 4",
        "money: 0.0160 USD (google-translate@2026-11-22)",
    ]
    assert re.fullmatch(r"time: about [\d.]+ s", out.splitlines()[4])
    assert call(monkeypatch, capsys, *arguments(whole, "--yes", *PAID))[0] == 0
    assert len(server.billed) == 8
    assert set(server.texts.values()) == {1}


def test_without_an_output_there_is_only_an_estimate(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, server: Server
) -> None:
    fixed = ("--task", "nli", "--source", "en", "--target", "de", "--engine", "libretranslate")
    asked = ("translate", str(pairs(tmp_path, 3)), *fixed)
    assert call(monkeypatch, capsys, *asked, "--estimate")[0] == 0
    status, _, err = call(monkeypatch, capsys, *asked)
    assert (status, "name the file to write with --out" in err) == (2, True)


def test_a_server_elsewhere_is_named_and_agreed_to_though_nobody_is_paid(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, server: Server
) -> None:
    file = pairs(tmp_path, 30)
    elsewhere = ("--option", "url=http://translate.example.org:81")
    status, _, err = call(monkeypatch, capsys, *arguments(file, *elsewhere))
    assert status == 2
    assert "40 texts (800 characters) for libretranslate at translate.example.org:81 cost an unknown amount" in err
    assert "there is no terminal to ask on: add --yes; nothing was sent" in err
    monkeypatch.setattr(hosts, "is_local", lambda host: False)
    assert call(monkeypatch, capsys, *arguments(file))[0] == 2
    assert server.seen == 0
    monkeypatch.setattr(terminal, "on_a_terminal", lambda: True)
    questions: list[str] = []
    monkeypatch.setattr("typer.confirm", lambda question, **_: questions.append(question))
    for _ in range(2):  # the second time the memory has everything: nothing leaves, so nobody is asked
        assert call(monkeypatch, capsys, *arguments(file, "--force"))[0] == 0
    assert questions == ["Send it?"]


def test_what_is_typed_is_the_users_own_word(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, server: Server
) -> None:
    monkeypatch.setenv("LIBRETRANSLATE_API_KEY", "a-key-of-mine")
    file = pairs(tmp_path, 3)
    assert call(monkeypatch, capsys, *arguments(file, "--option", f"url={server.url}"))[0] == 0
    assert {request.body["api_key"] for request in server.billed} == {"a-key-of-mine"}
    status, _, err = call(monkeypatch, capsys, *arguments(file, "--option", "api_key=s3cret"))
    assert status == 2
    assert "the option api_key would hold a secret, which is no option: set LIBRETRANSLATE_API_KEY" in err
    assert "s3cret" not in err


def test_device_time_is_estimated_once_it_was_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, server: Server
) -> None:
    part, whole = pairs(tmp_path, 30, "part.jsonl"), pairs(tmp_path, 60)
    _, out, _ = call(monkeypatch, capsys, *arguments(whole, "--estimate"))
    assert "money: an unknown amount (cpu-core@2026-11-22)" in out
    assert call(monkeypatch, capsys, *arguments(part))[0] == 0  # nobody is paid: nothing is asked
    _, out, _ = call(monkeypatch, capsys, *arguments(whole, "--estimate"))
    assert re.search(r"money: 0\.\d+ USD \(cpu-core", out)
    assert re.search(r"time: about \d", out)


def test_a_paid_translation_asks_first(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, server: Server
) -> None:
    file = pairs(tmp_path, 30)
    status, _, err = call(monkeypatch, capsys, *arguments(file, *PAID))
    assert status == 2
    said = (
        f"40 texts (800 characters) for libretranslate at {host(server)} cost 0.0160 USD "
        "(google-translate@2026-11-22), and there is no "
    )
    assert said + "terminal to ask on: add --yes; nothing was sent" in err
    monkeypatch.setattr(terminal, "on_a_terminal", lambda: True)
    for answer, expected, requests in (("n\n", 1, 0), ("y\n", 0, 4)):
        monkeypatch.setattr(sys, "stdin", Typed(answer))
        status, out, _ = call(monkeypatch, capsys, *arguments(file, *PAID))
        assert (status, len(server.billed)) == (expected, requests)
        assert "money: 0.0160 USD" in out
        assert "Send it? [y/N]" in out
    status, out, _ = call(
        monkeypatch, capsys, *arguments(file, *PAID, "--force")
    )  # all of it is remembered: nothing to ask
    assert (status, len(server.billed)) == (0, 4)
    assert "0 translated now, 40 from the translation memory" in out


class Typed:
    """A standard input that holds one answer."""

    def __init__(self, line: str) -> None:
        self.line = line

    def readline(self, *_: object) -> str:
        return self.line

    def isatty(self) -> bool:
        return True


def test_a_limit_stops_before_the_request_that_would_pass_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, server: Server
) -> None:
    file = pairs(tmp_path, 60)
    status, _, err = call(monkeypatch, capsys, *arguments(file, "--yes", "--max-usd", "0.0121", *PAID))
    assert status == 2
    spent, error = err.splitlines()
    assert spent == "spent now: 3 requests, 600 characters, 0.0120 USD"
    assert error == (
        "crossfare: 0.0120 of 0.0121 USD are spent, and the next request of libretranslate (10 texts, 200 characters) "
        "would cost 0.00400 USD more; 50 of 80 texts are left, what was done is kept: allow more to go on"
    )
    assert len(server.billed) == 3
    assert not file.with_suffix(".de.jsonl").exists()
    status, out, _ = call(monkeypatch, capsys, *arguments(file, "--yes", "--max-usd", "0.02", *PAID))
    assert (status, len(server.billed)) == (0, 8)
    assert "50 translated now, 30 from the translation memory" in out
    assert "cost: 0.0320 USD, 0.0200 of it now (google-translate@2026-11-22)" in out
    assert set(server.texts.values()) == {1}


@pytest.mark.parametrize("seed", range(4))
def test_no_limit_is_ever_passed(server: Server, tmp_path: Path, seed: int) -> None:
    """Texts of many lengths, requests of many sizes: what the server billed never costs more than allowed."""
    from decimal import Decimal

    draw = random.Random(seed)
    texts = ["".join(draw.choices("ab cd😀\n", k=draw.randint(1, 90))) + str(i) for i in range(60)]
    examples = tuple(PairExample(str(i), text, text[::-1], "neutral") for i, text in enumerate(texts))
    file, limit = tmp_path / "pairs.jsonl", Decimal(draw.randint(1, 80)) / 1000
    data.save(Dataset("pairs", "nli", "test", "en", examples), file)
    options = {"max_texts": draw.randint(1, 30), "max_characters": draw.randint(50, 2000)}
    fixed = {"task": "nli", "source": "en", "target": "de", "engine": "libretranslate", "price": "google-translate"}
    rounds = 0
    while True:
        before = len(server.billed)
        try:
            translate_file(file, tmp_path / "out.jsonl", max_usd=limit, options=options, **fixed)  # type: ignore[arg-type]
        except BudgetExceeded:
            assert rounds < 100
        else:
            break
        finally:
            sent = sum(len(text) for request in server.billed[before:] for text in request.texts)
            assert sent * Decimal("0.00002") <= limit
            if before == len(server.billed):  # one request alone costs more than is allowed
                limit *= 2
            rounds += 1
    assert set(server.texts.values()) == {1}


@pytest.mark.parametrize(
    ("further", "said"),
    [
        (("--max-usd", "1"), "cpu-core@2026-11-22 bills device time; name a --price"),
        (("--max-usd", "much"), "--max-usd takes an amount in USD, such as 12.50, not 'much'"),
        (("--price", "gogle-translate"), "no price is known for 'gogle-translate'; did you mean google-translate"),
        (("--price", "annotation-qa"), "'annotation-qa' bills by the example, not for translating"),
        (("--out", "nowhere/out.jsonl", "--option", "url=ftp://x"), "the url must start with http:// or https://"),
        (("--option", "format"), "--option takes NAME=VALUE, such as format=html"),
        (
            ("--option", "beam=2"),
            "its options are: name, attempts, timeout, devices, concurrency, rate, granularity, url",
        ),
    ],
)
def test_what_makes_no_sense_is_one_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    server: Server,
    further: tuple[str, ...],
    said: str,
) -> None:
    status, _, err = call(monkeypatch, capsys, *arguments(pairs(tmp_path, 3), *further))
    assert (status, server.seen) == (2, 0)
    assert said in err
    assert len(err.strip().splitlines()) == 1
