"""Drives one shard: its session decides, this does the I/O."""

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

from nescord_core.envelope import Envelope
from nescord_core.errors import FatalClose, IdentifyBudgetSpent, NescordError, TransportError
from nescord_core.gateway.commands import PendingCommands
from nescord_core.gateway.connection import ShardConnection
from nescord_core.gateway.identify.gate import IdentifyGate
from nescord_core.gateway.intake import Intake, Skipped
from nescord_core.gateway.resume_point import ResumePoint
from nescord_core.gateway.session import signals as s
from nescord_core.gateway.session.backoff import Backoff
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
    """What the shards of a cluster share. ``others_connected`` tells whether waiting has a point."""

    settings: WsSettings
    shard_count: int
    gateway_url: str
    identify: IdentifyGate
    sink: Callable[[Envelope], None]
    skipped: Skipped | None
    on_change: Callable[[], None]
    on_new_session: Callable[[], None]
    others_connected: Callable[[], bool]


def session_rules(settings: WsSettings) -> SessionRules:
    """Return the session's time-outs as configured."""
    return SessionRules(
        connect_timeout=settings.connect_timeout,
        hello_timeout=settings.hello_timeout,
        ready_timeout=settings.ready_timeout,
        invalid_wait=settings.invalid_session_wait,
        backoff=Backoff(settings.reconnect_delay, settings.reconnect_cap),
    )


