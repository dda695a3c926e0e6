"""`singleton_task`: runs a background task in one process only, of all that have it."""

from __future__ import annotations

import asyncio
import functools
import inspect
import logging
import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar, overload

from nescord_core import config
from nescord_core.bot.leases import FileLeases, Leases
from nescord_core.process import state_dir

__all__ = ["singleton_task"]

log = logging.getLogger(__name__)

T = TypeVar("T")

LEASE = 5.0
"""Seconds until another process takes over from one that was killed."""
_RENEWALS = 4
"""Number of renewals within the duration of a lease."""
_POLL_INTERVAL = 0.25
"""Seconds between two attempts of a standby process."""


@overload
def singleton_task(function: T, /) -> T: ...
@overload
def singleton_task(
    *, name: str | None = None, lease: float = LEASE, leases: Leases | None = None
) -> Callable[[T], T]: ...


def singleton_task(
    function: Any = None, /, *, name: str | None = None, lease: float = LEASE, leases: Leases | None = None
) -> Any:
    """Run a coroutine function, or a loop of ``discord.ext.tasks``, in one process only.

    The first call takes a lease and continues, and its process holds the lease until it exits. In every other
    process the call waits. When the holder has exited, or was killed and has not renewed for ``lease``
    seconds, one of them continues. ``name`` is the lease's name (default: module and name of the function),
    ``leases`` its storage (default: state_dir, for the processes of one host)::

        @tasks.loop(minutes=10)
        @singleton_task
        async def clean_up(): ...
    """
    if function is None:
        return functools.partial(_wrapped, name=name, lease=lease, leases=leases)
    return _wrapped(function, name=name, lease=lease, leases=leases)


def _wrapped(function: Any, *, name: str | None, lease: float, leases: Leases | None) -> Any:
    inner = getattr(function, "coro", None)
    if inner is not None:  # a loop of discord.ext.tasks
        function.coro = _wrapped(inner, name=name, lease=lease, leases=leases)
        return function
    if not inspect.iscoroutinefunction(function):
        raise TypeError("singleton_task takes a coroutine function, or a loop of discord.ext.tasks")
    holder = _LeaseHolder(name or f"{function.__module__}.{function.__qualname__}", lease, leases)

    @functools.wraps(function)
    async def run(*args: Any, **kwargs: Any) -> Any:
        await holder.acquire()
        return await function(*args, **kwargs)

    return run


class _LeaseHolder:
    """Acquires and renews one lease for this process."""

    def __init__(self, name: str, seconds: float, leases: Leases | None) -> None:
        self._name = name
        self._seconds = seconds
        self._leases = leases
        self._holder = ""
        self._renewing: asyncio.Task[None] | None = None
        self._error = ""

    async def acquire(self) -> None:
        """Return once this process has the lease, which it then holds."""
        if self._renewing is not None and not self._renewing.done():
            return
        if self._leases is None:
            directory = config.load().main.state_dir
            state_dir.prepare(directory)
            self._leases = FileLeases(directory / "leases")
        self._holder = f"{os.getpid()}-{secrets.token_hex(6)}"
        while not await self._take(self._leases):  # noqa: ASYNC110 - another process has it
            await asyncio.sleep(min(_POLL_INTERVAL, self._seconds / _RENEWALS))
        # A task of the loop's own: it ends with the loop, as does the task it protects.
        self._renewing = asyncio.create_task(self._renew(self._leases), name=f"lease of {self._name}")

    async def _take(self, leases: Leases) -> bool:
        try:
            taken = await leases.take(self._name, self._holder, self._seconds)
        except OSError as error:
            if str(error) != self._error:  # tried again several times a second
                log.error("cannot take the lease of %s: %s", self._name, error)
            self._error = str(error)
            return False
        self._error = ""
        return taken

    async def _renew(self, leases: Leases) -> None:
        try:
            while await self._take(leases):  # noqa: ASYNC110 - renews at intervals
                await asyncio.sleep(self._seconds / _RENEWALS)
            log.warning("lost the lease of %s to another process, as it was not renewed in time", self._name)
        finally:
            with suppress(OSError):
                await leases.give_up(self._name, self._holder)
