"""`nescord --help`: its content and its cost; output outside a terminal; completion."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from nescord_core._version import __version__
from support.processes import one_shot
from support.processes.one_shot import Nescord

COMMANDS = [
    (),
    ("run",),
    ("run", "ws"),
    ("run", "rest"),
    ("run", "main"),
    ("run", "sandbox"),
    ("init",),
    ("dev",),
    ("demo",),
    ("status",),
    ("reload",),
    ("logs",),
    ("stop",),
    ("doctor",),
    ("generate",),
    ("restart",),
    ("events",),
    ("events", "tail"),
    ("events", "record"),
    ("events", "replay"),
    ("events", "last"),
    ("events", "failed"),
    ("invite",),
    ("help",),
]
HEAVY = (
    "aiohttp, grpc, discord, simcord, pydantic, diskcache, jinja2, prometheus_client, watchfiles, asyncio,"
    " dotenv, msgspec, rich.console, tomllib, json, logging"
)
ONLY_HELP = f"""
import contextlib, io, sys
sys.argv = ["nescord", *sys.argv[1:]]
from nescord_cli.app import main
with contextlib.suppress(SystemExit):
    main()
heavy = {{name.strip() for name in {HEAVY!r}.split(",")}} & sys.modules.keys()
print("HEAVY", *sorted(heavy), file=sys.stderr)
"""


def test_help_of_every_command_has_an_example_and_fits_the_width(nescord: Nescord) -> None:
    for command in COMMANDS:
        ended = nescord(*command, "--help", COLUMNS="80")
        assert ended.code == 0, ended
        assert max(map(len, ended.output.splitlines())) <= 80, ended
        assert f"Usage: nescord {' '.join(command)}".strip() in ended.output, ended
        example = ended.output.rpartition("Example" if command else "Start with")[2]
        assert f"nescord {command[0] if command else 'demo'}" in example, f"{command} has no example"
        assert "\x1b" not in ended.output, "colours are for terminals"


def test_the_version(nescord: Nescord) -> None:
    for option in ("--version", "-V"):
        ended = nescord(option)
        assert (ended.code, ended.output.strip(), ended.errors) == (0, f"nescord {__version__}", "")


def test_commands_are_in_groups_and_examples_stay_on_one_line(nescord: Nescord) -> None:
    shown = nescord("--help", COLUMNS="80").output
    headings = [line for line in shown.splitlines() if line.endswith(":") and not line.startswith(" ")]
    assert headings == ["Options:", "Develop:", "Inspect:", "Production:", "Other:"]
    assert "nescord init mybot && cd mybot && nescord dev" in shown
    assert "..." not in nescord("run", "--help", COLUMNS="80").output.partition("Commands:")[2]


def test_help_by_name_and_the_project_before_the_command(nescord: Nescord, tmp_path: Path) -> None:
    assert nescord("help", "run", "ws").output == nescord("run", "ws", "--help").output
    assert nescord("help").output == nescord("--help").output
    (tmp_path / "nescord.toml").write_text("[ws]\nshards = 7\n")
    for arguments in (("-C", str(tmp_path), "doctor"), ("doctor", "-C", str(tmp_path))):
        ended = nescord(*arguments, "--json", "--no-code")
        assert json.loads(ended.output)["values"]["ws.shards"]["value"] == "7", ended
    assert nescord("-C", str(tmp_path), "init", "x").code == 2


@pytest.mark.parametrize(
    ("arguments", "typers_own"),
    [(("--help",), ""), (("--version",), ""), (("run", "ws", "--help"), "pydantic")],
)
def test_help_imports_nothing_heavy(arguments: tuple[str, ...], typers_own: str) -> None:
    """Typer itself imports pydantic, where it is installed, for commands with options."""
    done = subprocess.run(
        [sys.executable, "-c", ONLY_HELP, *arguments], capture_output=True, text=True, check=True
    )
    assert set(done.stderr.splitlines()[-1].split()) <= {"HEAVY", typers_own}, done.stderr


def test_help_of_everything_imports_no_command() -> None:
    """It is run most often, and costs little more than `import typer, rich`."""
    program = (
        "import typer, rich, sys; before = set(sys.modules)\n"
        + ONLY_HELP
        + "print('MORE', *sorted(set(sys.modules) - before), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "--help"], capture_output=True, text=True, check=True
    )
    more = done.stderr.splitlines()[-1].split()[1:]
    ours = {name for name in more if name.startswith("nescord")}
    assert ours <= {
        *("nescord_cli", "nescord_cli.app", "nescord_cli.lazy_commands", "nescord_cli.terminal"),
        "nescord_cli.help_text",
        *("nescord_core", "nescord_core._version", "nescord_core.errors", "nescord_core.plurals"),
    }
    assert len(more) - len(ours) <= 5, more


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("init x --template di", "discordpy"),
        ("generate sys", "systemd"),
        ("restart re", "rest"),
        ("invite -p send_messages,manage_ro", "send_messages,manage_roles"),
        ("logs wh", ""),
        ("events tail --type message_create,guild_member_a", "message_create,guild_member_add"),
    ],
)
def test_completion_knows_templates_services_targets_and_events(
    nescord: Nescord, typed: str, offered: str
) -> None:
    words = ("nescord", *typed.split())
    asked = {"COMP_WORDS": " ".join(words), "COMP_CWORD": str(len(words) - 1)}
    assert nescord(_NESCORD_COMPLETE="complete_bash", **asked).output.split() == offered.split()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_knows_the_commands(nescord: Nescord, shell: str) -> None:
    script = nescord(
        _NESCORD_COMPLETE=f"source_{shell}", NESCORD_COMPLETE=shell
    )  # as the shell's start-up file requests it
    assert script.code == 0, script
    assert "nescord" in script.output
    asked = {
        "bash": {"COMP_WORDS": "nescord ru", "COMP_CWORD": "1"},
        "zsh": {"_TYPER_COMPLETE_ARGS": "nescord ru"},
        "fish": {"_TYPER_COMPLETE_ARGS": "nescord ru", "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
    }[shell]
    found = nescord(_NESCORD_COMPLETE=f"complete_{shell}", **asked)
    assert "run" in found.output.split() or '"run"' in found.output, found


def test_output_without_a_terminal_is_plain(nescord: Nescord) -> None:
    for command in (("doctor",), ("status",), ("init", "--list"), ("run", "sandbox", "--routes")):
        ended = nescord(*command)
        assert "\x1b" not in ended.output + ended.errors, command


def test_a_traceback_only_with_debug(tmp_path: Path) -> None:
    plain = one_shot.run("run", "ws", cwd=tmp_path)
    debug = one_shot.run("--debug", "run", "ws", cwd=tmp_path)
    assert "Traceback" not in plain.errors
    assert "Traceback" in debug.errors
    assert (plain.code, debug.code) == (2, 2)
