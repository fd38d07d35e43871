"""A run that pays: its budget holds across processes, its consent is asked once, and its ledger has what was sent."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import pytest

import tiny_run
from crossfare.cli import terminal
from crossfare.errors import BudgetExceeded, ConfigError, CrossfareError
from crossfare.experiment import Spec, run, runner, stages
from crossfare.experiment.billing import resources_of
from crossfare.experiment.charges import Charge, Charged
from crossfare.experiment.estimates import Estimate, estimate
from crossfare.experiment.spending_plan import Planned, Spending
from crossfare.experiment.steps import Planner
from crossfare.ledger import Catalogue, Counting
from crossfare.ledger.budget import Budget
from crossfare.store import Store
from crossfare.translate import Projection, TranslationMemory, engine, translate_dataset
from crossfare.translate.alignment import Link, WordForWord
from crossfare.translate.engines import hosts
from crossfare.translate.segments import Segments
from crossfare.types import Answer, Dataset, PairExample, QAExample, Step, Translation, Usage
from libretranslate_server import Server, serving
from test_cli import call

pytest.importorskip("httpx")
GOOGLE = Decimal("0.00002")


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(busy=0.02) as made:
        yield made


def spec(folder: Path, server: Server, **changes: Any) -> Spec:
    """Translations into Portuguese and German: two steps that can run side by side."""
    paid = {"engine": "libretranslate", "price": "google-translate", "options": {"url": server.url, "max_texts": 2}}
    given = {"targets": ["pt", "de"], "methods": ["translate-train"], "engines": {"paid": paid}, **changes}
    return tiny_run.spec(folder, **given)


def cost(server: Server, since: int = 0) -> Decimal:
    return sum((len(text) * GOOGLE for request in server.billed[since:] for text in request.texts), Decimal(0))


class Stopped(CrossfareError):
    """Raised in place of the steps that pay for nothing."""


@pytest.fixture
def only_translations(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the steps that translate, here, and none of those that train."""

    def run_steps(steps: Sequence[Step], store: Store, **_: object) -> tuple[()]:
        for step in steps:
            if step.stage in ("dataset", "translate", "latency"):
                stages.execute(step, store)
        raise Stopped("no further")

    monkeypatch.setattr(runner, "run_steps", run_steps)


def test_two_processes_never_spend_more_than_the_run_may(server: Server, tmp_path: Path) -> None:
    store, made = Store(tmp_path / "cache"), spec(tmp_path, server)
    limit = Decimal("0.012")
    for _ in range(2):
        since = len(server.billed)
        # Nothing is answered before both processes have asked: their requests are on their way together.
        server.ready = lambda since=since: len({request.body["target"] for request in server.billed[since:]}) == 2
        with pytest.raises(BudgetExceeded, match=r"of 0\.0120 USD are spent.*texts are left, what was done is kept"):
            run(made, out=tmp_path / "out", jobs=2, store=store, quiet=True, max_usd=limit)
        largest = max(sum(map(len, request.texts)) for request in server.billed) * GOOGLE
        assert limit - 2 * largest < cost(server, since) <= limit  # it stopped for want of the next request
        assert server.ready()
    sent = [(text, request.body["target"]) for request in server.billed for text in request.texts]
    assert len(set(sent)) == len(sent)


@pytest.mark.usefixtures("only_translations")
def test_timing_a_paid_engine_is_paid_and_in_the_ledger(server: Server, tmp_path: Path) -> None:
    timed = {"repeats": 2, "warmup": 1, "batch_sizes": [2]}
    store = Store(tmp_path / "cache")
    made = spec(tmp_path, server, targets=["pt"], methods=["translate-infer"], latency=timed)
    plans: list[Spending] = []
    with pytest.raises(Stopped):
        run(made, store=store, quiet=True, agree=plans.append)
    resources = resources_of(made, Planner(made).plan())
    usages = [store.usage(step) for step, used in resources.items() if used == ("engine:paid",)]
    assert sum((usage.characters or 0) * GOOGLE for usage in usages) == cost(server)
    assert sum(usage.requests or 0 for usage in usages) == len(server.billed)
    planned = {step.label: step.usd for step in plans[0].steps}
    assert list(planned) == ["nli paid pt-en: test pt", "nli paid pt-en: latency"]
    assert [step.exact for step in plans[0].steps] == [True, False]
    assert "for about 0.0" in plans[0].summary
    assert planned["nli paid pt-en: test pt"] == cost(server) - usages[-1].characters * GOOGLE  # type: ignore[operator]
    timing = planned["nli paid pt-en: latency"]
    assert float(timing or 0) == pytest.approx(float(usages[-1].characters * GOOGLE), rel=0.4)  # type: ignore[operator]
    again = spec(tmp_path, server, targets=["pt"], methods=["translate-infer"], latency={**timed, "repeats": 3})
    since = len(server.billed)
    with pytest.raises(BudgetExceeded, match="0\\.00 of 0\\.00 USD are spent"):
        run(again, store=store, quiet=True, max_usd=Decimal(0))
    assert len(server.billed) == since


