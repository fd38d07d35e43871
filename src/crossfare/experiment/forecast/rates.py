"""How long a unit of work takes: learnt from finished steps, stated by the user, or published.

A rate is seconds of a device per translated character, per token read, per query. It is looked up by
what the step does, from its own engine or model to coarser kin, always on one kind of hardware.
"""

from __future__ import annotations

import json
import math
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crossfare.data import artifact
from crossfare.data import collection as collections
from crossfare.data.collection import is_collection, read_header
from crossfare.errors import ConfigError, DataError, StaleArtifact
from crossfare.experiment.files import read_predictions
from crossfare.experiment.forecast import tokens
from crossfare.ledger import Book, Catalogue
from crossfare.store import Store
from crossfare.translate import texts_of
from crossfare.types import Dataset, QAExample, Step, Usage, digest

HERE = "measured here"

# What of the hyperparameters changes how long a token takes, not how many there are.
_COSTLY = ("batch_size", "max_length", "crop", "freeze_layers", "freeze_embeddings", "precision", "optimizer", "loss")

_ANY = "any"

# Stages that do the same work.
_FAMILIES = {"translate-collection": "translate", "translate-candidates": "translate"}

# One measurement has no spread of its own, and kin are not the same: what is assumed instead.
_ALONE = 0.25
_KIN = 0.5

# Sizes that differ by this factor tell what a step takes whatever its size.
_APART = 1.5


@dataclass(frozen=True, slots=True)
class Rate:
    """Seconds per ``unit`` of work: the least, the expected and the most that is reckoned with.

    ``fixed`` seconds come on top of each step, whatever its size. ``offer`` prices these seconds if
    they are of other hardware than the run's.
    """

    low: float
    expected: float
    high: float
    unit: str
    source: str
    offer: str | None = None
    fixed: float = 0.0


@dataclass(frozen=True, slots=True)
class Observation:
    """A finished step: what it did (``keys``, from the finest), how much of it, and in what time."""

    step_id: str
    stage: str
    keys: tuple[str, ...]
    hardware: str
    seconds: float
    amount: float
    unit: str
    where: str
    parameters: int | None = None


def keys(step: Step, find: Callable[[str], Step | None]) -> tuple[str, ...]:
    """What a step's speed depends on, from its own settings to its kin; `_KIN_OF` says what each leaves open."""
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
    back = params if step.stage == "back-project" else params.get("back")
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


def called(model: Step) -> str:
    """What a fine-tuning's label calls its model."""
    found = _NAMED.search(model.label)
    return f"called {found[1]}" if found else "unnamed"


_NAMED = re.compile(r"fine-tune (.+) on ")
_MODEL_KIN = ("", "the model by its name", *["other settings"] * 2, *["another task"] * 2)
_KIN_OF = {
    "translate": ("", "another direction", "another model"),
    "latency": ("", "another direction", "another model"),
    "finetune": _MODEL_KIN,
    "predict": _MODEL_KIN,
    "score": ("", "other options"),
    "back-project": ("", "another direction", "another model"),
}


@dataclass(frozen=True, slots=True)
class Timed:
    """A finished timing of requests: one record a batch size, the characters of a request, device-seconds in all."""

    step: Step
    found: tuple[dict[str, Any], ...]
    characters: float
    where: str
    seconds: float | None = None


