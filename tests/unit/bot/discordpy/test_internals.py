"""The private parts of discord.py that nescord uses are as they were when this was written."""

from __future__ import annotations

import asyncio
import inspect
import re
from importlib import metadata
from typing import Any

import discord
import pytest
from discord import app_commands, gateway, http, shard, state, voice_state
from discord.ext import commands, tasks
from discord.http import HTTPClient, Route
from discord.sticker import Sticker
from discord.ui.view import BaseView, ViewStore
from discord.webhook.async_ import AsyncWebhookAdapter
from discord.webhook.sync import WebhookAdapter

from nescord_core.bot.discordpy import internals

SIGNATURES: dict[Any, list[str]] = {
    discord.Client.login: ["self", "token"],
    discord.Client.connect: ["self", "reconnect"],
    discord.Client.close: ["self"],
    discord.Client.dispatch: ["self", "event", "args", "kwargs"],
    discord.AutoShardedClient.connect: ["self", "reconnect"],
    discord.AutoShardedClient.close: ["self"],
    shard.Shard.__init__: ["self", "ws", "client", "queue_put"],
    gateway.DiscordWebSocket.send: ["self", "data"],
    gateway.DiscordWebSocket.change_presence: ["self", "activity", "status", "since"],
    gateway.DiscordWebSocket.voice_state: ["self", "guild_id", "channel_id", "self_mute", "self_deaf"],
    gateway.DiscordWebSocket.poll_event: ["self"],
    gateway.DiscordWebSocket.close: ["self", "code"],
    HTTPClient.ws_connect: ["self", "url", "compress"],
    discord.VoiceClient.__init__: ["self", "client", "channel"],
    voice_state.VoiceConnectionState.soft_disconnect: ["self", "with_state"],
    voice_state.SocketReader.stop: ["self"],
    BaseView._dispatch_timeout: ["self"],
    BaseView._BaseView__timeout_task_impl: ["self"],  # type: ignore[attr-defined]  # a private name
    discord.Client.wait_for: ["self", "event", "check", "timeout"],
    tasks.Loop._try_sleep_until: ["self", "dt"],
    tasks.SleepHandle.recalculate: ["self", "dt"],
    state.ConnectionState._add_guild_from_data: ["self", "data"],
    state.ConnectionState._get_guild: ["self", "guild_id"],
    state.ConnectionState._remove_guild: ["self", "guild"],
    discord.Guild._from_data: ["self", "guild"],
    state.ChunkRequest.done: ["self"],
    state.AutoShardedConnectionState.clear_chunk_requests: ["self", "shard_id"],
    state.ConnectionState._guild_needs_chunking: ["self", "guild"],
    state.ConnectionState._chunk_timeout: ["self", "guild"],
    state.ConnectionState.chunk_guild: ["self", "guild", "wait", "cache"],
    state.ConnectionState.call_handlers: ["self", "key", "args", "kwargs"],
    state.ConnectionState._delay_ready: ["self"],
    state.AutoShardedConnectionState._delay_ready: ["self"],
    state.AutoShardedConnectionState._delay_shard_ready: ["self", "shard_id"],
    HTTPClient.get_from_cdn: ["self", "url"],
    Sticker._from_data: ["self", "data"],
    discord.Activity._image_url: ["self", "image"],
    http._set_api_version: ["value"],
}


@pytest.mark.parametrize("function", SIGNATURES, ids=lambda each: each.__qualname__)
def test_a_private_function_takes_what_it_took(function: Any) -> None:
    assert list(inspect.signature(function).parameters) == SIGNATURES[function]


def test_the_version_is_one_that_this_was_written_for() -> None:
    assert metadata.version("discord.py").startswith("2.7.")


def test_a_client_has_the_private_parts() -> None:
    client = discord.Client(intents=discord.Intents.none())
    for name in ("_connection", "_listeners", "_enable_debug_events", "_ready", "ws", "http", "shard_count"):
        assert hasattr(client, name), name
    inner = internals.connection(client)
    names = "user _users _intents _activity _status _view_store _ready_task parsers dispatch application_id"
    names += " _messages max_messages _emojis _stickers _chunk_requests"
    for name in (*names.split(), "application_flags", "shard_count"):
        assert hasattr(inner, name), name
    assert isinstance(ViewStore(inner)._views, dict)
    assert isinstance(ViewStore(inner)._modals, dict)
    assert "self.__stopped: Optional[asyncio.Future[bool]] = None" in inspect.getsource(BaseView.__init__)
    assert "return await self.__stopped" in inspect.getsource(BaseView.wait)


