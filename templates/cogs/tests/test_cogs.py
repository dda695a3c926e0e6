"""The bot's own rules, without Discord."""

import pytest
from bot_main.app import commands
from bot_main.cogs.fun import roll


class Loaded:
    """A die that always shows its highest number."""

    def randint(self, _low: int, high: int) -> int:
        return high


def test_dice():
    assert roll(("2d6",), Loaded()) == "6 + 6 = 12"
    assert roll((), Loaded()) == "6 = 6"


@pytest.mark.parametrize("words", [("six",), ("d",), ("0d6",), ("1d1",), ("999d6",), ("-1d6",)])
def test_dice_that_cannot_be_rolled(words):
    assert "=" not in roll(words)


def test_commands_are_found_by_name():
    command, words = commands.parse("!ROLL 2d6 please")
    assert (command.name, words) == ("roll", ("2d6", "please"))
    for text in ("roll", "!", "!nothing", ""):
        assert commands.parse(text) is None
