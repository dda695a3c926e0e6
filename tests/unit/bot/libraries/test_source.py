from __future__ import annotations

import ast

import pytest

from nescord_core.bot.libraries.source import library_of, library_of_type, refusal

COMMANDS = "from {0}.ext import commands\nbot = commands.Bot('!')\n"


@pytest.mark.parametrize(
    ("source", "name"),
    [
        (COMMANDS.format("discord"), "discord.py"),
        ("import discord\nclient = discord.Client(intents=discord.Intents.all())\n", "discord.py"),
        (
            "import discord\nfrom discord import app_commands\n@app_commands.command()\ndef x(): ...\n",
            "discord.py",
        ),
        ("try:\n    import nextcord as discord\nexcept ImportError:\n    import discord\n", "discord.py"),
        (COMMANDS.format("nextcord"), "nextcord"),
        ("import nextcord as discord\nclient = discord.Client()\n", "nextcord"),
        (COMMANDS.format("disnake"), "disnake"),
        ("from interactions import Client, listen\n", "interactions.py"),
        ("import interactions.ext.prefixed_commands\n", "interactions.py"),
        ("import hikari\nbot = hikari.GatewayBot('x')\n", "hikari"),
        ("import lightbulb\n", "hikari"),
        ("import hikari, arc\n", "hikari"),
        ("import discord\nbot = discord.Bot()\n", "py-cord"),
        ("import discord as d\n@bot.command()\nasync def x(c: d.ApplicationContext): ...\n", "py-cord"),
        ("from discord import option\n", "py-cord"),
        ("from discord.commands import SlashCommandGroup\n", "py-cord"),
        ("import discord\nfrom discord.ext import bridge\n", "py-cord"),
        ("import aiohttp, arc\n", None),
        ("from . import nextcord\n", None),
    ],
)
def test_the_library_is_told_by_what_is_imported(source: str, name: str | None) -> None:
    found = library_of(ast.parse(source))
    assert (found and found.name) == name


def test_a_class_is_told_by_the_modules_of_its_bases() -> None:
    base = type("Bot", (), {"__module__": "nextcord.ext.commands.bot"})
    found = library_of_type(type("Mine", (base,), {}))
    assert found is not None
    assert found.name == "nextcord"
    assert library_of_type(dict) is None


def test_a_refusal_says_how_to_point_the_library_at_the_sandbox() -> None:
    pycord = library_of(ast.parse("import discord\nbot = discord.Bot()\n"))
    assert pycord is not None
    message, hint = refusal(pycord, "bot.py")
    assert message == "bot.py is written for py-cord, and main hosts discord.py bots"
    assert 'discord.http.Route.API_BASE_URL = "http://127.0.0.1:7400/api/v{API_VERSION}"' in hint
