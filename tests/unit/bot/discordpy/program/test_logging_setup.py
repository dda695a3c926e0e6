"""A program can configure logging as if nescord were not there, and each record is printed once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

BEFORE = """
import logging, sys
from nescord_core.process import logs
from nescord_core.bot.discordpy import transport
from nescord_core.bot.discordpy.program import logging_setup
logs.configure("main", secrets=("hush",))
logging_setup.allow_own_setup()
"""


def printed(program: str, where: Path, **environ: str) -> list[str]:
    """Return what a program printed, without nescord's timestamps."""
    ended = subprocess.run(
        (sys.executable, "-c", BEFORE + program),
        capture_output=True,
        text=True,
        cwd=where,
        env=os.environ | environ,
        check=True,
    )
    lines = (ended.stdout + ended.stderr).splitlines()
    return [line[9:] if line[2:3] == ":" and line[5:6] == ":" else line for line in lines]


def test_without_a_set_up_of_its_own_nescord_prints(tmp_path: Path) -> None:
    assert printed("logging.getLogger('bot').warning('it is %s', 'hush')", tmp_path) == ["WARNING it is ***"]


def test_a_file_that_was_asked_for_is_written_and_the_terminal_stays_as_it_was(tmp_path: Path) -> None:
    program = """
logging.basicConfig(filename="own.log", level=logging.DEBUG, format="%(name)s %(message)s")
logging.getLogger("bot").debug("small")
logging.getLogger("bot").error("large")
"""
    assert printed(program, tmp_path) == ["DEBUG small", "ERROR large"]
    assert (tmp_path / "own.log").read_text() == "bot small\nbot large\n"


@pytest.mark.parametrize(
    "set_up",
    [
        "logging.basicConfig(format='own: %(message)s', stream=sys.stdout)",
        "logging.basicConfig(format='own: %(message)s', force=True)",
        "h = logging.StreamHandler(); h.setFormatter(logging.Formatter('own: %(message)s'));"
        " logging.getLogger('bot').addHandler(h)",
        "import discord; discord.utils.setup_logging(formatter=logging.Formatter('own: %(message)s'))",
    ],
)
def test_what_the_program_prints_is_not_printed_again(tmp_path: Path, set_up: str) -> None:
    program = f"{set_up}\nlogging.getLogger('bot.part').warning('once')"
    assert printed(program, tmp_path) == ["own: once"]


def test_what_its_own_handler_leaves_out_is_still_printed(tmp_path: Path) -> None:
    program = """
handler = logging.StreamHandler()
handler.setLevel(logging.ERROR)
logging.getLogger("bot").addHandler(handler)
logging.getLogger("bot").warning("seen")
logging.getLogger("other").warning("too")
"""
    assert printed(program, tmp_path) == ["WARNING seen", "WARNING too"]


def test_lines_of_json_are_complete(tmp_path: Path) -> None:
    program = "logging.basicConfig(format='own: %(message)s')\nlogging.getLogger('bot').warning('twice')"
    lines = printed(program, tmp_path, NESCORD_LOG_JSON="1")
    assert sum('"message": "twice"' in line for line in lines) == 1
    assert "own: twice" in lines


def test_the_handler_that_run_was_given_stays(tmp_path: Path) -> None:
    program = """
print(transport.run_options({}))
print(transport.run_options({"log_handler": "own"}))
print(transport.run_options({"log_level": 10}), logging.getLogger("discord").level)
print(transport.run_options({"log_level": 20, "root_logger": True})["log_handler"], logging.root.level)
"""
    assert printed(program, tmp_path) == [
        "{'log_handler': None}",
        "{'log_handler': 'own'}",
        "{'log_level': 10, 'log_handler': None} 10",
        "None 20",
    ]
