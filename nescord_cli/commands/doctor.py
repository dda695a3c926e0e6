"""`nescord doctor`: what is in force, where it comes from, and what stands in the way."""

from __future__ import annotations

import json as json_format
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from nescord_cli.terminal import ProjectOption, paint

__all__ = ["EXAMPLES", "doctor"]

EXAMPLES = """Examples:

nescord doctor

nescord doctor --offline --json"""
MARKS = {"good": ("ok ", "green"), "warning": ("!  ", "yellow"), "bad": ("BAD", "red")}


def doctor(
    project: ProjectOption = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Do not ask Discord about the token.")] = False,
    code: Annotated[
        bool, typer.Option("--code/--no-code", help="Import the bot to see what it listens for.")
    ] = True,
) -> None:
    """Print every effective value with its source (secrets masked) and check what can go wrong.

    Exits with 1 when something is in the way. With a token, Discord is asked whether it is good.
    """
    import asyncio

    from nescord_core import config
    from nescord_core.services.doctor import checks as checkup

    effective = config.load(project)
    findings = asyncio.run(checkup.examine(effective, online=not offline, code=code))
    if json:
        typer.echo(json_format.dumps(checkup.as_json(effective, findings), indent=2))
    else:
        typer.echo(f"Project: {effective.project}\n")
        width = max(len(name) for name in effective.values)
        for name, value in effective.values.items():
            typer.echo(f"  {name:<{width}}  {value.shown}  ({value.source})")
        typer.echo("")
        _print(findings)
    if any(finding.verdict is checkup.Verdict.BAD for finding in findings):
        raise typer.Exit(1)


def _print(findings: Sequence[Any]) -> None:
    for finding in findings:
        mark, colour = MARKS[finding.verdict.value]
        typer.echo(f"  {paint(mark, colour)} {finding.subject}: {finding.text}")
        if finding.fix:
            typer.echo(f"        {finding.fix}")
    counts = {name: sum(f.verdict.value == name for f in findings) for name in MARKS}
    typer.echo(f"\n{counts['good']} good, {counts['warning']} worth a look, {counts['bad']} in the way.")
