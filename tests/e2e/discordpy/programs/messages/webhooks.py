"""Creates a webhook, posts through it and deletes it."""

import io
import os

import discord
from discord.ext import commands

bot = commands.Bot(command_prefix="!", intents=discord.Intents.all())


@bot.command()
async def hook(ctx: commands.Context) -> None:
    webhook = await ctx.channel.create_webhook(name="Parrot")
    sent = await webhook.send("squawk", username="Polly", wait=True)
    await webhook.edit_message(sent.id, content="squawk squawk")
    found = await ctx.channel.webhooks()
    await webhook.delete()
    await ctx.send(f"{sent.author.name} {[each.name for each in found]}")


@bot.command()
async def file(ctx: commands.Context) -> None:
    sent = await ctx.send("here", file=discord.File(io.BytesIO(b"text"), "note.txt"))
    await ctx.send(f"{sent.attachments[0].filename} {sent.attachments[0].size}")


bot.run(os.environ["DISCORD_TOKEN"])
