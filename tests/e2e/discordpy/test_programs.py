"""Programs written for discord.py answer on nescord as they do with discord.py's own transport."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import util
from pathlib import Path
from typing import Any, Protocol

import pytest

from support import commands, loopback
from support.commands import until
from support.system import System

HERE = Path(__file__).parent
PROGRAMS = HERE / "programs"
PLAIN = Path(__file__).parents[2] / "support" / "plain_discordpy.py"

_spec = util.spec_from_file_location("discordpy_scenes", HERE / "scenes.py")
assert _spec is not None and _spec.loader is not None  # noqa: PT018 - for the type checker
scenes = util.module_from_spec(_spec)
_spec.loader.exec_module(scenes)


class Stage(Protocol):
    """A sandbox with one program at a time."""

    system: System

    def put_on(self, program: str) -> None:
        """Have this program run, and no other."""


class PlainStage:
    """discord.py on its own transport, connected to the sandbox."""

    def __init__(self, system: System) -> None:
        self.system = system
        self._process: subprocess.Popen[bytes] | None = None
        self.output = system.directory.parent / "plain.log"

    def put_on(self, program: str) -> None:
        self.close()
        until(lambda: not self._is_online(), "the last program to be gone")
        api_url = self.system.environ["DISCORD_API_URL"]
        environ = (
            self.system.environ
            | loopback.environment()
            | {"DISCORD_TOKEN": self.system.environ["DISCORD_BOT_TOKEN"]}
        )
        with self.output.open("ab") as output:
            self._process = subprocess.Popen(
                (sys.executable, str(PLAIN), api_url, str(PROGRAMS / f"{program}.py")),
                env=environ,
                stdout=output,
                stderr=output,
            )
        until(self._is_online, f"{program} to be online")

    def _is_online(self) -> bool:
        return bool(self.system.sandbox("GET", "/state?tail=0")["bot_online"])

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


class NescordStage:
    """`nescord run main bot.py`, beside ws and rest; the next program comes by a reload."""

    def __init__(self, system: System) -> None:
        self.system = system
        shutil.copytree(PROGRAMS / "cogs", system.directory / "cogs")
        self._begun = False

    def put_on(self, program: str) -> None:
        fresh = self.system.directory / "bot.py~"
        shutil.copy(PROGRAMS / f"{program}.py", fresh)
        fresh.replace(self.system.directory / "bot.py")
        if self._begun:
            port = self.system.ports["main_admin"]
            status, answer = commands.fetch("POST", f"http://127.0.0.1:{port}/reload")
            assert status == 200, answer
            return
        self._begun = True
        for arguments in (("rest",), ("main", "bot.py"), ("ws",)):
            self.system.start("run", *arguments)
        self.system.until_ready()


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stage, Stage]]:
    systems = [System(tmp_path_factory.mktemp(name) / "bot") for name in ("plain", "nescord")]
    plain = None
    try:
        for system in systems:
            system.environ |= {"DISCORD_INTENTS": "all", "NESCORD_ENTRY": "bot.py", "PYTHONWARNINGS": ""}
            system.environ |= {"NESCORD_SANDBOX_GUILDS": "1", "NESCORD_IDENTIFY_WINDOW": "0.05"}
            system.start_sandbox()
            system.sandbox("POST", "/settings", {"identify_window": 0.05})
        plain = PlainStage(systems[0])
        yield plain, NescordStage(systems[1])
    finally:
        if plain is not None:
            plain.close()
            print(plain.output.read_text() if plain.output.exists() else "")
        for system in systems:
            for started in system.started:
                print(started.output)
            system.close()


def transcript(stage: Stage, program: str) -> list[Any]:
    guild = stage.system.guilds()[0]
    stage.system.sandbox("POST", "/channels", {"name": program, "guild": guild})
    stage.put_on(program)
    person = scenes.Person(stage.system.ports["sandbox"], program, guild)
    try:
        scenes.SCENES[program](person)
    except AssertionError as error:
        person.notes.append(f"{type(stage).__name__}: {error}")
    notes: list[Any] = person.notes
    return notes


@pytest.mark.parametrize("program", sorted(scenes.SCENES))
def test_a_program_answers_as_on_discordpys_own_transport(stages: tuple[Stage, Stage], program: str) -> None:
    with ThreadPoolExecutor(2) as pool:
        plain, ours = pool.map(transcript, stages, (program, program))
    assert ours == plain
    assert not any("Stage: " in str(each) for each in ours), ours
    assert ours


def test_there_is_a_scene_for_every_program() -> None:
    assert {each.stem for each in PROGRAMS.glob("*.py")} == set(scenes.SCENES)
