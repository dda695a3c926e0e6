"""If Discord or another process refuses, the service exits with one paragraph and the right exit code."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from nescord_core.events import Intents
from support.processes.commands import until
from support.system.system import System

MESSAGE_CONTENT = Intents.MESSAGE_CONTENT
UNKNOWN_BIT = 1 << 30


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A sandbox that disallows the message content intent; nothing else runs."""
    system = System(tmp_path_factory.mktemp("strict") / "bot")
    system.environ |= {
        "NESCORD_SANDBOX_DISALLOWED_INTENTS": "message_content",
        "NESCORD_IDENTIFY_WINDOW": "0.1",
    }
    system.start_sandbox()
    yield system
    for started in system.started:
        print(started)
    system.close()


def refused(system: System, *arguments: str, code: int = 2, **environ: str) -> str:
    """Run a service that must exit by itself; return its last paragraph as one line."""
    ended = system.run("run", *arguments, **environ)
    assert ended.returncode == code, ended
    assert "Traceback" not in ended.stderr, ended
    lines = ended.stderr[ended.stderr.index("Error: ") :]
    assert lines.count("Error: ") == 1, ended
    return " ".join(lines.split())


def test_a_token_that_discord_does_not_know(strict: System) -> None:
    """GET /gateway/bot answers 401."""
    message = refused(strict, "ws", DISCORD_BOT_TOKEN="MTA.wrong.token")
    assert "Discord rejected the bot token (GET /gateway/bot answered 401)" in message
    assert "DISCORD_BOT_TOKEN" in message
    assert "wrong" not in message


def test_more_shards_than_this_host_may_run(strict: System) -> None:
    message = refused(strict, "ws", DISCORD_SHARDS="100000")
    assert "100000 shards need 6250 processes" in message
    assert "ws.max_clusters is 128. Raise either, or divide the shards among hosts" in message
    assert refused(strict, "ws", DISCORD_SHARDS="2", SHARDS_PER_CLUSTER="1", NESCORD_MAX_CLUSTERS="1")


def test_an_intent_that_was_not_granted(strict: System) -> None:
    """Close code 4014."""
    message = refused(strict, "ws", DISCORD_INTENTS="guilds,message_content")
    assert "4014: an intent is not allowed for this bot" in message
    assert "Developer Portal" in message
    assert "DISCORD_INTENTS" in message


def test_an_intents_number_that_is_none(strict: System) -> None:
    """Close code 4013."""
    message = refused(strict, "ws", DISCORD_INTENTS=str(UNKNOWN_BIT))
    assert "4013" in message
    assert "DISCORD_INTENTS" in message


def test_a_second_ws_for_the_same_token_and_a_ws_that_waits_for_main(strict: System) -> None:
    first = strict.start("run", "ws", DISCORD_INTENTS="guilds")
    first.wait_for("ready with a new session")
    first.wait_for("is not available yet")
    port = strict.ports["spare"]
    message = refused(strict, "ws", DISCORD_INTENTS="guilds", NESCORD_WS_ADMIN=f"127.0.0.1:{port}")
    assert "ws is already running" in message
    assert "NESCORD_STATE_DIR" in message
    time.sleep(2)
    waiting = [line for line in first.output.splitlines() if "is not available yet" in line]
    assert len(waiting) == 1, "once, and then rarely"
    assert f"127.0.0.1:{strict.ports['main']}" in waiting[0]
    assert first.stop(signal.SIGINT) == 0
    assert "Traceback" not in first.output


def test_discord_cannot_be_reached(strict: System) -> None:
    ws = strict.start("run", "ws", DISCORD_API_URL="http://127.0.0.1:1/api/v10")
    until(lambda: ws.output.count("Retrying in") >= 2, "two tries")
    assert (
        "Discord cannot be reached at http://127.0.0.1:1/api/v10/gateway/bot: connection refused" in ws.output
    )
    began = time.monotonic()
    assert ws.stop(signal.SIGINT) == 0
    assert time.monotonic() - began < 10
    assert "Traceback" not in ws.output


def test_rest_is_not_there(strict: System) -> None:
    """The bot's call raises an error with the URL and the command to run."""
    strict.replace_app(
        "from nescord_core import RestClient, WsListener\n"
        "listener = WsListener()\n"
        "@listener.on('ready')\n"
        "async def call(_):\n"
        "    await RestClient(patience=0.2).create_message(1, content='hello')\n"
    )
    main = strict.start("run", "main")
    ws = strict.start("run", "ws", DISCORD_INTENTS="guilds")
    main.wait_for("Cannot reach")
    assert f"Cannot reach http://127.0.0.1:{strict.ports['rest']} (connection refused)" in re.sub(
        r"\s+", " ", main.output
    )
    assert "nescord run rest" in main.output
    assert [ws.stop(), main.stop()] == [0, 0]


def test_no_file_is_left_behind(strict: System) -> None:
    left = {path.name for path in Path(strict.directory / ".nescord" / "run").glob("*.json")}
    assert left <= {"sandbox.json"}
