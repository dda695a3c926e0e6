"""Dice. Nothing here knows Discord, so it is tested without it."""

import random
import re
from dataclasses import dataclass
from typing import Self

MAX_COUNT = 20
MAX_SIDES = 1000


@dataclass(frozen=True, slots=True)
class Dice:
    """Dice with the same number of sides."""

    count: int
    sides: int

    def __str__(self) -> str:
        return f"{self.count}d{self.sides}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `2d6` or `d20`; the ValueError for any other text is fit to be shown."""
        found = re.fullmatch(r"([0-9]*)d([0-9]+)", text.strip().lower())
        if found is None:
            raise ValueError("Name the dice like 2d6 or d20.")
        dice = cls(int(found[1] or 1), int(found[2]))
        if not 1 <= dice.count <= MAX_COUNT or not 2 <= dice.sides <= MAX_SIDES:
            raise ValueError(f"At most {MAX_COUNT} dice, with 2 to {MAX_SIDES} sides.")
        return dice

    def roll(self, chance: random.Random) -> str:
        """Roll the dice and return each result and the sum."""
        rolled = [chance.randint(1, self.sides) for _ in range(self.count)]
        return f"{' + '.join(map(str, rolled))} = {sum(rolled)}"
