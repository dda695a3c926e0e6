"""Programs that do more than run a client: threads, their own web pages, other work, self-restarts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.processes import commands
from support.processes.commands import Started, fetch, free_port, until
from support.system.system import System

PROGRAMS = Path(__file__).parent / "programs" / "hosted"


class Stage:
    """rest, ws and `nescord run main bot.py`, whose file the tests replace."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.page_port = free_port()
        system.environ |= {
            "DISCORD_INTENTS": "all",
            "NESCORD_ENTRY": "bot.py",
            "PAGE_PORT": str(self.page_port),
        }
        system.environ |= {"NESCORD_SANDBOX_GUILDS": "1", "NESCORD_IDENTIFY_WINDOW": "0.05"}
        system.start_sandbox()
        self._main: Started | None = None

    @property
    def main(self) -> Started:
        assert self._main is not None
        return self._main

    def put_on(self, program: str, change: Callable[[str], str] = str) -> None:
        fresh = self.system.directory / "bot.py~"
        fresh.write_text(change((PROGRAMS / f"{program}.py").read_text()))
        fresh.replace(self.system.directory / "bot.py")
        if self._main is not None:
            self.reload()
            return
        self.system.start("run", "rest")
        self._main = self.system.start("run", "main", "bot.py", "--", "-v")
        self.system.start("run", "ws")
        self.system.until_ready()

    def reload(self) -> None:
        port = self.system.ports["main_admin"]
        status, answer = commands.fetch("POST", f"http://127.0.0.1:{port}/reload")
        assert status == 200, answer

    def ask(self, text: str) -> list[str]:
        return self.system.ask(text).split()

    def page(self) -> list[str]:
        status, text = fetch("GET", f"http://127.0.0.1:{self.page_port}/")
        assert status == 200
        return str(text).split()


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    system = System(tmp_path_factory.mktemp("hosted") / "bot")
    try:
        yield Stage(system)
    finally:
        for started in system.started:
            print(started)
        system.close()


def is_gone(stage: Stage, pid: str) -> Callable[[], bool]:
    return lambda: int(pid) not in stage.system.alive()


def test_a_page_of_the_bots_own_is_there_after_a_reload(stage: Stage) -> None:
    stage.put_on("keeper")
    word, old = stage.ask("!word")
    assert stage.page() == [word, old]
    stage.put_on("keeper", lambda text: text.replace("first", "second"))
    word, new = stage.ask("!word")
    assert (word, new != old) == ("second", True)
    until(is_gone(stage, old), "the old process, whose thread never ends, to be gone")
    assert stage.page() == ["second", new]


def test_work_beside_the_client_is_cancelled_when_the_client_has_ended(stage: Stage) -> None:
    stage.put_on("gathered")
    old = stage.ask("!word")[1]
    stage.reload()
    new = stage.ask("!word")[1]
    stage.main.wait_for("the page is cleared away")
    until(is_gone(stage, old), "the old process to be gone")
    assert stage.page() == ["gathered", new]


def test_a_client_may_run_in_a_thread(stage: Stage) -> None:
    stage.put_on("threaded")
    _, old, in_main = stage.ask("!word")
    assert in_main == "False"
    stage.reload()
    assert stage.ask("!word")[1] != old
    until(is_gone(stage, old), "the old process to be gone")


def test_a_bot_that_ends_or_starts_itself_anew_is_started_by_main(stage: Stage) -> None:
    stage.put_on("restarting")
    flag, pid = stage.ask("!word")
    assert flag == "-v"
    connections = stage.system.gateway()["connections"]
    commands = {"!restart": "restarting", "!script": "script", "!close": "closing", "!die": "dying"}
    for command, said in commands.items():
        assert stage.ask(command) == [said]
        until(is_gone(stage, pid), "the old process to be gone")
        new = stage.ask("!word")
        assert new != [flag, pid]
        pid = new[1]
    assert stage.ask("!word") == [flag, pid], "no command came again to end the new process"
    assert stage.system.gateway()["connections"] == connections, "nobody else has connected"


def test_members_that_discord_refuses_for_now_come_after_the_time_that_it_names(stage: Stage) -> None:
    stage.put_on("counting")
    stage.system.sandbox("POST", "/settings", {"members_window": 2})
    first = stage.ask("!count")
    assert first[0] == first[1]
    assert stage.ask("!count") == first
    stage.main.wait_for("Discord refuses the members of guild")


def only_call(stage: Stage) -> dict[str, Any]:
    [call] = stage.system.sandbox("GET", "/voice")["calls"]
    return dict(call)


def test_a_music_bot_plays_moves_reloads_and_leaves(stage: Stage) -> None:
    pytest.importorskip("nacl")
    pytest.importorskip("davey")
    stage.put_on("music")
    stage.system.sandbox("POST", "/channels", {"name": "Second", "kind": "voice"})
    until(lambda: stage.system.ask("!connected") == "False", "the bot to know the channel")
    assert stage.system.ask("!join Lounge") == "in Lounge with aead_xchacha20_poly1305_rtpsize"
    assert stage.system.ask("!play 1") == "played None"
    until(lambda: only_call(stage)["packets"] == 55, "50 packets, and 5 of silence that end them")
    assert only_call(stage)["connected"] is True
    assert stage.system.ask("!join Second") == "moved to Second True"
    assert stage.system.ask("!play 0.2") == "played None"
    until(lambda: only_call(stage)["packets"] == 15, "the sound of after the move")
    # The new process has no connection of its own, and can make one.
    stage.reload()
    assert only_call(stage)["connected"] is False, "the bot stays in its channel"
    assert "a gateway command was not sent" not in stage.main.output
    assert stage.system.ask("!connected") == "False"
    assert stage.system.ask("!join Lounge") == "in Lounge with aead_xchacha20_poly1305_rtpsize"
    assert stage.system.ask("!play 0.2") == "played None"
    assert stage.system.ask("!leave") == "left None"
    assert stage.system.sandbox("GET", "/voice")["calls"] == []
    # Somebody throws the bot out.
    assert stage.system.ask("!join Lounge").startswith("in Lounge")
    stage.system.sandbox("POST", "/voice", {"user": "Sandbox Bot", "channel": None})
    until(lambda: stage.system.ask("!connected") == "False", "the bot to notice it")
