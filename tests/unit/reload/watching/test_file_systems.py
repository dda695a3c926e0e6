from __future__ import annotations

import pytest

from nescord_core.reload.watching.file_systems import filesystem_of, is_shared

TABLE = r"""
21 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 21 0:40 / /mnt/c rw,noatime - 9p drvfs rw,dirsync
31 21 0:41 / /home/me/with\040space rw shared:7 master:2 - nfs4 server:/export rw
32 21 0:42 / /srv rw - xfs /dev/vdb rw
33 21 0:43 / /srv rw - cifs //host/share rw
nonsense
"""


@pytest.mark.parametrize(
    ("path", "filesystem"),
    [
        ("/", "ext4"),
        ("/home/me/bot", "ext4"),
        ("/mnt/c", "9p"),
        ("/mnt/c/Users/me/bot", "9p"),
        ("/mnt/cdrom/bot", "ext4"),
        ("/home/me/with space/bot", "nfs4"),
        ("/srv/bot", "cifs"),
    ],
)
def test_the_innermost_mount_counts(path: str, filesystem: str) -> None:
    assert filesystem_of(TABLE, path) == filesystem


def test_a_table_that_says_nothing() -> None:
    assert filesystem_of("", "/home") == ""
    assert not is_shared("")


@pytest.mark.parametrize("filesystem", ["nfs", "nfs4", "cifs", "smb3", "9p", "virtiofs", "fuse.sshfs"])
def test_what_others_write_to(filesystem: str) -> None:
    assert is_shared(filesystem)


@pytest.mark.parametrize("filesystem", ["ext4", "btrfs", "xfs", "tmpfs", "overlay", "zfs", "fuseblk"])
def test_what_is_this_machines_own(filesystem: str) -> None:
    assert not is_shared(filesystem)
