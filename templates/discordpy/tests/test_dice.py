"""The bot's own rules, without Discord."""

import random

import pytest

from bot_main.dice import Dice


@pytest.mark.parametrize(
    ("text", "dice"),
    [("2d6", Dice(2, 6)), ("d20", Dice(1, 20)), (" 20D1000 ", Dice(20, 1000))],
)
def test_dice_are_parsed(text: str, dice: Dice) -> None:
    assert Dice.parse(text) == dice


@pytest.mark.parametrize("text", ["", "six", "d", "0d6", "1d1", "21d6", "-1d6", "²d6"])
def test_other_text_is_rejected(text: str) -> None:
    with pytest.raises(ValueError, match="dice"):
        Dice.parse(text)


def test_a_roll_adds_up() -> None:
    shown, total = Dice(3, 6).roll(random.Random(1)).split(" = ")
    assert sum(map(int, shown.split(" + "))) == int(total)
