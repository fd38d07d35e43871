"""The script that keeps docs/cli.md in step with the command line."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest
import typer

SCRIPT = runpy.run_path(str(Path(__file__).parents[1] / "scripts" / "cli_docs.py"))


def small_app(help_text: str) -> typer.Typer:
    app = typer.Typer(help="A small tool.", add_completion=False)

    @app.command(help=help_text)
    def run(name: str, times: int = typer.Option(3, help="How often.")) -> None: ...

    @app.command(help="Stop it.")
    def stop() -> None: ...

    return app


def test_every_command_and_option_is_documented() -> None:
    text = SCRIPT["render"](small_app("Do it."), "small")
    assert text.startswith("<!-- Made by")
    for part in (
        "# `small`",
        "A small tool.",
        "## `small run`",
        "Do it.",
        ": How often.  [default: 3]".replace("  ", " "),
        "* `small stop`: Stop it.",
        "## `small stop`",
    ):
        assert part in text
    assert text.endswith("\n")
    assert not any(line != line.rstrip() for line in text.splitlines())


def test_a_changed_help_text_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "cli.md"
    path.write_text(SCRIPT["render"](small_app("Do it."), "small"), encoding="utf-8")
    assert SCRIPT["check"](path, SCRIPT["render"](small_app("Do it."), "small")) == 0
    assert SCRIPT["check"](path, SCRIPT["render"](small_app("Do it twice."), "small")) == 1
    shown = capsys.readouterr()
    assert "+Do it twice." in shown.out
    assert "out of date" in shown.err
    assert SCRIPT["check"](tmp_path / "none.md", "text") == 1
