"""`nescord debug`: a terminal for a `breakpoint()` in a worker."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nescord_cli import completion
from nescord_cli.terminal import ProjectOption

if TYPE_CHECKING:
    from pathlib import Path

    from nescord_core.services.control.debug_session import DebugSession, WaitingStop

__all__ = ["EXAMPLES", "debug"]

EXAMPLES = """Examples:

nescord debug

nescord debug 4711

echo "p event" | nescord debug --no-wait"""
POLL_INTERVAL = 0.3


def debug(
    pid: Annotated[
        int | None,
        typer.Argument(
            help="Only this process.", show_default=False, autocompletion=completion.stopped_processes
        ),
    ] = None,
    project: ProjectOption = None,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Wait for a breakpoint if there is none.")
    ] = True,
) -> None:
    """Debug a worker of `nescord dev` that is stopped at a breakpoint(), with pdb.

    ^D detaches and lets the bot continue; q ends what the bot was doing there, as in pdb.
    """
    from nescord_core import config

    state_dir = config.load(project).state_dir
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with suppress(KeyboardInterrupt), _line_editing() as editing:
        while True:
            stop = _next_stop(state_dir, pid, wait=wait)
            if not _attend(stop, editing, stays=wait or sys.stdin.isatty()):
                return
    typer.echo("\nDetached.")


def _next_stop(state_dir: Path, pid: int | None, *, wait: bool) -> WaitingStop:
    """Return a process that waits for a terminal."""
    import asyncio

    from nescord_core.errors import NescordError, NotRunning
    from nescord_core.services.control.debug_session import waiting_stops

    has_told, was_running = False, False
    while True:
        try:
            stops = asyncio.run(waiting_stops(state_dir))
            was_running = True
        except NotRunning:
            if not was_running:
                raise
            stops = []
        found = [stop for stop in stops if pid in (None, stop.pid) and stop.socket]
        if found:
            return found[0]
        if not wait:
            raise NescordError(
                "no worker waits at a breakpoint.", hint="Call breakpoint() where it should stop."
            )
        if not has_told:
            typer.echo("Waiting for a breakpoint() of the bot; ^C ends.")
            has_told = True
        time.sleep(POLL_INTERVAL)


def _attend(stop: WaitingStop, editing: Any, *, stays: bool) -> bool:
    """Debug one process until it ends or the person detaches; return whether to wait for another stop.

    Without ``stays`` the session is over as soon as the bot continues: commands from a pipe end.
    """
    from nescord_core.services.control.debug_session import DebugSession

    try:
        session = DebugSession.attach(stop)
    except OSError:
        return True  # another terminal was faster, or the process has ended
    typer.echo(f"Process {stop.pid}, at {stop.file}:{stop.line}.  ^D detaches, q ends the handler.")
    try:
        return _converse(session, editing, stays=stays)
    finally:
        session.close()


def _converse(session: DebugSession, editing: Any, *, stays: bool) -> bool:
    has_told = False
    while (message := session.message()) is not None:
        match message:
            case {"out": text}:
                typer.echo(text, nl=False)
            case {"ask": prompt}:
                if editing is not None:
                    editing.set_completer(_completer(session, editing))
                session.answer(_typed(prompt))
            case {"detached": True}:
                typer.echo("Detached; the bot continues.")
                return False
            case {"running": True} if not stays:
                typer.echo("The bot continues.")
                return False
            case {"running": True} if not has_told:
                has_told = True
                typer.echo("The bot continues; the next breakpoint stops here again. ^C detaches.")
    typer.echo("The process has ended.")
    return True


def _typed(prompt: str) -> str | None:
    """Read a line; None at the end of the input. ^C starts the line again, as in pdb."""
    while True:
        try:
            return input(prompt)
        except EOFError:
            typer.echo()
            return None
        except KeyboardInterrupt:
            typer.echo("\n--KeyboardInterrupt--")


@contextmanager
def _line_editing() -> Iterator[Any]:
    """Edit lines with readline in a terminal, where Python has it; yields the module or None."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        yield None
        return
    try:
        import readline
    except ImportError:
        yield None
        return
    readline.parse_and_bind("tab: complete")
    readline.set_completer_delims(" \t\n`~!@#$%^&*()-=+[{]}\\|;:'\",<>/?")
    try:
        yield readline
    finally:
        readline.set_completer(None)


def _completer(session: DebugSession, editing: Any) -> Any:
    found: list[str] = []

    def complete(word: str, number: int) -> str | None:
        if number == 0:
            line = editing.get_line_buffer()
            found[:] = session.completions(word, line, editing.get_begidx(), editing.get_endidx())
        return found[number] if number < len(found) else None

    return complete
