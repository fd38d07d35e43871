"""`load` and `save`: one entrance for files, the embedded data and the hub."""

from __future__ import annotations

import os
import random
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from crossfare.data import artifact, files, formats, hub, nli, ranking, recognition, world
from crossfare.data.loaded import Loaded, LoadReport, find_duplicates
from crossfare.data.reading import FileReading, Labels
from crossfare.data.repair import unescaped
from crossfare.errors import ConfigError, DataError
from crossfare.languages import known_languages, language_tag, primary
from crossfare.types import Dataset, Example, QAExample, QueryExample, TaskName, content_revision

UNDETERMINED = "und"
"""BCP-47 for a language nobody named."""

_SPLITS = {
    "train": "train",
    "training": "train",
    "dev": "validation",
    "valid": "validation",
    "validation": "validation",
    "trial": "validation",
    "test": "test",
}


def load(
    ref: str | Path,
    *,
    task: TaskName | None = None,
    language: str | None = None,
    split: str | None = None,
    format: str | None = None,
    limit: int | None = None,
    seed: int = 0,
    skip: int = 0,
    labels: Labels | None = None,
    columns: Mapping[str, Any] | None = None,
    separator: str | None = None,
    qrels: str | Path | None = None,
    collection: str | Path | Mapping[str, str] | None = None,
    queries: str | Path | None = None,
    fix_encoding: bool = False,
    unescape: bool = False,
) -> Loaded:
    """Load a dataset from a file, from the embedded data or from the hub.

    Args:
        ref: a path (also .gz); a folder that holds an artifact, or ranking data (BEIR, Cranfield, Quati);
            ``world:qa``, ``world:nli`` or ``world:ranking``, which need ``language`` and ``split``; or
            ``hub:OWNER/NAME[/CONFIG]`` (see `crossfare.data.hub`), which for ranking needs ``task`` and ``qrels``.
        task: what the caller expects; checked. With "ranking" a file in SQuAD's format becomes queries whose
            paragraph is relevant (see `sources`), and three columns are triples.
        language: BCP-47 tag. Chooses the rows of a file that names languages. Where it is not given
            and the file does not say, a single language code in the file's name is taken
            ("xquad.de.json"; MLQA's "context-de-question-en" is German, the language of the context);
            otherwise it is "und".
        split: the split's name, guessed alike, otherwise "unknown". Chooses the judgements of a BEIR folder.
        format: a name from `formats.FORMATS`, where recognition by content fails.
        limit: the first so many examples; with a ``seed`` other than 0 a random sample, in file order.
        skip: leaves out so many examples at the beginning first, so that one file gives parts that share nothing; not
            of triples.
        labels: what the file's labels mean: a mapping from them, or the labels in the order of its numbers (from 0);
            "-" is none. Or "two-class", which maps contradiction to neutral and paraphrase to entailment.
        columns: the column of each part of an example, where its name does not tell ({"premise": "text_a"}; see
            `columns`); in a file without a header its number, from 1.
        separator: what separates the cells of a file, if neither tab, comma, semicolon nor bar.
        qrels: a file of judgements of the queries.
        collection: what `passages` takes, or an open `Collection`. Judgements of passages that it lacks are dropped.
        queries: the file of queries that triples of ids need, beside a collection.
        fix_encoding: repair mojibake in queries and in triples of texts (needs the package ftfy).
        unescape: turn HTML entities in QA and NLI texts into the characters they stand for; answers stay in place.

    Raises:
        DataError: the data is missing or malformed.
        ConfigError: an argument is wrong.
    """
    source = str(ref)
    language = language_tag(language) if language else None
    kind, _, rest = source.partition(":")
    reading = FileReading.of(columns, labels, separator)
    two_class = reading.two_class
    select = partial(_select, source=source, skip=skip, limit=limit, seed=seed)
    finish = partial(_finish, source=source, task=task, language=language, select=select, two_class=two_class)
    beside = ranking.Beside(qrels, collection, queries, fix_encoding)
    if kind == "world" or (kind == "hub" and task != "ranking"):
        _refuse(beside, source)
        if kind == "hub":
            made = hub.load_hub(rest, task=task, language=language, split=split, reading=reading)
            return finish(made, format="hub", unescape=unescape)
        if reading.said:
            raise ConfigError(f"{source}: the embedded data say themselves what they mean; leave out {reading.said[0]}")
        dataset = world.dataset(rest, *world.checked(rest, language, split))
        return finish(Loaded(dataset, LoadReport(read=len(dataset))), format="embedded", unescape=unescape)
    path = dataset_file(Path(ref))
    made, name = _from_file(
        path, source, task, format, beside, reading, language=language, split=split, skip=skip, limit=limit, seed=seed
    )
    told = made.dataset
    split = split or told.split or guess_split(path) or (guess_split(Path(qrels)) if qrels else None)
    made = replace(made, dataset=replace(told, name=told.name or files.stem(path), split=split or ""))
    return finish(made, format=name, unescape=unescape, guessed=guess_language(path))


