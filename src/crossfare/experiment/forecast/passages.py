"""Collections of passages in a plan: how large they are, and what translating them sends."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from crossfare import data, translate
from crossfare.data.collection import id_hash
from crossfare.experiment.rehearse import Rehearsed, TextByText
from crossfare.experiment.stages.work import Material, Passages, Work, one
from crossfare.types import Passage, Step

_SAMPLED = 20_480  # whole chunks of `PassageTranslation`
_HELD = 200_000
_SOME = 200
"""So many passages tell how many characters are billed for one."""

Rehearsing = Callable[[Step], Rehearsed]
"""The engine of a step, which sends nothing and says what it would be billed for."""


class Collections:
    """The collections that the steps of a plan make, by step.

    Args:
        steps: every step of the plan, by id.
        rehearsed: the engine of a step, which sends nothing and says what it would be billed for.
        stretches: characters out per character in by languages, as learnt from finished steps.
        given: collections that the user stated instead of a file, by reference.
    """

    def __init__(
        self,
        steps: Mapping[str, Step],
        rehearsed: Rehearsing,
        stretches: Mapping[tuple[str, str], float],
        given: Mapping[str, Material | Passages],
    ) -> None:
        self._steps = steps
        self._rehearsed = rehearsed
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
        engine = self._rehearsed(step)
        source, target = str(step.params["source"]), str(step.params["target"])
        stated = self._given.get(str(self._steps[one(step, "data")].runtime["ref"]))
        if isinstance(stated, Passages):
            engine.translate(stated.some, source=source, target=target)
            used = engine.usage.scaled(stated.count / max(1, len(stated.some)))
            calls = used.requests if engine.requests is not None else None
            return Work({"character": float(used.characters or 0)}, used.characters, calls, stated=True)
        counting = translate.PassageTranslation(engine, source, target)
        read = _read(self._steps[one(step, "data")])
        sampling = not engine.by_request  # billed by time: a sample is enough
        for number, _ in enumerate(counting.stream(read), 1):
            if sampling and number >= _SAMPLED:
                break
        rest = sum(len(passage.text) for passage in read)
        whole = 1 + rest / max(1, counting.characters)
        characters = round((engine.usage.characters or 0) * whole)
        bound = None if rest else engine.usage
        return Work({"character": float(characters)}, characters, engine.requests, exact=not rest, bound=bound)

    def candidates_translated(self, step: Step, queries: int) -> Work:
        """What translating the candidates of so many queries sends."""
        engine, passages = self._rehearsed(step), self.read_by(step)
        pairs = self.candidates(step) * queries
        each = passages.mean * engine.per_character(passages.some[:_SOME], str(step.params["source"]))
        calls = round(pairs) if isinstance(engine.engine, TextByText) else None
        note = "candidates counted at the mean length of a passage"
        return Work({"character": pairs * each}, round(pairs * each), calls, exact=False, note=note)

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
