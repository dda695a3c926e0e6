"""A state_dir that is renamed while main runs: it is not created again, and main goes on."""

from __future__ import annotations

import signal
import socket
from pathlib import Path

from support.processes import commands
from support.processes.commands import start, until

APP = """
from nescord_core import WsListener
listener = WsListener()
print("loaded", flush=True)
"""


def test_main_says_so_once_reloads_and_does_not_create_it_again(tmp_path: Path) -> None:
    project = tmp_path / "bot"
    (project / "bot_main").mkdir(parents=True)
    (project / "bot_main" / "__init__.py").touch()
    (project / "bot_main" / "app.py").write_text(APP)
    (project / "nescord.toml").write_text("")
    listen, admin = commands.free_ports(2)
    environ = commands.clean_environment() | {
        "NESCORD_MAIN_LISTEN": f"127.0.0.1:{listen}",
        "NESCORD_MAIN_ADMIN": f"127.0.0.1:{admin}",
    }
    main = start(tmp_path / "main.log", project, environ, ("run", "main"))
    try:
        main.wait_for("is ready")
        (project / ".nescord").rename(tmp_path / "elsewhere")
        main.wait_for("was removed, renamed or replaced")
        with socket.create_connection(("127.0.0.1", admin)) as connection:
            connection.sendall(b"POST /reload HTTP/1.1\r\nHost: localhost\r\n\r\n")
            until(lambda: main.output.count("loaded") >= 2, "the new code")
            assert connection.recv(100).startswith(b"HTTP/1.1 200")
    finally:
        assert main.stop(signal.SIGTERM) == 0, main
    assert not (project / ".nescord").exists()
    assert main.output.count("was removed, renamed or replaced") == 1
    assert "Traceback" not in main.output
