"""What finished steps tell: how long they took for how much work, and what of the work is known only afterwards.

They are read from the cache and from run directories.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from crossfare import run_folder
from crossfare.data import artifact
from crossfare.data import collection as collections
from crossfare.data.collection import is_collection, read_header
from crossfare.errors import DataError, StaleArtifact
from crossfare.experiment.files import read_predictions
from crossfare.experiment.forecast import answers, tokens
from crossfare.experiment.forecast.keys import answer_keys, called, keys
from crossfare.experiment.forecast.rates import PROVIDER, UNITS, Observation
from crossfare.experiment.forecast.work import labels
from crossfare.experiment.rehearse import searched
from crossfare.ledger import Book, Catalogue
from crossfare.store import Store
from crossfare.strict import parse_json, read_json
from crossfare.translate import texts_of
from crossfare.types import Dataset, Step, Usage

K = TypeVar("K")

HERE = "measured here"

_LONGEST_HEADER = 100_000_000  # bytes, as safetensors itself has it


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
    ``answers`` has the characters translated for answers that were projected back, for each of a gold answer;
    ``searched`` the share of the answers that a cascade translated by themselves, by engine and languages.
    """

    observations: dict[str, Observation] = field(default_factory=dict)
    ratios: dict[tuple[str, str], list[tuple[str, float]]] = field(default_factory=lambda: defaultdict(list))
    stretches: dict[tuple[str, str], list[tuple[str, float]]] = field(default_factory=lambda: defaultdict(list))
    answers: dict[str, list[tuple[str, float]]] = field(default_factory=lambda: defaultdict(list))
    searched: dict[tuple[str, ...], list[tuple[str, float]]] = field(default_factory=lambda: defaultdict(list))
    latencies: list[Timed] = field(default_factory=list)
    translated: dict[str, list[tuple[Step, Usage, str]]] = field(default_factory=lambda: defaultdict(list))
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
            DataError: it is no run directory, or was changed since.
        """
        if not (folder / "ledger.jsonl").is_file():
            raise DataError(f"{folder}: not a run directory (it has no ledger.jsonl); give what `crossfare run` wrote")
        run_folder.verify(folder)
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

    def mean_searched(self, without: Iterable[str] = ()) -> dict[tuple[str, ...], float]:
        """The share of answers that a cascade translates by themselves, by engine, source and target."""
        return _means(self.searched, set(without))

    def known_answers(self, without: Iterable[str] = ()) -> dict[str, list[float]]:
        """Characters translated for those of gold answers, by what projects them back (see `answer_keys`)."""
        left = set(without)
        kept = {key: [value for step_id, value in found if step_id not in left] for key, found in self.answers.items()}
        return {key: values for key, values in kept.items() if values}

    def _read(self, path: Path, store: Store, where: str, usage: Usage | None) -> None:
        try:
            store.check(path.name)
            step = read_step(path)
            used = usage or store.usage(path.name)
            self._learn(step, used, store, where)
        except (OSError, ValueError, KeyError, TypeError, StaleArtifact, DataError):
            self.unreadable.append(path.name)

    def _learn(self, step: Step, usage: Usage, store: Store, where: str) -> None:
        folder = store.artifact(step.id)
        if step.stage == "latency":
            found = tuple(read_json(folder / "latency.json"))
            self.latencies.append(Timed(step, found, _request_characters(step, store), where, usage.seconds))
        if "engine" in step.params and isinstance(step.params["engine"], dict):
            self.translated[str(step.params["engine"]["name"])].append((step, usage, where))
        if step.stage == "translate":
            self._learn_stretch(step, store)
        if step.stage == "translate":
            self._learn_searched(step, store)
        if step.stage == "back-project" and step.params["engine"]:
            self._learn_answers(step, usage, store)
        measure = _amount(step, usage, store)
        timed = usage.hardware != PROVIDER or usage.served_seconds is not None
        if measure is None or usage.seconds is None or usage.hardware is None or not timed or not measure[0]:
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

    def _learn_searched(self, step: Step, store: Store) -> None:
        """How many answers a cascade had to search for."""
        if step.params.get("projection", {}).get("method") != "cascade":
            return
        record = read_json(store.artifact(step.id) / "yield.json")
        if (share := searched(record["report"])) is not None:
            name, languages = str(step.params["engine"]["name"]), (step.params["source"], step.params["target"])
            self.searched[name, *languages].append((step.id, share))
            self.searched[name,].append((step.id, share))

    def _learn_answers(self, step: Step, usage: Usage, store: Store) -> None:
        """What was translated to project answers back."""
        gold = sum(map(len, answers.gold(_dataset(store, step.inputs["data"][0])))) * int(step.params["n_best"])
        if gold:
            for key in answer_keys(step, lambda step_id: _find(store, step_id)):
                self.answers[key].append((step.id, (usage.characters or 0) / gold))

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


def read_step(path: Path) -> Step:
    """A finished step as it describes itself."""
    values = read_json(path / "step.json")
    inputs = {role: tuple(ids) for role, ids in values["inputs"].items()}
    return Step(values["stage"], values["params"], inputs, values["version"], values["label"])


def parameters(folder: Path) -> int | None:
    """The number of a checkpoint's weights without its embeddings; None if it has no safetensors file."""
    try:
        with (folder / "model.safetensors").open("rb") as file:
            length = min(int.from_bytes(file.read(8), "little"), _LONGEST_HEADER)
            header = parse_json(file.read(length), f"{folder}, header")
        kept = [each["shape"] for name, each in header.items() if name != "__metadata__" and "embed" not in name]
        total = sum(int(math.prod(shape)) for shape in kept)
    except (OSError, DataError, AttributeError, KeyError, TypeError, ValueError):
        return None
    return total if total else None


def _means(found: Mapping[K, Sequence[tuple[str, float]]], left: set[str]) -> dict[K, float]:
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
    found = read_json(store.artifact(step.id) / "latency.json")
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


def _characters(example: Any) -> int:
    return sum(map(len, texts_of(example)))
