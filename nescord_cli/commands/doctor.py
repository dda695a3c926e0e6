"""`nescord doctor`: check the effective configuration and print it."""

from __future__ import annotations

import json as json_format
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from nescord_cli.terminal import ProjectOption
from nescord_core.plurals import counted
from nescord_core.terminal.look import Look, paint, symbol
from nescord_core.terminal.wrapping import columns, wrapped

if TYPE_CHECKING:
    from nescord_core.config import Config
    from nescord_core.services.doctor.findings import Finding

__all__ = ["EXAMPLES", "doctor", "report", "values"]

EXAMPLES = """Examples:

nescord doctor

nescord doctor --all

nescord doctor --offline --json"""
MARKS = {"good": ("✓", "green"), "warning": ("!", "bold yellow"), "bad": ("✗", "bold red")}


def doctor(
    project: ProjectOption = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Skip the checks that call Discord.")] = False,
    code: Annotated[
        bool, typer.Option("--code/--no-code", help="Import the bot to check its handlers.")
    ] = True,
    every: Annotated[
        bool, typer.Option("--all", help="Show every value, not only those that differ from the default.")
    ] = False,
) -> None:
    """Check for problems, and print the settings that differ from their defaults, with their sources.

    Secrets are masked. With a token, the checks include calls to Discord. Exits with 1 if a check reports an
    error.
    """
    import asyncio

    from nescord_core import config
    from nescord_core.services.doctor import checks
    from nescord_core.terminal.detection import look_of

    effective = config.load(project)
    findings = asyncio.run(checks.examine(effective, online=not offline, code=code))
    if json:
        typer.echo(json_format.dumps(checks.as_json(effective, findings), indent=2))
    else:
        look = look_of(sys.stdout)
        lines = [*report(findings, str(effective.project), look), "", *values(effective, look, every=every)]
        typer.echo("\n".join(lines))
    if any(finding.verdict is checks.Verdict.BAD for finding in findings):
        raise typer.Exit(1)


def report(findings: Sequence[Finding], project: str, look: Look) -> list[str]:
    """Return the summary and the checks, the problems first."""
    counts = {name: sum(f.verdict.value == name for f in findings) for name in MARKS}
    warnings, errors = counted(counts["warning"], "warning"), counted(counts["bad"], "error")
    colour = "bold red" if counts["bad"] else "bold yellow" if counts["warning"] else "bold green"
    summary = paint(f"{counts['good']} passed, {warnings}, {errors}.", colour, look)
    lines = [f"{summary}  {paint(project, 'dim', look)}", ""]
    for verdict in ("bad", "warning", "good"):
        for finding in findings:
            if finding.verdict.value == verdict:
                lines += _finding(finding, look)
    return lines


def _finding(finding: Finding, look: Look) -> list[str]:
    mark, colour = MARKS[finding.verdict.value]
    sign = mark if mark == "!" else symbol(mark, look)
    head = f"  {paint(f'{sign:<2}', colour, look)}"
    indent = columns(head)
    first, *more = wrapped(
        f"{paint(finding.subject, 'bold', look)}: {finding.text}", look.width, indent=indent
    )
    lines = [head + first, *more]
    if finding.fix:
        fix = wrapped(finding.fix, look.width, indent=indent + 2)
        lines += [" " * (indent + 2) + fix[0], *fix[1:]]
    return lines


def values(effective: Config, look: Look, *, every: bool) -> list[str]:
    """Return the values in force with their sources: all, or those that differ from the default."""
    shown = {name: each for name, each in effective.values.items() if every or each.value != each.key.default}
    more = len(effective.values) - len(shown)
    lines = []
    if shown:
        width = max(map(len, shown))
        lines = [paint("Configuration", "bold", look)]
        lines += [
            f"  {name:<{width}}  {each.shown or '(empty)'}  {paint(f'({each.source})', 'dim', look)}"
            for name, each in shown.items()
        ]
    if more:
        lines.append(f"{counted(more, 'value')} at the default; --all shows them.")
    return lines
