from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

from nescord_core.process.ports import holder_of, is_taken

linux_only = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


@linux_only
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0"])
def test_names_the_process_that_listens(host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert f"(process {os.getpid()})" in holder_of(host, port)


@linux_only
def test_another_loopback_address_is_another_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert holder_of("127.0.0.2", server.getsockname()[1]) == ""


def test_an_ipv6_listener_is_found(tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    header = (
        "  sl  local_address remote_address st tx_queue rx_queue tr tm->when retrnsmt uid timeout inode\n"
    )
    zeros = "0" * 32
    row = f"0: 00000000000000000000000001000000:1F90 {zeros}:0000 0A 0:0 00:0 0 0 0 4242 1\n"
    (tmp_path / "net" / "tcp6").write_text(header + row)
    process = tmp_path / "17"
    (process / "fd").mkdir(parents=True)
    (process / "fd" / "3").symlink_to("socket:[4242]")
    (process / "comm").write_text("node\n")
    assert holder_of("::1", 0x1F90, proc=tmp_path) == "node (process 17)"
    assert holder_of("::2", 0x1F90, proc=tmp_path) == ""


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert holder_of("127.0.0.1", port) == ""


def test_a_system_without_proc_gives_an_empty_answer(tmp_path: Path) -> None:
    assert holder_of("127.0.0.1", 80, proc=tmp_path) == ""


def test_a_socket_of_a_process_we_may_not_look_into_has_no_name(tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    header = (
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
    )
    row = (
        "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4242 1\n"
    )
    (tmp_path / "net" / "tcp").write_text(header + row)
    (tmp_path / "17").mkdir()
    assert holder_of("127.0.0.1", 0x1F90, proc=tmp_path) == ""


def test_a_taken_port_is_told_apart_from_other_failures() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(OSError, match="in use") as caught:
        socket.create_server(server.getsockname())
    assert is_taken(caught.value)
    assert not is_taken(PermissionError(13, "denied"))
