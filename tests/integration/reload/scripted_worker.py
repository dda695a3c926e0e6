"""A worker whose behaviour is scripted by a file in its project, to test the parent.

serve          becomes ready, drains when told
stubborn       becomes ready, never drains
broken         reports that it cannot start
exit CODE      exits without a message
hang           never becomes ready
hang once      the same, but the next worker serves
prepared       reports as its address how it was prepared
imported NAME  reports as its address whether the module was imported before it ran
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from pathlib import Path

from nescord_core.reload.swapping.messages import (
    AskState,
    AskStats,
    Broken,
    Drained,
    DrainNow,
    Imported,
    Listening,
    State,
    Stats,
    from_parent,
    receive_begin,
    send,
)
from nescord_core.reload.swapping.spawn import CHANNEL_FD

MODULES = tuple(name for name in os.environ.get("SCRIPTED_MODULES", "json").split(",") if name)


prepared = ["not"]


def prepare(how: str) -> None:
    prepared[:] = [how]


def shown(script: list[str], generation: int) -> str:
    match script:
        case ["prepared"]:
            return " ".join(prepared)
        case ["imported", name]:
            return "imported" if name in sys.modules else "not imported"
    return f"generation {generation}"


def hang(project: Path, *, once: bool) -> None:
    if once:
        (project / "script").write_text("serve")
    time.sleep(60)


def run(channel_fd: int) -> int:
    end = socket.socket(fileno=channel_fd)
    begin = receive_begin(end)
    if begin is None:
        return 0
    script = (begin.settings.project_dir / "script").read_text().split()
    match script:
        case ["broken"]:
            send(end, Broken("SyntaxError: it is broken", "bot/app.py", 3))
            return 1
        case ["exit", code]:
            return int(code)
        case ["hang", *once]:
            hang(begin.settings.project_dir, once=bool(once))
        case ["stubborn"]:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
    send(end, Listening(shown(script, begin.generation), 1.0))
    send(end, Imported(MODULES))
    for line in end.makefile("rb"):
        match from_parent.decode(line):
            case AskState():
                send(end, State({}))
            case AskStats():
                send(end, Stats({"generation": begin.generation, "token": begin.settings.token}))
            case DrainNow() if script != ["stubborn"]:
                send(end, Drained({"finished": 2, "returned": 1, "cut": 0}))
                return 0
    return 0


if __name__ == "__main__":
    sys.exit(run(int(os.environ[CHANNEL_FD])))
