"""Runs nescord commands as separate processes, with or without a terminal, and controls them."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

__all__ = ["NESCORD", "PATIENCE", "Started", "Terminal", "alive", "clean_environment", "fetch"]
__all__ += ["free_port", "free_ports", "is_free", "start", "until"]

NESCORD = (sys.executable, "-P", "-m", "nescord_cli")
PATIENCE = 60.0
OWN_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""
"""Makes standard input the controlling terminal, as in a shell's session, and executes the command."""
FEW_DESCRIPTORS = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[1]), int(sys.argv[1])))
os.execv(sys.argv[2], sys.argv[2:])
"""
"""Lowers the limit of open files, as `ulimit -n` does, and executes the command."""


def until(condition: Callable[[], Any], what: str, patience: float = PATIENCE) -> Any:
    """Wait until the condition returns a true value, and return it."""
    end = time.monotonic() + patience
    while not (found := condition()):
        assert time.monotonic() < end, f"{what}: not within {patience:g} s"
        time.sleep(0.03)
    return found


class Terminal:
    """A pseudo-terminal whose output is written to a file."""

    def __init__(self, log: Path) -> None:
        self._ours, self.theirs = pty.openpty()
        self._closing = threading.Event()
        self._watching = threading.Thread(target=self._watch, args=(log,), daemon=True)

    def open(self) -> None:
        """Start recording; the command has its end by now."""
        os.close(self.theirs)
        self._watching.start()

    def type(self, keys: bytes) -> None:
        os.write(self._ours, keys)

    def close(self) -> None:
        """Close the window."""
        self._closing.set()
        self._watching.join(PATIENCE)

    def _watch(self, log: Path) -> None:
        # The reading thread also closes: a close during a blocked read would not hang up.
        with log.open("ab", buffering=0) as file, os.fdopen(self._ours, "rb", buffering=0) as screen:
            while not self._closing.is_set():
                if select.select([screen], [], [], 0.05)[0]:
                    try:
                        file.write(screen.read(65536))
                    except OSError:  # EIO: the other end is closed
                        return


@dataclass
class Started:
    """A started command. Its output goes to a file, so that it never blocks on an unread pipe."""

    process: subprocess.Popen[bytes]
    log: Path
    arguments: tuple[str, ...]
    terminal: Terminal | None = None

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def output(self) -> str:
        """Return its output so far, including stderr."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def wait_for(self, text: str) -> str:
        """Wait until it has printed this text."""

        def seen() -> bool:
            assert text in self.output or self.process.poll() is None, f"it ended without {text!r}: {self}"
            return text in self.output

        until(seen, f"{text!r} from {self.arguments}")
        return self.output

    def send(self, signum: int) -> None:
        self.process.send_signal(signum)

    def wait(self, patience: float = PATIENCE) -> int:
        """Return the exit code."""
        return self.process.wait(patience)

    def stop(self, signum: int = signal.SIGTERM) -> int:
        """Ask it to stop, and return the exit code."""
        self.send(signum)
        return self.wait()

    def kill(self) -> None:
        """Send SIGKILL to this process only."""
        self.process.kill()
        self.process.wait(PATIENCE)

    def __str__(self) -> str:
        tail = "\n".join(self.output.splitlines()[-40:])
        return f"{' '.join(self.arguments)} (process {self.pid}, exit code {self.process.poll()}):\n{tail}"


def start(
    log: Path,
    directory: Path,
    environ: Mapping[str, str],
    arguments: tuple[str, ...],
    *,
    in_terminal: bool = False,
    descriptors: int | None = None,
) -> Started:
    """Start ``nescord ARGUMENTS`` in a session of its own; with a terminal, or with few descriptors."""
    terminal = Terminal(log) if in_terminal else None
    wrapper: tuple[str, ...] = (sys.executable, "-c", OWN_TERMINAL) if in_terminal else ()
    if descriptors is not None:
        wrapper = (sys.executable, "-c", FEW_DESCRIPTORS, str(descriptors))
    with log.open("ab") as file:
        process = subprocess.Popen(
            (*wrapper, *NESCORD, *arguments),
            cwd=directory,
            env=environ,
            stdin=terminal.theirs if terminal else subprocess.DEVNULL,
            stdout=terminal.theirs if terminal else file,
            stderr=terminal.theirs if terminal else subprocess.STDOUT,
            start_new_session=True,
        )
    if terminal:
        terminal.open()
    return Started(process, log, arguments, terminal)


def alive(mark: str) -> dict[int, str]:
    """Return the processes with this text in their environment, with their command lines."""
    found = {}
    for process in Path("/proc").iterdir():
        with suppress(OSError):
            if process.name.isdigit() and mark.encode() in (process / "environ").read_bytes():
                found[int(process.name)] = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    return found


def fetch(method: str, url: str, body: Any = None) -> tuple[int, Any]:
    """Return the status and the decoded body; raises OSError if nobody answers."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=PATIENCE) as answer:
            return answer.status, _decoded(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, _decoded(error)


def _decoded(answer: IO[bytes]) -> Any:
    raw = answer.read()
    try:
        return json.loads(raw)
    except ValueError:
        return raw.decode(errors="replace")


def clean_environment() -> dict[str, str]:
    """Return the environment without variables that configure nescord."""
    ours = ("DISCORD_", "NESCORD_", "GRPC_", "EVENTS", "SHARDS_")
    return {key: value for key, value in os.environ.items() if not key.startswith(ours)}


_reserved: list[int] = []
"""Descriptors of sockets that reserve ports. None listens, so that a service under test can bind its port."""


def free_ports(count: int) -> list[int]:
    """Reserve consecutive ports for the lifetime of this process.

    The system chooses the first. A bound socket that does not listen keeps the port from being assigned to
    other binds and connections. With SO_REUSEADDR and SO_REUSEPORT it leaves the port to a service that binds
    it by number, and to main, whose workers share their port.
    """
    while True:
        sockets: list[socket.socket] = []
        try:
            sockets.append(_bound(0))
            first = int(sockets[0].getsockname()[1])
            sockets.extend(_bound(first + number) for number in range(1, count))
        except (OSError, OverflowError):
            for each in sockets:
                each.close()
            continue
        _reserved.extend(each.detach() for each in sockets)
        return list(range(first, first + count))


def _bound(port: int) -> socket.socket:
    if port:
        with socket.socket() as exclusive:
            exclusive.bind(("127.0.0.1", port))  # without SO_REUSEADDR: fails if the port is in use
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        held.bind(("127.0.0.1", port))
    except OSError:
        held.close()
        raise
    return held


def free_port() -> int:
    return free_ports(1)[0]


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
