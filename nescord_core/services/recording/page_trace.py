"""Shows on the sandbox's page what the bot's code does with each event.

Subscribes to main's workers while a page is open: without one, tracing costs nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from nescord_core.errors import ConfigError
from nescord_core.services.control.subscription import Subscription, Wanted, subscribed
from nescord_core.tracing import records

if TYPE_CHECKING:
    from nescord_core.sandbox.page.service import EventFeed

__all__ = ["PageTrace"]

log = logging.getLogger(__name__)

TRACE = "SANDBOX_TRACE"
TEXT_IDS = ("key", "guild_id")
LARGEST_EVENT = 32 * 1024
"""Bytes of an event that the page gets; of a larger one, such as GUILD_CREATE, only its type."""


class PageTrace:
    """Passes the records of main's workers to the page, and events to replay to a worker."""

    def __init__(self, feed: EventFeed, state_dir: Path) -> None:
        self._feed = feed
        self._state_dir = state_dir
        self._subscription: Subscription | None = None

    def replay(self, body: Mapping[str, Any]) -> bool:
        """Send an event, as it was shown, to a worker; returns whether there is one.

        Raises:
            ValueError: it is not the record of an event.

        """
        try:
            numbers = {name: int(body[name]) for name in TEXT_IDS if name in body}
            fields = {**body, **numbers, "kind": "again"}
            request = records.decode_replay(msgspec.json.encode(fields))
        except (msgspec.DecodeError, TypeError) as error:
            raise ValueError(f"This is no event of the trace: {error}.") from None
        workers = self._subscription.workers if self._subscription is not None else []
        if workers:
            workers[0].send(request)
        return bool(workers)

    async def run(self) -> None:
        """Relay until cancelled."""
        while True:
            await self._feed.viewed()
            try:
                await self._relay_while_viewed()
            except ConfigError as error:
                log.warning("the page cannot show what the bot's code does: %s", error)
                await self._feed.unviewed()

    async def _relay_while_viewed(self) -> None:
        async with (
            subscribed(self._state_dir, Wanted()) as self._subscription,
            asyncio.TaskGroup() as tasks,
        ):
            relaying = tasks.create_task(self._relay(self._subscription))
            await self._feed.unviewed()
            relaying.cancel()
        self._subscription = None

    async def _relay(self, subscription: Subscription) -> None:
        async for traced in subscription:
            if traced.record is None or isinstance(traced.record, records.Hello):
                self._feed.publish(TRACE, {"kind": "workers", "count": len(subscription.workers)})
            else:
                self._feed.publish(TRACE, _shown(traced.record))


def _shown(record: records.Record) -> dict[str, Any]:
    """Return a record as the page gets it; its ids are text, which JavaScript's numbers would round."""
    if isinstance(record, records.Seen) and len(record.data) > LARGEST_EVENT:
        record = msgspec.structs.replace(record, data=msgspec.Raw(b"null"))
    shown: dict[str, Any] = msgspec.json.decode(records.encode(record))
    return {name: str(value) if name in TEXT_IDS else value for name, value in shown.items()}
