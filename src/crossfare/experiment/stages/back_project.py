"""Find the answers to translated questions in the contexts that were asked about."""

from __future__ import annotations

import math
from collections import Counter as Counts
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from crossfare import translate
from crossfare.data import artifact
from crossfare.errors import StaleArtifact
from crossfare.experiment.charges import Charge
from crossfare.experiment.files import (
    engine_named,
    input_data,
    inputs,
    memory_of,
    read_predictions,
    read_step,
    write_predictions,
    write_yield,
)
from crossfare.experiment.stages.ensemble import queries_done
from crossfare.experiment.stages.keys import ENGINE_KIN, Find, answer_keys, engine_keys
from crossfare.experiment.stages.stage import Stage, own_device, the_engine
from crossfare.experiment.stages.translate import SEGMENTS
from crossfare.experiment.stages.work import Work, gold
from crossfare.store import Store
from crossfare.strict import read_json
from crossfare.translate.alignment import EncoderAligner
from crossfare.translate.back_projection import BackProjection, BackProjector
from crossfare.translate.bitext import Parallel
from crossfare.translate.matching import nearest
from crossfare.translate.outcome import Lost
from crossfare.translate.sentences import Span
from crossfare.translate.spans import Found
from crossfare.types import Prediction, Progress, QAExample, Step, Usage, Yield

if TYPE_CHECKING:
    from crossfare.experiment.forecast.counting import Counter
    from crossfare.experiment.forecast.measurements import Measurements


@dataclass(frozen=True, slots=True)
class Candidates:
    """A prediction, the translated context it points at, and its best spans with their scores."""

    prediction: Prediction
    context: Parallel
    spans: list[tuple[Span, float]]

    @classmethod
    def of(cls, prediction: Prediction, context: Parallel, n_best: int) -> Candidates:
        """The ``n_best`` spans of a prediction."""
        return cls(prediction, context, _spans(prediction, context.target, n_best))

    @property
    def places(self) -> list[tuple[Parallel, Span]]:
        """What is to be carried back."""
        return [(self.context, span) for span, _ in self.spans]


def candidates(step: Step, store: Store) -> list[Candidates]:
    """What a step carries back, once its inputs are made."""
    contexts = _contexts(step, store)
    predictions = read_predictions(step, store, "predictions")
    return [Candidates.of(each, contexts[each.id], step.params["n_best"]) for each in predictions]


def carry_back(
    projector: BackProjector, asked: Sequence[Candidates]
) -> tuple[list[tuple[Prediction, Found | None]], BackProjection]:
    """The predictions on the original contexts, each with how its best span was found, and what that took."""
    done = projector.project([place for each in asked for place in each.places])
    found = iter(done.found)
    return [_projected(each.prediction, [(next(found), score) for _, score in each.spans]) for each in asked], done


def _run(step: Step, store: Store, work: Path, progress: Progress | None) -> Usage:
    """Find predicted answers in the contexts that were asked about; what is not found is an empty prediction."""
    answered = candidates(step, store)
    projector = projector_of(step.params, step.runtime, memory_of(store), step.runtime.get("charge"))
    made_of, done = carry_back(projector, answered)
    if progress:
        progress(len(done.found), len(done.found))
    write_predictions(tuple(made for made, _ in made_of), work)
    asked = [example.id for example in input_data(step, store).examples]
    answers = {each.prediction.id: each.prediction.output for each in answered}
    _write_report(work, asked, answers, [(made.id, best) for made, best in made_of])
    return done.usage if not step.runtime["billed"] else done.own + _without_seconds(done.translating)


def projector_of(
    params: Mapping[str, Any],
    runtime: Mapping[str, Any],
    memory: translate.TranslationMemory | None,
    charge: Charge | None = None,
) -> BackProjector:
    """What finds answers again, from what identifies the step and what is needed for it (see `qa_steps.projection`)."""
    markers = params["markers"]
    return BackProjector(
        source=params["source"],
        target=params["target"],
        engine=engine_named(runtime["engine"], runtime["options"], charge) if params["engine"] else None,
        aligner=_aligner(runtime["aligner"]) if params["aligner"] else None,
        ways=params["ways"],
        memory=memory,
        markers=translate.Markers(*markers) if markers else None,
    )


@lru_cache(maxsize=1)
def _aligner(model: str) -> EncoderAligner:
    return EncoderAligner(model)


