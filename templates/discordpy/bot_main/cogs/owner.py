"""Commands for the bot's owner."""

from discord.ext import commands


class Owner(commands.Cog):
    """For the bot's owner."""

    def __init__(self, bot: commands.Bot) -> None:
        self.bot = bot

    @commands.command()
    @commands.is_owner()
    async def sync(self, ctx: commands.Context[commands.Bot]) -> None:
        """Tell Discord which slash commands there are."""
        # Needed after a deployment that changes them; `nescord dev` does it by itself.
        synced = await self.bot.tree.sync()
        names = sorted(f"/{command.name}" for command in synced)
        await ctx.send(f"Synced {', '.join(names)}.")


async def setup(bot: commands.Bot) -> None:
    await bot.add_cog(Owner(bot))
