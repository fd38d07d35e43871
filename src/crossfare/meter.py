"""Measure what a piece of work consumes: ``with meter() as m: ...; m.usage``."""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from crossfare.types import Usage


@dataclass(slots=True)
class Meter:
    """The running measurement; `usage` is complete once the ``with`` block has ended."""

    usage: Usage

    def add(self, usage: Usage) -> None:
        """Add counts (characters, tokens, requests) to the measurement."""
        self.usage = self.usage + usage


@contextmanager
def meter(device: str | None = None, count: int | None = None) -> Iterator[Meter]:
    """Measure a block in device-seconds.

    On a CPU: the processor time of this process, over all its threads. Unlike wall time it does not
    depend on what else the machine is doing, so a figure taken on a busy machine can be repeated.
    On an accelerator: wall time, times the number of devices. ``device`` and ``count`` name what does
    the work; without them it is what torch would use, or the CPU if torch is not loaded.
    """
    running = Meter(Usage())
    wall, busy = time.perf_counter(), time.process_time()
    try:
        yield running
    finally:
        wall, busy = time.perf_counter() - wall, time.process_time() - busy
        name, found = _device() if device is None else (device, 1)
        seconds = busy if name == "cpu" else wall * (count or found)
        running.usage = replace(running.usage, seconds=seconds, hardware=name)


def _device() -> tuple[str, int]:
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return "cpu", os.cpu_count() or 1
    return torch.cuda.get_device_name(0), torch.cuda.device_count()


@lru_cache
def hardware_name() -> str:
    """Name the machine for tables of timings, such as "AMD EPYC, 2 cores"."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    name, count = _device()
    return f"{model}, {count} cores" if name == "cpu" else f"{count} x {name}"
