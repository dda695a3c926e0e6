"""Reports the contents of its cache."""

import os

import discord
from discord.ext import commands

bot = commands.Bot(command_prefix="!", intents=discord.Intents.all())
bot.part = -1


def channel(it):
    mine = it.permissions_for(it.guild.me).value
    return it.name, str(it.type), it.position, it.category and it.category.name, len(it.overwrites), mine


PARTS = [
    lambda guild: (guild.name, guild.member_count, guild.owner.name, guild.chunked, guild.large),
    lambda guild: [(it.name, it.position, it.permissions.value, it.colour.value) for it in guild.roles],
    lambda guild: [channel(it) for it in guild.channels[:15]],
    lambda guild: [channel(it) for it in guild.channels[15:]],
    lambda guild: sorted((it.name, it.nick or "", len(it.roles), str(it.status)) for it in guild.members),
    lambda guild: [(it.name, [member.name for member in it.members]) for it in guild.voice_channels],
    lambda guild: (len(guild.emojis), len(guild.threads), len(bot.users), guild.me.guild_permissions.value),
]


@bot.command()
async def part(ctx):
    bot.part += 1
    await ctx.send(str(PARTS[bot.part](ctx.guild))[:1900])


bot.run(os.environ["DISCORD_TOKEN"])
