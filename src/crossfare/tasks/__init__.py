"""The tasks, a file each: all in which they differ. Importing this loads neither torch nor transformers."""

from __future__ import annotations

from collections.abc import Mapping

from crossfare.errors import ConfigError
from crossfare.tasks.classification import Classification
from crossfare.tasks.nli import NLI
from crossfare.tasks.qa import QA
from crossfare.tasks.ranking import Ranking, dense_run
from crossfare.tasks.task import Predictor, Task
from crossfare.types import TaskName

__all__ = ["TASKS", "Predictor", "Task", "dense_run", "task_named"]

TASKS: Mapping[TaskName, Task] = {task.name: task for task in (QA(), NLI(), Ranking(), Classification())}
"""By name. QA: F1, then exact match. NLI, classification: accuracy, then macro-F1. Ranking: MRR@10, then more."""


def task_named(name: str) -> Task:
    """Look a task up.

    Raises:
        ConfigError: there is none of that name.
    """
    if name not in TASKS:
        raise ConfigError(f"unknown task {name!r}; choose from {', '.join(TASKS)}")
    return TASKS[name]
