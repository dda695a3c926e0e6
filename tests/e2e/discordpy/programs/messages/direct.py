"""Direct messages: answers, questions to a member, a member who accepts none, a modmail relay."""

import os

import discord
from discord.ext import commands

bot = commands.Bot(
    command_prefix=lambda bot, message: "!" if message.guild else ["", "!"], intents=discord.Intents.all()
)


@bot.check
async def everywhere(ctx: commands.Context) -> bool:
    return not ctx.author.bot


@bot.command()
async def write(ctx: commands.Context, member: discord.Member, *, text: str) -> None:
    sent = await member.send(text, embed=discord.Embed(title="letter"))
    await ctx.send(
        f"{type(sent.channel).__name__} {sent.channel.recipient.name}"
        f" {member.dm_channel.id == sent.channel.id}"
    )
    try:
        answer = await bot.wait_for(
            "message", check=lambda m: m.guild is None and m.author == member, timeout=15
        )
    except TimeoutError:
        await ctx.send("no answer")
    else:
        await ctx.send(f"{member.name} says {answer.content}")
        await answer.add_reaction("✅")
        history = [m.content async for m in answer.channel.history(limit=5, oldest_first=True)]
        await ctx.send(f"{history}")


@bot.command()
@commands.dm_only()
async def hello(ctx: commands.Context) -> None:
    relay = discord.utils.get(bot.get_all_channels(), name="direct")
    await ctx.send(f"hello {ctx.author.name}")
    await relay.send(f"{ctx.author.name} said hello; guild {ctx.guild}, me {ctx.me == bot.user}")


@bot.command()
async def users(ctx: commands.Context) -> None:
    fetched = await bot.fetch_user(ctx.author.id)
    mutual = [guild.name for guild in ctx.author.mutual_guilds]
    info = await bot.application_info()
    await ctx.send(f"{fetched.name} {fetched.bot} {mutual} {info.id == bot.application_id} {info.name}")


@bot.event
async def on_command_error(ctx: commands.Context, error: commands.CommandError) -> None:
    await ctx.send(f"{type(error).__name__}")


bot.run(os.environ["DISCORD_TOKEN"])
