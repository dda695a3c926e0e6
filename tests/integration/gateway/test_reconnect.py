from __future__ import annotations

import asyncio
import logging
import time
import zlib
from typing import Any

import pytest

from integration.gateway.harness import TOKEN, running
from integration.gateway.scripted import Peer, Script, listening, refusing_url, silent


def chat(*, session: str = "one", url: str | None = None, then: Script | None = None) -> Script:
    """A new session: READY (1), one event (2), then whatever the test needs."""

    async def script(peer: Peer) -> None:
        await peer.hello()
        await peer.expect(2)
        await peer.ready(session, url)
        await peer.event(2)
        if then is not None:
            await then(peer)
        await peer.until_gone()

    return script


def resume(seq: int, session: str = "one", then: Script | None = None) -> Script:
    """Expect RESUME from ``seq``, replay one event and send RESUMED."""

    async def script(peer: Peer) -> None:
        await peer.hello()
        asked = await peer.expect(6)
        assert asked == {"token": TOKEN, "session_id": session, "seq": seq}
        await peer.event(seq + 1)
        await peer.event(seq + 2, "RESUMED")
        if then is not None:
            await then(peer)
        await peer.until_gone()

    return script


def refuse_sessions(peer: Peer) -> Any:
    raise AssertionError("there was no reason to connect here")


def opcodes(peer: Peer) -> list[int]:
    return [payload["op"] for payload in peer.received if payload["op"] != 1]


async def hang_up(peer: Peer) -> None:
    await peer.ws.close(code=4000)


async def tcp_reset(peer: Peer) -> None:
    peer.reset()


async def reset_in_mid_frame(peer: Peer) -> None:
    # The header announces 1000 bytes; 10 arrive, then a RST.
    peer.write_raw(b"\x81\x7e\x03\xe8" + b'{"op":0,"d')
    await asyncio.sleep(0.05)
    peer.reset()


async def plain_end(peer: Peer) -> None:
    assert isinstance(peer.transport, asyncio.Transport)
    peer.transport.close()


@pytest.mark.parametrize("end", [hang_up, tcp_reset, reset_in_mid_frame, plain_end])
async def test_a_lost_connection_resumes_where_it_was_and_no_event_is_missing(end: Script) -> None:
    async with listening(chat(then=end), resume(2)) as server, running(server.url) as run:
        await run.seen("RESUMED")
        assert [(e.seq, e.session_id, e.redelivered) for e in run.events] == [
            (seq, "one", False) for seq in (1, 2, 3, 4)
        ]
        assert (run.cluster.stats()[0].identifies, run.cluster.stats()[0].resumes) == (1, 1)


async def test_the_resume_host_gets_the_same_query_as_the_main_one() -> None:
    async with (
        listening(resume(2)) as other,
        listening(chat(url=other.url, then=hang_up), refuse_sessions) as server,
        running(server.url, compress="zlib-stream") as run,
    ):
        await run.seen("RESUMED")
        assert other.peers[0].query == server.peers[0].query
        assert other.peers[0].query == {"v": "10", "encoding": "json", "compress": "zlib-stream"}


async def test_a_resume_host_that_refuses_is_dropped_and_the_main_gateway_resumes() -> None:
    async with (
        listening(chat(url=refusing_url(), then=hang_up), resume(2)) as server,
        running(server.url) as run,
    ):
        await run.seen("RESUMED")
        assert run.cluster.stats()[0].identifies == 1


async def test_a_resume_host_that_accepts_tcp_and_stays_silent_is_dropped() -> None:
    async with (
        silent() as nowhere,
        listening(chat(url=nowhere, then=hang_up), resume(2)) as server,
        running(server.url) as run,
    ):
        await run.seen("RESUMED")
        assert run.cluster.stats()[0].identifies == 1


@pytest.mark.parametrize("says_hello", [False, True])
async def test_a_resume_host_that_accepts_a_websocket_and_stays_silent_is_dropped(says_hello: bool) -> None:
    async def mute(peer: Peer) -> None:
        if says_hello:
            await peer.hello()
        await peer.until_gone()

    async with (
        listening(mute) as dead,
        listening(chat(url=dead.url, then=hang_up), resume(2)) as server,
        running(server.url) as run,
    ):
        await run.seen("RESUMED")
        assert run.cluster.stats()[0].identifies == 1
        assert len(dead.peers) == 1


async def test_only_when_the_main_gateway_stays_silent_too_is_a_new_session_started() -> None:
    async def mute_resume(peer: Peer) -> None:
        await peer.hello()
        await peer.expect(6)
        await peer.until_gone()

    async with (
        listening(chat(url=refusing_url(), then=hang_up), mute_resume, chat(session="two")) as server,
        running(server.url) as run,
    ):
        await run.seen("READY", 2)
        assert run.events[-1].session_id == "two"


