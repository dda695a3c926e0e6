import discord
from discord.ext import commands


class Points(commands.Cog):
    """Points for talking."""

    def __init__(self, bot) -> None:
        self.bot = bot

    @commands.Cog.listener("on_message")
    async def count(self, message: discord.Message) -> None:
        if message.author.bot or not message.guild or (await self.bot.get_context(message)).valid:
            return
        points = self.bot.store.add(message.author.id, len(message.content))
        if points >= 10 > points - len(message.content):
            await message.channel.send(f"{message.author.display_name} reaches level 1", reference=message)

    @commands.command(help="Shows your points.")
    async def points(self, ctx, member: discord.Member | None = None) -> None:
        member = member or ctx.author
        await ctx.say(f"{member.name}: {self.bot.store.data['points'].get(str(member.id), 0)}")


async def setup(bot) -> None:
    await bot.add_cog(Points(bot))


async def teardown(bot) -> None:
    print("points unloaded")
