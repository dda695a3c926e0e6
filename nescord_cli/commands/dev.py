"""`nescord dev`: all services at once, with hot reload."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from nescord_cli.terminal import ProjectOption, VerboseOption, is_verbose, process_start

__all__ = ["EXAMPLES", "dev", "start"]

EXAMPLES = """Examples:

nescord dev

nescord dev --no-sandbox

nescord dev --exec "pytest -q && ruff check"

nescord dev --port-offset 100 --json"""

SHELL_SYNTAX = frozenset(";&|<>$`*?~(){}\n")
"""Characters that make --exec use a shell. Within quotes as well: the shell leaves those alone."""


def dev(
    project: ProjectOption = None,
    sandbox: Annotated[
        bool | None,
        typer.Option(
            "--sandbox/--no-sandbox",
            help="Use the local Discord or the real one (default: local without a token).",
            show_default=False,
        ),
    ] = None,
    port_offset: Annotated[
        int | None,
        typer.Option(help="Add this number to every port (default: the next free one).", show_default=False),
    ] = None,
    strict_port: Annotated[
        bool, typer.Option("--strict-port", help="Fail if a port is taken instead of moving all ports.")
    ] = False,
    seed: Annotated[
        Path | None,
        typer.Option(help="TOML file from which the sandbox creates a new world.", show_default=False),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON lines.")] = False,
    verbose: VerboseOption = None,
    exec_: Annotated[
        str | None,
        typer.Option(
            "--exec",
            help="Run this command once all services are ready, then stop and exit with its code.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Run sandbox, rest, ws and main, and reload main when its files change. ^C stops everything in order."""
    offset = 0 if strict_port and port_offset is None else port_offset
    start(
        project,
        sandbox=sandbox,
        port_offset=offset,
        json=json,
        command=exec_,
        verbose=verbose,
        seed=seed,
    )


def start(
    project: Path | None,
    *,
    sandbox: bool | None = None,
    port_offset: int | None = 0,
    json: bool = False,
    command: str | None = None,
    verbose: bool | None = None,
    seed: Path | None = None,
) -> None:
    """Run everything, and exit with its exit code."""
    import asyncio

    from nescord_core import config
    from nescord_core.services.dev.run import RunOptions, run_dev

    argv: Sequence[str] = _argv(command) if command else ()
    configuration = config.load(project)
    if seed is not None:
        configuration = configuration.override({"sandbox.seed": str(seed.absolute())}, "--seed")
    _require_bot(configuration)
    options = RunOptions(
        sandbox=sandbox,
        port_offset=port_offset,
        json=json,
        verbose=is_verbose(verbose),
        command=argv,
        began=process_start(),
    )
    raise typer.Exit(asyncio.run(run_dev(configuration, options)))


def _argv(command: str) -> list[str]:
    """Split a plain command into its words; a command with shell syntax is given to /bin/sh."""
    from nescord_core.errors import ConfigError

    try:
        words = shlex.split(command)
        needs_shell = not SHELL_SYNTAX.isdisjoint(command) or "=" in "".join(words[:1])
        return ["/bin/sh", "-c", command] if needs_shell and os.name == "posix" else words
    except ValueError as error:
        raise ConfigError(
            f"{command!r} cannot be parsed: {error}.",
            where="--exec",
            hint="Check its quotes and backslashes.",
        ) from None


def _require_bot(configuration: Any) -> None:
    """Refuse to start in a directory without a project."""
    from nescord_core.config import FILE
    from nescord_core.errors import ConfigError
    from nescord_core.services.project.bot_inspection import library_of_program, refuse_other_library

    entry = configuration["main.entry"].partition(":")[0]
    file = entry if entry.endswith(".py") else f"{entry.replace('.', '/')}.py"
    project = configuration.project
    package = project / entry.replace(".", "/")
    if entry.endswith(".py"):  # a WsListener may use another library beside nescord
        refuse_other_library(library_of_program(project / file, project), file)
    if not (project / FILE).is_file() and not (project / file).is_file() and not package.is_dir():
        raise ConfigError(
            f"there is no bot here: neither {FILE} nor {file}.",
            where=str(project),
            hint="Change to the project's directory, or create one: nescord init mybot",
        )
