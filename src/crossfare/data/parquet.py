"""Parquet files with the columns of any task, and the names of classes that the hub's own files carry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from crossfare.data import columns, tables
from crossfare.data.loaded import Loaded
from crossfare.data.reading import NOTHING, FileReading
from crossfare.errors import ConfigError, CrossfareError, DataError
from crossfare.strict import parse_json
from crossfare.types import TaskName

MARK = b"PAR1"
_LARGEST = 3 << 28  # characters: as much as of a text file
_AT_ONCE = 1_000


def read(
    path: Path,
    where: str,
    language: str | None = None,
    *,
    task: TaskName | None = None,
    reading: FileReading = NOTHING,
) -> Loaded:
    """Read a parquet file; its columns tell the task, where several fit that which is asked for."""
    try:
        from pyarrow import parquet
    except ImportError as error:
        raise ConfigError(f"{where}: parquet needs the package 'pyarrow'; pip install 'crossfare[hub]'") from error
    try:
        with parquet.ParquetFile(path) as file:
            schema = file.schema_arrow
            table = tables.ExampleTable(tuple(schema.names), _rows(file, where), _class_names(schema))
            return of_some_task(table, where, task, reading, language)
    except CrossfareError:
        raise
    except Exception as error:  # the library raises a dozen unrelated types here
        reason = str(error).partition("\n")[0][:150]
        raise DataError(f"{where}: cannot be read as parquet ({reason}); fetch it again") from error


def of_some_task(
    table: tables.ExampleTable, where: str, task: TaskName | None, reading: FileReading, language: str | None
) -> Loaded:
    """Make examples of the task that a table's columns hold, of several of the one that is asked for."""
    fitting = columns.tasks(table.columns, reading.columns)
    if not fitting and task and task in columns.NAMES:
        columns.needed(table.columns, where, task, reading.columns)  # says what is missing
    if not fitting:
        raise columns.nothing_known(table.columns, where)
    return tables.examples(table, where, task if task in fitting else fitting[0], reading, language)


def _rows(file: Any, where: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every row; a file that unpacks to more than a text file may hold is refused on the way."""
    number, size = 0, 0
    for batch in file.iter_batches(_AT_ONCE):
        size += batch.nbytes
        if size > _LARGEST:
            raise DataError(f"{where}: holds more than {_LARGEST >> 20} MiB, too much to be read at once; split it")
        for row in batch.to_pylist():
            number += 1
            yield f"row {number}", row


def _class_names(schema: Any) -> dict[str, Sequence[str]]:
    """The names of classes by column, where the file notes the hub's features."""
    noted = (schema.metadata or {}).get(b"huggingface")
    try:
        features = parse_json(noted, "features")["info"]["features"] if noted else {}
        named = {column: feature.get("names") for column, feature in features.items() if isinstance(feature, dict)}
    except (DataError, KeyError, TypeError, AttributeError):
        return {}
    return {
        column: names
        for column, names in named.items()
        if isinstance(names, list) and names and all(isinstance(name, str) for name in names)
    }
