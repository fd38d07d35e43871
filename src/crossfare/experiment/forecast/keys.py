"""What a step's speed depends on, from its own settings to its kin: the keys that measurements are found by."""

from __future__ import annotations

import re
from collections.abc import Callable

from crossfare.types import Step, digest

Find = Callable[[str], Step | None]

# What of the hyperparameters changes how long a token takes, not how many there are.
_COSTLY = ("batch_size", "max_length", "crop", "freeze_layers", "freeze_embeddings", "precision", "optimizer", "loss")


def keys(step: Step, find: Find) -> tuple[str, ...]:
    """What a step's speed depends on, from its own settings to its kin; `KIN_OF` says what each leaves open."""
    params = step.params
    match step.stage:
        case "translate" | "translate-collection" | "translate-candidates" | "latency" | "back-project":
            return _engine_keys(step)
        case "finetune":
            settings = digest({name: params["training"].get(name) for name in _COSTLY}, 8)
            return _model_keys(step, str(params["task"]), settings)
        case "predict":
            model = find(step.inputs["model"][0])
            longest = str(params["options"].get("max_length"))
            return _model_keys(model, str(params["task"]), longest) if model else ()
        case "embed":
            return (str(params["model"]),)
        case "score":
            return (f"{params['task']} {digest(params['options'], 8)}", str(params["task"]))
        case _:
            return ("",)


def _engine_keys(step: Step) -> tuple[str, ...]:
    """An engine in one direction, in any, and by its name; and how it finds answers again, if it does."""
    params, engine = step.params, step.params["engine"] or {"name": "", "revision": ""}
    back = {"back-project": params, "latency": params.get("back")}.get(step.stage)
    how = f" {'+'.join(back['ways'])} {back['aligner']}" if back else ""
    own = f"{engine['name']}@{engine['revision']}{how}"
    return (f"{own} {params['source']}-{params['target']}", own, f"{engine['name']}{how}")


def _model_keys(model: Step, task: str, settings: str) -> tuple[str, ...]:
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
    """What a fine-tuning's label calls its model."""
    found = _NAMED.search(model.label)
    return f"called {found[1]}" if found else "unnamed"


_NAMED = re.compile(r"fine-tune (.+) on ")
_MODEL_KIN = ("", "the model by its name", *["other settings"] * 2, *["another task"] * 2)
KIN_OF = {
    "translate": ("", "another direction", "another model"),
    "latency": ("", "another direction", "another model"),
    "finetune": _MODEL_KIN,
    "predict": _MODEL_KIN,
    "score": ("", "other options"),
    "back-project": ("", "another direction", "another model"),
}
