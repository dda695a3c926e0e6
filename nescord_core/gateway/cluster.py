"""Several shards in one process."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress

from nescord_core.envelope import Envelope
from nescord_core.errors import GatewayCommandError, NescordError
from nescord_core.gateway.identify.gate import IdentifyGate
from nescord_core.gateway.identify.sharding import format_ids
from nescord_core.gateway.intake import Skipped
from nescord_core.gateway.session_store import SavedSession, SessionStore, SessionStoreError
from nescord_core.gateway.shard import Shard, ShardContext
from nescord_core.gateway.stats import ShardStats
from nescord_core.settings import WsSettings

__all__ = ["ALL_SHARDS", "Cluster"]

log = logging.getLogger("nescord.gateway")

ALL_SHARDS = -1
"""Stands for every shard of the cluster in ``command``."""


class Cluster:
    """The gateway connections of one process.

    ``sink`` gets every wanted event, synchronously and in order per shard; it must neither block nor raise.
    ``skipped(shard_id, session_id, seq)`` is told of every event that ``settings.events`` filters out. What
    is acknowledged through ``acknowledged`` is written to ``sessions`` every ``settings.watermark_interval``,
    whenever a session is new, and at the end of ``run``; acknowledgements that come after that are written by
    ``flush``. The session store is the caller's to open and close.
    """

    def __init__(
        self,
        settings: WsSettings,
        *,
        shard_ids: Sequence[int],
        shard_count: int,
        sink: Callable[[Envelope], None],
        sessions: SessionStore,
        identify: IdentifyGate,
        gateway_url: str,
        skipped: Skipped | None = None,
    ) -> None:
        self._settings = settings
        self._shard_ids = tuple(shard_ids)
        self._shard_count = shard_count
        self._sink = sink
        self._skipped = skipped
        self._sessions = sessions
        self._identify = identify
        self._gateway_url = gateway_url
        self._shards: dict[int, Shard] = {}
        self._saved: dict[int, SavedSession | None] = {}
        self._failure: NescordError | None = None
        self._stop: bool | None = None
        self._changed = asyncio.Event()
        self._new_session = asyncio.Event()

    async def run(self) -> None:
        """Hold all shards connected until ``request_stop``. Raises FatalClose, IdentifyBudgetSpent.

        One shard's fatal close stops the others too, with their sessions kept.
        """
        for shard_id in self._shard_ids:
            self._saved[shard_id] = await self._sessions.load(
                shard_id, shard_count=self._shard_count, intents=self._settings.intents
            )
        held = [i for i in self._shard_ids if self._saved[i]]
        log.info("shards %s of %d start", format_ids(self._shard_ids), self._shard_count)
        if held:
            log.info("shards %s have a saved session and will resume", format_ids(held))
        context = ShardContext(
            settings=self._settings,
            shard_count=self._shard_count,
            gateway_url=self._gateway_url,
            identify=self._identify,
            sink=self._sink,
            skipped=self._skipped,
            on_change=self._changed.set,
            on_new_session=self._new_session.set,
            others_connected=self._any_connected,
        )
        self._shards = {i: Shard(i, context, self._saved[i]) for i in self._shard_ids}
        await self._run_shards()
        await self.flush()
        if self._failure is not None:
            raise self._failure

    def request_stop(self, *, keep_session: bool = True) -> None:
        """Close every shard; ``run`` returns soon. With ``keep_session`` the next process resumes."""
        self._stop = keep_session
        for shard in self._shards.values():
            shard.stop(keep_session=keep_session)

    async def command(self, shard_id: int, op: int, data: bytes, deadline: float) -> None:
        """Send a gateway command (``data`` is the JSON of its ``d``); return once it is written.

        ``deadline`` is in seconds from now: until then it waits for the connection and for the send limit.
        ALL_SHARDS (-1) sends it on every shard. Raises GatewayCommandError.
        """
        if shard_id == ALL_SHARDS:
            await self._command_all(op, data, deadline)
            return
        shard = self._shards.get(shard_id)
        if shard is None:
            raise GatewayCommandError(
                f"Shard {shard_id} is not held here; the shards of this process are"
                f" {format_ids(self._shard_ids)} of {self._shard_count}."
            )
        await shard.command(op, data, deadline)

    def acknowledged(self, shard_id: int, session_id: str, seq: int) -> None:
        """Everything of that session up to and including ``seq`` is done: a crash need not replay it."""
        shard = self._shards.get(shard_id)
        if shard is not None:
            shard.acknowledged(session_id, seq)

    def stats(self) -> list[ShardStats]:
        """Return every shard as it is now; empty before ``run``."""
        return [shard.stats() for shard in self._shards.values()]

    @property
    def ready(self) -> bool:
        """Whether every shard is connected."""
        return bool(self._shards) and all(shard.connected for shard in self._shards.values())

    async def wait_ready(self) -> None:
        """Return once every shard is connected."""
        while not self.ready:
            self._changed.clear()
            await self._changed.wait()

    @property
    def application_id(self) -> str:
        """The bot's application id, as soon as a READY has said it."""
        return next((shard.application_id for shard in self._shards.values() if shard.application_id), "")

    async def flush(self) -> None:
        """Write down what is acknowledged, where it changed."""
        current = {shard_id: shard.snapshot() for shard_id, shard in self._shards.items()}
        changed = {i: saved for i, saved in current.items() if not _same(saved, self._saved.get(i))}
        if not changed:
            return
        try:
            await self._sessions.save(changed)
        except SessionStoreError as error:
            # The connections are worth more than their record; it is tried again at the next interval.
            log.error("after a crash, shards %s would replay too much: %s", format_ids(changed), error)
            return
        self._saved.update(changed)

    def _any_connected(self) -> bool:
        return any(shard.connected for shard in self._shards.values()) or self._identify.others_connected

    async def _run_shards(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            writing = tasks.create_task(self._flush_regularly())
            async with asyncio.TaskGroup() as shards:
                for shard in self._shards.values():
                    shards.create_task(self._run_shard(shard))
                if self._stop is not None:
                    self.request_stop(keep_session=self._stop)
            writing.cancel()

    async def _run_shard(self, shard: Shard) -> None:
        try:
            await shard.run()
        except NescordError as error:
            self._failure = self._failure or error
            self.request_stop()

    async def _command_all(self, op: int, data: bytes, deadline: float) -> None:
        failures: list[GatewayCommandError] = []

        async def send(shard: Shard) -> None:
            try:
                await shard.command(op, data, deadline)
            except GatewayCommandError as error:
                failures.append(error)

        async with asyncio.TaskGroup() as tasks:
            for shard in self._shards.values():
                tasks.create_task(send(shard))
        if failures:
            raise failures[0]

    async def _flush_regularly(self) -> None:
        """Write in intervals, and a new session at once: it has cost an IDENTIFY, and they are counted."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._settings.watermark_interval):
                    await self._new_session.wait()
            self._new_session.clear()
            await self.flush()


def _same(one: SavedSession | None, other: SavedSession | None) -> bool:
    if one is None or other is None:
        return one is other
    return (one.session_id, one.seq, one.resume_gateway_url) == (
        other.session_id,
        other.seq,
        other.resume_gateway_url,
    )
