"""The timers of discord.py: time-outs of views and modals, and `tasks.loop`."""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from datetime import timedelta
from typing import Any

import discord

from nescord_core.bot.discordpy.internals.client import open_views

__all__ = ["advance_loops", "advance_views"]


def advance_views(client: discord.Client, seconds: float) -> None:
    """Move the time-outs of open views and modals closer, and end those that are over now."""
    now = time.monotonic()
    for view in open_views(client):
        timers: Any = view
        expiry: float | None = timers._BaseView__timeout_expiry
        running: asyncio.Task[None] | None = timers._BaseView__timeout_task
        if expiry is None or running is None or running.done():
            continue
        timers._BaseView__timeout_expiry = expiry - seconds
        running.cancel()  # it sleeps until the former time
        if expiry - seconds <= now:
            timers._dispatch_timeout()
        else:
            timers._BaseView__timeout_task = asyncio.get_running_loop().create_task(
                timers._BaseView__timeout_task_impl()
            )


def advance_loops(seconds: float) -> None:
    """Move the next iteration of every `tasks.loop` with an interval closer.

    Iterations that are due now follow one another without a pause. Loops with a time of day (``time=``) read
    the system's clock, and stay.
    """
    tasks: Any = sys.modules.get("discord.ext.tasks")
    if tasks is None:
        return
    for each in gc.get_objects():
        if isinstance(each, tasks.Loop) and each.is_running() and each._is_relative_time():
            _advance_loop(each, seconds)


def _advance_loop(loop: Any, seconds: float) -> None:
    if loop._next_iteration is None:
        return
    loop._next_iteration -= timedelta(seconds=seconds)
    if loop._handle is not None and not loop._handle.done():
        loop._handle.recalculate(loop._next_iteration)
