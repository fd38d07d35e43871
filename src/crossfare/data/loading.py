"""`load` and `save`: one entrance for files, the embedded data and the hub."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from crossfare.data import artifact, files, formats, nli, ranking, world
from crossfare.data.entities import unescaped
from crossfare.data.hub import load_hub
from crossfare.data.loaded import Loaded, LoadReport, Parsed, find_duplicates
from crossfare.errors import ConfigError, DataError
from crossfare.languages import language_name, language_tag, primary
from crossfare.types import Dataset, Example, QAExample, TaskName, content_revision

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
    labels: str | None = None,
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
        split: the split's name, guessed alike from the file's name, otherwise "unknown". Chooses the judgements of
            a BEIR folder.
        format: a name from `formats.FORMATS` or `ranking.RANKING_FORMATS`, where recognition by content fails.
        limit: the first so many examples; with a ``seed`` other than 0 a random sample, in file order.
        labels: "two-class" maps contradiction to neutral and paraphrase to entailment.
        qrels: a file of judgements of the queries.
        collection: what `passages` takes, or an open `Collection`. Judgements of passages that it does not have
            are dropped. Triples of ids need it.
        queries: the file of queries that triples of ids need.
        fix_encoding: repair mojibake in queries and in triples of texts (needs the package ftfy).
        unescape: turn HTML entities in QA and NLI texts into the characters they stand for; answers stay in place.

    Raises:
        DataError: the data is missing or malformed.
        ConfigError: an argument is wrong.
    """
    source = str(ref)
    language = language_tag(language) if language else None
    kind, _, rest = source.partition(":")
    choose = partial(_finish, task=task, language=language, limit=limit, seed=seed, labels=labels, unescape=unescape)
    beside = ranking.Beside(qrels, collection, queries, fix_encoding)
    if kind == "world" or (kind == "hub" and task != "ranking"):
        _refuse(beside, source)
        parsed = _world(rest, language, split) if kind == "world" else load_hub(rest, language=language, split=split)
        name = "embedded" if kind == "world" else "hub"
        return choose(parsed, source, name)
    path = _file(Path(ref))
    if ranking.is_ranking(path, task, format, beside):
        parsed, name = ranking.load_files(
            path, source, beside, language=language, split=split, format=format, limit=limit, seed=seed
        )
    else:
        _refuse(beside, source)
        parsed, name = _text_file(path, source, language, format)
    split = split or parsed.split or guess_split(path) or (guess_split(Path(qrels)) if qrels else None)
    parsed = replace(parsed, name=parsed.name or files.stem(path), split=split or "unknown")
    return choose(parsed, source, name, guessed=guess_language(path))


def save(dataset: Dataset, path: str | Path, format: str | None = None) -> None:
    """Write a dataset, atomically; the format is that of the suffix unless named.

    Nothing is left out silently: what a format cannot hold (an id, a tab, a label, judgements) is an error.

    Raises:
        DataError: the format cannot hold the dataset, or the file cannot be written.
        ConfigError: the suffix or the format is not known.
    """
    target = Path(path)
    if dataset.task == "ranking" and (format in ranking.WRITERS or (format is None and files.suffix(target) == ".tsv")):
        ranking.write(dataset, target, format)
        return
    row = formats.named(format) if format else formats.for_writing(dataset, target)
    files.write_text(target, row.write(dataset))


def guess_language(path: Path) -> str | None:
    """The one language code in a file's name, if there is exactly one; MLQA's context language."""
    mlqa = re.search(r"context-([a-z]{2})-question-[a-z]{2}", path.name)
    if mlqa:
        return mlqa[1]
    codes = {word for word in _words(path) if len(word) == 2 and word.islower() and language_name(word) != word}
    return codes.pop() if len(codes) == 1 else None


def guess_split(path: Path) -> str | None:
    """The split a file's name speaks of; "dev" and SICK's "trial" are "validation"."""
    found = {_SPLITS[word.lower()] for word in _words(path) if word.lower() in _SPLITS}
    return found.pop() if len(found) == 1 else None


