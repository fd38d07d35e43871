"""Recompute the paper's costs."""

from __future__ import annotations

from typing import Annotated

import typer

from crossfare.cli.terminal import show


def audit_paper(
    batch_size: Annotated[int, typer.Option(help="Examples that the paper's seconds a batch are for.")] = 32,
    hours: Annotated[str, typer.Option(help="Translation hours: stated (in the text) or implied (by the cost).")] = (
        "stated"
    ),
    billing: Annotated[str, typer.Option(help="What an API bills as an example of QA: paragraph or question.")] = (
        "paragraph"
    ),
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the cells as CSV.")] = False,
) -> None:
    """Recompute the costs and latencies of Rosa et al. (2021), Table 1, from the paper's own inputs."""
    import json

    from crossfare import paper
    from crossfare.report import to_csv

    audited = paper.audit(paper.Assumptions.parse(batch_size=batch_size, hours=hours, billing=billing))
    if as_json:
        typer.echo(json.dumps(paper.to_json(audited), indent=2))
    elif as_csv:
        typer.echo(to_csv(paper.full_table(audited)), nl=False)
    else:
        show(paper.to_tables(audited))
