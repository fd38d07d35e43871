"""Make the engines a spec names. The one place that knows both translation and the embedded data."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from crossfare import translate
from crossfare.types import Engine

if TYPE_CHECKING:
    from crossfare.data import world


def make_engine(name: str, options: dict[str, Any]) -> Engine:
    """Make an engine by its registered name.

    The option ``parallel: world`` hands the reference engine the embedded parallel text.

    Raises:
        ConfigError: unknown engine or option.
        EngineUnavailable: its package or model is missing; the message names the fix.
    """
    if options.get("parallel") == "world":
        others = {key: value for key, value in options.items() if key != "parallel"}
        return translate.engine(name, entries=_world_entries(), **others)
    return translate.engine(name, **options)


@lru_cache(maxsize=1)
def _world_entries() -> tuple[world.Aligned, ...]:
    from crossfare.data import world

    return tuple(
        entry
        for task in ("qa", "nli", "ranking")
        for split in ("train", "validation", "test")
        for entry in world.parallel(task, split)
    )
