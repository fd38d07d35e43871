"""The methods, as data (paper section 3). A new method is a new row."""

from __future__ import annotations

from dataclasses import replace

from crossfare.errors import ConfigError
from crossfare.tasks import TASKS
from crossfare.types import Method

TARGET, SOURCE = "target-encoder", "source-encoder"
BM25 = "bm25"

_RANKING = tuple(name for name, task in TASKS.items() if task.searches)
_READING = tuple(name for name, task in TASKS.items() if not task.searches)

_ROWS = (
    # What rerankers are compared with: the first stage alone (the paper's Table 5), and the encoder before fine-tuning.
    Method("bm25", (), "target", (BM25,), _RANKING),
    Method("bi-encoder", (), "target", (TARGET,), _RANKING),
    Method("zero-shot", ("source",), "target", (TARGET,)),
    Method("translate-train", ("translated",), "target", (TARGET,)),
    Method("translate-train-joint", ("source", "translated"), "target", (TARGET,)),
    # The paper's two translate-infer rows: the target encoder is its control.
    Method("translate-infer", ("source",), "translated", (TARGET, SOURCE), _READING),
    Method("translate-infer-strategy-1", ("source",), "translated", (TARGET, SOURCE), _RANKING, "collection"),
    Method("translate-infer-strategy-2", ("source",), "translated", (TARGET, SOURCE), _RANKING, "candidates"),
    # What is learnt from has been through the engine as well, as what is asked will be (Artetxe et al. 2020, 2023).
    Method("translate-infer-round-trip", ("round-trip",), "translated", (TARGET, SOURCE), _READING),
    *(
        Method(
            name, ("source", "translated"), "translated", (TARGET, SOURCE), tasks, parents=("translate-train", infer)
        )
        for name, infer, tasks in (
            ("ensemble", "translate-infer", _READING),
            ("ensemble-strategy-1", "translate-infer-strategy-1", _RANKING),
            ("ensemble-strategy-2", "translate-infer-strategy-2", _RANKING),
        )
    ),
    Method("in-language", ("target",), "target", (TARGET,)),
    # The combinations of the paper's Table 4: gold data of the target language joins the others.
    Method("zero-shot+gold", ("source", "target"), "target", (TARGET,)),
    Method("translate-train+gold", ("translated", "target"), "target", (TARGET,)),
    Method("translate-train-joint+gold", ("source", "translated", "target"), "target", (TARGET,)),
)

METHODS: dict[str, Method] = {row.name: replace(row, tasks=row.tasks or tuple(TASKS)) for row in _ROWS}
_ALIASES = {"translate-test": "translate-infer"}


def method(name: str) -> Method:
    """Look a method up by name or alias.

    Raises:
        ConfigError: there is no such method.
    """
    found = METHODS.get(_ALIASES.get(name, name))
    if found is None:
        raise ConfigError(f"unknown method {name!r}; choose from {', '.join(METHODS)}")
    return found
