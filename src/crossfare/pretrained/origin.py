"""Where a checkpoint comes from and on which terms, as its own model card or the package that carries it says."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import yaml

from crossfare.errors import EngineUnavailable
from crossfare.pretrained.offline import CARRIED, package_folder

OTHER = "other"


@dataclass(frozen=True, slots=True)
class Licence:
    """What is stated, and by what.

    ``name`` is one of the hub's ("mit", "apache-2.0"). For a licence that the hub has no name for it is "other", and
    ``full_name`` and ``link`` say which, where that is stated.
    """

    name: str
    stated_by: str
    full_name: str | None = None
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """``hub`` is the model's id on the Hugging Face hub; both are None where nothing says so."""

    hub: str | None
    licence: Licence | None


def of_carried(name: str) -> Origin:
    """The origin of ``offline:name``: the model's card in the package, or else what the package says of itself."""
    carried = CARRIED.get(name)
    if carried is None:
        return Origin(None, None)
    own = None
    if carried.card:
        with suppress(EngineUnavailable):  # the package is gone since it was exported
            own = of_card(package_folder(name, carried) / carried.card)
    return Origin(carried.hub, own or of_package(carried.package.partition("==")[0]))


def of_package(name: str) -> Licence | None:
    """The licence in the metadata of an installed package; the hub's names are SPDX's in lower case."""
    try:
        facts = metadata.metadata(name).json
    except metadata.PackageNotFoundError:
        return None
    stated = str(facts.get("license_expression") or facts.get("license") or "UNKNOWN")
    if "\n" in stated or stated == "UNKNOWN":  # a whole text is no name
        return None
    return Licence(stated.lower(), f"the package {name} {facts['version']}")


def of_card(path: Path) -> Licence | None:
    """The licence in the header of a model card (README.md); None without a card, a header or a licence."""
    from huggingface_hub import metadata_load

    try:
        values = metadata_load(path) or {}
    except (OSError, ValueError, yaml.YAMLError):
        return None
    stated = values.get("license") or []
    names = [str(each) for each in (stated if isinstance(stated, list) else [stated])]
    if not names:
        return None
    if len(names) > 1:
        return Licence(OTHER, "its model card", " and ".join(names))
    full_name, link = (str(values[key]) if key in values else None for key in ("license_name", "license_link"))
    return Licence(names[0], "its model card", full_name, link)
