"""Follows main's events for the duration of a command."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import typer

from nescord_core.services.control.subscription import Subscription, Wanted, subscribed
from nescord_core.tracing import records

__all__ = ["follow"]

_WARN_AFTER = 2.0


async def follow(
    state_dir: Path,
    wanted: Wanted,
    take: Callable[[Any], None],
    *,
    limit: int = 0,
    seconds: float = 0.0,
) -> None:
    """Pass each record to ``take``; stop after ``limit`` complete events or ``seconds`` (0: no limit)."""
    with suppress(TimeoutError):
        async with (
            asyncio.timeout(seconds or None),
            subscribed(state_dir, wanted) as subscription,
            asyncio.TaskGroup() as tasks,
        ):
            waiting = tasks.create_task(_warn_without_workers(subscription, state_dir))
            await _take_all(subscription, take, limit)
            waiting.cancel()


async def _take_all(subscription: Subscription, take: Callable[[Any], None], limit: int) -> None:
    seen: set[str] = set()
    done = 0
    async for traced in subscription:
        record = traced.record
        if record is None or isinstance(record, records.Hello):
            continue
        if limit and not isinstance(record, records.Missed):
            if isinstance(record, records.Seen) and len(seen) < limit:
                seen.add(record.id)
            if record.id not in seen:
                continue
            done += isinstance(record, records.Ended)
        take(record)
        if limit and done >= limit:
            return


async def _warn_without_workers(subscription: Subscription, state_dir: Path) -> None:
    await asyncio.sleep(_WARN_AFTER)
    if not subscription.workers:
        typer.echo(
            f"Waiting for main: it is not running with state in {state_dir} yet (`nescord dev`). ^C stops.",
            err=True,
        )
