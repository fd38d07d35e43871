"""Plan a run without the packages and the models that it will need."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any

from crossfare import pretrained
from crossfare.errors import EngineUnavailable
from crossfare.experiment.cell import CellSteps
from crossfare.experiment.engines import make_engine
from crossfare.experiment.rehearse import TextByText
from crossfare.experiment.spec import Spec
from crossfare.experiment.spec_engine import EngineSpec
from crossfare.experiment.steps import Planner
from crossfare.pretrained.offline import CARRIED
from crossfare.store import cache_folder
from crossfare.translate.engines import EngineInfo, declared
from crossfare.translate.sentences import Granularity
from crossfare.types import Engine, RunSpec, Translation, revision_for


@dataclass(frozen=True, slots=True)
class Absent:
    """Stands for an engine that cannot be made here: little is known of it but what its class declares."""

    name: str
    revision: str
    granularity: Granularity
    billing: str

    def translate(self, texts: Sequence[str], *, source: str, target: str) -> Translation:  # noqa: ARG002
        """It cannot."""
        raise EngineUnavailable(f"engine {self.name!r} cannot be made here")


class ForecastPlanner(Planner):
    """A planner that needs neither an engine's packages nor a model's weights.

    What is there is identified as a run identifies it, so that steps have the ids that a run gives
    them and finished ones are recognised. A model that is not there (nothing is downloaded) is
    stood in for by an empty folder of its name.
    """

    def __init__(self, spec: Spec) -> None:
        super().__init__(spec)
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

    @property
    def engines(self) -> dict[tuple[str, str], Engine]:
        """The engines met so far, by name and revision."""
        return {
            (each.name, revision_for(each, source, target)): each
            for (_, _, source, target), each in self._engines.items()
        }

    def made_engine(self, spec: EngineSpec, options: dict[str, Any]) -> Engine:
        """As the run's own planner makes it, but with neither its packages nor its model."""
        info = declared(spec.engine)
        try:
            made = make_engine(spec.engine, _on_device(info, self._with_model(options)), planning=True)
        except EngineUnavailable:
            name, revision = str(options.get("name", spec.engine)), f"unavailable:{options.get('model', '')}"
            given: Granularity = "sentence" if info.weights else "document"
            return Absent(name, revision, options.get("granularity", given), "seconds" if info.runs == "local" else "")
        stands_for_an_api = spec.price is not None and made.name == spec.price
        return TextByText(made) if info.runs == "looked-up" or (stands_for_an_api and not info.translates) else made

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


def _on_device(info: EngineInfo, options: dict[str, Any]) -> dict[str, Any]:
    """Say where an engine's model will run: asked without it, it would load its package to find out."""
    if not info.weights:
        return options
    given = {"device": "cuda" if accelerated() else "cpu", **options}
    if info.name == "transformers" and str(given["device"]).startswith("cuda"):
        given.setdefault("precision", "float16")  # "auto" would load the tokenizer to find out
    return given
