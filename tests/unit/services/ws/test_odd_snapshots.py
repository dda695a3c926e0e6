"""Events that cannot be applied to a snapshot are delivered and recorded, and cost one guild at most."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nescord_core.envelope import Envelope
from nescord_core.gateway.snapshot.shard_snapshot import restore
from nescord_core.services.ws.malformed_events import SetAsideEvents
from nescord_core.services.ws.snapshots import ShardSnapshots
from nescord_core.settings import SnapshotSettings, WsSettings
from nescord_core.tracing.failed_events import SET_ASIDE, read

GUILD = 7
USER = {"id": "1", "username": "u"}
CREATE = {
    "id": str(GUILD),
    "name": "g",
    "member_count": 1,
    "members": [{"user": {"id": "5"}}],
    "roles": [{"id": "9", "name": "r"}],
    "emojis": [],
    "channels": [],
}


class SnapshotRig:
    """A shard's snapshot in ws, and every event that passed it."""

    def __init__(self, state_dir: Path, **which: bool) -> None:
        self.passed: list[Envelope] = []
        self.aside = SetAsideEvents(state_dir)
        settings = WsSettings(
            token="t", intents=0, state_dir=state_dir, snapshot=SnapshotSettings(enabled=True, **which)
        )
        self.world = ShardSnapshots(settings, shard_ids=[0], shard_count=1, stats=list)
        self.world.not_applied = self.aside.not_applied
        self.put = self.world.watching(self.passed.append)
        self.seq = 0
        self.event("READY", {"user": USER, "guilds": [{"id": str(GUILD)}]})

    def event(self, kind: str, d: object, guild_id: int = GUILD) -> None:
        self.seq += 1
        data = d if isinstance(d, bytes) else json.dumps(d).encode()
        self.put(Envelope(0, "one", self.seq, kind, guild_id, guild_id, data, 0.0, False))

    def __enter__(self) -> SnapshotRig:
        return self

    def __exit__(self, *_: object) -> None:
        self.world.close()
        self.aside.close()

    def names(self) -> list[str]:
        return [json.dumps(restore(guild).get("name")) for guild in self.world._shards[0].guilds()]


ODD = {
    "member_count null": ("GUILD_CREATE", CREATE | {"member_count": None}),
    "member_count a word": ("GUILD_CREATE", CREATE | {"member_count": "many"}),
    "unavailable null": ("GUILD_CREATE", CREATE | {"unavailable": None}),
    "guild is a list": ("GUILD_CREATE", [1]),
    "deleted unavailable null": ("GUILD_DELETE", {"id": str(GUILD), "unavailable": None}),
    "update without user": ("GUILD_MEMBER_UPDATE", {"guild_id": str(GUILD)}),
    "member is a list": ("GUILD_MEMBER_ADD", []),
    "emojis missing": ("GUILD_EMOJIS_UPDATE", {"guild_id": str(GUILD)}),
    "role without id": ("GUILD_ROLE_CREATE", {"guild_id": str(GUILD), "role": {"name": "x"}}),
    "role is a number": ("GUILD_ROLE_UPDATE", {"guild_id": str(GUILD), "role": 5}),
    "threads null": ("THREAD_LIST_SYNC", {"guild_id": str(GUILD), "threads": None}),
    "d null": ("CHANNEL_CREATE", None),
    "deep": ("GUILD_UPDATE", b'{"x":' + b"[" * 3000 + b"]" * 3000 + b"}"),
    "user null": ("USER_UPDATE", None),
    "ready odd": ("READY", {"user": None, "guilds": 7}),
}


@pytest.mark.parametrize("members", [True, False])
@pytest.mark.parametrize(("kind", "d"), ODD.values(), ids=ODD.keys())
def test_an_odd_event_passes_and_the_next_snapshot_can_be_told(
    tmp_path: Path, kind: str, d: object, members: bool
) -> None:
    with SnapshotRig(tmp_path, members=members) as kept:
        kept.event("GUILD_CREATE", CREATE)
        kept.event(kind, d)
        # Enough changes for the guild to be stored again, with all of them applied.
        for _ in range(400):
            kept.event("CHANNEL_UPDATE", {"id": "77", "guild_id": str(GUILD), "topic": "t" * 200})
        assert len(kept.passed) == kept.seq
        kept.event("GUILD_CREATE", CREATE | {"name": "whole again"})
        if kind != "READY":
            assert kept.names() == ['"whole again"']
            assert kept.world.picture(0, GUILD) is not None


@pytest.mark.parametrize(
    "d",
    [
        CREATE | {"member_count": "many"},
        CREATE | {"member_count": 1 << 70},
        CREATE | {"member_count": -1},
        b'{"id":"7","name":"\xff"}',
    ],
)
def test_what_could_not_be_applied_is_recorded_and_its_guild_is_unavailable_until_it_comes_again(
    tmp_path: Path, d: object
) -> None:
    with SnapshotRig(tmp_path) as kept:
        kept.event("GUILD_CREATE", CREATE)
        kept.event("GUILD_CREATE", d)
        assert list(kept.world.unavailable(0)) == [GUILD]
    (found,) = read(tmp_path)
    assert (found.kind, found.type, found.seq, found.guild_id) == (SET_ASIDE, "GUILD_CREATE", 3, GUILD)
    assert found.data is not None


def test_a_journal_with_an_odd_event_does_not_keep_the_next_process_from_starting(tmp_path: Path) -> None:
    with SnapshotRig(tmp_path) as kept:
        kept.event("GUILD_CREATE", CREATE)
        for kind, d in ODD.values():
            if kind != "READY":
                kept.event(kind, d)
        session = kept.world.session(0)
    with SnapshotRig(tmp_path) as again:
        assert again.world.restore(0, session)


def test_more_members_leave_than_discord_has_counted(tmp_path: Path) -> None:
    with SnapshotRig(tmp_path) as kept:
        kept.event("GUILD_CREATE", CREATE)
        for number in range(5):
            kept.event("GUILD_MEMBER_REMOVE", {"guild_id": str(GUILD), "user": {"id": str(number)}})
        assert kept.world._shards[0].members == 0, "the wire has no negative number"
