"""The embedded world: a small multi-parallel corpus made from a grammar, the same in every language.

    from crossfare.data import world

    world.qa("de", "test")          one task in one language, as a `Dataset`
    world.ranking("vi", "test")     questions; world.collection("vi", "test") are the passages that they are searched in
    world.parallel("nli", "train")  every text of a split in all languages, with aligned spans

The texts are shipped: a file for each task and split, which scripts/make_world.py writes (`Contents` says how). The
checkpoints depend on them, so any change of the texts needs new ones.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypedDict

from crossfare.errors import ConfigError
from crossfare.strict import parse_json
from crossfare.types import Answer, Dataset, PairExample, Passage, QAExample, QueryExample, content_revision

LANGUAGES = ("en", "pt", "de", "vi")
TASKS = ("qa", "nli", "ranking")
SPLITS = ("train", "validation", "test")
REVISION = "9ecf2c6fd936e010"
"""Identifies the texts; who makes other ones names them anew."""

_FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Aligned:
    """One text in every language, and where what corresponds stands in it.

    ``spans[i][language]`` is the place of aligned slot i: (start, end) in code points.
    """

    texts: dict[str, str]
    spans: tuple[dict[str, tuple[int, int]], ...]


def join(parts: Sequence[Aligned]) -> Aligned:
    """Join sentences by one blank; spans move along."""
    if len(parts) == 1:
        return parts[0]
    texts = {language: " ".join(part.texts[language] for part in parts) for language in LANGUAGES}
    spans: list[dict[str, tuple[int, int]]] = []
    offsets = dict.fromkeys(LANGUAGES, 0)
    for part in parts:
        for span in part.spans:
            spans.append({name: (a + offsets[name], b + offsets[name]) for name, (a, b) in span.items()})
        for language, text in part.texts.items():
            offsets[language] += len(text) + 1
    return Aligned(texts, tuple(spans))


class Contents(TypedDict):
    """What a file holds. Lists that run over languages follow `LANGUAGES`; texts are named by their number.

    ``texts``     {"texts": [in each language], "spans": [[[start, end] in each language], ...]}, or {"joined": [texts]}
    ``examples``  qa: [id, context, question, [[start, end] of the answer in each language]];
                  nli: [id, premise, hypothesis, label]; ranking: [id, query, [ids of the passages that answer it]]
    ``passages``  ranking: [id, text]
    """

    texts: list[dict[str, Any]]
    examples: list[list[Any]]
    passages: list[list[Any]]


def file_name(task: str, split: str) -> str:
    """The name of the file of a task and split."""
    return f"{task}-{split}.json.gz"


def qa(language: str, split: str) -> Dataset:
    """Question answering: `dataset` of "qa"."""
    return dataset("qa", language, split)


def nli(language: str, split: str) -> Dataset:
    """Inference pairs, whose labels are balanced: `dataset` of "nli"."""
    return dataset("nli", language, split)


def ranking(language: str, split: str) -> Dataset:
    """Questions with the passages of `collection` that answer them: `dataset` of "ranking"."""
    return dataset("ranking", language, split)


@cache
def collection(language: str, split: str) -> tuple[Passage, ...]:
    """The passages that the questions of ``split`` are searched in; ids run in parallel.

    Raises:
        ConfigError: an unknown language or split.
    """
    texts = _texts("ranking", split, language)
    return tuple(Passage(name, texts[text]) for name, text in _contents("ranking", split)["passages"])


@cache
def parallel(task: str, split: str) -> tuple[Aligned, ...]:
    """Every distinct text of a split in all languages: sentences, contexts, questions, premises, hypotheses, passages.

    Raises:
        ConfigError: an unknown task or split.
    """
    checked(task, LANGUAGES[0], split)
    found: list[Aligned] = []
    for row in _contents(task, split)["texts"]:
        found.append(join([found[part] for part in row["joined"]]) if "joined" in row else _aligned(row))
    return tuple(found)


def _aligned(row: dict[str, Any]) -> Aligned:
    spans = tuple({name: (start, end) for name, (start, end) in _by_language(span)} for span in row["spans"])
    return Aligned(dict(_by_language(row["texts"])), spans)


def _by_language(values: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    return zip(LANGUAGES, values, strict=True)


@cache
def dataset(task: str, language: str, split: str) -> Dataset:
    """A task in ``language`` (en, pt, de, vi), ``split`` train, validation or test; ids run in parallel.

    Raises:
        ConfigError: an unknown task, language or split.
    """
    texts = _texts(task, split, language)
    make = {"qa": _question, "nli": _pair, "ranking": _query}[task]
    examples = tuple(make(row, texts, LANGUAGES.index(language)) for row in _contents(task, split)["examples"])
    return Dataset(f"world:{task}", task, split, language, examples, content_revision(examples))


def checked(name: str, language: str | None, split: str | None) -> tuple[str, str]:
    """The language and the split of a reference to the embedded data ("world:" and ``name``).

    Raises:
        ConfigError: there is no such data, or language or split are missing or unknown.
    """
    if name not in TASKS:
        raise ConfigError(f"'world:{name}' is not known; the embedded data is world:qa, world:nli and world:ranking")
    if language is None or split is None:
        raise ConfigError(f"'world:{name}' needs a language (en, pt, de, vi) and a split (train, validation, test)")
    for what, value, known in (("language", language, LANGUAGES), ("split", split, SPLITS)):
        if value not in known:
            raise ConfigError(f"'world:{name}' has no {what} {value!r}: choose one of {', '.join(known)}")
    return language, split


def _question(row: list[Any], texts: Sequence[str], language: int) -> QAExample:
    name, context, question, answers = row
    start, end = answers[language]
    return QAExample(name, texts[context], texts[question], (Answer(texts[context][start:end], start),))


def _pair(row: list[Any], texts: Sequence[str], _: int) -> PairExample:
    name, premise, hypothesis, label = row
    return PairExample(name, texts[premise], texts[hypothesis], label)


def _query(row: list[Any], texts: Sequence[str], _: int) -> QueryExample:
    name, query, passages = row
    return QueryExample(name, texts[query], tuple((passage, 1) for passage in passages))


def _texts(task: str, split: str, language: str) -> list[str]:
    checked(task, language, split)
    return [aligned.texts[language] for aligned in parallel(task, split)]


@cache
def _contents(task: str, split: str) -> Contents:
    path = _FOLDER / file_name(task, split)
    contents: Contents = parse_json(gzip.decompress(path.read_bytes()), str(path))
    return contents