async def test_a_zombie_is_noticed_and_dropped_without_a_close_handshake() -> None:
    codes: list[int | None] = []

    async def zombie(peer: Peer) -> None:
        await peer.hello(interval=0.15)
        await peer.expect(2)
        await peer.ready()
        codes.append(await peer.until_gone(acks=False))

    async with listening(zombie, resume(1)) as server, running(server.url) as run:
        await run.seen("RESUMED")
        assert codes == [1006]
        assert [p["op"] for p in server.peers[0].received].count(1) >= 1


async def test_heartbeats_that_are_acknowledged_keep_the_connection_and_measure_it() -> None:
    async def lively(peer: Peer) -> None:
        await peer.hello(interval=0.05)
        await peer.expect(2)
        await peer.ready()
        await peer.until_gone()

    async with listening(lively) as server, running(server.url) as run:
        await run.seen("READY")
        await run.until(lambda: sum(p["op"] == 1 for p in server.peers[0].received) >= 5)
        stats = run.cluster.stats()[0]
        assert len(server.peers) == 1
        assert stats.latency is not None
        assert {p["d"] for p in server.peers[0].received if p["op"] == 1} <= {None, 1}


async def test_a_wall_clock_that_jumps_moves_no_heartbeat_and_no_age_below_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def lively(peer: Peer) -> None:
        await peer.hello(interval=0.05)
        await peer.expect(2)
        await peer.ready()
        await peer.until_gone()

    def beats() -> int:
        return sum(p["op"] == 1 for p in server.peers[0].received)

    really = time.time
    async with listening(lively) as server, running(server.url) as run:
        await run.seen("READY")
        for number, offset in enumerate((86_400.0 * 365, -86_400.0 * 365, 0.0), 2):
            monkeypatch.setattr(time, "time", lambda offset=offset: really() + offset)
            before = beats()
            await run.until(lambda before=before: beats() >= before + 3)  # type: ignore[misc]
            await server.peers[0].event(number)
            await run.seen("MESSAGE_CREATE", number - 1)
            stats = run.cluster.stats()[0]
            assert stats.connected
            assert stats.session_age is not None
            assert stats.session_age >= 0.0
            assert stats.last_event_age is not None
            assert 0.0 <= stats.last_event_age < 86_400.0
        assert len(server.peers) == 1


