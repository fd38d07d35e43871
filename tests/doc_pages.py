"""The code on a page of Markdown: blocks, the test's own remarks about them, and the commands in a console block.

A remark is an HTML comment on the lines before a block, which nobody sees who reads the page:

    <!-- test: skip (why) -->           it is not run: its commands are only parsed, and its scripts looked up
    <!-- test: status 0 or 1 (why) -->  the statuses its commands may end with; 0 where nothing is said
    <!-- test: prints -->               what stands below a command is what it prints, to the letter
    <!-- test: until ready -->          a server: it is stopped when it listens
    <!-- test: file NAME -->            a file that later blocks of the page name
    <!-- test: under KEY -->            a part of a spec, below this key
    <!-- test: with NAME ... -->        what the page talks about is made first (doc_setups.py)
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MADE_BY_THE_COMMANDS = {"cli.md"}  # scripts/cli_docs.py
LANGUAGES = {"console", "json", "python", "text", "yaml"}

_REMARK = re.compile(r"\s*<!-- test: (.+?) -->\s*$")
_FENCE = re.compile(r"(\s*)```(\S*)\s*$")
_COMMAND = re.compile(r" {4}(?:\$ )?(?:crossfare|python|make|pip) ")


@dataclass
class Block:
    """A fenced block of a page: its language, its text, the line it begins on, and what is remarked about it."""

    page: Path
    line: int
    language: str
    text: str
    remarks: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.page.name}, line {self.line}"

    @property
    def skipped(self) -> bool:
        return "skip" in self.remarks

    @property
    def statuses(self) -> set[int]:
        return {int(number) for number in re.findall(r"\d+", self.remarks.get("status", "0").partition("(")[0])}


@dataclass(frozen=True)
class Command:
    """A command of a console block, and the lines that stand below it."""

    words: tuple[str, ...]
    output: str


def pages() -> list[Path]:
    found = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
    return [page for page in found if page.name not in MADE_BY_THE_COMMANDS]


def blocks(page: Path) -> list[Block]:
    """Every fenced block of a page, in order."""
    found: list[Block] = []
    remarks: dict[str, str] = {}
    inside: Block | None = None
    indent = ""
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        if fence := _FENCE.match(line):
            if inside is None:
                indent = fence[1]
                inside = Block(page, number, fence[2], "", remarks)
                found.append(inside)
                remarks = {}
            else:
                inside = None
        elif inside is not None:
            inside.text += line.removeprefix(indent) + "\n"
        elif remark := _REMARK.match(line):
            name, _, rest = remark[1].partition(" ")
            remarks = {**remarks, name: rest}
        elif line.strip():
            remarks = {}
    return found


def commands_without_a_fence(page: Path) -> list[str]:
    """Commands that stand indented where no test finds them."""
    lines = page.read_text(encoding="utf-8").splitlines()
    spans = [range(block.line, block.line + block.text.count("\n") + 2) for block in blocks(page)]
    inside = {number for span in spans for number in span}
    return [line for number, line in enumerate(lines, 1) if number not in inside and _COMMAND.match(line)]


def commands(block: Block) -> Iterator[Command]:
    """The commands of a console block: after "$ ", comments left out, parted at "&&"."""
    for entry in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        joined = entry.replace("\\\n", " ")
        first, _, output = joined.partition("\n")
        words = shlex.split(first, comments=True)
        parts = " ".join(shlex.quote(word) for word in words).split(" '&&' ")
        for number, part in enumerate(parts, 1):
            yield Command(tuple(shlex.split(part)), output if number == len(parts) else "")