@dataclass(slots=True)
class Measurements:
    """What finished steps tell: observations, tokens per character, characters out per character in.

    ``translated`` has what translations used by the engine's name: (step, usage, where it was run).
    ``answers`` has the characters translated for an answer that was projected back.
    """

    observations: dict[str, Observation] = field(default_factory=dict)
    ratios: dict[tuple[str, str], list[tuple[str, float]]] = field(default_factory=lambda: defaultdict(list))
    stretches: dict[tuple[str, str], list[tuple[str, float]]] = field(default_factory=lambda: defaultdict(list))
    answers: dict[str, list[tuple[str, float]]] = field(default_factory=lambda: defaultdict(list))
    latencies: list[Timed] = field(default_factory=list)
    translated: dict[str, list[tuple[str, Usage, str]]] = field(default_factory=lambda: defaultdict(list))
    unreadable: list[str] = field(default_factory=list)

    def read_store(self, store: Store, *, skip: frozenset[str] = frozenset()) -> None:
        """Learn from every finished step of a cache but those named."""
        folder = store.root / "steps"
        if folder.is_dir():
            for path in sorted(folder.iterdir()):
                if path.name not in skip and (path / "done").exists():
                    self._read(path, store, HERE, None)

    def read_run(self, folder: Path) -> None:
        """Learn from the steps of a run directory; those whose files are gone are counted in ``unreadable``.

        Raises:
            DataError: it is no run directory.
        """
        if not (folder / "ledger.jsonl").is_file():
            raise DataError(f"{folder}: not a run directory (it has no ledger.jsonl); give what `crossfare run` wrote")
        where = f"measured in run {folder.name}"
        for entry in Book.read(folder / "ledger.jsonl", Catalogue(()), {}):
            path = folder / "steps" / entry.step_id
            if not (path / "step.json").is_file():
                self.unreadable.append(entry.step_id)
                continue
            real = path.resolve()
            self._read(real, Store(real.parent.parent), where, entry.usage)

    def mean_ratios(self, without: Iterable[str] = ()) -> dict[tuple[str, str], float]:
        """Tokens per character by model revision and language."""
        return _means(self.ratios, set(without))

    def mean_stretches(self, without: Iterable[str] = ()) -> dict[tuple[str, str], float]:
        """Characters out per character in by languages."""
        return _means(self.stretches, set(without))

    def mean_answers(self, without: Iterable[str] = ()) -> dict[str, float]:
        """Characters translated for an answer projected back, by what does it."""
        left = set(without)
        kept = {key: [value for step_id, value in found if step_id not in left] for key, found in self.answers.items()}
        return {key: sum(values) / len(values) for key, values in kept.items() if values}

    def _read(self, path: Path, store: Store, where: str, usage: Usage | None) -> None:
        try:
            step = read_step(path)
            used = usage or store.usage(path.name)
            self._learn(step, used, store, where)
        except (OSError, ValueError, KeyError, TypeError, StaleArtifact, DataError):
            self.unreadable.append(path.name)

    def _learn(self, step: Step, usage: Usage, store: Store, where: str) -> None:
        folder = store.artifact(step.id)
        if step.stage == "latency":
            found = tuple(json.loads((folder / "latency.json").read_text(encoding="utf-8")))
            self.latencies.append(Timed(step, found, _request_characters(step, store), where, usage.seconds))
        if "engine" in step.params and isinstance(step.params["engine"], dict):
            self.translated[str(step.params["engine"]["name"])].append((step.id, usage, where))
        if step.stage == "translate":
            self._learn_stretch(step, store)
        measure = _amount(step, usage, store)
        if step.stage == "back-project" and measure and measure[0]:
            for key in keys(step, lambda _: None):
                self.answers[key].append((step.id, (usage.characters or 0) / measure[0]))
        if measure is None or usage.seconds is None or usage.hardware in (None, "provider") or not measure[0]:
            return
        if step.stage in {"predict", "finetune"}:
            self._learn_ratio(step, usage, store)
        amount, unit = measure
        own = keys(step, lambda step_id: _find(store, step_id))
        model = {"finetune": step.id, "predict": step.inputs.get("model", ("",))[0]}.get(step.stage)
        size = parameters(store.artifact(model)) if model else None
        self.observations[step.id] = Observation(
            step.id, step.stage, own, str(usage.hardware), usage.seconds, amount, unit, where, size
        )

    def _learn_stretch(self, step: Step, store: Store) -> None:
        source, made = (_dataset(store, name) for name in (step.inputs["data"][0], step.id))
        kept = {example.id for example in made.examples}
        before = sum(_characters(example) for example in source.examples if example.id in kept)
        after = sum(map(_characters, made.examples))
        if before and after:
            self.stretches[source.language, made.language].append((step.id, after / before))

    def _learn_ratio(self, step: Step, usage: Usage, store: Store) -> None:
        """Tokens per character of a model that read a single dataset."""
        if usage.input_tokens is None or step.params["task"] == "ranking":
            return
        total, model = float(usage.input_tokens), step
        if step.stage == "finetune":
            if len(step.inputs["train"]) != 1:
                return
            dataset, settings = _dataset(store, step.inputs["train"][0]), step.params["training"]
            examples = dataset.examples

            def count(ratio: float) -> float:
                read, features = tokens.training_tokens(examples, ratio, settings)
                return read * tokens.epochs(settings, features)
        else:
            found = _find(store, step.inputs["model"][0])
            if found is None:
                return
            dataset, options = _dataset(store, step.inputs["data"][0]), step.params["options"]
            examples, model = dataset.examples, found

            def count(ratio: float) -> float:
                return tokens.inference_tokens(examples, ratio, options)

        solved = tokens.solve(total, count)
        if solved is not None:
            for name in (str(model.params["model"]), called(model)):
                self.ratios[name, dataset.language].append((step.id, solved))


