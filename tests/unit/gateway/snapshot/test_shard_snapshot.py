"""The cached guilds equal the outcome of their events."""

from __future__ import annotations

import json
from typing import Any

import pytest

from nescord_core.gateway.snapshot import shard_snapshot
from nescord_core.gateway.snapshot.guild_events import FOLDED
from nescord_core.gateway.snapshot.shard_snapshot import ShardSnapshot, restore
from nescord_core.settings import SnapshotSettings

GUILD = 7
OWN = {"id": "1", "username": "bot"}


def encode(data: Any) -> bytes:
    return json.dumps(data).encode()


def member(number: int, **more: Any) -> dict[str, Any]:
    return {"user": {"id": str(number), "username": f"user{number}"}, "roles": [], **more}


def guild(**more: Any) -> dict[str, Any]:
    base: dict[str, Any] = {
        "id": str(GUILD),
        "name": "one",
        "owner_id": "2",
        "member_count": 2,
        "channels": [{"id": "10", "name": "general", "type": 0}],
        "threads": [{"id": "20", "parent_id": "10", "name": "thread"}],
        "roles": [{"id": str(GUILD), "name": "@everyone"}],
        "emojis": [],
        "members": [member(1), member(2)],
        "presences": [{"user": {"id": "2"}, "status": "online"}],
        "voice_states": [],
    }
    return base | more


class Shard:
    """A snapshot, fed with events."""

    def __init__(self, **settings: bool) -> None:
        self.snapshot = ShardSnapshot(SnapshotSettings(enabled=True, **settings))
        self.seq = 0
        self.feed("READY", {"user": OWN, "guilds": [{"id": str(GUILD), "unavailable": True}]}, guild_id=0)

    def feed(self, kind: str, data: Any, guild_id: int = GUILD) -> None:
        self.seq += 1
        self.snapshot.apply("session", self.seq, kind, guild_id, encode(data))

    @property
    def guild(self) -> dict[str, Any]:
        (snapshot,) = self.snapshot.guilds()
        return restore(snapshot)

    def names(self, table: str) -> dict[str, Any]:
        return {each["id"]: each["name"] for each in self.guild[table]}


def filled(**settings: bool) -> Shard:
    shard = Shard(**settings)
    shard.feed("GUILD_CREATE", guild())
    return shard


def test_before_ready_there_is_no_picture() -> None:
    """A session resumed after a restart of ws has sent its READY to another process."""
    shard = ShardSnapshot(SnapshotSettings(enabled=True))
    shard.apply("resumed", 41, "CHANNEL_CREATE", GUILD, encode({"id": "11"}))
    assert shard.ready is None
    assert (shard.session_id, shard.seq, len(shard)) == ("resumed", 41, 0)


def test_ready_names_the_guilds_that_are_still_to_come() -> None:
    shard = Shard()
    assert shard.snapshot.unavailable == {GUILD}
    shard.feed("GUILD_CREATE", guild())
    assert shard.snapshot.unavailable == set()
    assert shard.guild == guild()


def test_a_snapshot_says_up_to_which_event_it_holds_whatever_the_events_were() -> None:
    """protocol.md, 29: subscribe first, take the snapshot, then apply the events in between."""
    shard = filled()
    shard.feed("MESSAGE_CREATE", {"id": "1"})
    assert (shard.snapshot.session_id, shard.snapshot.seq) == ("session", shard.seq)


def test_a_new_session_begins_anew() -> None:
    shard = filled()
    shard.snapshot.apply("other", 1, "READY", 0, encode({"user": OWN, "guilds": []}))
    assert (len(shard.snapshot), shard.snapshot.session_id) == (0, "other")


def test_channels_threads_and_roles_follow_their_events() -> None:
    shard = filled()
    shard.feed("CHANNEL_CREATE", {"id": "11", "name": "new"})
    shard.feed("CHANNEL_UPDATE", {"id": "11", "name": "renamed"})
    shard.feed("THREAD_CREATE", {"id": "21", "parent_id": "11", "name": "inner"})
    shard.feed("GUILD_ROLE_CREATE", {"role": {"id": "30", "name": "mod"}})
    shard.feed("GUILD_ROLE_UPDATE", {"role": {"id": "30", "name": "moderator"}})
    assert shard.names("channels") == {"10": "general", "11": "renamed"}
    assert shard.names("threads") == {"20": "thread", "21": "inner"}
    assert shard.names("roles")["30"] == "moderator"
    shard.feed("CHANNEL_DELETE", {"id": "11"})
    shard.feed("GUILD_ROLE_DELETE", {"role_id": "30"})
    assert shard.names("channels") == {"10": "general"}
    assert shard.names("threads") == {"20": "thread"}, "the threads of a channel go with it"
    assert "30" not in shard.names("roles")


def test_an_archived_thread_goes() -> None:
    shard = filled()
    shard.feed("THREAD_UPDATE", {"id": "20", "parent_id": "10", "thread_metadata": {"archived": True}})
    assert shard.guild["threads"] == []


