"""Logs the names of hanging handlers: ws only sees that their event does not finish."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from typing import Protocol

from nescord_core.bot.registration import Route
from nescord_core.dispatch.receiver.intake import Delivery

__all__ = ["Running", "report_stuck"]

log = logging.getLogger(__name__)


class Running(Protocol):
    """An event that is being handled; ``started_at`` is in loop time."""

    delivery: Delivery
    route: Route
    started_at: float


async def report_stuck(running: Collection[Running], after: float) -> None:
    """Log every event that has been running for more than ``after`` seconds, once each, until cancelled."""
    loop, reported = asyncio.get_running_loop(), set[Running]()
    while True:
        await asyncio.sleep(min(after / 4, 5.0))
        reported.intersection_update(running)
        for run in [each for each in running if each not in reported]:
            seconds = loop.time() - run.started_at
            if seconds > after:
                reported.add(run)
                _report(run, seconds)


def _report(run: Running, seconds: float) -> None:
    envelope = run.delivery.envelope
    log.warning(
        "%s of shard %d, seq %d, guild %d has been running for %.0f s: %s",
        envelope.type,
        envelope.shard_id,
        envelope.seq,
        envelope.guild_id,
        seconds,
        ", ".join(f"{each.name} ({each.place})" for each in run.route.registrations),
    )
