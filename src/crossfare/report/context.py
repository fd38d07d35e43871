"""What tables say beyond the results of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from crossfare.report.summary import Line, lines
from crossfare.types import Method, Result, RunSpec, TaskName

REFERENCE_NOTE = "reference translation, priced as a commercial API"


@dataclass(frozen=True, slots=True)
class Context:
    """What tables say beyond the results.

    ``methods``       by name, to say what each model was trained on
    ``engine_notes``  by engine: what a reader must know of it; its label gets a mark and a footnote
    ``missing``       cells of the matrix without a result, each with the reason
    ``p_values``      of paired tests, by the two cells (`RunSpec.without_seed`); with them, what is not significantly
                      different from the best of its column is marked
    ``data_names``    by task: the name of the training set ("MNLI")
    """

    methods: Mapping[str, Method] = field(default_factory=dict)
    engine_notes: Mapping[str, str] = field(default_factory=lambda: {"reference": REFERENCE_NOTE})
    missing: Sequence[tuple[RunSpec, str]] = ()
    p_values: Mapping[frozenset[str], float] = field(default_factory=dict)
    data_names: Mapping[str, str] = field(default_factory=dict)

    def lines(self, results: Sequence[Result], task: TaskName | None = None) -> tuple[Line, ...]:
        """The lines of a table, of one task or of all."""
        found = lines(results, (spec for spec, _ in self.missing))
        return tuple(line for line in found if task in (None, line.first.task))
