"""Scheduled events, stages, and the events about them."""

import asyncio
import datetime
import os

import discord
from discord.ext import commands

bot = commands.Bot("!", intents=discord.Intents.all())
bot.heard = []


@bot.event
async def on_scheduled_event_create(event: discord.ScheduledEvent) -> None:
    bot.heard.append(f"create {event.name} {event.status.name}")


@bot.event
async def on_scheduled_event_update(before: discord.ScheduledEvent, after: discord.ScheduledEvent) -> None:
    bot.heard.append(f"update {before.name}>{after.name} {before.status.name}>{after.status.name}")


@bot.event
async def on_scheduled_event_delete(event: discord.ScheduledEvent) -> None:
    bot.heard.append(f"delete {event.name}")


@bot.event
async def on_stage_instance_create(stage: discord.StageInstance) -> None:
    bot.heard.append(f"stage {stage.topic}")


async def pause() -> None:
    """Wait between changes: two at once may look like one."""
    await asyncio.sleep(0.4)


@bot.command()
async def meet(ctx: commands.Context) -> None:
    start = discord.utils.utcnow() + datetime.timedelta(days=1)
    event = await ctx.guild.create_scheduled_event(
        name="Meeting",
        start_time=start,
        end_time=start + datetime.timedelta(hours=1),
        entity_type=discord.EntityType.external,
        location="the park",
        privacy_level=discord.PrivacyLevel.guild_only,
    )
    await pause()
    event = await event.edit(name="Party", description="bring cake")
    await pause()
    event = await event.start()
    found = await ctx.guild.fetch_scheduled_events()
    await pause()
    await ctx.send(
        f"{[(e.name, e.location, e.status.name) for e in found]}"
        f" {[e.name for e in ctx.guild.scheduled_events]}"
    )
    await event.end()
    await pause()
    other = await ctx.guild.create_scheduled_event(
        name="Talk",
        start_time=start,
        entity_type=discord.EntityType.voice,
        channel=ctx.guild.voice_channels[0],
        privacy_level=discord.PrivacyLevel.guild_only,
    )
    await pause()
    users = [user.name async for user in other.users()]
    await other.delete()
    await pause()
    await ctx.send(f"{users} {bot.heard} {len(ctx.guild.scheduled_events)}")


@bot.command()
async def stage(ctx: commands.Context) -> None:
    channel = await ctx.guild.create_stage_channel("Stage")
    instance = await channel.create_instance(topic="Welcome")
    await pause()
    await instance.edit(topic="Hello")
    await pause()
    await ctx.send(f"{channel.instance.topic} {[i.topic for i in ctx.guild.stage_instances]}")
    await instance.delete()
    await channel.delete()


@bot.event
async def on_command_error(ctx: commands.Context, error: commands.CommandError) -> None:
    await ctx.send(f"{type(error.__cause__).__name__}: {str(error)[:150]}")


bot.run(os.environ["DISCORD_TOKEN"])
