"""Apertium: its stream format, routes, tags that follow their words, and servers that misbehave."""

from __future__ import annotations

import json
import shutil
import threading
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossfare.errors import ConfigError, EngineError, EngineTransient, EngineUnavailable
from crossfare.translate import engine
from crossfare.translate.engines import apertium, apertium_server
from crossfare.translate.engines.apertium_stream import decode, encode, escape, plain, tidy
from crossfare.translate.engines.hosts import host_of

here = pytest.mark.skipif(shutil.which("apertium") is None, reason=f"Apertium is not installed: {apertium.INSTALL}")

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60) | st.text("ab <>[]{}^$\\/@~*\n\0.:", max_size=40)


@given(texts)
def test_what_is_encoded_comes_back(text: str) -> None:
    encoded = encode(text)
    same = unicodedata.normalize("NFC", decode(encoded, encoded.lines))
    assert same == unicodedata.normalize("NFC", text)
    assert all("\0" not in line and "\n" not in line for line in encoded.lines)


@given(texts)
def test_a_line_of_the_stream_is_read_as_written(text: str) -> None:
    assert plain(escape(text)) == text


words = st.lists(st.sampled_from(["red", "big", "[1]", "a~b", "x < y", "é", "^$"]), min_size=1, max_size=4).map(
    " ".join
)


@given(st.lists(st.tuples(words, st.sampled_from(["", "a", "b", "a2"])), min_size=1, max_size=6))
def test_tags_come_back_where_they_were(pieces: list[tuple[str, str]]) -> None:
    text = " ".join(f"<{tag}>{words}</{tag}>" if tag else words for words, tag in pieces)
    encoded = encode(text)
    assert decode(encoded, encoded.lines) == text


def test_nested_and_lone_tags_and_lines() -> None:
    text = "<p><b>one <i>two</i></b>\nthree<br/> four &amp; <five> <img src='x'> </b>six</p> <six>"
    encoded = encode(text)
    assert len(encoded.lines) == 2
    assert decode(encoded, encoded.lines) == text


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        ("La casa [[t:x:0]]blanca[[/]]", "La casa <a>blanca</a>"),
        ("[[t:x:0]]Casa[[/]] de [[t:x:0]]Blanca[[/]]", "<a>Casa de Blanca</a>"),
        ("[[t:x:0]]Casa[[/]] que no es mucho más que una [[t:x:0]]blanca[[/]]", None),
        ("La casa", "La casa"),
        ("[[t:x:0; t:x:0]]ao[[/]] velho", "<a>ao</a> velho"),
        ("[[t:x:0]]a \\<[[/]] b", "<a>a <</a> b"),
    ],
)
def test_tags_cover_what_became_of_their_words(stream: str, expected: str | None) -> None:
    encoded = encode("The <a>white</a> house")
    made = decode(encoded, [stream])
    assert made == (expected or "Casa que no es mucho más que una <a>blanca</a>")


@given(texts)
def test_tidying_leaves_what_was_so_before(text: str) -> None:
    line = escape(" ".join(text.split()))
    assert tidy(line, line) == line.strip()


def test_tidying_removes_what_lost_words_leave() -> None:
    assert tidy(" dijo  eso .", "he said that .") == "dijo eso ."
    assert tidy(" dijo  eso .", "he said that.") == "dijo eso."


@here
def test_portuguese_is_reached_over_spanish_and_the_revision_says_so() -> None:
    made: Any = engine("apertium")
    assert made.route("en", "pt") == ("eng-spa", "es-pt_BR")
    assert made.route("pt-BR", "en") == ("pt-es", "spa-eng")
    assert made.route("es", "pt-PT") == ("es-pt",)
    assert "-via-es-" in made.revision
    english: Any = engine("apertium", pivot="en")
    assert english.revision != made.revision
    with pytest.raises(EngineUnavailable, match="apt-get install apertium apertium-eng-spa apertium-es-pt"):
        english.route("en", "pt")
    with pytest.raises(EngineUnavailable, match="apt-cache search"):
        made.translate(["x"], source="en", target="vi")


@here
def test_it_translates_and_counts_the_processes() -> None:
    made = engine("apertium").translate(["The white house.", "I see zzqx."], source="en", target="es")
    assert made.texts == ("La casa blanca.", "Veo zzqx.")
    pivoted = engine("apertium").translate(["The white house."], source="en", target="pt")
    assert pivoted.texts == ("A casa branca.",)
    assert (made.usage.requests, pivoted.usage.requests) == (1, 2)
    assert made.usage.hardware == "cpu"


@here
def test_tags_follow_their_words_through_two_translations() -> None:
    made: Any = engine("apertium")
    assert made.tag_handling == "html"
    assert made.revision != engine("apertium", tags=False).revision
    given = ["The <a>white</a> house < & the <b>red</b> book."]
    assert made.translate(given, source="en", target="es").texts == ("La casa <a>blanca</a> < & el libro <b>rojo</b>.",)
    assert made.translate(given, source="en", target="pt").texts == (
        "A casa <a>branca</a> < & o livro <b>vermelho</b>.",
    )


@here
def test_lines_are_translated_alone_where_the_counts_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    command = apertium.Command(60)
    asked: list[int] = []

    def broken(mode: str, lines: Sequence[str]) -> tuple[list[str], float]:
        asked.append(len(lines))
        return [line.upper() for line in lines if line != "lost"][: None if len(lines) == 1 else 1], 0.5

    monkeypatch.setattr(command, "_run", broken)
    assert command.run("eng-spa", ["a", "lost", "b"]) == (["A", None, "B"], 2.0)
    assert asked == [3, 1, 1, 1]


