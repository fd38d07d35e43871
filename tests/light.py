"""The light install in this environment: `python light.py '[["plan", "demo"], ...]'` calls commands without the extras.

Whatever is neither Python's own nor a dependency of the light install (pyproject.toml) cannot be imported.
"""

from __future__ import annotations

import io
import json
import re
import sys
import tomllib
import traceback
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path
from types import ModuleType
from typing import Any

PROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"


def distributions() -> set[str]:
    """What the light install brings, by normalised name."""
    found: set[str] = set()
    waiting = [_name(line) for line in tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]["dependencies"]]
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if name in found:
            continue
        found.add(name)
        try:
            needed = requires(name) or []
        except PackageNotFoundError:  # needed on another system only
            continue
        waiting += [_name(line) for line in needed if "extra ==" not in line]
    return found


def _name(requirement: str) -> str:
    return re.split(r"[^\w.-]", requirement, maxsplit=1)[0]


class Light(MetaPathFinder):
    """Finds what another finder does, unless the light install has not got it."""

    def __init__(self, finder: Any, allowed: set[str]) -> None:
        self.finder, self.allowed = finder, allowed

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        name = fullname.partition(".")[0]
        if name not in self.allowed and not name.startswith("_"):
            return None
        found: ModuleSpec | None = self.finder.find_spec(fullname, path, target)
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self.finder, name)


def modules() -> set[str]:
    """What can be imported: Python's own, the package, and what it needs."""
    light = distributions()
    owners = packages_distributions().items()
    there = {name for name, of in owners if {re.sub(r"[-_.]+", "-", each).lower() for each in of} & light}
    return {"crossfare", *sys.stdlib_module_names, *there}


if __name__ in {"__main__", "__mp_main__"}:  # and in the processes that steps run in
    allowed = modules()
    assert not {"torch", "datasets", "tokenizers", "huggingface_hub", "vl_convert"} & allowed
    sys.meta_path[:] = [Light(finder, allowed) for finder in sys.meta_path]


def called(arguments: Sequence[str]) -> tuple[int, str]:
    """Status of a command, and all that it printed; an error that is not one line of its own is a traceback."""
    from crossfare.cli import main

    sys.argv = ["crossfare", *arguments]
    shown = io.StringIO()
    with redirect_stdout(shown), redirect_stderr(shown):
        try:
            main()
        except SystemExit as ended:
            return int(ended.code or 0), shown.getvalue()
        except Exception:
            return 1, shown.getvalue() + traceback.format_exc()
    return 0, shown.getvalue()


if __name__ == "__main__":
    sys.stdout.write(json.dumps([called(each) for each in json.loads(sys.argv[1])]) + "\n")
