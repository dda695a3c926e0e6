"""Games."""

import random


def roll(words: tuple[str, ...], chance=random) -> str:
    """Roll dice: `2d6`, `d20`, or nothing for one die."""
    wanted = words[0].lower() if words else "1d6"
    count, separator, sides = wanted.partition("d")
    if separator != "d" or not sides.isdecimal() or not (count or "1").isdecimal():
        return "Say it like 2d6."
    number, faces = int(count or 1), int(sides)
    if not 1 <= number <= 100 or not 2 <= faces <= 1000:
        return "At most 100 dice with 2 to 1000 sides."
    rolled = [chance.randint(1, faces) for _ in range(number)]
    return f"{' + '.join(map(str, rolled))} = {sum(rolled)}"


def setup(commands, _listener) -> None:
    @commands.command("roll", "rolls dice: roll 2d6")
    async def on_roll(context) -> None:
        await context.reply(roll(context.words))
