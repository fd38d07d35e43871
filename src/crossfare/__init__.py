"""crossfare: which way of crossing a language barrier is worth its fare?

The verbs of the command line, for notebooks:

    import crossfare

    run = crossfare.demo(targets=("pt",), tasks=("nli",))
    run = crossfare.run(crossfare.load_spec("my-comparison.yaml"))
    run.results, run.folder
    crossfare.open_pipeline(run.folder, task="nli").answer([...])

Attributes are loaded when first used: importing crossfare loads neither torch nor an SDK.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crossfare.data import catalog as datasets
    from crossfare.data import inspect, load, save
    from crossfare.errors import CrossfareError
    from crossfare.experiment import (
        Run,
        Spec,
        demo,
        dry_run,
        load_spec,
        run,
        score_translation,
        translate_file,
    )
    from crossfare.experiment import list_engines as engines
    from crossfare.ledger import Catalogue as Prices
    from crossfare.serving import Pipeline, export, open_pipeline, predict_file, serve
    from crossfare.translate import engine

__version__ = "0.1.0"

_HOME = {
    "CrossfareError": ("crossfare.errors", "CrossfareError"),
    "Pipeline": ("crossfare.serving", "Pipeline"),
    "Prices": ("crossfare.ledger", "Catalogue"),
    "Run": ("crossfare.experiment", "Run"),
    "Spec": ("crossfare.experiment", "Spec"),
    "datasets": ("crossfare.data", "catalog"),
    "demo": ("crossfare.experiment", "demo"),
    "dry_run": ("crossfare.experiment", "dry_run"),
    "engine": ("crossfare.translate", "engine"),
    "engines": ("crossfare.experiment", "list_engines"),
    "export": ("crossfare.serving", "export"),
    "inspect": ("crossfare.data", "inspect"),
    "load": ("crossfare.data", "load"),
    "load_spec": ("crossfare.experiment", "load_spec"),
    "open_pipeline": ("crossfare.serving", "open_pipeline"),
    "predict_file": ("crossfare.serving", "predict_file"),
    "run": ("crossfare.experiment", "run"),
    "save": ("crossfare.data", "save"),
    "score_translation": ("crossfare.experiment", "score_translation"),
    "serve": ("crossfare.serving", "serve"),
    "translate_file": ("crossfare.experiment", "translate_file"),
}

__all__ = [
    "CrossfareError",
    "Pipeline",
    "Prices",
    "Run",
    "Spec",
    "datasets",
    "demo",
    "dry_run",
    "engine",
    "engines",
    "export",
    "inspect",
    "load",
    "load_spec",
    "open_pipeline",
    "predict_file",
    "run",
    "save",
    "score_translation",
    "serve",
    "translate_file",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'crossfare' has no attribute {name!r}")
    module, attribute = _HOME[name]
    return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