def _from_file(
    path: Path,
    source: str,
    task: TaskName | None,
    format: str | None,
    beside: ranking.Beside,
    reading: FileReading,
    **asked: Any,
) -> tuple[Loaded, str]:
    """What a file or folder holds, or the hub of ranking data; also the name of the format."""
    wanted = "ranking" if task is None and beside.given and not format else task
    if source.startswith("hub:"):
        return ranking.load_source(ranking.open_source(source, split=asked["split"]), beside, **asked), "hub"
    if wanted not in {None, "ranking"}:
        _refuse(beside, source)
    row = recognition.choose(path, source, task=wanted, format=format, reading=reading)
    if row.read and not (row.open and (beside.given or files.is_folder(path))):
        _refuse(beside, source)
        told = {"reading": reading} if row.told else {}
        if row.binary:
            return row.read(path, source, asked["language"], task=task, **told), row.name
        return row.read(files.read_text(path), source, asked["language"], **told), row.name
    assert row.open is not None
    return ranking.load_source(row.open(path, source, asked["split"]), beside, **asked), row.name


def save(dataset: Dataset, path: str | Path, format: str | None = None) -> None:
    """Write a dataset, atomically; the format is that of the suffix unless named.

    Nothing is left out silently: what a format cannot hold (an id, a tab, a label, judgements) is an error.

    Raises:
        DataError: the format cannot hold the dataset, or the file cannot be written.
        ConfigError: the suffix or the format is not known.
    """
    target = Path(path)
    row = recognition.named(format, dataset.task) if format else recognition.for_writing(dataset, target)
    if row.write is None:
        raise ConfigError(f"{path}: the format {row.name!r} is read and not written; choose another")
    if row.task == "ranking" and any(isinstance(e, QueryExample) and e.judgements for e in dataset.examples):
        raise DataError(
            f"dataset {dataset.name!r} has judgements, which a file of queries cannot hold; save as .jsonl, or use "
            "write_queries and write_qrels"
        )
    files.write_text(target, row.write(dataset))


def same_format(loaded: Loaded, path: str | Path) -> str | None:
    """The format to write a dataset in that was loaded: its own; None for that of the suffix, if its own is only read.

    Raises:
        ConfigError: the suffix means no format of the dataset's task.
    """
    name, task = loaded.report.format, loaded.dataset.task
    if any(row.name == name and row.task in {None, task} and row.write for row in formats.FORMATS):
        return name
    recognition.for_writing(loaded.dataset, Path(path))
    return None


def recognise(
    ref: str,
    *,
    task: TaskName,
    language: str | None = None,
    split: str | None = None,
    format: str | None = None,
    labels: Labels | None = None,
    columns: Mapping[str, Any] | None = None,
    separator: str | None = None,
) -> None:
    """Check what `load` would be given; nothing is fetched, and of a file only the first line is read.

    Raises:
        ConfigError: there are no such embedded data, or no format of that name.
        DataError: the file is missing, empty or of no known format.
    """
    kind, _, rest = ref.partition(":")
    reading = FileReading.of(columns, labels, separator)
    if kind == "world":
        world.checked(rest, language, split)
        if rest != task:
            raise ConfigError(f"'world:{rest}' is {rest} data, but the task is {task}; name world:{task}")
    elif kind == "hub":
        hub.parse_ref(rest)
    else:
        row = recognition.choose(dataset_file(Path(ref)), ref, task=task, format=format, reading=reading)
        if row.task not in {None, task}:
            raise DataError(f"{ref}: holds {row.task} data (format {row.name}), not {task}; name another file")


