"""A stock hikari bot in a process of its own. Run as: hikari_bot.py API_URL TOKEN."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

from support.network import loopback

loopback.install()

import hikari  # noqa: E402 - after the way off this machine is closed


def main(api_url: str, token: str) -> None:
    bot = hikari.GatewayBot(token, rest_url=api_url, banner=None, logs="WARNING", intents=hikari.Intents.ALL)

    @bot.listen()
    async def on_ready(event: hikari.ShardReadyEvent) -> None:
        print("ready", event.shard.id, event.my_user.username, flush=True)

    @bot.listen()
    async def on_message(event: hikari.MessageCreateEvent) -> None:
        if event.content == "!ping" and event.is_human:
            await event.message.respond("Pong!", reply=True)

    @bot.listen()
    async def on_resumed(event: hikari.ShardResumedEvent) -> None:
        print("resumed", event.shard.id, flush=True)

    bot.run(check_for_updates=False)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
