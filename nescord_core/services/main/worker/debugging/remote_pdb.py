"""pdb for a person at another terminal."""

from __future__ import annotations

import pdb
import rlcompleter
import sys
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

from nescord_core.services.main.worker.debugging.terminal_channel import TerminalChannel

__all__ = ["RemotePdb"]


class RemotePdb(pdb.Pdb):
    """A debugger whose prompt is at a terminal elsewhere.

    ``stopped`` is called with the frame whenever a prompt appears, ``resumed`` when the program continues.
    The end of the input (^D, a closed terminal) detaches: the program continues without a debugger.
    """

    def __init__(
        self,
        channel: TerminalChannel,
        stopped: Callable[[FrameType], object],
        resumed: Callable[[], None],
    ) -> None:
        # pdb needs a stdin and a stdout with these methods only, but is typed for files.
        files: Any = channel
        super().__init__(stdin=files, stdout=files, nosigint=True)
        self._channel = channel
        self._stopped = stopped
        self._resumed = resumed
        channel.completer = self._completions

    def interaction(self, frame: FrameType | None, traceback: TracebackType | None, *rest: Any) -> None:
        """Show the place and a prompt."""
        if frame is not None:
            self._stopped(frame)
        super().interaction(frame, traceback, *rest)

    def set_continue(self) -> None:
        """Continue until the next breakpoint."""
        super().set_continue()
        self._resumed()
        self._channel.running()

    def set_quit(self) -> None:
        """End what is being debugged: BdbQuit is raised there."""
        super().set_quit()
        self._resumed()
        self._channel.running()

    def do_EOF(self, _argument: str) -> bool:  # noqa: N802 - `cmd` calls it by this name
        """Detach: forget all breakpoints and continue."""
        self.clear_all_breaks()
        super().set_continue()
        self._resumed()
        self._channel.close()
        return True

    def do_interact(self, argument: str) -> None:
        """Start an interactive interpreter, which reads from the standard input."""
        before = sys.stdin, sys.stdout
        files: Any = self._channel
        sys.stdin = sys.stdout = files
        try:
            super().do_interact(argument)
        finally:
            sys.stdin, sys.stdout = before

    def _completions(self, word: str, line: str, begin: int, end: int) -> list[str]:
        """Return commands at the begin of the line, and names of the program anywhere."""
        commands = self.completenames(word, line, begin, end) if begin == 0 else []
        frame = self.curframe
        names = {**frame.f_globals, **frame.f_locals} if frame is not None else {}
        completer = rlcompleter.Completer(names)
        find = completer.attr_matches if "." in word else completer.global_matches
        try:
            found = find(word)
        except Exception:  # it evaluates what has been typed
            found = []
        return sorted({*commands, *found})
