"""Runs several shards in one process."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress

from nescord_core.errors import GatewayCommandError, NescordError
from nescord_core.gateway.envelopes import EventSink
from nescord_core.gateway.identify.gate import IdentifyGate
from nescord_core.gateway.identify.sharding import label_shards
from nescord_core.gateway.session_store import SavedSession, SessionStore, SessionStoreError
from nescord_core.gateway.shard import Shard, ShardContext
from nescord_core.gateway.stats import ShardStats
from nescord_core.settings import WsSettings

__all__ = ["ALL_SHARDS", "Cluster"]

log = logging.getLogger("nescord.gateway")

ALL_SHARDS = -1
"""Addresses every shard of the cluster in ``command``."""


class Cluster:
    """The gateway connections of one process.

    Positions that a RESUME may start from are saved to ``sessions`` every ``settings.watermark_interval``,
    for every new session, and when ``run`` ends; ``flush`` saves later acknowledgements. The caller opens and
    closes the session store.
    """

    def __init__(
        self,
        settings: WsSettings,
        *,
        shard_ids: Sequence[int],
        shard_count: int,
        sink: EventSink,
        sessions: SessionStore,
        identify: IdentifyGate,
        gateway_url: str,
    ) -> None:
        self._settings = settings
        self._shard_ids = tuple(shard_ids)
        self._shard_count = shard_count
        self._sink = sink
        self._sessions = sessions
        self._identify = identify
        self._gateway_url = gateway_url
        self._shards: dict[int, Shard] = {}
        self._saved: dict[int, SavedSession | None] = {}
        self._failure: NescordError | None = None
        self._stop: bool | None = None
        self.on_unreachable: Callable[[], None] = _noop
        """Called when the main gateway is unreachable: its address may have changed."""
        self._changed = asyncio.Event()
        self._save_now = asyncio.Event()

    async def run(self) -> None:
        """Keep all shards connected until ``request_stop``. Raises FatalClose, IdentifyBudgetSpent.

        A fatal close of one shard stops the others too; their sessions stay resumable.
        """
        for shard_id in self._shard_ids:
            self._saved[shard_id] = await self._sessions.load(
                shard_id, shard_count=self._shard_count, intents=self._settings.intents
            )
        held = [i for i in self._shard_ids if self._saved[i]]
        log.info("starting %s of %d", label_shards(self._shard_ids), self._shard_count)
        if held:
            log.info("resuming the saved sessions of %s", label_shards(held))
        context = ShardContext(
            settings=self._settings,
            shard_count=self._shard_count,
            gateway_url=self._gateway_url,
            identify=self._identify,
            sink=self._sink,
            on_change=self._changed.set,
            on_new_session=self._save_now.set,
            others_connected=self._any_connected,
            on_unreachable=self._unreachable,
        )
        self._shards = {i: Shard(i, context, self._saved[i]) for i in self._shard_ids}
        await self._run_shards()
        await self.flush()
        if self._failure is not None:
            raise self._failure

    def request_stop(self, *, keep_session: bool = True) -> None:
        """Close every shard, then let ``run`` return. With ``keep_session`` the next process resumes."""
        self._stop = keep_session
        for shard in self._shards.values():
            shard.stop(keep_session=keep_session)

    def _unreachable(self) -> None:
        self.on_unreachable()

    def use_gateway(self, url: str) -> None:
        """Use this address from the next attempt on, for sessions without a resume host."""
        self._gateway_url = url
        for shard in self._shards.values():
            shard.use_gateway(url)

    def renew(self, why: str) -> None:
        """Start a new session on every shard that has one. Each costs one of the day's IDENTIFYs."""
        shards = [each for each in self._shards.values() if each.has_session]
        if shards:
            log.warning("%s, so %s once", why, _new_sessions([each.shard_id for each in shards]))
        for shard in shards:
            shard.renew()

    async def command(self, shard_id: int, op: int, data: bytes, deadline: float) -> None:
        """Send a gateway command (``data`` is the JSON of its ``d``); return once it is written.

        It waits up to ``deadline`` seconds for a connection and for the send limit. ALL_SHARDS (-1) sends it
        on every shard. Raises GatewayCommandError.
        """
        if shard_id == ALL_SHARDS:
            await self._command_all(op, data, deadline)
            return
        shard = self._shards.get(shard_id)
        if shard is None:
            raise GatewayCommandError(
                f"Shard {shard_id} does not run in this process, which runs"
                f" {label_shards(self._shard_ids)} of {self._shard_count}."
            )
        await shard.command(op, data, deadline)

    def acknowledged(self, shard_id: int, session_id: str, seq: int) -> None:
        """Mark a session's events up to and including ``seq`` as done: a crash will not replay them."""
        shard = self._shards.get(shard_id)
        if shard is not None:
            shard.acknowledged(session_id, seq)

    def secured(self, shard_id: int, session_id: str, seq: int) -> None:
        """Mark a session's events up to ``seq`` as done or on disk: the next RESUME may start there."""
        shard = self._shards.get(shard_id)
        if shard is not None:
            shard.secured(session_id, seq)
            if shard.is_ahead_of(self._saved.get(shard_id)):
                self._save_now.set()

    def replayable(self, shard_id: int, session_id: str) -> int:
        """Return how many of a session's latest events Discord would send again at a RESUME."""
        shard = self._shards.get(shard_id)
        return shard.replayable(session_id) if shard is not None else self._settings.replay_events

    def stats(self) -> list[ShardStats]:
        """Return the current stats of every shard; empty before ``run``."""
        return [shard.stats() for shard in self._shards.values()]

    @property
    def ready(self) -> bool:
        """Whether every shard is connected."""
        return bool(self._shards) and all(shard.connected for shard in self._shards.values())

    async def wait_ready(self) -> None:
        """Wait until every shard is connected."""
        while not self.ready:
            self._changed.clear()
            await self._changed.wait()

    @property
    def application_id(self) -> str:
        """The bot's application id; empty until a READY has arrived."""
        return next((shard.application_id for shard in self._shards.values() if shard.application_id), "")

    async def flush(self) -> None:
        """Save the acknowledged positions that have changed."""
        current = {shard_id: shard.snapshot() for shard_id, shard in self._shards.items()}
        changed = {i: saved for i, saved in current.items() if not _same(saved, self._saved.get(i))}
        if not changed:
            return
        try:
            await self._sessions.save(changed)
        except SessionStoreError as error:
            # A failed save must not cost the connections; the next interval retries it.
            log.error(
                "resume points of %s not saved, a crash would replay too much: %s",
                label_shards(changed),
                error,
            )
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
        """Save at intervals, and at once a new session, which has cost one of the day's IDENTIFYs.

        A session whose saved position falls far behind is saved at once as well.
        """
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._settings.watermark_interval):
                    await self._save_now.wait()
            self._save_now.clear()
            await self.flush()


def _same(one: SavedSession | None, other: SavedSession | None) -> bool:
    if one is None or other is None:
        return one is other
    return (one.session_id, one.seq, one.acknowledged, one.received, one.resume_gateway_url) == (
        other.session_id,
        other.seq,
        other.acknowledged,
        other.received,
        other.resume_gateway_url,
    )


def _new_sessions(shard_ids: Sequence[int]) -> str:
    verb = "starts a new session" if len(shard_ids) == 1 else "start new sessions"
    return f"{label_shards(shard_ids)} {verb}"


def _noop() -> None:
    """Do nothing."""
