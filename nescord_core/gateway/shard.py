"""Runs one shard: the session decides, the shard does the I/O."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec

from nescord_core.errors import FatalClose, IdentifyBudgetSpent, NescordError, TransportError
from nescord_core.gateway.commands import PendingCommands
from nescord_core.gateway.connection import ShardConnection
from nescord_core.gateway.envelopes import EventSink, Intake
from nescord_core.gateway.identify.gate import IdentifyGate
from nescord_core.gateway.resume_point import ResumePoint, replayable_events
from nescord_core.gateway.session import facts_and_effects as s
from nescord_core.gateway.session.backoff import Backoff
from nescord_core.gateway.session.guild_count import GuildCount
from nescord_core.gateway.session.machine import Session
from nescord_core.gateway.session.opcodes import Op
from nescord_core.gateway.session.send_limit import Command
from nescord_core.gateway.session.states import ENDED, Resumable, SessionRules, State
from nescord_core.gateway.session_store import SavedSession
from nescord_core.gateway.stats import ShardCounters, ShardStats
from nescord_core.settings import WsSettings

__all__ = ["Shard", "ShardContext", "session_rules"]

log = logging.getLogger("nescord.gateway")


@dataclass(frozen=True, slots=True)
class ShardContext:
    """What the shards of a cluster share. ``others_connected`` says whether it is worth waiting."""

    settings: WsSettings
    shard_count: int
    gateway_url: str
    identify: IdentifyGate
    sink: EventSink
    on_change: Callable[[], None]
    on_new_session: Callable[[], None]
    others_connected: Callable[[], bool]
    on_unreachable: Callable[[], None]


def session_rules(settings: WsSettings) -> SessionRules:
    """Return the configured time-outs of the session."""
    return SessionRules(
        connect_timeout=settings.connect_timeout,
        hello_timeout=settings.hello_timeout,
        ready_timeout=settings.ready_timeout,
        invalid_wait=settings.invalid_session_wait,
        backoff=Backoff(settings.reconnect_delay, settings.reconnect_cap),
    )


class Shard:
    """One shard of a cluster. ``run`` returns after ``stop``, or raises the error that ended the shard.

    The loop in ``run`` waits for time alone. Anything that may take long (connecting, reading, writing, the
    wait for an IDENTIFY, closing) is a child task that reports facts to the session.
    """

    def __init__(self, shard_id: int, context: ShardContext, saved: SavedSession | None) -> None:
        settings = context.settings
        self.shard_id = shard_id
        self._context = context
        self._counters = ShardCounters()
        self._resume_point = (
            ResumePoint(saved.seq, acknowledged=saved.acknowledged) if saved else ResumePoint()
        )
        self._connection: ShardConnection | None = None
        self._failure: NescordError | None = None
        self._wake = asyncio.Event()
        self._tasks: asyncio.TaskGroup | None = None
        self._commands = PendingCommands(shard_id, clock=time.monotonic, wake=self._wake.set)
        self._session = Session(
            (shard_id, context.shard_count),
            token=settings.token,
            intents=settings.intents,
            gateway_url=context.gateway_url,
            rules=session_rules(settings),
            saved=Resumable(saved.session_id, saved.seq, saved.resume_gateway_url) if saved else None,
        )
        if saved is not None:
            received = saved.seq if saved.received is None else saved.received
            self._session.guilds = GuildCount(saved.guilds, seq=received)
            self._session.latency.last = saved.latency
        self._intake = Intake(
            self._session,
            self._counters,
            self._resume_point,
            wanted=settings.events,
            sink=context.sink,
        )

    async def run(self) -> None:
        """Keep the shard connected until it is stopped. Raises FatalClose or IdentifyBudgetSpent."""
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                self._counters.down_since = time.time()
                self._step(s.Start())
                while self._session.state not in ENDED:
                    await self._wait()
                    self._step(s.Tick())
                    self._send_commands()
        finally:
            self._commands.close()
        if self._failure is not None:
            raise self._failure

    def stop(self, *, keep_session: bool) -> None:
        """Close the connection; with ``keep_session`` the session can be resumed."""
        self._step(s.Stop(keep_session))

    @property
    def has_session(self) -> bool:
        """Whether there is a session, connected or to be resumed."""
        return self._session.session_id is not None

    def renew(self) -> None:
        """End the session and start a new one."""
        self._step(s.Renew())

    async def command(self, op: int, data: bytes, deadline: float) -> None:
        """Send a command, at the latest after ``deadline`` seconds. Raises GatewayCommandError."""
        await self._commands.submit(op, data, deadline)
        if op == Op.PRESENCE_UPDATE:
            # IDENTIFY of a new session has to carry the presence, or the bot would lose it.
            self._session.presence = msgspec.Raw(data)

    def use_gateway(self, url: str) -> None:
        """Use a new address of the main gateway."""
        self._session.gateway_url = url

    def acknowledged(self, session_id: str, seq: int) -> None:
        """Mark everything delivered up to ``seq`` as done; ignored for an earlier session."""
        if session_id == self._session.session_id:
            self._resume_point.acknowledged(seq)

    def secured(self, session_id: str, seq: int) -> None:
        """Mark everything delivered up to ``seq`` as done or on disk; ignored for an earlier session."""
        if session_id == self._session.session_id:
            self._resume_point.secured(seq)

    def replayable(self, session_id: str) -> int:
        """Return how many of a session's events Discord would send again; none of one that has ended."""
        if session_id != self._session.session_id:
            return 0
        guilds = self._session.guilds.number
        return self._context.settings.replay_events if guilds is None else replayable_events(guilds)

    def is_ahead_of(self, saved: SavedSession | None) -> bool:
        """Return whether a RESUME from ``saved`` would be near the end of what Discord replays."""
        session_id = self._session.session_id
        if session_id is None or saved is None or saved.session_id != session_id:
            return False
        return self._resume_point.received - saved.seq > self.replayable(session_id) // 2

    @property
    def connected(self) -> bool:
        """Whether events are flowing."""
        return self._session.state is State.CONNECTED

    @property
    def application_id(self) -> str:
        """The id from READY; empty before READY, and after a start that only resumed."""
        return self._session.application_id

    def snapshot(self) -> SavedSession | None:
        """Return the session as the next process should resume it."""
        resumable = self._session.resumable()
        if resumable is None:
            return None
        settings = self._context.settings
        return SavedSession(
            session_id=resumable.session_id,
            seq=self._resume_point.value,
            resume_gateway_url=resumable.url,
            shard_count=self._context.shard_count,
            compress=settings.compress,
            intents=settings.intents,
            acknowledged=self._resume_point.done,
            received=self._resume_point.received,
            guilds=self._session.guilds.number,
            latency=self._session.latency.last,
        )

    def stats(self) -> ShardStats:
        """Return the shard's current stats."""
        counters, session = self._counters, self._session
        return ShardStats(
            shard_id=self.shard_id,
            state=session.state.name.lower(),
            connected=self.connected,
            session_id=session.session_id,
            session_age=_age(counters.session_since) if session.session_id else None,
            seq_received=session.seq,
            seq_acknowledged=self._resume_point.done,
            last_event_age=_age(counters.last_event_at),
            latency=session.latency.last,
            latency_average=session.latency.average,
            resumes=counters.resumes,
            identifies=counters.identifies,
            closes={"none" if code is None else str(code): n for code, n in counters.closes.items()},
            bytes_in=counters.bytes_in,
            events=dict(counters.events),
            filtered=counters.filtered,
            redelivered=counters.redelivered,
            duplicates=counters.duplicates,
            decode_errors=counters.decode_errors,
            commands_sent=counters.commands,
            commands_waiting=len(self._commands.queue),
            resumed=counters.resumed,
            down_for=_age(counters.down_since),
            trouble=counters.trouble,
            set_aside=counters.set_aside,
        )

    # The loop

    async def _wait(self) -> None:
        now = time.monotonic()
        times = [self._session.deadline, self._commands.queue.next_at(now, connected=self.connected)]
        until = min((t for t in times if t is not None), default=None)
        try:
            async with asyncio.timeout(None if until is None else max(0.0, until - now)):
                await self._wake.wait()
        except TimeoutError:
            return
        self._wake.clear()

    def _step(self, fact: s.Fact, connection: ShardConnection | None = None) -> None:
        """Pass a fact to the session, unless it comes from a connection that is no longer current."""
        if (connection is not None and connection is not self._connection) or self._session.state in ENDED:
            return
        before, now = self._session.state, time.monotonic()
        for effect in self._session.handle(fact, now, random.random()):
            self._apply(effect, now)
        if self._session.state is not before:
            self._context.on_change()
        if not isinstance(fact, s.Tick):
            self._wake.set()

    def _apply(self, effect: s.Effect, now: float) -> None:
        match effect:
            case s.Connect(url):
                self._connect(url)
            case s.Send(_, data) if self._connection is not None:
                self._commands.queue.sent(now)
                self._connection.send(data)
            case s.RequestIdentify() if self._connection is not None:
                self._connection.add_task(self._child(self._request_permit(self._connection)))
            case s.Close(code) if self._connection is not None:
                self._child(self._detach().close(code))
            case s.Abort() if self._connection is not None:
                self._detach().abort()
            case s.Deliver(type_, seq, d, redelivered):
                self._intake.deliver(type_, seq, d, redelivered)
            case s.Report(milestone, detail):
                self._report(milestone, detail)
            case s.Fatal(code, reason):
                self._failure = FatalClose(shard_id=self.shard_id, code=code, reason=reason)

    def _child(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        assert self._tasks is not None
        return self._tasks.create_task(work)

    # Connections

    def _connect(self, url: str) -> None:
        settings = self._context.settings
        connection = self._connection = ShardConnection(
            compress=settings.compress,
            connect_timeout=settings.connect_timeout,
            close_timeout=settings.close_timeout,
            on_sent=self._on_sent,
            proxies=settings.proxies,
        )
        self._commands.queue.new_connection()
        connection.add_task(self._child(self._serve(connection, url)))

    async def _serve(self, connection: ShardConnection, url: str) -> None:
        report = partial(self._step, connection=connection)
        on_message = self._intake.reader(connection.inflater, report)
        try:
            code, reason = await connection.run(url, partial(report, s.Connected()), on_message)
        except TransportError as error:
            if url == self._session.gateway_url:
                self._context.on_unreachable()
            self._connection_ended(connection, s.ConnectFailed(error.message))
        except Exception as error:
            # A message that breaks us ends this connection, not the process: the session resumes.
            log.exception("shard %d: a message could not be processed", self.shard_id)
            self._step(s.Corrupt(f"{type(error).__name__}: {error}"), connection)
        else:
            self._connection_ended(connection, s.Closed(code, reason))

    def _connection_ended(self, connection: ShardConnection, fact: s.ConnectFailed | s.Closed) -> None:
        if connection is not self._connection:
            return
        if isinstance(fact, s.Closed):
            self._counters.closes[fact.code] += 1
        self._step(fact, connection)
        self._detach().abort()

    def _detach(self) -> ShardConnection:
        """Detach the current connection; its unsent commands go back to the queue."""
        connection, self._connection = self._connection, None
        assert connection is not None
        connection.mute()
        for command in connection.unsent():
            self._commands.put_back(command)
        return connection

    async def _request_permit(self, connection: ShardConnection) -> None:
        try:
            await self._context.identify.acquire(self.shard_id)
        except IdentifyBudgetSpent as error:
            if self._context.others_connected():
                log.error("shard %d cannot IDENTIFY: %s", self.shard_id, error)
                self._step(s.IdentifyRefused(error.reset_after), connection)
            else:
                self._failure = error
                self._step(s.Stop(keep_session=True))
        else:
            # A large bot may queue for hours; a shard that waits there is healthy.
            self._counters.down_since = time.time()
            self._step(s.IdentifyGranted(), connection)

    # Commands and reports

    def _send_commands(self) -> None:
        now = time.monotonic()
        self._commands.expire(now)
        if self.connected and self._connection is not None:
            for command in self._commands.queue.take(now):
                self._connection.send(command)

    def _on_sent(self, command: Command) -> None:
        self._counters.commands += 1
        self._commands.sent(command)

    def _report(self, milestone: s.Milestone, detail: str) -> None:
        counters = self._counters
        match milestone:
            case s.Milestone.IDENTIFY:
                counters.identifies += 1
            case s.Milestone.RESUME:
                counters.resumes += 1
            case s.Milestone.READY:
                self._resume_point.restart()
                self._context.on_new_session()
                counters.session_since = time.time()
            case s.Milestone.RESUMED:
                counters.session_since = counters.session_since or time.time()
            case s.Milestone.LOST:
                counters.down_since = counters.down_since or time.time()
                counters.trouble = detail
        if milestone in (s.Milestone.READY, s.Milestone.RESUMED):
            counters.connected_once, counters.resumed = True, milestone is s.Milestone.RESUMED
            counters.down_since, counters.trouble = None, ""
        level, text = _LOG_LINES[milestone]
        log.log(level, "shard %d: %s%s", self.shard_id, text, f": {detail}" if detail else "")


_LOG_LINES: dict[s.Milestone, tuple[int, str]] = {
    s.Milestone.IDENTIFY: (logging.INFO, "IDENTIFY sent"),
    s.Milestone.RESUME: (logging.INFO, "RESUME sent"),
    s.Milestone.READY: (logging.INFO, "ready with a new session"),
    s.Milestone.RESUMED: (logging.INFO, "session resumed"),
    s.Milestone.LOST: (logging.WARNING, "connection lost"),
    s.Milestone.SESSION_ENDED: (logging.WARNING, "session ended"),
    s.Milestone.RESUME_URL_DROPPED: (logging.WARNING, "resuming on the main gateway"),
    s.Milestone.IGNORED: (logging.ERROR, "ignoring an unreadable message"),
}


def _age(since: float | None) -> float | None:
    return None if since is None else max(0.0, time.time() - since)
