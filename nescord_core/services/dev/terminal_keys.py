"""Single-key commands of `nescord dev`. ^C still works; the terminal is restored at the end."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TextIO

__all__ = ["HELP", "listening"]

HELP: Mapping[str, str] = {
    "r": "reload",
    "R": "restart all",
    "o": "open the page",
    "e": "events on/off",
    "l": "next log filter",
    "c": "clear",
    "q": "quit",
    "h": "help",
}


@contextmanager
def listening(pressed: Callable[[str], None], file: TextIO | None = None) -> Iterator[bool]:
    """Call ``pressed`` with each key for the duration of the block; yields whether keys can be read.

    They cannot if the input is not a terminal, or belongs to another program (a background job).
    """
    file = file or sys.stdin
    if not _is_ours(file):
        yield False
        return
    import termios
    import tty

    descriptor = file.fileno()
    before = termios.tcgetattr(descriptor)
    loop = asyncio.get_running_loop()

    def read() -> None:
        try:
            data = os.read(descriptor, 64)
        except OSError:
            data = b""
        if not data:
            loop.remove_reader(descriptor)  # the terminal is gone, which a signal reports as well
        elif not data.startswith(b"\x1b"):  # arrows and function keys send several bytes
            for key in data.decode("utf-8", "replace"):
                pressed(key)

    tty.setcbreak(descriptor, termios.TCSADRAIN)
    loop.add_reader(descriptor, read)
    try:
        yield True
    finally:
        loop.remove_reader(descriptor)
        _restore(descriptor, before)


def _restore(descriptor: int, before: list[object]) -> None:
    import termios

    try:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)  # type: ignore[arg-type]  # as tcgetattr returned it
    except termios.error:
        return  # the terminal has been closed


def _is_ours(file: TextIO) -> bool:
    try:
        return file.isatty() and os.tcgetpgrp(file.fileno()) == os.getpgrp()
    except (OSError, ValueError, AttributeError):
        return False  # closed, or a system without such terminals
