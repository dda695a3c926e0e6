"""A process that dies leaves a session that the next one resumes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path

import pytest

from integration.gateway.harness import TOKEN, running
from integration.gateway.scripted import Peer, Script, listening
from nescord_core.gateway.session_store import (
    DiskSessionStore,
    MemorySessionStore,
    SavedSession,
    SessionStoreError,
)


def history(upto: int) -> Script:
    """Serve a session with events 2 to ``upto``; answer a RESUME with the missing ones and a new one."""

    async def script(peer: Peer) -> None:
        await peer.hello()
        while (asked := await peer.receive())["op"] == 1:
            await peer.send(11)
        if asked["op"] == 2:
            await peer.ready()
            for seq in range(2, upto + 1):
                await peer.event(seq)
        else:
            for seq in range(asked["d"]["seq"] + 1, upto + 1):
                await peer.event(seq)
            await peer.event(upto + 1, "RESUMED")
            await peer.event(upto + 2, "NEW")
        await peer.until_gone()

    return script


async def test_after_a_kill_the_next_process_resumes_from_the_last_acknowledged_seq(tmp_path: Path) -> None:
    async with listening(history(10)) as server:
        async with (
            DiskSessionStore(tmp_path, TOKEN) as store,
            running(server.url, store=store, crash=True) as run,
        ):
            await run.until(lambda: len(run.events) == 10)
            run.cluster.acknowledged(0, "one", 6)
            await run.until(lambda: run.cluster.stats()[0].seq_acknowledged == 6)
            async with DiskSessionStore(tmp_path, TOKEN) as other:
                while True:
                    saved = await other.load(0, shard_count=1, intents=513)
                    if saved is not None and saved.seq == 6:
                        break
        async with (
            DiskSessionStore(tmp_path, TOKEN) as store,
            running(server.url, store=store) as run,
        ):
            await run.seen("NEW")
            assert server.peers[1].received[0]["d"] == {"token": TOKEN, "session_id": "one", "seq": 6}
            assert [(e.seq, e.redelivered) for e in run.events] == [
                *((seq, True) for seq in range(7, 11)),
                (11, False),
                (12, False),
            ]
            assert run.cluster.stats()[0].identifies == 0
            assert run.cluster.stats()[0].redelivered == 4


async def test_a_new_session_is_written_down_at_once(tmp_path: Path) -> None:
    """Even a process killed right after READY leaves a resumable session, as that has cost an IDENTIFY."""
    async with listening(history(3)) as server:
        async with (
            DiskSessionStore(tmp_path, TOKEN) as store,
            running(server.url, store=store, crash=True, watermark_interval=3600.0) as run,
        ):
            await run.seen("READY")
            async with DiskSessionStore(tmp_path, TOKEN) as other, asyncio.timeout(10):
                while await other.load(0, shard_count=1, intents=513) is None:
                    pass
        async with DiskSessionStore(tmp_path, TOKEN) as store, running(server.url, store=store) as run:
            await run.seen("NEW")
        assert server.peers[1].received[0]["d"] == {"token": TOKEN, "session_id": "one", "seq": 0}


async def test_an_orderly_stop_writes_down_what_is_acknowledged_afterwards_too(tmp_path: Path) -> None:
    async with listening(history(5)) as server, DiskSessionStore(tmp_path, TOKEN) as store:
        async with running(server.url, store=store, watermark_interval=60.0) as run:
            await run.until(lambda: len(run.events) == 5)
        run.cluster.acknowledged(0, "one", 5)
        await run.cluster.flush()
        saved = await store.load(0, shard_count=1, intents=513)
        assert saved is not None
        assert saved.seq == 5


class FullDisk(MemorySessionStore):
    """A store whose disk is full at first."""

    full = True

    async def save(self, sessions: Mapping[int, SavedSession | None]) -> None:
        if self.full:
            raise SessionStoreError("The disk is full.")
        await super().save(sessions)


async def test_a_full_disk_stops_no_shard_and_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    store = FullDisk()
    async with listening(history(5)) as server, running(server.url, store=store) as run:
        await run.until(lambda: "The disk is full." in caplog.text)
        assert run.cluster.ready
        store.full = False
        run.cluster.acknowledged(0, "one", 5)
        while (saved := await store.load(0, shard_count=1, intents=513)) is None or saved.seq < 5:
            await run.until(lambda: run.cluster.ready)
            await asyncio.sleep(0.01)


async def test_an_acknowledgement_of_an_earlier_session_moves_nothing() -> None:
    async with listening(history(5)) as server, running(server.url) as run:
        await run.until(lambda: len(run.events) == 5)
        run.cluster.acknowledged(0, "another", 5)
        assert run.cluster.stats()[0].seq_acknowledged == 0


async def test_other_intents_start_a_new_session_and_say_why(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with listening(history(3)) as server, DiskSessionStore(tmp_path, TOKEN) as store:
        async with running(server.url, store=store) as run:
            await run.seen("READY")
        async with running(server.url, store=store, intents=1) as run:
            await run.seen("READY")
        assert "discarded: its intents are 513, the configured ones are 1" in caplog.text
        assert server.peers[1].received[0]["op"] == 2


async def test_filtered_events_are_counted_and_never_hold_back_the_resume_point(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with (
        listening(history(20)) as server,
        running(server.url, events=frozenset({"READY"})) as run,
    ):
        await run.until(lambda: len(run.skipped) == 19)
        assert run.types() == ["READY"]
        assert run.skipped[0] == (0, "one", 2)
        stats = run.cluster.stats()[0]
        assert (stats.filtered, stats.seq_received, stats.seq_acknowledged) == (19, 20, 0)
        assert stats.events == {"READY": 1, "MESSAGE_CREATE": 19}
        run.cluster.acknowledged(0, "one", 1)
        assert run.cluster.stats()[0].seq_acknowledged == 20
    assert logging.getLogger("nescord.gateway").level <= logging.WARNING


async def test_guilds_that_come_and_go_change_how_much_discord_replays(tmp_path: Path) -> None:
    async def script(peer: Peer) -> None:
        await peer.hello()
        await peer.expect(2)
        await peer.ready(guilds=[{"id": "7"}, {"id": "8"}, {"id": "9"}])
        await peer.event(2, "GUILD_CREATE", id="7")
        await peer.event(3, "GUILD_CREATE", id="10")
        await peer.event(4, "GUILD_DELETE", id="8", unavailable=True)
        await peer.event(5)
        await peer.expect(3)
        await peer.event(6, "GUILD_DELETE", id="8")
        await peer.event(7, "GUILD_DELETE", id="9")
        await peer.event(8)
        await peer.until_gone()

    async with (
        listening(script) as server,
        DiskSessionStore(tmp_path, TOKEN) as store,
        running(server.url, store=store, events=frozenset({"MESSAGE_CREATE"})) as run,
    ):
        await run.seen("MESSAGE_CREATE")
        assert run.cluster.replayable(0, "one") == 4 * 75
        await run.cluster.command(0, 3, b"{}", 5.0)
        await run.seen("MESSAGE_CREATE", 2)
        assert run.cluster.replayable(0, "one") == 2 * 75
    async with DiskSessionStore(tmp_path, TOKEN) as store:
        saved = await store.load(0, shard_count=1, intents=513)
        assert saved is not None
        assert saved.guilds == 2
