"""Announces members who join and leave."""

import os

import discord

intents = discord.Intents.default()
intents.members = True


class Greeter(discord.Client):
    async def on_member_join(self, member: discord.Member) -> None:
        channel = discord.utils.get(member.guild.text_channels, name="greeter")
        await channel.send(f"welcome {member.name}, number {member.guild.member_count}")

    async def on_member_remove(self, member: discord.Member) -> None:
        channel = discord.utils.get(member.guild.text_channels, name="greeter")
        await channel.send(f"bye {member.name}, {member.guild.member_count} left")

    async def on_member_update(self, before: discord.Member, after: discord.Member) -> None:
        channel = discord.utils.get(after.guild.text_channels, name="greeter")
        await channel.send(f"{after.name}: {len(before.roles)} -> {len(after.roles)} roles")


Greeter(intents=intents).run(os.environ["DISCORD_TOKEN"])
