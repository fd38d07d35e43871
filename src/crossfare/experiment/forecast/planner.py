"""Plan a run without the packages and the models that it will need."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Literal, cast

from crossfare import pretrained
from crossfare.errors import EngineUnavailable
from crossfare.experiment.cell import CellSteps
from crossfare.experiment.engines import make_engine
from crossfare.experiment.spec import EngineSpec, Spec
from crossfare.experiment.steps import Planner, engine_options
from crossfare.pretrained.offline import CARRIED
from crossfare.store import cache_folder
from crossfare.translate.projection import Abilities, abilities
from crossfare.types import Metered, RunSpec, TaskName

Granularity = Literal["sentence", "document"]
_LOCAL = ("ctranslate2", "transformers")


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """What counting needs to know of an engine: its name, revision and what it takes in one call.

    ``requests`` says how its calls are counted: one a text, one a chunk of texts, or not at all.
    ``batches`` cuts texts into chunks as the engine does, where it says how.
    ``translates`` is False where texts are looked up or given back, ``tag_handling`` set where tags are kept,
    ``attends`` where its own model can align words.
    """

    name: str
    revision: str
    granularity: Granularity
    requests: Literal["text", "chunk"] | None
    translates: bool = True
    batches: Callable[[Sequence[str]], list[range]] | None = None
    tag_handling: str | None = None
    attends: bool = False
    marked_by_tags: bool = False


class ForecastPlanner(Planner):
    """A planner that needs neither an engine's packages nor a model's weights.

    What is there is identified as a run identifies it, so that steps have the ids that a run gives
    them and finished ones are recognised. A model that is not there (nothing is downloaded) is
    stood in for by an empty folder of its name.
    """

    def __init__(self, spec: Spec) -> None:
        super().__init__(spec)
        self._facts: dict[tuple[str, str, str, str], EngineFacts] = {}
        self._resources = ExitStack()
        self._stand_ins = Path(self._resources.enter_context(TemporaryDirectory(prefix="crossfare-plan-")))

    def __enter__(self) -> ForecastPlanner:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._resources.close()

    def cell(self, cell: RunSpec) -> CellSteps:
        """The steps of one cell, whether its model is there or not."""
        made = super().cell(replace(cell, checkpoint=self._there(cell.checkpoint)) if cell.checkpoint else cell)
        return replace(made, cell=cell)

    def engine_facts(self, task: TaskName, name: str, source: str, target: str) -> EngineFacts:
        """What is known of an engine for one task and direction."""
        key = (task, name, source, target)
        if key not in self._facts:
            spec = self.spec.engines[name]
            self._facts[key] = self._engine_facts_of(spec, engine_options(spec, task, source, target))
        return self._facts[key]

    def facts(self) -> dict[tuple[str, str], EngineFacts]:
        """What is known of every engine met so far, by name and revision."""
        return {(each.name, each.revision): each for each in self._facts.values()}

    def engine_identity(self, task: TaskName, name: str, source: str, target: str) -> dict[str, Any]:
        """As the run's own planner identifies it, without loading the engine's model."""
        facts = self.engine_facts(task, name, source, target)
        return {"name": facts.name, "revision": facts.revision}

    def abilities(self, task: TaskName, name: str, source: str, target: str) -> Abilities:
        """As the run's own planner finds, without loading the engine's model."""
        facts = self.engine_facts(task, name, source, target)
        return Abilities(facts.tag_handling is not None, facts.attends, facts.marked_by_tags)

    def _engine_facts_of(self, spec: EngineSpec, options: Mapping[str, Any]) -> EngineFacts:
        local, for_api = spec.engine in _LOCAL, spec.price is not None and options.get("name") == spec.price
        echo = spec.engine == "echo" and not for_api
        requests: Literal["text", "chunk"] | None = None if local else "chunk" if echo else "text"
        translates = spec.engine not in {"echo", "reference"}
        try:
            made = make_engine(spec.engine, _on_device(spec.engine, self._with_model(options)))
            if isinstance(made, Metered):
                requests = "chunk"
            batches = made.batches if isinstance(made, Metered) else None
            tags = getattr(made, "tag_handling", None)
            able = abilities(made)
            return EngineFacts(
                made.name,
                made.revision,
                made.granularity,
                requests,
                translates,
                batches,
                tags,
                able.attends,
                able.marked_by_tags,
            )
        except EngineUnavailable:
            name = str(options.get("name", spec.engine))
            granularity = cast("Granularity", options.get("granularity", "sentence" if local else "document"))
            revision = f"unavailable:{options.get('model', '')}"
            attends = spec.engine == "ctranslate2"
            return EngineFacts(name, revision, granularity, requests, translates, attends=attends)

    def model_revision(self, ref: str) -> str:
        """As the run's own planner identifies it, or the stand-in of a model that is not there."""
        return super().model_revision(self._there(ref))

    def remakes_head(self, ref: str, labels: tuple[str, ...]) -> bool:
        """As the run's own planner finds it; the stand-in of a model that is not there has no head."""
        return super().remakes_head(self._there(ref), labels)

    def _with_model(self, options: Mapping[str, Any]) -> dict[str, Any]:
        model = options.get("model")
        return {**options, **({"model": self._there(str(model))} if model else {})}

    def _there(self, ref: str) -> str:
        """A reference to a model that `pretrained.resolve` finds without fetching or making anything."""
        if _present(ref):
            try:
                pretrained.resolve(ref)
                return ref
            except EngineUnavailable:
                pass
        folder = self._stand_ins / ref.replace("/", "--").replace(":", "--") / ref.rpartition("/")[2]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.json").write_text(json.dumps({"stands_for": ref}), encoding="utf-8")
        return str(folder)


def _present(ref: str) -> bool:
    scheme, colon, name = ref.partition(":")
    if colon and scheme == "offline":
        version = CARRIED[name].version if name in CARRIED else 0
        return (cache_folder() / "pretrained" / f"{name}-{version}" / "done").exists()
    if (colon and scheme == "embedded") or Path(ref).expanduser().exists() or ref.startswith((".", "/", "~")):
        return True
    return _in_hub_cache(ref)


def _in_hub_cache(ref: str) -> bool:
    """Whether a hub model was downloaded before, told without the hub's client, which takes seconds to load."""
    name, _, revision = ref.partition("@")
    home = Path(os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")) / "huggingface")
    cache = Path(os.environ.get("HF_HUB_CACHE") or home / "hub").expanduser()
    folder = cache / f"models--{name.replace('/', '--')}"
    ref_file = folder / "refs" / (revision or "main")
    commit = ref_file.read_text(encoding="utf-8").strip() if ref_file.is_file() else revision
    return bool(commit) and (folder / "snapshots" / commit / "config.json").is_file()


def accelerated() -> bool:
    """Whether this machine has an accelerator, told without the packages that use it."""
    return shutil.which("nvidia-smi") is not None


def _on_device(engine: str, options: dict[str, Any]) -> dict[str, Any]:
    """Say where the engine will run: asked without it, it would load its package to find out."""
    if engine not in _LOCAL:
        return options
    given = {"device": "cuda" if accelerated() else "cpu", **options}
    if engine == "transformers" and given["device"].startswith("cuda"):
        given.setdefault("precision", "float16")  # "auto" would load the tokenizer to find out
    return given
