"""Reloads of code behind links, beside the project, and in directories with odd names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.processes.commands import Started, until
from support.processes.phrases import READY, RELOADED
from support.system.system import System

APP = """
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "common"))

import common_words
from build import words as build_words
from cogs import words as cogs_words
from env.deep import words as env_words
from nescord_core import RestClient, WsListener
from single import WORD

listener = WsListener()
rest = RestClient()


@listener.on("message_create")
async def answer(message):
    if message.content == "!words":
        words = [cogs_words.WORD, WORD, build_words.WORD, env_words.WORD, common_words.WORD]
        await rest.create_message(message.channel_id, content=" ".join(words))
"""
PLACES = {
    "cogs": "shared/cogs/words.py",
    "single": "shared/single.py",
    "build": "bot/build/words.py",
    "env": "bot/env/deep/words.py",
    "common": "common/common_words.py",
}


def write(system: System, place: str, word: str) -> None:
    path = system.directory.parent / PLACES[place]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"WORD = {word!r}\n", encoding="utf-8")


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    system = System(tmp_path / "bot")
    for place in PLACES:
        write(system, place, f"{place}1")
    (system.directory / "build/__init__.py").touch()  # `build` is also an installed package
    (system.directory / "cogs").symlink_to("../shared/cogs")
    (system.directory / "single.py").symlink_to("../shared/single.py")
    (system.directory / "dist").mkdir()
    (system.directory / "dist/old.py").touch()
    (system.directory / "generated").mkdir()
    (system.directory / "generated/old.py").touch()
    (system.directory / ".gitignore").write_bytes(b"generated/\r\n\xff\xfe\n[z-\n")
    system.replace_app(APP)
    try:
        yield system
    finally:
        system.close()
        assert not system.alive()


def reload_by_saving(system: System, dev: Started, place: str, word: str) -> None:
    count = dev.output.count(RELOADED)
    write(system, place, word)
    until(lambda: dev.output.count(RELOADED) > count, f"a reload of {place}: {dev}")


def test_every_place_that_the_bot_imports_from_is_watched(system: System) -> None:
    dev = system.start("dev")
    dev.wait_for(READY)
    dev.wait_for("not watched: dist/ (by its name), generated/ (.gitignore)")
    words = [f"{place}1" for place in PLACES]
    assert system.ask("!words") == " ".join(words)
    for number, place in enumerate(PLACES):
        for version in ("2", "3"):  # of equal length, and saved within a second
            words[number] = f"{place}{version}"
            reload_by_saving(system, dev, place, words[number])
            assert system.ask("!words") == " ".join(words), dev
    assert "  ../common/common_words.py" in dev.output

    (system.directory / "build/words.py").write_text("WORD = (\n")
    dev.wait_for("build/words.py:1: SyntaxError")
    write(system, "build", "build4")
    until(lambda: "build4" in system.ask("!words"), "the fixed file")
    assert dev.stop() == 0


def test_code_that_is_broken_from_the_start_reloads_once_it_is_fixed(system: System) -> None:
    (system.directory / "build/words.py").write_text("WORD = (\n")
    dev = system.start("dev")
    dev.wait_for("fix the error and save")
    write(system, "build", "build1")
    dev.wait_for(READY)
    assert system.ask("!words") == " ".join(f"{place}1" for place in PLACES)
    assert dev.stop() == 0
