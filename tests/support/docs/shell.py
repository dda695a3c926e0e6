"""A shell in a directory of its own, with ports of its own, that keeps its state from block to block."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from support.network import loopback
from support.processes.commands import PATIENCE, clean_environment, free_ports

__all__ = ["Command", "Shell"]

HOME = "/home/me"
FIRST_PORT, PORTS = 7400, 60
_PORT = re.compile(r"(?<![\d.])74[0-5]\d(?!\d)")
RESTORE = '[ ! -e "$STATE_FILE" ] || eval "$(tail -n +2 "$STATE_FILE")"; . "$0"'
KEEP_STATE = """
_keep() { { pwd; export -p; } >"$STATE_FILE.new" && mv "$STATE_FILE.new" "$STATE_FILE"; }
trap _keep EXIT
curl() { command curl --fail-with-body "$@"; }
say() {
    curl -s -o /dev/null 127.0.0.1:7400/sandbox/say \\
        -d '{"channel": "general", "user": "alice", "content": "'"$1"'"}'
}
"""
"""What a block that ends has beside its text: curl fails for an error; `say TEXT` is for steps not shown."""


@dataclass(frozen=True)
class Command:
    """What a block has started: a shell in a session of its own."""

    process: subprocess.Popen[bytes]
    log: Path
    shell: Shell

    @property
    def output(self) -> str:
        """The output so far, with the ports and the home directory of the page."""
        return self.shell.shown(self.log.read_text(encoding="utf-8", errors="replace"))

    @property
    def runs(self) -> bool:
        return self.process.poll() is None

    def wait(self, patience: float) -> int:
        """Return the exit code, and leave nothing behind."""
        try:
            return self.process.wait(patience)
        finally:
            self.end()

    def interrupt(self) -> None:
        """Press ^C, and wait for the end."""
        os.killpg(self.process.pid, signal.SIGINT)
        self.process.wait(PATIENCE)

    def end(self) -> None:
        """End the shell and what it has started in its session."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(PATIENCE)
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(PATIENCE)


class Shell:
    """Runs commands; with nescord ``installed``, or in an environment that has nothing of the tests."""

    def __init__(self, scratch: Path, *, installed: bool) -> None:
        self.home = scratch / "home"
        self.home.mkdir(parents=True)
        self.first_port = free_ports(PORTS)[0]
        self._scratch = scratch
        self._state = scratch / "state"
        self._installed = installed
        self._started = 0

    def start(self, commands: str, place: str | None, *, stays: bool, shown_log: Path) -> Command:
        """Start commands where a block is run; if it ``stays``, without a change of the shell's state."""
        self._started += 1
        script = self._scratch / f"script-{self._started}"
        log = self._scratch / f"log-{self._started}"
        keep = "" if stays else KEEP_STATE
        before = f"set -eo pipefail\n{keep}cd '{self.directory(place)}'\nLOG='{shown_log}'\n"
        script.write_text(self.moved(before + commands), encoding="utf-8")
        with log.open("wb") as output:
            process = subprocess.Popen(
                ("bash", "-c", RESTORE, str(script)),
                cwd=self.home,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return Command(process, log, self)

    def enter(self, directory: Path) -> None:
        """Change to a directory, as a reader does before the page begins."""
        self._state.write_text(f"{directory}\n", encoding="utf-8")

    def directory(self, place: str | None) -> Path:
        """Return a directory below home, or else the one in which the last block has ended."""
        if place is not None:
            return self.home / place
        if not self._state.exists():
            return self.home
        return Path(self._state.read_text(encoding="utf-8").partition("\n")[0])

    def moved(self, text: str) -> str:
        """Return text of the page with the ports and the home directory of this shell."""
        ports = _PORT.sub(lambda match: str(int(match[0]) - FIRST_PORT + self.first_port), text)
        return ports.replace(HOME, str(self.home))

    def shown(self, text: str) -> str:
        """Return output with the ports and the home directory of the page."""
        for number in range(PORTS):
            text = text.replace(str(self.first_port + number), str(FIRST_PORT + number))
        return text.replace(str(self.home), HOME)

    def _environment(self) -> Mapping[str, str]:
        base = self.first_port
        return {
            **clean_environment(),
            **(self._with_tools() if self._installed else _without_tools()),
            "STATE_FILE": str(self._state),
            "NO_COLOR": "1",
            "COLUMNS": "120",
            "NESCORD_SANDBOX_LISTEN": f"127.0.0.1:{base}",
            "NESCORD_REST_PORT": f"{base + 1}",
            "NESCORD_REST_URL": f"http://127.0.0.1:{base + 1}",
            "NESCORD_WS_ADMIN": f"127.0.0.1:{base + 2}",
            "NESCORD_MAIN_ADMIN": f"127.0.0.1:{base + 3}",
            "NESCORD_MAIN_LISTEN": f"127.0.0.1:{base + 10}",
            "GRPC_HOST": f"127.0.0.1:{base + 10}",
        }

    def _with_tools(self) -> dict[str, str]:
        """Return variables of a shell in which nescord is installed, and which cannot leave this machine."""
        tools = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
        return {**loopback.environment(), "PATH": tools, "HOME": str(self.home)}


def _without_tools() -> dict[str, str]:
    """Return variables that hide the environment of the tests, and the guard that pip cannot work with."""
    ours = str(Path(sys.executable).parent)
    directories = [path for path in os.environ["PATH"].split(os.pathsep) if path != ours]
    return {"PATH": os.pathsep.join(directories), "PYTHONPATH": "", "VIRTUAL_ENV": ""}
