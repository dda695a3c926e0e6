"""Start and drain of a listener, on a real socket with a hand-written ws."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from typing import Any

import pytest

from nescord_core.bot.listener import WsListener
from nescord_core.bot.process import serve
from nescord_core.bot.runtime import Runtime
from nescord_core.errors import PortTaken
from nescord_core.settings import MainSettings
from support.dispatch.raw_ws import WsPeer, until


async def test_drain_finishes_what_runs_and_gives_the_rest_back(settings: MainSettings) -> None:
    listener = WsListener(concurrency=1)
    gate = asyncio.Event()
    hooks: list[str] = []
    listener.on_start(lambda: hooks.append("start"))

    @listener.on_drain
    async def closed() -> None:
        hooks.append("drain")

    @listener.on("message_create")
    async def handler(message: Any) -> None:
        await gate.wait()
        hooks.append("handled")

    async with Runtime(listener, listener.settings(settings)) as runtime, WsPeer(runtime.port) as ws:
        ws.events([("MESSAGE_CREATE", {}, 1)] * 3)
        await until(lambda: runtime.stats().waiting == 2)
        async with asyncio.TaskGroup() as tasks:
            draining = tasks.create_task(runtime.drain())
            await ws.drained.wait()
            await until(lambda: ws.returned == [2, 3])
            gate.set()
        report = draining.result()
        assert (report.handled, report.returned, report.cut_short) == (1, 2, ())
        await until(lambda: ws.acked == [1])
    assert hooks == ["start", "handled", "drain"]
    assert ws.returned_started == []


async def test_a_handler_past_the_drain_timeout_is_cut_short_and_its_event_returned_as_started(
    settings: MainSettings, caplog: pytest.LogCaptureFixture
) -> None:
    listener = WsListener(drain_timeout=0.1)
    cancelled = asyncio.Event()

    @listener.on("message_create")
    async def forever(message: Any) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    async with Runtime(listener, listener.settings(settings)) as runtime, WsPeer(runtime.port) as ws:
        ws.event("MESSAGE_CREATE")
        await until(lambda: runtime.stats().running == 1)
        report = await runtime.drain()
        assert cancelled.is_set()
        await until(lambda: ws.returned_started == [1])
    assert [name.rpartition(".")[2] for name in report.cut_short] == ["forever"]
    assert report.returned == 1
    assert ws.acked == []
    assert "forever" in caplog.text


async def test_a_handler_that_ignores_its_cancellation_is_named_and_waited_for(
    settings: MainSettings, caplog: pytest.LogCaptureFixture
) -> None:
    listener = WsListener(drain_timeout=0.05)
    release = asyncio.Event()

    @listener.on("ready")
    async def stubborn(ready: Any) -> None:
        while not release.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await release.wait()

    async with Runtime(listener, listener.settings(settings)) as runtime, WsPeer(runtime.port) as ws:
        ws.event("READY")
        await until(lambda: runtime.stats().running == 1)
        report = await runtime.drain()
        await until(lambda: ws.returned_started == [1])
        release.set()
    assert len(report.cut_short) == 1
    assert "ignores its cancellation" in caplog.text
    assert ws.acked == []


async def test_serve_is_ready_then_drains_when_told(settings: MainSettings) -> None:
    drain = asyncio.Event()
    ready: list[bool] = []

    def on_ready() -> None:
        ready.append(True)
        drain.set()

    report = await serve(WsListener(), settings, on_ready=on_ready, drain=drain)
    assert ready == [True]
    assert (report.handled, report.returned) == (0, 0)


async def test_a_taken_port_is_one_readable_error(settings: MainSettings) -> None:
    """Not wrapped in an exception group: the CLI prints it as it is."""
    listener = WsListener()
    closed: list[bool] = []
    listener.on_drain(lambda: closed.append(True))
    server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    taken = replace(settings, listen_port=port)
    async with server:
        with pytest.raises(PortTaken, match=f"127.0.0.1:{port}"):
            await serve(listener, taken, on_ready=lambda: None, drain=asyncio.Event())
    assert closed == [True]


async def test_a_start_hook_that_fails_keeps_the_port_closed(settings: MainSettings) -> None:
    listener = WsListener()
    closed: list[bool] = []
    listener.on_drain(lambda: closed.append(True))

    @listener.on_start
    async def opened() -> None:
        raise LookupError("no database")

    with pytest.raises(LookupError, match="no database"):
        await serve(listener, settings, on_ready=lambda: closed.append(False), drain=asyncio.Event())
    assert closed == []


async def test_an_error_in_the_body_is_not_wrapped_and_events_go_back(settings: MainSettings) -> None:
    listener = WsListener()
    listener.on("ready")(lambda _: asyncio.Event().wait())

    async def body() -> None:
        async with Runtime(listener, settings) as runtime, WsPeer(runtime.port) as ws:
            ws.event("READY")
            await until(lambda: runtime.stats().running == 1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await body()