@pytest.mark.usefixtures("only_translations")
def test_run_shows_its_plan_and_asks(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], server: Server, tmp_path: Path
) -> None:
    monkeypatch.setenv("CROSSFARE_CACHE", str(tmp_path / "cache"))
    spec(tmp_path, server, targets=["pt"])
    asked = ("run", str(tmp_path / "tiny.yaml"), "--out", str(tmp_path / "out"), "--quiet")
    status, _, err = call(monkeypatch, capsys, *asked)
    assert (status, server.seen) == (2, 0)
    address = server.url.removeprefix("http://")
    assert f"steps that send texts: 1, to {address}, for at most 0.0" in err
    assert "and there is no terminal to ask on: add --yes; nothing was sent" in err
    status, out, _ = call(monkeypatch, capsys, *asked, "--dry-run")
    assert (status, server.seen) == (0, 0)
    assert "nli paid en-pt: training set: " in out
    assert f"steps that send texts: 1, to {address}, for at most 0.0" in out
    status, _, err = call(monkeypatch, capsys, *asked, "--yes", "--max-usd", "0.001")
    assert (status, len(server.billed)) == (2, 0)
    assert "0.00 of 0.00100 USD are spent, and the next request of libretranslate (2 texts, " in err
    questions: list[str] = []
    monkeypatch.setattr(terminal, "on_a_terminal", lambda: True)
    monkeypatch.setattr("typer.confirm", lambda question, **_: questions.append(question))
    for again in range(2):  # the second time nothing is left to pay, so nobody is asked
        status, out, err = call(monkeypatch, capsys, *asked)
        spent = f"spent now: {len(server.billed)} requests, {cost(server) / GOOGLE:,.0f} characters, "
        assert err.startswith("" if again else f"{spent}{cost(server):.4f} USD\n")
        assert err.endswith("crossfare: no further\n") and len(err.splitlines()) == 2 - again
        if "training set: " in out:
            planned = float(out.partition(f"characters to {address}, at most ")[2].partition(" USD")[0])
            assert planned == pytest.approx(float(cost(server)), rel=0.01)
    assert questions == ["Send it?"]


@pytest.mark.usefixtures("only_translations")
def test_engines_that_nobody_is_paid_for_are_not_asked_about(tmp_path: Path) -> None:
    engines = {
        "open": {"engine": "echo"},
        "given": {"engine": "reference", "options": {"parallel": "world"}, "price": "google-translate"},
    }
    made = tiny_run.spec(tmp_path, engines=engines)

    def refuse(plan: Spending) -> None:
        pytest.fail(plan.summary)

    with pytest.raises(Stopped):
        run(made, store=Store(tmp_path / "cache"), quiet=True, agree=refuse, max_usd=Decimal(0))


# -- how requests are counted beforehand --------------------------------------------------------


class Words:
    """Bills tokens: a token a word, and a prompt."""

    name, revision, granularity = "words", "1", "document"

    def __init__(self) -> None:
        self.sent: list[list[str]] = []

    def batches(self, texts: Any) -> list[range]:
        return [range(i, i + 1) for i in range(len(texts))]

    def translate(self, texts: Any, *, source: str, target: str) -> Translation:
        self.sent.append(list(texts))
        words = sum(len(text.split()) for text in texts)
        return Translation(tuple(texts), Usage(requests=1, characters=0, input_tokens=words + 50, output_tokens=words))


def price(**changes: Any) -> Any:
    return replace(Catalogue.load().get("google-translate"), **changes)


