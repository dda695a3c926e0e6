"""Protects existing files from commands that write some."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

__all__ = ["conflicts", "refuse_conflicts"]


def conflicts(plan: Sequence[Any]) -> list[Any]:
    """Return the planned files that would replace a different file."""
    from nescord_core.services.project.templates import State

    return [file for file in plan if file.state is State.DIFFERS]


def refuse_conflicts(plan: Sequence[Any], target: Path, *, force: bool) -> None:
    """Raise if writing the files would replace a different one, unless ``force``.

    Raises:
        ConfigError: a file exists and differs, and ``force`` is false.

    """
    from nescord_core.errors import ConfigError

    found = conflicts(plan)
    if found and not force:
        names = ", ".join(str(file.path) for file in found)
        raise ConfigError(
            f"these files exist and differ: {names}.",
            where=str(target),
            hint="Choose another directory, or use --force.",
        )
