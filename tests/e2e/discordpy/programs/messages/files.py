"""Files: reads uploads, sends images in embeds, edits attachments, shows typing."""

import io
import os
import zlib

import discord
from discord import app_commands
from discord.ext import commands

bot = commands.Bot("!", intents=discord.Intents.all())


@bot.event
async def on_message(message: discord.Message) -> None:
    if message.author.bot:
        return
    for attachment in message.attachments:
        data = await attachment.read()
        copy = await attachment.to_file(filename=f"copy-{attachment.filename}")
        await message.reply(
            f"{attachment.filename} {attachment.size} {zlib.crc32(data)} {attachment.content_type}", file=copy
        )
    await bot.process_commands(message)


@bot.command()
async def picture(ctx: commands.Context) -> None:
    async with ctx.typing():
        embed = (
            discord.Embed(title="Picture")
            .set_image(url="attachment://p.png")
            .set_thumbnail(url="attachment://q.png")
        )
        files = [
            discord.File(io.BytesIO(b"\x89PNG"), "p.png"),
            discord.File(io.BytesIO(b"\x89PNG"), "q.png", spoiler=True),
        ]
    sent = await ctx.send(embed=embed, files=files)
    await ctx.send(f"{[a.filename for a in sent.attachments]} {[a.is_spoiler() for a in sent.attachments]}")
    await sent.add_files(discord.File(io.BytesIO(b"more"), "more.txt"))
    edited = await sent.remove_attachments(sent.attachments[0])
    await ctx.send(f"{[a.filename for a in edited.attachments]}")


@bot.command()
async def mention(ctx: commands.Context, member: discord.Member) -> None:
    nobody = discord.AllowedMentions(users=False, roles=False, everyone=False, replied_user=False)
    sent = await ctx.reply(f"@everyone {member.mention}", allowed_mentions=nobody)
    fetched = await ctx.fetch_message(sent.id)
    loud = await ctx.send(
        f"{member.mention} {ctx.author.mention}", allowed_mentions=discord.AllowedMentions(users=[member])
    )
    await ctx.send(
        f"{[m.name for m in fetched.mentions]} {fetched.mention_everyone} {[m.name for m in loud.mentions]}"
    )


@bot.command()
async def forward(ctx: commands.Context) -> None:
    sent = await ctx.send("original", suppress_embeds=True, silent=True)
    copy = await sent.forward(ctx.channel)
    await ctx.send(f"{copy.message_snapshots[0].content} {copy.reference.type.name} {sent.flags.value}")
    await sent.pin()
    pins = [m.content async for m in ctx.channel.pins()]
    await sent.unpin()
    await ctx.send(
        f"{pins} {[m.content async for m in ctx.channel.history(limit=3) if m.author == bot.user][-1]}"
    )


@bot.tree.command()
@app_commands.describe(file="any file", note="words")
async def store(
    interaction: discord.Interaction, file: discord.Attachment | None = None, note: str | None = None
) -> None:
    """Keep a file"""
    await interaction.response.send_message(f"{file} {note}")


@bot.event
async def setup_hook() -> None:
    await bot.tree.sync()


bot.run(os.environ["DISCORD_TOKEN"])
