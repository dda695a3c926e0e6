"""The warm parent of forked workers: it has imported what the bot imports, and forks in milliseconds.

One child may be forked ahead and wait for its channel: the next worker need not wait for a fork, and has done
by then what any worker does before it loads the bot.

It runs as ``python -m nescord_core.reload.swapping.forkserver``, on a SOCK_SEQPACKET pair with its parent.
It stays a single thread and never makes a gRPC object or an event loop: grpc.aio works in a forked child
when the parent only imported grpc, and hangs when the parent had a live server. A module that starts a
thread when imported is named, and this process ends, because a fork would carry over the locks without the
threads.

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


def report(end: socket.socket, message: dict[str, Any], descriptors: Iterable[int] = ()) -> None:
    """Send one packet; descriptors travel with it."""
    socket.send_fds(end, [json.dumps(message).encode()], list(descriptors))


def receive(end: socket.socket) -> tuple[dict[str, Any] | None, list[int]]:
    """Receive one packet and its descriptors; None at the end."""
    data, descriptors, _, _ = socket.recv_fds(end, PACKET_LIMIT, 4)
    for descriptor in descriptors:
        os.set_inheritable(descriptor, False)
    return (json.loads(data) if data else None), descriptors


def within_packet(names: Iterable[str]) -> list[str]:
    """As many names, in their order, as fit one packet."""
    room = PACKET_LIMIT - 1024
    kept = []
    for name in names:
        room -= len(json.dumps(name)) + 2
        if room < 0:
            break
        kept.append(name)
    return kept


def preload(names: Iterable[str]) -> str:
    """Import modules; return the one that started a thread, "" for none."""
    for name in names:
        with suppress(BaseException):  # what only works in the bot is imported there
            importlib.import_module(name)
            if name in FIRST_USES:
                FIRST_USES[name](sys.modules[name])
        if len(list(TASKS.iterdir())) > 1:
            return name
    return ""


def _first_model(pydantic: Any) -> None:
    """It looks through all installed packages for plugins, which takes as long as ten models."""
    pydantic.create_model("FirstModel", field=(int, 0))


FIRST_USES: Mapping[str, Callable[[Any], None]] = {"pydantic": _first_model}
"""What libraries put off until they are first used, and every child would do anew."""


class ForkServer:
    """Forks on request and reports the ends of its children. `run` returns in every child.

    ``prepare`` is called in a child that is forked ahead.
    """

    def __init__(self, end: socket.socket, prepare: Callable[[], object]) -> None:
        self._end = end
        self._prepare = prepare
        self._children: dict[int, int] = {}
        self._ahead: tuple[int, socket.socket] | None = None
        self._channel: int | None = None
        self._selector = selectors.DefaultSelector()

    def run(self) -> int | None:
        """Serve until the other side is gone (None), or return a channel's descriptor in a forked child.

        Children are independent of this process: they go on when it ends, but for one that was forked ahead.
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
                if self._is_child_after(request, descriptors):
                    return self._channel

    def _is_child_after(self, request: Mapping[str, Any], descriptors: list[int]) -> bool:
        """Do what is asked; return True in the child that comes of it, once it has its channel."""
        match request:
            case {"fork": int(number)}:
                return self._start(number, descriptors[0])
            case {"ahead": True}:
                return self._ahead is None and self._fork_ahead()
            case {"ahead": False}:
                self._forget_ahead()
        return False

    def _start(self, number: int, channel: int) -> bool:
        """Give the channel to the child that waits, or to a new one."""
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
            self._let_go()
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
            order, descriptors = receive(theirs)
        self._channel = descriptors[0] if order is not None else None  # None: this child is not wanted
        return True

    def _hand_over(self, channel: int) -> int:
        """Return the process that has the channel now, 0 when none was waiting."""
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

    def _forget_ahead(self) -> None:
        if self._ahead is not None:
            self._ahead[1].close()
            self._ahead = None

    def _let_go(self) -> None:
        """What belongs to the parent is closed in the child."""
        self._selector.close()
        self._end.close()
        self._forget_ahead()
        for pidfd in self._children.values():
            os.close(pidfd)

    def _reap(self, pidfd: int, pid: int) -> None:
        _, status = os.waitpid(pid, 0)
        self._selector.unregister(pidfd)
        os.close(pidfd)
        del self._children[pid]
        if self._ahead is not None and self._ahead[0] == pid:
            self._forget_ahead()
        report(self._end, {"exited": pid, "code": os.waitstatus_to_exitcode(status)})


def _named(name: str) -> Callable[..., Any]:
    module, _, function = name.partition(":")
    target: Callable[..., Any] = getattr(importlib.import_module(module), function)
    return target


def main() -> int:
    """Warm up, then fork; a child becomes the target and returns its exit code."""
    end = socket.socket(fileno=int(os.environ.pop(FORK_FD)))
    end.set_inheritable(False)
    # What reaches the whole group does not end this process; it ends with its socket. SIGTERM is blocked, not
    # ignored, so that one for a child that is only just forked waits until the child lets it in (signal(7)).
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        order, _ = receive(end)
        if order is None:
            return 0
        target = _named(order["target"])
        prepare = _named(order["prepare"])
        threads = preload(order["preload"])
        if threads:
            report(end, {"threads": threads})
            return 0
        gc.collect()
        gc.freeze()  # fewer pages are copied in the children (https://docs.python.org/3/library/gc.html#gc.freeze)
        report(end, {"warm": within_packet(sys.modules)})
        channel = ForkServer(end, partial(prepare, *order["arguments"])).run()
    except (ConnectionError, BrokenPipeError):
        return 0  # the process that asked is gone
    return 0 if channel is None else target(channel)


if __name__ == "__main__":
    sys.exit(main())