def test_tokens_are_reserved_at_the_most_and_settled_by_the_bill(tmp_path: Path) -> None:
    per_token = price(unit="token", per=Decimal(1), amount=Decimal(1), output_amount=Decimal(1), counting=None)
    inner = Words()
    most = Charge(per_token).most(inner, ["one two three"], "en")
    assert (most.input_tokens, most.output_tokens) == (13 + 1040, 39 + 1040)
    budget = Budget(Decimal(2132 + 56 + 56), tmp_path / "spent")
    charged = Charged(inner, Charge(per_token, budget))
    for _ in range(3):
        charged.translate(["one two three"], source="en", target="de")
    assert budget.spent == 3 * 56
    with pytest.raises(BudgetExceeded):
        charged.translate(["one two three"], source="en", target="de")
    assert len(inner.sent) == 3


class Slow(Words):
    """Several requests at once, of which a later one has less to prepare before it would pay."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count

    def in_flight(self, source: str, target: str) -> int:
        return self.count

    def stop(self, why: BaseException) -> None: ...

    def translate_paying(self, texts: Any, *, source: str, target: str, paying: Any) -> Translation:
        time.sleep(0.1 / (1 + int(texts[0][0])))
        with paying(texts, Usage(requests=1, characters=len(texts[0]))) as billed:
            billed(Usage(requests=1, characters=len(texts[0])))
        return self.translate(texts, source=source, target=target)


@pytest.mark.parametrize("limit", [0, 1, 5, 7, 30])
def test_a_budget_buys_the_first_texts_however_many_requests_are_on_their_way(tmp_path: Path, limit: int) -> None:
    """Texts of 1 and 2 characters, each character a USD: a later text that is cheaper takes no earlier one's place."""
    texts = [f"{number}{'.' * (number % 2)}" for number in range(10)]
    within = [sum(map(len, texts[: place + 1])) <= limit for place in range(len(texts))]
    by_character = price(per=Decimal(1), amount=Decimal(1), counting=None)
    for attempt in range(5):
        inner = Slow(count=4)
        charged = Charged(inner, Charge(by_character, Budget(Decimal(limit), tmp_path / f"spent{attempt}")))
        made = Segments(charged, "en", "de")
        if all(within):
            made.fetch(texts)
        else:
            with pytest.raises(BudgetExceeded, match=f"; {within.count(False)} of 10 texts are left"):
                made.fetch(texts)
        assert sorted(made.translations) == sorted(text for text, fits in zip(texts, within, strict=True) if fits)
        assert len(inner.sent) == within.count(True)


def test_an_answer_whose_bill_is_not_told_is_kept_all_the_same(tmp_path: Path) -> None:
    class Silent(Words):
        def translate(self, texts: Any, *, source: str, target: str) -> Translation:
            return replace(super().translate(texts, source=source, target=target), usage=Usage(requests=1))

    budget = Budget(Decimal(3000), tmp_path / "spent")
    per_token = price(unit="token", per=Decimal(1), amount=Decimal(1), output_amount=Decimal(1), counting=None)
    made = Charged(Silent(), Charge(per_token, budget)).translate(["one two three"], source="en", target="de")
    assert made.texts == ("one two three",)
    assert budget.spent == 2132  # the most that it can be


@pytest.mark.parametrize(
    ("counting", "expected"),
    [
        (None, 20),
        (Counting(characters="utf-16"), 22),
        (Counting(characters="byte"), 26),
        (Counting(markup="free"), 13),
        (Counting(white_space=False), 16),
        (Counting(minimum=15), 30),
    ],
)
def test_characters_are_counted_by_the_offers_rule(counting: Counting | None, expected: int) -> None:
    texts = ["<a>a b</a> 😀", "c d 😀xyz"]
    assert Charge(price(counting=counting)).most(Words(), texts, "en").characters == expected


def test_an_engine_that_knows_its_bill_is_believed() -> None:
    class Knows(Words):
        def itemised(self, texts: Any, *, source: str) -> Any:
            return [(texts, Usage(requests=1, characters=7))]

    assert Charge(price()).most(Knows(), ["many more than that"], "en").characters == 7


