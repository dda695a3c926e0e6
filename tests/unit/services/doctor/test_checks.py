"""The checks of `nescord doctor`."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from nescord_core import config
from nescord_core.events import Intents
from nescord_core.services.control import running_services
from nescord_core.services.doctor import checks, machine
from nescord_core.services.doctor.discord import _skew
from nescord_core.services.doctor.findings import Finding, Verdict
from support.processes.commands import free_ports
from support.sandbox.running import running_sandbox

TOKEN = "MTE5MTE2ODkxNDIyNzIwMDAwMA.GabcdE.abcdefghijklmnopqrstuvwxyz0123456789AB"
LISTENER = """
from nescord_core import WsListener

listener = WsListener()
print("output of the bot itself")


@listener.on("message_create")
async def on_message(message): ...


@listener.on("guild_member_add")
def on_member(member): ...
"""


def findings(project: Path, *, code: bool = False, **environ: str) -> dict[str, Finding]:
    return examined(project, environ, code=code)


def examined(project: Path, environ: Mapping[str, str], *, code: bool = False) -> dict[str, Finding]:
    loaded = config.load(project, environ=environ)
    found = asyncio.run(checks.examine(loaded, online=False, code=code))
    for finding in found:
        assert finding.text
        assert bool(finding.fix) == (finding.verdict is not Verdict.GOOD), finding
    return {finding.subject: finding for finding in found}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "bot_main").mkdir()
    (tmp_path / "bot_main" / "app.py").write_text(LISTENER)
    (tmp_path / "nescord.toml").write_text("")
    return tmp_path


def test_a_project_with_a_token_passes_every_check(project: Path) -> None:
    ports = free_ports(5)
    names = ("NESCORD_SANDBOX_LISTEN", "NESCORD_MAIN_LISTEN", "NESCORD_MAIN_ADMIN", "NESCORD_WS_ADMIN")
    environ = {name: f"127.0.0.1:{port}" for name, port in zip(names, ports, strict=False)}
    environ |= {"DISCORD_BOT_TOKEN": TOKEN, "DISCORD_INTENTS": "guilds,message_content"}
    environ |= {"NESCORD_REST_PORT": str(ports[4])}
    found = examined(project, environ)
    assert {finding.verdict for finding in found.values()} == {Verdict.GOOD}, found
    assert found["token"].text == "set (DISCORD_BOT_TOKEN in the environment)"
    assert "Developer Portal" in found["intents"].text
    assert {"Python", "nescord", "open files", "inotify", "state_dir", "project"} <= found.keys()
    assert not any(TOKEN in finding.text for finding in found.values())


def test_what_is_missing_is_a_warning(tmp_path: Path) -> None:
    found = findings(tmp_path, code=True)
    missing = {name for name, each in found.items() if each.verdict is Verdict.WARNING}
    assert {"project", "token", "main.entry"} <= missing
    assert "bot_main/app.py" in found["main.entry"].text
    assert "nescord init" in found["project"].fix
    assert Verdict.BAD not in {finding.verdict for finding in found.values()}
    odd = findings(tmp_path, DISCORD_BOT_TOKEN="hunter2")["token"]
    assert odd.verdict is Verdict.WARNING
    assert "hunter2" not in odd.text


def test_an_open_address_without_a_secret_is_an_error(project: Path) -> None:
    found = findings(project, DISCORD_BOT_TOKEN=TOKEN, NESCORD_REST_HOST="0.0.0.0")
    assert [name for name, each in found.items() if each.verdict is Verdict.BAD] == ["rest"]
    assert "NESCORD_SECRET" in found["rest"].fix


def test_a_taken_port_names_its_holder_and_the_key(project: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        found = findings(project, NESCORD_REST_PORT=str(port))
    taken = found["rest.port"]
    assert taken.verdict is Verdict.WARNING
    assert f"127.0.0.1:{port} is taken by" in taken.text
    assert "NESCORD_REST_PORT" in taken.fix


def test_running_services_are_probed_and_their_versions_compared(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state_dir = project / ".nescord"
    state_dir.mkdir()
    nobody = f"127.0.0.1:{free_ports(1)[0]}"
    with running_services.announce(state_dir, "rest", address=nobody, admin=nobody):
        assert findings(project)["rest runs"].verdict is Verdict.WARNING
    monkeypatch.setattr(running_services, "__version__", "0.0.1")
    with running_services.announce(state_dir, "main", address=nobody):
        found = findings(project)["main runs"]
    assert found.verdict is Verdict.WARNING
    assert "0.0.1" in found.text


def test_remote_services_are_contacted(project: Path) -> None:
    (port,) = free_ports(1)
    found = findings(project, NESCORD_REST_URL=f"http://127.0.0.1:{port}", GRPC_HOST=f"127.0.0.1:{port}")
    assert {found[key].verdict for key in ("rest.url", "ws.grpc_host")} == {Verdict.WARNING}
    with socket.create_server(("127.0.0.1", port)):
        found = findings(project, GRPC_HOST=f"127.0.0.1:{port}")
    assert found["ws.grpc_host"].verdict is Verdict.GOOD


def test_handlers_are_compared_with_intents_and_events(project: Path) -> None:
    found = findings(project, code=True, DISCORD_INTENTS="guilds,guild_messages")
    assert found["handlers"].verdict is Verdict.BAD
    assert "guild_member_add is never sent without the intent guild_members" in found["handlers"].text
    assert found["message_content"].verdict is Verdict.WARNING
    rich = "guild_messages,guild_members,message_content"
    found = findings(project, code=True, DISCORD_INTENTS=rich)
    assert found["handlers"].verdict is Verdict.GOOD
    assert "message_content" not in found
    found = findings(project, code=True, DISCORD_INTENTS=rich, EVENTS="message_create")
    assert found["handlers"].text == "bot.events excludes guild_member_add"


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("raise ValueError('boom')", "bot_main/app.py:1: ValueError: boom"),
        ("import os\nos._exit(3)", "ended the process (exit code 3)"),
        ("listener = 5", "of type int"),
    ],
)
def test_code_that_cannot_be_imported(project: Path, code: str, text: str) -> None:
    (project / "bot_main" / "app.py").write_text(code)
    found = findings(project, code=True)["handlers"]
    assert found.verdict is Verdict.BAD
    assert text in found.text


def test_the_intents_of_a_discordpy_file_are_compared(project: Path) -> None:
    code = "import discord\nintents = discord.Intents(guilds=True, members=True)\n"
    code += "client = discord.Client(intents=intents)\n"
    (project / "bot.py").write_text(f"{code}client.run('token')\n")
    found = findings(project, code=True, NESCORD_ENTRY="bot.py", DISCORD_INTENTS="guilds")["handlers"]
    assert found.verdict is Verdict.BAD
    assert "guild_members" in found.text
    (project / "bot.py").write_text(f"{code}import asyncio\nasyncio.run(client.start('token'))\n")
    both = findings(project, code=True, NESCORD_ENTRY="bot.py", DISCORD_INTENTS="guilds,guild_members")
    assert both["handlers"].verdict is Verdict.GOOD


async def online(project: Path, url: str, token: str, **environ: str) -> dict[str, Finding]:
    loaded = config.load(project, environ={"DISCORD_BOT_TOKEN": token, "DISCORD_API_URL": url, **environ})
    return {each.subject: each for each in await checks.examine(loaded, code=False)}


async def test_discord_is_called(project: Path) -> None:
    async with running_sandbox() as sandbox:
        url = f"{sandbox.url}/api/v10"
        found = await online(project, url, sandbox.token, DISCORD_INTENTS="guilds,message_content")
        refused = await online(project, url, TOKEN)
    for subject in ("Discord", "IDENTIFYs", "shards", "application"):
        assert found[subject].verdict is Verdict.GOOD, found[subject]
    assert "Sandbox Bot" in found["Discord"].text
    assert refused["Discord"].verdict is Verdict.BAD
    assert TOKEN not in refused["Discord"].text
    (port,) = free_ports(1)
    gone = await online(project, f"http://127.0.0.1:{port}", TOKEN)
    assert gone["Discord"].verdict is Verdict.WARNING
    assert "--offline" in gone["Discord"].fix


async def test_privileged_intents_identifies_and_the_clock_are_compared_with_discord(project: Path) -> None:
    async def answer(request: web.Request) -> web.Response:
        limit = {"total": 1000, "remaining": 3, "reset_after": 7_200_000}
        content: dict[str, Any] = {
            "/users/@me": {"id": "1", "username": "bot"},
            "/applications/@me": {"flags": 1 << 15},
            "/gateway/bot": {"shards": 4, "session_start_limit": limit},
        }
        return web.json_response(
            content[request.path], headers={"Date": formatdate(1_000_000_000, usegmt=True)}
        )

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        intents = str((Intents.GUILD_MEMBERS | Intents.MESSAGE_CONTENT).value)
        found = await online(project, url, TOKEN, DISCORD_INTENTS=intents, DISCORD_SHARDS="2")
    finally:
        await runner.cleanup()
    assert found["application"].verdict is Verdict.BAD
    assert "message_content" in found["application"].text
    assert "guild_members" not in found["application"].text
    assert found["IDENTIFYs"].text == "3 of 1000 IDENTIFYs left, reset in 2.0 h"
    assert {found[name].verdict for name in ("IDENTIFYs", "shards", "clock")} == {Verdict.WARNING}


def test_a_date_has_a_resolution_of_one_second() -> None:
    date = formatdate(1_800_000_000, usegmt=True)
    assert _skew(date, 1_800_000_000.1, 1_800_000_000.9) == 0.0
    assert _skew(date, 1_800_000_010.0, 1_800_000_011.0) == pytest.approx(10.0)
    assert _skew("yesterday", 0.0, 0.0) is None


def test_limits_and_disk_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    watches = tmp_path / "max_user_watches"
    watches.write_text("1\n")
    monkeypatch.setattr(machine, "WATCHES", watches)
    monkeypatch.setattr(machine, "DESCRIPTORS", 1 << 62)
    found = {each.subject: each for each in machine.limits(tmp_path)}
    assert found["inotify"].verdict is Verdict.WARNING
    assert "sysctl" in found["inotify"].fix
    monkeypatch.setattr(machine, "DISK_MB", 1 << 62)
    assert machine.disk(tmp_path).verdict is Verdict.WARNING
    assert machine.disk(Path("/proc/version/state")).verdict is Verdict.BAD


def test_the_json_report_masks_secrets(project: Path) -> None:
    effective = config.load(
        project, environ={"DISCORD_BOT_TOKEN": "secret.token", "NESCORD_SECRET": "s3cr3t"}
    )
    report = checks.as_json(effective, asyncio.run(checks.examine(effective, online=False)))
    assert report["values"]["token"]["value"] == "***"
    assert "secret.token" not in str(report)
    assert "s3cr3t" not in str(report)
    assert {check["verdict"] for check in report["checks"]} <= {"good", "warning", "bad"}
