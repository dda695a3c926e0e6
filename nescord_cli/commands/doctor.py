"""`nescord doctor`: print the effective configuration and check it."""

from __future__ import annotations

import json as json_format
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from nescord_cli.terminal import ProjectOption, paint
from nescord_core.plurals import counted

__all__ = ["EXAMPLES", "doctor"]

EXAMPLES = """Examples:

nescord doctor

nescord doctor --offline --json"""
MARKS = {"good": ("ok", "green"), "warning": ("warning", "yellow"), "bad": ("error", "red")}


def doctor(
    project: ProjectOption = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Skip the checks that call Discord.")] = False,
    code: Annotated[
        bool, typer.Option("--code/--no-code", help="Import the bot to check its handlers.")
    ] = True,
) -> None:
    """Print every setting with its source (secrets masked), and check for problems.

    With a token, the checks include calls to Discord. Exits with 1 if a check reports an error.
    """
    import asyncio

    from nescord_core import config
    from nescord_core.services.doctor import checks

    effective = config.load(project)
    findings = asyncio.run(checks.examine(effective, online=not offline, code=code))
    if json:
        typer.echo(json_format.dumps(checks.as_json(effective, findings), indent=2))
    else:
        typer.echo(f"Project: {effective.project}\n")
        width = max(len(name) for name in effective.values)
        for name, value in effective.values.items():
            typer.echo(f"  {name:<{width}}  {value.shown}  ({value.source})")
        typer.echo("")
        _print(findings)
    if any(finding.verdict is checks.Verdict.BAD for finding in findings):
        raise typer.Exit(1)


def _print(findings: Sequence[Any]) -> None:
    width = max(len(mark) for mark, _ in MARKS.values())
    for finding in findings:
        mark, colour = MARKS[finding.verdict.value]
        typer.echo(f"  {paint(f'{mark:<{width}}', colour)}  {finding.subject}: {finding.text}")
        if finding.fix:
            typer.echo(f"{'':<{width + 6}}{finding.fix}")
    counts = {name: sum(f.verdict.value == name for f in findings) for name in MARKS}
    warnings, errors = counted(counts["warning"], "warning"), counted(counts["bad"], "error")
    typer.echo(f"\n{counts['good']} passed, {warnings}, {errors}.")
