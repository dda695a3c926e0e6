"""Time-outs of a discord.py client that follow the clock of its sandbox."""

from __future__ import annotations

import asyncio

import discord
import pytest
from discord.ext import tasks

from nescord_core.bot.discordpy import internals
from nescord_core.bot.discordpy.movable_clock import MovableClock

HOUR = 3600.0


class Panel(discord.ui.View):
    def __init__(self, timeout: float | None) -> None:
        super().__init__(timeout=timeout)
        self.closed = asyncio.Event()

    @discord.ui.button(label="Go", custom_id="go")
    async def go(self, _interaction: discord.Interaction, _button: discord.ui.Button[Panel]) -> None:
        """Do nothing."""

    async def on_timeout(self) -> None:
        self.closed.set()


@pytest.fixture
async def client() -> discord.Client:
    made = discord.Client(intents=discord.Intents.none())
    await made._async_setup_hook()
    return made


async def test_a_wait_ends_when_its_time_has_come(client: discord.Client) -> None:
    clock = MovableClock(client)
    waiting = asyncio.ensure_future(client.wait_for("message", timeout=HOUR))
    endless = asyncio.ensure_future(client.wait_for("message"))
    await asyncio.sleep(0)
    clock.advance(HOUR - 60)
    await asyncio.sleep(0)
    assert not waiting.done()
    clock.advance(60)
    with pytest.raises(TimeoutError):
        await waiting
    clock.advance(HOUR)
    client.dispatch("message", "hello")
    assert await endless == "hello"


async def test_a_wait_gets_its_event_as_without_a_clock(client: discord.Client) -> None:
    MovableClock(client)
    waiting = asyncio.ensure_future(client.wait_for("message", check=lambda text: text == "b", timeout=HOUR))
    await asyncio.sleep(0)
    client.dispatch("message", "a")
    client.dispatch("message", "b")
    assert await waiting == "b"


async def test_a_view_times_out_when_its_time_has_come(client: discord.Client) -> None:
    clock, store = MovableClock(client), internals.connection(client)._view_store
    panel, longer = Panel(HOUR), Panel(HOUR * 2)
    store.add_view(panel, 1)
    store.add_view(longer, 2)
    clock.advance(HOUR - 60)
    await asyncio.sleep(0)
    assert not panel.is_finished()
    clock.advance(60)
    await panel.closed.wait()
    assert panel.is_finished()
    assert not longer.is_finished()
    clock.advance(HOUR)
    await longer.closed.wait()
    assert list(internals.open_views(client)) == []


async def test_a_loop_runs_as_often_as_its_interval_has_passed(client: discord.Client) -> None:
    clock, runs = MovableClock(client), asyncio.Queue[int]()

    @tasks.loop(minutes=5)
    async def tick() -> None:
        runs.put_nowait(1)

    tick.start()
    try:
        await runs.get()
        clock.advance(15 * 60)
        for _ in range(3):
            await runs.get()
        following = tick.next_iteration
        assert following is not None
        assert runs.empty()
        assert following > discord.utils.utcnow()
    finally:
        tick.cancel()
