"""Identifies shared file systems, where writes of other machines cause no notification by this kernel."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["Mount", "filesystem_of", "is_shared"]

SHARED = re.compile(
    r"nfs\d?|cifs|smb\d?|smbfs|afpfs|webdav|9p|v9fs|drvfs|virtiofs|vboxsf|vmhgfs|prl_fs|afs|ceph|glusterfs|lustre"
    r"|fuse\..+"
)
"""Network mounts, and directories that a host shares with a virtual machine (9p: WSL 2's /mnt/c)."""
Mount = tuple[str, str]
"""A mount point, and the type of the file system mounted there."""


def filesystem_of(mounts: Iterable[Mount], path: str) -> str:
    """Return the type of the file system of an absolute path; "" if no mount point contains it.

    ``mounts`` are in the order in which they were made: of several on one mount point the last counts.
    """
    longest, filesystem = "", ""
    for point, kind in mounts:
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(longest):
            longest, filesystem = point, kind
    return filesystem


def is_shared(filesystem: str) -> bool:
    """Return whether other machines can change files on this type without a notification here."""
    return SHARED.fullmatch(filesystem) is not None
