"""`nescord events`: see what comes, keep it in a file, have it handled again."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from nescord_cli import completion
from nescord_cli.commands.events import failed as dead_letters
from nescord_cli.terminal import ProjectOption

__all__ = ["app"]

app = typer.Typer(
    help="See the bot's events, record them, and have them handled again.",
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
        help="Only these types; comma-separated or given again.",
        show_default=False,
        autocompletion=completion.event_names,
    ),
]
GuildOption = Annotated[
    int | None, typer.Option("--guild", "-g", help="Only this guild's (its id).", show_default=False)
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
        raise ConfigError(
            str(error), where="--type", hint="docs/writing-bots.md says which events there are."
        ) from None


@app.command(epilog=TAIL_EXAMPLES, short_help="Show events and calls as they come.")
def tail(
    types: TypeOption = None,
    guild: GuildOption = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line, the event included.")] = False,
    calls: Annotated[
        bool, typer.Option("--calls/--no-calls", help="With what the bot asks of Discord for each.")
    ] = True,
    limit: Annotated[int, typer.Option(help="Leave after so many events; 0 goes on.", min=0)] = 0,
    project: ProjectOption = None,
) -> None:
    """Show the events as the bot gets them, until ^C; also over reloads and restarts of main.

    What is shown too slowly is left out, and counted: the bot never waits for it. Tokens are not shown.
    """
    from nescord_cli.commands.events.lines import as_json, as_text
    from nescord_cli.commands.events.stream import follow
    from nescord_cli.interrupts import until_stopped
    from nescord_core.services.recording.subscription import Wanted

    wanted = Wanted(types=_types(types), guild_id=guild or 0, calls=calls)
    spell = as_json if json else as_text

    def show(record: Any) -> None:
        if line := spell(record):
            typer.echo(line)

    until_stopped(lambda: follow(_load(project).state_dir, wanted, show, limit=limit))


@app.command(epilog=RECORD_EXAMPLES, short_help="Write them to a file.")
def record(
    file: Annotated[Path, typer.Argument(help="Compressed (zstd), unless it ends with .jsonl.")],
    types: TypeOption = None,
    guild: GuildOption = None,
    scrub: Annotated[
        str | None,
        typer.Option(help="Take out `names`, `content`, or both; tokens always go.", show_default=False),
    ] = None,
    seconds: Annotated[float, typer.Option(help="Leave after so long; 0 goes on.", min=0)] = 0.0,
    limit: Annotated[int, typer.Option(help="Leave after so many events; 0 goes on.", min=0)] = 0,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that exists.")] = False,
    project: ProjectOption = None,
) -> None:
    """Write the bot's events, and what it asked of Discord for them, to a file until ^C.

    The file can be read by its owner only. Ids stay in it; see --scrub.
    """
    from nescord_cli.commands.events.stream import follow
    from nescord_cli.interrupts import until_stopped
    from nescord_core.services.recording.files import recording
    from nescord_core.services.recording.subscription import Wanted

    wanted = Wanted(types=_types(types), guild_id=guild or 0)
    state_dir = _load(project).state_dir
    with recording(file, scrub=_scrubbed(scrub), force=force) as recorder:
        typer.echo(f"Recording to {file}; ^C ends it.", err=True)
        until_stopped(lambda: follow(state_dir, wanted, recorder.put, limit=limit, seconds=seconds))
    typer.echo(f"{recorder.events} events in {file}, {file.stat().st_size:,} bytes.", err=True)


def _scrubbed(text: str | None) -> frozenset[str]:
    from nescord_core.errors import ConfigError
    from nescord_core.tracing.scrubbing import CONTENT, NAMES

    wanted = frozenset(part.strip() for part in (text or "").split(",") if part.strip())
    if unknown := wanted - {NAMES, CONTENT}:
        raise ConfigError(
            f"{', '.join(sorted(unknown))!r} cannot be scrubbed.",
            where="--scrub",
            hint=f"It takes {NAMES}, {CONTENT}, or both with a comma.",
        )
    return wanted


@app.command(epilog=REPLAY_EXAMPLES, short_help="Have a recording, or failed events, handled again.")
def replay(
    what: Annotated[
        list[str] | None, typer.Argument(help="A recording, or events as `failed` shows them.")
    ] = None,
    speed: Annotated[
        float, typer.Option(help="1 is as recorded, 10 ten times as fast, 0 as fast as it goes.", min=0)
    ] = 1.0,
    diff: Annotated[bool, typer.Option("--diff", help="Show each event whose calls differ.")] = False,
    every: Annotated[
        bool, typer.Option("--all", help="All failed events that did not go well since.")
    ] = False,
    timeout: Annotated[float, typer.Option(help="Seconds to wait for what becomes of them.")] = 15.0,
    project: ProjectOption = None,
) -> None:
    """Have the running bot handle a recording, or events that failed, again.

    Of a recording, what the bot asks of Discord goes to the sandbox: the one `nescord dev` runs, or one for
    this command. Its events are of a session of their own (`event.session_id` begins with "replay-"), and
    nothing of them is acknowledged to Discord. Failed events are handled as they were, `event.redelivered`
    being true. Exits with 1 when one failed or main does not run.
    """
    names = what or []
    file = _recording_named(names, every=every)
    if file is None:
        state_dir = _load(project).state_dir
        dead_letters.send_again(state_dir, None if every else names, timeout=timeout)
        return
    from nescord_core.services.recording.files import episodes, replayable

    chosen = replayable(episodes(file))
    _again(project, chosen, speed=speed, timeout=timeout, show_all=False, diff=diff)


def _recording_named(names: list[str], *, every: bool) -> Path | None:
    """Return the recording to replay, None for failed events."""
    from nescord_core.errors import ConfigError

    files = [name for name in names if Path(name).exists() or not FAILED_ID.fullmatch(name)]
    where = "nescord events replay"
    if not names and not every:
        raise ConfigError(
            "there is nothing to replay.",
            where=where,
            hint="Name a recording, or events that `nescord events failed` shows, or give --all.",
        )
    if files and (every or len(names) > 1):
        raise ConfigError(
            f"{files[0]} is a recording, and it is not alone.",
            where=where,
            hint="Give one recording, or failed events only.",
        )
    return Path(files[0]) if files else None


@app.command(epilog=LAST_EXAMPLES, short_help="Show the last ones, or what new code does with them.")
def last(
    count: Annotated[int, typer.Argument(help="How many.", min=1)] = 10,
    types: TypeOption = None,
    guild: GuildOption = None,
    again: Annotated[
        bool, typer.Option("--again", help="Have the bot handle them again, and show what it does otherwise.")
    ] = False,
    timeout: Annotated[float, typer.Option(help="Seconds to wait for what becomes of them.")] = 15.0,
    project: ProjectOption = None,
) -> None:
    """Show the last events of `nescord dev` and what the bot asked of Discord for them.

    With --again the running bot, after a reload for instance, handles them once more, and its calls are
    compared: `-` is no longer asked, `+` is new. They go to the sandbox, as with `replay`.
    """
    from nescord_cli.commands.events.lines import episode
    from nescord_core.services.recording.files import recent, replayable

    wanted = _types(types)
    found = [
        each
        for each in replayable(recent(_load(project).state_dir))
        if (not wanted or each.event.type in wanted) and guild in (None, each.event.guild_id)
    ][-count:]
    if again:
        _again(project, found, speed=0.0, timeout=timeout, show_all=True, diff=True)
        return
    for each in found:
        typer.echo(episode(each))
    if not found:
        typer.echo("No such event was kept.")


def _again(
    project: Path | None, chosen: Sequence[Any], *, speed: float, timeout: float, show_all: bool, diff: bool
) -> None:
    """Replay, tell how it went, and leave with 1 if an event failed that did not before, or was not done."""
    from nescord_cli.commands.events.lines import difference
    from nescord_cli.interrupts import until_stopped
    from nescord_core.services.recording.replay import replay

    def tell(result: Any) -> None:
        if show_all or (diff and result.changed) or result.after.error:
            typer.echo(difference(result))

    run = until_stopped(lambda: replay(_load(project), chosen, speed=speed, timeout=timeout, tell=tell))
    if run is None:
        typer.echo("Stopped.")
        return
    changed = sum(result.changed for result in run.results)
    failed = sum(bool(result.after.error) for result in run.results)
    calls = sum(len(result.after.calls) for result in run.results)
    typer.echo(
        f"{len(run.results)} events handled again, {calls} calls: {changed} otherwise than before,"
        f" {failed} failed, {run.unfinished} not done in time."
    )
    if failed or run.unfinished:
        raise typer.Exit(1)


app.command("failed", epilog=dead_letters.FAILED_EXAMPLES, short_help="Show events whose handlers failed.")(
    dead_letters.failed
)
