"""`crossfare serve`, whole: a real server on the loopback, and its end."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from served import asked

from crossfare import cli
from crossfare.errors import ConfigError
from crossfare.serving import open_pipeline, serve
from crossfare.serving.server import _bind

CELL = {"task": "qa", "method": "translate-train", "engine": "echo"}
OPTIONS = ["--task", "qa", "--method", "translate-train", "--engine", "echo"]


@contextmanager
def server(folder: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command in a process of its own, and the address it tells."""
    program = "from crossfare.cli import main; main()"
    started = subprocess.Popen(
        [sys.executable, "-c", program, "serve", str(folder), "--port", "0", *OPTIONS, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "COLUMNS": "200"},
    )
    assert started.stdout is not None
    try:
        line = started.stdout.readline()
        assert line.startswith("serving qa pt by translate-train (echo) of served, seed 0 on http://127.0.0.1:"), line
        yield started, line.split()[-1]
    finally:
        started.kill()
        started.wait()
        started.stdout.close()


def test_a_server_answers_as_its_pipeline_and_ends_in_good_order(folder: Path) -> None:
    with open_pipeline(folder, **CELL) as pipeline:  # type: ignore[arg-type]
        requests = asked(pipeline.parts)
        expected = [answer.model_dump() for answer in pipeline.answer(requests)]
        revision = pipeline.revision
    with server(folder) as (process, address), httpx.Client(base_url=address, timeout=60) as http:
        assert http.get("/health").json()["status"] == "ok"
        told = http.get("/info").json()
        assert (told["task"], told["method"], told["pipeline"]) == ("qa", "translate-train", revision)
        found = http.post("/predict", json=[request.model_dump() for request in requests]).json()
        for one, other in zip(found, expected, strict=True):
            assert one.pop("score") == pytest.approx(other.pop("score"), abs=1e-4)
            assert one == other
        assert http.post("/predict", json={"context": "a"}).status_code == 422
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
        assert process.stdout is not None
        assert process.stdout.read() == ""  # nothing was logged of what was asked


def test_a_call_in_progress_is_answered_when_the_server_is_told_to_end(folder: Path) -> None:
    many: list[dict[str, Any]] = [{"id": n, "context": "a b c d " * 400, "question": "who?"} for n in range(200)]
    with server(folder, "--batch-size", "4") as (process, address):
        host, _, port = address.removeprefix("http://").partition(":")
        with httpx.Client(base_url=address, timeout=120) as http:
            request = http.build_request("POST", "/predict", json=many)
            head = f"POST /predict HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nConnection: close\r\n"
            content = request.read()
            with socket.create_connection((host, int(port)), timeout=120) as call:
                call.sendall(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content)
                while http.get("/health").json()["waiting"] == 0:
                    pass
                process.send_signal(signal.SIGTERM)
                answer = b"".join(iter(lambda: call.recv(1 << 16), b""))
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert answer.count(b'"note"') == 200
        assert process.wait(60) == -signal.SIGTERM


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_answers_are_sent_at_once(host: str) -> None:
    """asyncio turns Nagle's algorithm off only where the socket names TCP; else an answer may wait 40 ms."""
    try:
        bound = _bind(host, 0)
    except ConfigError:
        pytest.skip(f"this machine has no {host}")
    with bound, socket.create_connection(bound.getsockname()[:2]), bound.accept()[0] as accepted:
        assert accepted.proto == socket.IPPROTO_TCP


def test_an_address_in_use_is_one_line(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr(sys, "argv", ["crossfare", "serve", str(folder), "--port", str(port), *OPTIONS])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
    assert stopped.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith(f"crossfare: cannot listen on 127.0.0.1:{port} (Address already in use")
    assert len(error.splitlines()) == 1


def test_without_the_extra_the_fix_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with (
        open_pipeline(folder, **CELL) as pipeline,  # type: ignore[arg-type]
        pytest.raises(ConfigError, match=r"pip install 'crossfare\[serve\]'"),
    ):
        serve(pipeline, port=0)
