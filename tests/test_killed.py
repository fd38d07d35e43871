"""Killed again and again, translating pays for nothing twice but what was on its way, and ends with the same result.

The real command in processes of its own, killed with SIGKILL, against a server that notes what it billed to whom.
Two of them always work at the same file, with one translation memory.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from crossfare import data
from crossfare.types import Answer, Dataset, QAExample
from libretranslate_server import Request, Server, serving

pytest.importorskip("httpx")

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

    def __init__(self, name: str, file: Path, out: Path, cache: Path, server: Server, in_flight: int) -> None:
        self.name = name
        self.out = out
        self.server = server
        self.sessions = 0
        self.killed: list[str] = []
        self.command = [
            *(sys.executable, "-c", "from crossfare.cli import main; main()", "translate", str(file)),
            *("--task", "qa", "--source", "en", "--target", "de", "--engine", "libretranslate", "--out", str(out)),
            *("--option", f"url={server.url}", "--option", "format=html", "--option", f"max_texts={BATCH}"),
            *("--option", f"concurrency={in_flight}", "--price", "google-translate", "--yes", "--force"),
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

    def finish(self) -> str:
        """Run to the end; what it says."""
        _, process = self.start()
        said, _ = process.communicate(timeout=120)
        assert process.returncode == 0, said
        return said


def paid_twice(billed: list[Request], killed: set[str], in_flight: int) -> int:
    """How many texts were billed again; fails if one was whose answer must have been kept."""
    first: dict[str, int] = {}
    again: dict[str, set[int]] = defaultdict(set)
    texts = 0
    for number, request in enumerate(billed):
        for text in request.texts:
            if text in first:
                texts += 1
                again[billed[first[text]].key].add(first[text])
            first[text] = number
        assert 1 <= len(request.texts) <= BATCH
        assert len(set(request.texts)) == len(request.texts)
    assert not again.keys() - killed, "billed again, though no killed process had it on its way"
    for session, numbers in again.items():
        assert len(numbers) <= in_flight, f"{session} had no more than {in_flight} on their way"
        own = [number for number, request in enumerate(billed) if request.key == session]
        assert in_flight > 1 or numbers == {own[-1]}, f"{session} had kept what it had before"
    return texts


@pytest.mark.parametrize(("in_flight", "kills", "seed"), [(1, 20, 11), (4, 30, 12)])
def test_fifty_kills_cost_what_was_on_its_way_at_the_most(
    tmp_path: Path, in_flight: int, kills: int, seed: int
) -> None:
    file = questions(tmp_path / "people.json", 40 * kills * in_flight)
    with serving(busy=0.004) as server:
        lanes = [Lane(name, file, tmp_path / f"{name}.json", tmp_path / "cache", server, in_flight) for name in "ab"]

        def torment(lane: Lane, draw: random.Random) -> None:
            while len(lane.killed) < kills // 2 and not lane.out.exists():
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
        assert len(killed) == kills, "it came to its end before it was killed often enough: give it more to do"
        for lane in lanes:
            lane.finish()
        again = paid_twice(server.billed, killed, in_flight)
        undisturbed = Lane("u", file, tmp_path / "u.json", tmp_path / "other", server, in_flight)
        before = len(server.billed)
        undisturbed.finish()
        alone = Counter(text for request in server.billed[before:] for text in request.texts)

    assert set(alone.values()) == {1}, "undisturbed, every text is billed once"
    assert {text for request in server.billed[:before] for text in request.texts} == set(alone)
    assert 0 < again <= kills * in_flight * BATCH
    for lane in lanes:
        assert lane.out.read_bytes() == undisturbed.out.read_bytes()
    assert not list(tmp_path.glob("*.lost.json"))


def test_what_was_on_its_way_when_a_process_was_killed_is_said(tmp_path: Path) -> None:
    file = questions(tmp_path / "people.json", 30)
    answering = threading.Event()
    with serving(ready=lambda: answering.is_set() or len(server.billed) < 2) as server:
        lane = Lane("a", file, tmp_path / "a.json", tmp_path / "cache", server, 4)
        lane.kill_after(5, 0)  # one is answered, four are not
        answering.set()
        said = lane.finish()
        on_their_way = sum(len(request.texts) for request in server.billed[1:5])
        undisturbed = lane.finish()
    assert lane.killed == ["a1"]
    doubt = f"in doubt: 4 requests had no answer when their process was killed; {on_their_way} texts of them"
    assert doubt in " ".join(said.split()), said
    assert "in doubt" not in undisturbed


def test_what_was_on_its_way_when_somebody_stops_it_is_waited_for_and_kept(tmp_path: Path) -> None:
    file = questions(tmp_path / "people.json", 30)
    answering = threading.Event()
    with serving(ready=lambda: answering.is_set() or len(server.billed) < 2) as server:
        lane = Lane("a", file, tmp_path / "a.json", tmp_path / "cache", server, 4)
        _, process = lane.start()
        with server.changed:
            assert server.changed.wait_for(lambda: len(server.billed) == 5, timeout=60)
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
        with server.changed:
            answering.set()
            server.changed.notify_all()
        said, _ = process.communicate(timeout=60)
        assert process.returncode not in (0, -signal.SIGKILL)
        assert "texts are done, and kept in" in said and "spent now: 5 requests" in said, said
        assert len(server.billed) == 5, "nothing more was sent"
        assert "in doubt" not in lane.finish()
        assert set(server.texts.values()) == {1}
