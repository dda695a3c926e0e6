"""The source of the end-to-end tests' bot, which records the messages it handles in a ledger."""

from __future__ import annotations

__all__ = ["STYLES", "source"]

STYLES = ("plain", "asynchronous", "ordered")
"""How its handler is written: plain, async, or async with an await and ``ordered=True``."""

APP = '''
"""Records the messages it handles, in one of three styles."""

import asyncio
import os

from nescord_core import RestClient, WsListener

VERSION = "{version}"
STYLE = "{style}"
ECHO_EVERY = {echo_every}
FILE = os.open(os.environ["NESCORD_TEST_LEDGER"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
listener = WsListener()
# On a busy machine the service may take a while to restart.
rest = RestClient(patience=60.0)


def note(message, event):
    load, _, number = message.content.partition(" ")
    row = (load, message.guild_id, number, int(event.redelivered), os.getpid(), VERSION)
    os.write(FILE, (" ".join(map(str, row)) + "\\n").encode())


def is_load(message):
    return not message.author.bot and message.content.partition(" ")[2].isdecimal()


async def answer(message):
    if message.content.startswith("!slow "):
        await asyncio.sleep(3)
    elif message.content == "!ping" and not message.author.bot:
        await rest.create_message(message.channel_id, content=f"Pong {{VERSION}}")
    elif ECHO_EVERY and is_load(message) and int(message.content.split()[1]) % ECHO_EVERY == 0:
        await rest.create_message(message.channel_id, content=f"echo {{message.content}}")


def plain(message, event):
    if is_load(message):
        note(message, event)
    return answer(message)


async def asynchronous(message, event):
    if is_load(message):
        note(message, event)
    await asyncio.sleep(0.005)
    await answer(message)


async def ordered(message, event):
    await asyncio.sleep(0.02)
    if is_load(message):
        note(message, event)
    await answer(message)


listener.on("message_create", ordered=STYLE == "ordered")(globals()[STYLE])
'''


def source(version: str = "v1", style: str = "plain", echo_every: int = 0) -> str:
    """Return the module: it answers !ping with ``Pong VERSION`` and echoes every n-th message of a load."""
    return APP.format(version=version, style=style, echo_every=echo_every)
