from __future__ import annotations

from pathlib import Path

import pytest

from nescord_core.bot.libraries import installed
from nescord_core.errors import ConfigError
from support.system.distributions import add_distribution


def test_the_discordpy_of_the_tests_works() -> None:
    assert installed.problem() is None
    installed.require_discordpy("the sandbox")


@pytest.mark.parametrize(
    ("name", "version", "text"),
    [
        ("py-cord", "2.8.1", "py-cord 2.8.1 is installed here: its package `discord`"),
        ("discord.py", "2.6.3", "discord.py 2.6.3 is too old; 2.7.1 or later is needed"),
        ("discord.py", "2.7.0", "discord.py 2.7.0 is too old"),
    ],
)
def test_what_does_not_work_is_refused_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, version: str, text: str
) -> None:
    add_distribution(tmp_path, name, version)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ConfigError, match="the sandbox: ") as error:
        installed.require_discordpy("the sandbox")
    assert text in str(error.value)
    assert "uv tool install nescord" in str(error.value)
    assert "rest, ws and a WsListener run without discord.py" in str(error.value)


@pytest.mark.parametrize(("version", "is_newer"), [("2.7.9", False), ("2.8.0a5000+g1", True), ("3", True)])
def test_a_newer_one_than_tested_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, is_newer: bool
) -> None:
    add_distribution(tmp_path, "discord.py", version)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert installed.problem() is None
    assert installed.newer_than_tested() == (version if is_newer else None)


@pytest.mark.parametrize(
    ("files", "is_refused"),
    [
        (("nextcord/client.py", "discord/__init__.py"), True),
        (("nextcord/client.py", "discordx/__init__.py"), False),
    ],
)
def test_a_library_that_brings_an_alias_named_discord_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: tuple[str, ...], is_refused: bool
) -> None:
    """nextcord 2.6 installs a package `discord` over that of discord.py."""
    add_distribution(tmp_path, "nextcord", "2.6.0", files)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert (installed.problem() is not None) is is_refused
