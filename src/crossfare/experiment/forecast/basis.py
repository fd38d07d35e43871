"""What a forecast goes by: finished steps, pilot runs, what the user states, and the hardware that it is for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from crossfare.compare import RunRecord, read_run
from crossfare.errors import ConfigError
from crossfare.experiment.forecast.measurements import Measurements
from crossfare.experiment.forecast.planner import accelerated
from crossfare.experiment.forecast.rates import Rate
from crossfare.experiment.spec import Spec
from crossfare.ledger import Catalogue
from crossfare.store import Store


@dataclass(frozen=True, slots=True)
class Basis:
    """What a forecast goes by: the steps finished here, pilot runs, and what the user states."""

    measurements: Measurements
    runs: tuple[RunRecord, ...] = ()
    stated: Mapping[str, Rate] = field(default_factory=dict)
    store: Store | None = None
    hardware: str | None = None

    @classmethod
    def gather(
        cls,
        runs: Sequence[str | Path] = (),
        *,
        stated: Mapping[str, Rate] | None = None,
        store: Store | None = None,
        hardware: str | None = None,
    ) -> Basis:
        """Read the cache and the pilot runs.

        Raises:
            DataError: a folder is no run directory.
        """
        store = store or Store()
        found = Measurements()
        for folder in runs:
            found.read_run(Path(folder))
        found.read_store(store, skip=frozenset(found.observations))
        return cls(found, tuple(read_run(folder) for folder in runs), stated or {}, store, hardware)


def hardware(basis: Basis, spec: Spec, catalogue: Catalogue) -> str:
    """What the run will work on, as its usage will name it."""
    seen = [each.hardware for each in basis.measurements.observations.values()]
    if basis.hardware:
        asked = basis.hardware.lower()
        if asked in {price.offer for price in catalogue}:
            asked = _device(asked)
        fitting = [name for name in seen if asked in name.lower()]
        return max(fitting, key=fitting.count) if fitting else basis.hardware
    offer = spec.prices.compute
    if "cpu" not in offer:
        fitting = [name for name in seen if _device(offer) in name.lower()]
        return max(fitting, key=fitting.count) if fitting else offer
    gpus = [name for name in seen if name != "cpu"]
    return max(gpus, key=gpus.count) if gpus and accelerated() else "cpu"


def _device(offer: str) -> str:
    """The device an offer names: "v100" of "v100-gcp", "cpu" of "cpu-core"."""
    words = offer.replace("paper-", "").split("-")
    return "cpu" if any("cpu" in word for word in words) else words[0]


def same_hardware(one: str, other: str) -> bool:
    """Whether two offers are of the same device."""
    return _device(one) == _device(other)


def refuse_unknown(stated: Mapping[str, Rate], spec: Spec) -> None:
    """Refuse rates of what is not in the spec.

    Raises:
        ConfigError: a rate names an engine or model that the spec does not have.
    """
    models = {name for given in spec.models.values() for name in (given.values() if isinstance(given, dict) else given)}
    known = {*spec.engines, *models}
    for name in stated:
        _, colon, own = name.partition(":")
        if colon and own not in known:
            raise ConfigError(f"--rate {name}: the spec has no engine or model {own!r}; it has {', '.join(known)}")


def made_on(machine: str, hardware: str) -> bool:
    """Whether a timing is of the hardware that is forecast for; accelerators are named "1 x NAME"."""
    return hardware in machine if " x " in machine else hardware == "cpu"
