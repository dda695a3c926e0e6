"""Moderation by people: what it does, who may do it, and which audit log entry it leaves."""

from __future__ import annotations

import pytest

from nescord_core.sandbox.world.world import ActionError, World
from support.sandbox.world_events import EventRecorder


def test_kick_ban_and_time_out(world: World, recorder: EventRecorder) -> None:
    guild = world.find_guild()
    world.time_out("bob", 60, reason="spam")
    assert recorder.last("GUILD_MEMBER_UPDATE")["communication_disabled_until"] is not None
    with pytest.raises(ActionError):
        world.say("general", "bob", "hello")
    world.time_out("bob", 0)
    world.say("general", "bob", "hello")
    world.kick("bob", by="olivia")
    assert recorder.last("GUILD_MEMBER_REMOVE")["user"]["username"] == "bob"
    world.ban("alice", reason="rules")
    assert recorder.last("GUILD_BAN_ADD")["user"]["username"] == "alice"
    world.unban("alice")
    assert recorder.last("GUILD_BAN_REMOVE")["user"]["username"] == "alice"
    entries = [(each.action_type, each.reason) for each in guild.audit_log_entries]
    assert entries == [(24, "spam"), (24, None), (20, None), (22, "rules"), (23, None)]


def test_only_who_may_moderate_does(world: World) -> None:
    with pytest.raises(ActionError):
        world.kick("alice", by="bob")
    with pytest.raises(ActionError, match="olivia owns the guild"):
        world.ban("olivia")
    with pytest.raises(ActionError, match="seconds must be 0 to"):
        world.time_out("bob", -1)
    with pytest.raises(ActionError):
        world.unban("bob")


def test_permissions_of_a_channel(world: World, recorder: EventRecorder) -> None:
    send = 1 << 11
    world.set_permissions("general", "bob", deny=send)
    [overwrite] = recorder.last("CHANNEL_UPDATE")["permission_overwrites"]
    assert (overwrite["type"], overwrite["deny"]) == (1, str(send))
    with pytest.raises(ActionError):
        world.say("general", "bob", "hello")
    world.set_permissions("general", "bob")
    assert recorder.last("CHANNEL_UPDATE")["permission_overwrites"] == []
    world.set_permissions("general", "@everyone", deny=str(send))
    with pytest.raises(ActionError, match="both allowed and denied"):
        world.set_permissions("general", "bob", allow=send, deny=send)
    with pytest.raises(ActionError, match="allow must be a bit mask, not 'x'"):
        world.set_permissions("general", "bob", allow="x")
