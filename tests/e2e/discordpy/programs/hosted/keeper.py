"""Serves its own health page from a thread."""

import os
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import discord
from discord.ext import commands

WORD = "first"


class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"{WORD} {os.getpid()}".encode())


Thread(target=HTTPServer(("127.0.0.1", int(os.environ["PAGE_PORT"])), Page).serve_forever).start()
bot = commands.Bot("!", intents=discord.Intents.all())


@bot.command()
async def word(ctx):
    await ctx.send(f"{WORD} {os.getpid()}")


bot.run(os.environ["TOKEN"])
