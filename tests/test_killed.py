"""Killed again and again, translating pays for nothing twice but what was on its way, and ends with the same result.

The real command in processes of its own, killed with SIGKILL, against a server that notes what it billed to whom.
Two of them always work at the same file, with one translation memory.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from crossfare import data
from crossfare.types import Answer, Dataset, QAExample
from libretranslate_server import Request, Server, serving

pytest.importorskip("httpx")

KILLS = 50
BATCH = 3


def questions(path: Path, count: int) -> Path:
    """Two questions to a context: contexts and some questions repeat."""
    examples = []
    for i in range(count):
        name = f"Ana{i // 2}"
        context = f"{name} lives in house {i // 2} & her \U0001f408 does too. No one <else> does."
        examples.append(QAExample(f"q{i}", context, f"Who is it, {i // 3}?", (Answer(name, 0),)))
    data.save(Dataset("people", "qa", "test", "en", tuple(examples)), path)
    return path


class Lane:
    """Runs the command in one workspace, and kills it."""

    def __init__(self, name: str, file: Path, out: Path, cache: Path, server: Server) -> None:
        self.name = name
        self.out = out
        self.server = server
        self.sessions = 0
        self.killed: list[str] = []
        self.command = [
            *(sys.executable, "-c", "from crossfare.cli import main; main()", "translate", str(file)),
            *("--task", "qa", "--source", "en", "--target", "de", "--engine", "libretranslate", "--out", str(out)),
            *("--option", f"url={server.url}", "--option", "format=html", "--option", f"max_texts={BATCH}"),
            *("--price", "google-translate", "--yes", "--force"),
        ]
        self.environment = {**os.environ, "CROSSFARE_CACHE": str(cache)}

    def start(self) -> tuple[str, subprocess.Popen[str]]:
        """Begin a session; its name goes to the server as the API key."""
        self.sessions += 1
        session = f"{self.name}{self.sessions}"
        environment = {**self.environment, "LIBRETRANSLATE_API_KEY": session}
        return session, subprocess.Popen(
            self.command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def kill_after(self, requests: int, seconds: float) -> None:
        """Kill a session some time after the server has billed it so many requests, or while it starts."""
        session, process = self.start()
        with process:
            deadline = time.monotonic() + 60
            while requests and process.poll() is None and time.monotonic() < deadline:
                with self.server.changed:
                    if sum(request.key == session for request in self.server.billed) >= requests:
                        break
                    self.server.changed.wait(0.05)
            time.sleep(seconds)
            if process.poll() is None:
                process.kill()
                self.killed.append(session)

    def finish(self) -> None:
        """Run to the end."""
        _, process = self.start()
        said, _ = process.communicate(timeout=120)
        assert process.returncode == 0, said


def paid_twice(billed: list[Request], killed: set[str]) -> Counter[str]:
    """How often texts were billed again; fails if one was whose answer must have been kept."""
    kept: set[str] = set()
    open_request: dict[str, tuple[str, ...]] = {}
    again: Counter[str] = Counter()
    seen: set[str] = set()
    for request in billed:
        kept.update(open_request.get(request.key, ()))  # it asks on, so it has kept the answer before
        assert not kept & set(request.texts), f"{request.key} pays again for what was kept"
        again.update(seen & set(request.texts))
        seen.update(request.texts)
        open_request[request.key] = request.texts
        assert 1 <= len(request.texts) <= BATCH
        assert len(set(request.texts)) == len(request.texts)
    on_its_way = Counter(text for key, texts in open_request.items() if key in killed for text in texts)
    assert not again - on_its_way, "billed again, though no killed process had it on its way"
    return again


@pytest.mark.parametrize("seed", [11])
def test_fifty_kills_cost_a_request_each_at_the_most(tmp_path: Path, seed: int) -> None:
    file = questions(tmp_path / "people.json", 1000)
    with serving(busy=0.004) as server:
        lanes = [Lane(name, file, tmp_path / f"{name}.json", tmp_path / "cache", server) for name in "ab"]

        def torment(lane: Lane, draw: random.Random) -> None:
            while len(lane.killed) < KILLS // 2 and not lane.out.exists():
                if draw.random() < 0.2:
                    lane.kill_after(0, draw.uniform(0, 0.5))  # while it starts, or looks up
                else:
                    lane.kill_after(draw.randint(1, 4), draw.uniform(0, 0.012))  # before, while or after it commits

        workers = [
            threading.Thread(target=torment, args=(lane, random.Random(seed + n))) for n, lane in enumerate(lanes)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        killed = {session for lane in lanes for session in lane.killed}
        assert len(killed) == KILLS, "it came to its end before it was killed often enough: give it more to do"
        for lane in lanes:
            lane.finish()
        again = paid_twice(server.billed, killed)
        undisturbed = Lane("u", file, tmp_path / "u.json", tmp_path / "other", server)
        before = len(server.billed)
        undisturbed.finish()
        alone = Counter(text for request in server.billed[before:] for text in request.texts)

    assert set(alone.values()) == {1}, "undisturbed, every text is billed once"
    assert {text for request in server.billed[:before] for text in request.texts} == set(alone)
    assert 0 < sum(again.values()) <= KILLS * BATCH
    for lane in lanes:
        assert lane.out.read_bytes() == undisturbed.out.read_bytes()
    assert not list(tmp_path.glob("*.lost.json"))