def test_time_outs_and_loops_are_where_they_were() -> None:
    assert "now >= self.__timeout_expiry" in inspect.getsource(BaseView)
    source = inspect.getsource(tasks.Loop._loop)
    assert "await self._try_sleep_until(self._next_iteration)" in source
    assert "self._last_iteration = self._next_iteration" in source
    assert "return self._last_iteration + datetime.timedelta(seconds=self._sleep)" in inspect.getsource(
        tasks.Loop._get_next_sleep_time
    )


def test_a_client_of_several_shards_has_the_private_parts() -> None:
    client = commands.AutoShardedBot("!", intents=discord.Intents.none())
    assert client._AutoShardedClient__shards == {}  # type: ignore[attr-defined]
    inner = internals.auto_sharded(client)
    assert inner is not None
    assert (inner._ready_states, inner._ready_tasks) == ({}, {})
    assert internals.auto_sharded(commands.Bot("!", intents=discord.Intents.none())) is None


def test_the_start_of_a_shard_is_waited_for_by_name() -> None:
    assert "self._ready_state.put_nowait(guild)" in inspect.getsource(state.ConnectionState._add_ready_state)
    assert "self._ready_states[guild.shard_id].put_nowait(guild)" in inspect.getsource(
        state.AutoShardedConnectionState._add_ready_state
    )


@pytest.mark.parametrize(
    "wait",
    [state.ConnectionState._delay_ready, state.AutoShardedConnectionState._delay_shard_ready],
    ids=["plain", "auto-sharded"],
)
def test_a_start_holds_the_guilds_whose_members_it_requests(wait: Any) -> None:
    source = inspect.getsource(wait)
    assert "if self._guild_needs_chunking(guild):" in source
    assert "future = await self.chunk_guild(guild, wait=False)" in source
    assert inspect.getsource(state).count("wait=False") == 2, "nothing else gets members that are there"
    needs = inspect.getsource(state.ConnectionState._guild_needs_chunking)
    assert (
        "self._chunk_guilds and not guild.chunked and not (self._intents.presences and not guild.large)"
        in needs
    )


def test_a_guild_keeps_what_comes_and_goes_in_the_tables_that_are_emptied() -> None:
    """Whatever `_from_data` does not replace, a guild that is received again would keep."""
    made = re.findall(r"self\.(_\w+): Dict\[", inspect.getsource(discord.Guild.__init__))
    assert sorted(made) == sorted(internals.TABLES)
    source = inspect.getsource(discord.Guild._from_data)
    for replaced in ("self._roles: Dict[int, Role] = {}", "self.emojis: ", "self.stickers: "):
        assert replaced in source
    left = inspect.getsource(state.ConnectionState.parse_guild_delete)
    assert "(msg for msg in self._messages if msg.guild != guild), maxlen=self.max_messages" in left
    assert "self._remove_guild(guild)" in left


def test_every_request_goes_to_the_base_of_the_route() -> None:
    assert "self.BASE + self.path" in inspect.getsource(Route.__init__)
    assert "self.http_trace" in inspect.getsource(HTTPClient.static_login)


def test_a_tree_of_commands_is_found_and_told_as_sync_tells_it() -> None:
    client = discord.Client(intents=discord.Intents.none())
    assert internals.connection(client)._command_tree is None
    tree = app_commands.CommandTree(client)
    assert internals.connection(client)._command_tree is tree
    source = inspect.getsource(app_commands.CommandTree.sync)
    assert "await command.get_translated_payload(self, translator)" in source
    assert "command.to_dict(self)" in source


def test_every_event_has_its_parser() -> None:
    inner = internals.connection(discord.Client(intents=discord.Intents.none()))
    for kind in ("READY", "RESUMED", "GUILD_CREATE", "MESSAGE_CREATE", "INTERACTION_CREATE"):
        assert internals.parser(inner, kind) is not None
    assert internals.parser(inner, "NO_SUCH_EVENT") is None


@pytest.mark.parametrize("adapter", [AsyncWebhookAdapter, WebhookAdapter])
def test_a_webhook_is_sent_with_a_route_and_a_session(adapter: Any) -> None:
    assert list(inspect.signature(adapter.request).parameters)[:3] == ["self", "route", "session"]


def test_a_voice_client_warns_about_missing_libraries_by_these_flags() -> None:
    assert all(isinstance(getattr(discord.VoiceClient, name), bool) for name in ("warn_nacl", "warn_dave"))


async def test_a_request_for_members_has_these_parts() -> None:
    client = discord.Client(intents=discord.Intents.none())
    request = state.ChunkRequest(5, 0, asyncio.get_running_loop(), lambda _guild: None)
    assert (request.guild_id, request.waiters, client._connection._chunk_requests) == (5, [], {})
    assert isinstance(request.nonce, str)
