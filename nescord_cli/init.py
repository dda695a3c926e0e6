"""`nescord init`: a new project from a template."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["EXAMPLES", "init"]

EXAMPLES = """Examples:

nescord init mybot

nescord init . --dry-run

nescord init mybot --template minimal --yes"""


def init(
    path: Annotated[
        Path | None, typer.Argument(help="The directory to make the project in.", show_default=False)
    ] = None,
    template: Annotated[str, typer.Option(help="What to start from; see --list.")] = "minimal",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be written, write nothing.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that differ.")] = False,
    list_: Annotated[bool, typer.Option("--list", help="List the templates.")] = False,
) -> None:
    """Make a new project that runs as it is: `nescord dev` in it starts a bot that answers !ping."""
    from nescord_core.errors import ConfigError
    from nescord_core.services import scaffold

    if list_:
        for name, about in scaffold.templates().items():
            typer.echo(f"{name:<12} {about}")
        return
    if path is None:
        raise ConfigError(
            "the directory is missing.", where="nescord init PATH", hint="For example: nescord init mybot"
        )
    plan = scaffold.plan(template, path)
    conflicts = [file for file in plan if file.state is scaffold.State.DIFFERS]
    if conflicts and not force and not dry_run:
        names = ", ".join(str(file.path) for file in conflicts)
        raise ConfigError(
            f"these files exist and differ: {names}.",
            where=str(path),
            hint="Choose another directory, or use --force.",
        )
    for file in plan:
        typer.echo(f"  {file.state.value:<10} {path / file.path}")
    if dry_run:
        typer.echo("Nothing was written (--dry-run).")
        return
    if conflicts and not yes:
        typer.confirm(f"Overwrite {len(conflicts)} file(s)?", abort=True)
    scaffold.write(plan, path)
    where = "" if path.resolve() == Path.cwd() else f"cd {path} && "
    typer.echo(f"\nDone. Next:\n  {where}nescord dev\nThen open http://127.0.0.1:7000/ and say !ping.")
