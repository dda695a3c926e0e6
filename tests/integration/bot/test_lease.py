"""Handlers start only while ws surely serves the stream of their event."""

from __future__ import annotations

import asyncio
from typing import Any

from nescord_core.bot.listener import WsListener
from nescord_core.bot.runtime import Runtime
from nescord_core.payloads import Message
from nescord_core.settings import MainSettings
from support.dispatch.raw_ws import WsPeer, until


def noting(listener: WsListener) -> list[tuple[str, int, bool]]:
    """Register a handler of each kind; return the list that they append to."""
    seen: list[tuple[str, int, bool]] = []

    @listener.on("message_create")
    def plain(message: Message, event: Any) -> None:
        seen.append(("plain", event.seq, event.redelivered))

    @listener.on("message_create")
    async def asynchronous(message: Message, event: Any) -> None:
        seen.append(("async", event.seq, event.redelivered))

    return seen


async def test_nothing_begins_until_ws_says_that_it_serves_the_stream(settings: MainSettings) -> None:
    listener = WsListener()
    seen = noting(listener)
    async with Runtime(listener, settings) as runtime, WsPeer(runtime.port, lease=60.0) as ws:
        ws.events([("MESSAGE_CREATE", {}, 1)] * 3)
        await until(lambda: runtime.stats().received == 3 and ws.asked)
        await asyncio.sleep(0.05)
        assert seen == []
        ws.renew(ws.asked[-1])
        await until(lambda: ws.acked == [1, 2, 3])
        ws.event("MESSAGE_CREATE")
        await until(lambda: ws.acked == [1, 2, 3, 4])
    assert seen == [(kind, seq, False) for seq in range(1, 5) for kind in ("plain", "async")]


async def test_when_ws_always_answers_too_late_events_begin_with_a_mark(settings: MainSettings) -> None:
    listener = WsListener()
    seen = noting(listener)
    async with Runtime(listener, settings) as runtime, WsPeer(runtime.port, lease=0.05) as ws:
        ws.event("MESSAGE_CREATE")
        while not ws.acked:
            asked = ws.asked[:]
            await asyncio.sleep(0.2)
            for number in asked:
                ws.renew(number)
    assert seen == [("plain", 1, True), ("async", 1, True)]


async def test_what_has_not_begun_when_its_stream_is_lost_never_does(settings: MainSettings) -> None:
    listener = WsListener(concurrency=1)
    seen: list[int] = []
    go_on = asyncio.Event()

    @listener.on("message_create")
    async def wait(message: Message, event: Any) -> None:
        seen.append(event.seq)
        await go_on.wait()

    own = listener.settings(settings)
    async with Runtime(listener, own) as runtime:
        async with WsPeer(runtime.port) as ws:
            ws.events([("MESSAGE_CREATE", {}, 1)] * 5)
            await until(lambda: seen == [1])
        await until(lambda: runtime.stats().receiver.streams == 0)
        assert runtime.stats().waiting == 0
        go_on.set()
        await until(lambda: runtime.stats().handled == 1)
        async with WsPeer(runtime.port) as ws:
            ws.events([("MESSAGE_CREATE", {}, 1)] * 5, redelivered=True)
            await until(lambda: ws.acked == [1, 2, 3, 4, 5])
    assert seen == [1, 2, 3, 4, 5]


async def test_who_dials_anew_takes_the_place_of_its_earlier_stream(settings: MainSettings) -> None:
    """Ready tells ws that no event of the earlier stream will start, whether it has broken here or not."""
    listener = WsListener()
    seen = noting(listener)
    async with Runtime(listener, settings) as runtime, WsPeer(runtime.port, lease=60.0, address="a") as first:
        first.events([("MESSAGE_CREATE", {}, 1)] * 2)
        await until(lambda: runtime.stats().received == 2 and first.asked)
        async with (
            WsPeer(runtime.port, lease=60.0, address="another") as other,
            WsPeer(runtime.port, lease=60.0, address="a") as second,
        ):
            await until(lambda: second.asked and other.asked)
            assert runtime.stats().receiver.streams == 2
            first.renew(first.asked[-1])
            second.events([("MESSAGE_CREATE", {}, 1)] * 2, redelivered=True)
            second.renew(second.asked[-1])
            await until(lambda: second.acked == [1, 2])
    assert seen == [(kind, seq, True) for seq in (1, 2) for kind in ("plain", "async")]
