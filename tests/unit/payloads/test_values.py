"""Named values: complete, and interchangeable with the plain numbers of payloads and arguments."""

from __future__ import annotations

import json

import discord

from nescord_core.payloads import Role, enums, flags
from nescord_core.payloads.enums import ButtonStyle, ComponentType, Locale
from nescord_core.payloads.flags import MessageFlags, Permissions
from nescord_core.rest.client.request import build


def test_the_bits_are_those_that_discordpy_knows() -> None:
    assert {each.value for each in Permissions} == set(discord.Permissions.VALID_FLAGS.values())
    assert {each.value for each in MessageFlags} == set(discord.MessageFlags.VALID_FLAGS.values())
    by_name = discord.Permissions.VALID_FLAGS
    shared = {each.name.lower() for each in Permissions if each.name} & by_name.keys()
    assert len(shared) > 40
    assert all(Permissions[name.upper()] == by_name[name] for name in shared)


def test_a_payloads_number_compares_and_combines_with_them() -> None:
    role = Role({"id": "1", "permissions": "8198"})
    assert role.permissions & Permissions.BAN_MEMBERS
    assert Permissions.MANAGE_MESSAGES in Permissions(role.permissions)
    assert Permissions.ADMINISTRATOR not in Permissions(role.permissions)


def test_they_are_sent_as_plain_values() -> None:
    button = {"type": ComponentType.BUTTON, "style": ButtonStyle.DANGER, "label": "No", "custom_id": "no"}
    body = {"components": [button], "flags": MessageFlags.EPHEMERAL, "locale": Locale.DE}
    sent = json.loads(build("POST", "/x", json=body).body or b"")
    assert sent["components"][0]["type"] == 2
    assert (sent["components"][0]["style"], sent["flags"], sent["locale"]) == (4, 64, "de")


def test_every_name_is_exported() -> None:
    for module in (enums, flags):
        defined = {name for name, value in vars(module).items() if isinstance(value, type)}
        assert set(module.__all__) == {
            name for name in defined if vars(module)[name].__module__ == module.__name__
        }
