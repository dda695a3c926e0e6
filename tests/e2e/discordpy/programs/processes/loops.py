"""Background loops: before and after, counts, errors, a change of the interval, a loop at a time of day."""

import asyncio
import datetime
import os

import discord
from discord.ext import commands, tasks


class Loops(commands.Cog):
    def __init__(self, bot: commands.Bot) -> None:
        self.bot = bot
        self.notes: list[str] = []
        self.count.start()
        self.fails.start("argument")
        self.nightly.start()

    def cog_unload(self) -> None:
        self.count.cancel()
        self.nightly.cancel()

    @tasks.loop(seconds=0.05, count=3)
    async def count(self) -> None:
        self.notes.append(f"count {self.count.current_loop}")

    @count.before_loop
    async def before_count(self) -> None:
        await self.bot.wait_until_ready()
        self.notes.append(f"before: {len(self.bot.guilds)} guilds, ready {self.bot.is_ready()}")

    @count.after_loop
    async def after_count(self) -> None:
        self.notes.append(f"after, cancelled {self.count.is_being_cancelled()}")

    @tasks.loop(minutes=5)
    async def fails(self, word: str) -> None:
        raise LookupError(word)

    @fails.error
    async def failed(self, error: Exception) -> None:
        self.notes.append(f"error {error!r}")

    @tasks.loop(time=datetime.time(hour=3, tzinfo=datetime.UTC))
    async def nightly(self) -> None:
        self.notes.append("never in a test")

    @commands.command()
    async def notes(self, ctx: commands.Context) -> None:
        await asyncio.sleep(0.4)
        await ctx.send("; ".join(sorted(self.notes)))

    @commands.command()
    async def state(self, ctx: commands.Context) -> None:
        at = self.nightly.next_iteration
        await ctx.send(f"{self.count.is_running()} {self.fails.failed()} {at.hour} {self.nightly.time[0]}")

    @commands.command()
    async def again(self, ctx: commands.Context) -> None:
        self.notes.clear()
        self.count.change_interval(seconds=0.01)
        self.count.start()
        await asyncio.sleep(0.3)
        await ctx.send("; ".join(self.notes))


class LoopBot(commands.Bot):
    async def setup_hook(self) -> None:
        await self.add_cog(Loops(self))
        self.presence = self.loop.create_task(self.rotate())

    async def rotate(self) -> None:
        await self.wait_until_ready()
        while not self.is_closed():
            await self.change_presence(activity=discord.CustomActivity(name=f"in {len(self.guilds)} guilds"))
            await asyncio.sleep(30)


bot = LoopBot(command_prefix="!", intents=discord.Intents.all())


@bot.command()
async def unload(ctx: commands.Context) -> None:
    await bot.remove_cog("Loops")
    await ctx.send(f"{list(bot.cogs)} {bot.get_command('notes')}")


bot.run(os.environ["DISCORD_TOKEN"])
