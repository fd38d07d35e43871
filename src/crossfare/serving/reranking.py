"""Ranking: find candidates where none are given, translate what the method translates, and order them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import cast

from crossfare.data.collection import Collection
from crossfare.experiment.methods import METHODS
from crossfare.retrieve import Index
from crossfare.serving.parts import Parts
from crossfare.serving.reading import Answering, Reader, Translator, blank, reader
from crossfare.tasks.ranking import Ranked, RankingAnswer, RankingRequest
from crossfare.tasks.requests import Answer, Request
from crossfare.types import Prediction, QueryExample, Step, Usage


@dataclass(frozen=True, slots=True)
class FirstStage:
    """BM25 over the run's collection."""

    index: Index
    depth: int

    def __call__(self, queries: Mapping[int, str]) -> dict[int, tuple[tuple[str, float], ...]]:
        """The ids and scores of the best passages for each query, best first."""
        found = self.index.search([(str(number), query) for number, query in queries.items()], self.depth)
        return dict(zip(queries, (each.scores for each in found), strict=True))


@dataclass(frozen=True, slots=True)
class BM25Pipeline(Answering):
    """The first stage alone."""

    first_stage: FirstStage

    def problem(self, request: Request) -> str | None:
        """Refuse candidates: there is no model to judge them."""
        if cast("RankingRequest", request).candidates is None:
            return None
        return "candidates: bm25 searches the run's collection and ranks nothing else; leave them out"

    def texts(self, _: Sequence[Request]) -> tuple[str, ...]:
        """Nothing is translated."""
        return ()

    def answer(self, requests: Sequence[Request]) -> tuple[tuple[Answer, ...], Usage]:
        """See `Answering.answer`."""
        asked = [cast("RankingRequest", request) for request in requests]
        found = self.first_stage({n: one.query for n, one in enumerate(asked)})
        return tuple(_reply(one, found[n], _query_note(one)) for n, one in enumerate(asked)), Usage()


@dataclass(slots=True)
class _Texts:
    """Texts in the language that the model reads, by their originals; the same texts if nothing is translated."""

    translator: Translator | None
    made: dict[str, str] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    usage: Usage = field(default_factory=Usage)

    def add(self, texts: Iterable[str]) -> None:
        """Translate those that were not translated yet, in one call."""
        new = [text for text in dict.fromkeys(texts) if text not in self.made and text not in self.failures]
        if self.translator is None:
            self.made.update(zip(new, new, strict=True))
        elif new:
            done = self.translator(new)
            self.made.update((text, pair.target) for text, pair in done.pairs.items())
            self.failures.update(done.failures)
            self.usage += done.usage


