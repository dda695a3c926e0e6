"""The supervisor's readiness probe against a real HTTP server."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from nescord_core.supervisor.lifecycle import Reading
from nescord_core.supervisor.probe import ask_with_problem, poll
from nescord_core.supervisor.spec import ReadyProbe
from support.dispatch.peers import until

Answer = Callable[[int, str], None]


@pytest.fixture
async def service() -> AsyncIterator[tuple[str, Answer]]:
    """A service's URL, and a function that sets its answer: status and body."""
    answered: dict[str, Any] = {"status": 200, "body": ""}

    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=answered["status"], text=answered["body"])

    app = web.Application()
    app.router.add_get("/readyz", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield (
        f"http://127.0.0.1:{runner.addresses[0][1]}/readyz",
        lambda status, body: answered.update(status=status, body=body),
    )
    await runner.cleanup()


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, "{}", (Reading.GOOD, "")),
        (503, '{"problems": ["shard 1 is lost", "no main"]}', (Reading.BAD, "shard 1 is lost; no main")),
        (503, '{"problems": 7}', (Reading.BAD, "")),
        (503, "[1]", (Reading.BAD, "")),
        (503, "<html>", (Reading.BAD, "")),
        (302, "", (Reading.BAD, "")),
    ],
)
async def test_a_service_that_is_not_ready_says_why(
    service: tuple[str, Answer], status: int, body: str, expected: tuple[Reading, str]
) -> None:
    url, answer = service
    answer(status, body)
    async with aiohttp.ClientSession() as session:
        assert await ask_with_problem(session, url, 5.0) == expected


async def test_a_long_list_is_cut(service: tuple[str, Answer]) -> None:
    url, answer = service
    answer(503, '{"problems": ["' + "x" * 5000 + '"]}')
    async with aiohttp.ClientSession() as session:
        assert len((await ask_with_problem(session, url, 5.0))[1]) == 200


async def test_nobody_there_is_silence() -> None:
    async with aiohttp.ClientSession() as session:
        assert await ask_with_problem(session, "http://127.0.0.1:1/readyz", 5.0) == (Reading.SILENT, "")


async def test_a_silence_while_the_prober_itself_was_suspended_means_nothing(
    service: tuple[str, Answer],
) -> None:
    """A blocked event loop stands for ^Z, and a port that never answers for a silent service."""
    readings: list[Reading] = []
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        for probe, usual in (
            (ReadyProbe(service[0], fast=0.01, slow=0.01, late=0.1), Reading.GOOD),
            (ReadyProbe(url, timeout=0.05, fast=0.01, late=0.1), Reading.SILENT),
        ):
            async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as tasks:
                polling = tasks.create_task(poll(session, probe, lambda reading, _: readings.append(reading)))
                await until(partial(readings.__contains__, usual))
                readings.clear()
                time.sleep(0.5)  # noqa: ASYNC251 - on purpose
                await until(lambda: readings)
                assert readings[0] is Reading.SUSPENDED
                polling.cancel()
