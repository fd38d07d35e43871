"""Engines behind an API, through the vendors' SDKs, against local servers of the vendors' wire formats.

The servers keep their own bills and can be told to fail. What the real services do beyond their documentation is
not tested here: see docs/engines.md.
"""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hard_texts import TEXTS
from hypothesis import given, settings
from hypothesis import strategies as st
from vendors import SERVERS, translate, words

from crossfare.data import world
from crossfare.errors import ConfigError, EngineError
from crossfare.ledger import Catalogue
from crossfare.translate import Markers, translate_dataset
from crossfare.translate.engines import default_offer
from crossfare.translate.engines.markup import from_markup, to_markup, visible
from crossfare.translate.markers import mark, recover
from crossfare.types import QAExample, digest

everywhere = pytest.mark.parametrize("name", SERVERS)
batching = pytest.mark.parametrize("name", [name for name in SERVERS if name != "amazon"])
tagging = pytest.mark.parametrize("name", ["google:v3", "google:v2", "deepl", "azure"])

AWKWARD = (
    "AT&T said <b> & went",
    "&quot;quoted&quot; &amp; 1 < 2 > 0",
    'it\'s "so"',
    "<script>alert(1)</script>",
    "<p>one</p>",
    "the <a>cat</a> of AT&T",
    "hello 😀 👩🏽‍🚀",
    "R&D&lt &copy 5",
)


# -- what is sent and what comes back ---------------------------------------------------------


@everywhere
def test_texts_come_back_translated_and_otherwise_as_they_were(vendor: Any) -> None:
    _, made = vendor
    texts = [*TEXTS, *AWKWARD]
    # Only services that know tags leave them as they are.
    found = [text and re.sub("(?i)<(/?)a>", r"<\1a>", text) for text in translate(made(), texts).texts]
    assert found == [text.swapcase().replace("<A>", "<a>").replace("</A>", "</a>") for text in texts]


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


@everywhere
def test_every_answer_of_a_dataset_is_found_again(vendor: Any) -> None:
    _, made = vendor
    dataset = world.qa("en", "test")
    dataset = replace(dataset, examples=dataset.examples[:40])
    translated = translate_dataset(dataset, made(), target="de")
    assert translated.yield_.rate == 1.0
    for before, after in zip(dataset.examples, translated.dataset.examples, strict=True):
        assert isinstance(before, QAExample) and isinstance(after, QAExample)
        assert [answer.text for answer in after.answers] == [answer.text.swapcase() for answer in before.answers]
        assert after.context == before.context.swapcase()


@tagging
def test_markers_are_tags_to_the_service_unless_told_otherwise(vendor: Any) -> None:
    server, made = vendor
    assert translate(made(), ["a <a>cat</a> & <b> me"]).texts == ("A <a>CAT</a> & <B> ME",)
    assert translate(made(tags=False), ["a <a>cat</a> & <b> me"]).texts == ("A <A>CAT</A> & <B> ME",)
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
    root = ElementTree.fromstring(f"<root>{to_markup(text)}</root>")
    assert "".join(root.itertext()) == visible(to_markup(text))


# -- requests ---------------------------------------------------------------------------------


