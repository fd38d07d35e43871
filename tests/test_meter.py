"""Device-seconds: processor time on a CPU, whatever else the machine does."""

from __future__ import annotations

import time
from importlib.util import find_spec
from pathlib import Path

import pytest

from crossfare import meter as meters
from crossfare.errors import ConfigError
from crossfare.meter import hardware_name, meter
from crossfare.types import Usage


def test_waiting_is_not_processor_time_and_working_is() -> None:
    with meter("cpu") as waiting:
        time.sleep(0.2)
    with meter("cpu") as working:
        began = time.process_time()
        while time.process_time() - began < 0.2:
            pass
    assert waiting.usage.seconds is not None
    assert working.usage.seconds is not None
    assert waiting.usage.seconds < 0.15
    assert 0.2 <= working.usage.seconds < 0.4
    assert working.usage.hardware == "cpu"


def test_an_accelerator_is_held_while_it_waits() -> None:
    with meter("Tesla V100", 2) as held:
        time.sleep(0.05)
    assert held.usage.seconds is not None
    assert held.usage.seconds >= 0.1
    assert held.usage.hardware == "Tesla V100"


def test_counts_are_added_to_the_measurement() -> None:
    with meter("cpu") as running:
        running.add(Usage(characters=3))
        running.add(Usage(characters=4, requests=1))
    assert (running.usage.characters, running.usage.requests) == (7, 1)


def test_usage_is_complete_even_if_the_work_failed() -> None:
    with pytest.raises(RuntimeError), meter("cpu") as running:
        raise RuntimeError
    assert running.usage.seconds is not None


def test_the_hardware_has_a_name() -> None:
    assert hardware_name().endswith("cores") or " x " in hardware_name()


# -- energy -----------------------------------------------------------------------------------

needs_codecarbon = pytest.mark.skipif(find_spec("codecarbon") is None, reason="codecarbon is not installed")


def test_energy_is_metered_only_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(meters.ENERGY, raising=False)
    with meters.energy() as used:
        _spin(0.1)
    assert used.usage.energy_kwh is None


@needs_codecarbon
def test_energy_is_that_of_this_process_without_a_network_or_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A process that works takes more than one that waits, however busy the machine is; an estimate says it is one."""
    monkeypatch.setenv(meters.ENERGY, "1")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("socket.socket.connect", _no_network)
    with meters.energy() as busy:
        _spin(1.0)
    with meters.energy() as idle:
        time.sleep(1.0)
    assert busy.usage.energy_kwh is not None and idle.usage.energy_kwh is not None
    assert busy.usage.energy_kwh > 5 * idle.usage.energy_kwh
    # A core takes from one to a few hundred watts, for the second that it was busy.
    assert 1 < busy.usage.energy_kwh * 3_600_000 < 500
    assert busy.usage.energy_by and busy.usage.energy_by.startswith("estimate: processor time at ")
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


def test_a_step_has_the_part_of_the_energy_that_it_has_of_the_seconds() -> None:
    process = Usage(seconds=10.0, energy_kwh=5e-6, energy_by="estimate")
    step = meters.with_energy(Usage(seconds=4.0, hardware="cpu"), process)
    assert (step.energy_kwh, step.energy_by, step.seconds) == (pytest.approx(2e-6), "estimate", 4.0)
    device = meters.with_energy(Usage(seconds=4.0, hardware="NVIDIA H100"), process)
    assert device.energy_kwh == 5e-6
    assert meters.with_energy(Usage(seconds=4.0, hardware="cpu"), Usage()).energy_kwh is None


def test_a_missing_meter_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meters, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"install 'crossfare\[energy\]'"):
        meters.check_energy()


def _no_network(*_: object) -> None:
    raise AssertionError("energy is metered without a network")


def _spin(seconds: float) -> None:
    end = time.process_time() + seconds
    while time.process_time() < end:
        sum(range(1000))
