"""A whole nescord of real processes for end-to-end tests: a project, its services, a load, and what was handled.

Everything is started by the command line, on ports of its own, and is known by a mark in its environment, so
that a test can tell whether anything was left behind.
"""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from nescord_core.services.demo import make_project
from nescord_core.settings import SandboxSettings
from support import ledger

__all__ = ["APP", "NESCORD", "Load", "Started", "System", "until"]

NESCORD = (sys.executable, "-P", "-m", "nescord_cli")
PATIENCE = 60.0
GUILDS = 8
STYLES = ("plain", "asynchronous", "ordered")

APP = '''
"""Writes down what it handles, in one of three styles."""

import asyncio
import os

from nescord_core import RestClient, WsListener

VERSION = "{version}"
STYLE = "{style}"
ECHO_EVERY = {echo_every}
FILE = os.open(os.environ["NESCORD_TEST_LEDGER"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
listener = WsListener()
rest = RestClient()


def note(message, event):
    load, _, number = message.content.partition(" ")
    row = (load, message.guild_id, number, int(event.redelivered), os.getpid(), VERSION)
    os.write(FILE, (" ".join(map(str, row)) + "\\n").encode())


def is_load(message):
    return not message.author.bot and message.content.partition(" ")[2].isdecimal()


async def answer(message):
    if message.content == "!ping" and not message.author.bot:
        await rest.create_message(message.channel_id, content=f"Pong {{VERSION}}")
    elif ECHO_EVERY and is_load(message) and int(message.content.split()[1]) % ECHO_EVERY == 0:
        await rest.create_message(message.channel_id, content=f"echo {{message.content}}")


def plain(message, event):
    if is_load(message):
        note(message, event)
    return answer(message)


async def asynchronous(message, event):
    if is_load(message):
        note(message, event)
    await asyncio.sleep(0.005)
    await answer(message)


async def ordered(message, event):
    await asyncio.sleep(0.02)
    if is_load(message):
        note(message, event)
    await answer(message)


listener.on("message_create", ordered=STYLE == "ordered")(globals()[STYLE])
'''


def until(condition: Callable[[], Any], what: str, patience: float = PATIENCE) -> Any:
    """Wait until the condition gives something true, and return it."""
    end = time.monotonic() + patience
    while not (found := condition()):
        assert time.monotonic() < end, f"{what}: not within {patience:g} s"
        time.sleep(0.03)
    return found


