"""`nescord init`: a new project from a template."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from nescord_cli import completion
from nescord_core.plurals import counted

__all__ = ["EXAMPLES", "init"]

EXAMPLES = """Examples:

nescord init mybot

nescord init mybot --template minimal --git --yes

nescord init --from bot.py

nescord init . --docker --dry-run"""
DEFAULT = "discordpy"


def init(  # noqa: PLR0913, PLR0917 - options of a command
    path: Annotated[
        Path | None, typer.Argument(help="The directory to create the project in.", show_default=False)
    ] = None,
    template: Annotated[
        str | None,
        typer.Option(
            "--template",
            "-t",
            help=f"The template to use; see --list (default: {DEFAULT}).",
            show_default=False,
            autocompletion=completion.template_names,
        ),
    ] = None,
    from_: Annotated[
        Path | None,
        typer.Option(
            "--from", help="Wrap an existing discord.py bot, and list what it contains.", show_default=False
        ),
    ] = None,
    docker: Annotated[bool, typer.Option("--docker", help="Add a Dockerfile and a compose.yaml.")] = False,
    git: Annotated[
        bool | None, typer.Option("--git/--no-git", help="Create a git repository.", show_default=False)
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Accept the defaults; do not prompt.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be written, without writing it.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that differ.")] = False,
    list_: Annotated[bool, typer.Option("--list", help="List the templates and exit.")] = False,
) -> None:
    """Create a project that is ready to run: `nescord dev` starts its bot, which answers !ping.

    In a terminal, prompts for what you leave out; --yes accepts the defaults.
    """
    from nescord_cli.commands.overwriting import conflicts, refuse_conflicts
    from nescord_core.services.project import templates as scaffold

    if list_:
        for name, about in scaffold.templates().items():
            typer.echo(f"{name:<12} {about}")
        return
    if from_ is not None:
        from nescord_cli.commands.init.from_bot import init_from

        _refuse_beside_from(template, docker, git)
        init_from(from_, path, dry_run=dry_run, force=force)
        return
    asking = _is_asked(yes)
    path = _directory(path, asking=asking)
    if template is None:
        template = _ask_template() if asking else DEFAULT
    plan = _plan(template, path, docker=docker)
    refuse_conflicts(plan, path, force=force or dry_run)
    if dry_run:
        _show(plan, path)
        typer.echo("Nothing was written (--dry-run).")
        return
    if (found := conflicts(plan)) and asking:
        typer.confirm(f"Overwrite {counted(len(found), 'file')}?", abort=True)
    if git is None:
        git = asking and not (path / ".git").exists() and typer.confirm("Create a git repository in it?")
    scaffold.write(plan, path)
    _show(plan, path)
    if git:
        _make_repository(path)
    _say_next(path, docker=docker)


def _is_asked(yes: bool) -> bool:
    """Whether somebody is there to answer."""
    return sys.stdin.isatty() and not yes


def _refuse_beside_from(*others: object) -> None:
    from nescord_core.errors import ConfigError

    if any(others):
        raise ConfigError("--from goes with --dry-run and --force only.", where="nescord init --from")


def _directory(path: Path | None, *, asking: bool) -> Path:
    from nescord_core.errors import ConfigError

    if path is None and asking:
        path = Path(typer.prompt("Directory", default="mybot"))
    if path is None:
        raise ConfigError(
            "the directory is missing.", where="nescord init PATH", hint="For example: nescord init mybot"
        )
    return path


def _ask_template() -> str:
    from nescord_core.errors import ConfigError
    from nescord_core.services.project import templates as scaffold
    from nescord_core.terminal.detection import look_of
    from nescord_core.terminal.look import paint
    from nescord_core.terminal.wrapping import wrapped

    look, found = look_of(sys.stdout), scaffold.templates()
    for name in sorted(found, key=lambda each: each != DEFAULT):
        label = paint(f"{name:<12}", "bold", look)
        lines = wrapped(f"{label} {found[name]}", look.width, indent=15, first=2)
        typer.echo("  " + "\n".join(lines))

    def known(name: str) -> str:
        try:
            scaffold.check(name)
        except ConfigError as error:
            raise typer.BadParameter(str(error)) from None
        return name

    return str(typer.prompt("Template", default=DEFAULT, value_proc=known))


def _plan(template: str, path: Path, *, docker: bool) -> list[Any]:
    from nescord_core import config
    from nescord_core.services.project import templates as scaffold

    plan = scaffold.plan(template, path)
    if not docker:
        return plan
    from nescord_core.services.project.deployment import container_files

    written = next(file.text for file in plan if file.path.name == config.FILE)
    settings = config.from_text(written, path.resolve())
    more = container_files(settings, path)
    names = {file.path for file in more}
    return [file for file in plan if file.path not in names] + more


def _show(plan: Sequence[Any], path: Path) -> None:
    """List the files that are written, and count those that are there already."""
    from nescord_core.services.project.templates import State

    written = [file for file in plan if file.state is not State.SAME]
    for file in written:
        typer.echo(f"  {file.state.value:<10} {path / file.path}")
    if same := len(plan) - len(written):
        typer.echo(f"  {counted(same, 'file')} unchanged")


def _make_repository(path: Path) -> None:
    from nescord_core.errors import NescordError

    if (path / ".git").exists():
        typer.echo("It is a git repository already.")
        return
    try:
        done = subprocess.run(  # noqa: S603 - nothing of it goes through a shell
            ("git", "init", "-q", str(path)),  # noqa: S607 - the git that the person has
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        raise NescordError(
            "the files are written, but there is no git on this machine.", hint="Leave --git out."
        ) from None
    if done.returncode != 0:
        raise NescordError(f"the files are written, but git refused: {done.stderr.strip()}")
    typer.echo("It is a git repository; .gitignore keeps .env and the state out of it.")


def _say_next(path: Path, *, docker: bool) -> None:
    where = "" if path.resolve() == Path.cwd() else f"cd {path} && "
    typer.echo(f"\nDone. Next:\n  {where}nescord dev\n  python -m pip install pytest && python -m pytest")
    typer.echo("The first starts the bot on a local Discord: open the page that it prints and say !ping.")
    if docker:
        typer.echo("In containers: cp .env.example .env, fill it in, docker compose up -d --build")