def test_an_estimate_of_tokens_is_an_upper_bound(tmp_path: Path) -> None:
    per_token = price(unit="token", output_amount=Decimal(20), counting=None)
    examples = (PairExample("1", "one two", "three", "neutral"),)
    memory = TranslationMemory(tmp_path / "memory.sqlite")
    dataset = Dataset("d", "nli", "test", "en", examples)
    made = estimate(
        dataset,
        Words(),
        Charge(per_token),
        target="de",
        memory=memory,
        projection=Projection("markers"),
        compute=per_token,
    )
    assert (made.expected.texts, made.expected.requests, made.at_most) == (2, 2, True)
    assert made.expected == made.most
    assert "money: at most 0.0" in made.lines[3]
    assert memory.count() == 0


class Links:
    """Links every word of a text with itself, or none."""

    def __init__(self, *, seeing: bool) -> None:
        self.seeing = seeing

    def align(self, pairs: Sequence[tuple[str, str]]) -> list[list[Link]]:
        return WordForWord().align(pairs) if self.seeing else [[] for _ in pairs]


@pytest.mark.parametrize(("keeps_tags", "share"), [(False, Decimal("0.2")), (True, Decimal(0))])
def test_an_estimate_of_a_cascade_reckons_with_answers_that_are_sent_later(
    tmp_path: Path, keeps_tags: bool, share: Decimal
) -> None:
    """Against what is sent if every answer is found at once, and if none is, as many of both as there are questions."""
    given = Words()
    given.tag_handling = "html" if keeps_tags else None  # type: ignore[attr-defined]
    context = "Ann lives in Lisbon, Bob lives in Porto. Eve lives in Faro."
    examples = tuple(
        QAExample(town, context, f"Who lives in {town}?", (Answer(name, context.index(name)),))
        for name, town in (("Ann", "Lisbon"), ("Bob", "Porto"), ("Eve", "Faro"))
    )
    dataset = Dataset("d", "qa", "train", "en", examples)

    def estimated(projection: Projection, memory: Path) -> Estimate:
        at = TranslationMemory(tmp_path / memory)
        return estimate(dataset, given, Charge(price()), target="de", memory=at, projection=projection, compute=price())

    made = estimated(Projection("cascade", Links(seeing=True)), Path("nothing"))
    later = len("AnnBobEve")
    assert made.most.characters - (0 if keeps_tags else later) == len(context) + sum(
        len(each.question) for each in examples
    ) + (later + len("<a1></a1>") * 3 if keeps_tags else 0)
    assert (made.most.texts, made.most.requests) == (7, 7)
    assert made.expected.characters == made.most.characters - later + round(share * later)
    assert made.expected.usd is not None
    assert made.most.usd == made.most.characters * GOOGLE
    assert "as expected (assumed), all of them at the most" in made.lines[-1]
    if keeps_tags:
        return
    for seeing in (True, False):  # once it was translated, nothing is left to be guessed
        memory = TranslationMemory(tmp_path / str(seeing))
        projection = Projection("cascade", Links(seeing=seeing))
        given.sent.clear()
        translate_dataset(dataset, given, target="de", memory=memory, projection=projection)
        characters = sum(len(text) for texts in given.sent for text in texts)
        assert characters == (made.most.characters if not seeing else made.most.characters - later)
        again = estimated(projection, Path(str(seeing)))
        assert again.expected == again.most
        assert (again.most.texts, again.most.usd) == (0, 0)
    unsure = estimated(Projection("cascade", Links(seeing=False)), Path("True"))  # contexts are there, answers not
    assert unsure.expected == unsure.most
    assert (unsure.most.texts, unsure.most.characters) == (3, later)


def test_a_plan_says_what_is_expected_and_what_is_the_most() -> None:
    sure = Planned("pairs", 50_000, Decimal(1), "google", exact=True, most=Decimal(1))
    unsure = Planned("answers", 100_000, Decimal(2), "google", exact=False, most=Decimal("3.5"))
    unknown = Planned("passages", None, None, "google", exact=False)
    assert str(sure) == "pairs: 50,000 characters, at most 1.00 USD (google)"
    assert str(unsure) == "answers: 100,000 characters, about 2.00, up to 3.50 USD (google)"
    assert Spending((sure,)).summary.endswith("1, to engines here, for at most 1.00 USD")
    assert Spending((sure, unsure)).summary.endswith("2, to engines here, for about 3.00, up to 4.50 USD")
    assert Spending((sure, unknown)).summary.endswith("1.00 USD and what cannot be told of 1 of them")