class Rates:
    """Rates by what a step does; stated ones come before measured ones, published ones last.

    ``sizes`` are the parameters of models that are known by their size alone: their rates are
    scaled from those of measured models.
    """

    def __init__(
        self,
        observations: Iterable[Observation],
        *,
        stated: Mapping[str, Rate] | None = None,
        published: Sequence[tuple[str, str, Rate]] = (),
        sizes: Mapping[str, int] | None = None,
    ) -> None:
        self._by_key: dict[tuple[str, str, str], list[Observation]] = defaultdict(list)
        for each in observations:
            for key in (*each.keys, _ANY):
                self._by_key[_FAMILIES.get(each.stage, each.stage), key, each.hardware].append(each)
        self.stated = dict(stated or {})
        self.published = tuple(published)
        self.sizes = dict(sizes or {})

    def find(
        self, step: Step, name: str, own: Sequence[str], hardware: str, without: Collection[str] = ()
    ) -> Rate | None:
        """The rate of a step on some hardware; ``name`` is what the spec calls its engine or its model.

        Measurements of the steps ``without`` are not looked at. None if no rate is known.
        """
        family = _FAMILIES.get(step.stage, step.stage)
        for asked in dict.fromkeys((step.stage, family)):
            if (stated := self.stated.get(f"{asked}:{name}") or self.stated.get(asked)) is not None:
                return stated
        task = str(step.params.get("task", ""))
        for level, key in enumerate(own):
            found = [each for each in self._by_key[family, key, hardware] if each.step_id not in without]
            if found:
                return _pooled(found, _KIN_OF.get(family, ("",))[level])
        if name in self.sizes:
            known = [
                each for each in self._by_key[family, _ANY, hardware] if each.parameters and each.step_id not in without
            ]
            alike = [each for each in known if each.keys[0].startswith(f"{task} ")]
            if known:
                return _scaled(alike or known, self.sizes[name])
        return next((rate for stage, of, rate in self.published if (stage, of) == (step.stage, task)), None)


