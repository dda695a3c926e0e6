"""Logs what happens in a guild, with logging configured by the bot itself."""

import asyncio
import logging
import logging.config
import os

import discord
from discord.ext import commands

logging.config.dictConfig(
    {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"plain": {"format": "%(levelname)s %(name)s %(message)s"}},
        "handlers": {"out": {"class": "logging.StreamHandler", "formatter": "plain"}},
        "root": {"level": "INFO", "handlers": ["out"]},
    }
)
log = logging.getLogger("watching")


class Watching(commands.Cog):
    def __init__(self, bot: commands.Bot) -> None:
        self.bot = bot
        self.lines: list[str] = []

    def note(self, line: str) -> None:
        log.info("%s", line)
        self.lines.append(line)

    @commands.command()
    async def log(self, ctx: commands.Context) -> None:
        lines, self.lines = self.lines, []
        await ctx.send("\n".join(lines)[:1900] or "nothing")

    @commands.Cog.listener()
    async def on_message_edit(self, before: discord.Message, after: discord.Message) -> None:
        self.note(f"edit {before.content} > {after.content}")

    @commands.Cog.listener()
    async def on_raw_message_edit(self, payload: discord.RawMessageUpdateEvent) -> None:
        self.note(f"raw edit cached={payload.cached_message is not None} {payload.message.content}")

    @commands.Cog.listener()
    async def on_message_delete(self, message: discord.Message) -> None:
        self.note(f"delete {message.content}")

    @commands.Cog.listener()
    async def on_bulk_message_delete(self, messages: list[discord.Message]) -> None:
        self.note(f"bulk {sorted(m.content for m in messages)}")

    @commands.Cog.listener()
    async def on_member_update(self, before: discord.Member, after: discord.Member) -> None:
        gained = [role.name for role in after.roles if role not in before.roles]
        lost = [role.name for role in before.roles if role not in after.roles]
        self.note(f"member {after.name} +{gained} -{lost} {before.nick} > {after.nick}")

    @commands.Cog.listener()
    async def on_guild_channel_create(self, channel: discord.abc.GuildChannel) -> None:
        self.note(f"channel + {channel.name} {channel.type} in {channel.category}")

    @commands.Cog.listener()
    async def on_guild_channel_update(
        self, before: discord.abc.GuildChannel, after: discord.abc.GuildChannel
    ) -> None:
        self.note(f"channel {before.name} > {after.name} {before.topic} > {after.topic}")

    @commands.Cog.listener()
    async def on_guild_channel_delete(self, channel: discord.abc.GuildChannel) -> None:
        self.note(f"channel - {channel.name}")

    @commands.Cog.listener()
    async def on_guild_role_create(self, role: discord.Role) -> None:
        self.note(f"role + {role.name} {role.permissions.value} of {len(role.guild.roles)}")

    @commands.Cog.listener()
    async def on_guild_role_update(self, before: discord.Role, after: discord.Role) -> None:
        self.note(f"role {before.name} > {after.name} {before.colour} > {after.colour}")

    @commands.Cog.listener()
    async def on_guild_role_delete(self, role: discord.Role) -> None:
        self.note(f"role - {role.name}")

    @commands.Cog.listener()
    async def on_voice_state_update(
        self, member: discord.Member, before: discord.VoiceState, after: discord.VoiceState
    ) -> None:
        self.note(f"voice {member.name} {before.channel} > {after.channel} muted={after.self_mute}")

    @commands.Cog.listener()
    async def on_typing(self, channel: discord.abc.Messageable, user: discord.Member, when: object) -> None:
        self.note(f"typing {user.name} in {channel}")

    @commands.Cog.listener()
    async def on_member_join(self, member: discord.Member) -> None:
        self.note(f"join {member.name} {member.guild.member_count}")

    @commands.Cog.listener()
    async def on_raw_member_remove(self, payload: discord.RawMemberRemoveEvent) -> None:
        self.note(f"leave {payload.user.name} cached={isinstance(payload.user, discord.Member)}")

    @commands.Cog.listener()
    async def on_guild_channel_pins_update(self, channel: discord.TextChannel, last: object) -> None:
        self.note(f"pins {channel.name} {last is not None}")

    @commands.Cog.listener()
    async def on_guild_update(self, before: discord.Guild, after: discord.Guild) -> None:
        self.note(f"guild {before.name} > {after.name}")

    @commands.Cog.listener()
    async def on_audit_log_entry_create(self, entry: discord.AuditLogEntry) -> None:
        self.note(f"audit {entry.action.name} by {entry.user}")

    @commands.Cog.listener()
    async def on_webhooks_update(self, channel: discord.TextChannel) -> None:
        self.note(f"webhooks {channel.name}")

    @commands.Cog.listener()
    async def on_guild_join(self, guild: discord.Guild) -> None:
        self.note(f"joined {guild.name} {guild.member_count} {len(guild.members)}")

    @commands.Cog.listener()
    async def on_guild_remove(self, guild: discord.Guild) -> None:
        self.note(f"left {guild.name}")

    @commands.command()
    async def rename(self, ctx: commands.Context, name: str) -> None:
        old = ctx.guild.name
        await ctx.guild.edit(name=name, reason="why not")
        await asyncio.sleep(0.4)  # two changes at once may look like one
        await ctx.guild.edit(name=old)
        hook = await ctx.channel.create_webhook(name="w")
        await hook.delete()
        await ctx.send("renamed")

    @commands.Cog.listener()
    async def on_error(self, *_: object) -> None:
        self.note("error")


class WatchingBot(commands.Bot):
    async def setup_hook(self) -> None:
        await self.add_cog(Watching(self))


bot = WatchingBot(command_prefix="!", intents=discord.Intents.all())
bot.run(os.environ["DISCORD_TOKEN"], log_handler=None)
