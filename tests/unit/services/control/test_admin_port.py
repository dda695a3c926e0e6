"""The admin port: health, statistics, commands and access."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from nescord_core.errors import EntryError, PortTaken
from nescord_core.services.control.admin_port import Admin, serve_admin

KEY = "ws.admin"


async def refuse() -> Mapping[str, Any]:
    raise EntryError("app.py:3: it is broken.")


async def accept() -> Mapping[str, Any]:
    return {"generation": 2}


@asynccontextmanager
async def admin(
    problems: Callable[[], list[str]] = list, secret: str | None = None
) -> AsyncIterator[tuple[aiohttp.ClientSession, str]]:
    async def stats() -> Mapping[str, Any]:
        return {"depth": 1}

    shown = Admin("ws", list, problems, stats, lambda: b"depth 1\n", {"reload": accept, "break": refuse})
    async with (
        serve_admin(shown, "127.0.0.1", 0, key=KEY, secret=secret) as address,
        aiohttp.ClientSession(base_url=f"http://{address}") as session,
    ):
        yield session, address


async def test_ready_only_without_problems() -> None:
    missing = ["shard 0 is connecting"]
    async with admin(lambda: missing) as (session, _):
        async with session.get("/readyz") as answer:
            assert (answer.status, await answer.json()) == (503, {"ok": False, "problems": missing})
        missing.clear()
        async with session.get("/readyz") as answer:
            assert answer.status == 200
        async with session.get("/healthz") as answer:
            assert answer.status == 200


async def test_statistics_and_commands() -> None:
    async with admin() as (session, _):
        async with session.get("/stats") as answer:
            assert await answer.json() == {"depth": 1}
        async with session.get("/metrics") as answer:
            assert await answer.text() == "depth 1\n"
        async with session.post("/reload") as answer:
            assert (answer.status, await answer.json()) == (200, {"generation": 2})
        async with session.post("/break") as answer:
            assert (answer.status, await answer.json()) == (409, {"error": "app.py:3: it is broken."})
        async with session.get("/reload") as answer:
            assert answer.status == 405


async def test_a_web_page_cannot_run_commands() -> None:
    page = {"Origin": "http://evil.example"}
    async with admin() as (session, _), session.post("/reload", headers=page) as answer:
        assert answer.status == 403


@pytest.mark.parametrize(("shown", "status"), [("", 401), ("wrong", 401), ("the-secret", 200)])
async def test_with_a_secret_everything_but_health_requires_it(shown: str, status: int) -> None:
    async with admin(secret="the-secret") as (session, _):
        for method, path in (("GET", "/stats"), ("GET", "/metrics"), ("POST", "/reload")):
            async with session.request(method, path, headers={"X-Nescord-Secret": shown}) as answer:
                assert answer.status == status
        async with session.get("/healthz") as answer:
            assert answer.status == 200


async def test_a_taken_port_names_the_key() -> None:
    async with admin() as (_, address):
        host, _, port = address.rpartition(":")
        with pytest.raises(PortTaken, match=f"{KEY} to another"):
            async with serve_admin(Admin("ws", list, list, dict, bytes), host, int(port), key=KEY):
                pass
