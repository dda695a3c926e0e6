"""An existing discord.py bot under `nescord dev`: turned into a project, commands synced, reloaded."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.network.http_relay import relay_thread
from support.processes.commands import until
from support.processes.phrases import RELOADED
from support.system.system import System

BOT = """
import os
import discord
from discord import app_commands

client = discord.Client(intents=discord.Intents.all())
tree = app_commands.CommandTree(client)
{commands}
client.run(os.environ["DISCORD_TOKEN"])
"""

COMMAND = """
@tree.command(description="{text}")
async def {name}(interaction: discord.Interaction) -> None:
    await interaction.response.send_message("{text}")
"""

PACKAGED = """
import argparse
from pathlib import Path
import discord
from discord.ext import commands
from .words import GREETING

arguments = argparse.ArgumentParser(prog=__package__)
arguments.add_argument("--prefix", default="?")
bot = commands.Bot(arguments.parse_args().prefix, intents=discord.Intents.all())


@bot.command()
async def greet(ctx):
    await ctx.send(GREETING + Path("mark.txt").read_text())


bot.run("its author's own token")
"""


def bot(**commands: str) -> str:
    return BOT.format(
        commands="".join(COMMAND.format(name=name, text=text) for name, text in commands.items())
    )


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    running = System(tmp_path / "bot")
    running.environ["NESCORD_IDENTIFY_WINDOW"] = "0.05"
    shutil.rmtree(running.directory)
    running.directory.mkdir()
    try:
        yield running
    finally:
        for each in running.started:
            print(each.output)
        running.close()


def save(system: System, text: str) -> None:
    fresh = system.directory / "bot.py~"
    fresh.write_text(text)
    fresh.replace(system.directory / "bot.py")


def use(system: System, name: str) -> str:
    body = {"channel": "general", "user": "alice", "command": name, "wait": 10}
    return str(system.sandbox("POST", "/interact", body)["message"]["content"])


def test_an_adopted_bots_changed_commands_are_synced_and_shown(system: System) -> None:
    save(system, bot(ping="pong", old="still there"))
    made = system.run("init", "--from", "bot.py")
    assert made.returncode == 0, made.stderr
    assert "app commands  /ping, /old" in made.stdout
    system.start_sandbox()
    dev = system.start_dev()
    dev.wait_for("commands synced: +/old +/ping")
    assert use(system, "ping") == "pong"
    save(system, bot(ping="pong!", roll="4"))
    dev.wait_for("commands synced: +/roll ~/ping -/old")
    assert use(system, "roll") == "4"
    assert use(system, "ping") == "pong!"
    count = dev.output.count("commands synced")
    save(system, bot(ping="pong!", roll="4") + "\n")
    until(lambda: dev.output.count(RELOADED) >= 2, "the reload")
    assert dev.output.count("commands synced") == count, "nothing has changed"


LATE = """
import asyncio
import discord
from discord.ext import commands


class Cog(commands.Cog):
    @discord.app_commands.command()
    async def late(self, interaction: discord.Interaction) -> None:
        await interaction.response.send_message("not too late")


bot = commands.Bot("!", intents=discord.Intents.all())


@bot.event
async def on_ready():
    await asyncio.sleep(0.2)
    await bot.add_cog(Cog())
    await bot.tree.sync()


bot.run("token")
"""


def test_what_a_bot_loads_and_syncs_when_it_is_ready_stays(system: System) -> None:
    save(system, LATE)
    (system.directory / "nescord.toml").write_text('[main]\nentry = "bot.py"\n[bot]\nintents = ["all"]\n')
    system.start_sandbox()
    dev = system.start_dev()
    dev.wait_for("commands synced: ~/late")
    assert use(system, "late") == "not too late"


ELSEWHERE = "127.0.0.2"
"""An address of this machine that does not count as a sandbox's."""

OWN_OF_GUILD = """
@tree.command(name="ping", description="{text}", guild=discord.Object({guild}))
async def own(interaction: discord.Interaction) -> None:
    await interaction.response.send_message("{text}")
"""


def test_with_discord_itself_commands_go_to_the_guild_that_was_named(system: System) -> None:
    save(system, bot(ping="pong", roll="4"))
    (system.directory / "nescord.toml").write_text('[main]\nentry = "bot.py"\n[bot]\nintents = ["all"]\n')
    system.start_sandbox()
    guild = system.guilds()[0]
    with relay_thread(f"http://127.0.0.1:{system.ports['sandbox']}", ELSEWHERE) as relay:
        system.environ |= {"DISCORD_API_URL": f"{relay.url}/api/v10", "NESCORD_COMMANDS_GUILD": guild}
        dev = system.start_dev()
        dev.wait_for(f"commands of guild {guild} synced: +/ping +/roll")
        assert use(system, "ping") == "pong"
        own = OWN_OF_GUILD.format(text="ours", guild=guild)
        save(system, bot(ping="pong").replace("client.run", f"{own}\nclient.run"))
        dev.wait_for(f"commands of guild {guild} synced: ~/ping -/roll")
        assert use(system, "ping") == "ours", "the guild's own command stands in for the one of all"
        sent = [each for each in relay.seen if "/commands" in each.path and each.method != "GET"]
    assert [(each.status, each.path.partition("/guilds/")[2]) for each in sent] == [
        (200, f"{guild}/commands")
    ] * 2


def test_a_bot_that_is_a_package_is_adopted_and_reloaded(system: System) -> None:
    """The bot runs as `python -m club`, with its files next to the package."""
    club = system.directory / "club"
    club.mkdir()
    (club / "__init__.py").touch()
    (club / "words.py").write_text('GREETING = "hello"\n')
    (club / "__main__.py").write_text(PACKAGED)
    (system.directory / "requirements.txt").touch()
    (system.directory / "mark.txt").write_text("!")
    made = system.run("init", "--from", "club/__main__.py")
    assert made.returncode == 0, made.stderr
    system.start_sandbox()
    dev = system.start_dev()
    assert system.ask("?greet") == "hello!"
    (club / "words.py").write_text('GREETING = "good evening"\n')
    dev.wait_for(" ms  club/words.py")
    assert system.ask("?greet") == "good evening!"
