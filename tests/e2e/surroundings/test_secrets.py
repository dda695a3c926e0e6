"""Access with and without the secret; neither the token nor the secret is ever shown."""

from __future__ import annotations

import json
import signal
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from support.processes.commands import PATIENCE, fetch
from support.system.system import System

SECRET = "k9-the-secret-of-the-services"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """All services, with a secret and with debug logging."""
    system = System(tmp_path_factory.mktemp("guarded") / "bot")
    system.environ |= {"NESCORD_IDENTIFY_WINDOW": "0.1", "NESCORD_DEBUG": "1"}
    system.start_sandbox()
    system.environ["NESCORD_SECRET"] = SECRET
    system.start("run", "rest")
    system.start("run", "main")
    yield system
    for started in system.started:
        print(started)
    system.close()


def get(url: str, **headers: str) -> int:
    request = urllib.request.Request(url, headers=headers)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=PATIENCE) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_ws_without_the_secret_is_told(guarded: System) -> None:
    """gRPC's UNAUTHENTICATED is reported in words, with the variable to set."""
    guarded.until_answers("main_admin", "/healthz")
    ws = guarded.start("run", "ws", NESCORD_SECRET="")
    ws.wait_for("NESCORD_SECRET")
    assert "Traceback" not in ws.output
    if ws.process.poll() is None:
        assert ws.stop(signal.SIGINT) == 0


def test_with_the_secret_all_get_ready(guarded: System) -> None:
    guarded.start("run", "ws")
    guarded.until_ready()
    assert guarded.ask("!ping")


def test_rest_and_the_admin_ports_ask_for_the_secret(guarded: System) -> None:
    rest = f"http://127.0.0.1:{guarded.ports['rest']}/api/v10/users/@me"
    assert get(rest) == 401
    assert get(rest, **{"X-Nescord-Secret": "wrong"}) == 401
    assert get(rest, **{"X-Nescord-Secret": SECRET}) == 200
    assert get(rest, Authorization=f"Bot {guarded.environ['DISCORD_BOT_TOKEN']}") == 200
    for name in ("main_admin", "ws"):
        address = f"http://127.0.0.1:{guarded.ports[name]}"
        for path in ("/stats", "/metrics"):
            assert get(address + path) == 401
            assert get(address + path, **{"X-Nescord-Secret": SECRET}) == 200
        assert get(address + "/healthz") == 200
        assert fetch("POST", address + "/reload")[0] in (401, 404)


def test_the_token_and_the_secret_are_nowhere(guarded: System) -> None:
    """Not in debug logs, errors, metrics, statistics or ps output; nor in run/."""
    hidden = (guarded.environ["DISCORD_BOT_TOKEN"], SECRET)
    shown = {str(started.arguments): started.output for started in guarded.started[1:]}
    shown |= {f"ps {pid}": command for pid, command in guarded.alive().items()}
    for name in ("rest", "main_admin", "ws"):
        for path in ("/stats", "/metrics", "/healthz", "/readyz"):
            shown[name + path] = answer(f"http://127.0.0.1:{guarded.ports[name]}{path}")
    for arguments in (("doctor",), ("doctor", "--json"), ("status", "--json"), ("run", "rest"), ("dev",)):
        ended = guarded.run("--debug", *arguments, NESCORD_SANDBOX_TOKEN="shown-because-it-is-no-secret")
        shown[str(arguments)] = ended.stdout + ended.stderr
    for file in (guarded.directory / ".nescord" / "run").iterdir():
        if file.is_file():
            shown[file.name] = file.read_text(encoding="utf-8", errors="replace")
    shown |= {f"logs/{file.name}": file.read_text() for file in logs(guarded)}
    assert any("DEBUG" in text for text in shown.values()), "nothing was logged that --debug adds"
    for where, text in shown.items():
        for secret in hidden:
            assert secret not in text, where
            assert json.dumps(secret)[1:-1] not in text, where


def answer(url: str) -> str:
    request = urllib.request.Request(url, headers={"X-Nescord-Secret": SECRET})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with suppress(urllib.error.HTTPError), opener.open(request, timeout=PATIENCE) as reply:
        return str(reply.read().decode())
    return ""


def logs(system: System) -> list[Path]:
    return list((system.directory / ".nescord").rglob("*.log*"))
