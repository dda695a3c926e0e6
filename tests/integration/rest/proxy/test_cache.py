"""What is cached, for whom, and for how long."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from nescord_core.settings import CacheOptions
from support.rest.fake_discord import FakeDiscord, json_status, slow
from support.rest.running_proxy import Running, running_proxy


async def marks(proxy: Running, *paths: str, **options: object) -> list[str | None]:
    return [(await proxy.call("GET", path, **options)).cache for path in paths]


async def test_a_second_get_is_a_hit_and_the_same_answer(tmp_path: Path) -> None:
    async with running_proxy(tmp_path) as proxy:
        first = await proxy.call("GET", "/channels/1")
        second = await proxy.call("GET", "/api/v10/channels/1")
        assert (first.cache, second.cache) == ("miss", "hit")
        assert first.body == second.body
        assert second.headers["Content-Type"] == "application/json"
        assert len(proxy.discord.seen) == 1


async def test_entries_expire(tmp_path: Path) -> None:
    async with running_proxy(tmp_path, cache=CacheOptions(ttl=0.2)) as proxy:
        assert await marks(proxy, "/channels/1", "/channels/1") == ["miss", "hit"]
        await asyncio.sleep(0.25)
        assert await marks(proxy, "/channels/1") == ["miss"]


async def test_kinds_of_routes_have_times_to_live_of_their_own(tmp_path: Path) -> None:
    options = CacheOptions(ttl=0.0, ttls={"messages": 30.0, "guilds": 0.2}, unlinked_ttl=30.0)
    paths = ("/channels/1/messages", "/guilds/1/roles", "/channels/1")
    async with running_proxy(tmp_path, cache=options) as proxy:
        await marks(proxy, *paths)
        assert await marks(proxy, *paths) == ["hit", "hit", "miss"]
        await asyncio.sleep(0.25)
        assert await marks(proxy, *paths) == ["hit", "miss", "miss"]


async def test_no_cache_goes_to_discord(tmp_path: Path) -> None:
    async with running_proxy(tmp_path) as proxy:
        await proxy.call("GET", "/channels/1")
        fresh = await proxy.call("GET", "/channels/1", headers={"Cache-Control": "no-cache"})
        assert fresh.cache == "bypass"
        assert json.loads(fresh.body)["serial"] == 2
        assert json.loads((await proxy.call("GET", "/channels/1")).body)["serial"] == 2


@pytest.mark.parametrize(
    "path",
    [
        "/gateway/bot",
        "/webhooks/1/token",
        "/webhooks/1/token/messages/2",
        "/interactions/1/token/callback",
        "/guilds/1?with_counts=true",
        "/guilds/1/audit-logs",
        "/made/up",
        f"/channels/{10**600}",
    ],
)
@pytest.mark.bound("state_dir: the path of a response that is cached")
async def test_some_routes_are_never_kept(tmp_path: Path, path: str) -> None:
    async with running_proxy(tmp_path) as proxy:
        assert await marks(proxy, path, path) == ["bypass", "bypass"]
        assert len(proxy.discord.seen) == 2


async def test_errors_are_never_kept(tmp_path: Path) -> None:
    fake = FakeDiscord(answers={"/channels/1": 404})
    async with running_proxy(tmp_path, fake) as proxy:
        for _ in range(2):
            assert (await proxy.call("GET", "/channels/1")).status == 404
        assert len(fake.seen) == 2


async def test_the_key_has_token_query_and_headers(tmp_path: Path) -> None:
    async with running_proxy(tmp_path) as proxy:
        await proxy.call("GET", "/channels/1/messages?limit=1")
        variants = [
            await proxy.call("GET", "/channels/1/messages?limit=2"),
            await proxy.call("GET", "/channels/1/messages?limit=1", headers={"Authorization": "Bearer x"}),
            await proxy.call("GET", "/channels/1/messages?limit=1", headers={"X-Discord-Locale": "de"}),
            await proxy.call("GET", "/channels/1/messages?limit=1", headers={"Accept-Encoding": "gzip"}),
        ]
        assert "hit" not in [answer.cache for answer in variants[:3]]
        assert variants[1].status == 401


@pytest.mark.parametrize(
    ("method", "path", "gone"),
    [
        ("PATCH", "/channels/1", ["/channels/1", "/channels/1/messages", "/guilds/2/channels"]),
        ("POST", "/channels/1/messages", ["/channels/1", "/channels/1/messages", "/guilds/2/channels"]),
        ("PUT", "/guilds/2/members/3/roles/4", ["/guilds/2/members/3", "/guilds/2/members"]),
        ("POST", "/guilds/2/roles", ["/guilds/2", "/guilds/2/roles", "/guilds/2/members"]),
        ("PATCH", "/users/@me", ["/users/@me", "/users/3", "/guilds/2/members/3"]),
        ("POST", "/webhooks/5/token", ["/channels/1/messages", "/channels/1"]),
        ("POST", "/interactions/5/token/callback", ["/channels/1/messages"]),
    ],
)
async def test_a_write_drops_what_it_may_have_changed_at_once(
    tmp_path: Path, method: str, path: str, gone: list[str]
) -> None:
    others = ["/guilds/7", "/voice/regions"]
    async with running_proxy(tmp_path) as proxy:
        await marks(proxy, *gone, *others)
        await proxy.call(method, path, json={})
        assert set(await marks(proxy, *gone)) == {"miss"}
        if path != "/users/@me":
            assert set(await marks(proxy, *others)) == {"hit"}


async def test_typing_changes_nothing(tmp_path: Path) -> None:
    async with running_proxy(tmp_path) as proxy:
        await proxy.call("GET", "/channels/1")
        await proxy.call("POST", "/channels/1/typing")
        assert await marks(proxy, "/channels/1") == ["hit"]


async def test_a_get_in_flight_while_something_is_written_is_not_kept(tmp_path: Path) -> None:
    fake = FakeDiscord()
    async with running_proxy(tmp_path, fake) as proxy:
        fake.fail(slow(0.4))
        reading = asyncio.ensure_future(proxy.call("GET", "/channels/1"))
        await asyncio.sleep(0.1)
        await proxy.call("PATCH", "/channels/1", json={"nsfw": True})
        joined = asyncio.ensure_future(proxy.call("GET", "/channels/1"))
        assert (await joined).cache == "miss", "the one under way may be older than the write"
        await reading
        assert json.loads((await proxy.call("GET", "/channels/1")).body) == json.loads((await joined).body)


async def test_concurrent_gets_are_one_request_to_discord(tmp_path: Path) -> None:
    fake = FakeDiscord()
    fake.fail(slow(0.2))
    async with running_proxy(tmp_path, fake) as proxy:
        answers = await asyncio.gather(*(proxy.call("GET", "/channels/1") for _ in range(20)))
        assert len(fake.seen) == 1
        assert len({answer.body for answer in answers}) == 1


async def test_the_others_go_on_when_the_one_that_fetches_leaves(tmp_path: Path) -> None:
    fake = FakeDiscord()
    fake.fail(slow(5.0))
    async with running_proxy(tmp_path, fake) as proxy:
        leaving = asyncio.ensure_future(proxy.call("GET", "/channels/1"))
        await asyncio.sleep(0.1)
        staying = asyncio.ensure_future(proxy.call("GET", "/channels/1"))
        await asyncio.sleep(0.1)
        leaving.cancel()
        assert (await asyncio.wait_for(staying, 3)).status == 200


async def test_gateway_events_told_over_http_drop_answers(tmp_path: Path) -> None:
    async with running_proxy(tmp_path) as proxy:
        await marks(proxy, "/channels/1", "/guilds/2/channels", "/channels/9")
        items = [{"kind": "CHANNEL_UPDATE", "ids": {"id": "1", "guild_id": "2"}}]
        assert (await proxy.call("POST", "/nescord/invalidate", json={"items": items})).status == 204
        assert await marks(proxy, "/channels/1", "/guilds/2/channels", "/channels/9") == [
            "miss",
            "miss",
            "hit",
        ]
        bad: object
        for bad in ({}, {"items": [{}]}, {"items": [{"kind": "x", "ids": []}]}, []):
            assert (await proxy.call("POST", "/nescord/invalidate", json=bad)).status == 400


async def test_what_does_not_fit_into_memory_comes_back_from_disk(tmp_path: Path) -> None:
    fake = FakeDiscord(answers={f"/channels/{n}": {"fill": str(n) * 100_000} for n in range(10, 20)})
    async with running_proxy(tmp_path, fake, cache=CacheOptions(max_mb=2, unlinked_ttl=60.0)) as proxy:
        paths = [f"/channels/{n}" for n in range(10, 20)]
        first = [(await proxy.call("GET", path)).body for path in paths]
        answers = [await proxy.call("GET", path) for path in paths]
        assert {answer.cache for answer in answers} == {"hit"}
        assert [answer.body for answer in answers] == first
        await proxy.call("PATCH", "/channels/10", json={})
        assert await marks(proxy, "/channels/10", "/channels/11") == ["miss", "hit"]


async def test_nothing_of_a_former_run_is_given_out(tmp_path: Path) -> None:
    for _ in range(2):
        async with running_proxy(tmp_path) as proxy:
            assert await marks(proxy, "/channels/1") == ["miss"]


async def test_the_cache_can_be_switched_off(tmp_path: Path) -> None:
    async with running_proxy(tmp_path, cache=CacheOptions(enabled=False)) as proxy:
        assert await marks(proxy, "/channels/1", "/channels/1") == ["bypass", "bypass"]


async def test_a_failure_of_the_fetch_is_everyones_own(tmp_path: Path) -> None:
    fake = FakeDiscord()
    fake.fail(json_status(403, {"message": "Missing Access", "code": 50001}))
    async with running_proxy(tmp_path, fake) as proxy:
        assert (await proxy.call("GET", "/channels/1")).status == 403
        assert await marks(proxy, "/channels/1") == ["miss"]