@here
def test_a_call_that_takes_too_long_says_so() -> None:
    with pytest.raises(EngineTransient, match="raise timeout_s"):
        engine("apertium", timeout_s=1e-3).translate(["the house"], source="en", target="es")


def test_without_apertium_the_line_to_run_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(EngineUnavailable, match="apt-get install apertium apertium-eng-spa apertium-es-pt"):
        engine("apertium")


@contextmanager
def server(answers: Callable[[str, dict[str, list[str]]], tuple[int, dict[str, str], bytes]]) -> Iterator[str]:
    """A server that speaks APy's wire format, and answers as it is told."""

    class Handler(BaseHTTPRequestHandler):
        def respond(self, values: dict[str, list[str]]) -> None:
            status, headers, body = answers(self.path, values)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            self.respond({})

        def do_POST(self) -> None:
            self.respond(parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode()))

        def log_message(self, format: str, *args: object) -> None:
            pass

    running = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=running.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{running.server_port}"
    finally:
        running.shutdown()
        thread.join()
        running.server_close()


PAIRS = json.dumps({"responseData": [{"sourceLanguage": "eng", "targetLanguage": "spa"}]}).encode()


def answered(text: str) -> tuple[int, dict[str, str], bytes]:
    return 200, {}, json.dumps({"responseData": {"translatedText": text}}).encode()


@pytest.mark.parametrize(
    "trouble",
    [
        (429, {"Retry-After": "7"}, b""),
        (500, {}, b""),
        (503, {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, b""),
        (200, {}, b"<html>"),
    ],
)
def test_a_passing_failure_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, trouble: tuple[int, dict[str, str], bytes]
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(apertium_server.time, "sleep", waits.append)
    left = [trouble, trouble]

    def answers(path: str, values: dict[str, list[str]]) -> tuple[int, dict[str, str], bytes]:
        if path == "/listPairs":
            return 200, {}, PAIRS
        assert values["langpair"] == ["eng|spa"]
        return left.pop() if left else answered(values["q"][0].upper())

    with server(answers) as url:
        made = engine("apertium", url=url).translate(["one [x]", "two"], source="en", target="es")
    assert made.texts == ("ONE [X]", "TWO")
    assert waits == ([7.0, 7.0] if trouble[0] == 429 else [0.5, 1.0])


def test_a_line_that_keeps_failing_is_none_and_the_others_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apertium_server.time, "sleep", lambda seconds: None)

    def answers(path: str, values: dict[str, list[str]]) -> tuple[int, dict[str, str], bytes]:
        if path == "/listPairs":
            return 200, {}, PAIRS
        return (500, {}, b"") if values["q"] == ["bad"] else answered("bien")

    with server(answers) as url:
        made: Any = engine("apertium", url=url)
        assert made.tag_handling is None
        done = made.translate(["good", "bad", "x " * 20_000], source="en", target="es")
        assert done.texts == ("bien", None, None)
        assert set(done.failures) == {1, 2}
        with pytest.raises(EngineTransient, match="try again later"):
            made.translate(["bad"], source="en", target="es")


def test_a_server_that_refuses_a_line_loses_it_alone_and_one_that_refuses_all_is_left() -> None:
    asked: list[str] = []

    def answers(path: str, values: dict[str, list[str]]) -> tuple[int, dict[str, str], bytes]:
        if path.endswith("listPairs"):
            return 200, {}, PAIRS
        asked.extend(values["q"])
        return (400, {}, b"") if values["q"][0].startswith("bad") else answered("bien")

    with server(answers) as url:
        made: Any = engine("apertium", url=url)
        done = made.translate(["bad", "good", "bad too"], source="en", target="es")
        assert done.texts == (None, "bien", None)
        asked.clear()
        with pytest.raises(EngineError, match="refused a request: 400"):
            made.translate([f"bad {number}" for number in range(50)], source="en", target="es")
        assert len(asked) == 3


def test_what_is_wrong_with_a_server_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="must start with http"):
        engine("apertium", url="ftp://x")
    with pytest.raises(EngineUnavailable, match="apt-get install apertium-apy"):
        assert engine("apertium", url="http://127.0.0.1:1").revision
    with pytest.raises(ConfigError, match="must hold no secrets"):
        engine("apertium", url="http://me:s3cret@127.0.0.1:2737")
    with server(lambda path, values: (404, {}, b"")) as url, pytest.raises(EngineError, match="404"):
        assert engine("apertium", url=url).revision
    with server(lambda path, values: (200, {}, b"[]")) as url, pytest.raises(EngineUnavailable, match="not an APy"):
        assert engine("apertium", url=url).revision


def test_a_server_that_leads_elsewhere_is_not_followed() -> None:
    asked: list[str] = []

    def elsewhere(path: str, values: dict[str, list[str]]) -> tuple[int, dict[str, str], bytes]:
        asked.append(path)
        return 200, {}, PAIRS

    with (
        server(elsewhere) as other,
        server(lambda path, values: (302, {"Location": other}, b"")) as url,
        pytest.raises(EngineError, match="302"),
    ):
        assert engine("apertium", url=url).revision
    assert asked == []


def test_it_says_where_texts_go() -> None:
    with server(lambda path, values: (200, {}, PAIRS)) as url:
        assert host_of(engine("apertium", url=f"{url}/")) == url.removeprefix("http://")
