"""Seed files: what they say, what is wrong with them and where, and what is exported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nescord_core.errors import ConfigError
from nescord_core.sandbox.seeds.export import export
from nescord_core.sandbox.seeds.planting import plant
from nescord_core.sandbox.seeds.reading import parse_seed, read_seed
from nescord_core.sandbox.world.world import World
from nescord_core.settings import SandboxSettings

WHOLE = """\
# A world with a bit of everything.
[[users]]
name = "carol"
global_name = "Carol \\u007f \\"C\\" Müller"

[[users]]
name = "helper"
bot = true

[[guilds]]
name = "Book club"
description = "We read."
owner = "carol"
members = ["alice", {user = "bob", roles = ["reader", "host"], nick = "Bobby"}, {user = "helper"}]

[[guilds.roles]]
name = "reader"
color = "#3498DB"

[[guilds.roles]]
name = "host"
permissions = ["kick_members", "manage_messages"]
hoist = true

[[guilds.channels]]
name = "Books"
kind = "category"

[[guilds.channels]]
name = "general"
topic = "Say hello."
parent = "Books"
slowmode = 5

[[guilds.channels.messages]]
author = "alice"
content = "What do we read?\\nAnd when?"
pinned = true
reactions = {"👍" = ["bob", "carol"]}

[[guilds.channels.messages]]
author = "bot"
content = "Tuesday."

[[guilds.channels]]
name = "Lounge"
kind = "voice"

[[guilds]]
name = "Empty"
members = []
"""


def world_of(text: str) -> World:
    world = World(SandboxSettings())
    plant(world, parse_seed(text, "world.toml"))
    return world


def seen(world: World) -> list[dict[str, Any]]:
    return [world.guild_create(each) for each in world.guild_ids()]


def test_a_seed_becomes_a_world() -> None:
    world = world_of(WHOLE)
    club, empty = seen(world)
    assert (club["name"], club["description"]) == ("Book club", "We read.")
    members = {each["user"]["username"]: each for each in club["members"]}
    assert members.keys() == {"carol", "alice", "bob", "helper", "Sandbox Bot"}
    roles = {each["id"]: each for each in club["roles"]}
    assert [roles[each]["name"] for each in members["bob"]["roles"]] == ["reader", "host"]
    assert members["bob"]["nick"] == "Bobby"
    by_name = {each["name"]: each for each in club["roles"]}
    assert by_name["reader"]["color"] == 0x3498DB
    assert int(by_name["host"]["permissions"]) == 1 << 1 | 1 << 13
    channels = {each["name"]: each for each in club["channels"]}
    assert channels["general"]["parent_id"] == channels["Books"]["id"]
    assert channels["general"]["rate_limit_per_user"] == 5
    asked, answered = world.messages("general")
    assert (asked["content"], asked["pinned"]) == ("What do we read?\nAnd when?", True)
    assert [(each["emoji"]["name"], each["count"]) for each in asked["reactions"]] == [("👍", 2)]
    assert answered["author"]["id"] == str(world.application_id)
    assert {each["user"]["username"] for each in empty["members"]} == {"olivia", "Sandbox Bot"}


def test_a_seed_has_the_same_ids_every_time() -> None:
    assert [each["id"] for each in seen(world_of(WHOLE))] == [each["id"] for each in seen(world_of(WHOLE))]
    assert world_of(WHOLE).messages("general")[0]["id"] == world_of(WHOLE).messages("general")[0]["id"]


def test_what_is_exported_is_the_same_world() -> None:
    first = export(world_of(WHOLE))
    assert export(world_of(first)) == first
    assert 'global_name = "Carol \\u007f \\"C\\" Müller"' in first
    assert "[[guilds.channels.messages]]" in first
    twin = World(SandboxSettings())
    twin.seed(2)
    twin.add_guild("Sandbox")
    again = world_of(export(twin))
    names = [again.find_guild(each).name for each in again.guild_ids()]
    assert names[:2] == ["Sandbox", "Sandbox 2"]
    assert names[2].startswith("Sandbox (")


ERRORS = [
    ("a = \n", 1, "Invalid value"),
    ("[[guilds]]\nname = 'x", 2, ""),
    ("[[guilds]]\nname = 3\n", 2, "Expected str, got int"),
    ("[[guilds]]\nname = 'a'\n\n[[guilds]]\nnmae = 'b'\n", 5, "nmae"),
    ("[[guilds]]\nowner = 'alice'\n", 1, "required field name"),
    ("[[guilds]]\nname = 'a'\nowner = 'zoe'\n", 3, "there is no user 'zoe'; known: alice, bob, olivia"),
    ("[[guilds]]\nname = 'a'\nmembers = [{user = 'alice', roles = ['x']}]\n", 3, "there is no role 'x'"),
    ("[[guilds]]\nname = 'a'\n[[guilds.channels]]\nname = 'b'\nkind = 'txt'\n", 5, "no kind of channel"),
    ("[[guilds]]\nname = 'a'\n[[guilds.channels]]\nname = 'b'\nparent = 'c'\n", 5, "no category"),
    ("[[guilds]]\nname = 'a'\n[[guilds.roles]]\nname = 'r'\npermissions = ['fly']\n", 5, "'fly'"),
    ("[[guilds]]\nname = 'a'\n[[guilds.roles]]\nname = 'r'\ncolor = 'red'\n", 5, "like #3498DB"),
    ("[[guilds]]\nname = 'a'\n[[guilds]]\nname = 'a'\n", 4, "two guilds called 'a'"),
    ("[[users]]\nname = ''\n", 2, "1 to 32 characters"),
    (
        "[[guilds]]\nname = 'a'\n[[guilds.channels]]\nname = 'b'\n[[guilds.channels.messages]]\n"
        "author = 'bob'\ncontent = 'hi'\n[[guilds.channels.messages]]\nauthor = 'zoe'\ncontent = 'hi'\n",
        9,
        "there is no user 'zoe'",
    ),
]


@pytest.mark.parametrize(("text", "line", "what"), ERRORS)
def test_an_error_names_the_file_and_the_line(text: str, line: int, what: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_seed(text, "world.toml")
    assert f"world.toml:{line}" in str(caught.value)
    assert what in str(caught.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"missing\.toml"):
        read_seed(tmp_path / "missing.toml")
    (tmp_path / "latin.toml").write_bytes(b"name = '\xfc'")
    with pytest.raises(ConfigError, match="UTF-8"):
        read_seed(tmp_path / "latin.toml")
