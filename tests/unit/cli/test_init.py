"""`nescord init`: with prompts, without prompts, and over existing files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from nescord_cli.app import app
from nescord_core.errors import ConfigError
from nescord_core.services.project import templates


class Keyboard:
    """Answers the prompts as if typed in a terminal."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._patch = monkeypatch

    def run(self, *arguments: str, typed: str | None = None) -> Any:
        if typed is not None:
            # The runner replaces stdin with its own stream, which is not a terminal.
            self._patch.setattr("nescord_cli.commands.init.command._is_asked", lambda yes: not yes)
        return CliRunner().invoke(app, ["init", *arguments], input=typed, catch_exceptions=False)


@pytest.fixture
def keyboard(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Keyboard:
    monkeypatch.chdir(tmp_path)
    return Keyboard(monkeypatch)


def test_missing_values_are_prompted_for(keyboard: Keyboard, tmp_path: Path) -> None:
    ended = keyboard.run(typed="mine\nnope\ncogs\nminimal\ny\n")
    assert ended.exit_code == 0, ended.output
    assert "discordpy" in ended.output, "the templates are listed before the question"
    assert "no template 'nope'" in ended.output
    assert "'cogs' has been removed. Use discordpy" in ended.output
    assert 'entry = "bot_main.app:listener"' in (tmp_path / "mine/nescord.toml").read_text()
    assert (tmp_path / "mine/.git").is_dir()
    assert "cd mine && nescord dev" in ended.output
    assert "pytest" in ended.output


def test_enter_accepts_the_defaults(keyboard: Keyboard, tmp_path: Path) -> None:
    assert keyboard.run(typed="\n\n\n").exit_code == 0
    assert 'entry = "bot_main.app:bot"' in (tmp_path / "mybot/nescord.toml").read_text(), "discordpy"
    assert not (tmp_path / "mybot/.git").exists()


def test_yes_suppresses_the_prompts(keyboard: Keyboard, tmp_path: Path) -> None:
    assert keyboard.run("bot", "--yes", "--git").exit_code == 0
    assert (tmp_path / "bot/.git").is_dir()
    assert (tmp_path / "bot/bot_main/cogs").is_dir(), "discordpy is the default"
    again = keyboard.run("bot", "--yes", "--git")
    assert again.exit_code == 0
    assert "unchanged" in again.output
    (tmp_path / "bot/nescord.toml").write_text("mine")
    with pytest.raises(ConfigError, match=r"nescord\.toml"):
        keyboard.run("bot", "--yes")
    assert keyboard.run("bot", "--yes", "--force").exit_code == 0
    assert (tmp_path / "bot/nescord.toml").read_text() != "mine"


def test_force_prompts_before_overwriting(keyboard: Keyboard, tmp_path: Path) -> None:
    keyboard.run("bot", "--yes")
    (tmp_path / "bot/nescord.toml").write_text("mine")
    assert keyboard.run("bot", "-t", "minimal", "--force", typed="n\n").exit_code == 1
    assert (tmp_path / "bot/nescord.toml").read_text() == "mine"


@pytest.mark.parametrize("template", templates.templates())
def test_docker_files_work_with_every_template(keyboard: Keyboard, tmp_path: Path, template: str) -> None:
    ended = keyboard.run("bot", "-t", template, "--docker", "--dry-run")
    assert ended.exit_code == 0
    assert not (tmp_path / "bot").exists()
    assert ended.output.count(".env.example") == 1
    assert keyboard.run("bot", "-t", template, "--docker", "--yes").exit_code == 0
    compose = (tmp_path / "bot/compose.yaml").read_text()
    assert 'DISCORD_INTENTS: "guilds,' in compose, "from the template's own nescord.toml"
    assert {"Dockerfile", ".dockerignore"} <= {path.name for path in (tmp_path / "bot").iterdir()}
    assert "NESCORD_SECRET" in (tmp_path / "bot/.env.example").read_text()


def test_templates_are_listed_with_their_descriptions(keyboard: Keyboard) -> None:
    listed = keyboard.run("--list").output.splitlines()
    assert {line.split()[0] for line in listed} == {"minimal", "discordpy"}
    assert all(len(line.split()) > 3 for line in listed)


@pytest.mark.parametrize(
    ("marker", "home", "entry"),
    [("requirements.txt", ".", "src/club/bot.py"), ("src/pyproject.toml", "src", "club/bot.py")],
)
def test_a_wrapped_bot_becomes_a_project_where_it_is_started(
    keyboard: Keyboard, tmp_path: Path, marker: str, home: str, entry: str
) -> None:
    (tmp_path / "src/club").mkdir(parents=True)
    (tmp_path / "src/club/bot.py").write_text("client = discord.Client(intents=discord.Intents.all())\n")
    (tmp_path / marker).touch()
    (tmp_path / home / ".env.example").write_text("TOKEN=\n")
    assert keyboard.run("--from", "src/club/bot.py").exit_code == 0
    assert f'entry = "{entry}"' in (tmp_path / home / "nescord.toml").read_text()
    assert (tmp_path / home / ".env.example").read_text() == "TOKEN=\n", "the bot's own files are kept"


def test_without_a_project_root_it_is_created_next_to_the_bot(keyboard: Keyboard, tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src/bot.py").write_text("client = discord.Client(intents=discord.Intents.all())\n")
    assert keyboard.run("--from", "src/bot.py").exit_code == 0
    assert 'entry = "bot.py"' in (tmp_path / "src/nescord.toml").read_text()