@everywhere
def test_each_batch_is_one_request_within_the_limits(vendor: Any) -> None:
    server, made = vendor
    tested = made()
    texts = ["", *(f"text {number} & so on 😀" for number in range(min(2 * tested.limits.texts + 5, 300))), " "]
    texts += [words(tested.limits.size // 40, f"\u00e9\u00fc😀{number}x") for number in range(4)]
    batches = tested.batches(texts)
    assert [index for batch in batches for index in batch] == list(range(len(texts)))
    together = translate(tested, texts)
    assert server.answered == len(server.received) == len(batches) == together.usage.requests
    assert len(batches) < len(texts) or tested.name == "amazon"
    server.reset()
    apart = []
    for batch in batches:
        before = server.answered
        apart += translate(tested, [texts[i] for i in batch]).texts
        assert server.answered == before + 1
    assert tuple(apart) == together.texts


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
    assert len(sent) >= 4 and all(from_markup(piece).endswith(".") for piece in sent[1:-1])


@everywhere
def test_a_sentence_too_long_for_a_request_fails_alone_with_the_reason(vendor: Any) -> None:
    _, made = vendor
    tested = made()
    answer = translate(tested, ["before", "x" * (tested.limits.size + 1), "after"])
    assert answer.texts == ("BEFORE", None, "AFTER")
    assert "is too long" in answer.failures[1] and f"{tested.limits.size:,}" in answer.failures[1]


# -- money ------------------------------------------------------------------------------------


def billed(engine: Any, texts: Sequence[str]) -> int:
    """Characters that an engine says it will be billed for."""
    return sum(usage.characters for _, usage in engine.itemised(texts, source="en"))


@everywhere
@pytest.mark.parametrize("tags", [True, False])
def test_the_meter_agrees_with_the_vendors_bill(vendor: Any, name: str, tags: bool) -> None:
    server, made = vendor
    tested = made(**({} if name == "llm" else {"tags": tags}))
    texts = [*TEXTS, *AWKWARD, *(f"{number} &" for number in range(100))]
    usage = translate(tested, texts).usage
    assert usage.characters == server.billed == billed(tested, texts) > 0
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
        assert billed(tested, [text]) == offer.counting.billed(text)
    if name == "deepl":  # the tags that we send as tags are free; what is escaped is text
        assert made().billed("a <a>cat</a>") == offer.counting.billed("a <a>cat</a>") == 5


@pytest.mark.parametrize("name", SERVERS)
def test_a_spec_is_priced_by_the_vendors_own_offer(name: str) -> None:
    from crossfare.experiment.spec_engine import EngineSpec

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

    from crossfare.experiment.spec_engine import EngineSpec

    assert EngineSpec(engine="llm", models={"en-pt": "gpt-4o-mini", "pt-en": "gpt-4o-mini"}).price == "llm:gpt-4o-mini"
    with pytest.raises(ValidationError, match="price"):
        EngineSpec(engine="llm", models={"en-pt": "one", "pt-en": "other"})


# -- one vendor's own -------------------------------------------------------------------------


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
    assert made().called(tag, "de")[0] == as_source
    assert made().called("de", tag)[1] == as_target


@pytest.mark.parametrize(
    ("name", "target"),
    [
        (name, target)
        for name in ("google:v3", "google:v2", "deepl", "azure", "amazon")
        for target in ("xx", "sr-Cyrl-x-me")
    ]
    + [("deepl", "en-AU"), ("amazon", "yue"), ("google:v3", "pt-AO"), ("amazon", "sr-Latn")],
)
def test_a_language_that_is_not_offered_is_refused_before_anything_is_sent(vendor: Any, target: str) -> None:
    server, made = vendor
    for check in (lambda: made().check_pair("en", target), lambda: made().translate(["a"], source="en", target=target)):
        with pytest.raises(ConfigError, match=f"not known to have the language '{target}'; .*option codes"):
            check()
    assert server.arrivals == []


@everywhere
def test_the_user_may_name_what_the_service_calls_a_language(vendor: Any) -> None:
    _, made = vendor
    own = made(codes={"de-x-odd": "DE-ODD"})
    assert own.called("en", "de-x-odd")[1] == "DE-ODD"
    assert own.called("en", "de") == made().called("en", "de")
    assert own.revision != made().revision == made(codes={}).revision


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
def test_a_model_that_only_chats_is_asked_twice_and_no_more(vendor: Any) -> None:
    server, made = vendor
    server.answers = "prose"
    try:
        with pytest.raises(EngineError, match=r"not the JSON asked for.*stopped, for a text that should be no trouble"):
            translate(made(), [f"text {number}" for number in range(40)])
    finally:
        server.answers = "translations"
    assert len(server.arrivals) == 2, "the request and a probe"


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
    revisions = {
        made(**each).revision for each in ({}, {"temperature": None}, {"texts_per_request": 5}, {"model": "b"})
    }
    monkeypatch.setattr(llm, "PROMPT_VERSION", llm.PROMPT_VERSION + 1)
    assert len({*revisions, made().revision}) == 5
    assert made(timeout=9.0, attempts=2).revision == made().revision


# -- what a vendor would choose silently --------------------------------------------------------


def body(server: Any) -> dict[str, Any]:
    """What the last request said."""
    said: dict[str, Any] = json.loads(server.requests[-1].body)
    return said


@pytest.mark.parametrize("name", ["deepl"])
def test_deepl_is_asked_for_quality_unless_told_otherwise(vendor: Any) -> None:
    server, made = vendor
    translate(made(), ["one"])
    assert body(server)["model_type"] == "quality_optimized"
    translate(made(model_type="latency_optimized"), ["one"])
    assert body(server)["model_type"] == "latency_optimized"
    revisions = {
        each: made(model_type=each).revision
        for each in ("quality_optimized", "prefer_quality_optimized", "latency_optimized")
    }
    assert len({*revisions.values()}) == 3
    assert made().revision == revisions["quality_optimized"]
    # Translations of before, when no goal was named, are those of the fast models: they are found again.
    assert revisions["latency_optimized"] == digest(
        {"version": 1, "engine": "DeepLEngine", "markup": "xml", "tag_handling_version": "v2"}
    )
    with pytest.raises(ConfigError, match="model_type cannot be 'best': it should be 'quality_optimized', "):
        made(model_type="best")


@pytest.mark.parametrize("name", ["google:v3", "google:v2", "azure"])
def test_what_the_service_takes_by_default_is_named(vendor: Any, name: str) -> None:
    server, made = vendor
    translate(made(), ["one"])
    said = body(server)
    if name == "azure":
        (target,) = said["inputs"][0]["targets"]
        assert (target["deploymentName"], target["profanityAction"]) == ("general", "NoAction")
        assert said["inputs"][0]["textType"].lower() == "html"
    else:
        assert said["model"].rpartition("/")[2] == "nmt"
        assert "html" in said.get("format", said.get("mimeType"))
