"""Make the engines a spec names. The one place that knows both translation and the embedded data."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crossfare import data, translate
from crossfare.translate.engines import engine_of_spec
from crossfare.types import Engine, digest

if TYPE_CHECKING:  # translating a file of one's own needs no embedded data
    from crossfare.data import world


def make_engine(name: str, options: dict[str, Any], *, trusted: bool = False) -> Engine:
    """Make an engine by its registered name.

    Unless they are ``trusted``, as what somebody types is, options are taken to be those of a spec, which decides
    neither who gets a key nor which (see `crossfare.translate.engines.hosts`).

    The option ``parallel: world:TASK`` hands the reference engine the embedded parallel text of a task, which is
    made when something is first translated.

    Raises:
        ConfigError: unknown engine or option.
        EngineUnavailable: its package or model is missing; the message names the fix.
    """
    source, _, task = str(options.get("parallel", "")).partition(":")
    if source != "world":
        return translate.engine(name, **options) if trusted else engine_of_spec(name, **options)
    others = {key: value for key, value in options.items() if key != "parallel"}
    revision = f"{options['parallel']}@{world_revision()}"
    return translate.engine(name, entries=_world_text(task), revision=revision, **others)


def _world_text(task: str) -> Iterator[world.Aligned]:
    from crossfare.data import world

    for split in ("train", "validation", "test"):
        yield from world.parallel(task, split)


@cache
def world_revision() -> str:
    """Identify the embedded world by the source code that generates it."""
    folder = Path(data.__file__).parent / "world"
    sources = {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.iterdir()) if path.is_file()}
    return digest(sources)