def parse(texts: Sequence[str]) -> dict[str, Rate]:
    """Rates stated as ``STAGE[:NAME]=SECONDS`` or ``STAGE[:NAME]=LOW,EXPECTED,HIGH``.

    Tokens per character are stated under the name "tokens", a language model's tokens of instruction per request
    under "prompt".

    Raises:
        ConfigError: one is not of that form.
    """
    found = {}
    for text in texts:
        name, equals, value = text.rpartition("=")
        stage = name.partition(":")[0]
        try:
            numbers = [float(part) for part in value.split(",")]
        except ValueError:
            numbers = []
        ordered = len(numbers) in (1, 3) and all(0 <= n < float("inf") for n in numbers) and numbers == sorted(numbers)
        if not equals or stage not in {*UNITS, TOKENS, PROMPT} or not ordered:
            known = ", ".join(f"{stage} (per {unit})" for stage, unit in UNITS.items())
            raise ConfigError(
                f"--rate takes STAGE=SECONDS or STAGE:NAME=LOW,EXPECTED,HIGH, not {text!r}; stages: {known}, and "
                f"{TOKENS}=0.25 for tokens per character, {PROMPT}=60 for a language model's tokens of instruction"
            )
        low, expected, high = numbers if len(numbers) == 3 else numbers * 3
        found[name] = Rate(low, expected, high, UNITS.get(stage, "character"), "stated")
    return found


UNITS: Mapping[str, str] = {
    "translate": "character",
    "translate-collection": "character",
    "translate-candidates": "character",
    "latency": "character",
    "finetune": "token",
    "predict": "token",
    "back-project": "query",
    "ensemble": "query",
    "embed": "token",
    "retrieve": "query",
    "mine": "query",
    "index": "character",
    "collection": "character",
    "score": "label",
}
"""What each stage's rate is per."""

TOKENS = "tokens"
"""The name under which tokens per character are stated."""

PROMPT = "prompt"
"""The name under which a language model's tokens of instruction per request are stated."""


def read_step(path: Path) -> Step:
    """A finished step as it describes itself."""
    values = json.loads((path / "step.json").read_text(encoding="utf-8"))
    inputs = {role: tuple(ids) for role, ids in values["inputs"].items()}
    return Step(values["stage"], values["params"], inputs, values["version"], values["label"])


def _pooled(found: Sequence[Observation], kin: str) -> Rate:
    fixed, expected = _fitted(found)
    each = [max(0.0, one.seconds - fixed) / one.amount for one in found]
    spread = _KIN if kin.startswith(("another", "other")) else _ALONE if len(found) == 1 else 0.0
    low, high = min(*each, expected * (1 - spread)), max(*each, expected * (1 + spread))
    wheres = dict.fromkeys(one.where for one in found)
    steps = f"{len(found)} step{'s' if len(found) > 1 else ''}"
    source = f"{', '.join(wheres)} ({steps}{', ' if kin else ''}{kin})"
    return Rate(low, expected, high, found[0].unit, source, fixed=fixed)


def _fitted(found: Sequence[Observation]) -> tuple[float, float]:
    """Seconds of a step of no size, and seconds per unit: a line where sizes differ enough to tell, else a ratio."""
    seconds, amounts = sum(one.seconds for one in found), sum(one.amount for one in found)
    ratio = seconds / amounts
    sizes = [one.amount for one in found]
    if len(found) < 3 or max(sizes) < _APART * min(sizes):
        return 0.0, ratio
    # Weighted so that small steps count as much as large ones: it is relative errors that matter.
    weights = [1 / one.seconds**2 if one.seconds else 0.0 for one in found]
    total = sum(weights)
    if not total:
        return 0.0, ratio
    mean_s = sum(w * one.seconds for w, one in zip(weights, found, strict=True)) / total
    mean_a = sum(w * one.amount for w, one in zip(weights, found, strict=True)) / total
    spread = sum(w * (one.amount - mean_a) ** 2 for w, one in zip(weights, found, strict=True))
    slope = (
        sum(w * (one.amount - mean_a) * (one.seconds - mean_s) for w, one in zip(weights, found, strict=True)) / spread
    )
    fixed = mean_s - slope * mean_a
    return (fixed, slope) if slope > 0 and fixed > 0 else (0.0, ratio)


