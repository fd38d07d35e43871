"""What each step of a run will process: counted on the data, by the code that a run uses.

Characters and calls of a translation are those that `crossfare.translate` would send, markers
included: it is run with an engine that counts and gives every text back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from random import Random
from typing import cast

from crossfare import data, translate
from crossfare.data import artifact
from crossfare.data.collection import id_hash
from crossfare.errors import DataError, EngineUnavailable
from crossfare.experiment.forecast import tokens
from crossfare.experiment.forecast.planner import EngineFacts, Granularity
from crossfare.experiment.forecast.rates import called, keys, labels
from crossfare.experiment.stages import billed_characters, load_data, projection_of
from crossfare.store import Store
from crossfare.translate import texts_of
from crossfare.translate.bitext import translate_questions
from crossfare.types import (
    Dataset,
    Example,
    Passage,
    QAExample,
    QueryExample,
    RankingExample,
    Step,
    Translation,
    Usage,
)

_SAMPLED_PASSAGES = 20_480  # whole chunks of `PassageTranslation`
_HELD_PASSAGES = 200_000

# Bytes of a passage or an example on disk besides its text: names of fields, an id, its place in an index.
_RECORD = 50

Facts = Callable[[Mapping[str, str]], EngineFacts]


class CountingEngine:
    """Give every text back, and count: for a forecast."""

    def __init__(self, facts: EngineFacts, granularity: Granularity | None = None) -> None:
        self.name = facts.name
        self.revision = facts.revision
        self.granularity: Granularity = granularity or facts.granularity
        self.tag_handling = facts.tag_handling
        self.texts = self.chunks = self.characters = 0
        if facts.batches:  # what makes it a `Metered` engine, which gets one request at a time
            self.batches = facts.batches

    def translate(self, texts: Sequence[str], *, source: str, target: str) -> Translation:  # noqa: ARG002
        """Return ``texts``."""
        self.texts += len(texts)
        self.chunks += 1
        self.characters += sum(map(len, texts))
        return Translation(tuple(texts), Usage(characters=sum(map(len, texts))))


@dataclass(frozen=True, slots=True)
class Material:
    """The data that a step makes, as far as they are known beforehand.

    ``stretch``  characters of the real texts for one of these: those of a translation that is still to be made
    ``copies``   real examples for one of these: figures stated by the user are shown by a few examples
    ``exact``    whether the texts (before any translation) are as many and as long as the real ones
    ``stated``   whether that is so because the user says it
    """

    dataset: Dataset
    stretch: float = 1.0
    copies: float = 1.0
    exact: bool = True
    stated: bool = False

    @property
    def examples(self) -> int:
        """How many examples there really are."""
        return round(len(self.dataset) * self.copies)


@dataclass(frozen=True, slots=True)
class Passages:
    """A collection, by its size."""

    count: int
    characters: int
    language: str
    stretch: float = 1.0
    some: tuple[str, ...] = ()

    @property
    def mean(self) -> float:
        """Characters of a passage."""
        return self.stretch * self.characters / max(1, self.count)


@dataclass(frozen=True, slots=True)
class Work:
    """How much a step has to do, in the units its rates may be in.

    ``exact`` says that characters and requests are what will be billed, ``stated`` that the user says so;
    ``lacking`` what had to be known to count, and was not.
    """

    amounts: Mapping[str, float] = field(default_factory=dict)
    characters: int | None = None
    requests: int | None = None
    annotated: int | None = None
    exact: bool = True
    stated: bool = False
    lacking: str = ""
    note: str = ""

    @property
    def source(self) -> str:
        """Where the amounts are from."""
        return "estimated" if not self.exact else "stated" if self.stated else "counted"


class Counter:
    """Counts what every step of a plan will do.

    Args:
        steps: every step of the plan, by id.
        facts: from an engine's identity in a step to what is known of it.
        store: where finished steps lie whose output may be read; None to count on the sources alone.
        ratios: tokens per character by model revision and language, as learnt from finished steps.
        stretches: characters out per character in by languages, learnt alike.
        answers: characters translated for an answer that is projected back, by what does it, learnt alike.
        given: materials of references that the user stated instead of a file.
        folders: where the models are, by their references: their tokenizers count tokens.
        default_ratio: tokens per character where nothing tells them.
    """

    def __init__(
        self,
        steps: Mapping[str, Step],
        facts: Facts,
        *,
        store: Store | None = None,
        ratios: Mapping[tuple[str, str], float] | None = None,
        stretches: Mapping[tuple[str, str], float] | None = None,
        answers: Mapping[str, float] | None = None,
        given: Mapping[str, Material | Passages] | None = None,
        folders: Mapping[str, str] | None = None,
        default_ratio: float | None = None,
    ) -> None:
        self.steps = steps
        self.facts = facts
        self.store = store
        self.ratios = dict(ratios or {})
        self.stretches = stretches or {}
        self.answers = answers or {}
        self.given = given or {}
        self.folders = folders or {}
        self.default_ratio = default_ratio
        self._materials: dict[str, Material] = {}
        self._passages: dict[str, Passages] = {}
        self._works: dict[str, Work] = {}
        self._counted: dict[str, Work] = {}
        self._samples: dict[str, list[str]] = {}

    def with_learnt(self, ratios: Mapping[tuple[str, str], float], answers: Mapping[str, float]) -> Counter:
        """Count anew by what other steps told; data that are read already are not read again."""
        other = copy(self)
        other.ratios, other.answers, other._works = dict(ratios), answers, {}
        return other

    def work(self, step: Step) -> Work:
        """What a step has to do."""
        if step.id not in self._works:
            self._works[step.id] = self._work(step)
        return self._works[step.id]

    def _work(self, step: Step) -> Work:
        counting = {
            "dataset": self._loaded,
            "existing": self._counted_with_data,
            "translate": self._counted_with_data,
            "translate-collection": self._translated_collection,
            "translate-candidates": self._translated_candidates,
            "collection": self._collected,
            "index": self._indexed,
            "retrieve": self._asked,
            "mine": self._asked,
            "finetune": self._finetune,
            "predict": self._predict,
            "back-project": self._projected,
            "ensemble": self._combined,
            "embed": self._embed,
            "score": self._scored,
            "latency": self._timed,
        }
        if step.stage not in counting:
            raise DataError(f"{step.label}: a forecast does not know the stage {step.stage!r}")
        return counting[step.stage](step)

    def _loaded(self, step: Step) -> Work:
        made = self.material(step.id)
        annotated = made.examples if step.params.get("annotated") else None
        return Work({"character": _length(made)}, annotated=annotated, exact=made.exact, stated=made.stated)

    def _counted_with_data(self, step: Step) -> Work:
        self.material(step.id)
        return self._counted[step.id]

    def _collected(self, step: Step) -> Work:
        return Work({"character": float(self.passages(step.id).characters)})

    def _indexed(self, step: Step) -> Work:
        passages = self._input_passages(step)
        return Work({"character": passages.characters * passages.stretch})

    def _asked(self, step: Step) -> Work:
        return Work({"query": float(self.material(_one(step, "data")).examples)})

    def _scored(self, step: Step) -> Work:
        made = self.material(_one(step, "data"))
        return Work({"label": labels(made.dataset) * made.copies})

    def _projected(self, step: Step) -> Work:
        """Answers that are not known yet: as other steps had it, or each translated at the gold answer's length."""
        made, facts = self.material(_one(step, "data")), step.params["engine"] and self.facts(step.params["engine"])
        spans = made.examples * int(step.params["n_best"])
        learnt = next((self.answers[key] for key in keys(step, lambda _: None) if key in self.answers), None)
        asked = [each for each in made.dataset.examples if isinstance(each, QAExample) and each.answers]
        mean = sum(len(each.answers[0].text) for each in asked) / max(1, len(asked)) if learnt is None else learnt
        characters = round(spans * mean) if facts else 0
        calls = {"text": spans, "chunk": None, None: None}[facts.requests] if facts else None
        note = "answers to project back are counted as if each were translated, at the length of the gold answer"
        amounts = {"query": float(spans), "character": float(characters)}
        return Work(amounts, characters, calls, exact=False, note=note if learnt is None else "")

    def _combined(self, step: Step) -> Work:
        return Work({"query": float(self.material(_one(step, "data")).examples)})

    def _timed(self, step: Step) -> Work:
        return Work({"character": self._request(step)})

    def stored_bytes(self, step: Step) -> int:
        """What a translation takes on disk: its text in UTF-8, and a record and an index around each part of it."""
        if step.stage == "translate-collection":
            kept = self.passages(step.id)
            count, characters = kept.count, kept.characters * kept.stretch
        else:
            made = self.material(step.id)
            count, characters = made.examples, _length(made)
        sample = "".join(self._samples.get(str(step.params.get("target") or step.params.get("language")), ()))
        per_character = len(sample.encode()) / len(sample) if sample else 1.0
        return round(characters * per_character + count * _RECORD)

    # -- data ---------------------------------------------------------------------------------

    def material(self, step_id: str) -> Material:
        """The data a step makes."""
        if step_id not in self._materials:
            made = self._finished(step_id) or self._made(self.steps[step_id])
            self._materials[step_id] = made
        return self._materials[step_id]

    def _finished(self, step_id: str) -> Material | None:
        """What a finished step made; translations are counted on their source all the same."""
        step = self.steps[step_id]
        if self.store is None or not self.store.done(step_id) or step.stage in {"translate", "existing"}:
            return None
        return self._sampled(Material(artifact.read(self.store.artifact(step_id))))

    def _made(self, step: Step) -> Material:
        match step.stage:
            case "dataset":
                stated = self.given.get(str(step.runtime["ref"]))
                return self._sampled(stated if isinstance(stated, Material) else Material(load_data(step).dataset))
            case "existing":
                return self._sampled(self._existing(step))
            case "translate":
                return self._translated(step)
            case "mine":
                return self._mined(step)
        raise DataError(f"{step.label}: makes no dataset")

    def _sampled(self, made: Material) -> Material:
        """Keep some texts of a language, to tell tokens per character from."""
        if made.exact and not made.stated:
            sample = self._samples.setdefault(made.dataset.language, [])
            if len(sample) < 200:
                sample += [text for example in made.dataset.examples[:100] for text in texts_of(example)]
        return made

    def _existing(self, step: Step) -> Material:
        original = self.material(_one(step, "original"))
        loaded = load_data(step)
        translated = loaded.dataset
        unplaced = loaded.unplaced if projection_of(step) else ()  # all of them are taken to be recovered
        by_id = {example.id: example for example in (*translated.examples, *unplaced)}
        kept = tuple(by_id[e.id] for e in original.dataset.examples if e.id in by_id)
        if not kept:
            raise DataError(f"{step.runtime['ref']}: no example has an id of the source training set")
        self._counted[step.id] = Work({}, characters=billed_characters(original.dataset), exact=original.exact)
        return Material(replace(translated, examples=kept))

    def _translated(self, step: Step) -> Material:
        source = self.material(_one(step, "data"))
        facts = self.facts(step.params["engine"])
        target = str(step.params["target"])
        note = ""
        try:
            engine = CountingEngine(facts)
            made, repeated = self._run(step, source.dataset, engine)
        except EngineUnavailable:
            engine = CountingEngine(facts, "document")
            made, repeated = self._run(step, source.dataset, engine)
            note = "whole texts counted: the package sentencex, which cuts sentences, is not installed"
        characters = round(engine.characters * source.copies * source.stretch * repeated)
        calls = {"text": engine.texts, "chunk": engine.chunks, None: None}[facts.requests]
        self._counted[step.id] = Work(
            {"character": float(characters)},
            characters=characters,
            requests=None if calls is None else round(calls * source.copies * repeated),
            exact=source.exact and source.stretch == 1 and not note,
            stated=source.stated,
            note=note,
        )
        language = source.dataset.language
        stretch = source.stretch * self.stretches.get((language, target), 1.0)
        return replace(source, dataset=made, stretch=stretch)

    def _run(self, step: Step, dataset: Dataset, engine: CountingEngine) -> tuple[Dataset, float]:
        """The dataset, and how many times what the engine was sent is counted."""
        target, markers = str(step.params["target"]), step.params["markers"]
        if step.params.get("unmarked"):
            plain = translate_questions(dataset, engine, target=target)
            return plain.translated.dataset, plain.repeated
        given = translate.Markers(*markers) if markers else None
        projection = projection_of(step)
        made = translate.translate_dataset(
            dataset, engine, target=target, markers=given, projection=projection and projection.rehearsed()
        )
        return made.dataset, 1.0

    def _mined(self, step: Step) -> Material:
        """Training examples whose negatives are not known yet: drawn from the collection, positives too."""
        source = self.material(_one(step, "data"))
        passages = self._input_passages(step)
        draw = Random(0)
        filler = "x" * round(passages.mean)
        pool = passages.some or (filler,)
        count = int(step.params["negatives"])
        examples: list[Example] = []
        for example in source.dataset.examples:
            query = cast("QueryExample", example)
            examples.append(
                RankingExample(query.id, query.query, draw.choice(pool), tuple(draw.choices(pool, k=count)))
            )
        return Material(replace(source.dataset, examples=tuple(examples)), copies=source.copies, exact=False)

    # -- passages -----------------------------------------------------------------------------

    def passages(self, step_id: str) -> Passages:
        """The size of a collection."""
        if step_id not in self._passages:
            step = self.steps[step_id]
            if step.stage == "translate-collection":
                inner = self._input_passages(step, "data")
                source, target = str(step.params["source"]), str(step.params["target"])
                stretch = inner.stretch * self.stretches.get((source, target), 1.0)
                self._passages[step_id] = replace(inner, language=target, stretch=stretch)
            elif step.stage == "translate-candidates":
                inner = self._input_passages(step)
                stretch = inner.stretch * self.stretches.get((inner.language, str(step.params["target"])), 1.0)
                self._passages[step_id] = replace(inner, language=str(step.params["target"]), stretch=stretch)
            else:
                stated = self.given.get(str(step.runtime["ref"]))
                known = stated if isinstance(stated, Passages) else _measured(step, self._read(step))
                self._passages[step_id] = known
        return self._passages[step_id]

    def _input_passages(self, step: Step, role: str = "passages") -> Passages:
        if role not in step.inputs and "index" in step.inputs:
            return self._input_passages(self.steps[_one(step, "index")])
        return self.passages(_one(step, role))

    def _read(self, step: Step) -> Iterator[Passage]:
        """The passages of a collection as the run would keep them: none twice."""
        params, seen = step.params, set[int]()
        for passage in data.passages(
            step.runtime["ref"], language=params["language"], split=params["split"], format=params["format"]
        ):
            key = id_hash(passage.id)
            if key not in seen:
                seen.add(key)
                yield passage

    def _translated_collection(self, step: Step) -> Work:
        facts = self.facts(step.params["engine"])
        stated = self.given.get(str(self.steps[_one(step, "data")].runtime["ref"]))
        if isinstance(stated, Passages):
            calls = {"text": stated.count, "chunk": None, None: None}[facts.requests]
            return Work({"character": float(stated.characters)}, stated.characters, calls, stated=True)
        engine = CountingEngine(facts)
        source, target = str(step.params["source"]), str(step.params["target"])
        counting = translate.PassageTranslation(engine, source, target)
        read = self._read(self.steps[_one(step, "data")])
        rest = 0
        sampling = facts.requests is None  # billed by time: a sample is enough
        for number, _ in enumerate(counting.stream(read), 1):
            if sampling and number >= _SAMPLED_PASSAGES:
                break
        rest = sum(len(passage.text) for passage in read)
        whole = 1 + rest / max(1, counting.characters)
        characters = round(engine.characters * whole)
        calls = {"text": engine.texts, "chunk": engine.chunks, None: None}[facts.requests]
        return Work({"character": float(characters)}, characters=characters, requests=calls, exact=not rest)

    def _translated_candidates(self, step: Step) -> Work:
        pairs = self._candidates(step) * self.material(_one(step, "data")).examples
        characters = round(pairs * self._input_passages(step).mean)
        facts = self.facts(step.params["engine"])
        calls = {"text": round(pairs), "chunk": None, None: None}[facts.requests]
        return Work(
            {"character": float(characters)},
            characters=characters,
            requests=calls,
            exact=False,
            note="candidates counted at the mean length of a passage",
        )

    def _candidates(self, step: Step) -> float:
        """Candidates of a query that a step reads."""
        run = self.steps[_one(step, "candidates")]
        asked = step.params.get("options", {}).get("depth") or run.params["depth"]
        return float(min(int(asked), int(run.params["depth"]), self._input_passages(run).count))

    # -- models -------------------------------------------------------------------------------

    def _finetune(self, step: Step) -> Work:
        settings = step.params["training"]
        read, features, examples = 0.0, 0, 0.0
        for train in step.inputs["train"]:
            made = self.material(train)
            ratio = self._ratio(step, made.dataset.language)
            if ratio is None:
                return Work(exact=False, lacking=f"tokens per character in {made.dataset.language}")
            count, rows = tokens.training_tokens(made.dataset.examples, ratio * made.stretch, settings)
            read, features = read + count * made.copies, features + round(rows * made.copies)
        times = tokens.epochs(settings, features)
        steps = settings.get("max_steps") or times * features / settings["batch_size"]
        examples = times * features
        return Work({"token": read * times, "step": float(steps), "example": examples}, exact=False)

    def _predict(self, step: Step) -> Work:
        model = self.steps[_one(step, "model")]
        made, options = self.material(_one(step, "data")), step.params["options"]
        ratio = self._ratio(model, made.dataset.language)
        if ratio is None:
            return Work(exact=False, lacking=f"tokens per character in {made.dataset.language}")
        if step.params["task"] != "ranking":
            read = tokens.inference_tokens(made.dataset.examples, ratio * made.stretch, options)
            return Work({"token": read * made.copies, "example": float(made.examples)}, exact=False)
        passages = self._input_passages(step)
        pairs = made.examples * self._candidates(step)
        query = made.stretch * billed_characters(made.dataset) / max(1, len(made.dataset))
        read = pairs * tokens.pair_tokens(query, passages.mean, ratio, int(options["max_length"]))
        return Work({"token": read, "example": pairs}, exact=False)

    def _embed(self, step: Step) -> Work:
        made, passages = self.material(_one(step, "data")), self._input_passages(step)
        ratio = self._ratio(step, passages.language)
        if ratio is None:
            return Work(exact=False, lacking=f"tokens per character in {passages.language}")
        characters = passages.characters * passages.stretch + _length(made)
        return Work({"token": characters * ratio + 2 * (passages.count + made.examples)}, exact=False)

    def _ratio(self, model: Step, language: str) -> float | None:
        """Tokens per character: as learnt from finished steps, by the model's own tokenizer, or as kin have them."""
        revision, name = str(model.params["model"]), called(model)
        key = (revision, language)
        if key not in self.ratios:
            found = self.ratios.get((name, language))
            if found is None and (sample := self._samples.get(language)):
                found = tokens.counted(self.folders.get(str(model.runtime["model"]), ""), sample)
            if found is None:
                found = self._ratio_of_kin(revision, name, language)
            if found is None:
                return self.default_ratio
            self.ratios[key] = found
        return self.ratios[key]

    def _ratio_of_kin(self, revision: str, name: str, language: str) -> float | None:
        """That of the same model in other languages, or else of other models in the same one."""
        own = [value for (model, _), value in self.ratios.items() if model in {revision, name}]
        others = own or [value for (_, spoken), value in self.ratios.items() if spoken == language]
        return sum(others) / len(others) if others else None

    def _request(self, step: Step) -> float:
        """Characters that serving one input sends to be translated."""
        made = self.material(_one(step, "data"))
        sent = sum(len(text) for example in made.dataset.examples for text in translate.texts_of(example))
        mean = made.stretch * sent / max(1, len(made.dataset))
        if "candidates" in step.inputs:
            mean += self._candidates(step) * self._input_passages(step).mean
        return mean


def _one(step: Step, role: str) -> str:
    return step.inputs[role][0]


def _length(made: Material) -> float:
    characters = sum(len(text) for example in made.dataset.examples for text in texts_of(example))
    return characters * made.copies * made.stretch


def _measured(step: Step, passages: Iterator[Passage]) -> Passages:
    count = characters = 0
    some: list[str] = []
    for passage in passages:
        count += 1
        characters += len(passage.text)
        if len(some) < _HELD_PASSAGES:
            some.append(passage.text)
    return Passages(count, characters, str(step.params["language"]), some=tuple(some))
