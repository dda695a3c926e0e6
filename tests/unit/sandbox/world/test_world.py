from __future__ import annotations

import base64
import datetime
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from nescord_core.sandbox.world.simcord import model
from nescord_core.sandbox.world.world import ActionError, World
from nescord_core.settings import SandboxSettings
from nescord_core.snowflake import created_at, shard_of


class Ears:
    """Remembers what a listener is told."""

    def __init__(self, world: World) -> None:
        self.heard: list[tuple[str, Mapping[str, Any], int, int | None]] = []
        self.stop = world.subscribe(lambda *event: self.heard.append(event))

    @property
    def names(self) -> list[str]:
        return [event for event, *_ in self.heard]

    def last(self, event: str) -> Mapping[str, Any]:
        return next(payload for name, payload, *_ in reversed(self.heard) if name == event)


@pytest.fixture
def world() -> World:
    made = World(SandboxSettings())
    made.seed()
    return made


@pytest.fixture
def ears(world: World) -> Ears:
    return Ears(world)


def rest_of(world: World, name: str) -> int:
    return world.find_channel(name).id


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


def test_listeners_hear_in_order_until_they_stop(world: World, ears: Ears) -> None:
    said = world.say("#general", "@alice", "hello")
    world.edit("general", said["id"], "hello!", user="alice")
    world.react("general", said["id"], "bob", "👍")
    world.unreact("general", said["id"], "bob", "👍")
    world.typing("general", "bob")
    world.delete("general", said["id"], user="alice")
    assert ears.names == [
        "MESSAGE_CREATE",
        "MESSAGE_UPDATE",
        "MESSAGE_REACTION_ADD",
        "MESSAGE_REACTION_REMOVE",
        "TYPING_START",
        "MESSAGE_DELETE",
    ]
    guild = world.guild_ids()[0]
    assert {(each[2], each[3]) for each in ears.heard} == {(guild, guild)}
    ears.stop()
    world.say("general", "alice", "unheard")
    assert len(ears.names) == 6


def test_a_direct_message_has_no_guild_and_its_channel_as_key(world: World, ears: Ears) -> None:
    said = world.dm("alice", "psst")
    _, payload, guild_id, key = ears.heard[-1]
    assert (guild_id, key) == (0, int(said["channel_id"]))
    assert "guild_id" not in payload


def test_coming_and_going(world: World, ears: Ears) -> None:
    world.join("carol")
    world.leave("carol")
    world.give_role("bob", "member")
    world.take_role("bob", "member")
    world.voice_join("Lounge", "bob")
    world.voice_leave("bob")
    guild = world.add_guild("Elsewhere")
    made = ears.last("GUILD_CREATE")
    assert [each["name"] for each in made["channels"]] == ["general", "random", "Lounge"]
    world.create_channel("plans", guild="Elsewhere")
    world.edit_channel("plans", topic="What we plan")
    world.delete_channel("plans")
    world.create_role("new", guild="Elsewhere")
    world.edit_role("new", guild="Elsewhere", color=255)
    world.delete_role("new", guild="Elsewhere")
    world.remove_guild(guild["id"])
    assert ears.names.count("GUILD_CREATE") == 1
    assert ears.heard[-1][0] == "GUILD_DELETE"
    assert ears.heard[-1][2] == int(guild["id"])
    for event in ("GUILD_MEMBER_ADD", "GUILD_MEMBER_REMOVE", "VOICE_STATE_UPDATE", "GUILD_ROLE_DELETE"):
        assert event in ears.names


def test_permissions_are_a_number_or_a_string_as_discord_writes_them(world: World) -> None:
    guild = world.find_guild()
    made = [world.create_role("admin", permissions=each) for each in (8, "8")]
    world.edit_role(made[0]["id"], permissions="16")
    assert [guild.roles[int(each["id"])].permissions for each in made] == [16, 8]
    with pytest.raises(ActionError, match="permissions is a bit mask, not 'all'"):
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
def test_nobody_talks_on_where_there_is_no_place_or_no_member(
    world: World, ears: Ears, end: Callable[[World], None]
) -> None:
    world.voice_join("Lounge", "bob")
    end(world)
    assert ears.last("VOICE_STATE_UPDATE")["channel_id"] is None
    assert ears.names.count("VOICE_STATE_UPDATE") == 2
    assert ears.names[-1] != "VOICE_STATE_UPDATE", "it is said before what ends it"
    assert world.guild_create(world.find_guild().id)["voice_states"] == []


def test_mistakes_are_sentences_that_name_what_there_is(world: World) -> None:
    with pytest.raises(ActionError, match=r"no channel 'nope'. Known: #general, #random, #Lounge"):
        world.say("nope", "alice", "x")
    with pytest.raises(ActionError, match=r"no user 'zed'. Known: olivia, alice, bob"):
        world.say("general", "zed", "x")
    with pytest.raises(ActionError, match="at most 2000"):
        world.say("general", "alice", "x" * 2001)
    with pytest.raises(ActionError, match=r"no kind of channel 'x'. Known: text, voice"):
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


def register(world: World, *options: dict[str, Any], name: str = "greet", kind: int = 1) -> None:
    command = {"name": name, "description": "d", "type": kind, "options": list(options)}
    world.model.register_commands(None, [command])


