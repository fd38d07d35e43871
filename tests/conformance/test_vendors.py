"""Engines behind an API, through the vendors' SDKs, against local servers of the vendors' wire formats.

The servers keep their own bills and can be told to fail. What the real services do beyond their documentation is
not tested here: see docs/engines.md.
"""

from __future__ import annotations

import logging
import math
import traceback
from collections.abc import Callable, Iterator
from datetime import date
from email.utils import format_datetime
from typing import Any

import pytest
from cases import TEXTS
from hypothesis import given, settings
from hypothesis import strategies as st
from servers import POISON, UNTRANSLATABLE, Fault, VendorServer
from vendors import SECRETS, SERVERS, Vendors

from crossfare.errors import ConfigError, EngineCredential, EngineError, EngineQuota, EngineTransient, EngineUnavailable
from crossfare.ledger import Catalogue
from crossfare.translate import Markers, engine
from crossfare.translate.engines import default_offer
from crossfare.translate.engines.markup import from_markup, to_markup, visible
from crossfare.translate.markers import mark, recover

everywhere = pytest.mark.parametrize("name", SERVERS)
batching = pytest.mark.parametrize("name", [name for name in SERVERS if name != "amazon"])
tagging = pytest.mark.parametrize("name", ["google:v3", "google:v2", "deepl", "azure"])

AWKWARD = (
    "AT&T said <b> & went",
    "&quot;quoted&quot; &amp; 1 < 2 > 0",
    "it's \"so\"",
    "<script>alert(1)</script>",
    "<p>one</p>",
    "the <a>cat</a> of AT&T",
    "hello 😀 👩🏽‍🚀",
    "R&D&lt &copy 5",
)


@pytest.fixture
def vendor(vendors: Vendors, name: str) -> Iterator[tuple[VendorServer, Callable[..., Any]]]:
    """A vendor's server with a clean bill, and how its engine is made."""

    def made(**options: Any) -> Any:
        return vendors.make(name, **options)

    made()
    server = vendors.server(name)
    server.reset()
    yield server, made
    server.reset()


def translate(made: Any, texts: list[str], target: str = "de") -> Any:
    return made.translate(texts, source="en", target=target)


def words(count: int, word: str = "word") -> str:
    return " ".join(f"{word}{number}" for number in range(count))


# -- what is sent and what comes back ---------------------------------------------------------


@everywhere
def test_texts_come_back_translated_and_otherwise_as_they_were(vendor: Any) -> None:
    _, made = vendor
    texts = [*TEXTS, *AWKWARD]
    assert translate(made(), texts).texts == tuple(text if _is_markup(text) else text.swapcase() for text in texts) or (
        translate(made(), texts).texts == tuple(_swapped(text) for text in texts)
    )


def _is_markup(text: str) -> bool:
    return False


def _swapped(text: str) -> str:
    """Case swapped everywhere but in the tags of the marked text."""
    return text.swapcase().replace("<A>", "<a>").replace("</A>", "</a>")


@everywhere
def test_blank_texts_and_nothing_are_never_sent(vendor: Any) -> None:
    server, made = vendor
    assert translate(made(), ["", " \n\t", "\u00a0"]).texts == ("", " \n\t", "\u00a0")
    assert translate(made(), []).texts == ()
    assert server.arrivals == []
    translate(made(), ["", "one", " "])
    assert [text for batch in server.received for text in batch] == ["one"]


@everywhere
def test_unicode_forms_are_sent_as_they_are(vendor: Any) -> None:
    server, made = vendor
    translate(made(), ["caf\u00e9", "cafe\u0301"])
    assert [text for batch in server.received for text in batch] == ["caf\u00e9", "cafe\u0301"]


@everywhere
def test_a_text_twice_in_one_request_is_sent_once(vendor: Any) -> None:
    server, made = vendor
    assert translate(made(), ["one\ntwo", "two", "two"]).texts == ("ONE\nTWO", "TWO", "TWO")
    sent = [text for batch in server.received for text in batch]
    assert sent == (["one", "two", "two", "two"] if len(server.received) > 1 else ["one", "two"])


