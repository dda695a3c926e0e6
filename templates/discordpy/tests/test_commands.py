"""Commands, used by members of a local Discord. olivia owns the server and the bot."""

import re

import pytest
from nescord_core.errors import NescordError
from nescord_core.testing import Channel, Sandbox, User

ROLLED = re.compile(r"\d+( \+ \d+)* = \d+")


def test_prefix_commands(alice: User, channel: Channel) -> None:
    alice.send(channel, "!ping")
    assert channel.next().content == "Pong!"
    alice.send(channel, "!roll 3d6")
    assert ROLLED.fullmatch(channel.next().content)
    alice.send(channel, "!help")
    assert "roll" in channel.next().content


def test_an_invalid_argument_is_explained(alice: User, channel: Channel) -> None:
    alice.send(channel, "!roll six")
    assert channel.next().content == "Name the dice like 2d6 or d20."


def test_commands_of_other_bots_are_ignored(alice: User, channel: Channel) -> None:
    said = alice.send(channel, "!play something")
    alice.send(channel, "!ping")
    assert channel.next(after=said).content == "Pong!"


def test_only_the_owner_syncs(alice: User, olivia: User, channel: Channel) -> None:
    alice.send(channel, "!sync")
    assert channel.next().content == "You do not own this bot."
    olivia.send(channel, "!sync")
    assert channel.next().content == "Synced /roll, /suggestions."


def test_a_slash_command_with_options(alice: User) -> None:
    rolled = alice.slash("roll", count=2, sides=20, secret=True)
    assert ROLLED.fullmatch(rolled.content)
    assert rolled.ephemeral


def test_discord_validates_options(alice: User) -> None:
    with pytest.raises(NescordError, match="sides"):
        alice.slash("roll", sides=1)


def test_a_cooldown_is_explained_and_ends(alice: User, sandbox: Sandbox) -> None:
    answers = [alice.slash("roll") for _ in range(6)]
    assert "cooldown" in answers[-1].content
    assert answers[-1].ephemeral
    sandbox.advance(minutes=1)
    assert ROLLED.fullmatch(alice.slash("roll").content)
