"""Ranking data from files: where `load` and `passages` enter.

A collection of any size is only ever streamed, or asked for single passages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from crossfare.data import formats, hub, sources, triples, world
from crossfare.data.collection import Collection, is_collection
from crossfare.data.loaded import Parsed
from crossfare.data.queries import Held, load_queries, write_queries
from crossfare.errors import ConfigError, DataError
from crossfare.types import Dataset, Passage, QueryExample, RankingExample

RANKING_FORMATS: Mapping[str, str] = {
    **{row.name: row.description for row in sources.RANKING_FORMATS},
    **triples.DESCRIPTIONS,
}
"""The formats of ranking data: what each name means."""


WRITERS: Mapping[str, Callable[[Dataset, Path], None]] = {"msmarco": write_queries, triples.TEXTS: triples.write}


@dataclass(frozen=True, slots=True)
class Beside:
    """What is read beside the reference itself (see `load`)."""

    qrels: str | Path | None = None
    collection: str | Path | Mapping[str, str] | None = None
    queries: str | Path | None = None
    fix_encoding: bool = False

    @property
    def given(self) -> tuple[str, ...]:
        """The names of those that are given."""
        files = {"qrels": self.qrels, "collection": self.collection, "queries": self.queries}
        flags = ("fix_encoding",) if self.fix_encoding else ()
        return (*(name for name, value in files.items() if value is not None), *flags)


def passages(
    ref: str | Path, *, language: str | None = None, split: str | None = None, format: str | None = None
) -> Iterator[Passage]:
    """Stream the passages of a collection as they stand; a collection of any size needs no memory.

    Ids are checked where a collection is written (`collection.write`), not here.

    Args:
        ref: a path: id<TAB>text (MS MARCO), BEIR's corpus.jsonl, a file in SQuAD's format, of which the distinct
            paragraphs are taken, or one of Cranfield or Quati, each also .gz; a folder (a collection, BEIR,
            Cranfield, Quati); ``world:ranking``, which needs ``language`` and ``split``; or ``hub:OWNER/NAME[/CONFIG]``
            with BEIR's columns, which needs ``split``.
        language: language of the embedded data.
        split: split of the embedded data or on the hub.
        format: a name from `RANKING_FORMATS`, where recognition by content fails.

    Raises:
        DataError: the data is missing or malformed (some of it only when the stream gets there), or has no passages.
        ConfigError: an argument is wrong.
    """
    kind, _, rest = str(ref).partition(":")
    if kind == "world":
        language, split = embedded(rest, language, split)
        if rest != "ranking":
            raise ConfigError(f"{ref!r} has no collection of passages; it is 'world:ranking' that has one")
        return iter(world.collection(language, split))
    source = _open(str(ref), split, format)
    if source.passages is None:
        raise DataError(f"{ref}: holds queries but no passages; name the collection that belongs to them")
    return source.passages()


def is_ranking(path: Path, task: str | None, format: str | None, beside: Beside) -> bool:
    """Whether `load_files` reads it; an artifact on its own is read like that of any task."""
    if path.is_dir() or str(path).startswith("hub:"):
        return True
    if task != "ranking" and (task is not None or format):
        return format in RANKING_FORMATS.keys() - {row.name for row in formats.FORMATS}
    first = sources.first_line(path)
    found = formats.sniff(first)
    if found and found.name == "crossfare":
        return bool(beside.given)
    return task == "ranking" or bool(beside.given) or (not found and sources.recognise(path) is not None)


@contextmanager
def _held(
    collection: str | Path | Mapping[str, str] | None, language: str | None, split: str | None
) -> Iterator[Held | None]:
    if collection is None or isinstance(collection, Mapping):
        yield collection
    elif is_collection(Path(collection)):
        with Collection.open(collection) as opened:
            yield opened
    else:
        ref = collection
        yield lambda: passages(ref, language=language, split=split)


def load_files(
    path: Path,
    source: str,
    beside: Beside,
    *,
    language: str | None,
    split: str | None,
    format: str | None,
    limit: int | None,
    seed: int,
) -> tuple[Parsed, str]:
    """Load queries or triples; returns what was parsed and the name of the format. For arguments see `load`.

    Raises:
        DataError: a file is missing or malformed, or files do not belong together.
        ConfigError: triples of ids come without queries or collection, or the format is not known.
    """
    name = format or (triples.detect(path) if path.is_file() else None)
    if name == triples.TEXTS:
        return triples.load_texts(path, source, limit=limit, seed=seed, fix_encoding=beside.fix_encoding), name
    with _held(beside.collection, language, split) as held:
        if name == triples.IDS:
            if beside.queries is None or held is None:
                raise ConfigError(
                    f"{source}: triples of ids need queries= and collection= to find their texts; judgements are "
                    "given as qrels= beside a file of queries"
                )
            asked = _open(str(beside.queries), split)
            return triples.load_ids(path, source, asked, held, limit=limit, seed=seed), name
        opened = _open(source, split, format, path)
        qrels = Path(beside.qrels) if beside.qrels else None
        return load_queries(opened, qrels=qrels, passages=held, fix_encoding=beside.fix_encoding), opened.format


def write(dataset: Dataset, path: Path, format: str | None) -> None:
    """Write queries or triples as tab-separated text, in the format that fits the examples unless it is named.

    Raises:
        DataError: the format cannot hold the dataset: queries stand there without judgements, for one.
    """
    name = format or (triples.TEXTS if isinstance(dataset.examples[0], RankingExample) else "msmarco")
    if any(isinstance(example, QueryExample) and example.judgements for example in dataset.examples):
        raise DataError(
            f"dataset {dataset.name!r} has judgements, which a file of queries cannot hold; save as .jsonl, or use "
            "write_queries and write_qrels"
        )
    WRITERS[name](dataset, path)


def _open(ref: str, split: str | None, format: str | None = None, path: Path | None = None) -> sources.Source:
    """What a reference holds; ``path`` is its file where that is not the reference itself."""
    if ref.startswith("hub:"):
        read = partial(hub.load_texts, ref.removeprefix("hub:"), split=split)
        return sources.texts("hub", ref, read)
    return sources.open_source(path or Path(ref), ref, split=split, format=format)


def embedded(name: str, language: str | None, split: str | None) -> tuple[str, str]:
    """Check a reference to the embedded data.

    Raises:
        ConfigError: there is no such data, or language or split are missing.
    """
    if name not in {"qa", "nli", "ranking"}:
        raise ConfigError(f"'world:{name}' is not known; the embedded data is world:qa, world:nli and world:ranking")
    if language is None or split is None:
        raise ConfigError(f"'world:{name}' needs a language (en, pt, de, vi) and a split (train, validation, test)")
    return language, split
