"""Where the paper has what a run measures: by task, method, role of the model and kind of engine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Protocol

from crossfare.paper.plan import cost_cells
from crossfare.paper.published import PaperEngine, PublishedScore, packaged, published_scores
from crossfare.report.lines import PublishedCell
from crossfare.translate.engines import declared
from crossfare.types import RunSpec


class EngineKind(Protocol):
    """What a spec or a run says of an engine: its name in the registry, and which kind it is."""

    @property
    def engine(self) -> str:
        """Its registered name."""

    @property
    def kind(self) -> PaperEngine | None:
        """Open or commercial, as the spec declares it."""


def kind(engine: EngineKind) -> PaperEngine | None:
    """What the paper would call an engine: as the spec declares it (``kind``), or else as the engine itself does.

    None where neither says: a language model, a server, translations that are looked up or lie on disk.
    """
    return engine.kind or declared(engine.engine).kind


def matching(cell: RunSpec, wanted: PaperEngine | None) -> tuple[PublishedScore, ...]:
    """The paper's scores of the same method, kind of engine and role of the model, in the same language.

    The detailed tables come before Table 1, and of these those of the same checkpoint.
    """
    if cell.gold_size is not None or (cell.engine and wanted is None):
        return ()
    called = packaged("scores.yaml")["checkpoints"].get(cell.checkpoint)
    found = [score for score in _rows(cell, wanted) if score.language == cell.target]
    return tuple(sorted(found, key=lambda score: (score.checkpoint != called, score.table == 1, score.table)))


def _rows(cell: RunSpec, wanted: PaperEngine | None) -> list[PublishedScore]:
    """The same in every language."""
    return [
        score
        for score in published_scores(cell.task)
        if (score.method, score.model) == (cell.method, cell.model) and score.engine in (None, wanted)
    ]


def places(cells: Iterable[RunSpec], engines: Mapping[str, EngineKind]) -> Mapping[str, PublishedCell]:
    """Where the paper has each cell, by `RunSpec.without_seed`.

    Nothing has a number unless every engine says which kind it is: rows are numbered as the paper's all, or none.
    """
    cells = list(cells)
    kinds = {name: kind(engine) for name, engine in engines.items()}
    all_known = all(kinds.get(name) for cell in cells for name in cell.engines)
    found = {cell.without_seed: _place(cell, kinds.get(cell.engine or "")) for cell in cells}
    return {name: place if all_known else replace(place, number="") for name, place in found.items() if place}


def _place(cell: RunSpec, wanted: PaperEngine | None) -> PublishedCell | None:
    if cell.gold_size is not None or len(cell.engines) > 1 or (cell.engine and wanted is None):
        return None
    numbers = list(dict.fromkeys(score.row for score in published_scores(cell.task) if score.row))
    row = next((score.row for score in _rows(cell, wanted) if score.row), "")
    score = next(iter(found := matching(cell, wanted)), None)
    if not row and score is None:
        return None
    alike = [each for each in found if score and (each.table, each.place) == (score.table, score.place)]
    return PublishedCell(
        number=_number(row),
        place=numbers.index(row) if row else len(numbers),
        rows=max(int(each.strip("()abc")) for each in numbers),
        values={each.metric: each.value for each in alike} if score else {},
        costs={part: f"{printed.figure:,}" for part, printed in cost_cells(cell.task, cell.method, wanted).items()},
        source=score.source if score else "",
    )


def _number(row: str) -> str:
    """The number of a row; where each language has one of its own, (1a) to (1c), that of them together."""
    return f"({row.strip('()abc')})" if row else ""
