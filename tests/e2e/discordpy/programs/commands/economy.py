"""An economy on sqlite3: balances, transfers, a daily reward with a cooldown, checks of a cog."""

import os
import random
import sqlite3

import discord
from discord import app_commands
from discord.ext import commands


class Poor(commands.CheckFailure):
    pass


class Amount(commands.Converter[int]):
    async def convert(self, ctx: commands.Context, argument: str) -> int:
        if argument == "all":
            return ctx.cog.balance(ctx.author.id)
        try:
            value = int(argument)
        except ValueError:
            raise commands.BadArgument(f"{argument!r} is no amount") from None
        if value <= 0:
            raise commands.BadArgument("more than nothing, please")
        return value


def rich(minimum: int):
    def predicate(ctx: commands.Context) -> bool:
        if ctx.cog.balance(ctx.author.id) < minimum:
            raise Poor(f"you need {minimum}")
        return True

    return commands.check(predicate)


class Economy(commands.Cog):
    """Money."""

    def __init__(self, bot: commands.Bot) -> None:
        self.bot = bot
        self.db = sqlite3.connect(":memory:")
        self.db.execute("CREATE TABLE purse (user INTEGER PRIMARY KEY, coins INTEGER NOT NULL)")
        self.random = random.Random(7)

    async def cog_load(self) -> None:
        print("economy loaded")

    def balance(self, user: int) -> int:
        row = self.db.execute("SELECT coins FROM purse WHERE user = ?", (user,)).fetchone()
        return row[0] if row else 0

    def change(self, user: int, by: int) -> None:
        self.db.execute(
            "INSERT INTO purse VALUES (?, ?) ON CONFLICT (user) DO UPDATE SET coins = coins + excluded.coins",
            (user, by),
        )
        self.db.commit()

    @commands.command(aliases=["bal", "money"])
    async def balance_(self, ctx: commands.Context, member: discord.Member = commands.Author) -> None:
        await ctx.send(f"{member.display_name} has {self.balance(member.id)}")

    @commands.command()
    @commands.cooldown(1, 3600, commands.BucketType.member)
    async def daily(self, ctx: commands.Context) -> None:
        won = self.random.randint(50, 100)
        self.change(ctx.author.id, won)
        await ctx.send(f"you get {won}")

    @commands.command()
    async def pay(self, ctx: commands.Context, member: discord.Member, amount: Amount) -> None:
        if amount > self.balance(ctx.author.id):
            raise Poor("not enough")
        self.change(ctx.author.id, -amount)
        self.change(member.id, amount)
        await ctx.send(
            f"{ctx.author.mention} paid {amount} to {member.mention}",
            allowed_mentions=discord.AllowedMentions.none(),
        )

    @commands.command()
    @rich(1000)
    async def villa(self, ctx: commands.Context) -> None:
        await ctx.send("never")

    @commands.command(name="top")
    @commands.max_concurrency(1, per=commands.BucketType.guild)
    async def leaderboard(self, ctx: commands.Context) -> None:
        rows = self.db.execute("SELECT user, coins FROM purse ORDER BY coins DESC LIMIT 5").fetchall()
        embed = discord.Embed(title="Rich list", timestamp=discord.utils.utcnow())
        for place, (user, coins) in enumerate(rows, 1):
            embed.add_field(name=f"#{place} {self.bot.get_user(user)}", value=str(coins))
        embed.description = ", ".join(f"{field.name}={field.value}" for field in embed.fields)
        await ctx.send(embed=embed)

    @app_commands.command(name="work", description="Earn something")
    @app_commands.checks.cooldown(1, 600, key=lambda i: (i.guild_id, i.user.id))
    async def work(self, interaction: discord.Interaction, hours: app_commands.Range[int, 1, 8] = 1) -> None:
        self.change(interaction.user.id, hours * 10)
        await interaction.response.send_message(f"earned {hours * 10}")

    async def cog_app_command_error(
        self, interaction: discord.Interaction, error: app_commands.AppCommandError
    ) -> None:
        if isinstance(error, app_commands.CommandOnCooldown):
            await interaction.response.send_message("you are tired", ephemeral=True)

    async def cog_command_error(self, ctx: commands.Context, error: Exception) -> None:
        if isinstance(error, commands.CommandOnCooldown):
            await ctx.send(f"come back later ({error.cooldown.rate})")
            return
        await ctx.send(f"{type(error).__name__}: {error}")

    async def cog_before_invoke(self, ctx: commands.Context) -> None:
        ctx.began = discord.utils.utcnow()

    async def cog_check(self, ctx: commands.Context) -> bool:
        return ctx.guild is not None


class EconomyBot(commands.Bot):
    def __init__(self) -> None:
        super().__init__(
            command_prefix=commands.when_mentioned_or("$"),
            intents=discord.Intents.all(),
            case_insensitive=True,
        )

    async def setup_hook(self) -> None:
        await self.add_cog(Economy(self))
        await self.tree.sync()


def main() -> None:
    EconomyBot().run(os.environ["DISCORD_TOKEN"])


if __name__ == "__main__":
    main()
