"""What finished steps tell: how long they took for how much work, and what of the work is known only afterwards.

They are read from the cache and from run directories.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from crossfare import run_folder
from crossfare.errors import DataError, StaleArtifact
from crossfare.experiment.files import read_step
from crossfare.experiment.forecast.rates import Observation
from crossfare.experiment.stages import STAGES
from crossfare.experiment.stages.work import Timed
from crossfare.ledger import read_entries
from crossfare.meter import PROVIDER
from crossfare.store import Store
from crossfare.strict import read_json
from crossfare.types import Step, Usage

K = TypeVar("K")

HERE = "measured here"

_LONGEST_HEADER = 100_000_000  # bytes, as safetensors itself has it


@dataclass(slots=True)
class Measurements:
    """What finished steps tell: observations, tokens per character, characters out per character in.

    ``translated`` has what translations used by the engine's name: (step, usage, where it was run).
    ``answers`` has the characters translated for answers that were projected back, for each of a gold answer;
    ``searched`` the share of the answers that a cascade translated by themselves, by engine and languages.
    ``where`` and ``machine`` say of what is being read where it was run, and on what, as far as a step does not say so.
    """

    observations: dict[str, Observation] = field(default_factory=dict)
    ratios: dict[tuple[str, str], list[tuple[str, float]]] = field(default_factory=lambda: defaultdict(list))
    stretches: dict[tuple[str, str], list[tuple[str, float]]] = field(default_factory=lambda: defaultdict(list))
    answers: dict[str, list[tuple[str, float]]] = field(default_factory=lambda: defaultdict(list))
    searched: dict[tuple[str, ...], list[tuple[str, float]]] = field(default_factory=lambda: defaultdict(list))
    latencies: list[Timed] = field(default_factory=list)
    translated: dict[str, list[tuple[Step, Usage, str]]] = field(default_factory=lambda: defaultdict(list))
    unreadable: list[str] = field(default_factory=list)
    where: str = HERE
    machine: str | None = None

    def read_store(self, store: Store, *, skip: frozenset[str] = frozenset()) -> None:
        """Learn from every finished step of a cache but those named."""
        self.machine = None
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
        self.machine = _machine(folder)
        for entry in read_entries(folder / "ledger.jsonl"):
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
        self.where = where
        try:
            store.check(path.name)
            step = read_step(store, path.name)
            if step is not None:
                self._learn(step, usage or store.usage(path.name), store)
        except (OSError, ValueError, KeyError, TypeError, StaleArtifact, DataError):
            self.unreadable.append(path.name)

    def _learn(self, step: Step, usage: Usage, store: Store) -> None:
        stage = STAGES[step.stage]
        stage.learn(self, step, usage, store)
        if isinstance(engine := step.params.get("engine"), dict):
            self.translated[str(engine["name"])].append((step, usage, self.where))
        amount = stage.did(step, usage, store)
        timed = usage.hardware != PROVIDER or usage.served_seconds is not None
        if not amount or usage.seconds is None or usage.hardware is None or not timed:
            return
        own = stage.keys(step, lambda step_id: read_step(store, step_id))
        self.observations[step.id] = Observation(
            step.id,
            step.stage,
            own,
            str(usage.hardware),
            usage.seconds,
            amount,
            stage.unit,
            self.where,
            stage.size(step, store),
            # Of providers it is not known, and their rates are their own.
            None if usage.hardware == PROVIDER else usage.machine or self.machine,
        )


def _machine(folder: Path) -> str | None:
    """The hardware that a run names; None if it does not."""
    path = folder / "results.json"
    found = read_json(path).get("provenance", {}).get("hardware") if path.is_file() else None
    return found if isinstance(found, str) else None


def _means(found: Mapping[K, Sequence[tuple[str, float]]], left: set[str]) -> dict[K, float]:
    kept = {key: [value for step_id, value in values if step_id not in left] for key, values in found.items()}
    return {key: sum(values) / len(values) for key, values in kept.items() if values}
