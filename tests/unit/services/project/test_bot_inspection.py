from __future__ import annotations

from pathlib import Path

import pytest

from nescord_core.errors import ConfigError
from nescord_core.events import Intents
from nescord_core.services.project.bot_inspection import BotFacts, inspect_bot

PROGRAMS = Path(__file__).parents[3] / "e2e" / "discordpy" / "programs"


def read(tmp_path: Path, source: str, **others: str) -> BotFacts:
    for name, text in others.items():
        path = tmp_path / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "bot.py").write_text(source)
    return inspect_bot(tmp_path / "bot.py", tmp_path)


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("x = discord.Intents.all()", ["all"]),
        ("x = Intents.none()\nx.guilds = True", ["guilds"]),
        ("x = discord.Intents.default()\nx.members = x.message_content = True", None),
        ("Bot(intents=discord.Intents(guilds=True, messages=True))", None),
        ("x = discord.Intents.all()\nx.presences = False", None),
        ("print('hello')", ["default"]),
    ],
)
def test_intents_are_read_from_the_source(tmp_path: Path, source: str, names: list[str] | None) -> None:
    found = read(tmp_path, source)
    expected = {
        2: Intents.default() | Intents.GUILD_MEMBERS | Intents.MESSAGE_CONTENT,
        3: Intents.GUILDS | Intents.GUILD_MESSAGES | Intents.DIRECT_MESSAGES,
        4: Intents.all() & ~Intents.GUILD_PRESENCES,
    }
    if names is not None:
        assert found.intent_names == names
    else:
        assert found.intents in expected.values()
        assert sum((Intents.parse(each) for each in found.intent_names), Intents(0)) == found.intents


def test_imported_modules_and_extensions_are_read(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "import parts\nasync def setup(bot):\n    await bot.load_extension('cogs.fun')\n",
        parts="from sub import thing\n",
        sub__thing="class Thing(commands.Cog): ...\n",
        sub____init__="",
        cogs__fun="class Fun(commands.Cog):\n    @command(name='joke')\n    async def tell(self, ctx): ...\n",
        stranger="class Stranger(commands.Cog): ...\n",
    )
    assert sorted(found.cogs) == ["Fun", "Thing"]
    assert found.extensions == ["cogs.fun"]
    assert found.commands == ["joke"]


def test_a_directory_listed_for_extensions_is_read(tmp_path: Path) -> None:
    source = "for f in os.listdir('./cogs'):\n    bot.load_extension(f'cogs.{f[:-3]}')\n"
    assert read(tmp_path, source, cogs__a="class A(commands.Cog): ...").cogs == ["A"]


@pytest.mark.parametrize(
    "source",
    [
        "import utils.loading\n",
        "NAMES = ('cogs.a', 'nothing.there')\nfor n in NAMES: bot.load_extension(n)\n",
        "import_module(f'.cogs.{name}', package='src')\n",
        "for path in Path('cogs').rglob('*.py'): bot.load_extension(dotted(path))\n",
    ],
)
def test_extensions_loaded_by_other_means_are_read(tmp_path: Path, source: str) -> None:
    loading = "for f in os.listdir('cogs'): bot.load_extension(f'cogs.{f[:-3]}')\n"
    found = read(tmp_path, source, utils__loading=loading, cogs__a="class A(commands.Cog): ...", b="Cog")
    assert found.cogs == ["A"]
    assert tmp_path / "b.py" not in found.files


def test_a_command_tree_is_recognised_by_any_name(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "ticket = app_commands.CommandTree(client)\n@ticket.command()\nasync def close(interaction): ...\n",
    )
    assert (found.app_commands, found.commands) == (["/close"], [])


def test_broken_modules_are_skipped_but_the_bot_must_be_python(tmp_path: Path) -> None:
    assert read(tmp_path, "import broken", broken="def x(:").files == [tmp_path / "bot.py"]
    with pytest.raises(ConfigError, match="cannot be read"):
        read(tmp_path, "def x(:")
    (tmp_path / "bot.py").write_bytes(b"\0\xff")
    with pytest.raises(ConfigError, match="cannot be read"):
        inspect_bot(tmp_path / "bot.py", tmp_path)


def test_no_code_is_run(tmp_path: Path) -> None:
    read(tmp_path, f"open({str(tmp_path / 'ran')!r}, 'w')")
    assert not (tmp_path / "ran").exists()


def test_every_kind_of_command_is_found() -> None:
    commands, components, processes = (PROGRAMS / each for each in ("commands", "components", "processes"))
    slash = inspect_bot(commands / "slash.py", commands)
    assert {"/all", "/admin", "/inner leaf"} <= set(slash.app_commands)
    assert inspect_bot(components / "menus.py", components).app_commands == ["Shout", "Name"]
    assert inspect_bot(commands / "hybrid.py", commands).app_commands[0] == "/hello"
    assert set(inspect_bot(processes / "levels.py", processes).cogs) == {"Points", "Settings"}
