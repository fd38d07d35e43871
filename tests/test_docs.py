"""Every command and snippet of README, CONTRIBUTING and docs is run, or marked with the reason why it is not."""

from __future__ import annotations

import ast
import json
import re
import signal
import subprocess
import sys
import textwrap
import tomllib
import traceback
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

import doc_setups
from crossfare import cli
from crossfare.errors import EngineUnavailable
from crossfare.experiment import cells, dry_run, load_spec
from crossfare.ledger import Catalogue
from doc_pages import LANGUAGES, ROOT, Block, Command, blocks, commands, commands_without_a_fence, pages

PAGES = pages()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
APP = typer.main.get_command(cli.app)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One finished run for all pages, and the cache that holds its steps."""
    folder = tmp_path_factory.mktemp("docs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CROSSFARE_CACHE", str(folder / "cache"))
        doc_setups.without_workers(patch)
        yield doc_setups.finished(folder)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: Path) -> Path:
    """The folder that a page's blocks are run in, one after the other."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CROSSFARE_CACHE", str(made.parent / "cache"))
    monkeypatch.setenv("COLUMNS", "100")
    for name in ("CROSSFARE_DATA", "OPENAI_API_KEY", "DEEPL_AUTH_KEY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.mark.filterwarnings("ignore")  # of the libraries, in code that the pages show
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_a_page_shows_works(page: Path, folder: Path, made: Path) -> None:
    names: dict[str, Any] = {}
    there: set[str] = set()
    missing: list[str] = []
    for block in blocks(page):
        assert block.language in LANGUAGES, f"{block}: say what it is: ```{' or ```'.join(sorted(LANGUAGES))}"
        for name in block.remarks.get("with", "").split():
            if name not in there:
                doc_setups.SETUPS[name](folder, made)
                there.add(name)
        if block.skipped:
            assert re.search(r"\(.{8,}\)", block.remarks["skip"]), f"{block}: say why it is skipped, in parentheses"
        if block.language == "text":
            assert block.skipped or not re.search(r"^\$ ", block.text, re.MULTILINE), f"{block}: a command"
        elif block.language == "console":
            shown = list(commands(block))
            assert shown, f'{block}: a command stands after "$ "'
            for command in shown:
                _run(block, command)
        elif block.language == "python":
            ast.parse(block.text) if block.skipped else _execute(block, names)
        elif block.language == "json":
            json.loads(block.text)
        else:
            try:
                _read(block, folder)
            except EngineUnavailable as unavailable:  # the other blocks are run all the same
                missing.append(f"{block}: {unavailable}")
    if missing:
        pytest.skip("; ".join(missing))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_no_command_stands_where_it_is_not_run(page: Path) -> None:
    assert commands_without_a_fence(page) == []


# -- commands ---------------------------------------------------------------------------------


def _run(block: Block, command: Command) -> None:
    words = command.words
    if words[0] != "crossfare":
        assert block.skipped, f"{block}: only crossfare is run here; mark {' '.join(words)} with the reason"
        _check_other(block, words)
    elif block.skipped:
        _parse(block, words[1:])
    elif "until" in block.remarks:
        _until_ready(block, words[1:])
    else:
        status, out = _call(words[1:])
        assert status in block.statuses, f"{block}: {' '.join(words)} ended with {status}:\n{out}"
        if "prints" in block.remarks and command.output:
            assert out.strip() == command.output.strip(), str(block)


def _call(words: tuple[str, ...]) -> tuple[int, str]:
    """Status and output of the command line's entry point."""
    shown = StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(shown), redirect_stderr(shown):
        patch.setattr(sys, "argv", ["crossfare", *words])
        try:
            cli.main()
        except SystemExit as ended:
            return int(ended.code or 0), shown.getvalue()
        except Exception:
            return -1, shown.getvalue() + traceback.format_exc()
    return 0, shown.getvalue()


def _parse(block: Block, words: tuple[str, ...]) -> None:
    """Every option exists, and every value is of its type."""
    command: Any = APP
    context = typer.Context(command, info_name="crossfare")
    rest = list(words)
    while hasattr(command, "commands") and rest and rest[0] in command.commands:
        command = command.commands[rest.pop(0)]
        context = typer.Context(command, info_name=command.name, parent=context)
    assert command is not APP, f"{block}: no such command: {' '.join(words)}"
    try:
        command.parse_args(context, rest)
    except Exception as error:
        pytest.fail(f"{block}: crossfare {' '.join(words)}: {error}")


def _until_ready(block: Block, words: tuple[str, ...]) -> None:
    """Start a server, wait for its address, and stop it as a terminal does."""
    program = "import sys; from crossfare.cli import main; sys.argv[0] = 'crossfare'; main()"
    server = subprocess.Popen(
        [sys.executable, "-c", program, *words, "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert server.stdout is not None
        first = server.stdout.readline()
        assert re.search(r" on http://127\.0\.0\.1:\d+", first), f"{block}: {first}{server.stdout.read()}"
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(timeout=60)


def _check_other(block: Block, words: tuple[str, ...]) -> None:
    """What can be told of a command without running it: targets, extras, scripts and their options."""
    if words[0] == "make":
        targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
        assert set(words[1:]) <= set(targets), f"{block}: no such target: {' '.join(words)}"
    elif words[0] == "python" and words[1].endswith(".py"):
        script = ROOT / words[1]
        assert script.is_file(), f"{block}: no such script: {words[1]}"
        source = script.read_text(encoding="utf-8")
        unknown = [word for word in words if word.startswith("--") and f'"{word}"' not in source]
        assert not unknown, f"{block}: {words[1]} has no {unknown}"
    elif words[:2] == ("python", "-m"):
        assert find_spec(words[2]), f"{block}: no such module: {words[2]}"
    elif words[:2] in {("pip", "install"), ("pip", "wheel")}:
        asked = [name for word in words for name in re.findall(r"\[([\w,]+)\]", word)]
        unknown = set(",".join(asked).split(",")) - {"", *PROJECT["optional-dependencies"]}
        assert not unknown, f"{block}: no such extra: {unknown}"
        assert "crossfare" not in words, f"{block}: no index has crossfare; an extra of what is installed can be named"


# -- snippets ---------------------------------------------------------------------------------


def _execute(block: Block, names: dict[str, Any]) -> None:
    with redirect_stdout(StringIO()):
        try:
            exec(compile(block.text, str(block), "exec"), names)
        except Exception:
            pytest.fail(f"{block}:\n{block.text}\n{traceback.format_exc()}")


def _read(block: Block, folder: Path) -> None:
    """A spec, a part of one, or a price file: what it is shows in its keys."""
    values = yaml.safe_load(block.text)
    name = block.remarks.get("file")
    if name:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(block.text, encoding="utf-8")
    if block.skipped:
        return
    if "offers" in values:
        path = folder / (name or "prices.yaml")
        path.write_text(block.text, encoding="utf-8")
        Catalogue.load([path])
        return
    whole = "targets" in values
    path = folder / (name or "part.yaml")
    if not whole:
        key = block.remarks.get("under")
        path.write_text(yaml.safe_dump(_completed({key: values} if key else values)), encoding="utf-8")
    elif not name:
        path.write_text(block.text, encoding="utf-8")
    spec = load_spec(path)
    assert cells(spec), str(block)
    if whole:
        assert dry_run(spec)


def _completed(part: dict[str, Any]) -> dict[str, Any]:
    """A spec that has this part: what it lacks is that of the smallest there is."""
    model = {"target-encoder": "embedded:multilingual-encoder", "source-encoder": "embedded:english-encoder"}
    least: dict[str, Any] = {
        "name": "part",
        "targets": ["pt"],
        "tasks": {"qa": {"train": "world:qa", "test": "world:qa"}},
        "methods": ["zero-shot", "translate-train", "translate-infer"],
        "models": model,
        "engines": {"echo": {"engine": "echo"}},
    }
    return {**least, **part}


# -- the test's own tools ---------------------------------------------------------------------


def test_remarks_belong_to_the_next_block_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        textwrap.dedent(
            """
            <!-- test: skip (needs a key of a vendor) -->
            <!-- test: status 0 or 2 -->
            ```console
            $ crossfare plan a \\
                --volume 5 && crossfare prices   # a remark
            printed
            $ make demo
            ```

            <!-- test: skip (lost, since text follows) -->
            Text.

            ```python
            x = 1
            ```
            """
        )
    )
    first, second = blocks(page)
    assert (first.skipped, first.statuses, first.language, second.remarks) == (True, {0, 2}, "console", {})
    plan, prices, demo = commands(first)
    assert plan == Command(("crossfare", "plan", "a", "--volume", "5"), "")
    assert (prices, demo.words) == (Command(("crossfare", "prices"), "printed\n"), ("make", "demo"))


@pytest.mark.parametrize(
    "line",
    ["crossfare plan my.yaml --volumes 5", "crossfare forecast my.yaml", "crossfare plan --volume many", "make dmeo"],
)
def test_a_marked_command_is_parsed_all_the_same(line: str) -> None:
    block = Block(Path("page.md"), 1, "console", f"$ {line}\n", {"skip": "(for the test)"})
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        for command in commands(block):
            _run(block, command)


def test_a_command_that_is_neither_run_nor_marked_fails() -> None:
    block = Block(Path("page.md"), 1, "console", "$ make demo\n")
    with pytest.raises(AssertionError, match="mark make demo with the reason"):
        _run(block, next(commands(block)))
