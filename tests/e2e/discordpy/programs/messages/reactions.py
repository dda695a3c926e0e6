"""Roles for reactions, by raw events and by cached messages."""

import os

import discord

intents = discord.Intents.default()
intents.members = True
intents.message_content = True
client = discord.Client(intents=intents)


@client.event
async def on_message(message: discord.Message) -> None:
    if message.content == "!roles":
        sent = await message.channel.send("react")
        await sent.add_reaction("👍")


@client.event
async def on_raw_reaction_add(payload: discord.RawReactionActionEvent) -> None:
    if payload.user_id == client.user.id:
        return
    guild = client.get_guild(payload.guild_id)
    role = discord.utils.get(guild.roles, name="Fan") or await guild.create_role(name="Fan")
    await payload.member.add_roles(role, reason="reacted")
    channel = guild.get_channel(payload.channel_id)
    await channel.send(f"{payload.member.name} is a {role.name}")


@client.event
async def on_reaction_remove(reaction: discord.Reaction, user: discord.Member) -> None:
    role = discord.utils.get(user.guild.roles, name="Fan")
    await user.remove_roles(role)
    await reaction.message.channel.send(f"{user.name} was one; {reaction.count} left on {reaction.emoji}")


client.run(os.environ["DISCORD_TOKEN"])
