"""What the files of the embedded world hold, and the pretraining text: draws, worded in every language."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from random import Random
from typing import Any

from crossfare.data.world import LANGUAGES, Aligned, Contents, join
from crossfare.types import NLI_LABELS
from world_generator.pairs import Pair, PairBuilder
from world_generator.passages import Passage, draw_passage
from world_generator.retrieval import Collection, draw_collection

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


def contents(task: str, split: str) -> Contents:
    """Word a split in every language, for its file."""
    return {"qa": _qa, "nli": _nli, "ranking": _ranking}[task](split)


@dataclass(slots=True)
class _Texts:
    """The distinct texts so far, by their wording in every language."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    kept: list[Aligned] = field(default_factory=list)
    numbers: dict[tuple[str, ...], int] = field(default_factory=dict)

    def add(self, text: Aligned) -> int:
        """Number a text."""
        spans = [[span[language] for language in LANGUAGES] for span in text.spans]
        return self._add(text, {"texts": list(text.texts.values()), "spans": spans})

    def add_joined(self, parts: tuple[Aligned, ...]) -> int:
        """Number sentences, and then the text that they make; its number is returned."""
        numbers, whole = [self.add(part) for part in parts], join(parts)
        if len(parts) == 1:
            return numbers[0]
        # A sentence told before may have been cut into other spans: then the whole is written out.
        same = join([self.kept[number] for number in numbers]) == whole
        return self._add(whole, {"joined": numbers}) if same else self.add(whole)

    def _add(self, text: Aligned, row: dict[str, Any]) -> int:
        key = tuple(text.texts.values())
        if key not in self.numbers:
            self.numbers[key] = len(self.rows)
            self.rows.append(row)
            self.kept.append(text)
        return self.numbers[key]


def _qa(split: str) -> Contents:
    texts, examples = _Texts(), []
    for number, passage in enumerate(passages(split)):
        context = texts.add_joined(tuple(sentence.align() for sentence in passage.sentences))
        places = [passage.render(language)[1] for language in LANGUAGES]
        for index, asked in enumerate(passage.asked):
            answers = [place[index] for place in places]
            examples.append([f"world-{split}-{number:04}-{index}", context, texts.add(asked.text.align()), answers])
    return {"texts": texts.rows, "examples": examples, "passages": []}


def _nli(split: str) -> Contents:
    texts, examples = _Texts(), []
    for number, pair in enumerate(pairs(split)):
        premise = texts.add_joined(tuple(sentence.align() for sentence in pair.premise))
        examples.append([f"world-{split}-{number:04}", premise, texts.add(pair.hypothesis.align()), pair.label])
    return {"texts": texts.rows, "examples": examples, "passages": []}


def _ranking(split: str) -> Contents:
    texts, drawn = _Texts(), searched(split)
    told = [texts.add_joined(tuple(sentence.align() for sentence in passage)) for passage in drawn.passages]
    names = [f"world-{split}-p{place:04}" for place in range(len(told))]
    examples = [
        [f"world-{split}-q{number:04}", texts.add(query.text.align()), [names[place] for place in places]]
        for number, (query, places) in enumerate(zip(drawn.queries, drawn.relevant, strict=True))
    ]
    return {"texts": texts.rows, "examples": examples, "passages": [list(row) for row in zip(names, told, strict=True)]}