def _spans(prediction: Prediction, context: str, n_best: int) -> list[tuple[Span, float]]:
    """The best spans of a prediction with their scores; of all but the best, only the text is known."""
    if prediction.start is None:
        return []
    best = prediction.start
    found = [((best, best + len(prediction.output)), prediction.scores[0][1] if prediction.scores else 0.0)]
    for text, score in prediction.scores[1:n_best]:
        start = nearest(text, context, best)
        if start is not None:
            found.append(((start, start + len(text)), score))
    return found


def _projected(prediction: Prediction, found: Sequence[tuple[Found | None, float]]) -> tuple[Prediction, Found | None]:
    """The prediction on the original context: how sure a span is counts with how surely it was found again."""
    kept = [(each, score + math.log(each.confidence)) for each, score in found if each is not None]
    kept.sort(key=lambda item: -item[1])
    scores: dict[str, float] = {}
    for each, score in kept:
        scores.setdefault(each.answer.text, score)
    if not kept:
        return Prediction(prediction.id, ""), None
    best = kept[0][0]
    return Prediction(prediction.id, best.answer.text, best.answer.start, tuple(scores.items())), best


def _write_report(
    work: Path, asked: Sequence[str], answers: Mapping[str, str], found: Sequence[tuple[str, Found | None]]
) -> None:
    there = {name: best for name, best in found if best is not None}
    lost = [
        Lost(name, "not found in the original context" if name in answers else "not translated", answers.get(name, ""))
        for name in asked
        if name not in there
    ]
    details = {
        "report": {"lost": [{"id": each.id, "reason": each.reason, "excerpt": each.excerpt} for each in lost]},
        "ways": dict(Counts(each.way for each in there.values())),
    }
    write_yield(work, Yield(len(there), len(asked), tuple(each.id for each in lost)), details)


def _contexts(step: Step, store: Store) -> dict[str, Parallel]:
    """The contexts by example, each with its translation."""
    folder = inputs(step, store, "translated")[0]
    ours = {each.id: cast("QAExample", each).context for each in input_data(step, store).examples}
    theirs = {each.id: cast("QAExample", each).context for each in artifact.read(folder).examples}
    found: dict[str, Parallel] = {}
    for entry in read_json(folder / SEGMENTS, error=StaleArtifact, todo=f"delete {folder.parent} and run again"):
        segments = tuple(((a, b), (c, d)) for a, b, c, d in entry["segments"])
        first = entry["ids"][0]
        found |= dict.fromkeys(entry["ids"], Parallel(ours[first], theirs[first], segments))
    return found


def _without_seconds(usage: Usage) -> Usage:
    """What a provider bills: its seconds are nobody's device time."""
    return replace(usage, seconds=None, hardware=None)


def _work(step: Step, counter: Counter) -> Work:
    """Answers to carry back: those that a model gave if it has, or else as many and as long as others had to be."""
    spans = counter.datasets.read_by(step).examples * int(step.params["n_best"])
    if not step.params["engine"]:  # it goes one way only
        return Work({"query": float(spans), "character": 0.0}, characters=0, requests=0)
    sent = counter.answers_sent(step)
    least, characters, most = (round(each) for each in sent.characters)
    amounts = {"query": float(spans), "character": float(characters)}
    return Work(
        amounts,
        characters,
        sent.requests,
        exact=sent.exact,
        note=sent.note,
        least=least,
        most=most,
        bound=sent.bound,
    )


def _resources(step: Step, task: str, engine: str) -> tuple[str, ...]:
    """An engine that is billed by its seconds has them together with those of looking for the answers."""
    own = the_engine(step, task, engine)
    return (*own, *own_device(step, task, engine)) if step.runtime["billed"] else own


def _did(step: Step, usage: Usage, store: Store) -> float:
    return queries_done(step, usage, store) * int(step.params["n_best"])


def _keys(step: Step, _: Find) -> tuple[str, ...]:
    return engine_keys(step, step.params)


def _learn(found: Measurements, step: Step, usage: Usage, store: Store) -> None:
    """What was translated to project answers back, for each character of a gold answer."""
    length = sum(map(len, gold(input_data(step, store)))) * int(step.params["n_best"])
    if length and step.params["engine"]:
        for key in answer_keys(step, lambda name: read_step(store, name)):
            found.answers[key].append((step.id, (usage.characters or 0) / length))


BACK_PROJECT = Stage(
    _run,
    _work,
    weight=2,
    resources=_resources,
    unit="query",
    did=_did,
    keys=_keys,
    kin=ENGINE_KIN,
    else_like="translate",
    called="engine",
    answers=True,
    learn=_learn,
)
