"""A complete nescord system of real processes: a project, its services, a load, a ledger of handled events.

Everything is started through the command line, on its own ports, with a mark in its environment, so that a
test can find processes left behind.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nescord_core.services.dev.demo import make_project
from nescord_core.settings import SandboxSettings
from support.processes import commands
from support.processes.commands import NESCORD, PATIENCE, Started, fetch, until
from support.processes.phrases import READY
from support.system import delivery_report, recording_bot

__all__ = ["Load", "System"]

GUILDS = 8
SERVICES = ("sandbox", "rest", "main", "main_admin", "ws", "spare")


@dataclass
class Load:
    """A stream of numbered messages that the sandbox sends; each is ``name`` and a number."""

    system: System
    name: str
    sent: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    def report(self) -> dict[str, Any]:
        report: dict[str, Any] = self.system.sandbox("GET", "/load")
        self.sent = {guild: (each["first"], each["last"]) for guild, each in report["guilds"].items()}
        return report

    def stop(self) -> None:
        """Stop sending."""
        self.system.sandbox("DELETE", "/load")
        until(lambda: not self.report()["running"], "the end of the load")

    def records(self) -> list[delivery_report.Record]:
        """Return the records of its handled messages."""
        return [each for each in delivery_report.read(self.system.ledger) if each.load == self.name]

    def missing(self) -> list[delivery_report.Key]:
        """Return the messages that were sent and not handled yet."""
        return delivery_report.missing(self.records(), self.sent)

    def handled(self, more_than: int = 0) -> int:
        """Wait until more than this many messages have been handled; return the number."""
        until(lambda: len(self.records()) > more_than, f"more than {more_than} messages handled")
        return len(self.records())

    def check(
        self, patience: float = PATIENCE, excused: Callable[[], set[delivery_report.Key]] = set
    ) -> delivery_report.Findings:
        """Wait until every message has been handled and acknowledged, then examine the ledger.

        ``excused`` are not waited for; ``patience`` is the longest time without a newly handled message.
        """
        self.stop()
        size, end = -1, time.monotonic() + patience
        while time.monotonic() < end:
            if (grown := self.system.written()) > size:
                size, end = grown, time.monotonic() + patience
            # The ledger may be long, and the processes that still write to it need the CPU.
            if self.system.is_settled() and not set(self.missing()) - excused():
                break
            time.sleep(0.1)
        return delivery_report.examine(self.records(), self.sent)


class System:
    """A project from the template with the recording bot, its own ports, and its running processes.

    The sandbox runs separately, so that it keeps its sessions whatever happens to the rest.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.mark = uuid.uuid4().hex
        self.ledger = directory.parent / f"{directory.name}.ledger"
        self.ports = dict(zip(SERVICES, commands.free_ports(len(SERVICES)), strict=True))
        self.environ = (
            commands.clean_environment()
            | self._addresses()
            | {
                "NESCORD_TEST_MARK": self.mark,
                "NESCORD_TEST_LEDGER": str(self.ledger),
                "NESCORD_SANDBOX_GUILDS": str(GUILDS),
                "NESCORD_HELLO_TIMEOUT": "4",
                "NESCORD_SANDBOX_TOKEN": SandboxSettings().token,
            }
        )
        self.started: list[Started] = []
        self.descriptors: int | None = None
        """How many files the processes started from now on may open."""
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
        """Write the recording bot atomically, as an editor does."""
        self.replace_app(recording_bot.source(version, style, echo_every))

    def break_app(self) -> None:
        """Write code that is not valid Python."""
        self.replace_app("def broken(:\n")

    def replace_app(self, text: str) -> None:
        fresh = self.directory / "bot_main" / "app.py~"
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(self.directory / "bot_main" / "app.py")

    # ---------------------------------------------------------------- processes

    def start(self, *arguments: str, in_terminal: bool = False, **environ: str) -> Started:
        """Start `nescord ARGUMENTS` in the project."""
        log = self.directory.parent / f"{self.directory.name}.{len(self.started)}.log"
        variables = self.environ | environ
        started = commands.start(
            log,
            self.directory,
            variables,
            arguments,
            in_terminal=in_terminal,
            descriptors=self.descriptors,
        )
        self.started.append(started)
        return started

    def run(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run `nescord ARGUMENTS` in the project and wait until it exits."""
        return subprocess.run(
            (*NESCORD, *arguments),
            cwd=self.directory,
            env=self.environ | environ,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def start_sandbox(self, replay_events: int | None = 100_000) -> Started:
        """Run the sandbox by itself; services started afterwards use it as Discord.

        A RESUME brings more events than on Discord unless ``replay_events`` is None: on a machine that is
        busy with other things a restart may take longer than Discord's limit allows for.
        """
        sandbox = self.start("run", "sandbox")
        self.environ |= {
            "DISCORD_API_URL": f"http://127.0.0.1:{self.ports['sandbox']}/api/v10",
            "DISCORD_BOT_TOKEN": self.environ["NESCORD_SANDBOX_TOKEN"],
        }
        self.until_answers("sandbox", "/readyz")
        self.sandbox("POST", "/settings", {"replay_events": replay_events})
        return sandbox

    def start_dev(self) -> Started:
        """Run `nescord dev` on the separate sandbox; return when everything is ready."""
        dev = self.start("dev", "--no-sandbox")
        dev.wait_for(READY)
        return dev

    def pid_of(self, service: str) -> int:
        """Return the process id of a service, run by `nescord dev` or by itself."""
        path = self.directory / ".nescord" / "run" / f"{service}.json"
        return int(json.loads(path.read_text(encoding="utf-8"))["pid"])

    def alive(self) -> dict[int, str]:
        """Return every process started for this system, directly or indirectly, with its command."""
        return commands.alive(self.mark)

    def close(self) -> None:
        """Kill the processes that still run."""
        for pid in self.alive():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for each in self.started:
            each.process.wait(PATIENCE)
            if each.terminal is not None:
                each.terminal.close()

    def taken_ports(self, *, sandbox: bool = False) -> dict[str, int]:
        """Return the ports that are in use; with ``sandbox`` also the sandbox's."""
        wanted = {name: port for name, port in self.ports.items() if sandbox or name != "sandbox"}
        return {name: port for name, port in wanted.items() if not commands.is_free(port)}

    # ---------------------------------------------------------------- requests

    def sandbox(self, method: str, path: str, body: Any = None) -> Any:
        """Call the sandbox's control API."""
        status, answer = fetch(method, f"http://127.0.0.1:{self.ports['sandbox']}/sandbox{path}", body)
        assert status == 200, answer
        return answer

    def stats(self, service: str) -> Any:
        """Return /stats of ws or main (None while it is unreachable)."""
        port = self.ports["main_admin" if service == "main" else service]
        try:
            return fetch("GET", f"http://127.0.0.1:{port}/stats")[1]
        except OSError:
            return None

    def written(self) -> int:
        """Return the size of the ledger in bytes."""
        return self.ledger.stat().st_size if self.ledger.exists() else 0

    def is_settled(self) -> bool:
        """Return whether main has finished everything in ws's outbox."""
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
        """Wait until every service is ready."""
        try:
            for service in ("rest", "main_admin", "ws"):
                self.until_answers(service, "/readyz")
        except AssertionError as error:
            raise AssertionError("\n".join([str(error), *map(str, self.started)])) from None

    def gateway(self) -> dict[str, int]:
        """Return the sandbox's gateway counters: connections, identifies, resumes, ..."""
        totals: dict[str, int] = self.sandbox("GET", "/gateway")["totals"]
        return totals

    def ask(self, text: str, channel: str = "general", timeout: float = 30.0) -> str:
        """Send a message as a user; return the bot's answer."""
        said = self.say(text, channel)
        wanted = {"channel": said["channel_id"], "after": said["id"], "timeout": timeout}
        return str(self.sandbox("POST", "/wait", wanted)["content"])

    def say(self, text: str, channel: str = "general") -> dict[str, Any]:
        """Send a message as a user; return it."""
        wanted = {"channel": channel, "guild": self.guilds()[0], "user": "alice", "content": text}
        said: dict[str, Any] = self.sandbox("POST", "/say", wanted)
        return said

    def guilds(self) -> list[str]:
        return [each["id"] for each in self.sandbox("GET", "/state?limit=100&tail=0")["guilds"]]

    @contextmanager
    def load(self, *, rate: float = 200, seconds: float = 600, guilds: int = GUILDS) -> Iterator[Load]:
        """Send messages while the block runs (for at most ``seconds``)."""
        load = Load(self, f"load{uuid.uuid4().hex[:8]}")
        plan = {"rate": rate, "seconds": seconds, "guilds": guilds, "prefix": f"{load.name} "}
        self.sandbox("POST", "/load", plan)
        try:
            yield load
        finally:
            load.stop()
