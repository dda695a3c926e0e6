"""Fork server, the warm parent of workers: it has imported the bot's dependencies and forks in milliseconds.

One child can be forked in advance and wait for its channel: the next worker then skips the fork and what
every worker does before it loads the bot. It also imports the packages that must not be imported before a
fork.

It runs as ``python -m nescord_core.reload.swapping.forkserver``, on a SOCK_SEQPACKET pair with its parent.
It stays single-threaded and never creates a gRPC object or an event loop: grpc.aio works in a forked child
if the parent only imported grpc, and hangs if the parent had a live server. Packages that start threads on
import are left out (preloading.py).

Requests:   {"preload": [names], "left_out": [packages], "clean": [packages], "arguments": []
             "target": "module:function", "prepare": "module:function"}
            {"fork": id} with the channel's descriptor   {"ahead": true or false}: fork one ahead, or end it
            {"later": [names]}: modules that a child forked in advance imports
Reports:    {"early": true}: it can fork already, and goes on importing
            {"warm": [names], "left_out": [packages]}   {"threads": true}: this process cannot fork
            {"forked": id, "pid": n} with a pidfd   {"exited": pid, "code": n}
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import select
import selectors
import signal
import socket
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from nescord_core.reload.swapping.preloading import by_package, has_threads, import_all, import_clean

__all__ = ["FORK_FD", "receive", "report", "within_packet"]

FORK_FD = "NESCORD_FORK_FD"
PACKET_LIMIT = 192 * 1024


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


class ForkServer:
    """Forks on request and reports the exits of its children. `run` returns in every child.

    ``prepare`` is called in a child that is forked in advance.
    """

    def __init__(self, end: socket.socket, prepare: Callable[[], object]) -> None:
        self._end = end
        self._prepare = prepare
        self._children: dict[int, int] = {}
        self._ahead: tuple[int, socket.socket] | None = None
        self._later: list[str] = []
        self._channel: int | None = None
        self._selector = selectors.DefaultSelector()

    def run(self, names: list[str], left_out: list[str], clean: list[str]) -> int | None:
        """Import modules, report, and serve until the other side is gone (None).

        In a forked child it returns the channel's descriptor. Children continue when this process exits,
        except one forked in advance and still waiting.
        """
        is_child, found = self._preload(by_package(names), left_out, clean)
        if is_child:
            return self._channel
        if has_threads():
            report(self._end, {"threads": True})
            self._drop_ahead()
            return None
        gc.collect()
        gc.freeze()  # children copy fewer pages (https://docs.python.org/3/library/gc.html#gc.freeze)
        report(self._end, {"warm": within_packet(sys.modules), "left_out": found})
        return self._serve()

    def _preload(
        self, packages: dict[str, list[str]], left_out: list[str], clean: list[str]
    ) -> tuple[bool, list[str]]:
        """Import packages, those not known to be ``clean`` after a trial; return those left out as well.

        The first of these is the occasion to fork a child that imports all the rest meanwhile: True in that
        child, once it has its channel.
        """
        for package in [each for each in packages if each in clean]:
            import_all(packages[package])
        found: list[str] = []
        untried = {p: packages[p] for p in packages if p not in {*clean, *left_out}}
        for package, is_clean in import_clean(untried):
            if not is_clean:
                found.append(package)
            if not is_clean and self._ahead is None:
                self._later = [name for modules in packages.values() for name in modules]
                if self._fork_ahead():
                    return True, found
                report(self._end, {"early": True})
            if self._answer_early():
                return True, found
        self._later = [name for package in [*left_out, *found] for name in packages.get(package, ())]
        return False, found

    def _answer_early(self) -> bool:
        """Handle requests that came while packages were tried; return True in a child, as `_handle`."""
        while select.select([self._end], [], [], 0)[0]:
            request, descriptors = receive(self._end)
            if request is None:
                raise ConnectionError("the parent is gone")
            if self._handle(request, descriptors):
                return True
        return False

    def _serve(self) -> int | None:
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
            case {"later": names}:
                self._drop_ahead()
                self._later = names
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
        import_all(self._later)  # before the project's directory is on the import path
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
        server = ForkServer(end, partial(prepare, *request["arguments"]))
        channel = server.run(request["preload"], request["left_out"], request["clean"])
    except (ConnectionError, BrokenPipeError):
        return 0  # the parent is gone
    return 0 if channel is None else target(channel)


if __name__ == "__main__":
    sys.exit(main())