def _scaled(found: Sequence[Observation], size: int) -> Rate:
    """Seconds per token in proportion to the number of parameters, within a factor of two."""
    per_parameter = [each.seconds / each.amount / each.parameters for each in found if each.parameters]
    expected = size * sum(per_parameter) / len(per_parameter)
    wheres = ", ".join(dict.fromkeys(each.where for each in found))
    return Rate(expected / 2, expected, expected * 2, found[0].unit, f"{wheres}, scaled by model size")


def parameters(folder: Path) -> int | None:
    """The number of a checkpoint's weights without its embeddings; None if it has no safetensors file."""
    try:
        with (folder / "model.safetensors").open("rb") as file:
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    except (OSError, ValueError):
        return None
    kept = [each["shape"] for name, each in header.items() if name != "__metadata__" and "embed" not in name]
    total = sum(int(math.prod(shape)) for shape in kept)
    return total if total else None


def _means(
    found: Mapping[tuple[str, str], Sequence[tuple[str, float]]], left: set[str]
) -> dict[tuple[str, str], float]:
    kept = {key: [value for step_id, value in values if step_id not in left] for key, values in found.items()}
    return {key: sum(values) / len(values) for key, values in kept.items() if values}


def _amount(step: Step, usage: Usage, store: Store) -> tuple[float, str] | None:
    """How much a finished step did, in the unit of its stage's rate."""
    unit = UNITS.get(step.stage)
    match step.stage:
        case "translate" | "translate-collection" | "translate-candidates":
            amount: float | None = usage.characters
        case "finetune" | "predict" | "embed":
            amount = usage.input_tokens
        case "score":
            amount = labels(_dataset(store, step.inputs["data"][0]))
        case "back-project":
            amount = float(_lines(store, step.inputs["data"][0])) * int(step.params["n_best"])
        case "retrieve" | "mine" | "ensemble":
            amount = float(_lines(store, step.inputs["data"][0]))
        case "index" | "collection":
            name = step.id if step.stage == "collection" else step.inputs["passages"][0]
            folder = store.artifact(name)
            amount = float(read_header(folder).characters) if is_collection(folder) else None
        case "latency":
            amount = _timed_characters(step, store)
        case _:
            return None
    return None if amount is None or unit is None else (float(amount), unit)


def _timed_characters(step: Step, store: Store) -> float:
    """Characters translated while timing: as many requests as were made, at their mean length."""
    mean = _request_characters(step, store)
    found = json.loads((store.artifact(step.id) / "latency.json").read_text(encoding="utf-8"))
    warmup = step.params["asked"]["warmup"]
    return mean * float(sum((each["n"] + warmup) * each["batch_size"] for each in found))


def _request_characters(step: Step, store: Store) -> float:
    """Mean characters of a request; in ranking by strategy 2, its candidates are sent too."""
    dataset = _dataset(store, step.inputs["data"][0])
    total = sum(map(_characters, dataset.examples))
    if "candidates" in step.inputs:
        found = read_predictions(step, store, "candidates")
        with collections.Collection.open(store.artifact(step.inputs["passages"][0])) as passages:
            total += sum(len(passages[name]) for run in found for name, _ in run.scores)
    return total / len(dataset)


def _find(store: Store, step_id: str) -> Step | None:
    path = store.folder(step_id)
    return read_step(path) if (path / "step.json").is_file() else None


def _dataset(store: Store, step_id: str) -> Dataset:
    return artifact.read(store.artifact(step_id))


def _lines(store: Store, step_id: str) -> int:
    with (store.artifact(step_id) / artifact.FILE_NAME).open("rb") as lines:
        return sum(1 for _ in lines) - 1


def labels(dataset: Dataset) -> float:
    """What is compared in scoring: every gold answer, or one label an example."""
    return float(sum(len(each.answers) if isinstance(each, QAExample) else 1 for each in dataset.examples))


def _characters(example: Any) -> int:
    return sum(map(len, texts_of(example)))
