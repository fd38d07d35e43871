"""The datasets and the pretraining text: what the rest of crossfare reads of the embedded world."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from random import Random

from crossfare.data.world.facts import Aligned, join
from crossfare.data.world.grammar import LANGUAGES
from crossfare.data.world.pairs import Pair, PairBuilder
from crossfare.data.world.passages import Passage, draw_passage
from crossfare.data.world.retrieval import Collection, draw_collection
from crossfare.errors import ConfigError
from crossfare.types import NLI_LABELS, Answer, Dataset, PairExample, QAExample, QueryExample, content_revision
from crossfare.types import Passage as RankedPassage

SIZES = {
    "qa": {"train": 2000, "validation": 200, "test": 300},
    "nli": {"train": 3000, "validation": 300, "test": 300},
    "ranking": {"train": 750, "validation": 100, "test": 200},
}
"""Questions or pairs of each split."""
QUESTIONS_PER_CONTEXT = 3


@dataclass(frozen=True, slots=True)
class Document:
    """A passage of pretraining text, and questions about it (none where it is a pair of statements)."""

    sentences: tuple[Aligned, ...]
    questions: tuple[Aligned, ...]


def qa(language: str, split: str) -> Dataset:
    """Question answering in ``language`` (en, pt, de, vi), ``split`` train, validation or test; ids run in parallel.

    Raises:
        ConfigError: an unknown language or split.
    """
    _check("qa", split, language)
    return _qa(language, split)


def nli(language: str, split: str) -> Dataset:
    """Inference pairs in ``language``, ``split`` train, validation or test; ids run in parallel, labels are balanced.

    Raises:
        ConfigError: an unknown language or split.
    """
    _check("nli", split, language)
    return _nli(language, split)


def ranking(language: str, split: str) -> Dataset:
    """Questions in ``language`` with the passages of `collection` that answer them; ids run in parallel.

    Raises:
        ConfigError: an unknown language or split.
    """
    _check("ranking", split, language)
    return _ranking(language, split)


def collection(language: str, split: str) -> tuple[RankedPassage, ...]:
    """The passages that the questions of ``split`` are searched in; ids run in parallel.

    Raises:
        ConfigError: an unknown language or split.
    """
    _check("ranking", split, language)
    return _collection(language, split)


def parallel(task: str, split: str) -> tuple[Aligned, ...]:
    """Every distinct text of a split in all languages: sentences, contexts, questions, premises, hypotheses, passages.

    Raises:
        ConfigError: an unknown task or split.
    """
    _check(task, split)
    found: dict[tuple[str, ...], Aligned] = {}
    for aligned in _texts(task, split):
        found.setdefault(tuple(aligned.texts.values()), aligned)
    return tuple(found.values())


def corpus(size: int, seed: int = 0) -> Iterator[Document]:
    """Pretraining text: ``size`` documents, seven of ten a passage with questions, the others entailed statements.

    It shares words, names and wordings with the tasks but no fact.
    """
    for drawn in draw_corpus(size, seed):
        sentences = drawn.sentences if isinstance(drawn, Passage) else (*drawn.premise, drawn.hypothesis)
        questions = drawn.asked if isinstance(drawn, Passage) else ()
        yield Document(
            tuple(sentence.align() for sentence in sentences), tuple(asked.text.align() for asked in questions)
        )


def draw_corpus(size: int, seed: int) -> Iterator[Passage | Pair]:
    """Draw what `corpus` words."""
    rng = _rng("corpus", seed)
    builder = PairBuilder("pretrain", rng)
    for _ in range(size):
        yield draw_passage("pretrain", rng, 4) if rng.random() < 0.7 else builder.pair("entailment")


@cache
def passages(split: str) -> tuple[Passage, ...]:
    """Draw the passages of question answering."""
    rng = _rng("qa", split)
    drawn: list[Passage] = []
    missing = SIZES["qa"][split]
    while missing > 0:
        passage = draw_passage(split, rng, min(QUESTIONS_PER_CONTEXT, missing))
        drawn.append(passage)
        missing -= len(passage.asked)
    return tuple(drawn)


@cache
def pairs(split: str) -> tuple[Pair, ...]:
    """Draw the pairs of inference, all different."""
    rng = _rng("nli", split)
    builder = PairBuilder(split, rng)
    labels = [NLI_LABELS[i % 3] for i in range(SIZES["nli"][split])]
    rng.shuffle(labels)
    drawn: dict[tuple[str, str], Pair] = {}
    while len(drawn) < len(labels):
        pair = builder.pair(labels[len(drawn)])
        drawn.setdefault((pair.text("en"), pair.hypothesis.text("en")), pair)
    return tuple(drawn.values())


@cache
def searched(split: str) -> Collection:
    """Draw the passages and questions of ranking."""
    return draw_collection(split, _rng("ranking", split), SIZES["ranking"][split])


def _rng(*parts: object) -> Random:
    # Seeding by a string is stable across processes and versions of Python.
    return Random("/".join(map(str, ("crossfare-world-1", *parts))))


def _check(task: str, split: str, language: str = LANGUAGES[0]) -> None:
    for name, value, known in (("language", language, LANGUAGES), ("task", task, SIZES)):
        if value not in known:
            raise ConfigError(f"the embedded world has no {name} {value!r}: choose one of {', '.join(known)}")
    if split not in SIZES[task]:
        raise ConfigError(f"the embedded world has no split {split!r}: choose one of {', '.join(SIZES[task])}")


@cache
def _qa(language: str, split: str) -> Dataset:
    examples = []
    for number, passage in enumerate(passages(split)):
        context, places = passage.render(language)
        for index, (asked, (start, end)) in enumerate(zip(passage.asked, places, strict=True)):
            identifier, question = f"world-{split}-{number:04}-{index}", asked.text.text(language)
            examples.append(QAExample(identifier, context, question, (Answer(context[start:end], start),)))
    return Dataset("world:qa", "qa", split, language, tuple(examples), content_revision(examples))


@cache
def _nli(language: str, split: str) -> Dataset:
    examples = tuple(
        PairExample(f"world-{split}-{number:04}", pair.text(language), pair.hypothesis.text(language), pair.label)
        for number, pair in enumerate(pairs(split))
    )
    return Dataset("world:nli", "nli", split, language, examples, content_revision(examples))


def _passage_id(split: str, place: int) -> str:
    return f"world-{split}-p{place:04}"


@cache
def _ranking(language: str, split: str) -> Dataset:
    drawn = searched(split)
    examples = tuple(
        QueryExample(
            f"world-{split}-q{number:04}",
            query.text.text(language),
            tuple((_passage_id(split, place), 1) for place in places),
        )
        for number, (query, places) in enumerate(zip(drawn.queries, drawn.relevant, strict=True))
    )
    return Dataset("world:ranking", "ranking", split, language, examples, content_revision(examples))


@cache
def _collection(language: str, split: str) -> tuple[RankedPassage, ...]:
    return tuple(
        RankedPassage(_passage_id(split, place), " ".join(sentence.text(language) for sentence in passage))
        for place, passage in enumerate(searched(split).passages)
    )


def _texts(task: str, split: str) -> Iterator[Aligned]:
    if task == "qa":
        for passage in passages(split):
            told = tuple(sentence.align() for sentence in passage.sentences)
            yield from (*told, join(told), *(asked.text.align() for asked in passage.asked))
    elif task == "ranking":
        for sentences in searched(split).passages:
            told = tuple(sentence.align() for sentence in sentences)
            yield from (*told, join(told))
        yield from (query.text.align() for query in searched(split).queries)
    else:
        for pair in pairs(split):
            told = tuple(sentence.align() for sentence in pair.premise)
            yield from (*told, join(told), pair.hypothesis.align())
