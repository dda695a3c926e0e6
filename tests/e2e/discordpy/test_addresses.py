"""Whatever discord.py requests goes to rest or to the sandbox: these processes cannot leave the machine."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.processes.commands import until
from support.system.system import System

PROGRAM = Path(__file__).parent / "programs" / "hosted" / "addresses.py"


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    found = System(tmp_path_factory.mktemp("addresses") / "bot")
    found.environ |= {"DISCORD_INTENTS": "all", "NESCORD_IDENTIFY_WINDOW": "0.05", "NESCORD_ENTRY": "bot.py"}
    found.environ |= {"NESCORD_SANDBOX_GUILDS": "1", "NESCORD_SECRET": "the-secret-of-this-test-1234567890"}
    found.environ |= {"SANDBOX_PAGE": f"http://127.0.0.1:{found.ports['sandbox']}/cdn/"}
    # A proxy that nobody serves: rest is reached without one.
    found.environ |= {"HTTP_PROXY": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9"}
    shutil.copy(PROGRAM, found.directory / "bot.py")
    try:
        found.start_sandbox()
        found.start("run", "rest")
        found.start("run", "ws")
        found.start("run", "main", "bot.py")
        until(lambda: found.sandbox("GET", "/state?tail=0")["bot_online"], "the bot to be online")
        yield found
    finally:
        for started in found.started:
            print(started.output)
        found.close()


def test_pictures_come_from_the_sandbox(system: System) -> None:
    assert system.ask("!pictures") == "True True"


def test_addresses_of_discords_file_servers_lead_to_the_sandbox(system: System) -> None:
    assert system.ask("!missing") == "[404, 404] True"


def test_a_webhook_with_a_session_of_its_own_goes_through_rest(system: System) -> None:
    found, _, _ = system.ask("!webhooks").rpartition(" ")
    assert found == "own session"


def test_synchronous_webhooks_go_through_rest_even_before_the_client_logs_in(system: System) -> None:
    pytest.importorskip("requests")
    _, _, url = system.ask("!webhooks").rpartition(" ")
    assert system.ask(f"!synchronous {url}") == "sync"
    system.environ["EARLY_WEBHOOK"] = url
    main = next(each for each in system.started if "main" in each.arguments)
    main.stop()
    system.start("run", "main", "bot.py")
    assert system.ask("!before") == "early"


def test_invites_and_templates_are_looked_up_in_the_sandbox(system: System) -> None:
    assert system.ask("!invites") == "True True v10"
