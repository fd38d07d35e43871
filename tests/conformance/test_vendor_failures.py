"""Services that fail: what is tried again, what is kept, what is said, and where keys never are."""

from __future__ import annotations

import json
import logging
import os
import traceback
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from servers import POISON, UNTRANSLATABLE, Fault
from vendors import SECRETS, SERVERS, Vendors, translate, words

from crossfare.errors import ConfigError, EngineCredential, EngineError, EngineQuota, EngineTransient, EngineUnavailable
from crossfare.translate import engine

everywhere = pytest.mark.parametrize("name", SERVERS)
batching = pytest.mark.parametrize("name", [name for name in SERVERS if name != "amazon"])


@everywhere
@pytest.mark.parametrize(
    "fault",
    [
        Fault("status", 429),
        Fault("status", 500),
        Fault("status", 503),
        Fault("hang-up"),
        Fault("silence", seconds=0.4),
        Fault("garbage"),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.status}",
)
def test_a_passing_failure_is_tried_again(vendor: Any, fault: Fault) -> None:
    server, made = vendor
    server.fail(fault, fault)
    answer = translate(made(timeout=0.3), ["one & two"])
    assert answer.texts == ("ONE & TWO",)
    assert len(server.arrivals) == 3, "two failures, each counted once: the SDK must not try again on its own"
    # What was sent and not answered counts as billed: the service may have done it.
    times = 1 if fault.kind == "status" else 3
    assert answer.usage.requests == times and answer.usage.characters == times * server.billed
    if answer.usage.input_tokens is not None:
        assert (answer.usage.input_tokens, answer.usage.output_tokens) == tuple(times * n for n in server.tokens)


@everywhere
def test_a_wait_that_is_asked_for_is_kept(vendor: Any) -> None:
    server, made = vendor
    server.fail(Fault("status", 429, {"Retry-After": "0.5"}))
    assert translate(made(), ["one"]).texts == ("ONE",)
    assert server.arrivals[1] - server.arrivals[0] >= 0.5


@pytest.mark.parametrize("name", ["azure"])
def test_a_wait_can_be_a_date(vendor: Any) -> None:
    server, made = vendor
    until = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
    server.fail(Fault("status", 503, {"Retry-After": until}))
    assert translate(made(), ["one"]).texts == ("ONE",)
    assert server.arrivals[1] - server.arrivals[0] > 0.5


@everywhere
def test_who_must_wait_long_is_told_at_once(vendor: Any) -> None:
    server, made = vendor
    server.fail(Fault("status", 429, {"Retry-After": "86400"}))
    with pytest.raises(EngineQuota, match="86400 s"):
        translate(made(), ["one"])
    assert len(server.arrivals) == 1


@everywhere
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault("status", 429), EngineQuota),
        (Fault("status", 500), EngineTransient),
        (Fault("silence", seconds=0.3), EngineTransient),
        (Fault("garbage"), EngineTransient),
        (Fault("hang-up"), EngineTransient),
    ],
    ids=lambda value: getattr(value, "kind", ""),
)
def test_a_failure_that_stays_is_an_error_of_one_line(vendor: Any, fault: Fault, error: type[EngineError]) -> None:
    server, made = vendor
    server.fail(*[fault] * 10)
    with pytest.raises(error) as raised:
        translate(made(attempts=3, timeout=0.2), ["one"])
    probes = 0 if fault.status == 429 else 2
    assert len(server.arrivals) == 3 + probes, "a service that fails at a harmless text too is left alone"
    assert "\n" not in str(raised.value) and "3 attempts" in str(raised.value)
    assert type(raised.value) is error


