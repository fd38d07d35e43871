"""Answers that never end, or are not what their headers say: engines give them up."""

from __future__ import annotations

import resource
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from crossfare.errors import EngineTransient
from crossfare.translate import engine
from crossfare.translate.engines import apertium_server, receiving

ENGINES: dict[str, dict[str, Any]] = {
    "llm": {"model": "a-model", "backoff": 0.001, "attempts": 1, "timeout": 0.5},
    "libretranslate": {"pause": 0.001, "attempts": 1, "timeout": 0.5},
    "apertium": {"timeout_s": 0.5},
    "deepl": {"backoff": 0.001, "attempts": 1, "timeout": 0.5},
    "azure": {"backoff": 0.001, "attempts": 1, "timeout": 0.5},
    "google": {"api": "v2", "backoff": 0.001, "attempts": 1, "timeout": 0.5},
}
ADDRESS = {"llm": "base_url", "deepl": "endpoint", "azure": "endpoint", "google": "endpoint"}
PACKAGES = {"deepl": "deepl", "azure": "azure.ai.translation.text", "google": "google.cloud.translate_v2"}


def drip(handler: BaseHTTPRequestHandler) -> None:
    """A byte now and then."""
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    for _ in range(1000):
        handler.wfile.write(b" ")
        time.sleep(0.1)


def packed(handler: BaseHTTPRequestHandler) -> None:
    """A quarter of a gigabyte of blanks, as gzip."""
    packing = zlib.compressobj(9, wbits=31)
    body = b"".join(packing.compress(b" " * (1 << 20)) for _ in range(1 << 8)) + packing.flush()
    handler.send_header("Content-Encoding", "gzip")
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def unpackable(handler: BaseHTTPRequestHandler) -> None:
    """What says it is gzip, and is not."""
    handler.send_header("Content-Encoding", "gzip")
    handler.send_header("Content-Length", "7")
    handler.end_headers()
    handler.wfile.write(b"no gzip")


def cut(handler: BaseHTTPRequestHandler) -> None:
    """Less than was promised."""
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b"{")
    handler.close_connection = True


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a server that answers everything but the list of languages in one way."""
    answer: Callable[[BaseHTTPRequestHandler], None] = request.param
    listed = {
        "/languages": b'[{"code": "en", "targets": ["de"]}, {"code": "de", "targets": ["en"]}]',
        "/listPairs": b'{"responseData": [{"sourceLanguage": "eng", "targetLanguage": "deu"}]}',
    }

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(listed[self.path])

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            try:
                answer(self)
            except OSError:  # whoever asked has given up
                self.close_connection = True

        def log_message(self, *_: object) -> None: ...

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    threading.Thread(target=lambda: http.serve_forever(poll_interval=0.02), daemon=True).start()
    yield f"http://127.0.0.1:{http.server_address[1]}"
    http.shutdown()
    http.server_close()


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("server", [drip, packed, unpackable, cut], indirect=True)
def test_an_answer_without_end_or_form_is_given_up(name: str, server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip(PACKAGES.get(name, "httpx"))
    for key in ("DEEPL_AUTH_KEY", "AZURE_TEXT_TRANSLATION_APIKEY", "GOOGLE_API_KEY"):
        monkeypatch.setenv(key, "a-key")
    monkeypatch.setattr(apertium_server.time, "sleep", lambda _: None)
    monkeypatch.setattr(receiving, "LONGEST", 1 << 22)
    made = engine(name, **{ADDRESS.get(name, "url"): server}, **ENGINES[name])
    _ = getattr(made, "client", None)  # packages are imported before it is timed
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.monotonic()
    with pytest.raises(EngineTransient):
        made.translate(["one two"], source="en", target="de")
    assert time.monotonic() - began < 20, "a hundred seconds, or a quarter of a gigabyte, are not waited for"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 150_000, "kilobytes"
