"""Commands that only the bot's owner can use."""

from discord.ext import commands


class Owner(commands.Cog):
    """For the bot's owner only."""

    def __init__(self, bot: commands.Bot) -> None:
        self.bot = bot

    @commands.command()
    @commands.is_owner()
    async def sync(self, ctx: commands.Context[commands.Bot]) -> None:
        """Send the slash commands to Discord after they have changed."""
        # `nescord dev` does this on each reload; in production it is up to the owner.
        synced = await self.bot.tree.sync()
        names = sorted(f"/{command.name}" for command in synced)
        await ctx.send(f"Synced {', '.join(names)}.")


async def setup(bot: commands.Bot) -> None:
    await bot.add_cog(Owner(bot))
