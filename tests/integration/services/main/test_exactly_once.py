"""Reloads lose, double and reorder no event: real processes, a real sender, real saves."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from nescord_core.dispatch.sender.sender import Sender
from support.dispatch.peers import Ws, event, until
from support.processes.main_process import MainProcess, handled, main_process, make_project

GUILDS = 20
RATE = 200


class Traffic:
    """Messages to many guilds at a steady rate, mixed with slow events of other kinds."""

    def __init__(self, sender: Sender) -> None:
        self.sender = sender
        self.sent: list[tuple[int, int]] = []

    async def flow(self) -> None:
        seq = 0
        loop = asyncio.get_running_loop()
        began = loop.time()
        while True:
            while seq < (loop.time() - began) * RATE:
                seq += 1
                guild = 1 + seq % GUILDS
                kind = "TYPING_START" if seq % 10 == 0 else "MESSAGE_CREATE"
                self.sender.put(event(seq, guild=guild, kind=kind))
                if kind == "MESSAGE_CREATE":
                    self.sent.append((guild, seq))
            await asyncio.sleep(1 / RATE)


@asynccontextmanager
async def under_traffic(*addresses: str) -> AsyncIterator[Traffic]:
    """Send events during the block; then wait until all are acknowledged."""
    async with Ws(*addresses).running() as ws:
        traffic = Traffic(ws.sender)
        async with asyncio.TaskGroup() as tasks:
            flow = tasks.create_task(traffic.flow())
            yield traffic
            flow.cancel()
        await until(lambda: ws.sender.stats().depth == 0, seconds=60)


def by_guild(rows: list[tuple[int, int]]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = defaultdict(list)
    for guild, seq in rows:
        found[guild].append(seq)
    return found


async def save_and_wait(it: MainProcess, answer: object) -> dict[str, object]:
    before = len(it.reloads)
    it.write(answer)
    await until(lambda: len(it.reloads) > before, seconds=60)
    record: dict[str, object] = it.reloads[-1]["reload"]
    return record


@pytest.mark.parametrize(("method", "reloads"), [("fork", 20), ("spawn", 6)])
async def test_reloads_under_traffic_lose_double_and_reorder_nothing(
    tmp_path: Path, method: str, reloads: int
) -> None:
    project = make_project(tmp_path / "project")
    async with main_process(project, "--watch", method=method) as it:
        await it.ready()
        async with under_traffic(it.address) as traffic:
            await until(lambda: handled(project))
            for number in range(2, reloads + 2):
                is_broken = number % 10 == 5
                record = await save_and_wait(it, "= =" if is_broken else number)
                assert record["ok"] is not is_broken, it.reloads[-1]
                await asyncio.sleep(0.05)
        assert traffic.sender.stats().redelivered == 0
        crashes = [worker["crashes"] for worker in await it.workers()]
    rows = handled(project)
    assert by_guild([(guild, seq) for _, guild, seq, _ in rows]) == by_guild(traffic.sent)
    assert not any(redelivered for *_, redelivered in rows)
    assert crashes == [0]
    assert rows[-1][0] == reloads + 1, "the last of the code handled the last of the events"
    refused = [record for record in it.reloads if not record["reload"]["ok"]]
    assert {(record["reload"]["file"], record["reload"]["line"]) for record in refused} == {
        ("bot_main/words.py", 1)
    }


async def test_two_workers_reload_under_traffic(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project", workers=2)
    async with main_process(project, "--watch") as it:
        await it.ready()
        addresses = [worker["address"] for worker in await it.workers()]
        async with under_traffic(*addresses) as traffic:
            await until(lambda: handled(project))
            for number in range(2, 6):
                assert (await save_and_wait(it, number))["ok"]
        assert traffic.sender.stats().redelivered == 0
    assert by_guild([(guild, seq) for _, guild, seq, _ in handled(project)]) == by_guild(traffic.sent)


async def test_a_killed_worker_loses_nothing_and_what_comes_again_is_marked(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project")
    async with main_process(project) as it:
        await it.ready()
        async with under_traffic(it.address) as traffic:
            for _ in range(3):
                so_far = len(handled(project))
                await until(lambda so_far=so_far: len(handled(project)) > so_far + 20)  # type: ignore[misc]
                (worker,) = await it.workers()
                os.kill(worker["pid"], signal.SIGKILL)
                await until(lambda: any("died: signal 9" in record["message"] for record in it.records))
                it.records.clear()
                await it.until_serving()
        (worker,) = await it.workers()
        assert worker["crashes"] == 3
    rows = handled(project)
    assert {(guild, seq) for _, guild, seq, _ in rows} == set(traffic.sent)
    seen: set[int] = set()
    for _, _, seq, redelivered in rows:
        assert seq not in seen or redelivered, f"{seq} came twice and was not marked"
        seen.add(seq)
