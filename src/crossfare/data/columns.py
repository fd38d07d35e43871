"""Which column of a table holds which part of an example: known by its name, in whatever case, or as a user says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from crossfare.errors import ConfigError, DataError
from crossfare.types import TaskName

NAMES: Mapping[TaskName, Mapping[str, tuple[str, ...]]] = {
    "qa": {
        "context": ("context",),
        "question": ("question",),
        "answers": ("answers",),
        "answer": ("answer", "answer_text", "answers.text"),
        "answer_start": ("answer_start", "answers.answer_start"),
        "id": ("id", "_id", "qid"),
        "title": ("title",),
        "is_impossible": ("is_impossible",),
    },
    "nli": {
        "premise": ("premise", "sentence1", "sentence_a", "text_a", "context"),
        "hypothesis": ("hypothesis", "sentence2", "sentence_b", "text_b", "hypo"),
        "label": ("label", "gold_label", "entailment_judgment"),
        "id": ("id", "pairid", "pair_id", "sentence_pair_id", "idx", "guid", "uid"),
    },
    "classification": {
        "text": ("text", "sentence", "content", "review", "tweet", "utterance", "utt", "headline"),
        "label": ("label", "sentiment", "intent", "category", "class", "topic"),
        "id": ("id", "idx", "guid"),
    },
}
"""What published files call the parts of each task's examples; the first of several columns that is there counts."""

_NEEDED: Mapping[TaskName, tuple[tuple[str, ...], ...]] = {
    "qa": (("context", "question", "answers"), ("context", "question", "answer")),
    "nli": (("premise", "hypothesis", "label"),),
    "classification": (("text", "label"),),
}


def check(stated: Mapping[str, Any]) -> None:
    """Refuse parts that no example has.

    Raises:
        ConfigError: it names the parts there are.
    """
    roles = dict.fromkeys(role for names in NAMES.values() for role in names)
    for role, name in stated.items():
        if role not in roles:
            raise ConfigError(f"columns: {str(role)[:40]!r} is no part of an example; name one of {', '.join(roles)}")
        if not isinstance(name, str | int) or isinstance(name, bool) or name == "":
            raise ConfigError(f"columns: {role} needs the name of a column, or its number, not {name!r}")


def roles(columns: Iterable[str], task: TaskName, stated: Mapping[str, str]) -> dict[str, str] | None:
    """The column of each part of a task's examples; None if one that is needed has none."""
    there = {column.strip().lower(): column for column in columns}
    exact = set(there.values())
    found: dict[str, str] = {}
    for role, names in NAMES[task].items():
        if role in stated:
            column = stated[role] if stated[role] in exact else there.get(stated[role].strip().lower())
        else:
            column = next((there[name] for name in names if name in there), None)
        if column is not None:
            found[role] = column
    complete = any(set(needed) <= found.keys() for needed in _NEEDED[task])
    return found if complete and not set(stated) - found.keys() else None


def needed(columns: Iterable[str], where: str, task: TaskName, stated: Mapping[str, str]) -> dict[str, str]:
    """The same, of columns that must have them.

    Raises:
        DataError: a part has no column; the message says which columns there are, and how to name them.
    """
    columns = list(columns)
    found = roles(columns, task, stated)
    if found is not None:
        return found
    if odd := [role for role in stated if role not in NAMES[task]]:
        raise DataError(f"{where}: columns: {odd[0]} is no part of {task} data, which has {', '.join(NAMES[task])}")
    known = {column.strip().lower() for column in columns}
    for role, column in stated.items():
        if column.strip().lower() not in known:
            raise DataError(f"{where}: has no column {column!r} for {role}; it has {_listed(columns)}")
    wanted = _NEEDED[task][0]
    lacking = [role for role in wanted if not known & {*NAMES[task][role]} and role not in stated]
    raise DataError(
        f"{where}: no column is called {' or '.join(lacking)} (it has {_listed(columns)}); say which is which with "
        f"columns, such as {{{lacking[0]}: NAME}}"
    )


def tasks(columns: Iterable[str], stated: Mapping[str, str]) -> list[TaskName]:
    """The tasks whose examples the columns hold, likeliest first."""
    columns = list(columns)
    return [task for task in NAMES if roles(columns, task, stated) is not None]


def nothing_known(columns: Iterable[str], where: str) -> DataError:
    """Why columns are no examples of any task."""
    kinds = "; ".join(f"{task}: {', '.join(needed[0])}" for task, needed in _NEEDED.items())
    return DataError(
        f"{where}: its columns ({_listed(columns)}) are those of no task ({kinds}); say which is which with columns, "
        "such as {premise: NAME}"
    )


def _listed(columns: Iterable[str]) -> str:
    return ", ".join(columns)[:150]
