"""Requests all members of its guild."""

import os

import discord
from discord.ext import commands

bot = commands.Bot("!", intents=discord.Intents.all())


@bot.command()
async def count(ctx):
    members = await ctx.guild.chunk()
    await ctx.send(f"{len(members)} {ctx.guild.member_count}")


bot.run(os.environ["TOKEN"])