@everywhere
def test_half_a_surrogate_pair_fails_alone(vendor: Any) -> None:
    _, made = vendor
    answer = translate(made(), ["one", "two \ud800", "three"])
    assert answer.texts == ("ONE", None, "THREE")
    assert "surrogate" in answer.failures[1]


# -- markers ----------------------------------------------------------------------------------


@everywhere
def test_markers_survive(vendor: Any) -> None:
    _, made = vendor
    context = "AT&T sold 12 < 13 phones to R&D"
    marked, used = mark(context, 0, 4)
    both = Markers("<a1>", "</a1>").wrap(Markers("<a2>", "</a2>").wrap(context, 10, 12), 0, 4)
    for text, markers, span in ((marked, used, context[:4]), (both, Markers("<a1>", "</a1>"), context[:4])):
        (found,) = translate(made(), [text]).texts
        assert recover(found, markers).answer == span.swapcase()


@tagging
def test_markers_are_tags_to_the_service_unless_told_otherwise(vendor: Any) -> None:
    server, made = vendor
    translate(made(), ["a <a>cat</a> & <b> me"])
    translate(made(tags=False), ["a <a>cat</a> & <b> me"])
    assert server.received == [["a <a>cat</a> &amp; &lt;b&gt; me"], ["a <a>cat</a> & <b> me"]]
    assert made().revision != made(tags=False).revision


@everywhere
def test_a_marked_answer_is_never_cut_in_two(vendor: Any) -> None:
    server, made = vendor
    text = "the <a>cat\nsat</a> down\nhello"
    assert recover(translate(made(), [text]).texts[0], Markers()).text.split()[-1] == "HELLO"
    assert [text for batch in server.received for text in batch] == ["the <a>cat\nsat</a> down", "hello"]


@pytest.mark.parametrize("name", ["deepl"])
def test_what_xml_cannot_hold_fails_alone(vendor: Any) -> None:
    _, made = vendor
    answer = translate(made(), ["one", "two\x08", "three"])
    assert answer.texts == ("ONE", None, "THREE") and "U+0008" in answer.failures[1]
    assert translate(made(tags=False), ["two\x08"]).texts == ("TWO\x08",)


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from("ab&<>;/ \"'qut#39lgmp\u00e9😀"), max_size=40))
def test_markup_is_undone_exactly(text: str) -> None:
    assert from_markup(to_markup(text)) == text
    import xml.etree.ElementTree as ElementTree

    root = ElementTree.fromstring(f"<root>{to_markup(text)}</root>")
    assert "".join(root.itertext()) == visible(to_markup(text))


# -- requests ---------------------------------------------------------------------------------