def test_a_plan_says_who_is_sent_texts_paid_or_not() -> None:
    paid = Planned("pairs", 50_000, Decimal(1), "google", exact=True, most=Decimal(1), host="a.example")
    free = Planned("test", 7_000, None, "", exact=False, host="b.example:81")
    assert str(free) == "test: 7,000 characters to b.example:81, no request is billed"
    assert Spending((paid, free)).summary == (
        "steps that send texts: 2, to a.example, b.example:81, for at most 1.00 USD"
    )
    assert Spending((free,)).summary == "steps that send texts: 1, to b.example:81, no request is billed"


@pytest.mark.usefixtures("only_translations")
def test_texts_that_leave_this_machine_are_asked_about_though_nobody_is_paid(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], server: Server, tmp_path: Path
) -> None:
    monkeypatch.setenv("CROSSFARE_CACHE", str(tmp_path / "cache"))
    timed = {"repeats": 1, "warmup": 0, "batch_sizes": [1]}
    free = {"free": {"engine": "libretranslate", "options": {"url": server.url}}}
    spec(tmp_path, server, targets=["pt"], methods=["translate-infer"], engines=free, latency=timed)
    asked = ("run", str(tmp_path / "tiny.yaml"), "--out", str(tmp_path / "out"), "--quiet")
    monkeypatch.setattr(hosts, "is_local", lambda host: False)
    address = server.url.removeprefix("http://")
    _, out, _ = call(monkeypatch, capsys, *asked, "--dry-run")
    lines = [line for line in out.splitlines() if f" characters to {address}, no request is billed" in line]
    assert [line.partition(": ")[0] for line in lines] == ["nli free pt-en", "nli free pt-en"]  # and its latency
    status, _, err = call(monkeypatch, capsys, *asked)
    assert f"steps that send texts: 2, to {address}, no request is billed, and there is no terminal" in err
    assert (status, server.seen) == (2, 0)
    assert call(monkeypatch, capsys, *asked, "--yes")[2] == "crossfare: no further\n"
    assert server.billed


def test_a_key_that_may_not_go_where_texts_do_is_told_before_anything_is_sent(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], server: Server, tmp_path: Path
) -> None:
    pytest.importorskip("deepl")
    monkeypatch.setenv("CROSSFARE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("DEEPL_AUTH_KEY", "s3cret-of-deepl")
    engines = {
        "deepl": {"engine": "deepl", "options": {"endpoint": server.url}},
        "paid": {"engine": "libretranslate", "price": "google-translate", "options": {"url": server.url}},
    }
    spec(tmp_path, server, targets=["pt"], engines=engines)
    address = server.url.removeprefix("http://")
    for further in (("--yes",), ("--dry-run",)):
        status, _, err = call(monkeypatch, capsys, "run", str(tmp_path / "tiny.yaml"), *further)
        assert (status, server.seen) == (2, 0)
        assert f"{address} is named by a spec, and so is sent no key: allow it with --allow-host" in err


def test_an_offer_of_device_time_charges_no_request() -> None:
    assert Charge.by(Catalogue.load(), "cpu-core") is None
    with pytest.raises(ConfigError, match="bills by the example"):
        Charge.by(Catalogue.load(), "annotation-qa")


def test_a_charged_engine_passes_for_its_own() -> None:
    inner: Any = engine("libretranslate", name="here")
    outer = Charged(inner, Charge(price()))
    assert (outer.name, outer.revision, outer.granularity) == (inner.name, inner.revision, inner.granularity)
    assert outer.batches(["a"] * 120) == inner.batches(["a"] * 120)


def pairs(path: Path, count: int) -> Path:
    lines = [f"A man has {n} cats.\tHe has {n} pets.\tneutral" for n in range(count)]
    path.write_text("\n".join(["sentence1\tsentence2\tgold_label", *lines]) + "\n", encoding="utf-8")
    return path


def translating(file: Path, server: Server, *more: str) -> tuple[str, ...]:
    return (
        *("translate", str(file), "--task", "nli", "--source", "en", "--target", "de", "--engine", "libretranslate"),
        *("--out", str(file.with_name("out.tsv")), "--option", f"url={server.url}", "--option", "max_texts=2"),
        *("--option", "pause=0.001", "--price", "google-translate", "--yes", *more),
    )


def test_what_was_spent_is_said_when_it_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], server: Server, tmp_path: Path
) -> None:
    monkeypatch.setenv("CROSSFARE_CACHE", str(tmp_path / "cache"))
    file, refusal, asked = pairs(tmp_path / "pairs.tsv", 20), server.refusal, count()

    def refuse(body: dict[str, Any]) -> tuple[int, str] | None:
        return (500, "out of order") if next(asked) >= 3 else refusal(body)

    server.refusal = refuse  # type: ignore[method-assign]
    status, _, err = call(monkeypatch, capsys, *translating(file, server))
    done, spent, error = err.splitlines()
    assert status == 2 and "said 500: out of order (5 attempts)" in error
    assert done.startswith("stopped: 6 of 40 texts are done, and kept in ")
    assert spent.startswith(f"spent now: 3 requests, {cost(server) / GOOGLE:.0f} characters, 0.00")
    assert spent.endswith("USD for requests that failed or had no answer")
    server.refusal = refusal  # type: ignore[method-assign]
    since = len(server.billed)
    status, out, err = call(monkeypatch, capsys, *translating(file, server))
    assert (status, "20 of 20 examples" in out) == (0, True)
    assert f"{len(server.billed) - since} requests" in err
    assert max(Counter(text for request in server.billed for text in request.texts).values()) == 1