def test_members_come_change_and_go_and_are_counted() -> None:
    shard = filled()
    shard.feed("GUILD_MEMBER_ADD", member(3))
    shard.feed("GUILD_MEMBER_UPDATE", {"user": {"id": "3", "username": "new"}, "nick": "n"})
    assert shard.guild["member_count"] == 3
    third = next(each for each in shard.guild["members"] if each["user"]["id"] == "3")
    assert (third["nick"], third["roles"], third["user"]["username"]) == ("n", [], "new")
    shard.feed("GUILD_MEMBER_REMOVE", {"user": {"id": "2"}})
    assert shard.guild["member_count"] == 2
    assert [each["user"]["id"] for each in shard.guild["members"]] == ["1", "3"]
    assert shard.guild["presences"] == []


@pytest.mark.parametrize("kept", [True, False])
def test_the_members_of_a_shard_are_counted_without_looking_into_its_guilds(kept: bool) -> None:
    shard = Shard(members=kept)
    shard.feed("GUILD_CREATE", guild(member_count=10))
    for number in range(3, 60):
        shard.feed("GUILD_MEMBER_ADD", member(number, nick="x" * 500))
    shard.feed("GUILD_MEMBER_REMOVE", {"user": {"id": "3"}})
    assert shard.snapshot.members == shard.guild["member_count"] == 66
    again = ShardSnapshot(SnapshotSettings(enabled=True))
    for record in shard.snapshot.records():
        again.replay(record)
    assert (len(again), again.members) == (1, 66)


def test_chunks_fill_the_members() -> None:
    shard = filled()
    shard.feed("GUILD_MEMBERS_CHUNK", {"members": [member(2, nick="x"), member(9)], "presences": []})
    assert [each["user"]["id"] for each in shard.guild["members"]] == ["1", "2", "9"]
    assert shard.guild["member_count"] == 2, "asking for members makes nobody join"


def test_whoever_leaves_voice_is_gone() -> None:
    shard = filled()
    shard.feed("VOICE_STATE_UPDATE", {"user_id": "2", "channel_id": "12"})
    assert [each["channel_id"] for each in shard.guild["voice_states"]] == ["12"]
    shard.feed("VOICE_STATE_UPDATE", {"user_id": "2", "channel_id": None})
    assert shard.guild["voice_states"] == []


def test_a_presence_carries_changes_of_the_user() -> None:
    shard = filled()
    shard.feed("PRESENCE_UPDATE", {"user": {"id": "2", "username": "new"}, "status": "idle"})
    assert [each["status"] for each in shard.guild["presences"]] == ["idle"]
    assert shard.guild["members"][1]["user"]["username"] == "new"


def test_an_update_of_the_guild_keeps_what_it_does_not_speak_of() -> None:
    shard = filled()
    shard.feed("GUILD_UPDATE", {"id": str(GUILD), "name": "two", "roles": [{"id": "5", "name": "only"}]})
    assert shard.guild["name"] == "two"
    assert shard.names("roles") == {"5": "only"}
    assert shard.names("channels") == {"10": "general"}


def test_a_guild_that_fails_is_unavailable_and_one_that_is_left_is_gone() -> None:
    shard = filled()
    shard.feed("GUILD_DELETE", {"id": str(GUILD), "unavailable": True})
    assert (len(shard.snapshot), shard.snapshot.unavailable) == (0, {GUILD})
    shard.feed("GUILD_CREATE", guild())
    shard.feed("GUILD_DELETE", {"id": str(GUILD)})
    assert (len(shard.snapshot), shard.snapshot.unavailable) == (0, set())


def test_kinds_of_data_can_be_left_out() -> None:
    shard = filled(members=False, presences=False, voice_states=False, threads=False)
    shard.feed("GUILD_MEMBER_ADD", member(3))
    shard.feed("GUILD_MEMBER_UPDATE", {"user": OWN, "roles": ["8"]})
    shard.feed("PRESENCE_UPDATE", {"user": {"id": "2"}, "status": "idle"})
    shard.feed("VOICE_STATE_UPDATE", {"user_id": "2", "channel_id": "12"})
    shard.feed("THREAD_CREATE", {"id": "21", "parent_id": "10", "name": "inner"})
    found = shard.guild
    assert [(each["user"]["id"], each["roles"]) for each in found["members"]] == [("1", ["8"])]
    assert found["member_count"] == 3, "members are counted all the same"
    assert (found["presences"], found["voice_states"], found["threads"]) == ([], [], [])


def test_many_changes_are_applied_and_do_not_pile_up() -> None:
    shard = filled()
    topic = "t" * 500
    for number in range(500):
        shard.feed("CHANNEL_UPDATE", {"id": "10", "name": f"name{number}", "topic": topic})
    assert shard.names("channels") == {"10": "name499"}
    assert shard.snapshot.size < 2 * shard_snapshot._FOLD_BYTES
    assert shard.guild["channels"][0]["topic"] == topic


def test_restoring_twice_gives_the_same() -> None:
    shard = filled()
    shard.feed("GUILD_MEMBER_ADD", member(3))
    assert shard.guild == shard.guild


def test_every_event_that_changes_a_guild_is_one_of_discords() -> None:
    from nescord_core.events import EventType

    assert FOLDED - {each.value for each in EventType} == {"MEMBER_COUNT"}
