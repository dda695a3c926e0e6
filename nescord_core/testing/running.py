"""Runs a whole bot on a local Discord for its tests, which talk to it as users would::

    with running_bot() as bot:
        assert bot.ask("!ping") == "Pong!"

It starts `nescord dev` on the sandbox, with its own ports and state, so it does not interfere with anything
that runs in the project. It needs no token and no network.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nescord_core import config
from nescord_core.errors import NescordError, ServiceFailed
from nescord_core.process.ports import holder_of
from nescord_core.testing.calls import as_base64

__all__ = ["RunningBot", "running_bot"]

_OURS = ("DISCORD_", "NESCORD_", "GRPC_", "EVENTS", "SHARDS_")
_OFFSETS = range(1000, 22_000, 10)
_SHOWN_LINES = 25
LOG = "log"


class RunningBot:
    """A bot on the sandbox; ``url`` is the sandbox's address, with its page and its control API.

    Channels and users have the sandbox's names: #general, #random; olivia, alice, bob.
    """

    def __init__(self, url: str, state_dir: Path, timeout: float) -> None:
        self.url = url
        self.state_dir = state_dir
        """Where the bot's services have their state while it runs."""
        self.timeout = timeout
        self.began = time.monotonic()
        self._log = state_dir / LOG

    def say(self, content: str, *, channel: str = "general", user: str = "alice", **more: Any) -> Any:
        """Send a message as a user, and return it as Discord would describe it.

        ``files`` are pairs of name and bytes: ``bot.say("look", files=[("a.txt", b"hello")])``.
        """
        return self.control("POST", "/say", channel=channel, user=user, content=content, **more)

    def ask(self, content: str, *, channel: str = "general", user: str = "alice", **more: Any) -> str:
        """Send a message and return the text of the bot's next message in that channel."""
        message = self.say(content, channel=channel, user=user, **more)
        return str(self.hear(after=message["id"], channel=channel)["content"])

    def hear(self, *, after: str, channel: str = "general") -> Any:
        """Wait for the bot's next message after another one, and return it."""
        return self.control("POST", "/wait", channel=channel, after=after, timeout=self.timeout)

    def command(self, name: str, *, channel: str = "general", user: str = "alice", **options: Any) -> Any:
        """Use an application command (``"name group sub"``) and return the bot's response.

        A file is a pair of name and bytes: ``bot.command("upload", file=("a.txt", b"hello"))``.
        """
        request = {"channel": channel, "user": user, "command": name, "options": options}
        return self.control("POST", "/interact", **request, wait=self.timeout)

    def submit(self, form: Any, *, user: str = "alice", **values: Any) -> Any:
        """Submit the form (modal) of a response, with values by custom id, and return the bot's response.

        A file upload takes a list of pairs of name and bytes::

            form = bot.command("report")
            assert bot.submit(form, what="It broke", shots=[("a.png", png)])["responded"]
        """
        request = {"interaction": form["id"], "user": user, "values": values}
        return self.control("POST", "/modal", **request, wait=self.timeout)

    def control(self, method: str, path: str, **body: Any) -> Any:
        """Call the sandbox's control API; bytes are sent as base64.

        Raises NescordError with its message if it refuses.
        """
        data = json.dumps(body, default=as_base64).encode() if body else None
        request = urllib.request.Request(f"{self.url}/sandbox{path}", data, method=method)  # noqa: S310 - ours
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=self.timeout + 10) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                detail = error.read().decode(errors="replace")
            raise NescordError(f"the sandbox refused {method} {path}: {detail}\n{self.log()}") from None

    def log(self, since: int = 0) -> str:
        """Return the last lines of the services' output, after its first ``since`` bytes."""
        with self._log.open("rb") as file:
            file.seek(since)
            return "\n".join(file.read().decode(errors="replace").splitlines()[-_SHOWN_LINES:])

    def log_size(self) -> int:
        """Return how many bytes the services have written."""
        return self._log.stat().st_size


@contextmanager
def running_bot(project: str | Path | None = None, *, timeout: float = 60.0) -> Iterator[RunningBot]:
    """Run the bot of a project (default: the working directory's) while the block runs.

    ``timeout`` (seconds) is for the start, and for each answer.

    Raises:
        ServiceFailed: it does not start; the error shows its output.

    """
    settings = config.load(None if project is None else Path(project), environ={})
    offset = _free_offset(settings)
    host, port = settings.shifted(offset)["sandbox.listen"]
    with tempfile.TemporaryDirectory(prefix="nescord-test-", ignore_cleanup_errors=True) as scratch:
        log = Path(scratch) / LOG
        environment = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 - this very Python, with arguments of our own
                (sys.executable, "-P", "-m", "nescord_cli", "dev", "--sandbox", "--port-offset", str(offset)),
                cwd=settings.project,
                env={
                    **environment,
                    "NESCORD_STATE_DIR": scratch,
                    "NESCORD_SANDBOX_PERSIST": "false",
                    "NO_COLOR": "1",
                },
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        bot = RunningBot(f"http://{host}:{port}", Path(scratch), timeout)
        try:
            _until_online(bot, process, timeout)
            yield bot
        finally:
            _stop(process)


def _free_offset(settings: config.Config) -> int:
    for offset in random.sample(_OFFSETS, 100):
        moved = settings.shifted(offset)
        addresses = [moved[key] for key in ("sandbox.listen", "main.listen", "main.admin", "ws.admin")]
        if not any(
            holder_of(host, port) for host, port in (*addresses, (moved["rest.host"], moved["rest.port"]))
        ):
            return offset
    raise NescordError("no free ports found for the bot.", hint="Stop other nescord projects first.")


def _until_online(bot: RunningBot, process: subprocess.Popen[bytes], timeout: float) -> None:
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        if process.poll() is not None:
            raise ServiceFailed("dev", f"it ended with exit code {process.returncode}.", details=bot.log())
        try:
            if bot.control("GET", "/state")["bot_online"]:
                bot.began = time.monotonic()
                return
        except OSError:
            pass  # the sandbox is not up yet
        time.sleep(0.05)
    raise ServiceFailed("dev", f"the bot did not come online within {timeout:g} s.", details=bot.log())


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
