"""Fork server, the warm parent of workers: it has imported the bot's dependencies and forks in milliseconds.

One child can be forked in advance and wait for its channel: the next worker then skips the fork and what
every worker does before it loads the bot.

It runs as ``python -m nescord_core.reload.swapping.forkserver``, on a SOCK_SEQPACKET pair with its parent.
It stays single-threaded and never creates a gRPC object or an event loop: grpc.aio works in a forked child
if the parent only imported grpc, and hangs if the parent had a live server. If a module starts a thread on
import, the server reports its name and exits, because a fork would copy the locks without the threads.

Requests:   {"preload": [names], "target": "module:function", "prepare": "module:function", "arguments": []}
            {"fork": id} with the channel's descriptor   {"ahead": true or false}: fork one ahead, or end it
Reports:    {"warm": [names]}   {"threads": name}   {"forked": id, "pid": n} with a pidfd
            {"exited": pid, "code": n}
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import selectors
import signal
import socket
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

__all__ = ["FORK_FD", "receive", "report", "within_packet"]

FORK_FD = "NESCORD_FORK_FD"
PACKET_LIMIT = 192 * 1024
TASKS = Path("/proc/self/task")
"""Has an entry for every thread, also those of C code. psutil would use memory in every forked worker."""


def report(end: socket.socket, message: dict[str, Any], descriptors: Iterable[int] = ()) -> None:
    """Send one packet with its descriptors."""
    socket.send_fds(end, [json.dumps(message).encode()], list(descriptors))


def receive(end: socket.socket) -> tuple[dict[str, Any] | None, list[int]]:
    """Receive one packet and its descriptors; None at end-of-file."""
    data, descriptors, _, _ = socket.recv_fds(end, PACKET_LIMIT, 4)
    for descriptor in descriptors:
        os.set_inheritable(descriptor, False)
    return (json.loads(data) if data else None), descriptors


def within_packet(names: Iterable[str]) -> list[str]:
    """Return the leading names that fit into one packet."""
    room = PACKET_LIMIT - 1024
    fitting = []
    for name in names:
        room -= len(json.dumps(name)) + 2
        if room < 0:
            break
        fitting.append(name)
    return fitting


def preload(names: Iterable[str]) -> str:
    """Import modules; return the first one that starts a thread, "" if none does."""
    for name in names:
        with suppress(BaseException):  # a module that needs the bot around it is imported by the worker
            importlib.import_module(name)
            if name in FIRST_USES:
                FIRST_USES[name](sys.modules[name])
        if len(list(TASKS.iterdir())) > 1:
            return name
    return ""


def _first_model(pydantic: Any) -> None:
    """Create a model: the first one searches all installed packages for plugins, which takes long."""
    pydantic.create_model("FirstModel", field=(int, 0))


FIRST_USES: Mapping[str, Callable[[Any], None]] = {"pydantic": _first_model}
"""Work that a library defers to its first use, and that every child would repeat."""


class ForkServer:
    """Forks on request and reports the exits of its children. `run` returns in every child.

    ``prepare`` is called in a child that is forked in advance.
    """

    def __init__(self, end: socket.socket, prepare: Callable[[], object]) -> None:
        self._end = end
        self._prepare = prepare
        self._children: dict[int, int] = {}
        self._ahead: tuple[int, socket.socket] | None = None
        self._channel: int | None = None
        self._selector = selectors.DefaultSelector()

    def run(self) -> int | None:
        """Serve until the other side is gone (None); in a forked child, return its channel's descriptor.

        Children continue when this process exits, except one forked in advance and still waiting.
        """
        self._selector.register(self._end, selectors.EVENT_READ)
        while True:
            for key, _ in self._selector.select():
                if key.data is not None:
                    self._reap(key.fd, key.data)
                    continue
                request, descriptors = receive(self._end)
                if request is None:
                    return None
                if self._handle(request, descriptors):
                    return self._channel

    def _handle(self, request: Mapping[str, Any], descriptors: list[int]) -> bool:
        """Handle a request; return True in the child that it created, once the child has its channel."""
        match request:
            case {"fork": int(number)}:
                return self._start(number, descriptors[0])
            case {"ahead": True}:
                return self._ahead is None and self._fork_ahead()
            case {"ahead": False}:
                self._drop_ahead()
        return False

    def _start(self, number: int, channel: int) -> bool:
        """Give the channel to the waiting child, or to a new one."""
        pid = self._hand_over(channel) or self._fork()
        if pid == 0:
            self._channel = channel
            return True
        os.close(channel)
        report(self._end, {"forked": number, "pid": pid}, [self._children[pid]])
        return False

    def _fork(self) -> int:
        pid = os.fork()
        if pid == 0:
            self._close_inherited()
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
            return 0
        self._children[pid] = pidfd = os.pidfd_open(pid)
        self._selector.register(pidfd, selectors.EVENT_READ, pid)
        return pid

    def _fork_ahead(self) -> bool:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        if pid := self._fork():
            theirs.close()
            self._ahead = (pid, ours)
            return False
        ours.close()
        self._prepare()
        with theirs:
            request, descriptors = receive(theirs)
        self._channel = descriptors[0] if request is not None else None  # None: this child is not needed
        return True

    def _hand_over(self, channel: int) -> int:
        """Give the channel to the waiting child; return its process id, 0 if none was waiting."""
        if self._ahead is None:
            return 0
        pid, end = self._ahead
        self._ahead = None
        with end:
            try:
                report(end, {"work": True}, [channel])
            except OSError:
                return 0  # it has died
        return pid

    def _drop_ahead(self) -> None:
        if self._ahead is not None:
            self._ahead[1].close()
            self._ahead = None

    def _close_inherited(self) -> None:
        """Close the parent's descriptors in a child."""
        self._selector.close()
        self._end.close()
        self._drop_ahead()
        for pidfd in self._children.values():
            os.close(pidfd)

    def _reap(self, pidfd: int, pid: int) -> None:
        _, status = os.waitpid(pid, 0)
        self._selector.unregister(pidfd)
        os.close(pidfd)
        del self._children[pid]
        if self._ahead is not None and self._ahead[0] == pid:
            self._drop_ahead()
        report(self._end, {"exited": pid, "code": os.waitstatus_to_exitcode(status)})


def _resolve(name: str) -> Callable[..., Any]:
    module, _, function = name.partition(":")
    target: Callable[..., Any] = getattr(importlib.import_module(module), function)
    return target


def main() -> int:
    """Import the modules, then serve forks; a child runs the target and returns its exit code."""
    end = socket.socket(fileno=int(os.environ.pop(FORK_FD)))
    end.set_inheritable(False)
    # Signals to the whole group do not end this process; it exits when its socket closes. SIGTERM is blocked,
    # not ignored, so that a child just forked receives one as soon as it unblocks it (signal(7)).
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        request, _ = receive(end)
        if request is None:
            return 0
        target = _resolve(request["target"])
        prepare = _resolve(request["prepare"])
        threads = preload(request["preload"])
        if threads:
            report(end, {"threads": threads})
            return 0
        gc.collect()
        gc.freeze()  # children copy fewer pages (https://docs.python.org/3/library/gc.html#gc.freeze)
        report(end, {"warm": within_packet(sys.modules)})
        channel = ForkServer(end, partial(prepare, *request["arguments"])).run()
    except (ConnectionError, BrokenPipeError):
        return 0  # the parent is gone
    return 0 if channel is None else target(channel)


if __name__ == "__main__":
    sys.exit(main())
