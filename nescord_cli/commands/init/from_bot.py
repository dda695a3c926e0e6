"""`nescord init --from bot.py`: a project around an existing discord.py bot."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from nescord_core.plurals import counted

if TYPE_CHECKING:
    from nescord_core.services.project.bot_inspection import BotFacts

__all__ = ["init_from"]

CONFIG = """# nescord around {entry}. `nescord doctor` prints every value in force and where it comes from.
# The token belongs into .env or the environment, never into this file.

[bot]
# ws asks Discord for these, whatever {entry} says; members, presences and message_content have to be switched
# on in the Developer Portal.
intents = [{intents}]

[main]
entry = "{entry}"
"""
EXAMPLE = "DISCORD_BOT_TOKEN=\n"
IGNORED = ".env\n.nescord/\n"
ROOTS = ("nescord.toml", "pyproject.toml", "setup.py", "requirements.txt", ".env", ".env.example", ".git")
"""What stands in the root of a project: there its files are looked for, and `python -m` is run."""
SHOWN = 12


def init_from(program: Path, path: Path | None, *, dry_run: bool, force: bool) -> None:
    """Say what the bot consists of, and write what it needs to run on nescord; its own files stay."""
    from nescord_cli.commands.overwriting import refuse_conflicts
    from nescord_core.errors import ConfigError
    from nescord_core.services.project import templates as scaffold
    from nescord_core.services.project.bot_inspection import inspect_bot, refuse_other_library

    if not program.is_file():
        raise ConfigError("there is no such file.", where=f"--from {program}")
    target = path or _home_of(program)
    if not program.resolve().is_relative_to(target.resolve()):
        raise ConfigError(
            f"{program} is not in {target}.",
            where="nescord init --from",
            hint="The project has to contain the bot: leave the directory out, or name one above the bot.",
        )
    found = inspect_bot(program, target)
    refuse_other_library(found.library, program)
    _tell(found, target)
    entry = program.resolve().relative_to(target.resolve()).as_posix()
    intents = ", ".join(f'"{each}"' for each in found.intent_names)
    texts = {"nescord.toml": CONFIG.format(entry=entry, intents=intents)}
    beside = {".env.example": EXAMPLE, ".gitignore": IGNORED}
    texts |= {name: text for name, text in beside.items() if not (target / name).exists()}
    plan = scaffold.plan_files(texts, target)
    refuse_conflicts(plan, target, force=force or dry_run)
    if not dry_run:
        scaffold.write(plan, target)
    for file in plan:
        typer.echo(f"  {file.state.value:<10} {target / file.path}")
    if dry_run:
        typer.echo("Nothing was written (--dry-run).")
        return
    where = "" if target.resolve() == Path.cwd() else f"cd {target} && "
    typer.echo(
        f"\nDone. Next:\n  {where}nescord dev\nIt runs the bot on a local Discord: http://127.0.0.1:7400/"
    )


def _home_of(program: Path) -> Path:
    """Return the directory that the program is started in: the nearest that looks like a project's root."""
    here = Path.cwd()
    above = [each for each in program.resolve().parents if each.is_relative_to(here)]
    root = next((each for each in above if any((each / name).exists() for name in ROOTS)), None)
    if root is None:
        return program.parent
    return Path(os.path.relpath(root, here))


def _tell(found: BotFacts, target: Path) -> None:
    typer.echo(f"Read {counted(len(found.files), 'file')} without running the bot.")
    if found.intents is None:
        typer.echo("  intents       not found; using all that need no permission")
    else:
        typer.echo(f"  intents       {', '.join(found.intent_names)}")
    for label, names in (
        ("client", found.clients[:1]),
        ("cogs", found.cogs),
        ("extensions", found.extensions),
        ("commands", found.commands),
        ("app commands", found.app_commands),
        ("events", found.events),
    ):
        if names:
            distinct = list(dict.fromkeys(names))
            more = f", and {len(distinct) - SHOWN} more" if len(distinct) > SHOWN else ""
            typer.echo(f"  {label:<13} {', '.join(distinct[:SHOWN])}{more}")
    if not found.clients:
        typer.echo("  No client of discord.py was found. Is this the file that starts the bot?")
