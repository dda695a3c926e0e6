from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import psutil
import pytest

from nescord_core.process.ports import holder_of, is_taken

ROOT = Path(__file__).parents[3]
AS_NOBODY = """
import os, sys, psutil
from nescord_core.process.ports import holder_of
os.setuid(65534)
print(repr(holder_of("127.0.0.1", int(sys.argv[1]))))
"""


@pytest.fixture(params=["all at once", "process by process"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """How the system shows listening sockets: macOS shows those of all processes to root only."""
    if request.param == "process by process":
        monkeypatch.setattr(psutil, "net_connections", denied)


def denied(*_: object) -> NoReturn:
    raise psutil.AccessDenied


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0"])
def test_names_the_process_that_listens(host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        holder = holder_of(host, port)
    assert holder == f"{psutil.Process().name()} (process {os.getpid()})"


@pytest.mark.usefixtures("way")
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere 127.0.0.2 is not an own address")
def test_another_loopback_address_is_another_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert holder_of("127.0.0.2", server.getsockname()[1]) == ""


@pytest.mark.usefixtures("way")
@pytest.mark.skipif(not socket.has_ipv6, reason="needs IPv6")
def test_an_ipv6_listener_is_found() -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as server:
        port = server.getsockname()[1]
        assert f"(process {os.getpid()})" in holder_of("::1", port)
        assert f"(process {os.getpid()})" in holder_of("[::1]", port)
        assert holder_of("::2", port) == ""
        assert holder_of("127.0.0.1", port) == ""


@pytest.mark.usefixtures("way")
def test_of_processes_that_share_the_socket_the_one_that_keeps_the_port_is_named() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        subprocess.Popen(["sleep", "60"], pass_fds=[server.fileno()]) as child,
    ):
        assert f"(process {os.getpid()})" in holder_of("127.0.0.1", server.getsockname()[1])
        child.kill()


@pytest.mark.usefixtures("way")
def test_a_child_that_has_the_socket_alone_is_named() -> None:
    server = socket.create_server(("127.0.0.1", 0))
    port = server.getsockname()[1]
    with subprocess.Popen(["sleep", "60"], pass_fds=[server.fileno()]) as child:
        server.close()
        assert holder_of("127.0.0.1", port) == f"sleep (process {child.pid})"
        child.kill()


@pytest.mark.usefixtures("way")
def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(server.getsockname()):  # a connection is no listener
            pass
    assert holder_of("127.0.0.1", port) == ""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")
def test_a_process_of_another_user_has_no_name() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        command = [sys.executable, "-c", AS_NOBODY, str(server.getsockname()[1])]
        asked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (asked.stdout, asked.stderr) == ("''\n", "")


def test_a_taken_port_is_told_apart_from_other_failures() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(OSError, match="in use") as caught:
        socket.create_server(server.getsockname())
    assert is_taken(caught.value)
    assert not is_taken(PermissionError(13, "denied"))
