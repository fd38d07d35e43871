"""Local servers that speak the wire formats of translation services, as their documentation states them.

Each keeps its own bill, written from the vendor's published rule. Faults are switched on by `VendorServer.fail`.
"""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

POISON = "p0ison"
"""A request with this word in it is refused as one that cannot be read."""

BREAKS = "br3aks"
"""A request with this word in it makes the service fail (500), whenever it is sent."""

UNTRANSLATABLE = "unspe4kable"
"""A text with this word in it comes back empty."""


@dataclass(frozen=True)
class Request:
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one request.

    ``status``: refused with this code. ``silence``: an answer, unbilled, after so many seconds. ``hang-up``: the
    connection is closed. ``garbage``: an answer that is not the vendor's format. ``short``: billed, but one
    translation is missing. ``lost``: billed, but answered with ``status``, or not at all if that is 0.
    """

    kind: Literal["status", "silence", "hang-up", "garbage", "short", "lost"]
    status: int = 500
    headers: Mapping[str, str] = field(default_factory=dict)
    message: str = "it went wrong"
    seconds: float = 1.0


class VendorServer:
    """A server on a free port of 127.0.0.1. ``key`` is the only one it takes."""

    key = "s3cret-key-of-the-vendor"

    def __init__(self) -> None:
        self.billed = 0
        self.tokens = (0, 0)
        self.answered = 0
        self.arrivals: list[float] = []
        self.received: list[list[str]] = []
        self.requests: list[Request] = []
        self._faults: deque[Fault] = deque()
        self._http = _Http(("127.0.0.1", 0), _handler(self))
        threading.Thread(target=lambda: self._http.serve_forever(poll_interval=0.02), daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def reset(self) -> None:
        self.billed = self.answered = 0
        self.tokens = (0, 0)
        self.arrivals, self.received, self.requests = [], [], []
        self._faults.clear()

    def fail(self, *faults: Fault) -> None:
        """Let the next requests fail, one fault each."""
        self._faults.extend(faults)

    def respond(self, request: Request) -> Reply | None:
        self.arrivals.append(time.monotonic())
        self.requests.append(request)
        fault = self._faults.popleft() if self._faults else None
        if fault is None and BREAKS in request.body.decode():
            fault = Fault("status", 500)
        if fault is None or fault.kind == "short":
            reply = self.answer(request, short=fault is not None)
            self.answered += reply.status == 200
            return reply
        if fault.kind == "lost":
            self.answer(request, short=False)
            return self.refuse(fault.status, fault.message) if fault.status else None
        if fault.kind == "hang-up":
            return None
        if fault.kind == "silence":
            before = self.billed, self.tokens, list(self.received)
            late = self.answer(request, short=False)
            self.billed, self.tokens, self.received = before
            time.sleep(fault.seconds)
            return late
        if fault.kind == "garbage":
            return Reply(b"<html>a proxy's own page", 200, self.content_type())
        return self.refuse(fault.status, fault.message, fault.headers)

    def answer(self, request: Request, short: bool) -> Reply:
        """Check the request, bill it, translate it; with ``short``, leave the last translation out."""
        raise NotImplementedError

    def refuse(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> Reply:
        raise NotImplementedError

    def content_type(self) -> dict[str, str]:
        return {"Content-Type": "application/json"}


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # as many connect at once as an engine has in flight; of more than that some are cut


def _handler(server: VendorServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            reply = server.respond(Request(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            if reply is None:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            with contextlib.suppress(ConnectionError):  # whoever asked has given up
                self.write(reply)

        def write(self, reply: Reply) -> None:
            self.send_response(reply.status)
            for name, value in {**server.content_type(), **reply.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


def translated(text: str) -> str:
    """The "translation": every letter's case is swapped."""
    return "" if UNTRANSLATABLE in text.lower() else text.swapcase()


class _Html(HTMLParser):
    """Translate what stands between tags; blanks collapse, as they do in HTML."""

    def __init__(self, quotes: bool) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.quotes = quotes

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.parts.append(self.get_starttag_text() or "")

    def handle_endtag(self, tag: str) -> None:
        self.parts.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        made = translated(re.sub(r"\s+", " ", data))
        made = made.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        self.parts.append(made.replace("'", "&#39;").replace('"', "&quot;") if self.quotes else made)


def translated_html(text: str, *, quotes: bool) -> str:
    """Translate HTML; ``quotes``: escape them too, as Google does."""
    parser = _Html(quotes)
    parser.feed(text)
    parser.close()
    return "".join(parser.parts)