@dataclass
class Started:
    """A command that was started; its output is in a file, so that nobody has to read it for it to go on."""

    process: subprocess.Popen[bytes]
    log: Path
    arguments: tuple[str, ...]

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def output(self) -> str:
        """Return what it has printed so far, errors included."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def wait_for(self, text: str) -> str:
        """Wait until it has printed this."""

        def seen() -> bool:
            assert text in self.output or self.process.poll() is None, f"it ended without {text!r}: {self}"
            return text in self.output

        until(seen, f"{text!r} from {self.arguments}")
        return self.output

    def send(self, signum: int) -> None:
        self.process.send_signal(signum)

    def wait(self, patience: float = PATIENCE) -> int:
        """Return the exit code."""
        return self.process.wait(patience)

    def stop(self, signum: int = signal.SIGTERM) -> int:
        """Ask it to stop and return the exit code."""
        self.send(signum)
        return self.wait()

    def kill(self) -> None:
        """Kill -9, this one process only."""
        self.process.kill()
        self.process.wait(PATIENCE)

    def __str__(self) -> str:
        tail = "\n".join(self.output.splitlines()[-40:])
        return f"{' '.join(self.arguments)} (process {self.pid}, exit code {self.process.poll()}):\n{tail}"


@dataclass
class Load:
    """A firehose of numbered messages that the sandbox sends; ``name`` stands before each number."""

    system: System
    name: str
    sent: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    def report(self) -> dict[str, Any]:
        report: dict[str, Any] = self.system.sandbox("GET", "/load")
        self.sent = {guild: (each["first"], each["last"]) for guild, each in report["guilds"].items()}
        return report

    def stop(self) -> None:
        """Send no more."""
        self.system.sandbox("DELETE", "/load")
        until(lambda: not self.report()["running"], "the end of the load")

    def records(self) -> list[ledger.Record]:
        """Return what was handled of it."""
        return [each for each in ledger.read(self.system.ledger) if each.load == self.name]

    def handled(self, more_than: int = 0) -> int:
        """Wait until more messages than this have been handled; returns how many."""
        until(lambda: len(self.records()) > more_than, f"more than {more_than} messages handled")
        return len(self.records())

    def check(self, patience: float = PATIENCE) -> ledger.Findings:
        """Wait until all that was sent has been handled and acknowledged, then say what is wrong."""
        self.stop()
        end = time.monotonic() + patience
        while time.monotonic() < end:
            if not ledger.missing(self.records(), self.sent) and self.system.is_settled():
                break
            time.sleep(0.1)
        return ledger.examine(self.records(), self.sent)


class System:
    """A project made from the template, with the recording bot, ports of its own, and what runs of it.

    The sandbox runs on its own, so that it remembers its sessions whatever happens to the rest.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.mark = uuid.uuid4().hex
        self.ledger = directory.parent / f"{directory.name}.ledger"
        self.ports = dict(zip(("sandbox", "rest", "main", "main_admin", "ws"), _free_ports(5), strict=True))
        self.environ = (
            _clean()
            | self._addresses()
            | {
                "NESCORD_TEST_MARK": self.mark,
                "NESCORD_TEST_LEDGER": str(self.ledger),
                "NESCORD_SANDBOX_GUILDS": str(GUILDS),
            }
        )
        self.started: list[Started] = []
        make_project(directory)
        self.write_app()

    def _addresses(self) -> dict[str, str]:
        here = {name: f"127.0.0.1:{port}" for name, port in self.ports.items()}
        return {
            "NESCORD_SANDBOX_LISTEN": here["sandbox"],
            "NESCORD_REST_PORT": str(self.ports["rest"]),
            "NESCORD_REST_URL": f"http://{here['rest']}",
            "NESCORD_MAIN_LISTEN": here["main"],
            "NESCORD_MAIN_ADMIN": here["main_admin"],
            "NESCORD_WS_ADMIN": here["ws"],
            "GRPC_HOST": here["main"],
        }

    # ---------------------------------------------------------------- the bot's code

    def write_app(self, version: str = "v1", style: str = "plain", echo_every: int = 0) -> None:
        """Put the recording bot in place, in one go as an editor does."""
        self.replace_app(APP.format(version=version, style=style, echo_every=echo_every))

    def break_app(self) -> None:
        """Put code in place that is not Python."""
        self.replace_app("def broken(:\n")

    def replace_app(self, text: str) -> None:
        fresh = self.directory / "bot_main" / "app.py~"
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(self.directory / "bot_main" / "app.py")

    # ---------------------------------------------------------------- processes

    def start(self, *arguments: str, **environ: str) -> Started:
        """Start `nescord ARGUMENTS` in the project."""
        log = self.directory.parent / f"{self.directory.name}.{len(self.started)}.log"
        with log.open("wb") as file:
            process = subprocess.Popen(
                (*NESCORD, *arguments),
                cwd=self.directory,
                env=self.environ | environ,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        started = Started(process, log, arguments)
        self.started.append(started)
        return started

    def run(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run `nescord ARGUMENTS` in the project to its end."""
        return subprocess.run(
            (*NESCORD, *arguments),
            cwd=self.directory,
            env=self.environ | environ,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def start_sandbox(self) -> Started:
        """Run the sandbox by itself; what starts afterwards takes it for Discord."""
        sandbox = self.start("run", "sandbox")
        self.environ |= {
            "DISCORD_API_URL": f"http://127.0.0.1:{self.ports['sandbox']}/api/v10",
            "DISCORD_BOT_TOKEN": SandboxSettings().token,
        }
        self.until_answers("sandbox", "/readyz")
        return sandbox

    def start_dev(self) -> Started:
        """Run `nescord dev` on the sandbox that runs by itself; returns when all is ready."""
        dev = self.start("dev", "--no-sandbox")
        dev.wait_for("^C stops everything")
        return dev

    def pid_of(self, service: str) -> int:
        """Return the process of a service that `nescord dev` runs or that runs by itself."""
        path = self.directory / ".nescord" / "run" / f"{service}.json"
        return int(json.loads(path.read_text(encoding="utf-8"))["pid"])

    def alive(self) -> dict[int, str]:
        """Return every process that was started for this system, directly or not, with its command."""
        found = {}
        for process in Path("/proc").iterdir():
            try:
                if process.name.isdigit() and self.mark.encode() in (process / "environ").read_bytes():
                    found[int(process.name)] = (
                        (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                    )
            except OSError:
                continue
        return found

    def close(self) -> None:
        """Kill whatever is left."""
        for pid in self.alive():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        for each in self.started:
            each.process.wait(PATIENCE)

    def taken_ports(self) -> dict[str, int]:
        """Return the ports that nobody else could listen on now, but for the sandbox's."""
        return {name: port for name, port in self.ports.items() if name != "sandbox" and not _is_free(port)}

    # ---------------------------------------------------------------- talking to it

    def sandbox(self, method: str, path: str, body: Any = None) -> Any:
        """Call the sandbox's control API."""
        status, answer = fetch(method, f"http://127.0.0.1:{self.ports['sandbox']}/sandbox{path}", body)
        assert status == 200, answer
        return answer

    def stats(self, service: str) -> Any:
        """Return /stats of ws or main (None while it is away)."""
        port = self.ports["main_admin" if service == "main" else service]
        try:
            return fetch("GET", f"http://127.0.0.1:{port}/stats")[1]
        except OSError:
            return None

    def is_settled(self) -> bool:
        """Say whether ws has nothing left that main has not finished."""
        stats = self.stats("ws")
        return stats is not None and stats["outbox"].get("depth") == 0

    def until_answers(self, service: str, path: str) -> None:
        """Wait until a service answers 200."""

        def good() -> bool:
            try:
                return fetch("GET", f"http://127.0.0.1:{self.ports[service]}{path}")[0] == 200
            except OSError:
                return False

        until(good, f"{path} of {service}")

    def until_ready(self) -> None:
        """Wait until every service does its work."""
        for service in ("rest", "main_admin", "ws"):
            self.until_answers(service, "/readyz")

    def gateway(self) -> dict[str, int]:
        """Return how often the sandbox has seen what: connections, identifies, resumes, ..."""
        totals: dict[str, int] = self.sandbox("GET", "/gateway")["totals"]
        return totals

    def ask(self, text: str, channel: str = "general", timeout: float = 30.0) -> str:
        """Say something as a user and return what the bot answers."""
        guild = self.guilds()[0]
        said = self.sandbox(
            "POST", "/say", {"channel": channel, "guild": guild, "user": "alice", "content": text}
        )
        wanted = {"channel": said["channel_id"], "after": said["id"], "timeout": timeout}
        return str(self.sandbox("POST", "/wait", wanted)["content"])

    def guilds(self) -> list[str]:
        return [each["id"] for each in self.sandbox("GET", "/state?limit=100&tail=0")["guilds"]]

    @contextmanager
    def load(self, *, rate: float = 200, seconds: float = 600) -> Iterator[Load]:
        """Have messages sent while the block runs (for at most ``seconds``)."""
        load = Load(self, f"load{uuid.uuid4().hex[:8]}")
        plan = {"rate": rate, "seconds": seconds, "guilds": GUILDS, "prefix": f"{load.name} "}
        self.sandbox("POST", "/load", plan)
        try:
            yield load
        finally:
            load.stop()


def fetch(method: str, url: str, body: Any = None) -> tuple[int, Any]:
    """Return status and decoded answer; raises OSError when nobody answers."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=PATIENCE) as answer:
            return answer.status, _decoded(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, _decoded(error)


def _decoded(answer: IO[bytes]) -> Any:
    raw = answer.read()
    try:
        return json.loads(raw)
    except ValueError:
        return raw.decode(errors="replace")


def _clean() -> dict[str, str]:
    ours = ("DISCORD_", "NESCORD_", "GRPC_", "EVENTS", "SHARDS_")
    return {key: value for key, value in os.environ.items() if not key.startswith(ours)}


def _free_ports(count: int) -> list[int]:
    """Find free ports below those that the system hands out itself, which any connection may take."""
    while True:
        first = random.randrange(20_000, 31_000, count)
        ports = list(range(first, first + count))
        if all(map(_is_free, ports)):
            return ports


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
