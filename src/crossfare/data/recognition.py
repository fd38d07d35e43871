"""Say whether a reference names data that could be loaded, from its name and its first line alone."""

from __future__ import annotations

from pathlib import Path

from crossfare.data import artifact, formats, hub, ranking, sources, triples
from crossfare.errors import ConfigError, DataError
from crossfare.types import TaskName

_SPLITS = ("train", "validation", "test")


def recognise(
    ref: str,
    *,
    task: TaskName,
    language: str | None = None,
    split: str | None = None,
    format: str | None = None,
) -> None:
    """Check what `loading.load` would be given; nothing is fetched, and of a file only the first line is read.

    Raises:
        ConfigError: there are no such embedded data, or no format of that name.
        DataError: the file is missing, empty or of no known format.
    """
    kind, _, rest = ref.partition(":")
    if kind == "world":
        _embedded(rest, language, split, task)
    elif kind == "hub":
        hub.parse_ref(rest)
    else:
        _file(ref, task, format)


def _embedded(name: str, language: str | None, split: str | None, task: TaskName) -> None:
    from crossfare.data.world import LANGUAGES

    language, split = ranking.embedded(name, language, split)
    if name != task:
        raise ConfigError(f"'world:{name}' is {name} data, but the task is {task}; name world:{task}")
    for value, known, what in ((language, LANGUAGES, "language"), (split, _SPLITS, "split")):
        if value not in known:
            raise ConfigError(f"'world:{name}' has no {what} {value!r}; it has {', '.join(known)}")


def _file(ref: str, task: TaskName, format: str | None) -> None:
    path = Path(ref)
    try:
        if path.is_dir():
            path = path / artifact.FILE_NAME
            if task == "ranking" or path.is_file():
                return
            raise DataError(f"{ref}: a folder that holds no dataset; name a file")
        first = sources.first_line(path)
    except StopIteration:
        raise DataError(f"{ref}: holds nothing but empty lines; fetch it again") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise DataError(f"{ref}: cannot be read ({reason}); correct the path in the spec") from error
    if task != "ranking":
        formats.named(format) if format else formats.detect(first, ref)
    elif format is None and not (formats.sniff(first) or triples.detect(path) or sources.recognise(path)):
        raise DataError(f"{ref}: format not recognised, its first line is {first[:60]!r}; name its format in the spec")
