"""The admin port: health, statistics, commands and access."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from nescord_core.errors import EntryError, PortTaken
from nescord_core.services.control.admin_port import Admin, serve_admin
from nescord_core.services.control.idle_connections import ConnectionLimits
from nescord_core.settings import SecuritySettings

KEY = "ws.admin"
NO_SECRET = SecuritySettings()


async def refuse() -> Mapping[str, Any]:
    raise EntryError("app.py:3: it is broken.")


async def accept() -> Mapping[str, Any]:
    return {"generation": 2}


@asynccontextmanager
async def admin(
    problems: Callable[[], list[str]] = list,
    security: SecuritySettings = NO_SECRET,
    limits: ConnectionLimits = ConnectionLimits(),  # noqa: B008 - frozen
) -> AsyncIterator[tuple[aiohttp.ClientSession, str]]:
    async def stats() -> Mapping[str, Any]:
        return {"depth": 1}

    shown = Admin("ws", list, problems, stats, lambda: b"depth 1\n", {"reload": accept, "break": refuse})
    async with (
        serve_admin(shown, "127.0.0.1", 0, key=KEY, security=security, limits=limits) as address,
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
    async with admin(security=SecuritySettings("the-secret")) as (session, _):
        for method, path in (("GET", "/stats"), ("GET", "/metrics"), ("POST", "/reload")):
            async with session.request(method, path, headers={"X-Nescord-Secret": shown}) as answer:
                assert answer.status == status
        async with session.get("/healthz") as answer:
            assert answer.status == 200


async def test_a_taken_port_names_the_key() -> None:
    async with admin() as (_, address):
        host, _, port = address.rpartition(":")
        other = Admin("ws", list, list, dict, bytes)
        with pytest.raises(PortTaken, match=f"{KEY} to another"):
            async with serve_admin(other, host, int(port), key=KEY, security=NO_SECRET):
                pass


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("evil.example", 403),
        ("evil.example:6001", 403),
        ("127.example.com", 403),
        ("localhost.evil.example", 403),
        ("127.0.0.1", 200),
        ("localhost:6001", 200),
        ("[::1]:6001", 200),
        ("10.0.0.7", 200),
        ("ws", 200),
        ("bot.internal.example:6001", 200),
    ],
)
async def test_a_page_whose_name_leads_to_this_machine_gets_nothing(host: str, status: int) -> None:
    """DNS rebinding: the browser sends no Origin with such a request, but the page's name as Host."""
    security = SecuritySettings(hosts=frozenset({"bot.internal.example"}))
    async with admin(security=security) as (session, _):
        for path in ("/healthz", "/readyz", "/stats", "/metrics"):
            async with session.get(path, headers={"Host": host}) as answer:
                assert answer.status == status
                if status == 403:
                    assert "security.hosts (NESCORD_HOSTS)" in (await answer.json())["error"]


async def test_a_caller_that_shows_the_secret_may_use_any_name() -> None:
    headers = {"Host": "bot.example.com", "X-Nescord-Secret": "the-secret"}
    async with admin(security=SecuritySettings("the-secret")) as (session, _):
        async with session.get("/stats", headers=headers) as answer:
            assert answer.status == 200
        async with session.get("/stats", headers=headers | {"X-Nescord-Secret": "wrong"}) as answer:
            assert answer.status == 403


async def test_a_secret_that_is_no_utf_8_is_wrong() -> None:
    async with admin(security=SecuritySettings("the-secret")) as (_, address):
        status, _ = await exchange(
            address, b"GET /stats HTTP/1.1\r\nHost: ws\r\nX-Nescord-Secret: \xff\xfe\r\n\r\n"
        )
        assert status == 401
    shown = {"X-Nescord-Secret": "gehäuse"}
    async with (
        admin(security=SecuritySettings("gehäuse")) as (session, _),
        session.get("/stats", headers=shown) as answer,
    ):
        assert answer.status == 200


async def exchange(address: str, request: bytes) -> tuple[int, bytes]:
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request)
    head = await reader.readline()
    writer.close()
    return int(head.split()[1]) if head else 0, head


FEW = ConnectionLimits(connections=8, idle=0.3, request_bytes=16_384)


async def closed_after(reader: asyncio.StreamReader) -> float:
    loop = asyncio.get_running_loop()
    began = loop.time()
    with suppress(ConnectionError):
        await reader.read()
    return loop.time() - began


@pytest.mark.parametrize("sent", [b"", b"GET /st", b"GET /healthz HTTP/1.1\r\nHost: ws\r\n\r\n"])
async def test_an_idle_connection_is_closed_before_and_after_its_first_request(sent: bytes) -> None:
    async with admin(limits=FEW) as (_, address):
        host, _, port = address.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(sent)
        async with asyncio.timeout(5):
            assert 0.2 < await closed_after(reader) < 3
        writer.close()


async def test_a_long_command_is_not_idle() -> None:
    async def long() -> Mapping[str, Any]:
        await asyncio.sleep(0.8)
        return {"done": True}

    slow = Admin("ws", list, list, dict, lambda: b"", {"reload": long})
    async with (
        serve_admin(slow, "127.0.0.1", 0, key=KEY, security=NO_SECRET, limits=FEW) as address,
        aiohttp.ClientSession() as session,
        session.post(f"http://{address}/reload") as answer,
    ):
        assert await answer.json() == {"done": True}


@pytest.mark.parametrize(
    "part", [b"X-Name: " + b"a" * 4000 + b"\r\n", b"GET /healthz HTTP/1.1\r\nX-N: v\r\n"]
)
async def test_an_endless_request_is_cut_off(part: bytes) -> None:
    async with admin(limits=FEW) as (_, address):
        host, _, port = address.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"POST /reload HTTP/1.1\r\nHost: ws\r\n")
        with suppress(ConnectionError):
            for _ in range(1000):
                writer.write(part)
                await writer.drain()
        async with asyncio.timeout(5):
            assert await closed_after(reader) < 0.29, "only silence ended it"
        writer.close()


async def test_health_is_answered_while_strangers_only_connect() -> None:
    limits = replace(FEW, idle=30.0)
    async with admin(limits=limits) as (session, address):
        host, _, port = address.rpartition(":")
        silent = [await asyncio.open_connection(host, int(port)) for _ in range(100)]
        async with asyncio.timeout(1), session.get("/healthz") as answer:
            assert answer.status == 200
        alive = [reader for reader, _ in silent if not reader.at_eof()]
        assert len(alive) <= limits.connections
        for _, writer in silent:
            writer.close()
