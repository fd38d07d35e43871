"""Datasets of the Hugging Face hub, through the `datasets` library (extra ``crossfare[hub]``).

A reference is ``OWNER/NAME``, ``OWNER/NAME/CONFIG`` or ``OWNER/NAME:CONFIG``; ``@REVISION`` may follow.
The hub's old names without an owner ("xnli") are refused by its client, and here with the name to write
instead. A name that begins with "/" or "." is a local folder of parquet, JSON or CSV files. Code from the
hub is never run: of a dataset that is a script, ``@refs/convert/parquet`` is what the hub made of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from crossfare.data import parquet, tables
from crossfare.data.loaded import Loaded
from crossfare.data.reading import NOTHING, FileReading
from crossfare.data.sources import Text
from crossfare.errors import ConfigError, DataError
from crossfare.languages import known_languages
from crossfare.types import TaskName

# Names that the hub once had without an owner, and whose they are now.
_OWNERS: Mapping[str, str] = {
    "assin": "nilc-nlp",
    "assin2": "nilc-nlp",
    "glue": "nyu-mll",
    "mlqa": "facebook",
    "multi_nli": "nyu-mll",
    "snli": "stanfordnlp",
    "squad": "rajpurkar",
    "squad_v2": "rajpurkar",
    "tydiqa": "google-research-datasets",
    "xnli": "facebook",
    "xquad": "google",
    "xtreme": "google",
}

# The branch in which the hub keeps what it made of datasets that are scripts: a folder for each configuration.
_CONVERTED = "refs/convert/parquet"

_TEXT_IDS = ("_id", "id", "docid", "pid", "qid", "query_id")
_BEIR_CONFIGS = {"corpus", "queries"}
_TEXTS = ("text", "passage", "query")


@dataclass(frozen=True, slots=True)
class HubRef:
    """A dataset on the hub: its name, configuration and revision."""

    name: str
    config: str | None = None
    revision: str | None = None


def parse_ref(ref: str) -> HubRef:
    """Take a reference apart.

    Raises:
        ConfigError: it has no name, or a name without an owner.
    """
    body, _, revision = ref.partition("@")
    name, _, config = body.partition(":")
    if not name:
        raise ConfigError(f"'hub:{ref}' names no dataset; write hub:OWNER/NAME[/CONFIG]")
    if not name.startswith(("/", ".")):
        parts = name.split("/")
        if len(parts) == 1 or parts[0] in _OWNERS:
            raise ConfigError(_without_owner(ref, parts[0]))
        if not config and len(parts) == 3:
            name, config = "/".join(parts[:-1]), parts[-1]
    return HubRef(name, config or None, revision or None)


def _without_owner(ref: str, name: str) -> str:
    problem = f"'hub:{ref}' has no owner, and the hub finds no dataset without"
    if name in _OWNERS:
        return f"{problem}; write hub:{_OWNERS[name]}/{ref}"
    return f"{problem}; write hub:OWNER/{ref}, with the owner that its page on the hub names (./{ref} is a folder)"


def load_hub(
    ref: str,
    *,
    task: TaskName | None = None,
    language: str | None = None,
    split: str | None = None,
    reading: FileReading = NOTHING,
) -> Loaded:
    """Load one split of a dataset from the hub."""
    wanted = parse_ref(ref)
    if reading.separator:
        raise ConfigError(f"'hub:{ref}': a table of the hub has no separator; leave it out, or load the file itself")
    made = convert(_table(ref, wanted, split), f"hub:{ref}", task=task, language=language, reading=reading)
    name = f"{wanted.name}/{wanted.config}" if wanted.config else wanted.name
    tag = language or _language(wanted.config) or made.dataset.language
    return replace(made, dataset=replace(made.dataset, name=name, split=split or "", language=tag))


def load_texts(ref: str, *, split: str | None = None) -> Iterator[Text]:
    """Stream queries or passages from the hub: an id and a text, before which BEIR's title stands if there is one.

    BEIR's configurations "corpus" and "queries" have one split of the same name, which is taken.
    """
    where = f"hub:{ref}"
    wanted = parse_ref(ref)
    table = _table(ref, wanted, wanted.config if wanted.config in _BEIR_CONFIGS else split)
    columns = set(table.column_names)
    id_column, text_column = _first(_TEXT_IDS, columns), _first(_TEXTS, columns)
    if not id_column or not text_column:
        raise DataError(
            f"{where}: its columns ({', '.join(sorted(columns))}) are not an id ({', '.join(_TEXT_IDS)}) and a text "
            f"({', '.join(_TEXTS)}); save it as id<TAB>text and load that"
        )
    for number, row in enumerate(table, 1):
        place = f"row {number}"
        text, title = _text(row, text_column, where, place), row.get("title")
        yield Text(str(row[id_column]), f"{title} {text}" if title else text, place)


def _table(ref: str, wanted: HubRef, split: str | None) -> Any:
    if split is None:
        raise ConfigError(f"'hub:{ref}' needs a split (such as train, validation, test)")
    try:
        import datasets
    except ImportError as error:
        raise ConfigError(
            f"'hub:{ref}' needs the package 'datasets'; install it with: pip install 'crossfare[hub]'"
        ) from error
    where = {"name": wanted.config}
    if wanted.revision == _CONVERTED:  # configurations are folders there, which nothing else tells the library
        where = {"data_dir": wanted.config}
    try:
        return datasets.load_dataset(wanted.name, **where, split=split, revision=wanted.revision)
    except Exception as error:  # the library raises a dozen unrelated types here
        raise DataError(f"hub:{ref}, split {split}: {_refusal(wanted, error)}") from error


def _refusal(wanted: HubRef, error: Exception) -> str:
    reason = str(error).partition("\n")[0][:200]
    if "scripts are no longer supported" in reason:
        config = f":{wanted.config}" if wanted.config else ""
        return (
            "the hub has it as a script, and scripts are never run; "
            f"try hub:{wanted.name}{config}@{_CONVERTED}, what the hub made of it, or load its authors' file"
        )
    return (
        f"cannot be loaded ({type(error).__name__}: {reason}); "
        "check the name, the split and the connection, or load a file"
    )


def convert(
    table: Any,
    where: str,
    *,
    task: TaskName | None = None,
    language: str | None = None,
    reading: FileReading = NOTHING,
) -> Loaded:
    """Turn a `datasets.Dataset` with the columns of some task into examples, as those of a file."""
    named = ((column, getattr(table.features[column], "names", None)) for column in table.column_names)
    names = {column: each for column, each in named if each}
    rows = ((f"row {number}", row) for number, row in enumerate(table, 1))
    given = tables.ExampleTable(tuple(table.column_names), rows, names)
    return parquet.of_some_task(given, where, task, reading, language)


def _text(row: Mapping[str, Any], column: str, where: str, place: str) -> str:
    value = row[column]
    if not isinstance(value, str):
        raise DataError(
            f"{where}, {place}: {column} is {type(value).__name__}, not text; "
            "if the configuration holds several languages, choose that of one (hub:facebook/xnli/de)"
        )
    return value


def _first(names: tuple[str, ...], columns: set[str]) -> str | None:
    return next((name for name in names if name in columns), None)


def _language(config: str | None) -> str | None:
    """The first language code in a configuration's name: "xquad.de", "mlqa.vi.en" (the context's), "de"."""
    words = re.split(r"[^A-Za-z]+", config or "")
    return next((w for w in words if w in known_languages()), None)
