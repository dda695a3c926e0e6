"""A worker that does what a file in its project says, to see what the parent makes of it.

serve          gets ready, drains when told
stubborn       gets ready, never drains
broken         says that it cannot start
exit CODE      ends without a word
hang           never gets ready
prepared       says as its address how it was prepared
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import time

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


def run(channel_fd: int) -> int:
    end = socket.socket(fileno=channel_fd)
    begin = receive_begin(end)
    if begin is None:
        return 0
    words = (begin.settings.project_dir / "script").read_text().split()
    match words:
        case ["broken"]:
            send(end, Broken("SyntaxError: it is broken", "bot/app.py", 3))
            return 1
        case ["exit", code]:
            return int(code)
        case ["hang"]:
            time.sleep(60)
        case ["stubborn"]:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
    address = " ".join(prepared) if words == ["prepared"] else f"generation {begin.generation}"
    send(end, Listening(address, 1.0))
    send(end, Imported(MODULES))
    for line in end.makefile("rb"):
        match from_parent.decode(line):
            case AskState():
                send(end, State({}))
            case AskStats():
                send(end, Stats({"generation": begin.generation, "token": begin.settings.token}))
            case DrainNow() if words != ["stubborn"]:
                send(end, Drained({"finished": 2, "returned": 1, "cut": 0}))
                return 0
    return 0


if __name__ == "__main__":
    sys.exit(run(int(os.environ[CHANNEL_FD])))
