"""Device-seconds: processor time on a CPU, whatever else the machine does."""

from __future__ import annotations

import time

import pytest

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
