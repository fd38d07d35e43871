"""Options and arguments that several commands take, and groups of them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

Targets = Annotated[str | None, typer.Option(help="Only these target languages, separated by commas.")]
Tasks = Annotated[str | None, typer.Option(help="Only these tasks, separated by commas.")]
MaxUsd = Annotated[
    str | None, typer.Option(metavar="USD", help="Stop before the request that would make the run cost more than this.")
]
Beside = Annotated[
    str | None, typer.Option(metavar="paper", help="Show the paper's figures below those of the same cells.")
]
PriceFile = Annotated[
    list[Path] | None, typer.Option(help="Price files that bill the engine (default: those of the run's spec).")
]
Yes = Annotated[
    bool, typer.Option("--yes", "-y", help="Do not ask before texts leave this machine, or requests have to be paid.")
]
Concurrency = Annotated[
    int | None,
    typer.Option(min=1, help="Requests that may be in flight to each remote engine (default: as its service takes)."),
]
Force = Annotated[bool, typer.Option("--force", help="Replace what is there already.")]
Volume = Annotated[int, typer.Option(min=1, help="Examples served a month.")]
Utilisation = Annotated[
    float, typer.Option(min=0, max=1, help="Part of the time that hardware works, of what is paid for serving.")
]
Margin = Annotated[
    float, typer.Option(min=0, max=100, metavar="POINTS", help="Points of quality below the best that nobody minds.")
]
Worth = Annotated[
    str | None, typer.Option(metavar="USD", help='What an error less is worth, such as "0.02 USD per error".')
]
Months = Annotated[int, typer.Option(min=1, help="Months that costs are counted over.")]
AllowHost = Annotated[
    list[str] | None,
    typer.Option(
        metavar="HOST", help="A host that a spec names and that may be sent its engine's key; http://HOST: unencrypted."
    ),
]
AllowKey = Annotated[
    list[str] | None,
    typer.Option(metavar="VARIABLE", help="A variable that a spec may name as a key, beside the engine's own."),
]
TrainEngine = Annotated[
    str | None, typer.Option("--train-engine", help="What translates the training data of an ensemble of two engines.")
]
RunFolders = Annotated[list[Path], typer.Argument(metavar="RUN...", help="Run directories.", show_default=False)]
RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="Run directory.", show_default=False)]


def with_groups(command: Callable[..., None]) -> Callable[..., None]:
    """Let a command take groups: each parameter that is a dataclass becomes the options that are its fields."""
    groups: dict[str, Any] = {name: kind for name, kind in get_type_hints(command).items() if is_dataclass(kind)}
    flat: list[inspect.Parameter] = []
    for parameter in inspect.signature(command, eval_str=True).parameters.values():
        group = groups.get(parameter.name)
        flat += inspect.signature(group, eval_str=True).parameters.values() if group else [parameter]
    flat = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in flat]

    @wraps(command)
    def called(**given: Any) -> None:
        made = {name: kind(*(given.pop(own.name) for own in fields(kind))) for name, kind in groups.items()}
        command(**made, **given)

    called.__signature__ = inspect.Signature(flat)  # type: ignore[attr-defined]
    called.__annotations__ = {each.name: each.annotation for each in flat}
    return called


@dataclass(frozen=True, slots=True)
class PartOptions:
    """Which part of a spec is run, where to, and by how many processes."""

    targets: Targets = None
    tasks: Tasks = None
    out: Annotated[Path | None, typer.Option(help="Run directory (default: runs/NAME, of a part runs/NAME-PART).")] = (
        None
    )
    jobs: Annotated[int | None, typer.Option(min=1, help="Steps to run side by side (default: one per core).")] = None


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What is done besides running it, or instead."""

    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List the steps, what is cached and what has to be paid; run nothing.")
    ] = False
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the tables only, no progress.")] = False
    energy: Annotated[
        bool, typer.Option("--energy", help="Meter the electricity of each step (crossfare[energy]).")
    ] = False
    beside: Beside = None


@dataclass(frozen=True, slots=True)
class ReadingOptions:
    """What the user says of a file, where its own words do not tell."""

    columns: Annotated[
        str | None,
        typer.Option(metavar="PART=NAME,...", help="The columns of a table, such as premise=text_a,hypothesis=text_b."),
    ] = None
    labels: Annotated[
        str | None,
        typer.Option(
            metavar="LABELS",
            help="What its labels mean: in the order of its numbers (entailment,neutral,contradiction), one by one "
            "(0=entailment,yes=entailment,-1=-), or two-class.",
        ),
    ] = None
    separator: Annotated[str | None, typer.Option(help="What separates its cells: one character, or tab.")] = None


@dataclass(frozen=True, slots=True)
class JudgingOptions:
    """Which runs are judged, and over which horizon."""

    runs: RunFolders
    tasks: Tasks = None
    targets: Targets = None
    mean: Annotated[bool, typer.Option("--mean", help="Judge methods by their mean over the target languages.")] = False
    volume: Volume = 100_000
    months: Months = 12
    margin: Margin = 2.0
    worth: Worth = None


@dataclass(frozen=True, slots=True)
class PriceOptions:
    """At which prices runs are judged, without what, and where the outcome is written."""

    price: Annotated[
        list[str] | None,
        typer.Option(
            "--price", metavar="RESOURCE=USD", help="State a price: per device-hour, million characters, example."
        ),
    ] = None
    offer: Annotated[
        list[str] | None,
        typer.Option("--offer", metavar="RESOURCE=OFFER", help="Price a resource by a catalogue offer."),
    ] = None
    price_file: Annotated[list[Path] | None, typer.Option("--price-file", help="Further price files for --offer.")] = (
        None
    )
    utilisation: Utilisation = 1.0
    without: Annotated[str | None, typer.Option(help="Engines or methods to leave out, such as reference.")] = None
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Also write the model and all that follows from it here.")
    ] = None
    force: Force = False


@dataclass(frozen=True, slots=True)
class CellOptions:
    """Which cell of a run is put to work."""

    task: Annotated[str | None, typer.Option("--task", help="The task, if the run has several.")] = None
    target: Annotated[str | None, typer.Option("--target", help="The target language, if the run has several.")] = None
    method: Annotated[str | None, typer.Option("--method", help="The method (default: the recommended one).")] = None
    engine: Annotated[str | None, typer.Option("--engine", help="The engine, by its name in the spec.")] = None
    model: Annotated[str | None, typer.Option("--model", help="The model: its role in the spec, or a checkpoint.")] = (
        None
    )
    seed: Annotated[int | None, typer.Option("--seed", help="The seed (default: the run's first).")] = None
    gold_size: Annotated[
        str | None, typer.Option("--gold-size", help="How many labels it learnt from, if the run has several; or all.")
    ] = None
