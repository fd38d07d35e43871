"""A spec from what a user can tell before there is one: how many examples, how long, through which engine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from crossfare import data, translate
from crossfare.errors import ConfigError, PriceError
from crossfare.experiment.methods import METHODS
from crossfare.experiment.spec import Spec
from crossfare.experiment.stages.work import Material, Passages
from crossfare.ledger import Catalogue
from crossfare.tasks import TASKS, task_named
from crossfare.translate.engines import declared
from crossfare.types import Dataset, TaskName

_SHOWN = 500
"""Examples that stand for all where only their number and length are stated."""

_TEST_EXAMPLES = 1000
_SIZE = re.compile(r"(\d+(?:\.\d+)?)([MB])")
_REF = "hub:plan/stated-"
_WORDS = "so many words as it takes to make a text of such a length "


@dataclass(frozen=True, slots=True)
class Stated:
    """What was stated of a comparison.

    ``characters`` are those of one example: premise and hypothesis, context and question, or a query.
    ``train`` and ``test`` are files to count instead; what is asked when serving is taken to be like the
    training set where it is not given. ``engines`` are engines by name, or offers that bill characters or tokens.
    ``model`` is a reference, or a size such as "110M".
    """

    task: str
    targets: tuple[str, ...]
    source: str = "en"
    examples: int | None = None
    characters: int | None = None
    train: str | Path | None = None
    test: str | Path | None = None
    gold: int | None = None
    engines: tuple[str, ...] = ()
    translation_model: str | None = None
    model: str | None = None
    methods: tuple[str, ...] = ()
    passages: int | None = None
    passage_characters: int | None = None


@dataclass(frozen=True, slots=True)
class StatedSpec:
    """The spec, the materials that stand for its references, and the sizes of models known by nothing else."""

    spec: Spec
    given: Mapping[str, Material | Passages]
    sizes: Mapping[str, int]


def stated_spec(stated: Stated) -> StatedSpec:
    """Make a spec of what was stated.

    Raises:
        ConfigError: something that is needed was not stated, or does not exist.
    """
    task = _task(stated)
    given: dict[str, Material | Passages] = {}
    train, test = _data(stated, task, given)
    values: dict[str, Any] = {"train": train, "test": test}
    if stated.gold:
        given[f"{_REF}gold"] = material(stated, task, stated.gold, stated.targets[0], training=True)
        values["gold"] = f"{_REF}gold"
    if TASKS[task].searches:
        _add_passages(stated, given)
    model = stated.model or "model"
    size = _SIZE.fullmatch(model)
    sizes = {model: round(float(size[1]) * {"M": 1e6, "B": 1e9}[size[2]])} if size else {}
    try:
        spec = Spec.model_validate(
            {
                "name": "plan",
                "source": stated.source,
                "targets": stated.targets,
                "tasks": {task: values},
                "methods": stated.methods or _methods(stated, task),
                "models": {"target-encoder": model, "source-encoder": model},
                "engines": {name: _engine(name, stated) for name in stated.engines},
                "latency": {"repeats": 10},
                "data_dir": Path.cwd(),
            }
        )
    except ValidationError as error:
        problem = error.errors()[0]
        raise ConfigError(f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}") from error
    return StatedSpec(spec, given, sizes)


def _task(stated: Stated) -> TaskName:
    task_named(stated.task)
    if not stated.targets:
        raise ConfigError("name the target languages with --targets, such as --targets pt,de")
    return stated.task


def _data(
    stated: Stated, task: TaskName, given: dict[str, Material | Passages]
) -> tuple[str | dict[str, Any], str | dict[str, Any]]:
    """The references of the training and the test set."""
    if stated.train is not None:
        train: str = str(Path(stated.train).resolve())
    elif stated.examples and stated.characters:
        train = f"{_REF}train"
        given[train] = material(stated, task, stated.examples, stated.source, training=True)
    else:
        raise ConfigError("give --examples and --characters (of one example), a file to count with --data, or a spec")
    beside = {"collection": f"{_REF}collection"} if TASKS[task].searches else {}
    if stated.test is not None:
        return train, {"ref": str(Path(stated.test).resolve()), **beside}
    if stated.characters:
        given[f"{_REF}test"] = material(stated, task, _TEST_EXAMPLES, stated.targets[0], training=False)
        return train, {"ref": f"{_REF}test", **beside}
    if TASKS[task].searches:
        raise ConfigError("give --characters (of a query), or a file of queries with --test")
    loaded = data.load(train, task=task, language=stated.source, split="train").dataset
    given[f"{_REF}test"] = Material(replace(loaded, language=stated.targets[0]), exact=False)
    return train, f"{_REF}test"


def material(stated: Stated, task: TaskName, count: int, language: str, *, training: bool) -> Material:
    """So many examples of the length stated, shown by a few."""
    shown = min(count, _SHOWN)
    length, passage = stated.characters or 0, stated.passage_characters or 0
    examples = tuple(
        TASKS[task].stated(number, length, _text, passage=passage, training=training) for number in range(shown)
    )
    dataset = Dataset("stated", task, "train" if training else "test", language, examples)
    return Material(dataset, copies=count / shown, stated=True)


def _text(number: int, length: int) -> str:
    """A text of exactly so many characters, none of them outer blanks, unlike that of other numbers."""
    text = (f"{number} " + _WORDS * (length // len(_WORDS) + 1))[:length]
    return text if text == text.strip() else text.rstrip() + "." * (length - len(text.rstrip()))


def _add_passages(stated: Stated, given: dict[str, Material | Passages]) -> None:
    if not stated.passages or not stated.passage_characters:
        raise ConfigError("ranking needs --passages (how many) and --passage-characters (of one)")
    characters = stated.passages * stated.passage_characters
    some = tuple(_text(number, stated.passage_characters) for number in range(min(stated.passages, _SHOWN)))
    given[f"{_REF}collection"] = Passages(stated.passages, characters, stated.targets[0], some=some)


def _engine(name: str, stated: Stated) -> dict[str, Any]:
    if name in {info.name for info in translate.engines()}:
        if declared(name).weights:
            return {"engine": name, "models": {"*": stated.translation_model or "model"}}
        return {"engine": name}
    try:
        price = Catalogue.load().get(name)
    except PriceError as error:
        known = ", ".join(info.name for info in translate.engines())
        raise ConfigError(f"--engine {name}: neither an engine ({known}) nor an offer: {error}") from error
    if price.unit not in {"character", "token"}:
        raise ConfigError(
            f"--engine {name}: this offer bills by the {price.unit}; name one that bills characters or tokens"
        )
    tags = {"projection": "tags"}  # of the ways to carry answers the dearest that a service is used with
    kind = next((info.kind for info in translate.engines() if info.offer == name), None)  # of the service that asks it
    return {"engine": "echo", "options": {"name": name}, "price": name, "kind": kind, **tags}


def _methods(stated: Stated, task: TaskName) -> tuple[str, ...]:
    """The paper's methods, as far as what they need was stated."""
    found = ["zero-shot", "translate-train", "in-language"]
    found += [name for name in METHODS if name.startswith("translate-infer")]
    rows = [METHODS[name] for name in METHODS if name in found]
    return tuple(
        row.name
        for row in rows
        if task in row.tasks
        and (stated.gold or "target" not in row.train_on)
        and (stated.engines or not row.translates)
    )