def test_a_slash_command_resolves_names(world: World, ears: Ears) -> None:
    register(
        world,
        {"name": "who", "type": 6, "required": True, "description": "d"},
        {"name": "where", "type": 7, "description": "d"},
        {"name": "times", "type": 4, "max_value": 3, "description": "d"},
    )
    started = world.interact("general", "alice", "/greet", {"who": "bob", "where": "random", "times": 2})
    payload = ears.last("INTERACTION_CREATE")
    bob, random = world.find_user("bob").id, rest_of(world, "random")
    assert payload["id"] == started["id"]
    assert {each["name"]: each["value"] for each in payload["data"]["options"]} == {
        "who": str(bob),
        "where": str(random),
        "times": 2,
    }
    assert payload["data"]["resolved"]["users"][str(bob)]["username"] == "bob"
    assert payload["data"]["resolved"]["channels"][str(random)]["permissions"]
    assert world.interaction(started["id"])["responded"] is False
    for options, sentence in (
        ({}, "needs the option 'who'"),
        ({"who": "bob", "huh": 1}, "no option 'huh'"),
        ({"who": "bob", "times": 4}, "≤ 3"),
    ):
        with pytest.raises(ActionError, match=sentence):
            world.interact("general", "alice", "greet", options)
    with pytest.raises(ActionError, match=r"no command 'hello' here. Known: /greet"):
        world.interact("general", "alice", "hello")


def test_menu_commands_and_completion(world: World, ears: Ears) -> None:
    register(world, name="Look at", kind=2)
    world.interact("general", "alice", "Look at", target="bob")
    assert ears.last("INTERACTION_CREATE")["data"]["target_id"] == str(world.find_user("bob").id)
    register(world, {"name": "what", "type": 3, "autocomplete": True, "description": "d"})
    world.autocomplete("general", "alice", "greet", "what", "par")
    option = ears.last("INTERACTION_CREATE")["data"]["options"][0]
    assert (option["value"], option["focused"]) == ("par", True)


def message_with(world: World, *components: dict[str, Any]) -> str:
    row = {"type": 1, "components": list(components)}
    sent = world.model.create_message(
        rest_of(world, "general"), world.application_id, "choose", components=[row]
    )
    return str(sent.id)


def test_buttons_and_menus(world: World, ears: Ears) -> None:
    buttons = message_with(
        world,
        {"type": 2, "style": 1, "label": "Yes", "custom_id": "yes"},
        {"type": 2, "style": 2, "label": "No", "custom_id": "no", "disabled": True},
    )
    world.click("general", buttons, "alice", label="Yes")
    payload = ears.last("INTERACTION_CREATE")
    assert (payload["type"], payload["data"]["custom_id"]) == (3, "yes")
    assert payload["message"]["id"] == buttons
    with pytest.raises(ActionError, match="disabled"):
        world.click("general", buttons, "alice", custom_id="no")
    with pytest.raises(ActionError, match="Known: yes, no"):
        world.click("general", buttons, "alice", custom_id="maybe")
    choices = [{"label": each, "value": each} for each in ("red", "blue")]
    menu = message_with(world, {"type": 3, "custom_id": "colour", "options": choices})
    world.select("general", menu, "alice", ["red"])
    assert ears.last("INTERACTION_CREATE")["data"]["values"] == ["red"]
    with pytest.raises(ActionError, match="Known: red, blue"):
        world.select("general", menu, "alice", ["green"])
    people = message_with(world, {"type": 5, "custom_id": "people", "max_values": 2})
    world.select("general", people, "alice", ["bob", "alice"])
    assert len(ears.last("INTERACTION_CREATE")["data"]["resolved"]["members"]) == 2


def test_a_modal_is_filled_in_once(world: World, ears: Ears) -> None:
    register(world)
    started = world.interact("general", "alice", "greet")
    record = world.model.interactions[int(started["id"])]
    text = {"type": 4, "id": 2, "custom_id": "name", "style": 1, "label": "Name", "required": True}
    record.show_modal(
        {"custom_id": "form", "title": "F", "components": [{"type": 1, "id": 1, "components": [text]}]}
    )
    with pytest.raises(ActionError, match="'name' must be filled in"):
        world.submit_modal(started["id"], "alice", {})
    with pytest.raises(ActionError, match=r"no field 'age'. Known: name"):
        world.submit_modal(started["id"], "alice", {"age": "1"})
    world.submit_modal(started["id"], "alice", {"name": "Al"})
    data = ears.last("INTERACTION_CREATE")["data"]
    assert data["components"][0]["components"][0] == {"type": 4, "id": 2, "custom_id": "name", "value": "Al"}
    with pytest.raises(ActionError, match="No modal"):
        world.submit_modal(started["id"], "alice", {"name": "Al"})


def test_what_is_remembered_is_bounded(world: World) -> None:
    world.model.messages_per_channel = 10
    for number in range(25):
        world.say("general", "alice", f"message {number}")
    assert [each["content"] for each in world.messages("general")] == [f"message {n}" for n in range(15, 25)]
    assert world.model.transcript == []
    assert world.model.http_requests == []
    assert [each["content"] for each in world.messages("general", limit=2)] == ["message 23", "message 24"]


def test_polls_end_when_their_time_is_over(world: World, ears: Ears) -> None:
    answers = [model.PollAnswer(1, "yes")]
    poll = model.Poll(question="?", answers=answers, expiry=world.model.iso_after(60))
    world.model.create_message(rest_of(world, "general"), world.application_id, "", poll=poll)
    world.tick()
    assert "MESSAGE_UPDATE" not in ears.names
    world.model.clock.advance(61)
    world.tick()
    world.tick()
    assert ears.names.count("MESSAGE_UPDATE") == 1
    assert ears.last("MESSAGE_UPDATE")["poll"]["results"]["is_finalized"] is True


def test_events_hold_what_the_document_requires(world: World, ears: Ears) -> None:
    world.say("general", "alice", "hi")
    payload = ears.last("MESSAGE_CREATE")
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
