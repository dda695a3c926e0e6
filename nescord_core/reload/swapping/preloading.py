"""Imports packages in the fork server, except those that start threads: a fork would copy the locks of such a
thread without the thread.

A thread cannot be undone, so a package is imported only after a forked child has done so without one. The
child is a step ahead. One that has found a thread is lost; the next child goes on behind that package, with
everything before it imported already.
"""

from __future__ import annotations

import importlib
import os
import select
import signal
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

__all__ = ["by_package", "has_threads", "import_all", "import_clean", "package_of"]

TASKS = Path("/proc/self/task")
"""Has an entry for every thread, also those of C code. psutil would use memory in every forked worker."""
PROBE_SECONDS = 10
"""Seconds that a child has for one package; a package that takes longer is left out."""


def package_of(module: str) -> str:
    """Return the top-level package of a module."""
    return module.partition(".")[0]


def by_package(names: Iterable[str]) -> dict[str, list[str]]:
    """Group modules by package, in the order of the packages' first modules."""
    packages: dict[str, list[str]] = {}
    for name in names:
        packages.setdefault(package_of(name), []).append(name)
    return packages


def has_threads() -> bool:
    """Whether this process has another thread than this one."""
    return len(list(islice(TASKS.iterdir(), 2))) > 1


def import_all(names: Iterable[str]) -> None:
    """Import modules; one that needs the bot around it, or cannot be imported, is skipped."""
    for name in names:
        with suppress(BaseException):
            importlib.import_module(name)
            if name in FIRST_USES:
                FIRST_USES[name](sys.modules[name])


def import_clean(packages: Mapping[str, Collection[str]]) -> Iterator[tuple[str, bool]]:
    """Import the modules of packages that start no threads; yield each package, and whether it is such a one.

    A package whose import crashes or hangs is not.
    """
    untried = list(packages)
    while untried:
        for _ in _clean_prefix([packages[package] for package in untried]):
            package = untried.pop(0)
            import_all(packages[package])
            yield package, True
        if untried:
            yield untried.pop(0), False


def _clean_prefix(packages: Sequence[Collection[str]]) -> Iterator[int]:
    """Import packages in a child; yield after each, until one starts a thread or the child dies."""
    reader, writer = os.pipe()
    owner, pid = os.getpid(), os.fork()
    if pid == 0:
        with suppress(BaseException):
            _probe(packages, writer)
        os._exit(0)
    os.close(writer)
    os.set_blocking(reader, False)
    pidfd = os.pidfd_open(pid)
    poll = select.poll()
    for descriptor in (reader, pidfd):  # the pipe alone does not do: what an import started may have it open
        poll.register(descriptor, select.POLLIN)
    try:
        is_running = True
        while is_running:
            is_running = all(descriptor != pidfd for descriptor, _ in poll.poll())
            with suppress(BlockingIOError):
                yield from os.read(reader, len(packages))
    finally:
        os.close(reader)
        if os.getpid() == owner:  # else this is a worker, forked meanwhile
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(pidfd, signal.SIGKILL)
            os.waitpid(pid, 0)
        os.close(pidfd)


def _probe(packages: Sequence[Collection[str]], writer: int) -> None:
    """Import packages in a child; write a byte for each until one has started a thread."""
    silent = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(silent, stream)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    for modules in packages:
        signal.alarm(PROBE_SECONDS)
        import_all(modules)
        if has_threads():
            return
        os.write(writer, b".")


def _first_model(pydantic: Any) -> None:
    """Create a model: the first one searches all installed packages for plugins, which takes long."""
    pydantic.create_model("FirstModel", field=(int, 0))


FIRST_USES: Mapping[str, Callable[[Any], None]] = {"pydantic": _first_model}
"""Work that a library defers to its first use, and that every child would repeat."""
