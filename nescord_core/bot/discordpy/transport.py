"""Runs discord.py's client on nescord: the replacements of login, connect and close."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import aiohttp
import discord
import msgspec
import yarl

from nescord_core.bot.discordpy import addresses, internals
from nescord_core.bot.discordpy import host as hosting
from nescord_core.bot.discordpy.command_sync.sync import keep_synced
from nescord_core.bot.discordpy.description import described
from nescord_core.bot.discordpy.guild_cache import GuildCache
from nescord_core.bot.discordpy.member_requests import MemberRequests
from nescord_core.bot.discordpy.movable_clock import MovableClock
from nescord_core.bot.discordpy.parser_feed import ParserFeed
from nescord_core.bot.discordpy.request_tracing import trace_requests
from nescord_core.bot.discordpy.shard_socket import ShardSocket
from nescord_core.bot.discordpy.voice import open_voice
from nescord_core.bot.listener import WsListener
from nescord_core.errors import GatewayCommandError
from nescord_core.settings import MainSettings
from nescord_core.tracing import spans
from nescord_core.wire.nescord.v1 import dispatch_pb2 as pb

__all__ = ["Transport", "before_login", "connect", "leave", "listener_of", "run_options", "totals"]

log = logging.getLogger(__name__)

_MISSING = discord.utils.MISSING
_ATTRIBUTE = "_nescord_transport"
_LISTENER = "_nescord_listener"


def listener_of(client: discord.Client) -> WsListener:
    """Return the listener that receives a client's events."""
    listener: WsListener | None = client.__dict__.get(_LISTENER)
    if listener is None:
        listener = client.__dict__[_LISTENER] = WsListener()
    return listener


def before_login(client: discord.Client, token: object) -> str:
    """Route the client's requests to rest; return the token to log in with: the configured one, if any."""
    settings = hosting.current().settings
    addresses.redirect(settings)
    trace_requests()
    _connect_directly(client)
    open_voice(client)
    if settings.security.secret or spans.active is not None:
        _add_headers(client, settings.rest_url, settings.security.secret)
    wanted = settings.token or token
    if not isinstance(wanted, str):
        raise TypeError("the bot has no token: set DISCORD_BOT_TOKEN, or pass one to run()")
    return wanted


def _connect_directly(client: discord.Client) -> None:
    """Drop the client's own proxy and connector: its requests go to rest, which has proxy settings."""
    client.http.proxy = client.http.proxy_auth = None
    client.http.connector = _MISSING


def totals(client: discord.Client) -> tuple[int, int]:
    """Return the numbers of guilds and members over all replicas, as last reported by ws."""
    transport: Transport | None = client.__dict__.get(_ATTRIBUTE)
    if transport is None or not transport.guilds:
        return len(client.guilds), sum(guild.member_count or 0 for guild in client.guilds)
    return sum(transport.guilds.values()), sum(transport.members.values())


def run_options(options: dict[str, Any]) -> dict[str, Any]:
    """Skip discord.py's log handler if logging is already configured, unless one is passed explicitly."""
    if logging.getLogger().handlers and options.get("log_handler", _MISSING) is _MISSING:
        options["log_handler"] = None
        if options.get("log_level", _MISSING) is not _MISSING:
            name = None if options.get("root_logger") else "discord"
            logging.getLogger(name).setLevel(options["log_level"])
    return options


async def connect(client: discord.Client) -> None:
    """Serve events until the process is stopped or the client is closed."""
    host = hosting.current()
    transport = Transport(client, host.settings)
    client.__dict__[_ATTRIBUTE] = transport
    settings = host.settings
    # Not in a task group: an exception of the host must propagate unwrapped.
    syncing = asyncio.create_task(
        keep_synced(client, settings.command_sync, settings.state_dir) if settings.command_sync else _noop()
    )
    try:
        await host.serve(transport.listener, transport.leaving)
    finally:
        syncing.cancel()
        await asyncio.gather(syncing, return_exceptions=True)
        if not transport.closed_by_bot:
            # Main stops this process. The client, which closes next, could not leave its voice channels.
            await internals.drop_voice(client)
    if transport.ended_by is not None:
        raise transport.ended_by


async def _noop() -> None:
    """Sync nothing."""


def leave(client: discord.Client) -> None:
    """Make the client's `connect` return."""
    transport: Transport | None = client.__dict__.get(_ATTRIBUTE)
    if transport is not None:
        transport.closed_by_bot = True
        transport.leaving.set()


