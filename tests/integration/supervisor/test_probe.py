"""The supervisor's readiness probe against a real HTTP server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from nescord_core.supervisor.lifecycle import Reading
from nescord_core.supervisor.probe import ask_with_problem

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
