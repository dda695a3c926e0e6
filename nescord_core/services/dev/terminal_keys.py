"""Single-key commands of `nescord dev`, among the other programs of a job-control shell.

Keys are read only while `nescord dev` is in the foreground. ^Z gives the terminal back as it was; `fg` takes
it again. In the background nothing is read, and neither SIGTTIN nor SIGTTOU stops the process (termios(3),
"Job control" in the GNU C Library manual).
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, TextIO

from nescord_core.terminal.detection import is_terminal

__all__ = ["KeyFilter", "TerminalKeys"]

LONGEST = 3
"""More characters than this that arrive at once were pasted or typed ahead, for another program."""
CHECK_INTERVAL = 0.25
"""Seconds between two checks who owns the terminal: a shell signals nothing when a running job becomes its
foreground."""
ENDS = ("SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGALRM")
"""Signals that end the process without an orderly stop; the terminal is restored before."""


class KeyFilter:
    """Separates keys from text that was meant for something else."""

    def __init__(self) -> None:
        self._is_line_expected = False

    def expect_line(self) -> None:
        """Ignore everything up to the next Enter: the bot has printed a prompt."""
        self._is_line_expected = True

    def keys(self, data: bytes) -> str:
        """Return the keys among what was read at once: no escape sequences, pasted text or lines."""
        text = data.decode("utf-8", "replace")
        if self._is_line_expected:
            self._is_line_expected = not {"\n", "\r"} & set(text)
            return ""
        if text.startswith("\x1b") or len(text) > LONGEST or (len(text) > 1 and {"\n", "\r"} & set(text)):
            return ""
        return text


class TerminalKeys:
    """Calls ``pressed`` with each key while `listening`, as long as the terminal is this process's own."""

    def __init__(self, pressed: Callable[[str], None], file: TextIO | None = None) -> None:
        self._pressed = pressed
        self._file = file or sys.stdin
        self._filter = KeyFilter()
        self._before: list[Any] | None = None
        self._is_taken = False

    def expect_line(self) -> None:
        """Ignore keys up to the next Enter."""
        self._filter.expect_line()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Read keys for the duration of the block, then restore the terminal."""
        if not is_terminal(self._file):
            yield
            return
        loop = asyncio.get_running_loop()
        with suppress(ValueError):
            signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # output is welcome with `stty tostop`, too
        loop.add_signal_handler(signal.SIGTSTP, self._suspend)
        loop.add_signal_handler(signal.SIGCONT, self._continued)
        for name in ENDS:
            loop.add_signal_handler(getattr(signal, name), self._end, getattr(signal, name))
        checking = loop.create_task(self._keep_checking(), name="terminal")
        try:
            yield
        finally:
            checking.cancel()
            self._give_back()
            for number in (signal.SIGTSTP, signal.SIGCONT, *(getattr(signal, name) for name in ENDS)):
                loop.remove_signal_handler(number)

    async def _keep_checking(self) -> None:
        while True:
            self._check()
            await asyncio.sleep(CHECK_INTERVAL)

    def _check(self) -> None:
        """Take the terminal if it is this process's own, or stop reading it if it no longer is."""
        if self._is_ours() == self._is_taken:
            return
        if self._is_taken:
            self._stop_reading()  # the shell has set its own modes
        else:
            self._take()

    def _continued(self) -> None:
        """Take the terminal again after a stop, of which SIGSTOP gave no notice."""
        self._is_taken = False
        self._check()

    def _take(self) -> None:
        import termios
        import tty

        descriptor = self._file.fileno()
        with suppress(termios.error, OSError):  # the terminal has been closed
            now = termios.tcgetattr(descriptor)
            if self._before is None or now[tty.LFLAG] & termios.ICANON:
                self._before = now  # else these modes are our own, which a shell has put back
            tty.setcbreak(descriptor, termios.TCSADRAIN)
            asyncio.get_running_loop().add_reader(descriptor, self._read)
            self._is_taken = True

    def _read(self) -> None:
        try:
            data = os.read(self._file.fileno(), 4096) if self._is_ours() else None
        except OSError:
            data = b""
        if data is None:
            self._check()
        elif not data:
            self._stop_reading()  # the terminal is gone, which a signal reports as well
        else:
            for key in self._filter.keys(data):
                self._pressed(key)

    def _stop_reading(self) -> None:
        asyncio.get_running_loop().remove_reader(self._file.fileno())
        self._is_taken = False

    def _give_back(self) -> None:
        """Stop reading, and restore the terminal's modes unless somebody else uses it."""
        if not self._is_taken:
            return
        import termios

        self._stop_reading()
        if self._before is not None and self._is_ours():
            with suppress(termios.error, OSError):
                termios.tcsetattr(self._file.fileno(), termios.TCSADRAIN, self._before)

    def _suspend(self) -> None:
        """Stop as ^Z does by default; this returns when a shell continues the process."""
        loop = asyncio.get_running_loop()
        self._give_back()
        loop.remove_signal_handler(signal.SIGTSTP)
        os.kill(os.getpid(), signal.SIGTSTP)
        loop.add_signal_handler(signal.SIGTSTP, self._suspend)
        self._check()

    def _end(self, number: signal.Signals) -> None:
        """End as by default, but with the terminal restored."""
        self._give_back()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    def _is_ours(self) -> bool:
        try:
            return os.tcgetpgrp(self._file.fileno()) == os.getpgrp()
        except (OSError, ValueError):
            return False  # closed
