"""A starboard: raw reactions, embeds that copy a message, an updated count."""

import os

import discord

STAR = "⭐"


class Starboard(discord.Client):
    def __init__(self) -> None:
        intents = discord.Intents.none()
        intents.guilds = intents.guild_messages = intents.guild_reactions = intents.message_content = True
        super().__init__(
            intents=intents, max_messages=None, allowed_mentions=discord.AllowedMentions(everyone=False)
        )
        self.copies: dict[int, discord.Message] = {}

    async def on_raw_reaction_add(self, payload: discord.RawReactionActionEvent) -> None:
        await self.look(payload, payload.member.name if payload.member else "nobody")

    async def on_raw_reaction_remove(self, payload: discord.RawReactionActionEvent) -> None:
        await self.look(payload, "somebody")

    async def on_raw_reaction_clear(self, payload: discord.RawReactionClearEvent) -> None:
        copy = self.copies.pop(payload.message_id)
        await copy.reply("cleared")

    async def look(self, payload: discord.RawReactionActionEvent, who: str) -> None:
        if str(payload.emoji) != STAR or payload.user_id == self.user.id:
            return
        channel = self.get_channel(payload.channel_id)
        message = await channel.fetch_message(payload.message_id)
        reaction = discord.utils.get(message.reactions, emoji=STAR)
        count = reaction.count if reaction else 0
        users = [user.name async for user in reaction.users()] if reaction else []
        embed = discord.Embed(description=message.content, url=message.jump_url)
        embed.set_author(name=message.author.display_name, icon_url=message.author.display_avatar.url)
        embed.set_footer(text=f"{count} by {', '.join(users)}")
        text = f"{STAR} {count} {who} <#{channel.id}>"
        if message.id in self.copies:
            await self.copies[message.id].edit(content=text, embed=embed)
            await channel.send("edited")
        else:
            self.copies[message.id] = await channel.send(text, embed=embed)
            await message.add_reaction(STAR)

    async def on_message(self, message: discord.Message) -> None:
        if message.content == "clear" and message.reference:
            starred = message.reference.resolved or await message.channel.fetch_message(
                message.reference.message_id
            )
            await starred.clear_reactions()


Starboard().run(os.environ["DISCORD_TOKEN"])