@dataclass(frozen=True, slots=True)
class RankingPipeline(Answering):
    """Orders candidates for queries.

    ``stored`` are passages that the model can read as they are: the run's collection, or strategy 1's translation of
    it, which the first stage then searches with translated queries. Strategy 2 has ``originals`` instead: found with
    the query as it is, and translated with it when asked. Candidates that bring their own text are translated too.
    """

    reader: Reader
    translator: Translator | None
    first_stage: FirstStage
    stored: Collection | None
    originals: Collection | None

    def problem(self, request: Request) -> str | None:
        """Demand that candidates without a text be in the run's collection."""
        for candidate in cast("RankingRequest", request).candidates or ():
            if candidate.text is None and candidate.id not in self._collection:
                return f"candidates: {candidate.id!r} has no text and is not in the run's collection"
        return None

    def texts(self, requests: Sequence[Request]) -> list[str]:
        """See `Answering.texts`."""
        return self._asked(requests, _Texts(None))[2]

    def answer(self, requests: Sequence[Request]) -> tuple[tuple[Answer, ...], Usage]:
        """See `Answering.answer`."""
        texts = _Texts(self.translator)
        asked, candidates, read_later = self._asked(requests, texts)
        texts.add(read_later)
        passages = {n: self._passages(own, texts) for n, own in candidates.items()}
        notes = {n: _note(one, candidates[n], texts) for n, one in asked.items()}
        read = {n: texts.made[one.query] for n, one in asked.items() if passages[n] and one.query in texts.made}
        found, used = self._rank(read, passages)
        return tuple(_reply(one, found.get(n, ()), notes[n]) for n, one in asked.items()), texts.usage + used

    @property
    def _collection(self) -> Collection:
        return cast("Collection", self.originals if self.stored is None else self.stored)

    def _asked(
        self, requests: Sequence[Request], texts: _Texts
    ) -> tuple[dict[int, RankingRequest], dict[int, list[tuple[str, str | None]]], list[str]]:
        """The requests and their candidates by place, and the texts that have to be in the model's language."""
        asked = {n: cast("RankingRequest", request) for n, request in enumerate(requests)}
        candidates = self._candidates(asked, texts)
        pending = [text for own in candidates.values() for _, text in own if text is not None]
        return asked, candidates, [*(one.query for one in asked.values() if one.query.strip()), *pending]

    def _candidates(
        self, asked: Mapping[int, RankingRequest], texts: _Texts
    ) -> dict[int, list[tuple[str, str | None]]]:
        """Candidates by id, with the text where it has to be translated, or taken as given."""
        alone = {n: one.query for n, one in asked.items() if one.candidates is None and one.query.strip()}
        if self.stored is not None:
            texts.add(alone.values())
            alone = {n: texts.made[query] for n, query in alone.items() if query in texts.made}
        found = self.first_stage(alone)
        return {
            n: [(name, self._original(name)) for name, _ in found.get(n, ())]
            if one.candidates is None
            else [(each.id, self._original(each.id) if each.text is None else each.text) for each in one.candidates]
            for n, one in asked.items()
        }

    def _original(self, name: str) -> str | None:
        """What must be translated of a passage of the collection: nothing if the model can read it as it is stored."""
        return None if self.originals is None else self.originals[name]

    def _passages(self, candidates: Sequence[tuple[str, str | None]], texts: _Texts) -> dict[str, str]:
        """The candidates that have a text in the model's language, in their order."""
        stored = cast("Collection", self.stored)
        return {
            name: stored[name] if text is None else texts.made[text]
            for name, text in candidates
            if text is None or text in texts.made
        }

    def _rank(
        self, queries: Mapping[int, str], passages: Mapping[int, Mapping[str, str]]
    ) -> tuple[dict[int, tuple[tuple[str, float], ...]], Usage]:
        """Rank the passages of each query; ids of one request mean nothing to another one."""
        examples = [QueryExample(str(n), query, ()) for n, query in queries.items()]
        run = [Prediction(str(n), "", scores=tuple((f"{n} {name}", 0.0) for name in passages[n])) for n in queries]
        every = {f"{n} {name}": text for n in queries for name, text in passages[n].items()}
        predictions, used = self.reader(examples, candidates=run, passages=every)
        pairs = zip(queries, predictions, strict=True)
        return {n: tuple((key.partition(" ")[2], score) for key, score in each.scores) for n, each in pairs}, used


def ranking_pipeline(parts: Parts, translator: Translator | None, opened: ExitStack) -> BM25Pipeline | RankingPipeline:
    """Ranking by a cell of a run; its collection is open until ``opened`` is closed."""
    step = parts.predict
    if step.stage == "retrieve":
        return BM25Pipeline(_first_stage(parts, step, None))
    # How many are reranked is settled by the first stage here: candidates that a request brings are all wanted.
    first_stage = _first_stage(parts, parts.source(step, "candidates"), step.params["options"].get("depth"))
    passages = parts.source(step, "passages")
    late = METHODS[parts.cell.method].passages == "candidates"
    collection = Collection.open(parts.artifact(parts.source(passages, "passages") if late else passages))
    opened.callback(collection.close)
    return RankingPipeline(
        reader(parts, depth=None),
        translator,
        first_stage,
        stored=None if late else collection,
        originals=collection if late else None,
    )


def _first_stage(parts: Parts, step: Step, depth: int | None) -> FirstStage:
    found = int(step.params["depth"])
    return FirstStage(Index.open(parts.artifact(parts.source(step, "index"))), min(found, depth or found))


def _query_note(asked: RankingRequest) -> str | None:
    return blank({"query": asked.query})


def _note(asked: RankingRequest, candidates: Sequence[tuple[str, str | None]], texts: _Texts) -> str | None:
    """Why there is no ranking, or which candidates are not in it."""
    if note := _query_note(asked):
        return note
    if asked.query in texts.failures:
        return f"the query was not translated: {texts.failures[asked.query]}"
    lost = [name for name, text in candidates if text in texts.failures]
    return f"candidates left out, as they were not translated: {', '.join(lost)}" if lost else None


def _reply(asked: RankingRequest, ranked: Sequence[tuple[str, float]], note: str | None) -> RankingAnswer:
    return RankingAnswer(id=asked.id, ranking=tuple(Ranked(id=name, score=score) for name, score in ranked), note=note)