def guess_language(path: Path) -> str | None:
    """The one language code in a file's name, if there is exactly one; MLQA's context language."""
    mlqa = re.search(r"context-([a-z]{2})-question-[a-z]{2}", path.name)
    if mlqa:
        return mlqa[1]
    codes = {word for word in _words(path) if word in known_languages()}
    return codes.pop() if len(codes) == 1 else None


def guess_split(path: Path) -> str | None:
    """The split a file's name speaks of; "dev" and SICK's "trial" are "validation"."""
    found = {_SPLITS[word.lower()] for word in _words(path) if word.lower() in _SPLITS}
    return found.pop() if len(found) == 1 else None


def _words(path: Path) -> list[str]:
    return re.split(r"[^A-Za-z0-9]+", files.stem(path))


def dataset_file(path: Path) -> Path:
    """The file of a reference: the artifact in a folder that holds one, else the path itself."""
    inside = path / artifact.FILE_NAME
    return inside if os.path.isfile(inside) else path  # noqa: PTH113 - a name that no file can have is none


def _refuse(beside: ranking.Beside, source: str) -> None:
    if beside.given:
        raise ConfigError(
            f"{source}: {', '.join(beside.given)} belong to ranking data that is no artifact; leave them out, or say "
            "task='ranking'"
        )


def _finish(
    made: Loaded,
    *,
    source: str,
    format: str,
    task: TaskName | None,
    language: str | None,
    select: Callable[[tuple[Example, ...]], tuple[Example, ...]],
    two_class: bool,
    unescape: bool,
    guessed: str | None = None,
) -> Loaded:
    """Check what was asked for, select, and complete the report."""
    dataset, unplaced = made.dataset, made.unplaced
    if task is not None and dataset.task != task:
        raise DataError(f"{source}: holds {dataset.task} data (format {format}), not {task}; name another file")
    tag, language_from = _language(dataset.language, source, language, guessed)
    examples, changed = dataset.examples, tuple[str, ...]()
    if unescape:
        examples = tuple(map(unescaped, dataset.examples))
        changed = tuple(new.id for old, new in zip(dataset.examples, examples, strict=True) if old != new)
        unplaced = tuple(new for new in map(unescaped, unplaced) if isinstance(new, QAExample))
    report = replace(
        made.report,
        source=source,
        format=format,
        kept=len(examples),
        answers=sum(len(e.answers) for e in examples if isinstance(e, QAExample)),
        duplicates=find_duplicates(examples),
        unescaped=changed,
        language_from=language_from,
    )
    selected = select(nli.two_class(examples) if two_class else examples)
    dataset = replace(
        dataset,
        name=dataset.name or source,
        split=dataset.split or "unknown",
        language=tag,
        examples=selected,
        revision=content_revision(selected),
    )
    return Loaded(dataset, replace(report, selected=len(selected)), unplaced)


def _language(told: str, source: str, given: str | None, guessed: str | None) -> tuple[str, str]:
    if given and told and primary(given) != primary(told):
        raise DataError(f"{source}: is in {told}, not {given}; name another file or language")
    if given:
        return given, "given"
    if told:
        return told, "file"
    return (guessed, "file name") if guessed else (UNDETERMINED, "unknown")


def _select(
    examples: tuple[Example, ...], source: str, *, skip: int, limit: int | None, seed: int
) -> tuple[Example, ...]:
    if skip and skip >= len(examples):
        raise DataError(f"{source}: skip={skip:,} leaves nothing of {len(examples):,} examples; skip fewer")
    examples = examples[skip:]
    if limit is None:
        return examples
    if limit < 1:
        raise ConfigError(f"limit={limit} selects nothing; give a number above 0, or leave it out")
    if seed == 0 or limit >= len(examples):
        return examples[:limit]
    chosen = random.Random(seed).sample(range(len(examples)), limit)
    return tuple(examples[i] for i in sorted(chosen))
