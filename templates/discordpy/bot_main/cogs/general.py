"""The basics. discord.py's own `!help` lists the commands of all cogs."""

import logging

from discord.ext import commands

log = logging.getLogger(__name__)


class General(commands.Cog):
    """Basic commands."""

    def __init__(self, bot: commands.Bot) -> None:
        self.bot = bot

    @commands.Cog.listener()
    async def on_ready(self) -> None:
        log.info("%s is ready, guilds: %d", self.bot.user, len(self.bot.guilds))

    @commands.command()
    async def ping(self, ctx: commands.Context[commands.Bot]) -> None:
        """Check that the bot responds."""
        await ctx.send("Pong!")


async def setup(bot: commands.Bot) -> None:
    await bot.add_cog(General(bot))
