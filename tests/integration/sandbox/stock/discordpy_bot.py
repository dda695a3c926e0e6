"""A stock discord.py bot in a process of its own; only its base URL is changed, as its users do for proxies.

The shard count and the gateway's URL come from GET /gateway/bot: a client that is given a count asks nobody
and goes to the real gateway.

Run as: discordpy_bot.py API_URL TOKEN
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

from support.network import loopback

loopback.install()

import discord  # noqa: E402 - after the way off this machine is closed
from discord import app_commands  # noqa: E402


def main(api_url: str, token: str) -> None:
    discord.http.Route.BASE = api_url
    intents = discord.Intents.all()
    client = discord.AutoShardedClient(intents=intents, max_messages=100)
    tree = app_commands.CommandTree(client)

    @client.event
    async def on_ready() -> None:
        await tree.sync()
        members = sorted(member.name for guild in client.guilds for member in guild.members)
        print("ready", len(client.guilds), *members, flush=True)

    @client.event
    async def on_message(message: discord.Message) -> None:
        if message.author.id == client.user.id:  # type: ignore[union-attr]
            return
        if message.content == "!ping":
            await message.channel.send("Pong!", view=Again())
        if message.content == "!members" and message.guild is not None:
            found = await message.guild.query_members("al", limit=5)
            await message.reply(", ".join(each.name for each in found))

    @client.event
    async def on_shard_resumed(shard_id: int) -> None:
        print("resumed", shard_id, flush=True)

    class Again(discord.ui.View):
        @discord.ui.button(label="Again", custom_id="again")
        async def again(self, interaction: discord.Interaction, _button: discord.ui.Button[Again]) -> None:
            await interaction.response.send_message("Once more!")

    @tree.command(description="Add numbers")
    async def add(interaction: discord.Interaction, one: int, two: int) -> None:
        await interaction.response.send_message(f"{one + two}")

    client.run(token, log_level=30)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
