"""Which files of a project are watched: its code, configuration and templates, not what it writes itself.

Paths are relative to the project, with `/` between their parts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from nescord_core.reload.watching.gitignore import Ignored

__all__ = ["SUFFIXES", "Matcher"]

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
NEVER_CODE = frozenset({"__pycache__", "node_modules", "site-packages"})
"""Directories of these names hold no code of the bot's author; leaving them out surprises nobody."""
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
    """What to watch below a project; ``state_dir`` is relative to it, or None when it lies elsewhere.

    ``imported`` are the directories from which the bot has imported modules. Those are watched whatever their
    names are; only .gitignore excludes them.
    """

    ignored: Ignored = NOTHING_IGNORED
    state_dir: str | None = ".nescord"
    imported: frozenset[str] = frozenset()
    _above: frozenset[str] = field(default=frozenset(), repr=False)
    """The directories above imported ones that their names exclude: only the way to those is watched."""

    def importing(self, directories: Iterable[str]) -> Matcher:
        """Return a matcher that knows these directories as well."""
        imported = self.imported | frozenset(directories)
        above = {parent for each in imported for parent in _parents(each)} - imported
        return replace(self, imported=imported, _above=frozenset(filter(_is_left_out, above)))

    def wants_directory(self, path: str) -> bool:
        """Say whether a directory (whose parent is watched) is looked into."""
        if path == self.state_dir or path.startswith("../") or self.ignored.matches(path, is_dir=True):
            return False
        if path in self.imported or path in self._above:
            return True
        return not _is_left_out(path) and not self._is_only_passed(path)

    def wants_file(self, path: str) -> bool:
        """Say whether a file (whose directory is watched) counts.

        The .env file counts although every .gitignore names it.
        """
        name = path.rpartition("/")[2]
        if EDITORS_OWN.fullmatch(name):
            return False
        if ENV_FILE.fullmatch(name):
            return "/" not in path
        if name.startswith(".") or not name.endswith(SUFFIXES) or self._is_only_passed(path):
            return False
        return path.startswith("../") or not self.ignored.matches(path, is_dir=False)

    def wants(self, path: str) -> bool:
        """Say whether a file counts, its directories included."""
        return all(map(self.wants_directory, _parents(path))) and self.wants_file(path)

    def reason_against(self, directory: str) -> str | None:
        """Return why a directory that is left out might be missed: ".gitignore", or "" for its name.

        None if nobody expects it to be watched, such as a hidden directory.
        """
        name = directory.rpartition("/")[2]
        if name in NEVER_CODE or name.startswith(".") or directory == self.state_dir:
            return None
        if self.ignored.matches(directory, is_dir=True):
            return ".gitignore"
        return "" if name in DIRECTORIES_LEFT_OUT else None

    def _is_only_passed(self, path: str) -> bool:
        return path.rpartition("/")[0] in self._above


def _is_left_out(path: str) -> bool:
    name = path.rpartition("/")[2]
    return name.startswith(".") or name in DIRECTORIES_LEFT_OUT or name.endswith(".egg-info")


def _parents(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:depth]) for depth in range(1, len(parts))]