@everywhere
def test_each_batch_is_one_request_within_the_limits(vendor: Any) -> None:
    server, made = vendor
    tested = made()
    texts = ["", *(f"text {number} & so on 😀" for number in range(min(2 * tested.limits.texts + 5, 300))), " "]
    texts += [words(tested.limits.size // 30, f"w{number}x") for number in range(4)]
    batches = tested.batches(texts)
    assert [index for batch in batches for index in batch] == list(range(len(texts)))
    together = translate(tested, texts)
    assert server.answered == len(server.received) == len(batches) == together.usage.requests
    assert len(batches) < len(texts) or name_of(tested) == "amazon"
    server.reset()
    apart = []
    for batch in batches:
        before = server.answered
        apart += translate(tested, [texts[i] for i in batch]).texts
        assert server.answered == before + 1
    assert tuple(apart) == together.texts


def name_of(tested: Any) -> str:
    return str(tested.name)


@everywhere
def test_a_text_too_long_for_a_request_is_cut_at_sentence_borders(vendor: Any) -> None:
    pytest.importorskip("sentencex")
    server, made = vendor
    tested = made()
    sentence = "The cat sat on the mat & looked at it."
    text = " ".join([sentence] * (2 * tested.limits.size // len(sentence)))
    texts = ["before", text, "after"]
    assert tested.batches(texts) == [range(1), range(1, 2), range(2, 3)]
    assert translate(tested, texts).texts == tuple(text.swapcase() for text in texts)
    sent = [piece for batch in server.received for piece in batch]
    assert len(sent) > 4 and all(from_markup(piece).endswith(".") for piece in sent[1:-1])


@everywhere
def test_a_sentence_too_long_for_a_request_fails_alone_with_the_reason(vendor: Any) -> None:
    _, made = vendor
    tested = made()
    answer = translate(tested, ["before", "x" * (tested.limits.size + 1), "after"])
    assert answer.texts == ("BEFORE", None, "AFTER")
    assert "is too long" in answer.failures[1] and f"{tested.limits.size:,}" in answer.failures[1]


# -- money ------------------------------------------------------------------------------------


@everywhere
@pytest.mark.parametrize("tags", [True, False])
def test_the_meter_agrees_with_the_vendors_bill(vendor: Any, tags: bool) -> None:
    server, made = vendor
    tested = made(tags=tags)
    texts = [*TEXTS, *AWKWARD, *(f"{number} &" for number in range(100))]
    usage = translate(tested, texts).usage
    assert usage.characters == server.billed == tested.billed_characters(texts, source="en") > 0
    if tested.billing == "tokens":
        assert (usage.input_tokens, usage.output_tokens) == server.tokens
    assert usage.requests == server.answered


@pytest.mark.parametrize("name", ["azure"])
def test_the_meter_agrees_where_the_vendor_does_not_say_what_it_bills(vendor: Any) -> None:
    server, made = vendor
    server.metered = False
    try:
        assert translate(made(), [*TEXTS, *AWKWARD]).usage.characters == server.billed
    finally:
        server.metered = True


@pytest.mark.parametrize("name", ["google:v3", "deepl", "azure"])
@pytest.mark.parametrize("text", [*AWKWARD, *TEXTS])
def test_characters_are_counted_as_the_price_catalogue_says(vendor: Any, name: str, text: str) -> None:
    _, made = vendor
    offer = Catalogue.load().get(str(default_offer(name.partition(":")[0], {})), date(2026, 11, 25))
    assert offer.counting is not None
    tested = made(tags=False)
    if "\n" not in text and text == text.strip() and name != "deepl":
        assert tested.billed_characters([text], source="en") == offer.counting.billed(text)
    if name == "deepl":  # the tags that we send as tags are free; what is escaped is text
        assert made().billed("a <a>cat</a>") == offer.counting.billed("a <a>cat</a>") == 5


@pytest.mark.parametrize("name", SERVERS)
def test_a_spec_is_priced_by_the_vendors_own_offer(name: str) -> None:
    from crossfare.experiment.spec import EngineSpec

    registered = name.partition(":")[0]
    spec = EngineSpec(engine=registered, **({"options": {"model": "gpt-4o-mini"}} if registered == "llm" else {}))
    expected = {
        "google": "google-translate",
        "deepl": "deepl-api",
        "azure": "azure-translator",
        "amazon": "amazon-translate",
        "llm": "llm:gpt-4o-mini",
    }
    assert spec.price == expected[registered]
    assert Catalogue.load().get(str(spec.price)).amount > 0
    own = {"engine": registered, "options": {"model": "m"}, "price": "compute"}
    assert EngineSpec.model_validate(own).price == "compute"
    assert EngineSpec(engine="ctranslate2").price is None


def test_a_model_per_direction_prices_an_llm_or_is_asked_for() -> None:
    from pydantic import ValidationError

    from crossfare.experiment.spec import EngineSpec

    assert EngineSpec(engine="llm", models={"en-pt": "gpt-4o-mini", "pt-en": "gpt-4o-mini"}).price == "llm:gpt-4o-mini"
    with pytest.raises(ValidationError, match="price"):
        EngineSpec(engine="llm", models={"en-pt": "one", "pt-en": "other"})


# -- failures ---------------------------------------------------------------------------------


@everywhere
@pytest.mark.parametrize(
    "fault",
    [
        Fault("status", 429),
        Fault("status", 500),
        Fault("status", 503),
        Fault("hang-up"),
        Fault("silence", seconds=0.6),
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
    assert answer.usage.requests == 1 and answer.usage.characters == server.billed


@everywhere
@pytest.mark.parametrize("as_date", [False, True], ids=["seconds", "date"])
def test_a_wait_that_is_asked_for_is_kept(vendor: Any, as_date: bool) -> None:
    from datetime import UTC, datetime, timedelta

    server, made = vendor
    wait = format_datetime(datetime.now(UTC) + timedelta(seconds=3), usegmt=True) if as_date else "1"
    server.fail(Fault("status", 429, {"Retry-After": wait}))
    assert translate(made(), ["one"]).texts == ("ONE",)
    assert server.arrivals[1] - server.arrivals[0] > 0.9


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
    server.fail(*[fault] * 3)
    with pytest.raises(error) as raised:
        translate(made(attempts=3, timeout=0.2), ["one"])
    assert len(server.arrivals) == 3
    assert "\n" not in str(raised.value) and "3 attempts" in str(raised.value)
    assert type(raised.value) is error


@everywhere
def test_what_was_answered_before_a_failure_is_kept(vendor: Any) -> None:
    server, made = vendor
    tested = made(attempts=1)
    texts = [f"text {number}" for number in range(tested.limits.texts)] + ["the last one", "one more"]
    if tested.limits.texts > 1000:
        texts = [words(tested.limits.size // 12), "the last one", words(tested.limits.size // 12), "one more"]
    batches = tested.batches(texts)
    assert len(batches) > 1
    server.fail(*[Fault("short")] * 0)
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
    expected = ("ONE", "TWO", "THREE")
    assert all(text in (None, right) for text, right in zip(answer.texts, expected, strict=True))
    if answer.usage.input_tokens is None:
        assert answer.texts == expected, "asked for again, in halves"
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


# -- keys -------------------------------------------------------------------------------------


@everywhere
def test_no_key_is_one_line_with_the_fix(vendor: Any, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
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


@pytest.mark.parametrize(("name", "variable"), [("google:v3", "GOOGLE_CLOUD_PROJECT"), ("amazon", "AWS_DEFAULT_REGION")])
def test_no_project_or_region_is_one_line_with_the_fix(
    vendor: Any, variable: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    import json
    import os
    from pathlib import Path

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
    server.fail(Fault("status", 400, message=f"bad {secret}"))
    refused = translate(tested, ["one"])
    shown = [
        repr(tested),
        str(vars(tested)),
        tested.revision,
        str(tested.identity()),
        *traceback.format_exception(raised.value),
        *traceback.format_exception(passing.value),
        str(refused),
        *(record.getMessage() for record in caplog.records if record.name.startswith("crossfare")),
    ]
    assert not [text for text in shown if secret in text]
    assert "***" in refused.failures[0]


@everywhere
def test_a_refused_key_is_said_so(vendor: Any) -> None:
    server, made = vendor
    server.fail(Fault("status", 403, message="no access"))
    with pytest.raises(EngineCredential, match=SECRETS[_registered(server)]):
        translate(made(), ["one"])


def _registered(server: VendorServer) -> str:
    return next(name for name, kind in SERVERS.items() if type(server) is kind)


def test_a_missing_extra_is_one_line_with_the_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    from crossfare.translate import engines as registry

    monkeypatch.setattr(registry, "find_spec", lambda package: None)
    for name in dict.fromkeys(name.partition(":")[0] for name in SERVERS):
        with pytest.raises(EngineUnavailable, match=rf"pip install 'crossfare\[{name}\]'"):
            engine(name, **({"model": "m"} if name == "llm" else {}))


# -- one vendor's own -------------------------------------------------------------------------


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


@pytest.mark.parametrize(
    ("name", "tag", "as_source", "as_target"),
    [
        ("deepl", "en", "EN", "EN-US"),
        ("deepl", "en-GB", "EN", "EN-GB"),
        ("deepl", "pt", "PT", "PT-BR"),
        ("deepl", "pt-PT", "PT", "PT-PT"),
        ("deepl", "zh", "ZH", "ZH-HANS"),
        ("deepl", "zh_TW", "ZH", "ZH-HANT"),
        ("deepl", "vi", "VI", "VI"),
        ("google:v3", "zh-Hant", "zh-TW", "zh-TW"),
        ("google:v3", "pt-BR", "pt", "pt"),
        ("google:v2", "he", "iw", "iw"),
        ("azure", "zh", "zh-Hans", "zh-Hans"),
        ("azure", "pt-PT", "pt-pt", "pt-pt"),
        ("azure", "sr", "sr-Cyrl", "sr-Cyrl"),
        ("amazon", "zh-Hant-HK", "zh-TW", "zh-TW"),
        ("amazon", "nb", "no", "no"),
        ("amazon", "de-AT", "de", "de"),
        ("llm", "pt-BR", "Portuguese (pt-BR)", "Portuguese (pt-BR)"),
        ("llm", "de", "German", "German"),
    ],
)
def test_languages_are_called_as_the_vendor_calls_them(vendor: Any, tag: str, as_source: str, as_target: str) -> None:
    _, made = vendor
    assert made().codes(tag, "de")[0] == as_source
    assert made().codes("de", tag)[1] == as_target


@pytest.mark.parametrize("name", ["llm"])
def test_an_answer_cut_off_is_asked_for_in_halves_and_all_is_metered(vendor: Any) -> None:
    server, made = vendor
    server.answers = "cut"
    try:
        answer = translate(made(), ["one", "two", "three"])
    finally:
        server.answers = "translations"
    assert answer.texts == ("ONE", "TWO", "THREE")
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == server.tokens
    assert answer.usage.requests == server.answered == 5


@pytest.mark.parametrize("name", ["llm"])
def test_a_model_that_only_chats_gives_no_translation_and_a_reason(vendor: Any) -> None:
    server, made = vendor
    server.answers = "prose"
    try:
        answer = translate(made(), ["one"])
    finally:
        server.answers = "translations"
    assert answer.texts == (None,) and "not the JSON asked for" in answer.failures[0]
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == server.tokens


@pytest.mark.parametrize("name", ["llm"])
def test_tokens_that_are_not_reported_are_not_measured(vendor: Any) -> None:
    server, made = vendor
    server.answers = "no usage"
    try:
        usage = translate(made(), ["one"]).usage
    finally:
        server.answers = "translations"
    assert usage.input_tokens is usage.output_tokens is None


@pytest.mark.parametrize("name", ["llm"])
def test_the_prompt_and_the_model_are_part_of_the_revision(vendor: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from crossfare.translate.engines import llm

    _, made = vendor
    revisions = {made(**each).revision for each in ({}, {"temperature": None}, {"texts_per_request": 5}, {"model": "b"})}
    monkeypatch.setattr(llm, "PROMPT_VERSION", llm.PROMPT_VERSION + 1)
    assert len({*revisions, made().revision}) == 5
    assert made(timeout=9.0, attempts=2).revision == made().revision


def test_numbers_of_retries_grow_with_jitter(vendors: Vendors) -> None:
    server = vendors.server("deepl")
    tested = vendors.make("deepl", backoff=0.1, attempts=4)
    server.reset()
    server.fail(*[Fault("status", 503)] * 3)
    assert translate(tested, ["one"]).texts == ("ONE",)
    waits = [after - before for before, after in zip(server.arrivals, server.arrivals[1:], strict=False)]
    assert all(wait >= math.floor(1000 * 0.1 * 2**number) / 1000 for number, wait in enumerate(waits)), waits
    server.reset()
