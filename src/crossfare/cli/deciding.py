"""Which method to choose, by what runs measured and at what prices."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crossfare.cli import values
from crossfare.cli.options import (
    Beside,
    Force,
    JudgingOptions,
    Margin,
    Months,
    PriceOptions,
    RunFolders,
    Utilisation,
    Volume,
    Worth,
    with_groups,
)
from crossfare.cli.terminal import say, show
from crossfare.cli.values import limit, names, settings, usd
from crossfare.errors import ConfigError

if TYPE_CHECKING:
    from crossfare import compare as comparing
    from crossfare.report.decision import Horizon


@with_groups
def compare(judged: JudgingOptions, at: PriceOptions) -> None:
    """Compare methods by quality, total cost and latency; nothing is run, prices can be changed."""
    from crossfare import compare as comparing
    from crossfare.report import advice, decision, learning

    horizon = decision.Horizon(judged.volume, judged.months)
    made, curves = _decide(judged, at, horizon, comparing.Constraints())
    for each in made:
        say(advice.heading(each, horizon), advice.advice(each))
        show(
            (
                decision.front_table(each, horizon),
                decision.break_even_table(each.decision, horizon),
                decision.sensitivity_table(each, horizon),
            )
        )
    for curve in curves:
        show((learning.labels_table(curve), learning.parity_table(curve)))
        say(*learning.answers(curve), "")


@with_groups
def recommend(
    judged: JudgingOptions,
    *,
    min_quality: Annotated[float | None, typer.Option(help="Least score, as a fraction.")] = None,
    max_latency_ms: Annotated[float | None, typer.Option(help="Most that translation may add to a request.")] = None,
    max_usd: Annotated[str | None, typer.Option(metavar="USD", help="Most that may be spent in all.")] = None,
    at: PriceOptions,
) -> None:
    """Say which method to choose, how sure that is, why not the others, and what would change it.

    Without --worth the cheapest method shown to be within --margin of the best, with it the one of the greatest
    expected net benefit. Status 1 if no method keeps the constraints, or the evidence is not enough.
    """
    from crossfare import compare as comparing
    from crossfare.report import advice, decision
    from crossfare.report.hardware_costs import hardware_notes

    horizon = decision.Horizon(judged.volume, judged.months)
    if min_quality is not None and not 0 <= min_quality <= 1:
        raise ConfigError(f"--min-quality is a fraction from 0 to 1, not {min_quality:g}")
    constraints = comparing.Constraints(min_quality, max_latency_ms, limit(max_usd))
    found, _ = _decide(judged, at, horizon, constraints)
    for made in found:
        say(*advice.explain(made, horizon), *hardware_notes([made.decision], horizon.examples), "")
    say(f"Recommended is {advice.rule(found[0].aim)}.")
    if any(made.chosen is None for made in found):
        raise typer.Exit(1)


def _decide(
    judged: JudgingOptions, at: PriceOptions, horizon: Horizon, constraints: comparing.Constraints
) -> tuple[tuple[comparing.Recommendation, ...], tuple[comparing.LearningCurve, ...]]:
    from crossfare import compare as comparing
    from crossfare.ledger import Catalogue
    from crossfare.output import claim
    from crossfare.store import write_json

    if at.json_file:
        claim(at.json_file, reads=(*judged.runs, *(at.price_file or ())), force=at.force)
    if at.price_file and not at.offer:
        raise ConfigError("--price-file holds offers; name the one to use with --offer RESOURCE=OFFER")
    runs = comparing.reprice(
        [comparing.read_run(folder) for folder in judged.runs],
        prices={name: usd("--price", text) for name, text in settings("--price", at.price).items()},
        offers=settings("--offer", at.offer),
        catalogue=Catalogue.load(at.price_file) if at.price_file else None,
    )
    kept = {"tasks": names(judged.tasks), "targets": names(judged.targets), "without": names(at.without)}
    found = comparing.decisions(
        runs, **kept, mean=judged.mean, months=horizon.months, utilisation=Decimal(str(at.utilisation))
    )
    aim = comparing.Aim(judged.margin / 100, values.worth(judged.worth))
    made = tuple(comparing.recommend(each, horizon.examples, constraints, aim) for each in found)
    curves = comparing.learning_curves(runs, **kept)
    if at.json_file:
        decisions = [comparing.to_json(each) for each in made]
        written = {"format": 1, "decisions": decisions, "learning_curves": [each.to_json() for each in curves]}
        write_json(at.json_file, written)
    return made, curves


def report(
    runs: RunFolders,
    volume: Volume = 100_000,
    months: Months = 12,
    margin: Margin = 2.0,
    worth: Worth = None,
    utilisation: Utilisation = 1.0,
    beside: Beside = None,
    force: Force = False,
) -> None:
    """Write the report of a run: one HTML page that needs no network, with LaTeX tables and figures beside it.

    Several runs are reported on together, in the directory of the first.
    """
    from crossfare.compare import Aim
    from crossfare.experiment.methods import METHODS
    from crossfare.paper.rows import places
    from crossfare.race import Course, course_tables
    from crossfare.report import write_report
    from crossfare.report.decision import Horizon

    raced = {folder: Course.of_run(folder) for folder in runs}
    courses = {str(folder): course_tables(course) for folder, course in raced.items() if course}
    page = write_report(
        *runs,
        horizon=Horizon(volume, months),
        aim=Aim(margin / 100, values.worth(worth)),
        utilisation=Decimal(str(utilisation)),
        methods=METHODS,
        courses=courses,
        places=places,
        beside=values.beside(beside),
        force=force,
    )
    say(f"Report: {page}")


def prices(
    offer: Annotated[str | None, typer.Argument(help="Only offers with this in their name, or llm:MODEL.")] = None,
    file: Annotated[
        list[Path] | None, typer.Option("--price-file", "--file", help="Further price files, such as your own rates.")
    ] = None,
) -> None:
    """List the price records with their age and source; those unchecked for a year are marked stale."""
    from crossfare.ledger import STALE_AFTER_DAYS, Catalogue
    from crossfare.report import price_table

    catalogue = Catalogue.load(file or ())
    listed = catalogue.matching(offer) if offer else catalogue
    show([price_table(listed)])
    if stale := listed.stale():
        outdated = ", ".join(dict.fromkeys(price.offer for price in stale))
        say(f"Not checked for more than {STALE_AFTER_DAYS} days, state your own: {outdated}")
