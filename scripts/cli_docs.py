"""Write docs/cli.md from the command line's own help; with --check, fail if it is out of date.

python scripts/cli_docs.py            write the file
python scripts/cli_docs.py --check    change nothing; exit 1 and show the difference
"""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

DOCS = Path(__file__).resolve().parents[1] / "docs" / "cli.md"
PREFACE = "<!-- Made by scripts/cli_docs.py from the help texts; do not edit. -->\n\n"


def render(app: typer.Typer, name: str) -> str:
    """The help of an app and all its commands, as Markdown."""
    return PREFACE + "\n\n".join(_sections(typer.main.get_command(app), name, None)) + "\n"


def _sections(command: Any, name: str, parent: typer.Context | None) -> Iterator[str]:
    """What the command is for, how it is called, its parameters; then the same for each of its own commands."""
    context = typer.Context(command, info_name=name.rpartition(" ")[2], parent=parent)
    yield f"{'#' * len(name.split())} `{name}`"
    if command.help:
        yield " ".join(command.help.split())
    yield f"```console\n$ {name} {' '.join(command.collect_usage_pieces(context))}\n```"
    records = [record for parameter in command.get_params(context) if (record := parameter.get_help_record(context))]
    yield "\n".join(f"* `{shown}`: {' '.join(text.split())}" for shown, text in records)
    subcommands = {each: command.get_command(context, each) for each in getattr(command, "commands", ())}
    if subcommands:
        listed = (f"* `{name} {each}`: {' '.join((sub.help or '').split())}" for each, sub in subcommands.items())
        yield "Commands:\n\n" + "\n".join(listed)
    for each, sub in subcommands.items():
        yield from _sections(sub, f"{name} {each}", context)


def check(path: Path, text: str) -> int:
    """Compare the file with what it should be; print the difference and return 1 if there is one."""
    there = path.read_text(encoding="utf-8") if path.exists() else ""
    difference = list(difflib.unified_diff(there.splitlines(), text.splitlines(), path.name, "help", lineterm=""))
    if not difference:
        return 0
    print("\n".join(difference))
    print(f"{path.name} is out of date: run `python scripts/cli_docs.py`", file=sys.stderr)
    return 1


def main() -> int:
    """Write or check docs/cli.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if docs/cli.md is out of date")
    asked = parser.parse_args()

    from crossfare.cli import app

    text = render(app, "crossfare")
    if asked.check:
        return check(DOCS, text)
    DOCS.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
