"""Which file systems keep changes to themselves: those that others write to, past this machine's kernel."""

from __future__ import annotations

import re

__all__ = ["filesystem_of", "is_shared"]

SHARED = re.compile(
    r"nfs\d?|cifs|smb\d?|smbfs|9p|v9fs|drvfs|virtiofs|vboxsf|vmhgfs|prl_fs|afs|ceph|glusterfs|lustre|fuse\..+"
)
"""Network mounts, and directories that a host lends a virtual machine (9p: WSL 2's /mnt/c) or container."""
ESCAPED = re.compile(r"\\([0-7]{3})")


def filesystem_of(mountinfo: str, path: str) -> str:
    """Return the type of the file system that an absolute path lies on; "" when the table does not say.

    ``mountinfo`` is the text of /proc/self/mountinfo: the fifth field is the mount point, the first after the
    lone hyphen the type (proc_pid_mountinfo(5)). Of several mounts on one point the last counts.
    """
    longest, found = "", ""
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        fields = before.split()
        if len(fields) < 5 or not after:
            continue
        point = ESCAPED.sub(lambda octal: chr(int(octal[1], 8)), fields[4])
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(longest):
            longest, found = point, after.split()[0]
    return found


def is_shared(filesystem: str) -> bool:
    """Say whether changes made elsewhere reach such a file system without a notification here."""
    return SHARED.fullmatch(filesystem) is not None
