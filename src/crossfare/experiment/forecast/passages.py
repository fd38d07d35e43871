"""Collections of passages in a plan: how large they are, and what translating them sends."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from crossfare import data, translate
from crossfare.data.collection import id_hash
from crossfare.experiment.forecast.counting_engine import CountingEngine
from crossfare.experiment.forecast.planner import EngineFacts
from crossfare.experiment.stages.work import Material, Passages, Work, one
from crossfare.types import Passage, Step

_SAMPLED = 20_480  # whole chunks of `PassageTranslation`
_HELD = 200_000

Facts = Callable[[Mapping[str, str]], EngineFacts]


class Collections:
    """The collections that the steps of a plan make, by step.

    Args:
        steps: every step of the plan, by id.
        facts: from an engine's identity in a step to what is known of it.
        stretches: characters out per character in by languages, as learnt from finished steps.
        given: collections that the user stated instead of a file, by reference.
    """

    def __init__(
        self,
        steps: Mapping[str, Step],
        facts: Facts,
        stretches: Mapping[tuple[str, str], float],
        given: Mapping[str, Material | Passages],
    ) -> None:
        self._steps = steps
        self._facts = facts
        self._stretches = stretches
        self._given = given
        self._made: dict[str, Passages] = {}

    def made_by(self, step_id: str) -> Passages:
        """The size of a collection."""
        if step_id not in self._made:
            self._made[step_id] = self._measured(self._steps[step_id])
        return self._made[step_id]

    def read_by(self, step: Step, role: str = "passages") -> Passages:
        """The size of the collection that a step reads, if need be through its index."""
        if role not in step.inputs and "index" in step.inputs:
            return self.read_by(self._steps[one(step, "index")])
        return self.made_by(one(step, role))

    def candidates(self, step: Step) -> float:
        """Candidates of a query that a step reads."""
        run = self._steps[one(step, "candidates")]
        asked = step.params.get("options", {}).get("depth") or run.params["depth"]
        return float(min(int(asked), int(run.params["depth"]), self.read_by(run).count))

    def translated(self, step: Step) -> Work:
        """What translating a whole collection sends."""
        facts = self._facts(step.params["engine"])
        stated = self._given.get(str(self._steps[one(step, "data")].runtime["ref"]))
        if isinstance(stated, Passages):
            calls = {"text": stated.count, "chunk": None, None: None}[facts.requests]
            return Work({"character": float(stated.characters)}, stated.characters, calls, stated=True)
        engine = CountingEngine(facts)
        source, target = str(step.params["source"]), str(step.params["target"])
        counting = translate.PassageTranslation(engine, source, target)
        read = _read(self._steps[one(step, "data")])
        sampling = facts.requests is None  # billed by time: a sample is enough
        for number, _ in enumerate(counting.stream(read), 1):
            if sampling and number >= _SAMPLED:
                break
        rest = sum(len(passage.text) for passage in read)
        whole = 1 + rest / max(1, counting.characters)
        characters = round(engine.characters * whole)
        return Work({"character": float(characters)}, characters, engine.calls(facts.requests), exact=not rest)

    def candidates_translated(self, step: Step, queries: int) -> Work:
        """What translating the candidates of so many queries sends."""
        pairs = self.candidates(step) * queries
        characters = round(pairs * self.read_by(step).mean)
        facts = self._facts(step.params["engine"])
        calls = {"text": round(pairs), "chunk": None, None: None}[facts.requests]
        note = "candidates counted at the mean length of a passage"
        return Work({"character": float(characters)}, characters, calls, exact=False, note=note)

    def _measured(self, step: Step) -> Passages:
        if step.stage in {"translate-collection", "translate-candidates"}:
            inner = self.read_by(step, "data" if step.stage == "translate-collection" else "passages")
            source, target = str(step.params["source"]), str(step.params["target"])
            stretch = inner.stretch * self._stretches.get((source, target), 1.0)
            return replace(inner, language=target, stretch=stretch)
        stated = self._given.get(str(step.runtime["ref"]))
        if isinstance(stated, Passages):
            return stated
        count = characters = 0
        some: list[str] = []
        for passage in _read(step):
            count += 1
            characters += len(passage.text)
            if len(some) < _HELD:
                some.append(passage.text)
        return Passages(count, characters, str(step.params["language"]), some=tuple(some))


def _read(step: Step) -> Iterator[Passage]:
    """The passages of a collection as the run would keep them: none twice."""
    params, seen = step.params, set[int]()
    for passage in data.passages(
        step.runtime["ref"], language=params["language"], split=params["split"], format=params["format"]
    ):
        key = id_hash(passage.id)
        if key not in seen:
            seen.add(key)
            yield passage
