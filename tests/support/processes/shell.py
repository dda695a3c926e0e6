"""An interactive shell in a pseudo-terminal, with job control, as a person uses it."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from support.processes.commands import OWN_TERMINAL, PATIENCE, until

__all__ = ["PROMPT", "Shell"]

PROMPT = "ready> "
LFLAG = 3
"""Index of the local modes in what tcgetattr returns."""


PROGRAMS = {"bash": ("/bin/bash", "--norc", "--noprofile", "-i"), "sh": ("/bin/sh", "-i")}
"""bash has modes of its own while it reads a command; a plain sh leaves the terminal as programs do."""


class Shell:
    """A running interactive shell. Everything on its screen is kept in `screen`."""

    def __init__(self, directory: Path, environ: Mapping[str, str], program: str = "bash") -> None:
        self._ours, theirs = pty.openpty()
        self._text = b""
        self.process = subprocess.Popen(
            (sys.executable, "-c", OWN_TERMINAL, *PROGRAMS[program]),
            cwd=directory,
            env={**environ, "PS1": PROMPT, "TERM": "xterm", "HISTFILE": ""},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.wait_for(PROMPT)

    @property
    def screen(self) -> str:
        return self._text.decode(errors="replace")

    def type(self, text: str) -> int:
        """Type text; returns where the screen ended before."""
        before = len(self.screen)
        os.write(self._ours, text.encode())
        return before

    def run(self, command: str) -> str:
        """Run a command and return what is shown up to the next prompt."""
        before = self.type(f"{command}\n")
        self.wait_for(PROMPT, before + len(command))
        return self.screen[before:]

    def settings(self) -> str:
        """Return the terminal's settings while a command runs, as stty(1) prints them."""
        return self.run("stty -g").splitlines()[1]

    def wait_for(self, text: str, after: int = 0) -> int:
        """Wait until the screen has this text; returns where it ends."""

        def seen() -> bool:
            return text in self.screen[after:]

        try:
            until(seen, f"{text!r} on the screen")
        except AssertionError as error:
            raise AssertionError(f"{error}:\n{self.screen[-4000:]}") from None
        return self.screen.index(text, after) + len(text)

    def modes(self) -> int:
        """Return the local modes of the terminal (termios(3), c_lflag)."""
        return int(termios.tcgetattr(self._ours)[LFLAG])

    def resize(self, columns: int) -> None:
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))

    def close(self) -> None:
        """Close the window."""
        os.close(self._ours)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(PATIENCE)
        self.process.kill()
        self.process.wait()

    def _read(self) -> None:
        while True:
            try:
                if select.select([self._ours], [], [], 0.05)[0]:
                    self._text += os.read(self._ours, 65536)
            except (OSError, ValueError):
                return  # the terminal is closed
            time.sleep(0.001)
