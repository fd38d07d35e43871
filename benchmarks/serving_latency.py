"""Latency of `crossfare serve` under load, against the same server without batching.

    python benchmarks/serving_latency.py [--task nli] [--rates 5 20 80] [--requests 200] [--arrivals poisson]

Trains minimal models of the embedded world (about a minute), starts servers of its own on the loopback, and sends
requests at given rates *whether or not earlier ones were answered* (an open loop). Latency counts from when a request
was due, not from when it could be sent: a server that falls behind cannot hide it (no coordinated omission). The peer
is the same server that answers one request at a time (``--batch-size 1``), at the same times with the same requests.

Prints a Markdown table. Read the ratios: absolute figures are those of one machine, which the generator shares.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import yaml

from crossfare import data
from crossfare.experiment import load_spec, run

METHODS = ("zero-shot", "translate-infer")
BATCHED, NAIVE = 16, 1
QUEUE = 256
TIMEOUT = 30.0
WARM_UP = 20

SPEC = """
name: serving
targets: [pt]
tasks:
  qa:
    train: {ref: "world:qa", limit: 300}
    test: {ref: "world:qa", limit: 50}
    training: {learning_rate: 1.0e-3, epochs: 1, batch_size: 16, max_length: 112, freeze_embeddings: true}
    prediction: {max_length: 128}
  nli:
    train: {ref: "world:nli", limit: 300}
    test: {ref: "world:nli", limit: 50}
    training: {learning_rate: 7.0e-4, epochs: 1, batch_size: 16, max_length: 64, freeze_embeddings: true}
methods: [zero-shot]
extra_cells: [{method: translate-infer, model: target-encoder}]
models: {target-encoder: "embedded:multilingual-encoder"}
engines:
  open:
    engine: ctranslate2
    models:
      "en-*": embedded:marian-en-xx
      "*-en": embedded:marian-xx-en
