"""What steps say of the engines of a spec: which one, in which direction, and how it carries answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from crossfare.experiment.engines import make_engine
from crossfare.experiment.revisions import resolved
from crossfare.experiment.spec import Spec
from crossfare.experiment.spec_engine import EngineSpec
from crossfare.languages import language_tag
from crossfare.tasks import TASKS
from crossfare.translate import attention
from crossfare.translate.markers import Markers
from crossfare.translate.projection import Abilities, Projection, abilities, default_projection
from crossfare.types import Engine, RunSpec, TaskName, revision_for

_THE_PAPERS = Projection("markers")  # named in no identity: steps were made with it before there was a choice


class EnginePlan:
    """The engines of a spec as steps name them; each is made once for a task and a direction."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self._engines: dict[tuple[str, str, str, str], Engine] = {}

    def engine_of(self, cell: RunSpec) -> tuple[str, EngineSpec]:
        """The engine of a cell that has one: its name and what the spec says of it."""
        name = cast("str", cell.engine)
        return name, self.spec.engines[name]

    def engine_runtime(self, cell: RunSpec, source: str, target: str) -> dict[str, Any]:
        """What a step needs to make the cell's engine for one direction."""
        _, engine = self.engine_of(cell)
        return {"engine": engine.engine, "options": engine_options(engine, cell.task, source, target)}

    def engine_identity(self, task: TaskName, name: str, source: str, target: str) -> dict[str, Any]:
        """What identifies the output of an engine in one direction."""
        engine = self._engine(task, name, source, target)
        return {"name": engine.name, "revision": revision_for(engine, source, target)}

    def abilities(self, task: TaskName, name: str, source: str, target: str) -> Abilities:
        """What an engine can do for answers."""
        return abilities(self._engine(task, name, source, target))

    def markers(self, cell: RunSpec, source: str, target: str) -> list[str] | None:
        """The delimiters that the cell's engine is sent for those of the spec, if it names any."""
        name, engine = self.engine_of(cell)
        if engine.markers is None:
            return None
        sent = self.abilities(cell.task, name, source, target).markers(Markers(*engine.markers))
        return [sent.opening, sent.closing] if sent else None

    def _engine(self, task: TaskName, name: str, source: str, target: str) -> Engine:
        key = (task, name, source, target)
        if key not in self._engines:
            spec = self.spec.engines[name]
            self._engines[key] = self.made_engine(spec, engine_options(spec, task, source, target))
        return self._engines[key]

    def made_engine(self, spec: EngineSpec, options: dict[str, Any]) -> Engine:
        """An engine of the spec, made for one task and direction."""
        return make_engine(spec.engine, options)

    def projection(self, cell: RunSpec, source: str, target: str) -> Projection | None:
        """How the cell's engine carries answers into what it translates; None where there are none to carry."""
        if not TASKS[cell.task].spans:
            return None
        name, engine = self.engine_of(cell)
        asked, aligner = engine.projection, self.spec.aligner(cell.target)
        if asked is not None:
            return Projection(
                asked.method, asked.aligner or aligner or attention.NAME, asked.threshold, asked.consistent
            )
        if engine.engine == "existing":
            return None
        return default_projection(
            self.abilities(cell.task, name, source, target),
            aligner=aligner,
            markers_named=engine.markers is not None,
        )

    def projection_identity(self, projection: Projection | None) -> dict[str, Any]:
        """What of a projection changes a result."""
        if projection is None or replace(projection, aligner=_THE_PAPERS.aligner) == _THE_PAPERS:
            return {}
        told = ("method", "threshold", "consistent")
        identity: dict[str, Any] = {"version": 1, **{name: getattr(projection, name) for name in told}}
        if projection.aligns:
            identity["aligner"] = self._aligner_revision(str(projection.aligner))
        return {"projection": identity}

    def _aligner_revision(self, ref: str) -> str:
        # The model whose attention aligns is the engine's own, which the step names with its revision.
        return f"{ref}-{attention.VERSION}" if ref == attention.NAME else self.model_revision(ref)

    def model_revision(self, ref: str) -> str:
        """What identifies a model."""
        return resolved(ref).revision


def engine_options(spec: EngineSpec, task: TaskName, source: str, target: str) -> dict[str, Any]:
    """The options an engine is made with for one task and direction; of its ``codes``, those of the two languages."""
    model = spec.model_for(task, source, target)
    options = dict(spec.options)
    if isinstance(codes := options.get("codes"), dict):
        options["codes"] = {tag: code for tag, code in codes.items() if language_tag(tag) in (source, target)}
    parallel = {"parallel": f"world:{task}"} if options.get("parallel") == "world" else {}
    return {**options, **parallel, **({"model": model} if model else {})}
