"""Observers of a bot's events: they receive everything, never slow delivery down, and may replay events."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import discord
import msgspec
import pytest
from discord.http import HTTPClient, Route, handle_message_parameters

from nescord_core import RestClient, WsListener
from nescord_core.bot.discordpy.request_tracing import trace_requests
from nescord_core.bot.observing.subscriber import Marker, Subscriber
from nescord_core.bot.runtime import Runtime
from nescord_core.config import load
from nescord_core.errors import NotRunning
from nescord_core.services.control.subscription import Wanted, subscribed
from nescord_core.services.recording.files import Episode, recent
from nescord_core.services.recording.replay import replay
from nescord_core.settings import MainSettings
from nescord_core.tracing import cause as tracing
from nescord_core.tracing import records
from nescord_core.tracing.failed_events import read
from support.dispatch.peers import until
from support.dispatch.sender import event, sending
from support.sandbox.running import running_sandbox

NOWHERE = "http://127.0.0.1:9"


async def no_command(*_: Any) -> None:
    raise AssertionError


@asynccontextmanager
async def serving(
    listener: WsListener, state_dir: Path, **options: Any
) -> AsyncIterator[tuple[Any, list[int]]]:
    settings = MainSettings(listen_port=0, state_dir=state_dir, drain_timeout=2.0)
    async with (
        Runtime(listener, settings, **options) as runtime,
        sending(runtime.port, no_command) as (ws, acknowledged),
    ):
        yield ws, acknowledged


async def take(subscription: Any, ends: int) -> list[records.Record]:
    """Return the records up to the given number of finished events."""
    found: list[records.Record] = []
    async with asyncio.timeout(20):
        async for told in subscription:
            if told.record is not None and not isinstance(told.record, records.Hello):
                found.append(told.record)
            if sum(isinstance(each, records.Ended) for each in found) == ends:
                break
    return found


async def test_a_reader_is_told_of_events_calls_and_failures(tmp_path: Path) -> None:
    listener = WsListener()

    async with running_sandbox() as sandbox:
        rest = RestClient(sandbox.token, f"{sandbox.url}/api/v10")
        state = await sandbox.get("/state")
        channel = state["guilds"][0]["channels"][0]["id"]

        @listener.on("message_create")
        async def answer(message: Any) -> None:
            if message.n == 2:
                raise ValueError("two is too many")
            task = asyncio.create_task(rest.create_message(channel, content="Pong!"))
            await task  # the handler's task belongs to the same event

        async with (
            serving(listener, tmp_path) as (ws, _),
            subscribed(tmp_path, Wanted(types=frozenset({"MESSAGE_CREATE"}), guild_id=5)) as subscription,
        ):
            await until(lambda: subscription.workers)
            for seq, guild, type_ in ((1, 5, "MESSAGE_CREATE"), (2, 5, "MESSAGE_CREATE")):
                ws.put(event(seq, guild, type_, token="t"))
            ws.put(event(3, 6))
            ws.put(event(4, 5, "TYPING_START"))
            told = await take(subscription, ends=2)
        await rest.close()
    events = [each for each in told if isinstance(each, records.Seen)]
    assert [(each.seq, each.guild_id, each.again) for each in events] == [(1, 5, False), (2, 5, False)]
    assert json.loads(bytes(events[0].data)) == {"n": 1, "token": "t"}
    (call,) = [each for each in told if isinstance(each, records.Called)]
    assert (call.id, call.method, call.path) == (events[0].id, "POST", f"/channels/{channel}/messages")
    assert json.loads(bytes(call.body))["content"] == "Pong!"
    assert call.status == 200
    ends = {each.id: each.error for each in told if isinstance(each, records.Ended)}
    assert ends == {events[0].id: "", events[1].id: "ValueError: two is too many"}
    assert not list((tmp_path / "taps").iterdir()), "markers and sockets go with their reader"


async def test_a_reader_that_reads_nothing_keeps_nobody_waiting(tmp_path: Path) -> None:
    """It delays neither events nor shutdown, and later learns how much it has missed."""
    listener, count, text = WsListener(), 6_000, "x" * 3000
    listener.on("message_create")(lambda _: None)
    reading, over, lines = asyncio.Event(), asyncio.Event(), list[records.Record]()

    async def read_late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reading.wait()
        while line := await reader.readline():
            lines.append(records.decode(line))
        writer.close()

    async def read_never(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await over.wait()
        writer.close()

    folder = tmp_path / "taps"
    folder.mkdir()
    late = await asyncio.start_unix_server(read_late, folder / "late.sock")
    never = await asyncio.start_unix_server(read_never, folder / "never.sock")
    for name in ("late", "never"):
        marker = Marker(str(folder / f"{name}.sock"), Wanted())
        (folder / f"{name}.json").write_bytes(msgspec.json.encode(marker))
    async with late, never:
        async with serving(listener, tmp_path) as (ws, acknowledged):
            for seq in range(1, count + 1):
                ws.put(event(seq, guild=seq % 7, text=text))
            await until(lambda: acknowledged[-1] == count, seconds=60)
            reading.set()
            await until(lambda: any(isinstance(each, records.Missed) for each in lines))
        over.set()
    assert 1000 < sum(each.count for each in lines if isinstance(each, records.Missed)) < 2 * count


def test_what_is_held_for_a_reader_is_bounded() -> None:
    async def fill() -> Subscriber:
        tail = Subscriber(Marker("nowhere", Wanted()), records.Hello("0", 1, 1), lambda _: None)
        for _ in range(100):
            tail.put(1024 * 1024, lambda: b"")
        return tail

    tail = asyncio.run(fill())
    assert tail._queued_bytes <= 8 * 1024 * 1024
    assert tail._dropped > 90


async def test_a_new_process_tells_of_its_first_event(tmp_path: Path) -> None:
    """As at a reload: the reader exists before the process."""
    async with subscribed(tmp_path, Wanted()) as subscription:
        for generation in (1, 2):
            listener = WsListener()
            listener.on("message_create")(lambda _: None)
            async with serving(listener, tmp_path, generation=generation) as (ws, _):
                ws.put(event(generation, guild=1))
                (first, *_) = await take(subscription, ends=1)
                assert isinstance(first, records.Seen)
                assert first.seq == generation


async def test_the_marker_of_a_reader_that_was_killed_goes(tmp_path: Path) -> None:
    (tmp_path / "taps").mkdir()
    marker, gone = tmp_path / "taps" / "1-abc.json", tmp_path / "gone.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(gone))
    marker.write_bytes(msgspec.json.encode(Marker(str(gone), Wanted())))
    (tmp_path / "taps" / "junk.json").write_text("{")
    async with serving(WsListener(), tmp_path):
        await until(lambda: not marker.exists() and not gone.exists())


async def test_events_are_handled_again_apart_from_the_session_and_from_discord(tmp_path: Path) -> None:
    listener, seen = WsListener(), []
    rest, word = RestClient("token", NOWHERE, patience=0.1), "old"

    @listener.on("message_create")
    async def answer(message: Any, event: Any) -> None:
        seen.append((message.n, event.session_id, event.redelivered))
        if message.n == 3:
            raise ValueError("no threes")
        await rest.create_message(message.channel_id, content=word)

    (tmp_path / "nescord.toml").write_text('state_dir = "."\n')
    config = load(tmp_path, environ={"DISCORD_BOT_TOKEN": "token"})
    async with serving(listener, tmp_path, keep_recent=True) as (ws, acknowledged):
        for seq in (1, 2, 3):
            ws.put(event(seq, guild=77, guild_id="77", channel_id=str(10**17 + 1)))
        await until(lambda: acknowledged[-1] == 3)
        assert len(read(tmp_path)) == 3, "nobody answers there, and three is refused"
        await until(lambda: (tmp_path / "recent").exists() and len(recent(tmp_path)) == 3)
        await until(lambda: all(each.ended for each in recent(tmp_path)))
        word = "new"
        result = await replay(config, recent(tmp_path), speed=0.0, timeout=30.0)
        assert acknowledged[-1] == 3
        assert len(read(tmp_path)) == 3, "what fails in a replay is no failed event of the session"
    await rest.close()
    assert result.unfinished == 0
    one, two, three = result.results
    assert [call.status for call in one.before.calls] == [0]
    assert [call.status for call in one.after.calls] == [200], "the sandbox has answered"
    assert [line.text.rpartition(" ")[2] for line in two.lines] == ['{"content":"old"}', '{"content":"new"}']
    assert two.changed
    assert (three.after.error, three.changed) == ("ValueError: no threes", False)
    sessions = {session for n, session, redelivered in seen[3:]}
    assert len(sessions) == 1
    assert sessions.pop().startswith("replay-")
    assert [n for n, _, _ in seen] == [1, 2, 3, 1, 2, 3]


async def test_events_that_a_process_did_not_finish_go_to_the_next(tmp_path: Path) -> None:
    (tmp_path / "nescord.toml").write_text('state_dir = "."\n')
    config = load(tmp_path, environ={})
    handled: list[tuple[int, int]] = []
    begun = asyncio.Event()

    def bot(generation: int) -> WsListener:
        listener = WsListener(drain_timeout=0.1)

        @listener.on("message_create", ordered=True)
        async def slow(message: Any) -> None:
            begun.set()
            if generation == 1:
                await asyncio.sleep(60)
            handled.append((generation, message.n))

        return listener

    chosen = [Episode(records.seen(event(seq, guild=1), again=False)) for seq in (1, 2)]
    settings = MainSettings(listen_port=0, state_dir=tmp_path, drain_timeout=0.1)
    async with asyncio.TaskGroup() as tasks:
        async with Runtime(bot(1), settings) as first:
            running = tasks.create_task(replay(config, chosen, speed=0.0, timeout=30.0))
            await asyncio.wait_for(begun.wait(), 30)
            await first.drain()
        async with Runtime(bot(2), settings, generation=2):
            result = await running
    assert handled == [(2, 1), (2, 2)]
    assert (len(result.results), result.unfinished) == (2, 0)


async def test_nobody_to_hand_events_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nescord_core.services.recording.replay._CONNECT", 0.05)
    (tmp_path / "nescord.toml").write_text('state_dir = "."\n')
    chosen = [Episode(records.seen(event(1, guild=1), again=False))]
    with pytest.raises(NotRunning):
        await replay(load(tmp_path, environ={}), chosen, speed=0.0, timeout=1.0)


async def test_requests_of_discordpy_are_told_and_go_where_the_event_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with running_sandbox() as sandbox:
        monkeypatch.setattr(Route, "BASE", f"{sandbox.url}/api/v10")
        trace_requests()
        channel = int((await sandbox.get("/state"))["guilds"][0]["channels"][0]["id"])
        client = HTTPClient(asyncio.get_running_loop())
        await client.static_login(sandbox.token)
        told: list[tuple[str, tracing.Call]] = []
        monkeypatch.setattr(Route, "BASE", f"{NOWHERE}/api/v10")
        cause = tracing.Cause(event(1, guild=1), rest_url=f"{sandbox.url}/api/v10")
        tracing.cause.set(cause)
        with tracing.observe(lambda cause, call: told.append((cause.envelope.type, call))):
            with handle_message_parameters(content="hi") as parameters:
                await client.send_message(channel, params=parameters)
            with pytest.raises(discord.NotFound):
                await client.get_channel(1)
        tracing.cause.set(None)
        await client.close()
    assert [(kind, call.method, call.path, call.status) for kind, call in told] == [
        ("MESSAGE_CREATE", "POST", f"/channels/{channel}/messages", 200),
        ("MESSAGE_CREATE", "GET", "/channels/1", 404),
    ]
    assert json.loads(told[0][1].body)["content"] == "hi"


def test_the_recent_events_are_bounded_on_disk(tmp_path: Path) -> None:
    from nescord_core.bot.observing.recent_events import RecentEvents

    async def write() -> None:
        kept = RecentEvents(tmp_path)
        for _ in range(300):
            kept.put(b"x" * 100_000 + b"\n")
            kept.flush()
        for _ in range(10):
            kept.put(b"y" * 100_000 + b"\n")  # faster than it is written
        kept.close()

    asyncio.run(write())
    files = list((tmp_path / "recent").iterdir())
    assert len(files) <= 8
    assert sum(path.stat().st_size for path in files) < 20_000_000
    assert sum(path.read_bytes().count(b"y\n") for path in files) == 2
    assert all(path.stat().st_mode & 0o077 == 0 for path in files)
