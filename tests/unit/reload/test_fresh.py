from __future__ import annotations

from pathlib import Path

import pytest

from nescord_core.reload.fresh import is_of_project


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
