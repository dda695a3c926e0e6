"""A real NATS server with JetStream, as a process that tests start, kill, stop and empty."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.processes.commands import free_port, is_free, until

__all__ = ["PASSWORD", "NatsServer", "nats_server"]

PASSWORD = "not-a-real-password"
BINARY = Path(sys.executable).parent / "nats-server"


class NatsServer:
    """A server on loopback. ``files`` is where it keeps its streams."""

    def __init__(self, directory: Path, port: int | None = None) -> None:
        self.port = port or free_port()
        self.files = directory / "jetstream"
        self._config = directory / "nats.conf"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address with the password, as in ``cluster.url``."""
        return f"nats://nescord:{PASSWORD}@127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and wait until it accepts connections."""
        settings = {
            "listen": f"127.0.0.1:{self.port}",
            "authorization": {"user": "nescord", "password": PASSWORD},
            "jetstream": {"store_dir": str(self.files), "sync_interval": "always"},
        }
        self._config.write_text(json.dumps(settings), encoding="utf-8")
        process = self._process = subprocess.Popen(
            (BINARY, "-c", self._config), stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT
        )
        until(lambda: not is_free(self.port) or process.poll() is not None, "the NATS server")
        assert process.poll() is None

    def kill(self) -> None:
        """Kill it, if it runs."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def wipe(self) -> None:
        """Kill it and remove what it kept."""
        self.kill()
        shutil.rmtree(self.files, ignore_errors=True)

    def freeze(self) -> None:
        """Stop its process until `thaw`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)


@contextmanager
def nats_server(directory: Path, port: int | None = None) -> Iterator[NatsServer]:
    """Run a server."""
    server = NatsServer(directory, port)
    try:
        server.start()
        yield server
    finally:
        server.kill()
