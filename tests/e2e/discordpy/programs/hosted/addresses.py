"""Requests whatever discord.py can: pictures, stickers, webhooks of its own sessions, invites."""

import base64
import os

import aiohttp
import discord
from discord import http
from discord.ext import commands

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="
)
bot = commands.Bot("!", intents=discord.Intents.all())
early = discord.SyncWebhook.from_url(os.environ["EARLY_WEBHOOK"]) if os.environ.get("EARLY_WEBHOOK") else None
if early is not None:
    early.send("early")


async def last(ctx):
    """Return the last message of a webhook."""
    async for each in ctx.channel.history(limit=9):
        if each.webhook_id:
            return each.content
    return None


@bot.command()
async def pictures(ctx):
    avatar = await ctx.author.display_avatar.read()
    icon = await (await ctx.guild.edit(icon=PIXEL)).icon.read()
    made = await ctx.guild.create_custom_emoji(name="dot", image=PIXEL)
    emoji = await made.read()
    own = await (await bot.user.edit(avatar=PIXEL)).display_avatar.with_size(64).read()
    await ctx.send(f"{avatar[:4] == PIXEL[:4]} {[icon, emoji, own] == [PIXEL] * 3}")


@bot.command()
async def missing(ctx):
    item = {"id": "5", "name": "wave", "format_type": 4}
    wave = discord.StickerItem(state=bot._connection, data=item)
    activity = discord.Activity(name="a", application_id=6, assets={"large_image": "mp:external/x.png"})
    fetched = discord.Asset(bot._connection, url="https://media.discordapp.net/stickers/5.gif", key="5")
    answers = []
    for asset in (wave, fetched):
        try:
            await asset.read()
        except discord.NotFound:
            answers.append(404)
    here = all(os.environ["SANDBOX_PAGE"] in url for url in (wave.url, activity.large_image_url))
    await ctx.send(f"{answers} {here}")


@bot.command()
async def webhooks(ctx):
    hook = await ctx.channel.create_webhook(name="hook")
    async with aiohttp.ClientSession() as session:
        webhook = discord.Webhook.from_url(hook.url, session=session)
        await webhook.send("own session", username="one")
        assert (await webhook.fetch()).id == hook.id
    await ctx.send(f"{await last(ctx)} {hook.url}")


@bot.command()
async def synchronous(ctx, url):
    sync = discord.SyncWebhook.from_url(url)
    await bot.loop.run_in_executor(None, lambda: sync.send("sync", username="two", wait=True))
    await ctx.send(await last(ctx))


@bot.command()
async def before(ctx):
    await ctx.send(await last(ctx))


@bot.command()
async def invites(ctx):
    http._set_api_version(9)
    made = await ctx.channel.create_invite()
    found = await bot.fetch_invite(f"https://discord.gg/{made.code}")
    template = await ctx.guild.create_template(name="t")
    same = await bot.fetch_template(f"https://discord.new/{template.code}")
    await ctx.send(f"{found.guild.id == ctx.guild.id} {same.code == template.code} {http.Route.BASE[-3:]}")


bot.run(os.environ["TOKEN"])
