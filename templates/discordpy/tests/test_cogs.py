"""The bot's own rules, without Discord."""

from bot_main.app import COGS, bot
from bot_main.cogs.fun import flip


class Loaded:
    """A coin that always shows the same side."""

    def choice(self, sides):
        return sides[0]


def test_the_coin():
    assert flip(Loaded()) == "heads"


def test_commands_and_cogs_are_there():
    assert bot.get_command("ping") is not None
    assert {cog.rpartition(".")[2] for cog in COGS} == {"fun", "polls"}
