"""What is shown while a run goes on: it fits the terminal, whatever its size and however long the labels are."""

from __future__ import annotations

import io
from decimal import Decimal

import pytest
from rich.console import Console

from crossfare.report.progress import LiveProgress, RunProgress, showing
from crossfare.types import Step, Usage


def price(_: Step, __: Usage) -> Decimal:
    return Decimal("0.5")


def running(console: Console, steps: int) -> LiveProgress:
    shown = LiveProgress(console, 100, price)
    for number in range(steps):
        step = Step(
            "translate", {"n": number}, label=f"qa open en-pt: a training set with a long name, number {number}"
        )
        shown.started(step)
        shown.advanced(step.id, 1_234, 100_000)
    return shown


@pytest.mark.parametrize("width", [40, 80, 100])
def test_no_line_of_the_live_display_is_wider_than_the_terminal(width: int) -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=width, height=24)
    lines = console.render_lines(running(console, 3), console.options, pad=False)
    assert len(lines) == 5  # none wraps
    assert max(sum(part.cell_length for part in line) for line in lines) <= width
    texts = ["".join(part.text for part in line) for line in lines]
    assert "USD so far" in texts[1]
    assert all("1234/100000" in text for text in texts[2:])


def test_a_low_terminal_shows_the_whole_before_its_steps_and_does_not_scroll() -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=80, height=8)
    with showing(console, 100, price) as shown:
        for number in range(40):
            shown.started(Step("translate", {"n": number}, label=f"step {number}"))
    frames = out.getvalue().split("\x1b[2K")
    assert max(frame.count("\n") for frame in frames) < 8
    assert "and 36 more" in out.getvalue()


def test_what_is_no_terminal_gets_plain_lines() -> None:
    out = io.StringIO()
    with showing(Console(file=out, width=80), 2, price) as shown:
        assert type(shown) is RunProgress
        shown.finished(Step("score", {}, label="a score"), Usage(seconds=1.25), reused=False)
    assert out.getvalue().startswith("[1/2] a score: 1.2 s, 0.5000 USD so far")
    assert "\x1b" not in out.getvalue()
