"""What lies between files: no circle of imports, no file or function too long, no public class name twice.

Exceptions are listed with their reasons; the lists only shrink.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from functools import cache
from pathlib import Path
from statistics import median, quantiles

import grimp

HOME = Path(__file__).resolve().parents[1] / "src" / "crossfare"

SAME_NAME = {
    "Answer": "what people labelled, what a service said, and what is said to a request",
    "BreakEven": "of two methods of a run, and as the paper states it",
    "Candidates": "places that an answer may come from, and passages to be reranked",
    "Header": "of a collection, and of an index",
    "Training": "what a cell's model learns from, and a reranker's features",
}


def test_files_do_not_import_each_other_in_a_circle() -> None:
    graph = grimp.build_graph("crossfare", exclude_type_checking_imports=True, cache_dir=None)
    above = {name: graph.find_upstream_modules(name) | {name} for name in graph.modules}
    assert not {
        name
        for name in graph.modules
        if any(name in above[needed] for needed in graph.find_modules_directly_imported_by(name))
    }


def test_files_fit_on_a_few_screens() -> None:
    long = {name for name, text in _sources().items() if len(text.splitlines()) > 400}
    assert not long


def test_functions_fit_on_a_screen() -> None:
    lengths = {
        f"{name}:{node.name}": _lines(node)
        for name, text in _sources().items()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert not {name for name, lines in lengths.items() if lines > 59}
    assert median(lengths.values()) <= 7
    assert quantiles(lengths.values(), n=10)[-1] <= 20


def _lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Of a function without its docstring."""
    first = function.body[0]
    documented = ast.get_docstring(function) is not None
    return _span(function) - (_span(first) if documented else 0)


def _span(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def test_a_public_class_name_means_one_thing() -> None:
    homes: defaultdict[str, list[str]] = defaultdict(list)
    for name, text in _sources().items():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes[node.name].append(name)
    assert {name for name, files in homes.items() if len(files) > 1} <= SAME_NAME.keys()


@cache
def _sources() -> dict[str, str]:
    """The text of every file, by its path from the package on."""
    return {path.relative_to(HOME).as_posix(): path.read_text(encoding="utf-8") for path in sorted(HOME.rglob("*.py"))}