class Shard:
    """One shard of a cluster. ``run`` returns after ``stop`` and raises what ends the shard for good.

    The loop in ``run`` waits for time alone. Everything that may take long (connecting, reading, writing, the
    wait for an IDENTIFY, closing) is a child task that tells the session what happened.
    """

    def __init__(self, shard_id: int, context: ShardContext, saved: SavedSession | None) -> None:
        settings = context.settings
        self.shard_id = shard_id
        self._context = context
        self._counters = ShardCounters()
        self._resume_point = ResumePoint(saved.seq if saved else 0)
        self._link: ShardConnection | None = None
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
        self._intake = Intake(
            self._session,
            self._counters,
            self._resume_point,
            wanted=settings.events,
            sink=context.sink,
            skipped=context.skipped,
        )

    async def run(self) -> None:
        """Hold the shard connected until told to stop. Raises FatalClose or IdentifyBudgetSpent."""
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

    async def command(self, op: int, data: bytes, deadline: float) -> None:
        """Send a command, now or within ``deadline`` seconds. Raises GatewayCommandError."""
        await self._commands.submit(op, data, deadline)
        if op == Op.PRESENCE_UPDATE:
            # A new session starts with the presence in IDENTIFY; without it the bot would be back to none.
            self._session.presence = msgspec.Raw(data)

    def acknowledged(self, session_id: str, seq: int) -> None:
        """Everything handed on up to ``seq`` is done; of an earlier session it means nothing."""
        if session_id == self._session.session_id:
            self._resume_point.acknowledged(seq)

    @property
    def connected(self) -> bool:
        """Whether events are flowing."""
        return self._session.state is State.CONNECTED

    @property
    def application_id(self) -> str:
        """As READY said; empty before and after a start that only resumed."""
        return self._session.application_id

    def snapshot(self) -> SavedSession | None:
        """Return the session as the next process shall resume it."""
        held = self._session.resumable()
        if held is None:
            return None
        settings = self._context.settings
        return SavedSession(
            session_id=held.session_id,
            seq=self._resume_point.value,
            resume_gateway_url=held.url,
            shard_count=self._context.shard_count,
            compress=settings.compress,
            intents=settings.intents,
        )

    def stats(self) -> ShardStats:
        """Return the shard as it is now."""
        counted, session = self._counters, self._session
        return ShardStats(
            shard_id=self.shard_id,
            state=session.state.name.lower(),
            connected=self.connected,
            session_id=session.session_id,
            session_age=_age(counted.session_since) if session.session_id else None,
            seq_received=session.seq,
            seq_acknowledged=self._resume_point.value,
            last_event_age=_age(counted.last_event_at),
            latency=session.latency.last,
            latency_average=session.latency.average,
            resumes=counted.resumes,
            identifies=counted.identifies,
            closes={"none" if code is None else str(code): n for code, n in counted.closes.items()},
            bytes_in=counted.bytes_in,
            events=dict(counted.events),
            filtered=counted.filtered,
            redelivered=counted.redelivered,
            duplicates=counted.duplicates,
            decode_errors=counted.decode_errors,
            commands_sent=counted.commands,
            commands_waiting=len(self._commands.queue),
            resumed=counted.resumed,
            down_for=_age(counted.down_since),
            trouble=counted.trouble,
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

    def _step(self, fact: s.Fact, link: ShardConnection | None = None) -> None:
        """Tell the session; a fact about a link that is no longer the current one is void."""
        if (link is not None and link is not self._link) or self._session.state in ENDED:
            return
        was, now = self._session.state, time.monotonic()
        for effect in self._session.handle(fact, now, random.random()):
            self._apply(effect, now)
        if self._session.state is not was:
            self._context.on_change()
        if not isinstance(fact, s.Tick):
            self._wake.set()

    def _apply(self, effect: s.Effect, now: float) -> None:
        match effect:
            case s.Connect(url):
                self._connect(url)
            case s.Send(_, data) if self._link is not None:
                self._commands.queue.sent(now)
                self._link.send(data)
            case s.RequestIdentify() if self._link is not None:
                self._link.owns(self._child(self._request_permit(self._link)))
            case s.Close(code) if self._link is not None:
                self._child(self._release().close(code))
            case s.Abort() if self._link is not None:
                self._release().abort()
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
        link = self._link = ShardConnection(
            compress=settings.compress,
            connect_timeout=settings.connect_timeout,
            close_timeout=settings.close_timeout,
            on_sent=self._on_sent,
        )
        self._commands.queue.new_connection()
        link.owns(self._child(self._serve(link, url)))

    async def _serve(self, link: ShardConnection, url: str) -> None:
        tell = partial(self._step, link=link)
        on_message = self._intake.reader(link.inflater, tell)
        try:
            code, reason = await link.converse(url, partial(tell, s.Connected()), on_message)
        except TransportError as error:
            self._ended(link, s.ConnectFailed(error.message))
        else:
            self._ended(link, s.Closed(code, reason))

    def _ended(self, link: ShardConnection, fact: s.ConnectFailed | s.Closed) -> None:
        if link is not self._link:
            return
        if isinstance(fact, s.Closed):
            self._counters.closes[fact.code] += 1
        self._step(fact, link)
        self._release().abort()

    def _release(self) -> ShardConnection:
        """Let go of the current link; what it did not send goes to the next one."""
        link, self._link = self._link, None
        assert link is not None
        link.mute()
        for command in link.unsent():
            self._commands.put_back(command)
        return link

    async def _request_permit(self, link: ShardConnection) -> None:
        try:
            await self._context.identify.acquire(self.shard_id)
        except IdentifyBudgetSpent as error:
            if self._context.others_connected():
                log.error("shard %d: no IDENTIFY: %s", self.shard_id, error)
                self._step(s.IdentifyRefused(error.reset_after), link)
            else:
                self._failure = error
                self._step(s.Stop(keep_session=True))
        else:
            # The queue may be hours long for a large bot; a shard that waits in it has no trouble.
            self._counters.down_since = time.time()
            self._step(s.IdentifyGranted(), link)

    # Commands and reports

    def _send_commands(self) -> None:
        now = time.monotonic()
        self._commands.expire(now)
        if self.connected and self._link is not None:
            for command in self._commands.queue.take(now):
                self._link.send(command)

    def _on_sent(self, command: Command) -> None:
        self._counters.commands += 1
        self._commands.sent(command)

    def _report(self, milestone: s.Milestone, detail: str) -> None:
        counted = self._counters
        match milestone:
            case s.Milestone.IDENTIFY:
                counted.identifies += 1
            case s.Milestone.RESUME:
                counted.resumes += 1
            case s.Milestone.READY:
                self._resume_point.restart()
                self._context.on_new_session()
                counted.session_since = time.time()
            case s.Milestone.RESUMED:
                counted.session_since = counted.session_since or time.time()
            case s.Milestone.LOST:
                counted.down_since = counted.down_since or time.time()
                counted.trouble = detail
        if milestone in (s.Milestone.READY, s.Milestone.RESUMED):
            counted.connected_once, counted.resumed = True, milestone is s.Milestone.RESUMED
            counted.down_since, counted.trouble = None, ""
        level, text = _SAID[milestone]
        log.log(level, "shard %d: %s%s", self.shard_id, text, f": {detail}" if detail else "")


_SAID: dict[s.Milestone, tuple[int, str]] = {
    s.Milestone.IDENTIFY: (logging.INFO, "IDENTIFY sent"),
    s.Milestone.RESUME: (logging.INFO, "RESUME sent"),
    s.Milestone.READY: (logging.INFO, "ready with a new session"),
    s.Milestone.RESUMED: (logging.INFO, "session resumed"),
    s.Milestone.LOST: (logging.WARNING, "connection lost"),
    s.Milestone.SESSION_ENDED: (logging.WARNING, "the session is over"),
    s.Milestone.RESUME_URL_DROPPED: (logging.WARNING, "resuming at the main gateway from now on"),
}


def _age(since: float | None) -> float | None:
    return None if since is None else max(0.0, time.time() - since)
