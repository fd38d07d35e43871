"""A LibreTranslate server on 127.0.0.1: its wire format and limits, as its API documentation and source state them.

It "translates" by swapping the case of letters, bills every text that it answers, and can be told to fail.
"""

from __future__ import annotations

import html
import json
import re
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

LANGUAGES = ("en", "pt-BR", "de", "vi", "zh-Hans")
LISTED = [{"code": code, "name": code, "targets": [x for x in LANGUAGES if x != code]} for code in LANGUAGES]


@dataclass(frozen=True)
class Request:
    """One billed request: who sent it (by the API key), and its texts."""

    key: str
    texts: tuple[str, ...]
    body: dict[str, Any]


@dataclass
class Server:
    """What the server was asked, and how it is to behave.

    ``failures`` are answered instead of the next requests: (status, headers, body), or None for no answer at all.
    ``busy`` is how many seconds it takes to answer once it has billed; with ``ready``, it does not answer before
    that is true.
    """

    url: str = ""
    keys: frozenset[str] = frozenset()
    char_limit: int = -1
    batch_limit: int = -1
    busy: float = 0.0
    ready: Callable[[], bool] = lambda: True
    failures: deque[tuple[int, dict[str, str], str] | None] = field(default_factory=deque)
    billed: list[Request] = field(default_factory=list)
    seen: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def texts(self) -> Counter[str]:
        """How often every text was billed."""
        return Counter(text for request in self.billed for text in request.texts)

    def bill(self, request: Request) -> None:
        with self.changed:
            self.billed.append(request)
            self.changed.notify_all()

    def refusal(self, body: dict[str, Any]) -> tuple[int, str] | None:
        """What is wrong with a request to /translate."""
        q = body.get("q")
        for name in ("q", "source", "target"):
            if not body.get(name):
                return 400, f"Invalid request: missing {name} parameter"
        if self.keys and body.get("api_key") not in self.keys:
            return 403, "Invalid API key" if body.get(
                "api_key"
            ) else "Please contact the server operator to get an API key"
        size, characters = (len(q), sum(map(len, q))) if isinstance(q, list) else (1, len(q))
        if self.batch_limit != -1 and size > self.batch_limit:
            return 400, f"Invalid request: request ({size}) exceeds text limit ({self.batch_limit})"
        if self.char_limit != -1 and characters > self.char_limit:
            return 400, f"Invalid request: request ({characters}) exceeds text limit ({self.char_limit})"
        for name in ("source", "target"):
            if body[name] not in LANGUAGES:
                return 400, f"{body[name]} is not supported"
        if body.get("format", "text") not in ("text", "html"):
            return 400, f"{body['format']} format is not supported"
        return None


def translated(text: str, form: str = "text") -> str:
    """The server's idea of a translation; tags of HTML stay, and what it sends is unescaped."""
    if form == "text":
        return html.unescape(text.swapcase())
    parts = re.split(r"(<[^<>]*>)", text)
    return html.unescape(
        "".join(part if number % 2 else html.unescape(part).swapcase() for number, part in enumerate(parts))
    )


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Http

    def do_GET(self) -> None:
        if self.path == "/languages":
            self.answer(200, LISTED)
        else:
            self.answer(404, {"error": "Not Found"})

    def do_POST(self) -> None:
        server = self.server.state
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server.seen += 1
        if server.failures:
            failure = server.failures.popleft()
            if failure is None:
                self.close_connection = True
            else:
                self.send(failure[0], failure[2].encode(), failure[1])
        elif refused := server.refusal(body):
            self.answer(refused[0], {"error": refused[1]})
        else:
            self.translate(server, body)

    def translate(self, server: Server, body: dict[str, Any]) -> None:
        texts = tuple(body["q"]) if isinstance(body["q"], list) else (body["q"],)
        server.bill(Request(body.get("api_key", ""), texts, body))
        with server.changed:
            server.changed.wait_for(server.ready, timeout=60)
        time.sleep(server.busy)
        made = [translated(text, body.get("format", "text")) for text in texts]
        self.answer(200, {"translatedText": made if isinstance(body["q"], list) else made[0]})

    def answer(self, status: int, content: object) -> None:
        self.send(status, json.dumps(content, ensure_ascii=False).encode(), {})

    def send(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        try:
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
        except ConnectionError:  # the client was killed
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        pass


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    state: Server

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # a client that was killed while it sent


@contextmanager
def serving(**settings: Any) -> Iterator[Server]:
    """Run a server until the block ends."""
    with _Http(("127.0.0.1", 0), _Handler) as http:
        http.state = Server(url=f"http://127.0.0.1:{http.server_address[1]}", **settings)
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield http.state
        finally:
            http.shutdown()
            thread.join()
