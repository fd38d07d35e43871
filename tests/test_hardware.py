"""Which machine something was measured on, and how busy others kept it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from crossfare import hardware, latency, meter
from crossfare.types import Usage


@pytest.fixture
def cpuinfo(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    monkeypatch.setattr(hardware, "CPUINFO", tmp_path / "cpuinfo")
    hardware.instruction_set.cache_clear()
    yield tmp_path / "cpuinfo"
    hardware.instruction_set.cache_clear()


@pytest.mark.parametrize(
    ("flags", "known"),
    [
        ("flags\t: fpu avx avx2 avx512f avx512_vnni avx512_bf16 amx_tile amx_bf16", "avx512 vnni amx bf16"),
        ("flags\t: fpu avx avx2 avx_vnni", "avx2 vnni"),
        ("flags\t: fpu avx avx2 fma", "avx2"),
        ("flags\t: fpu sse4_2", ""),
        ("Features\t: fp asimd sve svebf16", "sve bf16"),
        ("Features\t: fp asimd", "neon"),
    ],
)
def test_a_processor_is_known_by_what_its_speed_depends_on(cpuinfo: Path, flags: str, known: str) -> None:
    cpuinfo.write_text(f"model name\t: A Processor: 3000\n{flags}\n", encoding="utf-8")
    assert hardware.processor() == "A Processor: 3000"
    assert hardware.instruction_set() == known


def test_a_machines_long_name_begins_with_its_short_one() -> None:
    """So that what was recorded under the short one is known to be of the same machine."""
    assert meter.machine_name().startswith(meter.hardware_name())
    assert hardware.instruction_set() in meter.machine_name()


def test_what_others_take_of_the_processors_is_their_load(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = iter([(100.0, 400.0), (104.0, 410.0)])  # of ten seconds of all processors, four were worked
    own = iter([50.0, 51.0])
    clock = iter([0.0, 5.0])
    monkeypatch.setattr(hardware, "_ticks", lambda: next(counted))
    monkeypatch.setattr(hardware, "_own", lambda: next(own))
    monkeypatch.setattr(hardware.time, "perf_counter", lambda: next(clock))
    with hardware.watching() as other:
        pass
    assert other.load == 0.3


def test_a_moment_is_too_short_to_tell_the_load_of() -> None:
    with hardware.watching() as other:
        pass
    assert other.load is None


@pytest.mark.skipif(not Path("/proc/stat").exists(), reason="load is told from Linux's /proc/stat")
def test_work_beside_makes_a_load_and_own_work_makes_none() -> None:
    def measured() -> float:
        with hardware.watching() as other:
            end = time.perf_counter() + 1.0
            while time.perf_counter() < end:
                sum(range(1000))
        assert other.load is not None
        return other.load

    beside = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        loaded = measured()
    finally:
        beside.kill()
        beside.wait()
    assert 0 < loaded <= 1


def test_usage_says_where_it_was_measured_and_a_providers_does_not() -> None:
    other = hardware.OtherWork(0.4)
    here = meter.made_here(Usage(seconds=1.0, hardware="cpu"), other)
    assert (here.machine, here.load) == (meter.machine_name(), 0.4)
    for usage in (Usage(seconds=1.0, hardware=meter.PROVIDER), Usage(seconds=0.0)):
        assert meter.made_here(usage, other) == usage


def test_usage_of_two_machines_names_both_and_keeps_the_larger_load() -> None:
    one, other = (
        Usage(seconds=2.0, hardware="cpu", machine=name, load=load) for name, load in (("a", 0.1), ("b", 0.5))
    )
    assert ((one + other).machine, (one + other).load, (one + other).seconds) == ("a+b", 0.5, 4.0)
    assert (one + Usage(seconds=1.0)).load == 0.1
    assert (one.scaled(3).machine, one.scaled(3).load, one.scaled(3).seconds) == ("a", 0.1, 6.0)


def test_a_latency_says_how_busy_the_machine_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "_ticks", iter([(0.0, 0.0), (6.0, 10.0)]).__next__)
    monkeypatch.setattr(hardware, "_own", iter([0.0, 1.0]).__next__)
    monkeypatch.setattr(hardware, "_SHORTEST", 0.0)
    found = latency.measure(len, ["a"], batch_size=1, repeats=3)
    assert (found.load, found.busy) == (0.5, True)
    assert not latency.summary([1.0], 1).busy  # not known
