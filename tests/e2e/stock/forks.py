"""What the bots of discord.py's forks answer to words: this part of their API is the same in all of them."""

from __future__ import annotations

import datetime
import io
from collections.abc import Awaitable, Callable
from typing import Any

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)


class Words:
    """Answers to "!word" with the method of that name; ``lib`` is the library's module."""

    def __init__(self, lib: Any, bot: Any, panel: Callable[[], dict[str, Any]]) -> None:
        self.lib = lib
        self.bot = bot
        self.components = panel
        self.noted = 0

    async def on_message(self, message: Any) -> None:
        if message.author.bot or message.guild is None:
            if message.content == "Picture" and message.embeds:
                await message.channel.send(f"Seen {message.embeds[0].type}")
            return
        if message.content == "delete me":
            self.noted = message.id
            await message.channel.send("noted")
        if message.content.startswith("!"):
            handler: Callable[[Any], Awaitable[None]] = getattr(self, message.content[1:])
            await handler(message)

    async def on_message_edit(self, _before: Any, after: Any) -> None:
        if not after.author.bot and after.content == "edited":
            await after.channel.send(f"Edited: {after.content}")

    async def on_raw_message_delete(self, event: Any) -> None:
        if event.message_id == self.noted:
            await self.bot.get_channel(event.channel_id).send("Deleted")

    async def on_raw_reaction_add(self, event: Any) -> None:
        if event.user_id != self.bot.user.id:
            await self.bot.get_channel(event.channel_id).send(f"Reacted {event.emoji}")

    async def on_member_join(self, member: Any) -> None:
        await self.general().send(f"Welcome {member.name}")

    async def on_thread_create(self, thread: Any) -> None:
        if thread.owner_id != self.bot.user.id:
            await self.general().send(f"Thread {thread.name}")

    async def on_typing(self, channel: Any, user: Any, _when: Any) -> None:
        if user.id != self.bot.user.id:
            await channel.send(f"Typing {user.id}")

    async def on_voice_state_update(self, member: Any, _before: Any, after: Any) -> None:
        if after.channel is not None:
            await self.general().send(f"Voice {member.id}")

    async def on_presence_update(self, _before: Any, after: Any) -> None:
        await self.general().send(f"Presence {after.id} {after.status}")

    def general(self) -> Any:
        return next(each for each in self.bot.get_all_channels() if each.name == "general")

    # Words

    async def ping(self, message: Any) -> None:
        await message.reply("Pong!")

    async def embed(self, message: Any) -> None:
        embed = self.lib.Embed(title="T", description="D").add_field(name="a", value="b")
        embed.set_image(url="attachment://a.png")
        await message.channel.send("Picture", embed=embed, file=self.lib.File(io.BytesIO(PIXEL), "a.png"))

    async def panel(self, message: Any) -> None:
        await message.channel.send("Panel", **self.components())

    async def react(self, message: Any) -> None:
        await message.add_reaction("🎉")
        await message.add_reaction("👍")
        await message.remove_reaction("👍", self.bot.user)
        await message.channel.send("reacted")

    async def thread(self, message: Any) -> None:
        thread = await message.create_thread(name="talk")
        await thread.send("inside")
        await message.channel.send("threaded")

    async def dm(self, message: Any) -> None:
        await message.author.send("psst")
        await message.channel.send("sent")

    async def role(self, message: Any) -> None:
        role = await message.guild.create_role(name="new", reason="a reason ü")
        await role.edit(hoist=True, mentionable=True)
        await message.author.add_roles(role)
        await message.author.remove_roles(role)
        await role.delete()
        await message.channel.send("role done")

    async def webhook(self, message: Any) -> None:
        hook = await message.channel.create_webhook(name="hook", avatar=PIXEL)
        sent = await hook.send("hook", username="Herald", wait=True)
        await hook.edit_message(sent.id, content="by hook")
        assert hook.id in [each.id for each in await message.channel.webhooks()]
        await hook.delete()
        await message.channel.send("webhook done")

    async def members(self, message: Any) -> None:
        found = await message.guild.query_members("al", limit=5)
        assert [each.name for each in found] == ["alice"]
        await message.channel.send(f"members {len(message.guild.members)}")

    async def channel(self, message: Any) -> None:
        made = await message.guild.create_text_channel("made", topic="a topic")
        await made.edit(topic="another", slowmode_delay=3)
        await made.set_permissions(message.guild.default_role, send_messages=False)
        await made.delete()
        voice = await message.guild.create_voice_channel("voice")
        await voice.delete()
        await message.channel.send("channel done")

    async def history(self, message: Any) -> None:
        found = [each async for each in message.channel.history(limit=100)]
        await message.channel.send(f"history starts with {found[0].content}")

    async def purge(self, message: Any) -> None:
        random = next(each for each in message.guild.text_channels if each.name == "random")
        await message.channel.send(f"purged {len(await random.purge(limit=10))}")

    async def poll(self, message: Any) -> None:
        raise NotImplementedError

    async def layout(self, message: Any) -> None:
        raise NotImplementedError

    async def idle(self, message: Any) -> None:
        await self.bot.change_presence(activity=self.lib.Game("chess"), status=self.lib.Status.idle)
        await message.channel.send("idling")

    async def rest(self, message: Any) -> None:
        guild, channel = message.guild, message.channel
        async with channel.typing():
            pass
        await message.pin()
        await message.unpin()
        invite = await channel.create_invite(max_age=60)
        assert invite.code in [each.code for each in await guild.invites()]
        await self.bot.fetch_invite(invite.code)
        await invite.delete()
        emoji = await guild.create_custom_emoji(name="dot", image=PIXEL)
        await emoji.edit(name="point")
        await emoji.delete()
        bob = next(each for each in guild.members if each.name == "bob")
        await bob.edit(nick="Bobby")
        assert (await guild.fetch_member(bob.id)).nick == "Bobby"
        await bob.ban(reason="rude")
        assert (await guild.fetch_ban(bob)).reason == "rude"
        await guild.unban(bob)
        assert (await self.bot.fetch_user(bob.id)).name == "bob"
        assert (await self.bot.fetch_guild(guild.id)).name == "Sandbox"
        assert len(await guild.fetch_channels()) >= 3
        assert len(await guild.fetch_roles()) >= 3
        assert (await channel.fetch_message(message.id)).content == "!rest"
        assert [each async for each in guild.audit_logs(limit=5)]
        await self.scheduled_event(guild)
        await message.clear_reactions()
        await channel.send("rest done")

    async def scheduled_event(self, guild: Any) -> None:
        start = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)
        lib = self.lib
        event = await guild.create_scheduled_event(
            name="party",
            scheduled_start_time=start,
            scheduled_end_time=start + datetime.timedelta(hours=1),
            entity_type=lib.GuildScheduledEventEntityType.external,
            entity_metadata=lib.GuildScheduledEventMetadata(location="here"),
        )
        await event.delete()
