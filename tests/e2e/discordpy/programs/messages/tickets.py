"""Support tickets: a panel with a button, private threads, a transcript as a file."""

import io
import os

import discord
from discord.ext import commands


class Close(discord.ui.View):
    def __init__(self) -> None:
        super().__init__(timeout=None)

    @discord.ui.button(label="Close", style=discord.ButtonStyle.danger, custom_id="tickets:close")
    async def close(self, interaction: discord.Interaction, button: discord.ui.Button) -> None:
        thread = interaction.channel
        lines = [f"{m.author.name}: {m.content}" async for m in thread.history(limit=50, oldest_first=True)]
        await interaction.response.send_message(f"closed by {interaction.user.mention}")
        transcript = discord.File(io.BytesIO("\n".join(lines).encode()), filename="transcript.txt")
        await thread.parent.send(f"transcript of {len(lines)} messages", file=transcript)
        await thread.edit(archived=True, locked=True)


class Open(discord.ui.View):
    def __init__(self) -> None:
        super().__init__(timeout=None)

    @discord.ui.button(label="Open a ticket", emoji="🎫", custom_id="tickets:open")
    async def open(self, interaction: discord.Interaction, button: discord.ui.Button) -> None:
        thread = await interaction.channel.create_thread(
            name=f"ticket-{interaction.user.name}", type=discord.ChannelType.private_thread, invitable=False
        )
        await thread.add_user(interaction.user)
        embed = discord.Embed(title="Ticket", description="What is it?", colour=discord.Colour.blurple())
        embed.set_footer(text=f"for {interaction.user.display_name}")
        embed.add_field(name="State", value="open", inline=False)
        await thread.send(interaction.user.mention, embed=embed, view=Close())
        await interaction.response.send_message(f"see {thread.name}", ephemeral=True)


class Tickets(commands.Cog):
    def __init__(self, bot: commands.Bot) -> None:
        self.bot = bot

    @commands.command()
    @commands.has_permissions(kick_members=True)
    async def panel(self, ctx: commands.Context) -> None:
        await ctx.send("Need help?", view=Open())

    @commands.Cog.listener()
    async def on_thread_create(self, thread: discord.Thread) -> None:
        await thread.parent.send(
            f"created {thread.name} private={thread.is_private()} {thread.owner_id == self.bot.user.id}"
        )

    @commands.Cog.listener()
    async def on_thread_update(self, before: discord.Thread, after: discord.Thread) -> None:
        await after.parent.send(f"{after.name}: archived {before.archived} -> {after.archived}")

    @commands.command()
    async def threads(self, ctx: commands.Context) -> None:
        active = [t.name for t in await ctx.guild.active_threads()]
        archived = [t.name async for t in ctx.channel.archived_threads(private=True)]
        await ctx.send(f"{active} {archived} {[t.name for t in ctx.channel.threads]}")


class TicketBot(commands.Bot):
    async def setup_hook(self) -> None:
        self.add_view(Open())
        self.add_view(Close())
        await self.add_cog(Tickets(self))


intents = discord.Intents.default()
intents.message_content = True
TicketBot(command_prefix="!", intents=intents).run(os.environ["DISCORD_TOKEN"], log_handler=None)
