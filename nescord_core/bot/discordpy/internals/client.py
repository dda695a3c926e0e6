"""A client's cache, parsers, requests and sockets."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any, cast

import discord
from discord import gateway, http, shard
from discord.http import Route
from discord.state import AutoShardedConnectionState, ChunkRequest, ConnectionState
from discord.sticker import Sticker, StickerItem
from discord.ui.view import BaseView

__all__ = [
    "FETCHES_FILES",
    "SETS_FILE_URL",
    "SHOWS_FILE_URL",
    "TABLES",
    "State",
    "add_guild",
    "add_shard",
    "auto_sharded",
    "cancel_waits",
    "command_payloads",
    "connection",
    "drop_guilds",
    "drop_voice",
    "expect_guilds",
    "fail_member_request",
    "first_presence",
    "is_member_request",
    "is_member_request_wanted",
    "lost_views",
    "map_websockets",
    "mute_voice_warnings",
    "muted",
    "note_dispatched",
    "open_views",
    "parser",
    "pending_waits",
    "put_guild",
    "set_api_url",
    "set_shards",
    "set_user",
]

State = ConnectionState[Any]

TABLES = (
    "_channels",
    "_members",
    "_voice_states",
    "_threads",
    "_stage_instances",
    "_scheduled_events",
    "_soundboard_sounds",
)
"""The tables that `Guild._from_data` adds to; it replaces everything else."""


FETCHES_FILES: tuple[Any, str] = (http.HTTPClient, "get_from_cdn")
SETS_FILE_URL: tuple[tuple[Any, str], ...] = (
    (StickerItem, "__init__"),
    (Sticker, "_from_data"),
)
SHOWS_FILE_URL: tuple[Any, str] = (discord.Activity, "_image_url")
"""The functions in which an address of Discord's file servers is written out."""


def set_api_url(api_url: str) -> None:
    """Send every request, including those of webhooks and interactions, to this API.

    It stays the API whatever version the bot chooses: another one has other payloads than ws brings.
    """
    Route.BASE = api_url
    http._set_api_version = _keep_version


def _keep_version(value: int) -> None:
    """Do nothing."""


def mute_voice_warnings() -> None:
    """Do not warn about missing voice libraries at each start; whoever connects gets the error itself."""
    discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False


def map_websockets(client: discord.Client, change: Callable[[str], str]) -> None:
    """Change the address of every websocket that the client opens itself: those of voice."""
    open_websocket = client.http.ws_connect

    async def opening(url: str, *, compress: int = 0) -> Any:
        return await open_websocket(change(url), compress=compress)

    cast(Any, client.http).ws_connect = opening


async def drop_voice(client: discord.Client) -> None:
    """End the client's voice connections, and leave the bot in their channels."""
    for voice in list(client.voice_clients):
        if isinstance(voice, discord.VoiceClient):
            voice.stop()
            await voice._connection.soft_disconnect()
            voice._connection._socket_reader.stop()
            voice.cleanup()


def connection(client: discord.Client) -> State:
    """Return the client's cache and parsers."""
    return client._connection


def auto_sharded(client: discord.Client) -> AutoShardedConnectionState[Any] | None:
    """Return the same for an auto-sharded client, otherwise None."""
    state = client._connection
    return state if isinstance(state, AutoShardedConnectionState) else None


def note_dispatched(
    client: discord.Client, note: Callable[[asyncio.Task[Any], Callable[..., Any]], None]
) -> None:
    """Call ``note`` with the task and the function of every listener that gets an event of the client."""
    schedule = client._schedule_event

    def scheduled(*args: Any, **options: Any) -> asyncio.Task[Any]:
        task = schedule(*args, **options)
        note(task, args[0])
        return task

    cast(Any, client)._schedule_event = scheduled


def parser(state: State, kind: str) -> Callable[[Any], None] | None:
    """Return discord.py's parser for an event."""
    return state.parsers.get(kind)


class muted:  # noqa: N801 - used as a statement: with muted(state)
    """Suppresses user events in the block."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._dispatch = state.dispatch

    def __enter__(self) -> None:
        self._state.dispatch = lambda *_args, **_kwargs: None

    def __exit__(self, *_error: object) -> None:
        self._state.dispatch = self._dispatch


def set_user(client: discord.Client, ready: dict[str, Any]) -> None:
    """Set the bot's user and application in the cache, as READY does."""
    state = client._connection
    if state.user is None or state.user.id not in state._users:
        state.user = user = discord.ClientUser(state=state, data=ready["user"])
        state._users[user.id] = user  # type: ignore[assignment]  # as parse_ready does
    application = ready.get("application")
    if state.application_id is None and application is not None:
        state.application_id = int(application["id"])
        state.application_flags = discord.ApplicationFlags._from_value(application.get("flags", 0))


def add_guild(state: State, data: dict[str, Any]) -> discord.Guild:
    """Add a guild to the cache."""
    return state._add_guild_from_data(data)  # type: ignore[arg-type]  # it is a GUILD_CREATE


def expect_guilds(state: State, guild_ids: Iterable[int]) -> None:
    """Add guilds as READY does, without data."""
    for guild_id in guild_ids:
        add_guild(state, {"id": str(guild_id), "unavailable": True})