def _words(path: Path) -> list[str]:
    return re.split(r"[^A-Za-z0-9]+", files.stem(path))


def _file(path: Path) -> Path:
    inside = path / artifact.FILE_NAME
    return inside if path.is_dir() and inside.is_file() else path


def _refuse(beside: ranking.Beside, source: str) -> None:
    if beside.given:
        raise ConfigError(
            f"{source}: {', '.join(beside.given)} belong to ranking data that is no artifact; leave them out, or say "
            "task='ranking'"
        )


def _text_file(path: Path, source: str, language: str | None, format_name: str | None) -> tuple[Parsed, str]:
    text = files.read_text(path)
    row = formats.named(format_name) if format_name else formats.detect(text, source)
    return row.read(text, source, language), row.name


def _world(name: str, language: str | None, split: str | None) -> Parsed:
    language, split = ranking.embedded(name, language, split)
    dataset: Dataset = getattr(world, name)(language, split)
    return Parsed(
        dataset.task,
        dataset.examples,
        len(dataset.examples),
        name=dataset.name,
        split=dataset.split,
        language=dataset.language,
        origin=dataset.origin,
    )


def _finish(
    parsed: Parsed,
    source: str,
    format_name: str,
    *,
    task: TaskName | None,
    language: str | None,
    limit: int | None,
    seed: int,
    labels: str | None,
    unescape: bool,
    guessed: str | None = None,
) -> Loaded:
    """Check what was asked for, select, and write the report."""
    if task is not None and parsed.task != task:
        raise DataError(f"{source}: holds {parsed.task} data (format {format_name}), not {task}; name another file")
    tag, language_from = _language(parsed, source, language, guessed)
    if unescape:
        made = tuple(map(unescaped, parsed.examples))
        changed = tuple(new.id for old, new in zip(parsed.examples, made, strict=True) if old != new)
        parsed = replace(parsed, examples=made, unescaped=changed)
    examples = nli.relabel(parsed.examples, labels) if labels else parsed.examples
    selected = _select(examples, limit, seed)
    dataset = Dataset(
        parsed.name or source,
        parsed.task,
        parsed.split or "unknown",
        tag,
        selected,
        content_revision(selected),
        parsed.origin,
    )
    unplaced = parsed.unplaced
    if unescape:
        unplaced = tuple(new for new in map(unescaped, unplaced) if isinstance(new, QAExample))
    return Loaded(dataset, _report(parsed, source, format_name, len(selected), language_from), unplaced)


def _language(parsed: Parsed, source: str, given: str | None, guessed: str | None) -> tuple[str, str]:
    if given and parsed.language and primary(given) != primary(parsed.language):
        raise DataError(f"{source}: is in {parsed.language}, not {given}; name another file or language")
    if given:
        return given, "given"
    if parsed.language:
        return parsed.language, "file"
    return (guessed, "file name") if guessed else (UNDETERMINED, "unknown")


def _select(examples: tuple[Example, ...], limit: int | None, seed: int) -> tuple[Example, ...]:
    if limit is None:
        return examples
    if limit < 1:
        raise ConfigError(f"limit={limit} selects nothing; give a number above 0, or leave it out")
    if seed == 0 or limit >= len(examples):
        return examples[:limit]
    chosen = random.Random(seed).sample(range(len(examples)), limit)
    return tuple(examples[i] for i in sorted(chosen))


def _report(parsed: Parsed, source: str, format_name: str, selected: int, language_from: str) -> LoadReport:
    return LoadReport(
        source,
        format_name,
        parsed.read,
        len(parsed.examples),
        selected,
        answers=sum(len(e.answers) for e in parsed.examples if isinstance(e, QAExample)),
        repaired=parsed.repaired,
        lost=parsed.lost,
        dropped=parsed.dropped,
        unanswerable=parsed.unanswerable,
        renamed=parsed.renamed,
        duplicates=find_duplicates(parsed.examples),
        unlabelled=parsed.unlabelled,
        unescaped=parsed.unescaped,
        other_languages=parsed.other_languages,
        ignored=parsed.ignored,
        language_from=language_from,
        ranking=parsed.ranking,
    )
