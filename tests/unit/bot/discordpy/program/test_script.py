"""How a bot's file is run: standalone, or as a part of its package."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from nescord_core.bot.discordpy.program import script

MAIN = "from .parts import word\nimport sys\nsys.strange = word, __name__, __package__\n"


def write(root: Path, **files: str) -> None:
    for name, text in files.items():
        path = root / f"{name.replace('__slash__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.mark.parametrize(
    ("files", "entry", "directory", "module"),
    [
        ({"bot": "import discord\n"}, "bot.py", "", None),
        ({"src__slash__bot": "import parts\n", "src__slash____init__": ""}, "src/bot.py", "src", None),
        ({"club__slash____main__": "import parts\n"}, "club/__main__.py", "club", None),
        ({"club__slash____main__": "", "club__slash____init__": ""}, "club/__main__.py", "", "club.__main__"),
        ({"src__slash__bot": "from .parts import x\n"}, "src/bot.py", "", "src.bot"),
        ({"a__slash__b__slash__bot": "from ..c import x\n"}, "a/b/bot.py", "", "a.b.bot"),
        (
            {"a__slash__b__slash__bot": "from . import c\n", "a__slash__b__slash____init__": ""},
            "a/b/bot.py",
            "a",
            "b.bot",
        ),
        (
            {
                "a__slash__b__slash__bot": "def f():\n    from . import c\n",
                "a__slash__b__slash____init__": "",
                "a__slash____init__": "",
            },
            "a/b/bot.py",
            "",
            "a.b.bot",
        ),
        ({"bot": "def broken(:\n"}, "bot.py", "", None),
    ],
)
def test_where_imports_begin(
    tmp_path: Path, files: dict[str, str], entry: str, directory: str, module: str | None
) -> None:
    write(tmp_path, **files)
    found = script.find(tmp_path / entry)
    assert (found.directory, found.module) == (tmp_path / directory, module)


def test_a_package_is_run_as_python_runs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(
        tmp_path,
        strange_club__slash____init__="",
        strange_club__slash__parts="word = 'found'\n",
        strange_club__slash____main__=MAIN,
    )
    found = script.find(tmp_path / "strange_club" / "__main__.py")
    monkeypatch.syspath_prepend(str(found.directory))
    monkeypatch.setattr(sys, "strange", None, raising=False)
    found.run()
    assert sys.strange == ("found", "__main__", "strange_club")  # type: ignore[attr-defined]
