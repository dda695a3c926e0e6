"""Greets who joins, where the guild has a channel for that."""

from bot_main.rest import rest


def setup(_commands, listener) -> None:
    @listener.on("guild_member_add")
    async def on_join(member) -> None:
        guild = await rest.get_guild(member.guild_id)  # from the cache, mostly
        if guild.system_channel_id:
            await rest.create_message(guild.system_channel_id, content=f"Welcome, <@{member.user.id}>!")
