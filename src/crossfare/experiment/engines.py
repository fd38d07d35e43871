"""Make the engines a spec names. The one place that knows both translation and the embedded data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from crossfare import translate
from crossfare.data import world
from crossfare.translate.engines import engine_of_spec
from crossfare.types import Engine


def make_engine(name: str, options: dict[str, Any], *, trusted: bool = False, planning: bool = False) -> Engine:
    """Make an engine by its registered name.

    Unless they are ``trusted``, as what somebody types is, options are taken to be those of a spec, which decides
    neither who gets a key nor which (see `crossfare.translate.engines.hosts`). For ``planning`` its packages need not
    be installed.

    The option ``parallel: world:TASK`` hands the reference engine the embedded parallel text of a task, which is
    read when something is first translated.

    Raises:
        ConfigError: unknown engine or option.
        EngineUnavailable: its package or model is missing; the message names the fix.
    """
    source, _, task = str(options.get("parallel", "")).partition(":")
    if source != "world":
        return translate.engine(name, **options) if trusted else engine_of_spec(name, options, planning=planning)
    others = {key: value for key, value in options.items() if key != "parallel"}
    revision = f"{options['parallel']}@{world.REVISION}"
    return translate.engine(name, entries=_world_text(task), revision=revision, **others)


def _world_text(task: str) -> Iterator[world.Aligned]:
    for split in world.SPLITS:
        yield from world.parallel(task, split)
