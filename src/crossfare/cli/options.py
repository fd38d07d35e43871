"""Options and arguments that several commands take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Out = Annotated[Path | None, typer.Option(help="Run directory (default: runs/NAME, of a part runs/NAME-PART).")]
Jobs = Annotated[int | None, typer.Option(min=1, help="Steps to run side by side (default: one per core).")]
Targets = Annotated[str | None, typer.Option(help="Only these target languages, separated by commas.")]
Tasks = Annotated[str | None, typer.Option(help="Only these tasks, separated by commas.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="List the steps, what is cached and what has to be paid; run nothing.")
]
MaxUsd = Annotated[
    str | None, typer.Option(metavar="USD", help="Stop before the request that would make the run cost more than this.")
]
PriceFile = Annotated[
    list[Path] | None, typer.Option(help="Price files that bill the engine (default: those of the run's spec).")
]
Yes = Annotated[
    bool, typer.Option("--yes", "-y", help="Do not ask before texts leave this machine, or requests have to be paid.")
]
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
Energy = Annotated[bool, typer.Option("--energy", help="Meter the electricity of each step (crossfare[energy]).")]
Force = Annotated[bool, typer.Option("--force", help="Replace what is there already.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print the tables only, no progress.")]
Runs = Annotated[list[Path], typer.Argument(metavar="RUN...", help="Run directories.", show_default=False)]
Mean = Annotated[bool, typer.Option("--mean", help="Judge methods by their mean over the target languages.")]
Volume = Annotated[int, typer.Option(min=1, help="Examples served a month.")]
Months = Annotated[int, typer.Option(min=1, help="Months that costs are counted over.")]
Without = Annotated[str | None, typer.Option(help="Engines or methods to leave out, such as reference.")]
StatedPrices = Annotated[
    list[str] | None,
    typer.Option(
        "--price", metavar="RESOURCE=USD", help="State a price: per device-hour, million characters, example."
    ),
]
Offers = Annotated[
    list[str] | None, typer.Option("--offer", metavar="RESOURCE=OFFER", help="Price a resource by a catalogue offer.")
]
PriceFiles = Annotated[list[Path] | None, typer.Option("--price-file", help="Further price files for --offer.")]
AsJson = Annotated[Path | None, typer.Option("--json", help="Also write the model and all that follows from it here.")]
RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="Run directory.", show_default=False)]
OneTask = Annotated[str | None, typer.Option("--task", help="The task, if the run has several.")]
OneTarget = Annotated[str | None, typer.Option("--target", help="The target language, if the run has several.")]
OneMethod = Annotated[str | None, typer.Option("--method", help="The method (default: the recommended one).")]
OneEngine = Annotated[str | None, typer.Option("--engine", help="The engine, by its name in the spec.")]
OneModel = Annotated[str | None, typer.Option("--model", help="The model: its role in the spec, or a checkpoint.")]
OneGoldSize = Annotated[
    str | None, typer.Option("--gold-size", help="How many labels it learnt from, if the run has several; or all.")
]
OneTrainEngine = Annotated[
    str | None, typer.Option("--train-engine", help="What translates the training data of an ensemble of two engines.")
]
OneSeed = Annotated[int | None, typer.Option("--seed", help="The seed (default: the run's first).")]
