"""What would make a run fail later, found before anything is sent, trained or written.

Each check is made by what the run itself will use: the planner, the engines, the loaders and the price catalogue.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

from crossfare import meter, precision, strict
from crossfare.errors import ConfigError, CrossfareError, Unready
from crossfare.experiment import steps as planning
from crossfare.experiment.billing import check_prices, offers_of, resources_of
from crossfare.experiment.cell import CellSteps, distinct
from crossfare.experiment.charges import paid_engines
from crossfare.experiment.data_checks import DataChecks
from crossfare.experiment.engines import make_engine
from crossfare.experiment.matrix import cells
from crossfare.experiment.revisions import resolved
from crossfare.experiment.spec import Spec
from crossfare.experiment.stages import STAGES
from crossfare.experiment.steps import Planner
from crossfare.finetune.hyperparameters import check_freezing
from crossfare.ledger import Catalogue
from crossfare.ledger.book import Book
from crossfare.pretrained.inspection import layers
from crossfare.store import Store
from crossfare.tasks import TASKS
from crossfare.translate import Projection, attention
from crossfare.translate.engines import sends
from crossfare.types import Step, canonical_json

T = TypeVar("T")

_TRANSLATORS = ("marian", "m2m_100", "nllb-moe", "fsmt")
"""Architectures that transformers has no heads for."""


def ready(spec: Spec, store: Store) -> tuple[Catalogue, tuple[CellSteps, ...]]:
    """The prices of a run and the plan of every cell, all checked that can be without a request.

    What ``store`` has already is not checked again.

    Raises:
        CrossfareError: the one thing that is wrong.
        Unready: several things are, all of them named.
    """
    planning.check(spec)
    found: dict[str, CrossfareError] = {}
    _try(found, [partial(_check_reporters, spec)])
    _try(found, [meter.check_energy] if spec.energy else [])
    checkpoints = dict.fromkeys(cell.checkpoint for cell in cells(spec) if cell.checkpoint)
    _try(found, [partial(_check_model, ref) for ref in checkpoints])
    planner = Planner(spec)
    plan = _try(found, [partial(planner.cell, cell) for cell in cells(spec)])
    steps = distinct(step for cell in plan for step in cell.all)
    undone = [step for step in steps if not store.done(step.id)]
    _try(
        found, [partial(check, step) for check in (_check_packages, _check_training, _check_encoders) for step in steps]
    )
    checks = DataChecks({step.id: step for step in steps}, store)
    _try(found, [partial(check, step) for check in (checks.load, checks.learn) for step in steps])
    _try(found, [partial(checks.gold, cell) for cell in plan])
    _try(found, _engine_checks(undone))
    _try(found, _tokenizer_checks(undone))
    catalogues = _try(found, [partial(_checked_prices, spec, plan)])
    if len(found) > 1:
        raise Unready(tuple(found))
    if found:
        raise next(iter(found.values()))
    return catalogues[0], tuple(plan)


def _try(found: dict[str, CrossfareError], checks: Iterable[Callable[[], T]]) -> list[T]:
    """Make checks, keep what is wrong in ``found`` (the same once), and return what the others made."""
    made = []
    for check in checks:
        try:
            made.append(check())
        except CrossfareError as error:
            found.setdefault(str(error), error)
    return made


def _checked_prices(spec: Spec, plan: Sequence[CellSteps]) -> Catalogue:
    catalogue = Catalogue.load([spec.path(file) for file in spec.prices.files])
    check_prices(Book(catalogue, offers_of(spec)), resources_of(spec, plan))
    paid_engines(spec, catalogue)
    return catalogue


def _check_reporters(spec: Spec) -> None:
    if absent := [name for name in spec.report_to if find_spec(name) is None]:
        raise ConfigError(f"report_to: {', '.join(absent)} is not installed; pip install {' '.join(absent)}")


def _check_model(ref: str) -> None:
    if (kind := _configuration(ref).get("model_type")) in _TRANSLATORS:
        raise ConfigError(f"model {ref!r} is a {kind}, which translates and has no other use; name an encoder")


def _configuration(ref: str) -> dict[str, Any]:
    path = Path(resolved(ref).path) / "config.json"
    config = strict.read_json(path, error=ConfigError)
    if not isinstance(config, dict):
        raise ConfigError(f"model {ref!r}: {path} is no configuration; give a checkpoint's folder or a hub id")
    return config


def _check_encoders(step: Step) -> None:
    """Refuse encoder-decoders where tokens are aligned or passages embedded."""
    how = step.runtime.get("projection")
    found = [step.runtime.get("aligner"), step.runtime["model"] if step.stage == "embed" else None]
    found += [how["aligner"]] if how and Projection(**how).aligns and how["aligner"] != attention.NAME else []
    for ref in found:
        if ref and _configuration(ref).get("is_encoder_decoder"):
            raise ConfigError(f"{step.label}: model {ref!r} is an encoder-decoder; give an encoder")


def _check_packages(step: Step) -> None:
    if absent := [name for name in STAGES[step.stage].packages if find_spec(name) is None]:
        raise ConfigError(f"{', '.join(absent)} is not installed, for {step.label}; pip install 'crossfare[models]'")


def _check_training(step: Step) -> None:
    """Refuse settings that do not fit the model or the machine."""
    if "training" not in step.runtime:
        return
    hyper = TASKS[step.params["task"]].hyperparameters(**step.runtime["training"])
    try:
        precision.check(hyper.precision)
        check_freezing(hyper.freeze_layers, layers(Path(resolved(step.runtime["model"]).path)))
    except CrossfareError as error:
        raise type(error)(f"{step.label}: {error}") from error


def _tokenizer_checks(steps: Sequence[Step]) -> Iterator[Callable[[], None]]:
    """Before texts are sent away, whether the models that will read them have tokenizers that fit.

    Otherwise the fine-tuning finds that out, for loading them takes seconds.
    """
    if any("engine" in step.runtime and sends(step.runtime["engine"]) for step in steps):
        asked = {(step.runtime["model"], step.params["task"]): step for step in steps if step.stage == "finetune"}
        yield from (partial(_check_tokenizer, step) for step in asked.values())


def _check_tokenizer(step: Step) -> None:
    from crossfare.pretrained.loading import load_config, load_tokenizer
    from crossfare.pretrained.offsets import trustworthy

    ref, path = step.runtime["model"], resolved(step.runtime["model"]).path
    try:
        tokenizer = load_tokenizer(path, load_config(path, ref), ref)
        if TASKS[step.params["task"]].spans:
            trustworthy(tokenizer, ref)
    except CrossfareError as error:
        raise type(error)(f"{step.label}: {error}") from error


def _engine_checks(steps: Iterable[Step]) -> Iterator[Callable[[], None]]:
    """For each engine as it is asked: can it reach its service, translate the pair, and carry answers as is asked?"""
    seen: set[str] = set()
    for step in steps:
        if "source" not in step.params or "options" not in step.runtime:
            continue
        asked = (step.runtime["engine"], step.runtime["options"], step.params["source"], step.params["target"])
        how = step.runtime.get("projection")
        if (key := canonical_json([*asked, how])) not in seen:
            seen.add(key)
            yield partial(_check_engine, *asked, how)


def _check_engine(name: str, options: dict[str, Any], source: str, target: str, how: dict[str, Any] | None) -> None:
    engine: Any = make_engine(name, options)
    if hasattr(engine, "check_pair"):
        engine.check_pair(source, target)
    if how:
        Projection(**how).check(engine)
    if hasattr(engine, "connect"):  # the client of an SDK; it sends nothing before it is asked to
        engine.connect()
