from __future__ import annotations

import json
import sysconfig
from pathlib import Path

import pytest

import nescord_core
from nescord_core.reload.loading.own_code import is_of_project, is_own


@pytest.mark.parametrize(
    ("path", "own"),
    [
        ("/home/me/bot/bot_main/app.py", True),
        ("/home/me/bot", True),
        ("/home/me/bot/.venv/lib/python3.12/site-packages/aiohttp/web.py", False),
        ("/home/me/bot/.venv/lib/python3/dist-packages/x.py", False),
        ("/usr/lib/python3.12/json/__init__.py", False),
        ("/home/me/bottle/app.py", False),
        ("", False),
    ],
)
def test_an_environment_inside_the_project_is_not_the_projects_own(path: str, own: bool) -> None:
    assert is_of_project(path, Path("/home/me/bot")) is own


@pytest.mark.parametrize(
    ("path", "own"),
    [
        ("/home/me/bot/bot_main/app.py", True),
        ("/home/me/bot/.venv/lib/python3.12/site-packages/aiohttp/web.py", False),
        ("/usr/lib/python3/dist-packages/x.py", False),
        ("/home/me/shared/common.py", True),
        ("/usr/src/app/bot.py", True),
        (json.__file__, False),
        (sysconfig.get_path("stdlib"), False),
        (nescord_core.__file__, False),
        ("<frozen importlib._bootstrap>", False),
        ("", False),
    ],
)
def test_code_outside_the_project_is_own_unless_it_is_installed(path: str, own: bool) -> None:
    assert is_own(path, Path("/home/me/bot")) is own
