"""Follows symbolic links to the places whose changes show behind them."""

from __future__ import annotations

import os
from dataclasses import dataclass

__all__ = ["LinkPath", "follow"]

MOST_LINKS = 40
"""Links on one path after which Linux answers ELOOP (path_resolution(7))."""


@dataclass(frozen=True, slots=True)
class LinkPath:
    """The way of a path through links: each link by its own real path, and the real path at the end.

    A link that is replaced, as `current` is in a deployment, changes what lies behind it.
    """

    links: tuple[str, ...]
    target: str


def follow(path: str) -> LinkPath | None:
    """Follow an absolute path; None if it goes in a circle. The target need not exist."""
    links: list[str] = []
    rest = path.split("/")[::-1]
    here = os.sep
    while rest:
        part = rest.pop()
        if part in ("", os.curdir):
            continue
        if part == os.pardir:
            here = here.rpartition(os.sep)[0] or os.sep
            continue
        step = f"{here.rstrip(os.sep)}{os.sep}{part}"
        try:
            target = os.readlink(step)  # noqa: PTH115 - Path.readlink would normalise
        except OSError:
            here = step  # no link, or nothing at all
            continue
        links.append(step)
        if len(links) > MOST_LINKS:
            return None
        here = os.sep if target.startswith(os.sep) else here
        rest.extend(target.split("/")[::-1])
    return LinkPath(tuple(links), here)
