"""Usage and configuration errors: one paragraph with what, where and what to do; exit code 2."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from support.processes.commands import free_ports
from support.processes.one_shot import Nescord

TOKEN = "MTA.secret.token"
FOREIGN = "203.0.113.7"  # from a documentation network (RFC 5737): never an address of this machine


@pytest.mark.parametrize("environ", [{}, {"NESCORD_PASSTHROUGH": "false"}], ids=["ws", "rest"])
def test_no_token(nescord: Nescord, project: Path, environ: dict[str, str]) -> None:
    """ws needs a token; rest does unless it passes those of its callers on."""
    ended = nescord("run", "rest" if environ else "ws", **environ)
    ended.check_paragraph(2, "no bot token", "DISCORD_BOT_TOKEN", str(project / ".env"), "nescord dev")


@pytest.mark.parametrize(
    ("arguments", "texts"),
    [
        (("ws", "--intents", "foo"), ("--intents (bot.intents)", "'foo'")),
        (("ws", "--events", "mesage_create"), ("--events", "'mesage_create'", "message_create")),
        (("ws", "--shards", "0"), ("--shards (ws.shards)", "at least 1")),
        (("ws", "--grpc-host", "nope"), ("--grpc-host", "HOST:PORT")),
        (("rest", "--port", "99999"), ("--port (rest.port)", "65535")),
        (("rest", "--host", "0.0.0.0"), ("rest.host (flag)", "NESCORD_SECRET", "127.0.0.1")),
        (("main", "--listen", "0.0.0.0:1"), ("main.listen (flag)", "NESCORD_SECRET")),
        (("main", "--admin", "[::]:1"), ("main.admin (flag)", "NESCORD_SECRET")),
        (("ws", "--admin", "0.0.0.0:1"), ("ws.admin (flag)", "NESCORD_SECRET")),
        (("sandbox", "--listen", "0.0.0.0:1"), ("sandbox.listen", "this machine only")),
    ],
)
def test_an_invalid_flag(nescord: Nescord, arguments: tuple[str, ...], texts: tuple[str, ...]) -> None:
    nescord("run", *arguments, DISCORD_BOT_TOKEN=TOKEN).check_paragraph(2, *texts)


@pytest.mark.parametrize(
    ("content", "texts"),
    [
        (b"foo = 1\n", ("nescord.toml, foo: unknown key", "sections", "nescord doctor")),
        (b"[wss]\nadmin = 'x'\n", ("wss.admin", "Did you mean ws.admin?")),
        (b"[bot]\nevents = ['mesage_create']\n", ("nescord.toml, bot.events", "message_create")),
        (b"[main]\nworkers = 0\n", ("nescord.toml, main.workers", "between 1 and")),
        (b"[bot\n", ("nescord.toml: this is not valid TOML", "line 1")),
        (b"\xff\xfe", ("nescord.toml: this is not UTF-8", "byte 0")),
        (b"[security]\nsecret = 'x'\n", ("security.secret", "NESCORD_SECRET", "remove the key")),
    ],
)
def test_an_invalid_file(nescord: Nescord, project: Path, content: bytes, texts: tuple[str, ...]) -> None:
    (project / "nescord.toml").write_bytes(content)
    nescord("run", "main").check_paragraph(2, str(project), *texts)


def test_a_byte_order_mark_is_no_error(nescord: Nescord, project: Path) -> None:
    (project / "nescord.toml").write_bytes(b"\xef\xbb\xbf[main]\nworkers = 3\n")
    ended = nescord("doctor")
    assert (ended.code, ended.errors) == (0, "")
    assert any(line.split()[:2] == ["main.workers", "3"] for line in ended.output.splitlines())


def test_variables_that_are_not_text(nescord: Nescord, project: Path) -> None:
    (project / ".env").write_bytes(b"DISCORD_BOT_TOKEN=\xff\n")
    nescord("doctor").check_paragraph(2, str(project / ".env"), "not UTF-8")


def test_a_value_in_the_environment_is_blamed_on_the_environment(nescord: Nescord) -> None:
    nescord("run", "main", NESCORD_WORKERS="many").check_paragraph(2, "NESCORD_WORKERS in the environment")


def test_init_lists_the_templates_in_its_error(nescord: Nescord) -> None:
    nescord("init", "x", "--template", "nope").check_paragraph(2, "'nope'", "minimal")


def test_init_overwrites_nothing_without_force(nescord: Nescord, project: Path) -> None:
    app = project / "bot_main" / "app.py"
    app.write_text("mine")
    nescord("init", ".").check_paragraph(2, "bot_main/app.py", "--force")
    assert app.read_text() == "mine"


def test_init_at_an_unwritable_location(nescord: Nescord, project: Path) -> None:
    (project / "file").write_text("")
    nescord("init", "file").check_paragraph(2, "a file, not a directory")
    nescord("init", "/proc/bot").check_paragraph(2, "cannot write /proc/bot")


def test_init_needs_a_directory(nescord: Nescord) -> None:
    nescord("init").check_paragraph(2, "nescord init mybot")


@pytest.mark.parametrize(
    "command", [("run", "ws"), ("run", "rest"), ("run", "main"), ("run", "sandbox"), ("dev",)]
)
def test_a_state_dir_that_cannot_be_written_to(nescord: Nescord, command: tuple[str, ...]) -> None:
    """In /proc nobody, not even root, can create a directory."""
    ports = {} if command == ("dev",) else _any_ports()
    ended = nescord(*command, DISCORD_BOT_TOKEN=TOKEN, NESCORD_STATE_DIR="/proc/state", **ports)
    ended.check_paragraph(2, "state_dir: /proc/state", "NESCORD_STATE_DIR")


@pytest.mark.parametrize("service", ["ws", "rest", "main"])
def test_a_full_disk(nescord: Nescord, service: str) -> None:
    ended = nescord("run", service, full_disk=True, DISCORD_BOT_TOKEN=TOKEN, **_any_ports())
    assert ended.code in (1, 2), ended
    assert ended.errors.count("Error: ") == 1, ended
    assert "Traceback" not in ended.errors, ended
    assert "NESCORD_STATE_DIR" in ended.said, ended


@pytest.mark.parametrize(
    ("arguments", "key"),
    [
        (("rest", "--host", FOREIGN), "rest.host, rest.port"),
        (("main", "--listen", f"{FOREIGN}:0"), "main.listen"),
        (("main", "--admin", f"{FOREIGN}:0", "--listen", "127.0.0.1:0"), "main.admin"),
        (("ws", "--admin", f"{FOREIGN}:0"), "ws.admin"),
    ],
)
def test_an_address_of_another_machine(nescord: Nescord, arguments: tuple[str, ...], key: str) -> None:
    ended = nescord("run", *arguments, DISCORD_BOT_TOKEN=TOKEN, NESCORD_SECRET="s")
    ended.check_paragraph(2, key, FOREIGN, "cannot assign requested address", "of this machine")


@pytest.mark.parametrize(
    ("arguments", "key"),
    [
        (("run", "rest", "--port", "{port}"), "NESCORD_REST_PORT"),
        (("run", "main", "--listen", "127.0.0.1:{port}"), "NESCORD_MAIN_LISTEN"),
        (("run", "main", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:{port}"), "NESCORD_MAIN_ADMIN"),
        (("run", "ws", "--admin", "127.0.0.1:{port}"), "NESCORD_WS_ADMIN"),
        (("run", "sandbox", "--listen", "127.0.0.1:{port}"), "NESCORD_SANDBOX_LISTEN"),
    ],
)
def test_a_taken_port_names_its_holder_and_the_key(
    nescord: Nescord, arguments: tuple[str, ...], key: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        filled = [argument.format(port=port) for argument in arguments]
        ended = nescord(*filled, DISCORD_BOT_TOKEN=TOKEN)
    ended.check_paragraph(1, f"127.0.0.1:{port}", f"(process {os.getpid()})", key)


def test_dev_finds_a_taken_port_before_anything_starts(nescord: Nescord, project: Path) -> None:
    sandbox, rest, main, main_admin, port = free_ports(5)
    addresses = {
        "NESCORD_SANDBOX_LISTEN": f"127.0.0.1:{sandbox}",
        "NESCORD_REST_PORT": str(rest),
        "NESCORD_MAIN_LISTEN": f"127.0.0.1:{main}",
        "NESCORD_MAIN_ADMIN": f"127.0.0.1:{main_admin}",
        "NESCORD_WS_ADMIN": f"127.0.0.1:{port}",
    }
    with socket.create_server(("127.0.0.1", port)):
        ended = nescord("dev", **addresses)
    ended.check_paragraph(1, f"ws cannot listen on 127.0.0.1:{port}", "ws.admin")
    assert ended.output == ""
    assert not list((project / ".nescord" / "run").glob("*.json"))


@pytest.mark.parametrize(
    ("code", "texts"),
    [
        ("def broken(:\n", ("bot_main/app.py:1: SyntaxError", "> 1 | def broken(:")),
        ("\nraise ValueError('boom')\n", ("bot_main/app.py:2: ValueError: boom", "> 2 | raise")),
        ("import sys\nsys.exit(3)\n", ("bot_main/app.py:2: SystemExit: 3", "> 2 | sys.exit(3)")),
        ("import not_there\n", ("bot_main/app.py:1: ModuleNotFoundError", "not_there")),
        ("other = 1\n", ("there is no 'listener' in bot_main.app", "main.entry")),
        ("listener = 5\n", ("bot_main.app:listener", "of type int", "WsListener")),
    ],
)
def test_code_that_cannot_be_loaded(
    nescord: Nescord, project: Path, code: str, texts: tuple[str, ...]
) -> None:
    (project / "bot_main" / "app.py").write_text(code)
    ended = nescord("run", "main", **_any_ports())
    assert ended.code == 1, ended
    assert "nescord_core" not in ended.errors, "nescord's own frames do not help the user"
    for text in texts:
        assert text in ended.said, ended


@pytest.mark.parametrize(
    ("entry", "text"),
    [("nowhere:listener", "there is no module 'nowhere' in"), ("nowhere", "module:attribute")],
)
def test_an_entry_that_does_not_exist(nescord: Nescord, entry: str, text: str) -> None:
    nescord("run", "main", "--entry", entry, **_any_ports()).check_paragraph(1, text, "main.entry")


@pytest.mark.parametrize("command", [("reload",), ("stop",), ("logs",)])
def test_nothing_is_running(nescord: Nescord, command: tuple[str, ...]) -> None:
    nescord(*command).check_paragraph(1, "is not running", "nescord dev")


def test_a_directory_without_a_project(nescord: Nescord, tmp_path: Path) -> None:
    here = str(tmp_path)
    nescord("dev", "-C", here).check_paragraph(2, here, "no bot here", "bot_main/app.py", "nescord init")


def test_an_unknown_command_suggests_one(nescord: Nescord) -> None:
    ended = nescord("relod")
    assert ended.code == 2
    assert "Did you mean 'reload'" in ended.said
    assert "Usage: nescord" in ended.said


def _any_ports() -> dict[str, str]:
    names = ("NESCORD_MAIN_LISTEN", "NESCORD_MAIN_ADMIN", "NESCORD_WS_ADMIN", "NESCORD_SANDBOX_LISTEN")
    return {"NESCORD_REST_PORT": "0", **dict.fromkeys(names, "127.0.0.1:0")}
