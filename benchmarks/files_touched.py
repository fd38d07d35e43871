"""How many files of crossfare have a hand in one thing: a measure of how far apart what belongs together lies.

    python benchmarks/files_touched.py [--list]

    (a) a QA example, on its way through a tiny run (zero-shot, and translate-infer by an engine) to rows of tables
    (b) paid usage, on its way from the records of its steps, through the ledger and results of the same run when every
        step of it is done, to a recommendation at prices that are stated
    (c) a raw text, on its way through `crossfare serve`, from the connection to the answer: one request for each way
        of answering, after another one has loaded what is loaded late

Counts the files of which a function was called (by `sys.setprofile`, in all threads and in the processes that do the
work); what runs while a module is imported is left out. ``--list`` names the files. Half a minute of two cores.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path
from types import FrameType
from typing import Any

import crossfare

HOME = str(Path(crossfare.__file__).parent) + os.sep
LOG = "FILES_TOUCHED_LOG"

SPEC = """
name: tiny
targets: [pt]
tasks:
  qa:
    train: {ref: "world:qa", limit: 12}
    test: {ref: "world:qa", limit: 8}
    training: {max_steps: 2, batch_size: 4, max_length: 64, learning_rate: 1.0e-3}
    prediction: {max_length: 128}
methods: [zero-shot]
extra_cells: [{method: translate-infer, model: target-encoder}]
models: {target-encoder: "embedded:multilingual-encoder"}
engines:
  open:
    engine: ctranslate2
    models: {"en-*": "embedded:marian-en-xx-marked", "*-en": "embedded:marian-xx-en-marked"}
  paid: {engine: echo, price: google-translate}
prices: {annotation: {qa: annotation-qa}}
latency: {repeats: 1, batch_sizes: [1]}
"""
QUESTIONS = ("Onde vive a Maria?", "Onde nasceu o João?")
CONTEXTS = ("A Maria vive em Lisboa. O João nasceu em São Paulo.", "O João nasceu em São Paulo e vive em Berlim.")


class Watch:
    """Writes down every file of crossfare of which a function is called, in this process, as it is first seen."""

    def __init__(self, log: Path, *, on: bool = True) -> None:
        self.log, self.on = log, on
        self.seen: set[str] = set()

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        """See a call."""
        name = frame.f_code.co_filename
        if self.on and event == "call" and name not in self.seen and name.startswith(HOME) and not importing(frame):
            self.seen.add(name)
            with self.log.open("a", encoding="utf-8") as file:
                file.write(name.removeprefix(HOME) + "\n")

    def start(self) -> None:
        """Watch this thread, and those that begin from now on."""
        threading.setprofile(self)
        sys.setprofile(self)


def importing(frame: FrameType | None) -> bool:
    """Whether a call belongs to the import of a module."""
    while frame:
        if frame.f_code.co_name == "<module>" and frame.f_code.co_filename.startswith(HOME):
            return True
        frame = frame.f_back
    return False


@contextmanager
def watched(touched: set[str], *, on: bool = True) -> Iterator[Watch]:
    """Add the files that a block calls while the watch is on, here and in processes that it starts."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        log.touch()
        # Processes that are started from here import this before anything else.
        hook = f"import files_touched\nfiles_touched.Watch(files_touched.Path({str(log)!r})).start()\n"
        (Path(folder) / "sitecustomize.py").write_text(hook, encoding="utf-8")
        paths = os.environ.get("PYTHONPATH", "")
        os.environ["PYTHONPATH"] = os.pathsep.join((folder, str(Path(__file__).parent), paths))
        try:
            watch = Watch(log, on=on)
            watch.start()
            yield watch
        finally:
            sys.setprofile(None)
            threading.setprofile(None)
            os.environ["PYTHONPATH"] = paths
            touched.update(log.read_text(encoding="utf-8").split())


def run_of(folder: Path) -> Path:
    """The tiny run's directory."""
    from crossfare.experiment import load_spec, run
    from crossfare.store import Store

    (folder / "tiny.yaml").write_text(SPEC, encoding="utf-8")
    spec = load_spec(folder / "tiny.yaml")
    return run(spec, out=folder / "out", jobs=1, store=Store(folder / "cache"), quiet=True).folder


def recommendation(folder: Path) -> None:
    """What `crossfare recommend` says of a run."""
    from typer.testing import CliRunner

    from crossfare.cli import app

    done = CliRunner().invoke(app, ["recommend", str(folder), "--price", "compute=0.5"])
    if done.exit_code not in (0, 1):  # 1: no method keeps the constraints
        raise SystemExit(done.output)


def served(folder: Path, method: str, touched: set[str], opening: set[str]) -> None:
    """Serve a cell and ask twice, each time over a connection of its own; the second request counts."""
    from crossfare.serving import open_pipeline, serve

    with watched(opening):
        pipeline = open_pipeline(folder, method=method, engine=None if method == "zero-shot" else "open")

    def talk(address: str) -> None:
        try:
            for watch.on, context, question in zip((False, True), CONTEXTS, QUESTIONS, strict=True):
                data = json.dumps({"context": context, "question": question}).encode()
                asked = urllib.request.Request(f"{address}/predict", data, {"Content-Type": "application/json"})
                with urllib.request.urlopen(asked, timeout=60) as answer:
                    json.load(answer)
        finally:
            watch.on = False
            os.kill(os.getpid(), signal.SIGINT)

    client: list[threading.Thread] = []

    def ready(address: str) -> None:
        client.append(threading.Thread(target=talk, args=(address,)))
        client[0].start()

    with pipeline, watched(touched, on=False) as watch:
        serve(pipeline, port=0, ready=ready)
        client[0].join()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--list", action="store_true", help="name the files")
    names = parser.parse_args().list
    found: dict[str, set[str]] = {}

    def row(name: str) -> set[str]:
        return found.setdefault(name, set())

    with tempfile.TemporaryDirectory() as scratch, redirect_stdout(StringIO()):
        with watched(row("(a) a QA example, to the rows of a table")):
            folder = run_of(Path(scratch))
        with watched(row("(b) paid usage, through the ledger to results")):
            run_of(Path(scratch))
        with watched(row("    and from results to a recommendation")):
            recommendation(folder)
        for method in ("zero-shot", "translate-infer"):
            served(folder, method, row(f"(c) a raw text, by {method}"), row(f"    opening {method}, before"))
    every = sum(1 for _ in Path(HOME).rglob("*.py"))
    print(f"| what passes through | files of {every} |\n|---|---|")
    for name, touched in found.items():
        print(f"| {name} | {len(touched)} |")
    for name, touched in found.items() if names else ():
        print(f"\n{name}", *sorted(touched), sep="\n  ")


if __name__ == "__main__":
    main()
