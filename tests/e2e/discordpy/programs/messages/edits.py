"""Edits and deletes of messages that are cached."""

import os

import discord

client = discord.Client(intents=discord.Intents.all(), max_messages=100)


@client.event
async def on_message_edit(before: discord.Message, after: discord.Message) -> None:
    await after.channel.send(f"edited: {before.content} -> {after.content}")


@client.event
async def on_message_delete(message: discord.Message) -> None:
    if not message.author.bot:
        await message.channel.send(f"deleted: {message.content} by {message.author.name}")


client.run(os.environ["DISCORD_TOKEN"])
