"""Bots of libraries that main does not host, and environments whose package `discord` is another one's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from support.processes.one_shot import Nescord
from support.system.distributions import add_distribution

BOT = """
from pathlib import Path
Path(__file__).with_name("it-ran").touch()
from nextcord.ext import commands
bot = commands.Bot("!")
bot.run("MTE5.a-real.token")
"""


@pytest.fixture
def nextcord_bot(project: Path) -> Path:
    """A bot of nextcord whose client is in a module of its own."""
    (project / "src").mkdir()
    (project / "bot.py").write_text("from src.client import bot\n")
    (project / "src/client.py").write_text(BOT)
    (project / "nescord.toml").unlink()
    return project


@pytest.mark.parametrize(
    "arguments", [("init", "--from", "bot.py"), ("dev", "--sandbox"), ("dev", "--exec", "true")]
)
def test_a_bot_of_another_library_is_refused_before_anything_starts(
    nescord: Nescord, nextcord_bot: Path, arguments: tuple[str, ...]
) -> None:
    ended = nescord(*arguments, NESCORD_ENTRY="bot.py")
    ended.check_paragraph(2, "bot.py is written for nextcord", "main hosts discord.py bots", "run sandbox")
    assert "nextcord.http.Route.BASE" in ended.said
    assert not (nextcord_bot / "nescord.toml").exists()
    assert not (nextcord_bot / "src/it-ran").exists()


def test_main_refuses_it_without_running_any_of_it(nescord: Nescord, nextcord_bot: Path) -> None:
    ended = nescord(
        "run", "main", "bot.py", NESCORD_MAIN_LISTEN="127.0.0.1:0", NESCORD_MAIN_ADMIN="127.0.0.1:0"
    )
    assert ended.code == 1
    assert "bot.py is written for nextcord, and main hosts discord.py bots" in ended.said
    assert not (nextcord_bot / "src/it-ran").exists()


def test_a_listener_may_use_another_library_beside_nescord(nescord: Nescord, project: Path) -> None:
    source = project / "bot_main/app.py"
    source.write_text(f"{source.read_text()}\nimport hikari\n")
    ended = nescord("dev", "--sandbox", "--exec", "true")
    assert ended.code == 0, ended


@pytest.mark.parametrize(
    "arguments", [("run", "sandbox"), ("dev", "--sandbox"), ("run", "main", "bot.py"), ("demo", "--check")]
)
@pytest.mark.parametrize(("name", "version"), [("py-cord", "2.8.1"), ("discord.py", "2.6.3")])
def test_another_package_discord_is_refused_in_words(
    nescord: Nescord, project: Path, tmp_path: Path, arguments: tuple[str, ...], name: str, version: str
) -> None:
    (project / "bot.py").write_text("import discord\n")
    add_distribution(tmp_path / "site", name, version)
    ended = nescord(*arguments, PYTHONPATH=str(tmp_path / "site"))
    ended.check_paragraph(2, f"{name} {version}", "uv tool install nescord", "run without discord.py")


def test_a_client_of_another_package_discord_is_refused_in_words(
    nescord: Nescord, project: Path, tmp_path: Path
) -> None:
    """The client of a module: which library it is shows only when the module has been imported."""
    (project / "bot_main/app.py").write_text("import discord\nlistener = discord.Client()\n")
    add_distribution(tmp_path / "site", "py-cord", "2.8.1")
    (tmp_path / "site/discord").mkdir()
    (tmp_path / "site/discord/__init__.py").write_text("class Client: ...\n")
    ports = {"NESCORD_MAIN_LISTEN": "127.0.0.1:0", "NESCORD_MAIN_ADMIN": "127.0.0.1:0"}
    ended = nescord("run", "main", PYTHONPATH=str(tmp_path / "site"), **ports)
    assert ended.code == 1
    assert "py-cord 2.8.1 is installed here" in ended.said
    assert "Traceback" not in ended.errors


def test_doctor_finds_it(nescord: Nescord, tmp_path: Path) -> None:
    add_distribution(tmp_path / "site", "py-cord", "2.8.1")
    ended = nescord("doctor", "--offline", PYTHONPATH=str(tmp_path / "site"))
    assert ended.code == 1
    assert "py-cord 2.8.1 is installed here" in " ".join(ended.output.split())


def test_rest_ws_and_the_workers_of_a_listener_need_no_discordpy() -> None:
    program = """
import sys
sys.modules["discord"] = sys.modules["simcord"] = None
import nescord_cli.__main__
import nescord_core.services.rest, nescord_core.services.ws.parent, nescord_core.services.ws.cluster_process
import nescord_core.services.main.parent, nescord_core.services.main.worker.process
import nescord_core.services.dev.run, nescord_core.services.doctor.checks, nescord_core.services.sandbox
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
