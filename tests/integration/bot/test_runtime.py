"""Event handling of a listener, on a real socket with a hand-written ws."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from dataclasses import replace
from typing import Any

import pytest

from nescord_core.bot.listener import WsListener
from nescord_core.bot.runtime import Runtime
from nescord_core.payloads import Interaction, Message
from nescord_core.settings import MainSettings
from nescord_core.tracing import failed_events
from support.dispatch.raw_ws import WsPeer, until


async def test_an_event_reaches_its_handler_typed_and_is_acknowledged(settings: MainSettings) -> None:
    listener = WsListener()
    seen: list[Message] = []
    everything: list[Any] = []

    @listener.on("message_create")
    async def handler(message: Message) -> None:
        await asyncio.sleep(0)
        seen.append(message)

    @listener.on("*")
    def plain(payload: Any, event: Any) -> None:
        everything.append((event.type, event.seq, payload.raw))

    async with Runtime(listener, settings, replica="3", generation=7) as runtime, WsPeer(runtime.port) as ws:
        assert ws.ready is not None
        assert (ws.ready.replica, ws.ready.generation) == ("3", 7)
        ws.event("MESSAGE_CREATE", {"id": "5", "author": {"username": "ada"}}, key=9)
        ws.event("TOMORROW_CREATE", {"a": 1})
        await until(lambda: ws.acked == [1, 2])
        assert runtime.stats().handled == 2
    assert seen[0].author.username == "ada"
    assert (seen[0].event.guild_id, seen[0].event.session_id, seen[0].event.redelivered) == (
        9,
        "session-1",
        False,
    )
    assert everything == [("MESSAGE_CREATE", 1, seen[0].raw), ("TOMORROW_CREATE", 2, {"a": 1})]


async def test_an_event_that_nobody_handles_is_acknowledged_too(settings: MainSettings) -> None:
    async with Runtime(WsListener(), settings) as runtime, WsPeer(runtime.port) as ws:
        ws.event("TYPING_START")
        await until(lambda: ws.acked == [1])


async def test_an_event_is_acknowledged_only_when_all_its_handlers_have_finished(
    settings: MainSettings,
) -> None:
    listener = WsListener()
    gates = [asyncio.Event(), asyncio.Event()]
    for gate in gates:
        listener.on("ready")(lambda _, gate=gate: gate.wait())
    async with Runtime(listener, settings) as runtime, WsPeer(runtime.port) as ws:
        first = ws.event("READY")
        marker = ws.event("RESUMED")
        await until(lambda: marker in ws.acked)
        gates[0].set()
        ws.event("RESUMED")
        await until(lambda: len(ws.acked) == 2)
        assert first not in ws.acked
        gates[1].set()
        await until(lambda: first in ws.acked)


async def test_handlers_start_in_the_order_of_the_guilds_events_whatever_their_kind(
    settings: MainSettings,
) -> None:
    listener = WsListener()
    order: list[tuple[str, int]] = []

    @listener.on("message_create")
    async def slow(message: Any) -> None:
        order.append(("async", message.n))
        await asyncio.sleep(0.01)

    @listener.on("message_update")
    def plain(message: Any) -> None:
        order.append(("plain", message.n))

    rows = [("MESSAGE_CREATE" if n % 3 else "MESSAGE_UPDATE", {"n": n}, 1) for n in range(300)]
    async with Runtime(listener, settings) as runtime, WsPeer(runtime.port) as ws:
        ws.events(rows)
        await until(lambda: len(ws.acked) == 300)
    assert [n for _, n in order] == list(range(300))


async def test_ordered_handlers_of_a_guild_run_one_after_the_other_and_guilds_side_by_side(
    settings: MainSettings,
) -> None:
    listener = WsListener(ordered=True)
    order: list[tuple[int, str, int]] = []

    @listener.on("message_create")
    async def handler(message: Any, event: Any) -> None:
        order.append((event.guild_id, "begin", message.n))
        await asyncio.sleep(0.03 if message.n == 0 else 0)
        order.append((event.guild_id, "end", message.n))

    rows = [("MESSAGE_CREATE", {"n": n}, guild) for n in range(5) for guild in (1, 2)]
    async with Runtime(listener, settings) as runtime, WsPeer(runtime.port) as ws:
        ws.events(rows)
        await until(lambda: len(ws.acked) == 10)
    for guild in (1, 2):
        mine = [(what, n) for which, what, n in order if which == guild]
        assert mine == [(what, n) for n in range(5) for what in ("begin", "end")]
    assert [each[:2] for each in order[:2]] == [(1, "begin"), (2, "begin")]


async def test_order_holds_for_a_plain_function_that_returns_a_coroutine(settings: MainSettings) -> None:
    listener = WsListener()
    order: list[tuple[str, int]] = []

    async def work(message: Any) -> None:
        order.append(("begin", message.n))
        await asyncio.sleep(0.01)
        order.append(("end", message.n))

    listener.on("message_create", ordered=True)(lambda message: work(message))  # noqa: PLW0108 - hides that it is async
    async with Runtime(listener, settings) as runtime, WsPeer(runtime.port) as ws:
        ws.events([("MESSAGE_CREATE", {"n": n}, 1) for n in range(3)])
        await until(lambda: len(ws.acked) == 3)
    assert order == [(what, n) for n in range(3) for what in ("begin", "end")]


async def test_only_so_many_handlers_run_at_a_time(settings: MainSettings) -> None:
    listener = WsListener(concurrency=3)
    running: set[int] = set()
    most = 0

    @listener.on("message_create")
    async def handler(message: Any) -> None:
        nonlocal most
        running.add(message.n)
        most = max(most, len(running))
        await asyncio.sleep(0.005)
        running.discard(message.n)

    async with Runtime(listener, listener.settings(settings)) as runtime, WsPeer(runtime.port) as ws:
        ws.events([("MESSAGE_CREATE", {"n": n}, n % 7) for n in range(30)])
        await until(lambda: len(ws.acked) == 30)
    assert most == 3


async def test_a_handler_that_raises_is_logged_counted_and_done(
    settings: MainSettings, caplog: pytest.LogCaptureFixture
) -> None:
    listener = WsListener()

    @listener.on("message_create")
    async def broken(message: Any) -> None:
        await asyncio.sleep(0)
        raise RuntimeError("no such thing")

    @listener.on("message_create")
    def also_broken(message: Any) -> None:
        raise KeyError("gone")

    async with Runtime(listener, settings) as runtime, WsPeer(runtime.port) as ws:
        ws.event("MESSAGE_CREATE", key=42)
        await until(lambda: ws.acked == [1])
        assert runtime.stats().failed == 2
    errors = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert len(errors) == 2
    for text in errors:
        assert "MESSAGE_CREATE of shard 0, session session-1, seq 1, guild 42" in text
        assert "test_runtime.py" in text
        assert 'runtime.py", line' not in text.replace("test_runtime.py", "")
    assert any("no such thing" in text for text in errors)


async def test_the_log_names_the_field_that_was_none_and_the_error_beside_its_notes(
    settings: MainSettings, caplog: pytest.LogCaptureFixture
) -> None:
    listener = WsListener()

    @listener.on("message_create")
    async def broken(message: Message) -> None:
        print(message.author.username)

    async with Runtime(listener, settings, keep_recent=True) as runtime, WsPeer(runtime.port) as ws:
        ws.event("MESSAGE_CREATE", {"id": "5"})
        await until(lambda: ws.acked == [1])
    (text,) = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert text.endswith("message.author is None: 'author' is absent in this Message.")
    (failed,) = failed_events.read(settings.state_dir)
    assert failed.error == "AttributeError: 'NoneType' object has no attribute 'username'"


async def test_a_handler_cannot_end_the_process(settings: MainSettings) -> None:
    """Its redelivered event would end the next process as well."""
    listener = WsListener()
    listener.on("ready")(lambda _: sys.exit(3))

    @listener.on("ready")
    async def leave(ready: Any) -> None:
        sys.exit(4)

    async with Runtime(listener, settings) as runtime, WsPeer(runtime.port) as ws:
        ws.event("READY")
        await until(lambda: ws.acked == [1])
        assert runtime.stats().failed == 2


async def test_a_handler_that_is_cancelled_by_others_counts_as_finished(settings: MainSettings) -> None:
    listener = WsListener()

    @listener.on("ready")
    async def handler(ready: Any) -> None:
        cancelled: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        cancelled.cancel()
        await cancelled

    async with Runtime(listener, settings) as runtime, WsPeer(runtime.port) as ws:
        ws.event("READY")
        await until(lambda: ws.acked == [1])
        assert runtime.stats().running == 0


async def test_a_handler_registered_while_running_gets_the_events_from_then_on(
    settings: MainSettings,
) -> None:
    listener = WsListener()
    seen: list[int] = []
    async with Runtime(listener, settings) as runtime, WsPeer(runtime.port) as ws:
        ws.event("READY")
        await until(lambda: ws.acked == [1])
        listener.on("ready")(lambda ready: seen.append(ready.event.seq))
        ws.event("READY")
        await until(lambda: ws.acked == [1, 2])
    assert seen == [2]


async def test_a_handler_may_use_timeouts_and_context_from_its_first_step(settings: MainSettings) -> None:
    listener = WsListener()
    outcome: list[Any] = []

    @listener.on("ready")
    async def handler(ready: Any) -> None:
        task = asyncio.current_task()
        try:
            async with asyncio.timeout(0.01):
                await asyncio.Event().wait()
        except TimeoutError:
            outcome.append(asyncio.current_task() is task)

    async with Runtime(listener, settings) as runtime, WsPeer(runtime.port) as ws:
        ws.event("READY")
        await until(lambda: ws.acked == [1])
    assert outcome == [True]


async def test_a_redelivered_old_interaction_comes_marked_as_stale(settings: MainSettings) -> None:
    """protocol.md, 27: a redelivered interaction older than 3 s is stale, and marked as such."""
    listener = WsListener()
    stale: list[bool] = []

    @listener.on("interaction_create")
    async def handler(interaction: Interaction) -> None:
        stale.append(interaction.event.stale)

    async with Runtime(listener, settings) as runtime, WsPeer(runtime.port) as ws:
        ws.event("INTERACTION_CREATE", {"id": "1"}, redelivered=True, received_at=time.time() - 60)
        ws.event("INTERACTION_CREATE", {"id": "2"})
        await until(lambda: len(ws.acked) == 2)
    assert stale == [True, False]


async def test_a_finished_event_that_comes_again_is_not_handled_again(settings: MainSettings) -> None:
    handled: list[int] = []
    for _ in range(2):
        listener = WsListener()
        listener.on("ready")(lambda ready: handled.append(ready.event.seq))
        async with Runtime(listener, settings) as runtime, WsPeer(runtime.port) as ws:
            ws.event("READY", redelivered=True)
            await until(lambda: ws.acked == [1])
    assert handled == [1]


async def test_a_handler_that_hangs_is_named_once_for_each_event(
    settings: MainSettings, caplog: pytest.LogCaptureFixture
) -> None:
    listener, go_on = WsListener(), asyncio.Event()

    @listener.on("message_create")
    async def hang(message: Message) -> None:
        if message.content == "hang":
            await go_on.wait()

    patience = replace(settings, stuck_after=0.1)
    async with Runtime(listener, patience) as runtime, WsPeer(runtime.port) as ws:
        ws.event("MESSAGE_CREATE", {"content": "hang"})
        ws.event("MESSAGE_CREATE", {"content": "pass"})
        await until(lambda: "has been running" in caplog.text)
        await asyncio.sleep(0.2)
        go_on.set()
        await until(lambda: sorted(ws.acked) == [1, 2])
    (line,) = [r.getMessage() for r in caplog.records if "has been running" in r.message]
    assert "hang (" in line
    assert "seq 1," in line
