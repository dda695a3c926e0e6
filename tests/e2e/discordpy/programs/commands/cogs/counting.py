"""A cog with its own listener, commands and error handler."""

from discord.ext import commands


class Counting(commands.Cog):
    def __init__(self, bot: commands.Bot) -> None:
        self.bot = bot
        self.count = 0

    @commands.Cog.listener()
    async def on_message(self, message) -> None:
        self.count += not message.author.bot

    @commands.command()
    async def seen(self, ctx: commands.Context) -> None:
        await ctx.send(f"{self.count} messages")

    @commands.command()
    async def half(self, ctx: commands.Context, number: int) -> None:
        await ctx.send(f"{number / 2}")

    @half.error
    async def half_failed(self, ctx: commands.Context, error: commands.CommandError) -> None:
        await ctx.send(f"half of what? {type(error).__name__}")


async def setup(bot: commands.Bot) -> None:
    await bot.add_cog(Counting(bot))
