"""Clients that hold a server up, by raw sockets against a real server on the loopback; and what it writes down."""

from __future__ import annotations

import json
import logging
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from crossfare.serving.logs import MOST, OneLine

PROGRAM = """
from crossfare.serving.http import application
from crossfare.serving.batcher import Limits
from crossfare.tasks.labelling import LabelAnswer
from crossfare.serving.server import _address, _bind, listen

class Pipeline:
    task = "nli"
    def check(self, request):
        if request.premise == "break":
            raise RuntimeError(f"what was asked: {request.hypothesis}")
    def answer(self, requests):
        return [LabelAnswer(id=request.id, label="neutral", note="x" * int(request.hypothesis)) for request in requests]

limits = Limits(receive_seconds=0.6, seconds=0.8, connections=8, body_bytes=10_000)
with _bind("127.0.0.1", 0) as bound:
    print(_address(bound), flush=True)
    listen(application(Pipeline(), dict, limits), bound, limits)
"""


class Server:
    """A server in a process of its own."""

    def __init__(self, log: Path) -> None:
        self.log = log
        with log.open("w") as errors:
            command = [sys.executable, "-c", PROGRAM]
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline().rpartition(":")[2])
        self.seen = 0

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def ask(self, content: bytes) -> bytes:
        with self.connect() as client:
            client.sendall(content)
            return received(client)

    def lines(self, count: int) -> list[str]:
        """The lines that were logged since the last call, once there are so many."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and len(self.log.read_text().splitlines()) < self.seen + count:
            time.sleep(0.02)
        time.sleep(0.1)  # one too many would be there by now
        said = self.log.read_text().splitlines()[self.seen :]
        self.seen += len(said)
        return said


def received(client: socket.socket) -> bytes:
    """All that a server sends until it closes the connection, however it does."""
    content = b""
    with suppress(ConnectionError):
        while part := client.recv(1 << 16):
            content += part
    return content


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(tmp_path_factory.mktemp("server") / "log")
    with made.process:
        made.ask(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        yield made
        made.process.kill()


def post(body: bytes, *, length: int | None = None, path: bytes = b"/predict") -> bytes:
    head = b"POST %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n" % path
    return head + b"Content-Length: %d\r\n\r\n" % (len(body) if length is None else length) + body


def pair(hypothesis: str, premise: str = "p") -> bytes:
    return json.dumps({"premise": premise, "hypothesis": hypothesis}).encode()


@pytest.mark.parametrize(
    ("beginning", "drop"),
    [
        (b"", b""),
        (b"", b"G"),
        (b"GET /health HTTP/1.1\r\n", b"X-A: b\r\n"),
        (post(b"", length=5000), b" "),
        (b"GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n", b" "),
        (b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n", b"G"),
    ],
    ids=["silence", "method", "head", "body", "body of another", "after an answer"],
)
def test_a_request_that_trickles_in_is_cut_off(server: Server, beginning: bytes, drop: bytes) -> None:
    began = time.monotonic()
    with server.connect() as client:
        client.sendall(beginning)
        client.settimeout(0.05)
        while time.monotonic() - began < 20:
            try:
                if drop:
                    client.sendall(drop)
                if not client.recv(1 << 16):
                    break
            except TimeoutError:
                continue
            except ConnectionError:
                break
        assert 0.3 < time.monotonic() - began < 10
    assert all("cut off 127.0.0.1:" in line for line in server.lines(0))


def test_a_body_that_is_late_is_told_so(server: Server) -> None:
    with server.connect() as client:
        client.sendall(post(b" ", length=50))
        assert received(client).startswith(b"HTTP/1.1 408 ")
    server.lines(0)


def test_an_answer_that_is_not_taken_is_cut_off(server: Server) -> None:
    with server.connect() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.sendall(post(pair(str(50_000_000))))
        (line,) = server.lines(1)
        assert "the answer was not taken within 0.6 s" in line


def test_connections_are_limited_and_free_again(server: Server) -> None:
    held = [server.connect() for _ in range(8)]
    time.sleep(0.1)
    with server.connect() as client:
        answer = received(client)
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b'{"error": "too many connections; try again later"}' in answer
    for client in held:
        client.close()
    (line,) = server.lines(1)
    assert "refused 127.0.0.1:" in line
    assert b'"neutral"' in server.ask(post(pair("1")))
    assert server.lines(0) == []


@pytest.mark.parametrize("content", [post(b"x" * 20_000), post(b"", length=1 << 40) + b"x" * 20_000])
def test_a_body_that_is_too_long_is_refused(server: Server, content: bytes) -> None:
    assert server.ask(content).startswith(b"HTTP/1.1 413 ")
    server.lines(0)


@pytest.mark.parametrize(
    ("content", "status", "logged"),
    [
        (b"\x1b[31mGET / HTTP/1.1\r\n\r\n", 400, 1),
        (b"GET /" + b"%0a%1b" * 5000 + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 404, 0),
        (b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", 200, 1),
        (post(b"[" * 9_000), 400, 0),
        (post(b'{"premise": 1' + b"0" * 9_000 + b"}"), 400, 0),
        (post(b'{"' + b"x" * 9_000 + b'": 1}'), 422, 0),
        (post(pair("a secret\n\x1b[31m" * 20, "break")), 500, 1),
    ],
    ids=["no request", "path", "upgrade", "deep", "number", "key", "failure"],
)
def test_an_event_is_one_line_that_repeats_nothing(server: Server, content: bytes, status: int, logged: int) -> None:
    answer = server.ask(content)
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert len(answer) < 1000
    lines = [line for line in server.lines(logged) if "cut off" not in line]
    assert len(lines) == logged
    for line in lines:
        assert len(line) <= MOST
        assert line.isprintable()
        assert "secret" not in line
    if status == 500:
        assert "ERROR: Exception in ASGI application: RuntimeError in check:" in lines[0]


def test_a_head_without_end_is_one_line(server: Server) -> None:
    with server.connect() as client:
        with suppress(ConnectionError):
            client.sendall(b"GET /" + b"x" * (1 << 20))
        received(client)
    (line,) = server.lines(1)
    assert line.endswith("WARNING: Invalid HTTP request received.")


def test_clients_that_leave_in_the_middle_leave_no_traceback(server: Server) -> None:
    for content in (b"GET /hea", post(b" ", length=500), post(pair("1")), post(pair(str(5_000_000)))):
        with server.connect() as client:
            client.sendall(content)
    assert b'"neutral"' in server.ask(post(pair("1")))
    assert server.lines(0) == []


def test_a_server_with_slow_clients_ends_when_it_is_told(tmp_path: Path) -> None:
    server = Server(tmp_path / "log")
    with server.process as process, server.connect() as silent, server.connect() as slow:
        slow.sendall(post(b" ", length=500))
        time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == -signal.SIGTERM
        assert received(silent) == b""


def test_a_line_is_one_bounded_line_of_printable_characters() -> None:
    record = logging.LogRecord("x", logging.WARNING, "x", 1, "%s", ("a\r\n\x1b[31m\u202e" * 500,), None)
    line = OneLine().format(record)
    assert len(line) == MOST
    assert line.isascii()
    assert line.isprintable()
    assert r"WARNING: a\r\n\x1b[31m\u202ea" in line
