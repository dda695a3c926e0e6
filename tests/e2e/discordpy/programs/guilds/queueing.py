"""A music bot's queue without the sound: a player task, buttons, a voice channel."""

import asyncio
import contextlib
import os

import discord
from discord.ext import commands


class Silent(discord.VoiceProtocol):
    """Records the events of a voice connection, as clients of a sound server do."""

    def __init__(self, client: discord.Client, channel: discord.VoiceChannel) -> None:
        super().__init__(client, channel)
        self.guild = channel.guild
        self.complete = asyncio.Event()
        self.session = self.server = None

    async def on_voice_server_update(self, data: dict) -> None:
        self.server = data
        self.check()

    async def on_voice_state_update(self, data: dict) -> None:
        self.session = data["session_id"]
        self.channel = self.guild.get_channel(int(data["channel_id"] or 0))
        self.check()

    def check(self) -> None:
        if self.session and self.server:
            self.complete.set()

    async def connect(
        self, *, timeout: float, reconnect: bool, self_deaf: bool = False, self_mute: bool = False
    ) -> None:
        await self.guild.change_voice_state(channel=self.channel, self_deaf=self_deaf, self_mute=self_mute)
        await asyncio.wait_for(self.complete.wait(), timeout)

    async def disconnect(self, *, force: bool = False) -> None:
        await self.guild.change_voice_state(channel=None)
        self.cleanup()


class Player:
    def __init__(self, ctx: commands.Context) -> None:
        self.channel = ctx.channel
        self.queue: asyncio.Queue[str] = asyncio.Queue()
        self.skip = asyncio.Event()
        self.current: str | None = None
        self.task = ctx.bot.loop.create_task(self.play())

    async def play(self) -> None:
        while True:
            self.current = await self.queue.get()
            self.skip.clear()
            await self.channel.send(f"now playing {self.current}", view=Controls(self))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.skip.wait(), timeout=60)
            self.current = None


class Controls(discord.ui.View):
    def __init__(self, player: Player) -> None:
        super().__init__(timeout=None)
        self.player = player

    @discord.ui.button(emoji="⏭️", label="skip")
    async def skip(self, interaction: discord.Interaction, button: discord.ui.Button) -> None:
        await interaction.response.send_message("skipped")
        self.player.skip.set()


class Music(commands.Cog):
    def __init__(self, bot: commands.Bot) -> None:
        self.bot = bot
        self.players: dict[int, Player] = {}

    @commands.command()
    async def play(self, ctx: commands.Context, *, song: str) -> None:
        player = (
            self.players.setdefault(ctx.guild.id, Player(ctx))
            if ctx.guild.id not in self.players
            else self.players[ctx.guild.id]
        )
        await player.queue.put(song)
        await ctx.send(f"queued {song} ({player.queue.qsize()})")

    @commands.command()
    async def queue(self, ctx: commands.Context) -> None:
        player = self.players[ctx.guild.id]
        await ctx.send(f"{player.current}: {list(player.queue._queue)}")

    @commands.command()
    async def join(self, ctx: commands.Context) -> None:
        if ctx.author.voice is None:
            await ctx.send("where are you?")
            return
        voice = await ctx.author.voice.channel.connect(cls=Silent, self_deaf=True, timeout=10)
        state = ctx.guild.me.voice
        await ctx.send(
            f"in {voice.channel} {ctx.voice_client is voice} {sorted(voice.server)} {state.channel}"
            f" {state.self_deaf}"
            f" {[m.name for m in voice.channel.members]}"
        )

    @commands.command()
    async def leave(self, ctx: commands.Context) -> None:
        await ctx.voice_client.disconnect()
        await asyncio.sleep(0.3)
        await ctx.send(f"left {ctx.voice_client} {ctx.guild.me.voice}")


async def main() -> None:
    bot = commands.Bot("!", intents=discord.Intents.all())
    async with bot:
        await bot.add_cog(Music(bot))
        await bot.start(os.environ["DISCORD_TOKEN"])


asyncio.run(main())