@pytest.mark.parametrize(
    ("verb", "sent", "status"),
    [
        ("translate", signal.SIGINT, 130),
        ("translate", signal.SIGTERM, -signal.SIGTERM),
        ("run", signal.SIGTERM, -signal.SIGTERM),
        ("race", signal.SIGINT, 130),
    ],
)
def test_what_was_spent_is_said_when_somebody_stops_it(
    server: Server, tmp_path: Path, verb: str, sent: signal.Signals, status: int
) -> None:
    """The signal reaches the command alone, as that of a scheduler may, and not its workers."""
    server.busy = 0.3
    asked = translating(pairs(tmp_path / "pairs.tsv", 200), server)
    if verb != "translate":
        spec(tmp_path, server)
        asked = (verb, str(tmp_path / "tiny.yaml"), "--out", str(tmp_path / "out"), "--quiet", "--yes")
    command = [sys.executable, "-c", "from crossfare.cli import main; main()", *asked]
    environment = {**os.environ, "CROSSFARE_CACHE": str(tmp_path / "cache")}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        with server.changed:
            assert server.changed.wait_for(lambda: len(server.billed) >= 3, timeout=180)
        process.send_signal(sent)
        _, err = process.communicate(timeout=180)
    assert process.returncode == status, err
    *done, spent, stopped = err.splitlines()
    told = re.match(r"spent (now|on requests): (\d+) requests, ([\d,]+) characters, 0\.0\d+ USD", spent)
    assert told and int(told[2]) == len(server.billed), err
    assert told[3] == f"{cost(server) / GOOGLE:,.0f}", err
    assert len(server.billed) < 30, "what was on its way is waited for, and nothing more is sent"
    assert [line.partition(":")[0] for line in done] == (["stopped"] if verb == "translate" else [])
    assert stopped == "crossfare: stopped; finished steps are kept, run again to go on"


def test_a_text_that_the_server_refuses_does_not_keep_the_others_from_being_written(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], server: Server, tmp_path: Path
) -> None:
    monkeypatch.setenv("CROSSFARE_CACHE", str(tmp_path / "cache"))
    file, refusal = pairs(tmp_path / "pairs.tsv", 20), server.refusal
    server.refusal = lambda body: (  # type: ignore[method-assign]
        (400, "cannot be parsed") if any("has 7 " in text for text in body["q"]) else refusal(body)
    )
    for again in range(2):
        since = server.seen
        status, out, _ = call(monkeypatch, capsys, *translating(file, server), "--force")
        assert (status, "19 of 20 examples" in out) == (0, True)
        assert not again or server.seen - since <= 4, "only what was lost is tried again"
    (lost,) = json.loads(file.with_name("out.tsv.lost.json").read_text(encoding="utf-8"))
    assert lost["reason"].endswith("LibreTranslate said 400: cannot be parsed")
