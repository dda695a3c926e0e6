"""`nescord doctor`: what is in force, where it comes from, and what stands in the way."""

from __future__ import annotations

import json as json_format
from typing import Annotated

import typer

from nescord_cli.terminal import ProjectOption

__all__ = ["EXAMPLES", "doctor"]

EXAMPLES = """Examples:

nescord doctor

nescord doctor --json"""
MARKS = {"good": "ok ", "warning": "!  ", "bad": "BAD"}


def doctor(
    project: ProjectOption = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Print every effective value with its source (secrets masked) and check what can go wrong."""
    from nescord_core import config
    from nescord_core.services import checkup

    effective = config.load(project)
    findings = checkup.examine(effective)
    if json:
        typer.echo(json_format.dumps(checkup.as_json(effective, findings), indent=2))
    else:
        typer.echo(f"Project: {effective.project}\n")
        width = max(len(name) for name in effective.values)
        for name, value in effective.values.items():
            typer.echo(f"  {name:<{width}}  {value.shown}  ({value.source})")
        typer.echo("")
        for finding in findings:
            typer.echo(f"  {MARKS[finding.verdict.value]} {finding.subject}: {finding.text}")
    if any(finding.verdict is checkup.Verdict.BAD for finding in findings):
        raise typer.Exit(1)
