"""`nescord events`: watch, record and replay the bot's events."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from nescord_cli import completion
from nescord_cli.commands.events import failed as failed_events
from nescord_cli.terminal import ProjectOption
from nescord_core.plurals import counted

__all__ = ["app"]

app = typer.Typer(
    help="Watch, record and replay the bot's events.",
    epilog="Examples:  nescord events tail    nescord events last 5 --again",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)
TAIL_EXAMPLES = """Examples:

nescord events tail

nescord events tail --type message_create,interaction_create

nescord events tail --guild 1191168914231394304 --json"""
RECORD_EXAMPLES = """Examples:

nescord events record today.zst

nescord events record shared.jsonl --scrub names,content --seconds 60"""
REPLAY_EXAMPLES = """Examples:

nescord events replay today.zst

nescord events replay today.zst --speed 0 --diff

nescord events replay 0-a1b2c3-42

nescord events replay --all"""
LAST_EXAMPLES = """Examples:

nescord events last 5

nescord events last 20 --again"""

TypeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--type",
        "-t",
        help="Only events of these types (comma-separated or repeated).",
        show_default=False,
        autocompletion=completion.event_names,
    ),
]
GuildOption = Annotated[
    int | None, typer.Option("--guild", "-g", help="Only events of this guild (its id).", show_default=False)
]
FAILED_ID = re.compile(r"\d+-[^-/\\]{1,6}-\d+")


def _load(project: Path | None) -> Any:
    from nescord_core import config

    return config.load(project)


def _types(names: Sequence[str] | None) -> frozenset[str]:
    from nescord_core.errors import ConfigError
    from nescord_core.events import event_names

    try:
        return event_names(",".join(names or ())) or frozenset()
    except ValueError as error:
        hint = "docs/guides/events.md lists the events."
        raise ConfigError(str(error), where="--type", hint=hint) from None


@app.command(epilog=TAIL_EXAMPLES, short_help="Show events and calls live.")
def tail(
    types: TypeOption = None,
    guild: GuildOption = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON lines, with the events' data.")] = False,
    calls: Annotated[
        bool, typer.Option("--calls/--no-calls", help="Show the API calls that the bot makes for each event.")
    ] = True,
    limit: Annotated[int, typer.Option(help="Stop after N events (0: no limit).", min=0)] = 0,
    project: ProjectOption = None,
) -> None:
    """Show the bot's events as they arrive, until ^C. Continues across reloads and restarts of main.

    If the output falls behind, lines are dropped and counted; the bot never waits. Tokens are not shown.
    """
    from nescord_cli.commands.events.lines import as_json, rendering
    from nescord_cli.commands.events.stream import follow
    from nescord_cli.interrupts import until_stopped
    from nescord_core.services.control.subscription import Wanted

    wanted = Wanted(types=_types(types), guild_id=guild or 0, calls=calls)
    state_dir = _load(project).state_dir

    async def run() -> None:
        render = as_json if json else (await rendering(state_dir)).record

        def show(record: Any) -> None:
            if line := render(record):
                typer.echo(line)

        await follow(state_dir, wanted, show, limit=limit)

    until_stopped(run)


@app.command(epilog=RECORD_EXAMPLES, short_help="Record events to a file.")
def record(
    file: Annotated[Path, typer.Argument(help="The output file; compressed unless it ends with .jsonl.")],
    types: TypeOption = None,
    guild: GuildOption = None,
    scrub: Annotated[
        str | None,
        typer.Option(
            help="Remove `names`, `content`, or both; tokens are always removed.", show_default=False
        ),
    ] = None,
    seconds: Annotated[float, typer.Option(help="Stop after N seconds (0: no limit).", min=0)] = 0.0,
    limit: Annotated[int, typer.Option(help="Stop after N events (0: no limit).", min=0)] = 0,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    project: ProjectOption = None,
) -> None:
    """Record the bot's events, and the API calls it makes for them, to a file until ^C.

    Only its owner can read the file. It contains ids; see --scrub for names and content.
    """
    from nescord_cli.commands.events.stream import follow
    from nescord_cli.interrupts import until_stopped
    from nescord_core.services.control.subscription import Wanted
    from nescord_core.services.recording.files import recording

    wanted = Wanted(types=_types(types), guild_id=guild or 0)
    state_dir = _load(project).state_dir
    with recording(file, scrub=_scrubbed(scrub), force=force) as recorder:
        typer.echo(f"Recording to {file}; press ^C to stop.", err=True)
        until_stopped(lambda: follow(state_dir, wanted, recorder.put, limit=limit, seconds=seconds))
    size = f"{file.stat().st_size:,} bytes"
    typer.echo(f"Recorded {counted(recorder.events, 'event')} to {file}, {size}.", err=True)


def _scrubbed(text: str | None) -> frozenset[str]:
    from nescord_core.errors import ConfigError
    from nescord_core.tracing.scrubbing import CONTENT, NAMES

    wanted = frozenset(part.strip() for part in (text or "").split(",") if part.strip())
    if unknown := wanted - {NAMES, CONTENT}:
        raise ConfigError(
            f"{', '.join(sorted(unknown))!r} cannot be scrubbed.",
            where="--scrub",
            hint=f"Use {NAMES}, {CONTENT}, or both separated by a comma.",
        )
    return wanted


@app.command(epilog=REPLAY_EXAMPLES, short_help="Replay a recording or failed events.")
def replay(
    what: Annotated[
        list[str] | None, typer.Argument(help="A file, or event ids from `events failed`.")
    ] = None,
    speed: Annotated[
        float, typer.Option(help="1: as recorded, 10: ten times as fast, 0: as fast as possible.", min=0)
    ] = 1.0,
    diff: Annotated[bool, typer.Option("--diff", help="Show each event whose calls differ.")] = False,
    every: Annotated[
        bool, typer.Option("--all", help="All failed events not yet replayed successfully.")
    ] = False,
    timeout: Annotated[float, typer.Option(help="Seconds to wait for the results.")] = 15.0,
    project: ProjectOption = None,
) -> None:
    """Replay a recording, or events that failed, on the running bot.

    The API calls of a recording go to the sandbox: the one of `nescord dev`, or one started for this command.
    Its events have a session of their own (`event.session_id` begins with "replay-") and are not acknowledged
    to Discord. Failed events are delivered as they were, with `event.redelivered` set. Exits with 1 if an
    event fails or main is not running.
    """
    names = what or []
    file = _recording_named(names, every=every)
    if file is None:
        state_dir = _load(project).state_dir
        failed_events.replay_failed(state_dir, None if every else names, timeout=timeout)
        return
    from nescord_core.services.recording.files import episodes, replayable

    chosen = replayable(episodes(file))
    _replay(project, chosen, speed=speed, timeout=timeout, show_all=False, diff=diff)


def _recording_named(names: list[str], *, every: bool) -> Path | None:
    """Return the recording to replay, None for failed events."""
    from nescord_core.errors import ConfigError

    files = [name for name in names if Path(name).exists() or not FAILED_ID.fullmatch(name)]
    where = "nescord events replay"
    if not names and not every:
        raise ConfigError(
            "there is nothing to replay.",
            where=where,
            hint="Name a recording, or events from `nescord events failed`, or use --all.",
        )
    if files and (every or len(names) > 1):
        raise ConfigError(
            f"{files[0]} is a recording; it cannot be combined with other arguments.",
            where=where,
            hint="Pass one recording, or failed events only.",
        )
    return Path(files[0]) if files else None


@app.command(epilog=LAST_EXAMPLES, short_help="Show the last events, or replay them.")
def last(
    count: Annotated[
        int, typer.Argument(help="How many events; the bot's own messages do not count.", min=1)
    ] = 10,
    types: TypeOption = None,
    guild: GuildOption = None,
    again: Annotated[
        bool, typer.Option("--again", help="Replay them, and show what the bot does differently.")
    ] = False,
    timeout: Annotated[float, typer.Option(help="Seconds to wait for the results.")] = 15.0,
    project: ProjectOption = None,
) -> None:
    """Show the last events of `nescord dev` and the API calls that the bot made for them.

    With --again the running bot handles them again, after a reload for example, and the calls are compared:
    `-` marks a call that is no longer made, `+` a new one. They go to the sandbox, as with `replay`.
    """
    import asyncio

    from nescord_cli.commands.events.lines import episode, rendering
    from nescord_core.services.recording.files import last_of, recent, replayable

    wanted = _types(types)
    configuration = _load(project)
    matching = [
        each
        for each in replayable(recent(configuration.state_dir))
        if (not wanted or each.event.type in wanted) and guild in (None, each.event.guild_id)
    ]
    found = last_of(matching, count, own=configuration.bot_ids)
    if again:
        _replay(project, found, speed=0.0, timeout=timeout, show_all=True, diff=True)
        return
    shown = asyncio.run(rendering(configuration.state_dir))
    for each in found:
        typer.echo(episode(each, shown))
    if not found:
        typer.echo("No matching events.")


def _replay(
    project: Path | None, chosen: Sequence[Any], *, speed: float, timeout: float, show_all: bool, diff: bool
) -> None:
    """Replay events, print the outcome, and exit with 1 if an event failed or did not finish in time."""
    from nescord_cli.commands.events.lines import difference, rendering
    from nescord_cli.interrupts import until_stopped
    from nescord_core.services.recording.replay import replay

    configuration = _load(project)

    async def work() -> Any:
        shown = await rendering(configuration.state_dir)

        def show(result: Any) -> None:
            if show_all or (diff and result.changed) or result.after.error:
                typer.echo(difference(result, shown))

        return await replay(configuration, chosen, speed=speed, timeout=timeout, on_result=show)

    run = until_stopped(work)
    if run is None:
        typer.echo("Stopped.")
        return
    failed = sum(bool(result.after.error) for result in run.results)
    typer.echo(_summary(run, failed))
    if failed or run.unfinished:
        raise typer.Exit(1)


def _summary(run: Any, failed: int) -> str:
    changed = sum(result.changed for result in run.results)
    calls = sum(len(result.after.calls) for result in run.results)
    outcome = [
        f"{changed} with differences" if changed else "no differences",
        *([f"{failed} failed"] if failed else []),
        *([f"{run.unfinished} timed out"] if run.unfinished else []),
    ]
    replayed = f"Replayed {counted(len(run.results), 'event')}, {counted(calls, 'call')}"
    return f"{replayed}: {', '.join(outcome)}."


app.command("failed", epilog=failed_events.FAILED_EXAMPLES, short_help="List events whose handlers failed.")(
    failed_events.failed
)
