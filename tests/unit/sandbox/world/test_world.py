"""The world: the seeded state, ids, events, and bounds."""

from __future__ import annotations

import base64
import datetime

from nescord_core.sandbox.world.simcord import model
from nescord_core.sandbox.world.world import World
from nescord_core.settings import SandboxSettings
from nescord_core.snowflake import created_at, shard_of
from support.sandbox.world_events import EventRecorder


def test_a_seeded_world_is_the_same_every_time(world: World) -> None:
    again = World(SandboxSettings())
    again.seed()
    assert again.guild_ids() == world.guild_ids()
    assert [each["id"] for each in again.channels()] == [each["id"] for each in world.channels()]
    guild = world.guild_create(world.guild_ids()[0])
    assert guild["name"] == "Sandbox"
    assert [each["name"] for each in guild["channels"]] == ["general", "random", "Lounge"]
    names = {each["user"]["username"] for each in guild["members"]}
    assert names == {"olivia", "alice", "bob", "Sandbox Bot"}


def test_the_bot_is_a_member_without_administrator(world: World) -> None:
    guild = world.find_guild()
    rights = world.model.compute_permissions(guild.id, world.application_id)
    assert guild.owner_id != world.application_id
    assert not rights & 1 << 3
    assert rights & model.permission_flag("manage_messages")


def test_the_bot_has_the_permissions_that_the_settings_give_it() -> None:
    for wanted in (1 << 3, 1 << 10 | 1 << 11):
        world = World(SandboxSettings(bot_permissions=wanted))
        world.seed()
        later = int(world.add_guild("later")["id"])
        for guild in (world.find_guild("Sandbox"), world.find_guild(later)):
            role = next(each for each in guild.roles.values() if each.managed)
            assert role.permissions == wanted
            rights = world.model.compute_permissions(guild.id, world.application_id)
            assert bool(rights & model.permission_flag("ban_members")) is (wanted == 1 << 3)


def test_seeded_guilds_spread_over_shards() -> None:
    world = World(SandboxSettings())
    world.seed(8)
    assert sorted(shard_of(each, 4) for each in world.guild_ids()) == [0, 0, 1, 1, 2, 2, 3, 3]


def test_ids_carry_the_time_of_day(world: World) -> None:
    said = world.say("general", "alice", "hello")
    age = datetime.datetime.now(datetime.UTC) - created_at(int(said["id"]))
    assert abs(age.total_seconds()) < 60
    more = [int(world.say("general", "bob", "again")["id"]) for _ in range(50)]
    assert sorted(set(more)) == more


def test_listeners_get_events_in_order_until_they_unsubscribe(world: World, recorder: EventRecorder) -> None:
    said = world.say("#general", "@alice", "hello")
    world.edit("general", said["id"], "hello!", user="alice")
    world.react("general", said["id"], "bob", "👍")
    world.unreact("general", said["id"], "bob", "👍")
    world.typing("general", "bob")
    world.delete("general", said["id"], user="alice")
    assert recorder.names == [
        "MESSAGE_CREATE",
        "MESSAGE_UPDATE",
        "MESSAGE_REACTION_ADD",
        "MESSAGE_REACTION_REMOVE",
        "TYPING_START",
        "MESSAGE_DELETE",
    ]
    guild = world.guild_ids()[0]
    assert {(each[2], each[3]) for each in recorder.heard} == {(guild, guild)}
    recorder.stop()
    world.say("general", "alice", "unheard")
    assert len(recorder.names) == 6


def test_a_direct_message_has_no_guild_and_its_channel_as_key(world: World, recorder: EventRecorder) -> None:
    said = world.dm("alice", "psst")
    _, payload, guild_id, key = recorder.heard[-1]
    assert (guild_id, key) == (0, int(said["channel_id"]))
    assert "guild_id" not in payload


def test_stored_messages_and_interactions_are_limited(world: World) -> None:
    world.model.messages_per_channel = 10
    for number in range(25):
        world.say("general", "alice", f"message {number}")
    assert [each["content"] for each in world.messages("general")] == [f"message {n}" for n in range(15, 25)]
    assert world.model.transcript == []
    assert world.model.http_requests == []
    assert [each["content"] for each in world.messages("general", limit=2)] == ["message 23", "message 24"]


def test_polls_end_when_their_time_is_over(world: World, recorder: EventRecorder) -> None:
    answers = [model.PollAnswer(1, "yes")]
    poll = model.Poll(question="?", answers=answers, expiry=world.model.iso_after(60))
    world.model.create_message(world.find_channel("general").id, world.application_id, "", poll=poll)
    world.tick()
    assert "MESSAGE_UPDATE" not in recorder.names
    world.model.clock.advance(61)
    world.tick()
    world.tick()
    assert recorder.names.count("MESSAGE_UPDATE") == 1
    assert recorder.last("MESSAGE_UPDATE")["poll"]["results"]["is_finalized"] is True


def test_events_hold_what_the_document_requires(world: World, recorder: EventRecorder) -> None:
    world.say("general", "alice", "hi")
    payload = recorder.last("MESSAGE_CREATE")
    assert payload["author"]["primary_guild"] is None
    assert payload["member"]["roles"]
    guild = world.guild_create(world.guild_ids()[0])
    for field in (
        "nsfw_level",
        "mfa_level",
        "premium_progress_bar_enabled",
        "joined_at",
        "large",
        "unavailable",
    ):
        assert field in guild


def test_the_tokens_first_part_is_the_bots_id_in_base64(world: World) -> None:
    """Discord's tokens begin with the bot's id, and hikari reads it there."""
    first = world.settings.token.partition(".")[0]
    assert int(base64.b64decode(first + "==")) == world.application_id == int(world.bot_user["id"])
    assert world.application_id < min(int(each["id"]) for each in world.users() if not each.get("bot"))
    assert World(SandboxSettings()).application_id == world.application_id
