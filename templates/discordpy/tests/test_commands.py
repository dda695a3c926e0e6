"""Commands, used by members of a local Discord. olivia owns the server and the bot."""

import re

import pytest
from nescord_core.errors import NescordError
from nescord_core.testing import RunningBot

ROLLED = re.compile(r"\d+( \+ \d+)* = \d+")


def test_prefix_commands(bot: RunningBot) -> None:
    assert bot.ask("!ping") == "Pong!"
    assert ROLLED.fullmatch(bot.ask("!roll 3d6"))
    assert "roll" in bot.ask("!help")


def test_an_invalid_argument_is_explained(bot: RunningBot) -> None:
    assert bot.ask("!roll six") == "Name the dice like 2d6 or d20."


def test_commands_of_other_bots_are_ignored(bot: RunningBot) -> None:
    said = bot.say("!play something")
    bot.say("!ping")
    assert bot.hear(after=said["id"])["content"] == "Pong!"


def test_only_the_owner_syncs(bot: RunningBot) -> None:
    assert bot.ask("!sync", user="alice") == "You do not own this bot."
    assert bot.ask("!sync", user="olivia") == "Synced /roll, /suggestions."


def test_a_slash_command_with_options(bot: RunningBot) -> None:
    rolled = bot.command("roll", count=2, sides=20, secret=True)
    assert ROLLED.fullmatch(rolled["message"]["content"])
    assert rolled["ephemeral"]


def test_discord_validates_options(bot: RunningBot) -> None:
    with pytest.raises(NescordError, match="sides"):
        bot.command("roll", sides=1)


def test_a_cooldown_is_explained(bot: RunningBot) -> None:
    answers = [bot.command("roll", user="bob") for _ in range(6)]
    assert "cooldown" in answers[-1]["message"]["content"]
    assert answers[-1]["ephemeral"]
