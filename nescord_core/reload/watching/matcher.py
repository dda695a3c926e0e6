"""Which files of a project are watched: its code, configuration and templates, not what it writes itself.

Paths are relative to the project, with `/` between their parts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from nescord_core.reload.watching.gitignore import Ignored

__all__ = ["Matcher"]

DIRECTORIES_LEFT_OUT = frozenset(
    {
        "__pycache__",
        "build",
        "dist",
        "env",
        "logs",
        "node_modules",
        "site-packages",
        "venv",
    }
)
# Data files (.json, .db, .txt) are left out on purpose: bots write them, and would be reloaded each time.
SUFFIXES = (".py", ".toml", ".html", ".j2", ".jinja", ".jinja2", ".tmpl", ".ftl")
ENV_FILE = re.compile(r"\.env(\.[\w-]+)?")
# .#x and x~ are Emacs, .x.swp and 4913 Vim, x___jb_tmp___ JetBrains, sedXXXXXX sed -i.
EDITORS_OWN = re.compile(
    r"\.?#.*|.*~|.*\.sw[a-z]|4913|.*___jb_(tmp|old)___|sed[A-Za-z0-9]{6}|.*\.tmp(\.\w+)?|flycheck_.*"
)


NOTHING_IGNORED = Ignored()


@dataclass(frozen=True, slots=True)
class Matcher:
    """What to watch below a project; ``state_dir`` is relative to it, or None when it lies elsewhere."""

    ignored: Ignored = NOTHING_IGNORED
    state_dir: str | None = ".nescord"

    def wants_directory(self, path: str) -> bool:
        """Say whether a directory (whose parent is watched) is looked into."""
        name = path.rpartition("/")[2]
        if name.startswith(".") or name in DIRECTORIES_LEFT_OUT or name.endswith(".egg-info"):
            return False
        return path != self.state_dir and not self.ignored.matches(path, is_dir=True)

    def wants_file(self, path: str) -> bool:
        """Say whether a file (whose directory is watched) counts.

        The .env file counts although every .gitignore names it.
        """
        name = path.rpartition("/")[2]
        if EDITORS_OWN.fullmatch(name):
            return False
        if ENV_FILE.fullmatch(name):
            return "/" not in path
        if name.startswith(".") or not name.endswith(SUFFIXES):
            return False
        return not self.ignored.matches(path, is_dir=False)

    def wants(self, path: str) -> bool:
        """Say whether a file counts, its directories included."""
        parts = path.split("/")
        above = ("/".join(parts[:depth]) for depth in range(1, len(parts)))
        return all(map(self.wants_directory, above)) and self.wants_file(path)
