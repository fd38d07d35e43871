"""Which processor this is, what it can do, and how much others ask of it meanwhile."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

NATIVE_BF16 = ("avx512_bf16", "amx_bf16", "sve_bf16", "svebf16")
"""Instructions that multiply bf16. A processor without them emulates it, 12 to 39 times slower than fp32."""

CPUINFO = Path("/proc/cpuinfo")
_STAT = Path("/proc/stat")

_WIDEST = (("avx512f", "avx512_f"), ("avx2",), ("avx",), ("sve",), ("asimd", "neon"))
_FURTHER = {"vnni": ("avx512_vnni", "avx_vnni"), "amx": ("amx_tile",), "bf16": NATIVE_BF16}
_CALLED = {"avx512f": "avx512", "asimd": "neon"}

_SHORTEST = 0.5  # seconds; the system counts in ticks of a hundredth


def processor() -> str:
    """What the processor is called."""
    said = [line.partition(":")[2].strip() for line in _cpuinfo() if line.startswith("model name")]
    return said[0] if said else platform.processor() or platform.machine()


def instructions() -> set[str]:
    """What the processor knows: from Linux, for plans do without torch; elsewhere from torch, which computes."""
    if CPUINFO.exists():
        flags = (line for line in _cpuinfo() if line.startswith(("flags", "Features")))
        return {name for line in flags for name in line.split()}
    if find_spec("torch") is None:
        return set()
    import torch

    ask = getattr(torch.cpu, "get_capabilities", None)  # since torch 2.10
    return {name for name, known in ask().items() if known} if ask else set()


@lru_cache(maxsize=1)
def instruction_set() -> str:
    """What of it speed depends on: the widest vectors, and what multiplies in low precision ("avx512 amx bf16")."""
    known = instructions()
    widest = next((names[0] for names in _WIDEST if known.intersection(names)), "")
    further = [name for name, any_of in _FURTHER.items() if known.intersection(any_of)]
    return " ".join(filter(None, (_CALLED.get(widest, widest), *further)))


def _cpuinfo() -> list[str]:
    return CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines() if CPUINFO.exists() else []


@dataclass(slots=True)
class OtherWork:
    """How busy others kept the machine: which part of its processors' time they took; None if that is not known."""

    load: float | None = None


@contextmanager
def watching() -> Iterator[OtherWork]:
    """OtherWork what other processes take of the processors. Less than half a second is too short to tell."""
    watch, began, before, own = OtherWork(), time.perf_counter(), _ticks(), _own()
    try:
        yield watch
    finally:
        after = _ticks()
        if before and after and time.perf_counter() - began >= _SHORTEST and after[1] > before[1]:
            busy, every = (b - a for a, b in zip(before, after, strict=True))
            watch.load = round(min(1.0, max(0.0, (busy - (_own() - own)) / every)), 3)


def _ticks() -> tuple[float, float] | None:
    """Seconds that all processors together worked so far, and that there were."""
    try:
        counts = [int(each) for each in _STAT.read_text(encoding="ascii").partition("\n")[0].split()[1:9]]
        per_second = os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, AttributeError):
        return None
    idle = sum(counts[3:5])  # and waiting for disks
    return (sum(counts) - idle) / per_second, sum(counts) / per_second


def _own() -> float:
    """Processor time of this process and its children."""
    return sum(os.times()[:4])