latency: {repeats: 0}
"""


@dataclass(frozen=True)
class Load:
    """When requests are due, in seconds from the start, and what is asked."""

    due: tuple[float, ...]
    bodies: tuple[bytes, ...]

    @classmethod
    def make(cls, texts: Sequence[bytes], count: int, rate: float, arrivals: str, seed: int) -> Load:
        """Poisson arrivals have exponential gaps, constant ones equal gaps."""
        rng = random.Random(seed)
        gaps = [rng.expovariate(rate) if arrivals == "poisson" else 1 / rate for _ in range(count)]
        return cls(tuple(np.cumsum(gaps).tolist()), tuple(rng.choice(texts) for _ in range(count)))


@dataclass(frozen=True)
class Measured:
    """Seconds from when each answered request was due, how many were not answered, and how long it all took."""

    seconds: tuple[float, ...]
    errors: int
    lasted: float

    def percentile(self, share: float) -> float:
        """Milliseconds that this percentage of the answers took at most."""
        return float(np.percentile(self.seconds, share)) * 1000 if self.seconds else float("nan")


def main() -> None:
    """Train, serve, load, print."""
    asked = arguments()
    requests = bodies(asked.task)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before the start; {asked.task}, {asked.arrivals} "
          f"arrivals, {asked.requests} requests at each rate\n")  # fmt: skip
    print("| method | rate (1/s) | server | answered/s | p50 (ms) | p95 (ms) | p99 (ms) | errors | p95 ratio |")
    print("|---|---:|---|---:|---:|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory(prefix="crossfare-serving-") as work:
        folder = asked.run or train(Path(work), asked.task)
        for method in METHODS:
            measured = {size: list(under_load(folder, method, size, asked, requests)) for size in (BATCHED, NAIVE)}
            for place, rate in enumerate(asked.rates):
                naive = measured[NAIVE][place]
                for size, name in ((BATCHED, f"batches up to {BATCHED}"), (NAIVE, "one by one")):
                    show(method, rate, name, measured[size][place], naive)


def show(method: str, rate: float, name: str, found: Measured, naive: Measured) -> None:
    """Print one line of the table."""
    times = " | ".join(f"{found.percentile(share):.0f}" for share in (50, 95, 99))
    ratio = found.percentile(95) / naive.percentile(95)
    answered = len(found.seconds) / found.lasted
    print(f"| {method} | {rate:g} | {name} | {answered:.1f} | {times} | {found.errors} | {ratio:.2f} |", flush=True)


def arguments() -> argparse.Namespace:
    """What to measure."""
    parser = argparse.ArgumentParser(description="Latency of crossfare serve under load.")
    parser.add_argument("--task", choices=("qa", "nli"), default="nli")
    parser.add_argument("--rates", type=float, nargs="+", default=[5.0, 20.0, 80.0], help="requests a second")
    parser.add_argument("--requests", type=int, default=200, help="requests at each rate")
    parser.add_argument("--arrivals", choices=("poisson", "constant"), default="poisson")
    parser.add_argument("--run", type=Path, help="a run directory with these methods, instead of training")
    asked = parser.parse_args()
    if asked.requests < 1 or min(asked.rates) <= 0:
        parser.error("requests and rates must be more than 0")
    return asked


def train(work: Path, task: str) -> Path:
    """Make the models to serve."""
    spec = {**yaml.safe_load(SPEC)}
    spec["tasks"] = {task: spec["tasks"][task]}
    (work / "serving.yaml").write_text(yaml.safe_dump(spec), encoding="utf-8")
    return run(load_spec(work / "serving.yaml"), out=work / "run", jobs=1, quiet=True).folder


def bodies(task: str) -> list[bytes]:
    """Raw requests in Portuguese, from the embedded test set."""
    examples = data.load(f"world:{task}", task=task, language="pt", split="test").dataset.examples  # type: ignore[arg-type]
    fields = ("context", "question") if task == "qa" else ("premise", "hypothesis")
    return [json.dumps({name: getattr(each, name) for name in fields}).encode() for each in examples]


def under_load(
    folder: Path, method: str, batch_size: int, asked: argparse.Namespace, requests: Sequence[bytes]
) -> Iterator[Measured]:
    """One measurement for each rate."""
    with server(folder, method, batch_size, asked.task) as address:
        for number, rate in enumerate(asked.rates):
            load = Load.make(requests, asked.requests, rate, asked.arrivals, seed=number)
            yield asyncio.run(send(address, load, requests[:WARM_UP]))


@contextmanager
def server(folder: Path, method: str, batch_size: int, task: str) -> Iterator[str]:
    """A server on the loopback, in a process of its own; its address."""
    command = ["serve", str(folder), "--port", "0", "--task", task, "--target", "pt", "--method", method]
    command += ["--batch-size", str(batch_size), "--queue", str(QUEUE), "--timeout", str(TIMEOUT)]
    started = subprocess.Popen(
        [sys.executable, "-c", "from crossfare.cli import main; main()", *command], stdout=subprocess.PIPE, text=True
    )
    assert started.stdout is not None
    try:
        line = started.stdout.readline()
        if " on http://" not in line:
            raise SystemExit(f"the server did not start: {line}")
        yield line.split()[-1]
    finally:
        started.terminate()
        started.wait()
        started.stdout.close()


async def send(address: str, load: Load, warm_up: Sequence[bytes]) -> Measured:
    """Send every request when it is due, and time its answer from then."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    headers = {"content-type": "application/json"}
    async with httpx.AsyncClient(base_url=address, headers=headers, limits=limits, timeout=2 * TIMEOUT) as http:
        for body in warm_up:
            (await http.post("/predict", content=body)).raise_for_status()
        start = time.perf_counter()

        async def one(due: float, body: bytes) -> float | None:
            await asyncio.sleep(max(0.0, start + due - time.perf_counter()))
            try:
                response = await http.post("/predict", content=body)
            except httpx.HTTPError:
                return None
            return time.perf_counter() - start - due if response.status_code == 200 else None

        found = await asyncio.gather(*(one(due, body) for due, body in zip(load.due, load.bodies, strict=True)))
        lasted = time.perf_counter() - start
    answered = tuple(each for each in found if each is not None)
    return Measured(answered, len(found) - len(answered), lasted)


if __name__ == "__main__":
    main()
