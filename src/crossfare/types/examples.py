"""Examples of the tasks, datasets of them, and what a model predicts.

Offsets count Unicode code points. Languages are BCP-47 tags ("en", "pt", "pt-BR", "de", "vi").
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, fields, replace
from typing import Any, ClassVar, Self

TaskName = str
"""The name of a task: a key of `crossfare.tasks.TASKS`."""

# The canonical NLI labels. Files that say "None" (ASSIN), "NEUTRAL" (SICK) or a number are
# mapped to these when read and mapped back when written.
NLI_LABELS = ("entailment", "neutral", "contradiction")


@dataclass(frozen=True, slots=True)
class Answer:
    """A gold or predicted span: ``context[start:start + len(text)] == text``."""

    text: str
    start: int


class Example:
    """One example of a task.

    ``roles`` name its texts: what a model reads of it, and what is sent where they are translated when serving.
    """

    __slots__ = ()
    roles: ClassVar[tuple[str, ...]] = ()
    id: str

    @property
    def texts(self) -> tuple[str, ...]:
        """Its texts, in the order of their roles."""
        return tuple(getattr(self, role) for role in self.roles)

    def with_texts(self, texts: Sequence[str]) -> Self:
        """The same example with other texts, such as their translations; no span is carried along."""
        return replace(self, **dict(zip(self.roles, texts, strict=True)))  # type: ignore[type-var]


@dataclass(frozen=True, slots=True)
class QAExample(Example):
    """One question about one context (SQuAD v1.1: at least one answer, each a span of the context)."""

    roles = ("context", "question")
    id: str
    context: str
    question: str
    answers: tuple[Answer, ...]
    title: str | None = None


class Labelled(Example):
    """An example that has one label; None where annotators did not agree or none is given."""

    __slots__ = ()
    label: str | None


@dataclass(frozen=True, slots=True)
class PairExample(Labelled):
    """A premise and a hypothesis; ``label`` is None where annotators did not agree or none is given.

    ``extra`` carries the file's own further columns (genre, similarity) unread, so that writing
    the dataset back loses nothing.
    """

    roles = ("premise", "hypothesis")
    id: str
    premise: str
    hypothesis: str
    label: str | None
    extra: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class TextExample(Labelled):
    """A single text; ``label`` is one of whatever labels the dataset has. ``extra`` is as in `PairExample`."""

    roles = ("text",)
    id: str
    text: str
    label: str | None
    extra: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Passage:
    """A text of a ranking collection."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class RankingExample(Example):
    """A query, a passage that answers it, and passages that do not: what a reranker is fine-tuned on."""

    roles = ("query", "positive", "negatives")
    id: str
    query: str
    positive: str
    negatives: tuple[str, ...]

    @property
    def texts(self) -> tuple[str, ...]:
        """The query, the passage that answers it, and the others."""
        return (self.query, self.positive, *self.negatives)

    def with_texts(self, texts: Sequence[str]) -> Self:
        """See `Example.with_texts`."""
        query, positive, *negatives = texts
        return replace(self, query=query, positive=positive, negatives=tuple(negatives))


@dataclass(frozen=True, slots=True)
class QueryExample(Example):
    """A query and what was judged for it: what retrieval and reranking are tested on.

    ``judgements`` are (passage id, grade) pairs, a grade of 1 or more meaning relevant; a passage
    that nobody judged counts as not relevant.
    """

    roles = ("query",)
    id: str
    query: str
    judgements: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Dataset:
    """Examples of one task in one language.

    ``revision`` identifies the content (see `content_revision`); ``origin`` names the translation
    that made it ("marian-en-de@1f3a"), or is None for original data.
    """

    name: str
    task: TaskName
    split: str
    language: str
    examples: tuple[Example, ...]
    revision: str = ""
    origin: str | None = None

    def __len__(self) -> int:
        return len(self.examples)


@dataclass(frozen=True, slots=True)
class Prediction:
    """A model's output for one example: the answer text, the label, or the id of the best passage.

    ``start`` is the answer's offset in the context (QA). ``scores`` are per-label probabilities
    (NLI), the n-best span scores (QA), or the ranked passages by id with their scores (ranking,
    where a first-stage run is of this type too), best first.
    """

    id: str
    output: str
    start: int | None = None
    scores: tuple[tuple[str, float], ...] = ()


def canonical_json(value: Any, default: Callable[[Any], Any] | None = None) -> str:
    """Serialise to the one JSON text that identifies ``value``: sorted keys, no blanks, no NaN."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=default
    )


def digest(value: Any, length: int = 16) -> str:
    """Hash a JSON-serialisable value (SHA-256 of its canonical JSON, ``length`` hex digits)."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()[:length]


def content_revision(examples: Sequence[Example]) -> str:
    """Identify examples by their content, independent of file format."""
    hasher = hashlib.sha256()
    for example in examples:
        values = [getattr(example, f.name) for f in fields(example)]  # type: ignore[arg-type]
        hasher.update(canonical_json(values, default=astuple).encode())
    return hasher.hexdigest()[:16]
