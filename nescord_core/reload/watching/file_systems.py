"""Identifies shared file systems, where writes of other machines cause no notification by this kernel."""

from __future__ import annotations

import re

__all__ = ["filesystem_of", "is_shared"]

SHARED = re.compile(
    r"nfs\d?|cifs|smb\d?|smbfs|9p|v9fs|drvfs|virtiofs|vboxsf|vmhgfs|prl_fs|afs|ceph|glusterfs|lustre|fuse\..+"
)
"""Network mounts, and directories that a host shares with a virtual machine (9p: WSL 2's /mnt/c)."""
ESCAPED = re.compile(r"\\([0-7]{3})")


def filesystem_of(mountinfo: str, path: str) -> str:
    """Return the type of the file system of an absolute path; "" if the table does not list it.

    ``mountinfo`` is the text of /proc/self/mountinfo: the fifth field is the mount point, the first after the
    single hyphen is the type (proc_pid_mountinfo(5)). Of several mounts on one mount point the last counts.
    """
    longest, filesystem = "", ""
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        fields = before.split()
        if len(fields) < 5 or not after:
            continue
        point = ESCAPED.sub(lambda octal: chr(int(octal[1], 8)), fields[4])
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(longest):
            longest, filesystem = point, after.split()[0]
    return filesystem


def is_shared(filesystem: str) -> bool:
    """Return whether other machines can change files on this type without a notification here."""
    return SHARED.fullmatch(filesystem) is not None
