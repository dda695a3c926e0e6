"""The files that a .gitignore leaves to be watched, compared with those that git itself lists."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from nescord_core.reload.watching import gitignore

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
FILES = ("c.py", "keep.py", "x1.py")
DIRECTORIES = ("", "a", "b", "a/a", "a/b", "b/a", "b/b")
SEGMENTS = ("a", "b", "*", "**", "?", "a*", "c.py", "*.py", "keep.py", "x?.py", "x[0-9].py", "x[!0-9].py")
WITHOUT_SETTINGS = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("repository")
    git(root, "init", "-q")
    for directory in DIRECTORIES:
        (root / directory).mkdir(exist_ok=True)
        for name in FILES:
            (root / directory / name).touch()
    return root


def git(root: Path, *arguments: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return subprocess.run(
        ["git", "-C", root, *arguments],
        env=environment | WITHOUT_SETTINGS,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def watched(patterns: gitignore.Ignored, root: Path) -> set[str]:
    found = set()
    for path, directories, files in os.walk(root):
        here = Path(path).relative_to(root)
        directories[:] = [
            name
            for name in directories
            if name != ".git" and not patterns.matches((here / name).as_posix(), is_dir=True)
        ]
        below = ((here / name).as_posix() for name in files)
        found |= {name for name in below if not patterns.matches(name, is_dir=False)}
    return found - {".gitignore"}


def some_line(chance: random.Random) -> str:
    body = "/".join(chance.choices(SEGMENTS, k=chance.choice([1, 1, 2, 3])))
    return f"{chance.choice(['', '', '!'])}{chance.choice(['', '', '/'])}{body}{chance.choice(['', '', '/'])}"


@pytest.mark.parametrize("seed", range(4))
def test_the_same_files_are_left_as_with_git(repository: Path, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(40):
        text = "\n".join(some_line(chance) for _ in range(chance.randint(1, 4)))
        (repository / ".gitignore").write_text(text)
        listed = set(git(repository, "ls-files", "-o", "--exclude-standard").split()) - {".gitignore"}
        assert watched(gitignore.parse(text), repository) == listed, text
