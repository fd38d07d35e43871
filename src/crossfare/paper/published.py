"""The figures as the paper prints them: scores, costs, and what costs are made from; all in YAML files beside this."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from crossfare.data.catalog import published
from crossfare.strict import parse_yaml
from crossfare.types import TaskName

PaperEngine = Literal["open", "commercial"]


@dataclass(frozen=True, slots=True)
class PublishedScore:
    """One score of the paper's Tables 1 to 5, in one language.

    ``engine`` is "open" (OPUS-MT) or "commercial" (Google Translate), None where nothing is translated
    or the paper does not say; ``model`` is the role of the model, ``checkpoint`` its name in the paper.
    ``method`` is None for a system of another kind. An ``upper_bound`` was not measured: the paper takes
    over the score on original English data.
    """

    table: int
    task: TaskName
    metric: str
    language: str
    value: float
    row: str = ""
    method: str | None = None
    engine: PaperEngine | None = None
    model: str = "target-encoder"
    checkpoint: str = ""
    training: str = ""
    upper_bound: bool = False

    @property
    def source(self) -> str:
        """Where it is printed: "Rosa et al. 2021, Table 2, row (5)"."""
        return f"Rosa et al. 2021, Table {self.table}" + (f", row {self.row}" if self.row else "")

    @property
    def place(self) -> str:
        """Where in its table it stands: by the number of its row, or by model and training data."""
        return self.row or f"{self.checkpoint}, {self.training}"


def published_scores(
    task: TaskName | None = None, *, table: int | None = None, language: str | None = None
) -> tuple[PublishedScore, ...]:
    """The scores of Tables 1 to 5, or those of one task, table or language, in the paper's order."""
    return tuple(
        score
        for score in _scores()
        if task in (None, score.task) and table in (None, score.table) and language in (None, score.language)
    )


@dataclass(frozen=True, slots=True)
class Input:
    """A number that costs are computed from, and where it is from."""

    name: str
    value: Decimal
    unit: str
    source: str


@cache
def inputs() -> Mapping[str, Input]:
    """Everything that the text states or that was counted, by name, and the characters of Tables 6 to 8.

    Of a dataset, "NAME" is all its characters, "NAME/each" those per example and "NAME/units" how many that makes.
    """
    values = packaged("inputs.yaml")
    found = {
        name: Input(name, Decimal(given["value"]), given["unit"], given["source"])
        for name, given in (each for part in values.values() for each in part.items())
    }
    for row in published():
        table = f"Table {row.table}"
        found[row.name] = Input(row.name, Decimal(row.characters), "characters", table)
        found[f"{row.name}/each"] = Input(f"{row.name}/each", row.per_unit, f"characters per {row.unit}", table)
        units, count = f"{row.unit}s", (row.characters / row.per_unit).quantize(Decimal(1))
        made = f"{table}, characters over characters per example"
        found[f"{row.name}/units"] = Input(f"{row.name} {units}", count, units, made)
    return found


@dataclass(frozen=True, slots=True)
class Printed:
    """A cell of Table 1: its figure with all the digits it has, and how a copy of the text shows it.

    ``computed`` says what it is computed from, ``others`` further computations, and ``per_question`` what it is
    where an API bills QA by the question; empty where that changes nothing.
    """

    figure: Decimal
    text: str
    computed: Mapping[str, Any]
    others: Sequence[Mapping[str, Any]] = ()
    per_question: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""


@cache
def printed() -> Mapping[str, Printed]:
    """The cost and latency cells of Table 1, by name."""
    return {
        name: Printed(**{"text": cell["figure"], **cell, "figure": Decimal(cell["figure"])})
        for name, cell in packaged("table1.yaml").items()
    }


@cache
def _scores() -> tuple[PublishedScore, ...]:
    return tuple(
        PublishedScore(table["table"], table["task"], table["metric"], language, float(value), **facts)
        for table in packaged("scores.yaml")["tables"]
        for row in table["rows"]
        for facts in ({name: fact for name, fact in row.items() if name != "scores"},)
        for language, value in row["scores"].items()
    )


@cache
def packaged(name: str) -> Any:
    """What a YAML file of this package holds, read once; nobody writes to it."""
    return parse_yaml(files("crossfare.paper").joinpath(name).read_text(encoding="utf-8"), name)
