"""`nescord sandbox`: the world of the project's sandbox."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nescord_cli.terminal import ProjectOption

__all__ = ["app"]

app = typer.Typer(
    help="Reset or export the world of the sandbox.",
    epilog="Examples:  nescord sandbox reset    nescord sandbox export world.toml",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)


@app.command(epilog="Example:  nescord sandbox reset", short_help="Start with a new world.")
def reset(project: ProjectOption = None) -> None:
    """Remove the stored world. With `nescord dev` running, its sandbox restarts with a new one."""
    import asyncio

    from nescord_core import config
    from nescord_core.services.control.sandbox_world import reset as reset_world

    typer.echo(asyncio.run(reset_world(config.load(project).state_dir)))


@app.command(
    epilog="Examples:  nescord sandbox export    nescord sandbox export world.toml",
    short_help="Write the present world as a seed file.",
)
def export(
    file: Annotated[Path | None, typer.Argument(help="The file (default: standard output).")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    project: ProjectOption = None,
) -> None:
    """Write the world as TOML: users, guilds, roles, members, channels and their newest messages.

    It is the running sandbox's world, or else the stored one.
    """
    from nescord_core import config
    from nescord_core.process.os_errors import refused
    from nescord_core.services.sandbox import exported

    text = exported(config.load(project).sandbox)
    if file is None:
        typer.echo(text, nl=False)
        return
    with refused(file), file.open("w" if force else "x", encoding="utf-8") as out:
        out.write(text)
    typer.echo(f"Wrote {file}.", err=True)