async def test_a_process_that_slept_through_a_heartbeat_does_not_condemn_its_peer(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """As after a suspend: nothing was received because nothing was read."""

    async def lively(peer: Peer) -> None:
        await peer.hello(interval=0.3)
        await peer.expect(2)
        await peer.ready()
        await peer.expect(1, acks=False)
        time.sleep(1.5)  # noqa: ASYNC251 - blocks everything, including the client in this process
        await peer.expect(1)
        await peer.event(2, "LATER")
        await peer.until_gone()

    async with listening(lively) as server, running(server.url, ready_timeout=5.0) as run:
        await run.seen("LATER")
        assert len(server.peers) == 1
    assert "connection lost" not in caplog.text


async def test_heartbeats_go_on_while_others_identify() -> None:
    async def patient(peer: Peer) -> None:
        await peer.hello(interval=0.05)
        await peer.expect(2)
        await peer.ready()
        await peer.until_gone()

    async with listening(patient) as server, running(server.url, shards=2, identify_window=0.6) as run:
        await run.seen("READY", 2)
        beats_before_identify = [[p["op"] for p in peer.received].index(2) for peer in server.peers]
        assert max(beats_before_identify) >= 2


async def test_opcode_1_is_answered_at_once() -> None:
    async def ask(peer: Peer) -> None:
        assert await peer.expect(1) == 1, "the first one follows READY"
        await peer.send(1)
        assert await peer.expect(1) == 2
        await peer.event(3, "ANSWERED")

    async with listening(chat(then=ask)) as server, running(server.url) as run:
        await run.seen("ANSWERED")


async def test_opcode_7_closes_with_a_code_that_keeps_the_session() -> None:
    codes: list[int | None] = []

    async def reconnect(peer: Peer) -> None:
        await peer.send(7)
        codes.append(await peer.until_gone())

    async with listening(chat(then=reconnect), resume(2)) as server, running(server.url) as run:
        await run.seen("RESUMED")
    assert codes == [4000]


async def test_opcode_7_may_be_the_first_thing_said() -> None:
    async def full(peer: Peer) -> None:
        await peer.send(7)
        await peer.until_gone()
        assert opcodes(peer) == []

    async with listening(full, chat()) as server, running(server.url) as run:
        await run.seen("MESSAGE_CREATE")


async def test_opcode_9_true_resumes_and_9_false_identifies_on_a_new_connection() -> None:
    async def invalid(peer: Peer) -> None:
        await peer.send(9, True)

    async def hopeless(peer: Peer) -> None:
        await peer.hello()
        await peer.expect(6)
        await peer.send(9, False)
        await peer.until_gone()

    async with (
        listening(chat(then=invalid), hopeless, chat(session="two")) as server,
        running(server.url) as run,
    ):
        await run.seen("READY", 2)
        assert [opcodes(peer) for peer in server.peers] == [[2], [6], [2]]
        assert [e.session_id for e in run.events if e.type == "READY"] == ["one", "two"]


async def test_hello_that_never_comes_and_ready_that_never_comes() -> None:
    async def mute(peer: Peer) -> None:
        await peer.until_gone()
        assert opcodes(peer) == []

    async def no_ready(peer: Peer) -> None:
        await peer.hello()
        await peer.expect(2)
        await peer.until_gone()

    async with listening(mute, no_ready, chat()) as server, running(server.url) as run:
        await run.seen("MESSAGE_CREATE")
        assert run.cluster.stats()[0].identifies == 2


@pytest.mark.parametrize("compress", ["none", "zlib-stream", "zstd-stream"])
async def test_data_that_cannot_be_read_makes_a_new_connection_which_resumes(compress: str) -> None:
    async def junk(peer: Peer) -> None:
        await peer.ws.send_bytes(b"\x00\x01junk that no context understands")

    async with (
        listening(chat(then=junk), resume(2)) as server,
        running(server.url, compress=compress) as run,
    ):
        await run.seen("RESUMED")
        assert run.cluster.stats()[0].decode_errors == 1


async def test_half_a_zlib_frame_and_then_the_end_loses_nothing() -> None:
    async def half(peer: Peer) -> None:
        data = peer.pack({"op": 0, "s": 3, "t": "CUT", "d": {"text": "x" * 500}})
        await peer.ws.send_bytes(data[: len(data) // 2])
        peer.reset()

    async with (
        listening(chat(then=half), resume(2)) as server,
        running(server.url, compress="zlib-stream") as run,
    ):
        await run.seen("RESUMED")
        assert [e.seq for e in run.events] == [1, 2, 3, 4]
        assert "CUT" not in run.types()


async def test_a_zlib_payload_over_two_messages_is_one_event() -> None:
    async def split(peer: Peer) -> None:
        data = peer.pack({"op": 0, "s": 3, "t": "SPLIT", "d": {"text": "x" * 500}})
        assert data.endswith(zlib.compressobj().flush(zlib.Z_SYNC_FLUSH)[-4:])
        await peer.ws.send_bytes(data[:7])
        await peer.ws.send_bytes(data[7:-2])
        await peer.ws.send_bytes(data[-2:])

    async with (
        listening(chat(then=split)) as server,
        running(server.url, compress="zlib-stream") as run,
    ):
        await run.seen("SPLIT")


async def test_a_host_that_is_down_is_tried_again_until_it_is_up(caplog: pytest.LogCaptureFixture) -> None:
    url = refusing_url()
    with caplog.at_level(logging.INFO, "nescord.gateway"):
        async with running(url) as run:
            await run.until(lambda: caplog.text.count("cannot connect") >= 3)
    assert "shard 0" in caplog.text
    assert run.extra == {}


async def test_the_token_is_never_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        async with (
            listening(chat(then=hang_up), resume(2)) as server,
            running(server.url) as run,
        ):
            await run.seen("RESUMED")
    assert "RESUME sent" in caplog.text
    assert TOKEN not in caplog.text


@pytest.mark.parametrize("code", [4000, 4001, 4002, 4003, 4005, 4008, 4009, 1000, 1001, 3999])
async def test_close_codes_after_which_the_session_resumes(code: int) -> None:
    async def close(peer: Peer) -> None:
        await peer.ws.close(code=code)

    async with listening(chat(then=close), resume(2)) as server, running(server.url) as run:
        await run.seen("RESUMED")
        assert run.cluster.stats()[0].closes == {str(code): 1}


async def test_close_code_4007_after_which_a_new_session_starts() -> None:
    async def close(peer: Peer) -> None:
        await peer.ws.close(code=4007)

    async with listening(chat(then=close), chat(session="two")) as server, running(server.url) as run:
        await run.seen("READY", 2)
        assert opcodes(server.peers[1]) == [2]


async def test_a_main_gateway_that_refuses_is_reported_and_a_new_address_is_used() -> None:
    async def script(peer: Peer) -> None:
        await peer.hello()
        await peer.expect(2)
        await peer.ready()
        await peer.until_gone()

    async with listening(script) as gateway, running(refusing_url(), reconnect_delay=0.01) as run:
        run.cluster.on_unreachable = lambda: run.cluster.use_gateway(gateway.url)
        await run.seen("READY")