class Transport:
    """A running client: its listener, its shards, its cache."""

    def __init__(self, client: discord.Client, settings: MainSettings) -> None:
        self.leaving = asyncio.Event()
        self.closed_by_bot = False
        self.ended_by: BaseException | None = None
        """The exception with which a handler ended the program."""
        self.listener = listener_of(client)
        self._client = client
        self._sockets: dict[int, ShardSocket] = {}
        self._latencies: dict[int, float] = {}
        self.guilds: dict[int, int] = {}
        self.members: dict[int, int] = {}
        """Numbers by shard, over all replicas."""
        self._greetings: set[asyncio.Task[None]] = set()
        cache = GuildCache(client, self._add_shard, self._greet)
        self._members = MemberRequests(client)
        delivery = ParserFeed(
            client, cache, timeout=settings.event_timeout, end=self._end, answered=self._members.answered
        )
        self._cache = cache
        self.listener.on("*")(delivery.take)
        self.listener.leave_hooks.append(delivery.leave)
        if settings.on_sandbox:
            self.listener.clock_hooks.append(MovableClock(client).advance)
        self.listener.running = delivery.running
        self.listener.about = lambda: described(client)
        self.listener.picture = self._on_snapshot
        if internals.auto_sharded(client) is None:
            client._reconnect = True  # type: ignore[attr-defined]
            client.ws = ShardSocket(client, self.listener.gateway, self._members, None, None)
        else:
            client._reconnect = True  # type: ignore[attr-defined]  # as AutoShardedClient.connect does

    def _end(self, error: BaseException) -> None:
        self.ended_by = self.ended_by or error
        self.leaving.set()

    async def _on_snapshot(self, message: pb.Snapshot | pb.ShardFacts | pb.Share) -> None:
        match message:
            case pb.Snapshot():
                await self._cache.take(message)
            case pb.Share():
                await self._cache.change(message)
            case pb.ShardFacts():
                self._update_stats(message)

    def _update_stats(self, message: pb.ShardFacts) -> None:
        self.guilds |= zip(message.shard_id, message.guilds, strict=False)
        self.members |= zip(message.shard_id, message.members, strict=False)
        for shard_id, latency in zip(message.shard_id, message.latency, strict=True):
            if latency < 0:
                continue  # not measured yet, or not again: the last one stays
            self._latencies[shard_id] = latency
        for shard_id, socket in self._sockets.items():
            socket.measured = self._latency_of(shard_id)
        if internals.auto_sharded(self._client) is None:
            self._client.ws.measured = self._latency_of(None)  # type: ignore[attr-defined]

    def _latency_of(self, shard_id: int | None) -> float:
        """Return a shard's latency; the average for None, and for a shard that has not connected yet.

        discord.py's own clients have no such shards, and average over those that they have.
        """
        known = self._latencies
        if shard_id is not None and shard_id in known:
            return known[shard_id]
        return sum(known.values()) / len(known) if known else float("nan")

    def _add_shard(self, shard_id: int, shard_count: int) -> None:
        if internals.auto_sharded(self._client) is not None:
            commands = self.listener.gateway
            socket = ShardSocket(self._client, commands, self._members, shard_id, shard_count)
            socket.measured = self._latency_of(shard_id)
            self._sockets[shard_id] = socket
            internals.add_shard(self._client, socket)

    def _greet(self, shard_id: int) -> None:
        """Start sending the presence; the start does not wait for it, as it is part of IDENTIFY otherwise."""
        task = asyncio.get_running_loop().create_task(self._send_first_presence(shard_id))
        self._greetings.add(task)
        task.add_done_callback(self._greetings.discard)

    async def _send_first_presence(self, shard_id: int) -> None:
        """Set the presence that the bot was created with, which discord.py sends with IDENTIFY."""
        activity, status = internals.first_presence(self._client)
        if activity is None and status is None:
            return
        presence = {
            "activities": [activity] if activity else [],
            "status": status or "online",
            "since": 0,
            "afk": False,
        }
        try:
            await self.listener.gateway.send(3, msgspec.json.encode(presence), shard_id=shard_id)
        except GatewayCommandError as error:
            log.warning("the bot's activity and status were not set on shard %d: %s", shard_id, error)


def _add_headers(client: discord.Client, rest_url: str, secret: str | None) -> None:
    """Send rest its secret, as responses to interactions carry no bot token, and the context of a trace."""
    origin = yarl.URL(rest_url).origin()

    async def show(_session: object, _context: object, started: aiohttp.TraceRequestStartParams) -> None:
        if started.url.origin() == origin:
            if secret:
                started.headers[addresses.SECRET_HEADER] = secret
            if spans.active is not None:
                started.headers.update(spans.active.headers())

    trace = client.http.http_trace or aiohttp.TraceConfig()
    trace.on_request_start.append(show)
    client.http.http_trace = trace
