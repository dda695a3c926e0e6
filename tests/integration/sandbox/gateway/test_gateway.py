"""The sandbox's gateway on real sockets, seen by a client that is written here."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import aiohttp
import pytest

from nescord_core.events import Intents
from nescord_core.settings import SANDBOX_TOKEN as TOKEN
from support.sandbox.raw_gateway import RawGateway

ALL = Intents.all().value
G0, G1, G2 = 2 << 22, 1 << 22, 3 << 22
NONE_OF_THE_KIND = 0.3
"""Seconds without the event that must not come; a payload sent afterwards is the real proof."""


async def test_ready_and_the_guilds_of_the_shard(start: Any) -> None:
    gateway = await start(guilds=(G0, G1, G2))
    async with RawGateway(gateway.url) as client:
        ready = await client.identify(TOKEN, intents=ALL, shard=[1, 2])
        assert ready["v"] == 10
        assert ready["user"]["id"] == "900"
        assert ready["shard"] == [1, 2]
        assert ready["application"]["id"] == "901"
        assert ready["guilds"] == [{"id": str(each), "unavailable": True} for each in (G1, G2)]
        assert {(await client.until("GUILD_CREATE"))["d"]["id"] for _ in range(2)} == {str(G1), str(G2)}
        assert client.seq == 3


@pytest.mark.parametrize("compress", ["", "zlib-stream", "zstd-stream"])
async def test_compression_has_one_context_for_the_life_of_the_connection(start: Any, compress: str) -> None:
    gateway = await start()
    async with RawGateway(gateway.url, compress=compress) as client:
        await client.identify(TOKEN, intents=ALL)
        for number in range(50):
            gateway.message(f"number {number} " + "abc " * 100, G1)
        seen = [(await client.until("MESSAGE_CREATE"))["d"]["content"].split()[1] for _ in range(50)]
    assert seen == [str(number) for number in range(50)]


@pytest.mark.parametrize("path", ["/gateway", "/gateway/", "/gateway/resume", "/gateway/resume/"])
async def test_the_paths_of_the_gateway(start: Any, path: str) -> None:
    gateway = await start()
    async with RawGateway(f"ws://{gateway.server.authority}{path}") as client:
        assert (await client.receive())["d"] == {"heartbeat_interval": 41250}


async def test_unknown_compression_and_encoding_are_refused_in_words(start: Any) -> None:
    gateway = await start()
    async with aiohttp.ClientSession() as http:
        for query, word in [("compress=gzip", "zlib-stream"), ("encoding=etf", "json")]:
            async with http.get(f"http://{gateway.server.authority}/gateway?v=10&{query}") as answer:
                assert answer.status == 400
                assert word in await answer.text()


async def test_close_codes_reach_the_client(start: Any) -> None:
    gateway = await start()
    async with RawGateway(gateway.url, query="v=6") as client:
        assert await client.closed() == 4012
    async with RawGateway(gateway.url) as client:
        await client.send(3, {})
        assert await client.closed() == 4003
    async with RawGateway(gateway.url) as client:
        await client.send(2, {"token": "wrong"})
        assert await client.closed() == 4004
    async with RawGateway(gateway.url) as client:
        await client.ws.send_str("x" * 5000)
        assert await client.closed() == 4002
    assert gateway.server.closes == {4012: 1, 4003: 1, 4004: 1, 4002: 1}


@pytest.mark.parametrize("compress", ["", "zlib-stream", "zstd-stream"])
async def test_a_clients_close_code_comes_back_to_it(start: Any, compress: str) -> None:
    gateway = await start()
    for code in (1000, 1001, 3065, 4000, 4900):
        async with RawGateway(gateway.url, compress=compress) as client:
            await client.identify(TOKEN, intents=ALL)
            await client.ws.close(code=code)
            assert client.ws.close_code == code
    gateway.faults.set_gateway({"silent": "everywhere"})
    async with RawGateway(gateway.url, compress=compress) as client:
        await client.ws.close(code=4900)
        assert client.ws.close_code == 4900


async def test_heartbeats_are_acknowledged_and_their_absence_closes(start: Any) -> None:
    gateway = await start(heartbeat_interval=10.0)
    async with RawGateway(gateway.url) as client:
        await client.identify(TOKEN, intents=ALL)
        await client.send(1, client.seq)
        while (payload := await client.receive())["op"] == 0:
            pass
        assert payload["op"] == 11
        gateway.shift += 21.0
        assert await client.closed() == 4009


async def test_resume_replays_in_order_and_then_says_resumed(start: Any) -> None:
    gateway = await start(replay_events=1000)
    async with RawGateway(gateway.url) as client:
        await client.identify(TOKEN, intents=ALL)
        await client.until("GUILD_CREATE")
        gateway.message("before", G1)
        await client.until("MESSAGE_CREATE")
        client.ws._response.connection.transport.abort()  # type: ignore[union-attr]
    for number in range(300):
        gateway.message(f"missed {number}", G1)
    async with RawGateway(client.resume_url) as again:
        await again.resume(TOKEN, client.session_id, client.seq)
        got = [await again.receive() for _ in range(301)]
        assert [each["d"].get("content") for each in got[:300]] == [f"missed {each}" for each in range(300)]
        assert [each["s"] for each in got] == list(range(4, 305))
        assert got[300]["t"] == "RESUMED"
        gateway.message("after", G1)
        assert (await again.receive())["d"]["content"] == "after"
    assert gateway.server.totals["identifies"] == 1
    assert gateway.server.totals["resumes"] == 1


async def test_a_second_resume_from_an_older_point_gets_the_events_but_not_the_old_resumed(
    start: Any,
) -> None:
    gateway = await start()
    async with RawGateway(gateway.url) as client:
        await client.identify(TOKEN, intents=ALL)
        await client.until("GUILD_CREATE")
    gateway.message("one", G1)
    for resumed_seq in (4, 5, 6):
        async with RawGateway(gateway.url) as again:
            await again.resume(TOKEN, client.session_id, 2)
            got = [await again.receive() for _ in range(2)]
            assert [(each["t"], each["s"]) for each in got] == [
                ("MESSAGE_CREATE", 3),
                ("RESUMED", resumed_seq),
            ]


async def test_a_session_closed_with_1000_cannot_be_resumed_but_one_closed_with_4000_can(start: Any) -> None:
    gateway = await start()
    for code, survives in [(1000, False), (1001, False), (4000, True), (4900, True)]:
        async with RawGateway(gateway.url) as client:
            await client.identify(TOKEN, intents=ALL)
            await client.ws.close(code=code)
        async with RawGateway(gateway.url) as again:
            await again.resume(TOKEN, client.session_id, 1)
            payload = await again.receive()
            assert (payload["op"] == 0) is survives, code
            if not survives:
                assert payload["d"] is False


async def test_a_resume_elsewhere_takes_the_session_over(start: Any) -> None:
    gateway = await start()
    async with RawGateway(gateway.url) as client, RawGateway(gateway.url) as other:
        await client.identify(TOKEN, intents=ALL)
        await client.until("GUILD_CREATE")
        await other.resume(TOKEN, client.session_id, client.seq)
        await other.until("RESUMED")
        assert await client.closed() == 4000
        gateway.message("here", G1)
        assert (await other.until("MESSAGE_CREATE"))["d"]["content"] == "here"


async def test_a_new_identify_leaves_the_older_session_of_the_shard_alone(start: Any) -> None:
    gateway = await start()
    async with RawGateway(gateway.url) as old, RawGateway(gateway.url) as new:
        await old.identify(TOKEN, intents=ALL)
        await new.identify(TOKEN, intents=ALL)
        gateway.message("both", G1)
        for client in (old, new):
            assert (await client.until("MESSAGE_CREATE"))["d"]["content"] == "both"


async def test_identify_too_early_is_answered_with_invalid_session(start: Any) -> None:
    gateway = await start(identify_window=5.0)
    async with RawGateway(gateway.url) as first, RawGateway(gateway.url) as second:
        await first.identify(TOKEN, intents=ALL)
        await second.receive()
        body = {"token": TOKEN, "intents": 0, "properties": {}}
        await second.send(2, body)
        assert await second.receive() == {"t": None, "s": None, "op": 9, "d": False}
        gateway.shift += 5.0
        await second.send(2, body)
        assert (await second.receive())["t"] == "READY"
    assert gateway.server.session_start_limit()["remaining"] == 998
    assert (gateway.server.totals["identifies"], gateway.server.totals["invalid_sessions"]) == (2, 1)


async def test_direct_messages_arrive_on_shard_0_only(start: Any) -> None:
    gateway = await start(guilds=(G0, G1))
    async with RawGateway(gateway.url) as zero, RawGateway(gateway.url) as one:
        await zero.identify(TOKEN, intents=ALL, shard=[0, 2])
        await one.identify(TOKEN, intents=ALL, shard=[1, 2])
        gateway.message("direct", 0)
        gateway.message("in a guild", G1)
        assert (await zero.until("MESSAGE_CREATE"))["d"]["content"] == "direct"
        assert (await one.until("MESSAGE_CREATE"))["d"]["content"] == "in a guild"


async def test_intents_decide_which_events_come(start: Any) -> None:
    gateway = await start()
    wanted = (Intents.GUILD_MESSAGES | Intents.MESSAGE_CONTENT).value
    async with RawGateway(gateway.url) as client:
        await client.identify(TOKEN, intents=wanted)
        gateway.emit("TYPING_START", {"user_id": "1", "channel_id": "14", "guild_id": str(G1)}, G1)
        gateway.message("direct", 0)
        gateway.message("guild", G1)
        payload = await client.receive()
    assert (payload["t"], payload["d"]["content"]) == ("MESSAGE_CREATE", "guild")


async def test_content_is_hidden_without_its_intent_except_for_mentions_own_and_direct_messages(
    start: Any,
) -> None:
    gateway = await start()
    intents = (Intents.GUILD_MESSAGES | Intents.DIRECT_MESSAGES).value
    async with RawGateway(gateway.url) as client:
        await client.identify(TOKEN, intents=intents)
        gateway.message("hidden", G1, embeds=[{"title": "x"}])
        gateway.message("hello <@900>", G1, mentions=[{"id": "900"}])
        gateway.message("own", G1, author={"id": "900"})
        gateway.message("direct", 0)
        got = [(await client.until("MESSAGE_CREATE"))["d"] for _ in range(4)]
    assert [each["content"] for each in got] == ["", "hello <@900>", "own", "direct"]
    assert got[0]["embeds"] == []


async def test_messages_in_channels_that_the_bot_cannot_view_do_not_reach_it(start: Any) -> None:
    gateway = await start()
    gateway.server.can_view = lambda channel_id: channel_id != 13
    async with RawGateway(gateway.url) as client:
        await client.identify(TOKEN, intents=ALL)
        gateway.message("hidden", G1, channel_id="13")
        gateway.message("seen", G1, channel_id="14")
        assert (await client.until("MESSAGE_CREATE"))["d"]["content"] == "seen"


async def test_entitlements_come_on_shard_0_and_the_bots_own_user_on_every_shard(start: Any) -> None:
    gateway = await start(guilds=(G0, G1))
    async with RawGateway(gateway.url) as zero, RawGateway(gateway.url) as one:
        await zero.identify(TOKEN, intents=ALL, shard=[0, 2])
        await one.identify(TOKEN, intents=ALL, shard=[1, 2])
        gateway.emit("ENTITLEMENT_CREATE", {"id": "1", "guild_id": str(G1)}, G1)
        gateway.emit("USER_UPDATE", {"id": "900"})
        await zero.until("ENTITLEMENT_CREATE")
        await zero.until("USER_UPDATE")
        await one.until("GUILD_CREATE")
        assert (await one.receive())["t"] == "USER_UPDATE"


async def test_members_come_with_a_guild_only_with_presences(start: Any) -> None:
    gateway = await start()
    async with RawGateway(gateway.url) as client, RawGateway(gateway.url) as full:
        await client.identify(TOKEN, intents=Intents.GUILDS.value)
        members = (await client.until("GUILD_CREATE"))["d"]["members"]
        assert [each["user"]["id"] for each in members] == ["900"]
        await full.identify(TOKEN, intents=(Intents.GUILDS | Intents.GUILD_PRESENCES).value)
        assert len((await full.until("GUILD_CREATE"))["d"]["members"]) == 3


async def test_members_of_a_whole_guild_come_in_chunks_of_1000_and_once_in_30_seconds(start: Any) -> None:
    gateway = await start()
    gateway.world.guilds[G1] += [
        {"user": {"id": str(number), "username": f"u{number}"}} for number in range(1000, 3000)
    ]
    async with RawGateway(gateway.url) as client:
        await client.identify(TOKEN, intents=ALL)
        ask = {"guild_id": str(G1), "query": "", "limit": 0, "nonce": "n1"}
        await client.send(8, ask)
        chunks = [(await client.until("GUILD_MEMBERS_CHUNK"))["d"] for _ in range(3)]
        assert [len(each["members"]) for each in chunks] == [1000, 1000, 3]
        assert [(each["chunk_index"], each["chunk_count"]) for each in chunks] == [(0, 3), (1, 3), (2, 3)]
        assert {each["nonce"] for each in chunks} == {"n1"}
        await client.send(8, ask)
        limited = (await client.until("RATE_LIMITED"))["d"]
        assert limited["opcode"] == 8
        assert 0 < limited["retry_after"] <= 30
        assert limited["meta"] == {"guild_id": str(G1), "nonce": "n1"}
        gateway.shift += 30
        await client.send(8, ask)
        await client.until("GUILD_MEMBERS_CHUNK")


async def test_members_by_id_and_by_name(start: Any) -> None:
    gateway = await start()
    async with RawGateway(gateway.url) as client:
        await client.identify(TOKEN, intents=0)
        await client.send(8, {"guild_id": str(G1), "user_ids": ["1", "55"], "nonce": "n" * 33})
        chunk = (await client.until("GUILD_MEMBERS_CHUNK"))["d"]
        assert [each["user"]["id"] for each in chunk["members"]] == ["1"]
        assert chunk["not_found"] == ["55"]
        assert "nonce" not in chunk, "a nonce of more than 32 bytes is ignored"
        await client.send(8, {"guild_id": str(G1), "query": "BO", "limit": 10})
        chunk = (await client.until("GUILD_MEMBERS_CHUNK"))["d"]
        assert [each["user"]["username"] for each in chunk["members"]] == ["bot", "bob"]
        await client.send(8, {"guild_id": str(G1), "user_ids": list(range(101))})
        assert await client.closed() == 4002


async def test_a_command_may_have_nulls_in_the_fields_that_it_does_not_use(start: Any) -> None:
    gateway = await start()
    async with RawGateway(gateway.url) as client:
        await client.identify(TOKEN, intents=ALL)
        ids = {
            "guild_id": str(G1),
            "user_ids": ["2"],
            **dict.fromkeys(("query", "limit", "presences", "nonce")),
        }
        named: dict[str, Any] = {"guild_id": str(G1), "query": "al", **dict.fromkeys(("limit", "nonce"))}
        named["user_ids"] = []
        for request, name in ((ids, "bob"), (named, "alice")):
            await client.send(8, request)
            (found,) = (await client.until("GUILD_MEMBERS_CHUNK"))["d"]["members"]
            assert found["user"]["username"] == name
        await client.send(3, {"status": "idle", "since": None, "activities": None, "afk": None})
        await client.send(4, dict.fromkeys(("self_mute", "self_deaf", "channel_id")) | {"guild_id": str(G1)})
        await client.send(1, None)
        assert (await client.receive())["op"] == 11


async def test_voice_soundboard_channel_info_and_presence(start: Any) -> None:
    gateway = await start()
    async with RawGateway(gateway.url) as client:
        await client.identify(TOKEN, intents=ALL)
        await client.send(4, {"guild_id": str(G1), "channel_id": "77", "self_mute": True, "self_deaf": False})
        await client.send(31, {"guild_ids": [str(G1), "12345"]})
        sounds = (await client.until("SOUNDBOARD_SOUNDS"))["d"]
        assert gateway.world.voice == [(G1, 77, True, False)]
        assert (sounds["guild_id"], sounds["soundboard_sounds"][0]["name"]) == (str(G1), "quack")
        await client.send(43, {"guild_id": str(G1), "fields": ["status", "voice_start_time"]})
        info = (await client.until("CHANNEL_INFO"))["d"]
        assert info == {"guild_id": str(G1), "channels": [{"id": "77", "status": "music"}]}
        await client.send(3, {"since": None, "activities": [], "status": "sleepy", "afk": False})
        assert await client.closed() == 4002


async def test_a_client_that_does_not_read_is_cut_off_and_costs_no_more_than_the_replay_bound(
    start: Any,
) -> None:
    gateway = await start(replay_events=500)
    async with RawGateway(gateway.url) as client:
        await client.identify(TOKEN, intents=ALL)
        client.ws._response.connection.transport.pause_reading()  # type: ignore[union-attr]
        deadline = time.monotonic() + 20
        while gateway.server.online() and time.monotonic() < deadline:
            for _ in range(100):
                gateway.message("x" * 20_000, G1)
            await asyncio.sleep(0.01)
        assert not gateway.server.online()
        (session,) = gateway.server.table.sessions.values()
        assert len(session.events) <= 500


async def test_an_event_is_encoded_once_for_all_sessions(start: Any) -> None:
    gateway = await start()
    async with RawGateway(gateway.url) as one, RawGateway(gateway.url) as two:
        await one.identify(TOKEN, intents=ALL)
        await two.identify(TOKEN, intents=ALL)
        gateway.message("shared", G1)
        first, second = (each.events[-1].data for each in gateway.server.table.sessions.values())
        assert json.loads(first)["content"] == "shared"
        assert first is second


async def test_stopping_sends_reconnect_and_closes_so_that_clients_resume(start: Any) -> None:
    gateway = await start()
    async with RawGateway(gateway.url) as client:
        await client.identify(TOKEN, intents=0)
        async with asyncio.TaskGroup() as group:
            group.create_task(gateway.server.stop(5.0))
            assert (await client.receive())["op"] == 7
            assert await client.closed() == 1012
        assert gateway.server.connections() == []