@everywhere
def test_what_was_answered_before_a_failure_is_kept(vendor: Any) -> None:
    server, made = vendor
    tested = made(attempts=1)
    texts = [f"text {number}" for number in range(tested.limits.texts)] + ["the last one", "one more"]
    if tested.limits.texts > 1000:
        texts = [words(tested.limits.size // 12), "the last one", words(tested.limits.size // 12, "more"), "one more"]
    batches = tested.batches(texts)
    assert len(batches) > 1
    sent = server.respond

    def second_fails(request: Any) -> Any:
        if server.answered >= 1:
            server.fail(Fault("status", 503))
        return sent(request)

    server.respond = second_fails  # type: ignore[method-assign]
    try:
        answer = translate(tested, texts)
    finally:
        del server.respond
    kept = [index for index, text in enumerate(answer.texts) if text is not None]
    assert kept == list(batches[0])
    assert set(answer.failures) == set(range(len(texts))) - set(kept)
    assert all("503" in reason for reason in answer.failures.values())
    assert answer.usage.requests == 1 and answer.usage.characters == server.billed


@everywhere
def test_a_text_that_cannot_be_read_fails_alone(vendor: Any) -> None:
    server, made = vendor
    texts = [f"text {number}" for number in range(11)]
    texts[7] = f"a {POISON} text"
    answer = translate(made(), texts)
    assert [index for index, text in enumerate(answer.texts) if text is None] == [7] == list(answer.failures)
    assert "400" in answer.failures[7] or "not valid" in answer.failures[7]
    assert answer.usage.characters == server.billed and answer.usage.requests == server.answered


@everywhere
def test_a_text_that_comes_back_empty_is_none(vendor: Any) -> None:
    _, made = vendor
    answer = translate(made(), ["one", f"an {UNTRANSLATABLE} text", "two"])
    assert answer.texts == ("ONE", None, "TWO")
    assert "returned nothing" in answer.failures[1]


@batching
def test_a_missing_translation_shifts_nothing_and_all_is_metered(vendor: Any) -> None:
    server, made = vendor
    server.fail(Fault("short"))
    answer = translate(made(), ["one", "two", "three"])
    assert answer.texts == ("ONE", "TWO", "THREE"), "nothing says which answer is whose: asked for again"
    assert answer.usage.characters == server.billed and answer.usage.requests == server.answered


@everywhere
def test_an_unknown_language_is_an_error_not_a_lost_dataset(vendor: Any) -> None:
    server, made = vendor
    if made().name == "llm":
        pytest.skip("a chat model has no list of languages")
    with pytest.raises((EngineError, ConfigError)) as raised:
        translate(made(), ["one", "two", "three"], target="tlh")
    assert "\n" not in str(raised.value)
    assert server.billed == 0


@pytest.mark.parametrize("name", ["deepl"])
def test_deepl_used_up(vendor: Any) -> None:
    server, made = vendor
    server.fail(Fault("status", 456))
    with pytest.raises(EngineQuota, match="used up"):
        translate(made(), ["one"])
    assert len(server.arrivals) == 1


@pytest.mark.parametrize("name", ["google:v3", "google:v2"])
def test_google_says_403_for_a_limit(vendor: Any) -> None:
    server, made = vendor
    server.fail(Fault("status", 403, message="User Rate Limit Exceeded"))
    assert translate(made(), ["one"]).texts == ("ONE",)


def test_waits_grow(vendors: Vendors) -> None:
    server = vendors.server("deepl")
    tested = vendors.make("deepl", backoff=0.1, attempts=4)
    server.reset()
    server.fail(*[Fault("status", 503)] * 3)
    assert translate(tested, ["one"]).texts == ("ONE",)
    waits = [after - before for before, after in zip(server.arrivals, server.arrivals[1:], strict=False)]
    assert all(wait >= 0.1 * 2**number for number, wait in enumerate(waits)), waits
    server.reset()


# -- keys -------------------------------------------------------------------------------------


@everywhere
def test_no_key_is_one_line_with_the_fix(
    vendor: Any, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    _, made = vendor
    for variable in (SECRETS[name], "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    options = {"base_url": None} if name == "llm" else {}
    tested = made(**options)  # made without a key: plans need none
    with pytest.raises(EngineCredential) as raised:
        translate(tested, ["one"])
    assert SECRETS[name] in str(raised.value) and "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "variable"), [("google:v3", "GOOGLE_CLOUD_PROJECT"), ("amazon", "AWS_DEFAULT_REGION")]
)
def test_no_project_or_region_is_one_line_with_the_fix(
    vendor: Any, variable: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    _, made = vendor
    monkeypatch.delenv(variable)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    account = json.loads(Path(os.environ["GOOGLE_APPLICATION_CREDENTIALS"]).read_text()) if "GOOGLE" in variable else {}
    account.pop("project_id", None)
    (tmp_path / "account.json").write_text(json.dumps(account))
    if account:
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "account.json"))
    with pytest.raises(EngineCredential, match=f"set {variable} in the environment"):
        translate(made(), ["one"])


@pytest.mark.parametrize("name", [name for name in SERVERS if name != "google:v3"])
def test_a_key_is_nowhere_to_be_read(
    vendor: Any, name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    server, made = vendor
    secret = "wrong-s3cret-0123456789"
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv(SECRETS[name], secret)
    tested = made(attempts=2, timeout=0.3)
    with pytest.raises(EngineCredential) as raised:
        translate(tested, ["one"])
    assert SECRETS[name] in str(raised.value)
    server.fail(Fault("status", 500, message=f"could not use {secret}"), Fault("hang-up"))
    with pytest.raises(EngineTransient) as passing:
        translate(tested, ["one"])
    server.fail(*[Fault("status", 400, message=f"bad {secret}")] * 3)
    with pytest.raises(EngineError) as refused:
        translate(tested, ["one"])
    shown = [
        repr(tested),
        str(vars(tested)),
        tested.revision,
        str(tested.identity()),
        *traceback.format_exception(raised.value),
        *traceback.format_exception(passing.value),
        *traceback.format_exception(refused.value),
        *(record.getMessage() for record in caplog.records if record.name.startswith("crossfare")),
    ]
    assert not [text for text in shown if secret in text]
    assert "***" in str(refused.value)


@everywhere
def test_a_refused_key_is_said_so(vendor: Any, name: str) -> None:
    server, made = vendor
    server.fail(Fault("status", 403, message="no access"))
    with pytest.raises(EngineCredential, match=SECRETS[name]):
        translate(made(), ["one"])


@everywhere
def test_an_unknown_option_is_told_the_known_ones(vendor: Any) -> None:
    _, made = vendor
    with pytest.raises(ConfigError, match=r"'beem'; its options are: .*attempts, backoff, timeout"):
        made(beem=3)
    with pytest.raises(ConfigError, match="attempts cannot be 0: it should be greater than or equal to 1"):
        made(attempts=0)


def test_a_missing_extra_is_one_line_with_the_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module("crossfare.translate.engines"), "find_spec", lambda package: None)
    for name in dict.fromkeys(name.partition(":")[0] for name in SERVERS):
        with pytest.raises(EngineUnavailable, match=rf"pip install 'crossfare\[{name}\]'"):
            engine(name, **({"model": "m"} if name == "llm" else {}))
