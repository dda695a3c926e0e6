"""Workers that are stopped at a breakpoint: says so, and keeps reloads from ending a debugging session."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from nescord_core.errors import ServiceFailed
from nescord_core.services.control import control_socket

__all__ = ["Breakpoints", "Stop"]

log = logging.getLogger("nescord.main")
CHECK_INTERVAL = 0.5
"""Seconds between two checks whether a debugging session that holds a reload has ended."""
PASS = b"pass\n"
PASS_TIMEOUT = 1.0


@dataclass(frozen=True, slots=True)
class Stop:
    """A stopped process. ``socket`` is where it waits for a terminal, empty once one is attached."""

    pid: int
    file: str
    line: int
    socket: str = ""

    @property
    def place(self) -> str:
        """File and line, as editors take them."""
        return f"{self.file}:{self.line}"


class Debugged(Protocol):
    """Receives which process is stopped."""

    def __call__(self, pid: int, *, is_stopped: bool) -> None:
        """Record it."""


class Breakpoints:
    """The stopped processes of main. ``debugged`` is called when one stops or continues.

    A reload passes those that wait for a terminal, and waits while a terminal is attached; ``reload`` is then
    called with the changed files.
    """

    def __init__(self, debugged: Debugged, reload: Callable[[tuple[str, ...]], object]) -> None:
        self._debugged = debugged
        self._reload = reload
        self._stops: dict[int, Stop] = {}
        self._held: tuple[str, ...] = ()
        self._is_held = asyncio.Event()

    async def run(self) -> None:
        """Carry out reloads that a debugging session has held, once it has ended; until cancelled."""
        while True:
            await self._is_held.wait()
            while self.attached() is not None:  # noqa: ASYNC110 - the process may end without a word
                await asyncio.sleep(CHECK_INTERVAL)
            paths, self._held = self._held, ()
            self._is_held.clear()
            self._reload(paths)

    def commands(self) -> Mapping[str, control_socket.Command]:
        """Return the commands of the control socket, for workers and for `nescord debug`."""
        return {"stopped": self._stopped, "resumed": self._resumed, "stops": self._list}

    def attached(self) -> Stop | None:
        """Return a process that somebody debugs; None if there is none."""
        return next((stop for stop in self._alive() if not stop.socket), None)

    def require_none_attached(self) -> None:
        """Raise ServiceFailed if somebody debugs a worker, which a reload would end."""
        if (stop := self.attached()) is not None:
            raise ServiceFailed(
                "main",
                f"process {stop.pid} is being debugged at {stop.place}, and a reload would end it.",
                hint="Leave the debugger first (^D in `nescord debug`), or run `nescord restart main`.",
            )

    def pass_waiting(self, why: str) -> None:
        """Let the processes that wait for a terminal continue without one."""
        for stop in self._alive():
            if stop.socket:
                log.warning("%s: the breakpoint at %s (process %d) is passed", why, stop.place, stop.pid)
                _pass(stop)

    def hold(self, paths: tuple[str, ...]) -> bool:
        """Reload these files once nobody debugs any more; False if nobody does now."""
        stop = self.attached()
        if stop is None:
            return False
        log.warning(
            "%s changed; the reload waits until you leave the debugger at %s (process %d)",
            ", ".join(paths),
            stop.place,
            stop.pid,
        )
        self._held = tuple(dict.fromkeys((*self._held, *paths)))
        self._is_held.set()
        return True

    def stopping(self) -> None:
        """Say which debugging sessions end with main, and pass the other breakpoints."""
        self.pass_waiting("main is stopping")
        for stop in self._alive():
            if not stop.socket:
                log.warning(
                    "main is stopping: it ends the debugging of process %d at %s", stop.pid, stop.place
                )

    async def _stopped(self, request: control_socket.Answer) -> control_socket.Answer:
        stop = Stop(
            int(request["pid"]), str(request["file"]), int(request["line"]), str(request.get("socket") or "")
        )
        known = self._stops.get(stop.pid)
        self._stops[stop.pid] = stop
        self._debugged(stop.pid, is_stopped=True)
        if stop.socket:
            log.warning(
                "process %d has stopped at the breakpoint %s and handles no events. Attach to it from another"
                " terminal:  nescord debug",
                stop.pid,
                stop.place,
            )
        elif known is None or known.socket:
            log.info("process %d is being debugged at %s", stop.pid, stop.place)
        return {}

    async def _resumed(self, request: control_socket.Answer) -> control_socket.Answer:
        stop = self._stops.pop(int(request["pid"]), None)
        self._debugged(int(request["pid"]), is_stopped=False)
        if stop is not None:
            log.info("process %d continues after %s", stop.pid, stop.place)
        return {}

    async def _list(self, _: control_socket.Answer) -> control_socket.Answer:
        return {"stops": [asdict(stop) for stop in self._alive()]}

    def _alive(self) -> list[Stop]:
        for stop in [stop for stop in self._stops.values() if not _is_alive(stop.pid)]:
            del self._stops[stop.pid]
            if stop.socket:
                Path(stop.socket).unlink(missing_ok=True)  # it was killed
        return list(self._stops.values())


def _pass(stop: Stop) -> None:
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(PASS_TIMEOUT)  # it has ended, or a terminal was faster
        client.connect(stop.socket)
        client.sendall(PASS)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True
