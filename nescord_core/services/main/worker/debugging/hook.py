"""`breakpoint()` and `pdb.set_trace()` in a worker: wait for `nescord debug`, then ask in its terminal.

Without changed files being watched, as in production, they are passed with a warning: nobody sits at a
terminal, and a stopped worker handles no events.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

from nescord_core.services.control import control_socket
from nescord_core.services.control.blocking_request import tell
from nescord_core.services.main.worker.debugging.terminal_channel import TerminalChannel

__all__ = ["install", "stop"]

log = logging.getLogger("nescord.main")
VARIABLE = "PYTHONBREAKPOINT"
ATTACH = b"attach\n"
"""First line of a terminal. Any other asks for the program to continue, as main does before a reload."""


class _Debugging:
    """The debugger of this process: one terminal at a time, for all of its threads."""

    def __init__(self, state_dir: Path, project: Path) -> None:
        self._state_dir = state_dir
        self._project = project
        self._channel: TerminalChannel | None = None
        self._lock = threading.Lock()

    def attached(self, frame: FrameType) -> TerminalChannel | None:
        """Wait for a terminal unless one is attached; None if the program is to continue without one."""
        with self._lock:
            if self._channel is None or not self._channel.is_open:
                try:
                    self._channel = self._wait(frame)
                except OSError as error:  # state_dir is gone, say: the bot must not fail for its debugger
                    self._channel = None
                    log.warning("breakpoint() is passed: no terminal can attach (%s)", error)
            return self._channel

    def stopped(self, frame: FrameType, socket_path: str = "") -> bool:
        """Tell main where this process is stopped, and the socket if it waits for a terminal."""
        file, line = self._shown(frame.f_code.co_filename), frame.f_lineno
        fields = {"pid": os.getpid(), "file": file, "line": line, "socket": socket_path}
        return tell(self._state_dir, control_socket.MAIN, "stopped", fields)

    def resumed(self) -> None:
        """Tell main that this process continues."""
        tell(self._state_dir, control_socket.MAIN, "resumed", {"pid": os.getpid()})

    def _wait(self, frame: FrameType) -> TerminalChannel | None:
        path = control_socket.socket_path(self._state_dir, f"debug-{os.getpid()}")
        with suppress(FileNotFoundError):
            path.unlink()
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            listener.bind(str(path))
            try:
                path.chmod(0o600)
                listener.listen()
                if not self.stopped(frame, str(path)):
                    log.warning("main does not answer; breakpoint() is passed")
                    return None
                return self._accept(listener)
            finally:
                with suppress(FileNotFoundError):
                    path.unlink()

    def _accept(self, listener: socket.socket) -> TerminalChannel | None:
        connection, _ = listener.accept()
        if connection.recv(len(ATTACH)) == ATTACH:
            return TerminalChannel(connection)
        connection.close()
        self.resumed()
        return None

    def _shown(self, file: str) -> str:
        path = Path(file)
        return str(path.relative_to(self._project)) if path.is_relative_to(self._project) else file


_debugging: _Debugging | None = None


def stop(*_arguments: Any, header: str | None = None, **_options: Any) -> None:
    """Stop in the caller, as `pdb.set_trace` does. ``header`` is shown above the prompt."""
    frame = sys._getframe().f_back
    if frame is None:
        return
    if _debugging is None:
        place = f"{frame.f_code.co_filename}:{frame.f_lineno}"
        log.warning("breakpoint() at %s is passed: only `nescord dev` stops there", place)
        return
    channel = _debugging.attached(frame)
    if channel is None:
        return
    from nescord_core.services.main.worker.debugging.remote_pdb import RemotePdb  # pdb takes 15 ms

    if header is not None:
        channel.write(f"{header}\n")
    debugger = RemotePdb(channel, _debugging.stopped, _debugging.resumed)
    debugger.set_trace(frame)  # last: what is called after it would be traced


def install(state_dir: Path, project: Path, *, wait: bool) -> None:
    """Make `breakpoint()` and `pdb.set_trace()` call `stop`, unless PYTHONBREAKPOINT names another hook.

    Without ``wait``, they are passed with a warning.
    """
    global _debugging  # noqa: PLW0603 - breakpoint() finds its hook by name
    _debugging = _Debugging(state_dir, project) if wait else None
    if not os.environ.get(VARIABLE):
        os.environ[VARIABLE] = f"{__name__}.{stop.__name__}"
    if (module := sys.modules.get("pdb")) is not None:
        vars(module)["set_trace"] = stop
    else:
        sys.meta_path.insert(0, _PdbFinder())


class _PdbFinder(MetaPathFinder):
    """Replaces `pdb.set_trace` when pdb is imported, which takes too long to be done in advance."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec of pdb, with a loader that replaces the function."""
        if name != "pdb":
            return None
        sys.meta_path.remove(self)
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _PdbLoader(spec.loader)
        return spec


class _PdbLoader(Loader):
    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        vars(module)["set_trace"] = stop
