"""Measure what a piece of work consumes: ``with meter() as m: ...; m.usage``."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from crossfare import hardware
from crossfare.errors import ConfigError
from crossfare.types import Usage

PROVIDER = "provider"
"""The hardware of a service."""

# Asks for energy to be metered; set for the processes that do the work.
ENERGY = "CROSSFARE_ENERGY"


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


def load(*packages: str) -> None:
    """Import packages before work is measured: a process does so once, whichever of its steps is the first.

    One that is missing is left for its user to name.
    """
    for name in packages:
        with suppress(ImportError):
            import_module(name)


def _device() -> tuple[str, int]:
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return "cpu", os.cpu_count() or 1
    return torch.cuda.get_device_name(0), torch.cuda.device_count()


def threads_to_use() -> int:
    """Cores that a translation model uses unless it is told: $OMP_NUM_THREADS, or up to 4."""
    given = os.environ.get("OMP_NUM_THREADS", "")
    return int(given) if given.isdigit() and int(given) else min(4, os.cpu_count() or 1)


@lru_cache
def hardware_name() -> str:
    """Name the machine for tables of timings, such as "AMD EPYC, 2 cores"."""
    name, count = _device()
    return f"{hardware.processor()}, {count} cores" if name == "cpu" else f"{count} x {name}"


def machine_name() -> str:
    """The same with all that speed depends on: "AMD EPYC, 2 cores, avx512 vnni bf16"."""
    name, _ = _device()
    beside = "" if name == "cpu" else f" beside {hardware.processor()}, {os.cpu_count() or 1} cores"
    return ", ".join(filter(None, (hardware_name() + beside, hardware.instruction_set())))


def made_here(usage: Usage, watch: hardware.OtherWork) -> Usage:
    """What a step used, with the machine that made it and what else that did; a provider's is not known."""
    if usage.hardware in (None, PROVIDER):
        return usage
    return replace(usage, machine=machine_name(), load=watch.load)


# -- energy -----------------------------------------------------------------------------------


def check_energy() -> None:
    """Say in one line what is missing to meter energy.

    Raises:
        ConfigError: codecarbon is not installed.
    """
    if find_spec("codecarbon") is None:
        raise ConfigError("energy is metered by codecarbon: pip install 'crossfare[energy]', or leave energy out")


@contextmanager
def energy() -> Iterator[Meter]:
    """Meter the electricity of this process by codecarbon, if $CROSSFARE_ENERGY asks for it.

    Of this process (and its children) alone: its processor time at the processor's rated power, since the counters of
    processors are those of the whole machine. GPUs have counters, of the whole device. Memory is left out: codecarbon
    puts it at 10 W or more for the machine, whatever the process uses. Steps of less than a twentieth of a second come
    out as 0. Nothing is fetched and no file is written.
    """
    running = Meter(Usage())
    if not os.environ.get(ENERGY):
        yield running
        return
    from codecarbon import OfflineEmissionsTracker

    logging.getLogger("codecarbon").setLevel(logging.CRITICAL)  # it speaks before it reads its log_level
    tracker = OfflineEmissionsTracker(
        country_iso_code="USA",  # asked for, but it changes emissions alone, which are not kept
        tracking_mode="process",
        force_mode_cpu_load=True,
        force_ram_power=0,
        allow_multiple_runs=True,
        output_methods=[],
        log_level="critical",
    )
    tracker.start()
    busy = time.process_time()
    try:
        yield running
    finally:
        busy = time.process_time() - busy
        tracker.stop()
        if used := getattr(tracker, "final_emissions_data", None):  # codecarbon swallows its own errors
            kwh = used.cpu_energy + used.gpu_energy
            running.usage = Usage(seconds=busy, energy_kwh=kwh, energy_by=_known_by(tracker, used))


def with_energy(usage: Usage, process: Usage) -> Usage:
    """What a step used, with its part of the energy of the ``process`` that made it.

    On a CPU that is the part of its seconds: loading packages and models is left out of both.
    """
    kwh = process.energy_kwh
    worked = usage.seconds if usage.hardware == "cpu" else usage.worked_seconds
    if kwh and worked is not None and process.seconds:
        kwh *= worked / process.seconds
    return replace(usage, energy_kwh=kwh, energy_by=process.energy_by)


def _known_by(tracker: Any, used: Any) -> str:
    """How codecarbon knows the energy: by an estimate for the processor, by counters for GPUs."""
    from codecarbon.core.cpu import DEFAULT_POWER_PER_CORE
    from codecarbon.external.hardware import CPU, MODE_CPU_LOAD

    found = []
    for part in tracker._hardware:
        if isinstance(part, CPU) and part._mode == MODE_CPU_LOAD:
            unknown = part._tdp == DEFAULT_POWER_PER_CORE * part._cpu_count
            assumed = f", for want of its own {DEFAULT_POWER_PER_CORE} W a core" if unknown else ""
            found.append(f"estimate: processor time at {part._tdp:g} W ({part._model}{assumed})")
        elif isinstance(part, CPU):
            found.append(f"processor counters of the whole machine ({part._mode})")
    return " and ".join([*found, *(["GPU counters of the whole device"] if used.gpu_energy else [])])
