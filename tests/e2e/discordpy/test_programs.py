"""Programs written for discord.py behave on nescord as they do with discord.py's own transport."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import util
from pathlib import Path
from typing import Any, Protocol

import pytest

from support.network import loopback
from support.processes import commands
from support.processes.commands import PATIENCE, until
from support.sandbox.person import Person
from support.system.system import System

HERE = Path(__file__).parent
FOLDER = HERE / "programs"
PROGRAMS = {each.stem: each for each in FOLDER.glob("*/*.py") if each.parent.name != "hosted"}
PLAIN = Path(__file__).parents[2] / "support" / "discordpy" / "plain.py"


def _scenes(file: str) -> dict[str, Callable[[Person], None]]:
    """Import a module next to this one by its path: tests have no package to import it from."""
    spec = util.spec_from_file_location(f"discordpy_{file}", HERE / f"{file}.py")
    assert spec is not None and spec.loader is not None  # noqa: PT018 - for the type checker
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: dict[str, Callable[[Person], None]] = module.SCENES
    return found


SCENES = _scenes("scenes") | _scenes("larger_scenes")


class Stage(Protocol):
    """A sandbox with one program at a time."""

    system: System

    def put_on(self, program: str) -> None:
        """Run this program instead of the current one."""


class PlainStage:
    """discord.py on its own transport, connected to the sandbox."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.output = system.directory.parent / "plain.log"
        environ = system.environ | loopback.environment()
        environ |= {"DISCORD_TOKEN": system.environ["DISCORD_BOT_TOKEN"]}
        with self.output.open("ab") as output:
            self._process = subprocess.Popen(
                (sys.executable, str(PLAIN), system.environ["DISCORD_API_URL"]),
                env=environ,
                cwd=system.directory,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                text=True,
            )

    def put_on(self, program: str) -> None:
        self._say("")
        until(lambda: not self._is_online(), "the last program to be gone")
        self._say(str(PROGRAMS[program]))
        until(self._is_online, f"{program} to be online")

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def _is_online(self) -> bool:
        return bool(self.system.sandbox("GET", "/state?tail=0")["bot_online"])

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(PATIENCE)


class NescordStage:
    """`nescord run main bot.py`, with ws and rest; the next program is loaded by a reload."""

    def __init__(self, system: System) -> None:
        self.system = system
        for package in (FOLDER / "commands" / "cogs", FOLDER / "processes" / "levelling"):
            shutil.copytree(package, system.directory / package.name)
        shutil.copy(FOLDER / "processes" / "levels.env", system.directory)
        self._begun = False

    def put_on(self, program: str) -> None:
        fresh = self.system.directory / "bot.py~"
        shutil.copy(PROGRAMS[program], fresh)
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
            system.environ |= {"NESCORD_RELOAD_METHOD": "fork"}  # as under `nescord dev`
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
    person = Person(stage.system.ports["sandbox"], program, guild)
    try:
        SCENES[program](person)
    except AssertionError as error:
        person.notes.append(f"{type(stage).__name__}: {error}")
    notes: list[Any] = person.notes
    return notes


@pytest.mark.parametrize("program", sorted(SCENES))
def test_a_program_answers_as_on_discordpys_own_transport(stages: tuple[Stage, Stage], program: str) -> None:
    with ThreadPoolExecutor(2) as pool:
        plain, ours = pool.map(transcript, stages, (program, program))
    assert ours == plain
    assert not any("Stage: " in str(each) for each in ours), ours
    assert ours


def reload(stage: Stage) -> None:
    port = stage.system.ports["main_admin"]
    status, answer = commands.fetch("POST", f"http://127.0.0.1:{port}/reload")
    assert status == 200, answer


def reload_that_names(stage: Stage, line: str) -> None:
    """Reload; main logs a line about what it ends, without waiting for the drain time-out."""
    main = next(each for each in stage.system.started if "main" in each.arguments)
    cut = main.output.count("cut short")
    reload(stage)
    main.wait_for(line)
    assert main.output.count("cut short") == cut, "a task that never finishes delayed the drain"


def person(stage: Stage, program: str, channel: str = "general") -> Any:
    stage.put_on(program)
    return Person(stage.system.ports["sandbox"], channel, stage.system.guilds()[0])


def test_a_reload_does_not_wait_for_what_cannot_come_and_names_it(stages: tuple[Stage, Stage]) -> None:
    me = person(stages[1], "game")
    me.ask("!guess")
    reload_that_names(stages[1], "wait_for ends with this process: message (in guess)")
    me.ask("!quick")


def test_a_reload_does_not_wait_for_a_view_that_nobody_can_use_any_more(stages: tuple[Stage, Stage]) -> None:
    me = person(stages[1], "rolemenu")
    message = me.ask("!menu")
    reload_that_names(stages[1], f"end with this process: Menus (message {message['id']})")


def test_a_thread_that_never_ends_does_not_keep_the_old_process(stages: tuple[Stage, Stage]) -> None:
    me = person(stages[1], "logged")
    me.ask("!note before")
    reload_that_names(stages[1], "the bot's process exits while threads are still running: archivist")
    me.ask("!note after")


def test_a_voice_connection_is_made_again_after_a_reload(stages: tuple[Stage, Stage]) -> None:
    me = person(stages[1], "queueing")
    me.call("/voice", user="alice", channel="Lounge", guild=me.guild)
    joined = me.ask("!join")["content"]
    assert joined.startswith("in Lounge True")
    reload(stages[1])
    assert me.ask("!join")["content"] == joined, "the bot's own state is in the cache, and both events come"
    me.ask("!leave")
    me.call("/voice", user="alice", channel=None, guild=me.guild)


def test_an_open_view_that_ends_with_its_process_is_named(stages: tuple[Stage, Stage]) -> None:
    me = person(stages[1], "selects")
    message = me.ask("!colour")
    reload_that_names(stages[1], f"end with this process: Colours (message {message['id']})")


def test_there_is_a_scene_for_every_program() -> None:
    assert PROGRAMS.keys() == SCENES.keys()
