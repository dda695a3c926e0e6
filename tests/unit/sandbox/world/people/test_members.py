"""Actions of members and owners: membership, permissions, voice, refusals."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from nescord_core.sandbox.world.people.members import MAX_FILE
from nescord_core.sandbox.world.simcord import model
from nescord_core.sandbox.world.world import ActionError, World
from support.sandbox.world_events import EventRecorder


def test_coming_and_going(world: World, recorder: EventRecorder) -> None:
    world.join("carol")
    world.leave("carol")
    world.give_role("bob", "member")
    world.take_role("bob", "member")
    world.voice_join("Lounge", "bob")
    world.voice_leave("bob")
    guild = world.add_guild("Elsewhere")
    made = recorder.last("GUILD_CREATE")
    assert [each["name"] for each in made["channels"]] == ["general", "random", "Lounge"]
    world.create_channel("plans", guild="Elsewhere")
    world.edit_channel("plans", topic="What we plan")
    world.delete_channel("plans")
    world.create_role("new", guild="Elsewhere")
    world.edit_role("new", guild="Elsewhere", color=255)
    world.delete_role("new", guild="Elsewhere")
    world.remove_guild(guild["id"])
    assert recorder.names.count("GUILD_CREATE") == 1
    assert recorder.heard[-1][0] == "GUILD_DELETE"
    assert recorder.heard[-1][2] == int(guild["id"])
    for event in ("GUILD_MEMBER_ADD", "GUILD_MEMBER_REMOVE", "VOICE_STATE_UPDATE", "GUILD_ROLE_DELETE"):
        assert event in recorder.names


def test_permissions_are_a_number_or_a_string_as_discord_writes_them(world: World) -> None:
    guild = world.find_guild()
    made = [world.create_role("admin", permissions=each) for each in (8, "8")]
    world.edit_role(made[0]["id"], permissions="16")
    assert [guild.roles[int(each["id"])].permissions for each in made] == [16, 8]
    with pytest.raises(ActionError, match="permissions must be a bit mask, not 'all'"):
        world.create_role("admin", permissions="all")


@pytest.mark.parametrize(
    "end",
    [
        lambda world: world.delete_channel("Lounge"),
        lambda world: world.leave("bob"),
        lambda world: world.model.apply_ban(world.find_guild().id, world.find_user("bob").id, None),
    ],
    ids=["channel deleted", "left the guild", "banned"],
)
def test_voice_ends_with_the_channel_or_the_membership(
    world: World, recorder: EventRecorder, end: Callable[[World], None]
) -> None:
    world.voice_join("Lounge", "bob")
    end(world)
    assert recorder.last("VOICE_STATE_UPDATE")["channel_id"] is None
    assert recorder.names.count("VOICE_STATE_UPDATE") == 2
    assert recorder.names[-1] != "VOICE_STATE_UPDATE", "it is said before what ends it"
    assert world.guild_create(world.find_guild().id)["voice_states"] == []


def test_errors_name_known_objects(world: World) -> None:
    with pytest.raises(ActionError, match=r"no channel 'nope'. Known: #general, #random, #Lounge"):
        world.say("nope", "alice", "x")
    with pytest.raises(ActionError, match=r"no user 'zed'. Known: olivia, alice, bob"):
        world.say("general", "zed", "x")
    with pytest.raises(ActionError, match="at most 2000"):
        world.say("general", "alice", "x" * 2001)
    with pytest.raises(ActionError, match=r"no channel kind 'x'. Known: text, voice"):
        world.create_channel("c", kind="x")
    with pytest.raises(ActionError, match="no message 1 in #general"):
        world.react("general", 1, "alice", "👍")


def test_people_are_held_to_their_permissions(world: World) -> None:
    guild = world.find_guild()
    place = world.find_channel("random")
    deny = model.Overwrite(guild.id, 0, deny=model.permission_flag("view_channel"))  # type: ignore[arg-type]
    world.model.set_overwrite(place.id, deny)
    with pytest.raises(ActionError, match="alice cannot see #random") as refused:
        world.say("random", "alice", "x")
    assert (refused.value.status, refused.value.code) == (403, 50001)
    said = world.say("general", "olivia", "mine")
    with pytest.raises(ActionError, match="Missing Permissions"):
        world.delete("general", said["id"], user="bob")
    world.delete("general", said["id"], user="alice")  # a moderator


@pytest.mark.bound("The sandbox: a file of a person: in a message, command or form")
def test_files_of_a_message_are_as_many_and_as_large_as_discord_takes(world: World) -> None:
    sent = world.say("general", "alice", files=[("a.txt", b"x")] * 10)
    assert len(sent["attachments"]) == 10
    with pytest.raises(ActionError, match="at most 10 files; this one has 11"):
        world.say("general", "alice", files=[("a.txt", b"x")] * 11)
    with pytest.raises(ActionError, match=r"big\.txt is larger than 25 MiB"):
        world.say("general", "alice", files=[("big.txt", bytes(MAX_FILE + 1))])