def put_guild(state: State, data: dict[str, Any]) -> discord.Guild:
    """Add a guild to the cache, or update it to exactly this data."""
    guild = state._get_guild(int(data["id"]))
    if guild is None:
        return add_guild(state, data)
    _forget_expressions(state, guild)
    for name in TABLES:
        getattr(guild, name).clear()  # discord.py only adds to them, so removed items would stay
    guild.unavailable = False
    guild._from_data(data)  # type: ignore[arg-type]  # it is a GUILD_CREATE
    return guild


def drop_guilds(state: State, guild_ids: Collection[int]) -> None:
    """Remove guilds from the cache as if the bot had left them, without firing events."""
    found = [guild for each in guild_ids if (guild := state._get_guild(each)) is not None]
    gone = {guild.id for guild in found}
    if not gone:
        return
    if state._messages is not None:
        kept = (each for each in state._messages if each.guild is None or each.guild.id not in gone)
        state._messages = deque(kept, maxlen=state.max_messages)
    for guild in found:
        state._remove_guild(guild)
    for key, request in list(state._chunk_requests.items()):
        if request.guild_id in gone:
            request.done()  # its chunks would no longer find the guild
            del state._chunk_requests[key]


def _forget_expressions(state: State, guild: discord.Guild) -> None:
    for emoji in guild.emojis:
        state._emojis.pop(emoji.id, None)
    for sticker in guild.stickers:
        state._stickers.pop(sticker.id, None)


async def command_payloads(client: discord.Client, guild_id: int | None) -> list[dict[str, Any]] | None:
    """Return the application commands as `CommandTree.sync` sends them, None for a client without a tree.

    With a guild: the global ones and its own, which replace global ones of the same name.
    """
    tree = client._connection._command_tree
    if tree is None:
        return None
    found: dict[tuple[Any, str], Any] = {(type(each), each.name): each for each in tree.get_commands()}
    if guild_id is not None:
        own = tree.get_commands(guild=discord.Object(guild_id))
        found |= {(type(each), each.name): each for each in own}
    if (translator := tree.translator) is not None:
        return [await each.get_translated_payload(tree, translator) for each in found.values()]
    return [each.to_dict(tree) for each in found.values()]


def is_member_request(state: State, nonce: str) -> bool:
    """Return whether discord.py still expects chunks with this nonce."""
    return _member_request(state, nonce) is not None


def is_member_request_wanted(state: State, nonce: str) -> bool:
    """Return whether chunks of a member request are still of use; drop a request whose chunks are not.

    Nobody may be waiting for a whole guild's at the moment, but whoever requests them again gets these.
    """
    found = _member_request(state, nonce)
    if found is None:
        return False
    key, request = found
    if key != request.guild_id and not any(not each.done() for each in request.waiters):
        del state._chunk_requests[key]
        return False
    return True


def fail_member_request(state: State, nonce: str, error: Exception) -> bool:
    """End a member request with an error; return False if it had ended already."""
    found = _member_request(state, nonce)
    if found is None:
        return False
    key, request = found
    del state._chunk_requests[key]
    for future in request.waiters:
        if not future.done():
            future.set_exception(error)
    return True


def _member_request(state: State, nonce: str) -> tuple[int | str, ChunkRequest] | None:
    return next(((key, each) for key, each in state._chunk_requests.items() if each.nonce == nonce), None)


def first_presence(client: discord.Client) -> tuple[Any, str | None]:
    """Return the activity and status that the client was created with, None for none."""
    return client._connection._activity, client._connection._status


def set_shards(client: discord.Client, count: int) -> None:
    """Set the client's shard count, all of them its own; a plain client of one shard is left alone."""
    state = auto_sharded(client)
    if state is None and count == 1 and client.shard_count is None:
        return
    client.shard_count = client._connection.shard_count = count
    if state is not None:
        state.shard_ids = range(count)


def add_shard(client: discord.Client, socket: gateway.DiscordWebSocket) -> None:
    """Add a shard to an auto-sharded client."""
    made: Any = shard.Shard(socket, cast(discord.AutoShardedClient, client), lambda _item: None)
    client._AutoShardedClient__shards[socket.shard_id] = made  # type: ignore[attr-defined]  # a private name


def pending_waits(client: discord.Client) -> Iterator[str]:
    """Yield the events that `Client.wait_for` waits for."""
    for event, waiting in client._listeners.items():
        for future, _check in waiting:
            if not future.done():
                yield event


def cancel_waits(client: discord.Client) -> None:
    """Cancel everything that waits for an event, a view or a modal: no more events follow."""
    for waiting in client._listeners.values():
        for future, _check in waiting:
            future.cancel()
    for view, _message in _lost(client):
        stopped: asyncio.Future[bool] | None = view._BaseView__stopped  # type: ignore[attr-defined]
        if stopped is not None:
            stopped.cancel()


def lost_views(client: discord.Client) -> Iterator[tuple[str, int | None]]:
    """Yield name and message id of every open view that cannot survive this process."""
    for view, message_id in _lost(client):
        yield type(view).__qualname__, message_id


def open_views(client: discord.Client) -> Iterator[BaseView]:
    """Yield every open view and modal that may time out."""
    for view, _message in _lost(client):
        yield view


def _lost(client: discord.Client) -> list[tuple[BaseView, int | None]]:
    store = client._connection._view_store
    found: dict[int, tuple[BaseView, int | None]] = {}
    for message_id, items in store._views.items():
        for item in items.values():
            view = item.view
            if view is not None and not view.is_finished() and not view.is_persistent():
                found[id(view)] = view, message_id
    for modal in store._modals.values():
        found[id(modal)] = modal, None
    return list(found.values())
