"""A forum: tags, posts, answers, and the events about them."""

import asyncio
import os

import discord
from discord.ext import commands

bot = commands.Bot("!", intents=discord.Intents.all())
bot.heard = []


@bot.event
async def on_thread_create(thread: discord.Thread) -> None:
    tags = [tag.name for tag in thread.applied_tags]
    bot.heard.append(f"post {thread.name} {tags} in {type(thread.parent).__name__}")


@bot.event
async def on_thread_delete(thread: discord.Thread) -> None:
    bot.heard.append(f"gone {thread.name}")


@bot.event
async def on_raw_thread_update(payload: discord.RawThreadUpdateEvent) -> None:
    bot.heard.append(f"updated {payload.thread.name if payload.thread else None}")


@bot.event
async def on_thread_member_join(member: discord.ThreadMember) -> None:
    bot.heard.append("member")


@bot.command()
async def board(ctx: commands.Context) -> None:
    forum = await ctx.guild.create_forum(
        "board",
        topic="Ask here",
        available_tags=[
            discord.ForumTag(name="Question", emoji="❓"),
            discord.ForumTag(name="Done", moderated=True),
        ],
        default_reaction_emoji="👍",
    )
    await forum.create_tag(name="Late")
    forum = await ctx.guild.fetch_channel(forum.id)
    question = discord.utils.get(forum.available_tags, name="Question")
    made = await forum.create_thread(name="How?", content="like this", applied_tags=[question])
    await made.thread.send("an answer")
    await asyncio.sleep(0.5)
    await made.thread.edit(name="How!", applied_tags=[])
    await asyncio.sleep(0.5)
    cached = ctx.guild.get_channel(forum.id)
    await ctx.send(
        f"{[t.name for t in cached.available_tags]} {[t.name for t in cached.threads]} {made.message.content}"
        f" {made.thread.get_partial_message(made.message.id).id == made.thread.id}"
    )
    await made.thread.delete()
    await forum.delete()
    await asyncio.sleep(0.5)
    await ctx.send(f"{bot.heard} {ctx.guild.get_channel(forum.id)} {len(ctx.guild.forums)}")


bot.run(os.environ["DISCORD_TOKEN"])
