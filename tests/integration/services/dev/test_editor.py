"""The recipe of docs/guides/debugging.md for editors, read from the page and tried with their protocol."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from support.debugging.dap import Editor
from support.processes import commands
from support.processes.commands import is_free, until
from support.processes.phrases import READY
from support.system.system import System

pytest.importorskip("debugpy")
PAGE = Path(__file__).parents[4] / "docs" / "guides" / "debugging.md"
APP = """
import bot_main.editor
from nescord_core import RestClient, WsListener

listener = WsListener()
rest = RestClient()


@listener.on("message_create")
async def answer(message):
    word = "{version} " + message.content
    if not message.author.bot:
        await rest.create_message(message.channel_id, content=word)
"""
LINE = 12


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    system = System(tmp_path / "bot")
    try:
        yield system
    finally:
        system.close()


def test_an_editor_stops_the_bot_before_and_after_a_reload(system: System) -> None:
    port = commands.free_port()
    assert json.loads(block("json"))["configurations"][0]["connect"]["port"] == 5678
    recipe = block("python")
    assert recipe.count("5678") == 2  # the docstring's and the address's
    (system.directory / "bot_main/editor.py").write_text(recipe.replace("5678", str(port)))
    system.replace_app(APP.format(version="one"))
    dev = system.start("dev")
    dev.wait_for(READY)
    for version in ("one", "two"):
        if version == "two":
            system.replace_app(APP.format(version=version))
            until(lambda: system.ask("!ping") == "two !ping", "the new code")
        stop_and_look(system, port, f"'{version} !look'")
    assert dev.stop() == 0


def attached(system: System, port: int) -> Editor:
    """Attach to the worker that serves. Before a reload's worker, the one before it may have the port."""

    def attach() -> Editor | None:
        editor = Editor(port)
        try:
            editor.attach(str(system.directory / "bot_main/app.py"), LINE)
            if editor.event("process")["systemProcessId"] == system.stats("main")["workers"][0]["pid"]:
                return editor
        except (OSError, ValueError):
            pass
        editor.close()
        return None

    editor: Editor = until(lambda: is_free(port) is False and attach(), "an editor")
    return editor


def stop_and_look(system: System, port: int, expected: str) -> None:
    with closing(attached(system, port)) as editor:
        system.say("!look")
        thread = editor.event("stopped")["threadId"]
        frame = editor.ask("stackTrace", threadId=thread)["stackFrames"][0]
        assert (frame["name"], frame["line"]) == ("answer", LINE)
        assert editor.ask("evaluate", expression="word", frameId=frame["id"])["result"] == expected
        editor.ask("continue", threadId=thread)
        editor.ask("disconnect")
