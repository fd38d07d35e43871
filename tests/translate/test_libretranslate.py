"""LibreTranslate against a server of its documented wire format: what is sent, what is refused, what is tried again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossfare.errors import (
    ConfigError,
    CrossfareError,
    EngineCredential,
    EngineError,
    EngineQuota,
    EngineTransient,
)
from crossfare.translate import engine
from crossfare.translate.engines import engine_of_spec
from crossfare.translate.engines.hosts import host_of
from crossfare.translate.engines.traffic import Traffic
from crossfare.types import Metered
from libretranslate_server import Server, serving

pytest.importorskip("httpx")
SLOW_DOWN = '{"error": "Slowdown: 10 per 1 minute"}'


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as made:
        yield made


def asked(server: Server, texts: list[str], target: str = "de", **options: Any) -> tuple[Any, list[float]]:
    """Translate with an engine that notes how long it would sleep."""
    made: Any = engine("libretranslate", url=server.url, **options)
    slept: list[float] = []

    class Noting(Traffic):
        def pause(self, seconds: float) -> float:
            slept.append(seconds)
            return 0.0

        def refused(self, *_: object) -> None:
            """Others are not held up either."""

    made.traffic = Noting(made.concurrency)
    return made.translate(texts, source="en", target=target), slept


def test_a_request_is_what_the_documentation_says(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIBRETRANSLATE_API_KEY", "a-key")
    made, _ = asked(server, ["the cat", "", " hello\n"])
    assert made.texts == ("THE CAT", "", " HELLO\n")
    expected = {"q": ["the cat", "hello"], "source": "en", "target": "de", "format": "text", "api_key": "a-key"}
    assert server.billed[0].body == expected
    assert (made.usage.requests, made.usage.characters, made.usage.hardware) == (1, 12, "provider")


def test_html_keeps_pairs_of_tags_and_nothing_else(server: Server) -> None:
    texts = ["the <a>cat</a> sat", "a < b & c > d", "<b> alone </i>", "<a><b>x</b></a>", "&amp; stays", 'say "so"']
    made, _ = asked(server, texts, format="html")
    assert made.texts[0] == "THE <a>CAT</a> SAT"
    assert made.texts[1:] == ("A < B & C > D", "<B> ALONE </I>", "<a><b>X</b></a>", "& STAYS", 'SAY "SO"')
    assert server.billed[0].body["q"][:3] == [
        "the <a>cat</a> sat",
        "a &lt; b &amp; c &gt; d",
        "&lt;b&gt; alone &lt;/i&gt;",
    ]


@given(
    texts=st.lists(st.text(min_size=1, max_size=9)),
    most=st.integers(1, 4),
    longest=st.integers(1, 12),
)
def test_requests_are_as_full_as_the_limits_allow(texts: list[str], most: int, longest: int) -> None:
    made = engine("libretranslate", max_texts=most, max_characters=longest)
    assert isinstance(made, Metered)
    cut = made.batches(texts)
    assert [i for request in cut for i in request] == list(range(len(texts)))
    sizes = [sum(len(texts[i]) for i in request) for request in cut]
    for request, size in zip(cut, sizes, strict=True):
        assert 1 <= len(request) <= most
        assert size <= longest or len(request) == 1
    for before, after, size in zip(cut, cut[1:], sizes, strict=False):
        assert len(before) == most or size + len(texts[after.start]) > longest


def test_every_range_is_one_request(server: Server) -> None:
    made: Any = engine("libretranslate", url=server.url, max_texts=3, max_characters=20)
    texts = [f"text {i}" * (i % 4 + 1) for i in range(20)]
    cut = made.batches(texts)
    assert len(cut) > 5
    for request in cut:
        before = len(server.billed)
        made.translate([texts[i] for i in request], source="en", target="de")
        assert len(server.billed) == before + 1
        assert server.billed[-1].texts == tuple(texts[i] for i in request)


def test_retry_after_is_honoured_as_seconds_and_as_a_date(server: Server) -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=50), usegmt=True)
    server.failures.extend([(429, {"Retry-After": "7"}, SLOW_DOWN), (503, {"Retry-After": soon}, "busy")])
    made, slept = asked(server, ["the cat"])
    assert made.texts == ("THE CAT",)
    assert slept[0] == 7
    assert 40 < slept[1] <= 50
    assert len(server.billed) == 1


def test_without_retry_after_pauses_grow(server: Server) -> None:
    server.failures.extend([(500, {}, "{}")] * 3)
    made, slept = asked(server, ["the cat"], pause=0.5)
    assert made.texts == ("THE CAT",)
    assert [0.5 * 2**n <= pause <= 0.5 * 2**n + 0.5 for n, pause in enumerate(slept)] == [True] * 3


def test_a_broken_connection_is_tried_again(server: Server) -> None:
    server.failures.append(None)
    made, slept = asked(server, ["the cat"])
    assert made.texts == ("THE CAT",)
    assert len(slept) == 1


@pytest.mark.parametrize(
    ("failure", "times", "error", "said"),
    [
        ((429, {}, SLOW_DOWN), 3, EngineQuota, "said 429: Slowdown: 10 per 1 minute .3 attempts.; wait"),
        ((429, {"Retry-After": "3600"}, SLOW_DOWN), 1, EngineQuota, "Slowdown"),
        ((500, {}, '{"error": "Cannot translate text: x"}'), 5, EngineTransient, "said 500: Cannot translate"),
        ((502, {}, "<html>"), 5, EngineTransient, "said 502: Bad Gateway"),
        (None, 5, EngineTransient, "cannot be reached"),
        ((403, {}, '{"error": "Invalid API key"}'), 1, EngineCredential, "Invalid API key; check the key in LIBRETRA"),
        ((404, {}, "not found"), 1, EngineError, "said 404: Not Found; check the engine's options"),
        ((200, {}, "<html>"), 5, EngineError, "not its format"),
        ((200, {}, '{"translatedText": ["A", "B", "C"]}'), 2, EngineError, "returned 3 translations for 2"),
        ((200, {}, '{"translatedText": "A"}'), 5, EngineError, "is .* LibreTranslate"),
        ((200, {}, '{"translatedText": ["A", null]}'), 5, EngineError, "is .* LibreTranslate"),
        ((400, {}, '{"error": "exceeds text limit (1)"}'), 2, EngineError, r"text limit \(1\); stopped"),
        ((400, {}, '{"error": "xx is not supported"}'), 1, ConfigError, "xx is not supported; choose languages"),
    ],
)
def test_failures_become_errors_that_say_what_to_do(
    server: Server, failure: Any, times: int, error: type[CrossfareError], said: str
) -> None:
    """The request three times where that may help, and a probe twice where the text may be to blame."""
    server.failures.extend([failure] * 9)
    with pytest.raises(error, match=said):
        asked(server, ["the cat", "sat"], attempts=3)
    assert server.seen == times
    assert not server.billed


def test_a_timeout_is_tried_again_and_named(server: Server) -> None:
    server.busy = 0.3
    with pytest.raises(EngineTransient, match=r"within 0\.05 s; raise the engine's timeout"):
        asked(server, ["the cat"], timeout=0.05, attempts=2)
    assert server.seen == 4


def test_a_text_that_the_server_refuses_is_lost_alone() -> None:
    with serving(char_limit=10) as server:
        made, _ = asked(server, ["short", "much too long a text", "also"], max_characters=10)
    assert made.texts == ("SHORT", None, "ALSO")
    assert (made.usage.requests, made.usage.characters) == (len(server.billed), 9)
    assert made.failures == {1: "LibreTranslate said 400: Invalid request: request (20) exceeds text limit (10)"}


def test_an_empty_translation_is_none_with_a_reason(server: Server) -> None:
    server.failures.append((200, {}, '{"translatedText": [" "]}'))
    made, _ = asked(server, ["the cat"])
    assert (made.texts, made.failures) == ((None,), {0: "LibreTranslate returned nothing for it"})


@pytest.mark.parametrize(("tag", "code"), [("pt", "pt-BR"), ("de-AT", "de"), ("zh", "zh-Hans")])
def test_languages_are_called_as_the_server_calls_them(server: Server, tag: str, code: str) -> None:
    asked(server, ["the cat"], target=tag)
    assert server.billed[0].body["target"] == code


def test_an_unknown_language_is_told_the_known_ones(server: Server) -> None:
    with pytest.raises(ConfigError, match="does not translate en to fr; it has de, pt-BR, vi, zh-Hans"):
        asked(server, ["the cat"], target="fr")
    assert not server.billed


def test_the_key_is_needed_and_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(keys=frozenset({"right"})) as server:
        with pytest.raises(EngineCredential, match="get an API key; check the key in LIBRETRANSLATE_API_KEY"):
            asked(server, ["the cat"])
        monkeypatch.setenv("LIBRETRANSLATE_API_KEY", "hush-hush")
        server.failures.append((403, {}, '{"error": "hush-hush is no key"}'))
        with pytest.raises(EngineCredential) as caught:
            asked(server, ["the cat"])
        assert "hush" not in str(caught.value)
        assert "hush" not in repr(engine("libretranslate", url=server.url))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"url": "localhost:5000"}, "must start with http"),
        ({"url": "http://me:secret@host"}, "must hold no secrets in its address: set LIBRETRANSLATE_API_KEY"),
        ({"url": "http://host?api_key=secret"}, "must hold no secrets"),
        ({"format": "xml"}, "format cannot be 'xml': it should be 'text' or 'html'"),
        ({"max_texts": 0}, "max_texts cannot be 0: it should be greater than or equal to 1"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        engine("libretranslate", **options)
    assert "secret@" not in str(caught.value)


def test_the_url_can_be_set_outside_and_is_part_of_the_revision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIBRETRANSLATE_URL", "http://there:1/")
    there: Any = engine("libretranslate")
    assert there.url == "http://there:1"
    revisions = {each.revision for each in (there, engine("libretranslate", url="http://here"))}
    revisions.add(engine("libretranslate", url="http://here", format="html").revision)
    assert len(revisions) == 3
    assert engine("libretranslate", url="http://there:1", max_texts=2, timeout=3).revision == there.revision


def test_a_server_that_a_spec_names_is_sent_no_key(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIBRETRANSLATE_API_KEY", "s3cret-key")
    monkeypatch.delenv("LIBRETRANSLATE_URL", raising=False)
    made: Any = engine_of_spec("libretranslate", {"url": server.url})
    assert made.translate(["one"], source="en", target="de").texts == ("ONE",)
    assert "api_key" not in server.billed[-1].body
    server.keys = frozenset({"s3cret-key"})
    address = server.url.removeprefix("http://")
    with pytest.raises(EngineCredential, match=f"{address} is named by a spec.*--allow-host {address}"):
        made.translate(["two"], source="en", target="de")
    for variable, value in (("LIBRETRANSLATE_URL", server.url), ("CROSSFARE_ALLOWED_HOSTS", address)):
        with monkeypatch.context() as environment:
            environment.setenv(variable, value)
            own: Any = engine_of_spec("libretranslate", {} if "URL" in variable else {"url": server.url})
            assert own.translate(["three"], source="en", target="de").texts == ("THREE",)
            assert server.billed[-1].body["api_key"] == "s3cret-key"


def test_it_says_where_texts_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LIBRETRANSLATE_URL", raising=False)
    assert host_of(engine("libretranslate")) == "localhost:5000"
    assert host_of(engine("libretranslate", url="https://libretranslate.com")) == "libretranslate.com"
