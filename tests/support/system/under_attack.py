"""Watches a service while a test attacks it: it lives, answers /healthz within a second, and stays small."""

from __future__ import annotations

import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import psutil

from support.system.system import System

__all__ = ["Watch", "memory", "watched"]

INTERVAL = 0.1
LATEST = 1.0
"""Seconds within which /healthz must answer."""
GIVE_UP = 10.0
ADMIN = {"main": "main_admin"}
"""The port of a service that answers /healthz, where its name is another."""


@dataclass
class Watch:
    """What was seen of a service: how long /healthz took, and its memory in bytes before and at the most."""

    before: int
    most: int
    answers: list[float] = field(default_factory=list)

    @property
    def grown_mb(self) -> int:
        return (self.most - self.before) >> 20


def memory(pid: int) -> int:
    """Return the resident memory of a process and all its children."""
    process = psutil.Process(pid)
    total = 0
    for each in (process, *process.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            total += each.memory_info().rss
    return total


@contextmanager
def watched(system: System, service: str, *, most_mb: int, health: bool = True) -> Iterator[Watch]:
    """Attack a service in the block; afterwards check its life, its health and its memory."""
    pid = system.pid_of(service)
    before = memory(pid)
    watch = Watch(before, before)
    ended = threading.Event()
    url = f"http://127.0.0.1:{system.ports[ADMIN.get(service, service)]}/healthz" if health else ""
    watching = threading.Thread(target=_watch, args=(watch, pid, url, ended), daemon=True)
    watching.start()
    try:
        yield watch
    finally:
        ended.set()
        watching.join()
    assert system.pid_of(service) == pid, f"{service} was replaced"
    assert psutil.pid_exists(pid), f"{service} ended"
    slow = [took for took in watch.answers if took > LATEST]
    assert not slow, f"/healthz of {service} took {max(slow):.1f} s ({len(slow)} of {len(watch.answers)})"
    assert watch.grown_mb <= most_mb, f"{service} grew by {watch.grown_mb} MB"


def _watch(watch: Watch, pid: int, url: str, ended: threading.Event) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while not ended.wait(INTERVAL):
        with suppress(psutil.NoSuchProcess):
            watch.most = max(watch.most, memory(pid))
        if not url:
            continue
        watch.answers.append(_seconds_until_answered(opener, url))


def _seconds_until_answered(opener: urllib.request.OpenerDirector, url: str) -> float:
    """Ask until there is an answer: among a crowd, a connection may be the one that is closed."""
    began = time.monotonic()
    while (took := time.monotonic() - began) < GIVE_UP:
        try:
            with opener.open(url, timeout=GIVE_UP):
                return time.monotonic() - began
        except urllib.error.HTTPError as error:
            error.close()
            return time.monotonic() - began
        except OSError:
            time.sleep(0.02)
    return took
