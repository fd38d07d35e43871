"""Data of the hub for a forecast, which downloads nothing: pairs are as many and as long as the paper says they are."""

from __future__ import annotations

from dataclasses import replace

from crossfare.data import catalog, published
from crossfare.data.hub import parse_ref
from crossfare.errors import ConfigError
from crossfare.experiment.forecast.stated import Stated, material
from crossfare.experiment.stages.work import Material
from crossfare.types import Step

# The paper's characters are counted without white space, which is 17.1 to 18.9 % more (docs/audit-paper.md).
_WITH_WHITE_SPACE = 1.18


def of_the_hub(step: Step) -> Material | None:
    """The data of a step that loads them from the hub, by their published size; None if they lie on disk.

    Raises:
        ConfigError: nothing is published of their size.
    """
    ref, split, language = str(step.runtime["ref"]), str(step.params["split"]), str(step.params["language"])
    if not ref.startswith("hub:") or ref.startswith(("hub:.", "hub:/")):
        return None
    name = parse_ref(ref.removeprefix("hub:")).name
    known = {entry.name for entry in catalog() if entry.hub and parse_ref(entry.hub).name == name}
    for row in published():
        if row.unit == "pair" and row.dataset in known and row.language == language and row.name.endswith(split):
            count = int(step.params.get("limit") or row.examples)
            pair = Stated(row.task, (), characters=round(_WITH_WHITE_SPACE * row.characters / row.examples))
            made = material(pair, row.task, count, language, training=split == "train")
            return replace(made, exact=False, stated=False)
    raise ConfigError(
        f"{ref}, split {split}: a forecast downloads nothing, and how large these data are is not published here; "
        "name a file of them in the spec, or state figures: crossfare plan --task ... --examples ... --characters ..."
    )
