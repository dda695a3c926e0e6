"""Converters of every kind: flags, Greedy, unions, literals, optionals, ranges, custom ones."""

import enum
import os
import re
import typing
from datetime import timedelta

import discord
from discord.ext import commands

bot = commands.Bot("!", intents=discord.Intents.all(), strip_after_prefix=True)


class Colour(enum.Enum):
    red = 1
    blue = 2


class BanFlags(commands.FlagConverter, prefix="--", delimiter=" "):
    member: discord.Member = commands.flag(description="who")
    days: int = 1
    reasons: list[str] = commands.flag(name="reason", default=lambda ctx: [])


class Duration(commands.Converter):
    async def convert(self, ctx: commands.Context, argument: str) -> timedelta:
        match = re.fullmatch(r"(\d+)([smhd])", argument)
        if match is None:
            raise commands.BadArgument("not a duration")
        unit = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}[match[2]]
        return timedelta(**{unit: int(match[1])})


class Point(typing.NamedTuple):
    x: int
    y: int

    @classmethod
    async def convert(cls, ctx: commands.Context, argument: str) -> "Point":
        x, _, y = argument.partition(",")
        return cls(int(x), int(y))


@bot.command()
async def flags(ctx: commands.Context, *, flags: BanFlags) -> None:
    await ctx.send(f"{flags.member.name} {flags.days} {flags.reasons}")


@bot.command()
async def greedy(ctx: commands.Context, numbers: commands.Greedy[int], rest: str = "none") -> None:
    await ctx.send(f"{numbers} {rest}")


@bot.command()
async def union(
    ctx: commands.Context, what: discord.TextChannel | discord.Role | discord.Member | int | str
) -> None:
    await ctx.send(f"{type(what).__name__} {what}")


@bot.command()
async def pick(ctx: commands.Context, colour: Colour, how: typing.Literal["fast", "slow"] = "fast") -> None:
    await ctx.send(f"{colour.name} {how}")


@bot.command(usage="<when> [what]")
async def remind(ctx: commands.Context, when: Duration, what: int | None = None, *words: str) -> None:
    await ctx.send(f"{when.total_seconds()} {what} {words}")


@bot.command()
async def point(
    ctx: commands.Context, at: Point, clean: commands.clean_content, size: commands.Range[float, 0, 1] = 0.5
) -> None:
    await ctx.send(f"{at} {clean} {size}")


@bot.command(rest_is_raw=True)
async def raw(ctx: commands.Context, *, text: str) -> None:
    await ctx.send(repr(text))


@bot.command(ignore_extra=False, aliases=["q"], hidden=True, enabled=True)
async def quotes(ctx: commands.Context, first: str, second: str) -> None:
    await ctx.send(f"{first}|{second}|{ctx.invoked_with}|{ctx.prefix}")


@bot.group(invoke_without_command=True, case_insensitive=True)
async def config(ctx: commands.Context) -> None:
    await ctx.send(f"subcommands: {sorted(c.name for c in config.commands)} {ctx.subcommand_passed}")


@config.command(name="set")
async def config_set(ctx: commands.Context, key: str, value: bool | float | str) -> None:
    await ctx.send(
        f"{key}={value!r} {ctx.command.qualified_name} {[p.name for p in ctx.invoked_parents and [config]]}"
    )


@bot.command()
async def objects(
    ctx: commands.Context,
    message: discord.Message,
    emoji: discord.PartialEmoji | str,
    guild: discord.Guild | None = None,
    invite: discord.Object | None = None,
) -> None:
    await ctx.send(f"{message.content} {emoji} {guild} {invite}")


@bot.before_invoke
async def before(ctx: commands.Context) -> None:
    ctx.noted = True


@bot.event
async def on_command_completion(ctx: commands.Context) -> None:
    if ctx.command.name == "quotes":
        await ctx.send(f"completed {ctx.noted}")


@bot.event
async def on_command_error(ctx: commands.Context, error: commands.CommandError) -> None:
    if isinstance(error, commands.CommandNotFound):
        await ctx.send("unknown")
        return
    await ctx.send(f"{type(error).__name__}: {str(error)[:180]}")


bot.run(os.environ["DISCORD_TOKEN"])
