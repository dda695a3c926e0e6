"""A sandbox with many large guilds, which changes at random on command.

Run as: big_world.py PORT GUILDS MEMBERS CHANNELS ROLES; BIG_WORLD_SHARDS is how many shards it recommends,
BIG_WORLD_SEED chooses the changes.
It answers each line of standard input with a line of JSON: ``change RATE`` begins to change guilds, roles,
channels and members (RATE events a second), ``hold`` ends that and answers how many events there were, and
``world`` answers what all guilds look like.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from simcord.backend.models import Overwrite
from simcord.enums import OverwriteType

from nescord_core.sandbox.server import Sandbox
from nescord_core.sandbox.world.lookup import ActionError
from nescord_core.sandbox.world.world import World
from nescord_core.settings import SandboxSettings
from support.discordpy.cache_digest import of_payload

TICK = 0.02
VOICE = 2


def furnish(world: World, guilds: int, members: int, channels: int, roles: int) -> None:
    """Create the guilds, the same ones every time; the sizes include what a new guild already has."""
    chance, model = random.Random(7), world.model
    people = [model.make_user(f"person{number}").id for number in range(max(members * 4, 40))]
    for number in range(guilds):
        guild = world.add_guild(f"Guild {number}")
        guild_id = int(guild["id"])
        with model.without_events():
            made = [
                model.create_role(
                    guild_id, f"role {each}", permissions=chance.getrandbits(30), color=chance.getrandbits(24)
                ).id
                for each in range(roles - len(model.guilds[guild_id].roles))
            ]
            category = model.create_channel(guild_id, "category", type=4).id
            for each in range(channels - len(model.guilds[guild_id].channel_ids)):
                overwrite = Overwrite(
                    target_id=chance.choice(made),
                    type=OverwriteType.ROLE,
                    allow=chance.getrandbits(10),
                    deny=chance.getrandbits(10) << 10,
                )
                topic = "of the guild" * 3
                model.create_channel(
                    guild_id, f"channel-{each}", topic=topic, parent_id=category, overwrites=[overwrite]
                )
            for person in chance.sample(people, members - len(model.guilds[guild_id].members)):
                given = chance.sample(made, min(3, len(made)))
                model.add_member(guild_id, person, roles=given, nick=chance.choice([None, "Nick"]))


class Changes:
    """Changes the world at random, at a steady rate of events."""

    def __init__(self, world: World, seed: int) -> None:
        self.count = 0
        self._world = world
        self._chance = random.Random(seed)
        self._task: asyncio.Task[None] | None = None
        world.subscribe(self._counted)

    def _counted(self, *_: object) -> None:
        self.count += 1

    def begin(self, rate: float) -> None:
        self.count = 0
        self._task = asyncio.get_running_loop().create_task(self._run(rate))

    async def hold(self) -> int:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        return self.count

    async def _run(self, rate: float) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        while True:
            while self.count < rate * (loop.time() - began):
                self.change()
            await asyncio.sleep(TICK)

    def change(self) -> None:
        """Change something; now and then there is nothing to change."""
        with suppress(ActionError):  # somebody joins who is there, leaves who is gone
            self._change()

    def _change(self) -> None:
        chance, model = self._chance, self._world.model
        guild = model.guilds[chance.choice(list(model.guilds))]
        member = chance.choice([each for each in guild.members if each != model.bot_user.id])
        role = chance.choice(list(guild.roles)[2:] or [guild.id])
        channel = chance.choice(list(guild.channel_ids))
        voice = [each for each in guild.channel_ids if model.channels[each].type == VOICE]
        word = f"{chance.getrandbits(24):x}"
        actions: tuple[Callable[[], Any], ...] = (
            lambda: self._world.join(f"new{word}", guild=guild.id),
            lambda: self._world.leave(member, guild=guild.id) if member != guild.owner_id else None,
            lambda: self._world.create_role(word, guild=guild.id, permissions=str(chance.getrandbits(30))),
            lambda: self._world.edit_role(role, guild=guild.id, name=word) if role != guild.id else None,
            lambda: self._world.delete_role(role, guild=guild.id) if len(guild.roles) > 5 else None,
            lambda: self._world.create_channel(word, guild=guild.id),
            lambda: self._world.edit_channel(channel, guild=guild.id, topic=word),
            lambda: self._world.delete_channel(channel) if len(guild.channel_ids) > 5 else None,
            lambda: model.edit_member(guild.id, member, {"nick": word}),
            lambda: self._world.give_role(member, role, guild=guild.id) if role != guild.id else None,
            lambda: model.edit_guild(guild.id, {"name": word}),
            lambda: self._world.voice_join(chance.choice(voice), member) if voice else None,
            lambda: self._world.voice_leave(member, guild=guild.id),
        )
        if chance.random() < 0.01:
            self._come_and_go(chance.random() < 0.5)
        else:
            chance.choice(actions)()

    def _come_and_go(self, comes: bool) -> None:
        guilds = list(self._world.model.guilds)
        if comes or len(guilds) < 4:
            self._world.add_guild()
        else:
            self._world.remove_guild(self._chance.choice(guilds))


async def serve(port: int, *size: int) -> None:
    shards = int(os.environ.get("BIG_WORLD_SHARDS", "1"))
    sandbox = Sandbox(SandboxSettings(port=port, guilds=1, identify_window=0.05, shards=shards))
    async with sandbox.running():
        furnish(sandbox.world, *size)
        changes = Changes(sandbox.world, int(os.environ.get("BIG_WORLD_SEED", "11")))
        say({"guilds": len(sandbox.world.guild_ids())})
        while line := await asyncio.to_thread(sys.stdin.readline):
            match line.split():
                case ["change", rate]:
                    changes.begin(float(rate))
                    say({})
                case ["hold"]:
                    say({"events": await changes.hold()})
                case ["world"]:
                    ids = sandbox.world.guild_ids()
                    say({str(each): of_payload(sandbox.world.guild_create(each)) for each in ids})


def say(answer: object) -> None:
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    asyncio.run(serve(*map(int, sys.argv[1:])))
