"""What the tests install once, into the user's cache."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

__all__ = ["cache", "installed_once"]


def cache() -> Path:
    """Return the directory in which the tests keep what they install."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "nescord-tests"


def installed_once(name: str, install: Callable[[Path], None]) -> Path:
    """Return a directory of the cache; ``install`` fills it if it does not exist yet."""
    target = cache() / name
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix="new-") as scratch:
            new = Path(scratch) / "new"
            install(new)
            try:
                new.rename(target)
            except OSError:
                # Another run was faster and has installed the same.
                if not target.exists():
                    raise
    return target
