from discord.ext import commands


class Settings(commands.GroupCog, group_name="settings"):
    def __init__(self, bot) -> None:
        self.bot = bot

    @commands.command()
    @commands.has_permissions(kick_members=True)
    async def prefix(self, ctx, new: str) -> None:
        self.bot.store.data["prefixes"][str(ctx.guild.id)] = new
        await ctx.say(f"prefix is {new}")

    @commands.command()
    async def reload(self, ctx, name: str) -> None:
        await self.bot.reload_extension(f"levelling.extensions.{name}")
        await ctx.say(f"reloaded {name}: {sorted(self.bot.cogs)}")

    @prefix.error
    async def refused(self, ctx, error: commands.CommandError) -> None:
        await ctx.say(f"refused: {type(error).__name__}")


async def setup(bot) -> None:
    await bot.add_cog(Settings(bot))
