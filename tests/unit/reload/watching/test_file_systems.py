from __future__ import annotations

import pytest

from nescord_core.reload.watching.file_systems import filesystem_of, is_shared

MOUNTS = [
    ("/", "ext4"),
    ("/mnt/c", "9p"),
    ("/home/me/with space", "nfs4"),
    ("/srv", "xfs"),
    ("/srv", "cifs"),
]


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
    assert filesystem_of(MOUNTS, path) == filesystem


def test_a_system_that_names_no_mounts() -> None:
    assert filesystem_of([], "/home") == ""
    assert not is_shared("")


@pytest.mark.parametrize(
    "filesystem", ["nfs", "nfs4", "cifs", "smb3", "9p", "virtiofs", "fuse.sshfs", "smbfs", "afpfs", "webdav"]
)
def test_what_others_write_to(filesystem: str) -> None:
    assert is_shared(filesystem)


@pytest.mark.parametrize(
    "filesystem", ["ext4", "btrfs", "xfs", "tmpfs", "overlay", "zfs", "fuseblk", "apfs", "hfs"]
)
def test_what_is_this_machines_own(filesystem: str) -> None:
    assert not is_shared(filesystem)
