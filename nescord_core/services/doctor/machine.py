"""Checks of the machine: versions, limits, disk space."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from itertools import islice
from pathlib import Path

from nescord_core._version import __version__
from nescord_core.bot.libraries.installed import newer_than_tested, problem
from nescord_core.services.doctor.findings import Finding, failed, passed, warning

__all__ = ["disk", "limits", "versions"]

PACKAGES = ("discord.py", "aiohttp", "grpcio", "protobuf", "msgspec", "watchfiles", "simcord")
DISK_MB = 500
OLDEST = (3, 11)
DESCRIPTORS = 1024
"""Enough for 200 shards, their clusters' pipes and a few hundred HTTP connections."""
WATCHES = Path("/proc/sys/fs/inotify/max_user_watches")
SKIPPED = frozenset({"node_modules", "__pycache__", "venv"})
MOST_DIRECTORIES = 20_000


def versions() -> Iterator[Finding]:
    """Check Python and the packages that nescord needs."""
    text = f"{platform.python_version()} on {sys.platform}, {sys.executable}"
    if sys.version_info < OLDEST:
        yield failed("Python", text, "Install Python 3.11 or later.")
    else:
        yield passed("Python", text)
    found, missing = [], []
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    text = f"{__version__} with {', '.join(found)}"
    if missing:
        yield failed(
            "nescord",
            f"{text}; missing: {', '.join(missing)}",
            "Reinstall nescord: pip install -U nescord",
        )
    else:
        yield passed("nescord", text)
    yield from _discordpy()


def _discordpy() -> Iterator[Finding]:
    """Check that the package `discord` is discord.py's, of a version that nescord works with."""
    if (found := problem()) is not None:
        message, fix = found
        yield failed("discord.py", f"{message}: neither the sandbox nor discord.py bots run", fix)
    elif (newer := newer_than_tested()) is not None:
        fix = "Install a release that nescord allows: pip install -U nescord discord.py"
        yield warning("discord.py", f"{newer} is newer than what nescord is tested with", fix)


def limits(project: Path) -> Iterator[Finding]:
    """Check this user's limits: open files and watched directories."""
    try:
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    except ImportError:  # Windows has no such limit
        return
    text = "no limit" if soft == resource.RLIM_INFINITY else f"limit of {soft:,}"
    if soft != resource.RLIM_INFINITY and soft < DESCRIPTORS:
        most = 65536 if hard == resource.RLIM_INFINITY else hard
        fix = f"Raise it: ulimit -n {most}, or LimitNOFILE= of the systemd unit."
        yield warning("open files", text, fix)
    else:
        yield passed("open files", text)
    yield from _watches(project)


def _watches(project: Path) -> Iterator[Finding]:
    """Compare the kernel's setting, which psutil does not read, with the number of directories."""
    try:
        allowed = int(WATCHES.read_text())
    except (OSError, ValueError):
        return
    needed = sum(1 for _ in islice(_directories(project), MOST_DIRECTORIES))
    text = f"limit of {allowed:,} watched directories; this project has {needed:,}"
    if needed * 2 > allowed:
        fix = "Run sysctl fs.inotify.max_user_watches=524288; until then `nescord dev` polls the files."
        yield warning("inotify", text, fix)
    else:
        yield passed("inotify", text)


def _directories(project: Path) -> Iterator[str]:
    for path, names, _ in os.walk(project):
        names[:] = [name for name in names if not name.startswith(".") and name not in SKIPPED]
        yield path


def disk(state_dir: Path) -> Finding:
    """Check the disk space for events that wait for main, and the permission to write them."""
    place = next(p for p in (state_dir, *state_dir.parents) if p.exists())
    free = shutil.disk_usage(place).free // 1_000_000
    text = f"{state_dir}, {free:,} MB free"
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        return failed(
            "state_dir",
            f"{state_dir} cannot be written to",
            "Give this user write permission, or set NESCORD_STATE_DIR to another directory.",
        )
    if free < DISK_MB:
        return warning(
            "state_dir", text, "Free some space, or set NESCORD_STATE_DIR to a directory on another disk."
        )
    return passed("state_dir", text)
