"""What a step's speed depends on, from its own settings to its kin: the keys that measurements are found by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from crossfare.types import Step

Find = Callable[[str], Step | None]

ENGINE_KIN = ("", "another direction", "another model")
"""What each of `engine_keys` leaves open."""
MODEL_KIN = ("", "the model by its name", *["other settings"] * 2, *["another task"] * 2)
"""What each of `model_keys` leaves open."""


def engine_keys(step: Step, back: Mapping[str, Any] | None = None) -> tuple[str, ...]:
    """An engine in one direction, in any, and by its name; and how it finds answers again, if it does (``back``)."""
    params, engine = step.params, step.params["engine"] or {"name": "", "revision": ""}
    how = f" {'+'.join(back['ways'])} {back['aligner']}" if back else ""
    own = f"{engine['name']}@{engine['revision']}{how}"
    return (f"{own} {params['source']}-{params['target']}", own, f"{engine['name']}{how}")


def model_keys(model: Step, task: str, settings: str) -> tuple[str, ...]:
    """A model by its revision, and by its name where the weights are not here to be recognised."""
    revision, name = str(model.params["model"]), called(model)
    return (
        f"{task} {revision} {settings}",
        f"{task} {name} {settings}",
        f"{task} {revision}",
        f"{task} {name}",
        revision,
        name,
    )


def answer_keys(step: Step, find: Find) -> tuple[str, ...]:
    """What translating answers back depends on, from its own settings to any engine's.

    Which model answers tells more than the direction: how long wrong answers are is its own.
    """
    params, engine = step.params, step.params["engine"] or {"name": "", "revision": ""}
    how = f"{'+'.join(params['ways'])} {params['aligner']}"
    direction, several = f"{params['source']}-{params['target']}", f"{params['n_best']} best"
    own, name = f"{engine['name']}@{engine['revision']} {how} {direction}", f"{engine['name']} {how}"
    predict = find(step.inputs["predictions"][0])
    model = find(predict.inputs["model"][0]) if predict else None
    answering = called(model) if model else "unnamed"
    return (
        f"{own} {several} {answering}",
        f"{name} {several} {answering}",
        f"{own} {several}",
        own,
        f"{name} {several}",
        name,
        how,
    )


def called(model: Step) -> str:
    """What the model of a fine-tuning is called, as a key."""
    return f"called {model.name}" if model.name else "unnamed"
