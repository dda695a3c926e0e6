"""`nescord demo`: a temporary project on the sandbox, with no token and no network."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["EXAMPLES", "demo"]

EXAMPLES = """Examples:

nescord demo

nescord demo --check"""


def demo(
    check: Annotated[
        bool, typer.Option("--check", help="Talk to the bot, change its code, print the transcript and exit.")
    ] = False,
    project: Annotated[
        Path | None,
        typer.Option(help="Use this project instead of a temporary one.", show_default=False),
    ] = None,
) -> None:
    """Create a temporary project and run it on the sandbox. Open the page and say !ping."""
    with tempfile.TemporaryDirectory(prefix="nescord-demo-", ignore_cleanup_errors=True) as scratch:
        directory = project.resolve() if project else Path(scratch) / "demo"
        if project is None:
            from nescord_core.services.dev.demo import make_project

            make_project(directory)
        if check:
            _check(directory)
        else:
            _show(directory)


def _check(directory: Path) -> None:
    import asyncio
    import time

    from nescord_core import config
    from nescord_core.services.dev import demo as service

    settings = config.load(directory, environ={})
    claims = service.PortClaims()
    offset = service.free_offset(settings, claims)
    host, port = settings.shifted(offset)["sandbox.listen"]
    started = time.monotonic()

    async def talk() -> None:
        async with service.running(directory, offset) as run:
            await service.converse(run, directory, f"http://{host}:{port}", typer.echo)

    typer.echo(f"Running the bot in {directory} on the sandbox at http://{host}:{port}")
    asyncio.run(talk())
    claims.close()
    typer.echo(f"Both answers arrived and everything has stopped, in {time.monotonic() - started:.1f} s.")


def _show(directory: Path) -> None:
    from nescord_cli.commands.dev import start

    typer.echo(f"Edit {directory}/bot_main/app.py while the demo runs. ^C ends it.")
    start(directory, sandbox=True, port_offset=None)
