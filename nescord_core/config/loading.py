"""Loads a project's configuration from defaults, nescord.toml, .env, environment and flags; later wins."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from nescord_core.config.config import Config
from nescord_core.config.effective import Effective
from nescord_core.config.keys import KEYS
from nescord_core.config.sources import (
    ENV_FILE,
    FILE,
    digest_of,
    dotenv,
    from_document,
    from_flags,
    from_toml,
    from_variables,
)

__all__ = ["find_project", "from_text", "load", "unread_files"]


def find_project(start: Path) -> Path:
    """Return the nearest directory from ``start`` upwards that contains a nescord.toml, else ``start``."""
    for directory in (start, *start.parents):
        if (directory / FILE).is_file():
            return directory
    return start


def load(
    project: Path | None = None,
    *,
    flags: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Config:
    """Read the configuration of the project that contains ``project`` (default: the working directory).

    ``flags`` are command-line values by key name (None: not given).

    Raises:
        ConfigError: an unknown key, an invalid value, or a secret in nescord.toml.

    """
    environment = os.environ if environ is None else environ
    directory = find_project(_absolute(project, environment.get("PWD", "")))
    digest = digest_of(directory)
    values = {key.name: Effective(key, key.default, "default") for key in KEYS}
    for effective in (
        *from_toml(directory / FILE),
        *from_variables(dotenv(directory / ENV_FILE), " in .env"),
        *from_variables(environment, " in the environment"),
        *from_flags(flags or {}),
    ):
        values[effective.key.name] = effective
    return Config(directory, values, environment, digest)


def _absolute(project: Path | None, shell_directory: str) -> Path:
    """Return an absolute path that keeps links: `current -> releases/7` is another release after a switch.

    The system tells a process its working directory without links; a shell tells it with them (PWD).
    """
    here = Path.cwd()
    with suppress(OSError):
        if Path(shell_directory).is_absolute() and here.samefile(shell_directory):
            here = Path(shell_directory)
    path = here / project if project is not None else here
    return path.resolve() if ".." in path.parts else path


def from_text(toml: str, project: Path) -> Config:
    """Return the configuration of a project with this nescord.toml; no other source is read."""
    values = {key.name: Effective(key, key.default, "default") for key in KEYS}
    for effective in from_document(tomllib.loads(toml), project / FILE):
        values[effective.key.name] = effective
    return Config(project, values)


def unread_files(project: Path) -> list[str]:
    """Return the configuration files that are not read, because they are fifos, sockets or devices."""
    paths = [project / ".env", project / FILE]
    return [path.name for path in paths if path.exists() and not (path.is_file() or path.is_dir())]
