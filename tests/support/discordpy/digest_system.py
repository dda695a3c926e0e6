"""A whole nescord with `digest_bot` on a big world, next to plain discord.py."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from support.discordpy.cache_digest import differences
from support.network import loopback
from support.processes.commands import PATIENCE, fetch, until
from support.system.system import System

__all__ = ["BigWorld", "DigestSystem"]

SUPPORT = Path(__file__).parents[1]


def is_alive(pid: int) -> bool:
    """Return whether a process exists and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def is_child(pid: int, parent: int) -> bool:
    """Return whether a process is a child of another; main's workers come and go in the meantime."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]) == parent
    except OSError:
        return False


class BigWorld:
    """`big_world.py` as a process."""

    def __init__(self, port: int, size: tuple[int, ...], environ: dict[str, str]) -> None:
        arguments = (sys.executable, str(SUPPORT / "sandbox" / "big_world.py"), str(port), *map(str, size))
        self.process = subprocess.Popen(
            arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environ
        )
        self.answer()

    def ask(self, line: str) -> Any:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        return self.answer()

    def answer(self) -> Any:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()


class DigestSystem:
    """``size``: guilds, members, channels and roles. Nothing of nescord runs before `begin`."""

    def __init__(self, directory: Path, size: tuple[int, ...], **environ: str) -> None:
        self.system = System(directory / "bot")
        self.place = directory / "digests"
        self.place.mkdir()
        token = self.system.environ["NESCORD_SANDBOX_TOKEN"]
        self.system.environ |= {
            "DISCORD_API_URL": f"http://127.0.0.1:{self.system.ports['sandbox']}/api/v10",
            "DISCORD_BOT_TOKEN": token,
            "DISCORD_TOKEN": token,
            "DISCORD_INTENTS": "all",
            "NESCORD_ENTRY": "bot.py",
            "NESCORD_RELOAD_METHOD": "fork",
            "NESCORD_IDENTIFY_WINDOW": "0.05",
            "DIGEST_DIRECTORY": str(self.place),
            "DIGEST_SUPPORT": str(SUPPORT.parent),
            **environ,
        }
        shutil.copy(SUPPORT / "discordpy" / "digest_bot.py", self.system.directory / "bot.py")
        self._stack = ExitStack()
        self.world = BigWorld(self.system.ports["sandbox"], size, self.system.environ)
        self._count = 0

    def begin(self) -> None:
        """Start rest, main and ws."""
        for arguments in (("rest",), ("main", "bot.py"), ("ws",)):
            self.system.start("run", *arguments)
        self.system.until_ready()

    def restart_ws(self) -> None:
        """Stop ws gracefully and restart it; it resumes its session."""
        ws = next(each for each in reversed(self.system.started) if each.arguments == ("run", "ws"))
        ws.stop()
        self.system.start("run", "ws")
        self.system.until_ready()

    def close(self) -> None:
        self._stack.close()
        self.system.close()
        self.world.close()

    def plain(self) -> int:
        """Start discord.py on its own transport; return its process once it is ready."""
        process = subprocess.Popen(
            (sys.executable, str(SUPPORT / "discordpy" / "plain.py"), self.system.environ["DISCORD_API_URL"]),
            env=self.system.environ | loopback.environment(),
            stdin=subprocess.PIPE,
            text=True,
        )
        self._stack.callback(process.wait, PATIENCE)
        assert process.stdin is not None
        self._stack.callback(process.stdin.close)
        process.stdin.write(f"{SUPPORT / 'discordpy' / 'digest_bot.py'}\n")
        process.stdin.flush()

        def ready() -> list[int]:
            pids = [int(each.name.removeprefix("ready-")) for each in self.place.glob("ready-*[0-9]")]
            return [pid for pid in pids if is_child(pid, process.pid)]

        pids: list[int] = until(ready, "plain discord.py to be ready")
        return pids[0]

    def ready(self, pid: int) -> Any:
        """Wait until a process is ready; return what it wrote then."""
        path = self.place / f"ready-{pid}"
        until(path.exists, f"process {pid} to be ready")
        return json.loads(path.read_text())

    def worker(self) -> int:
        """Return the worker process of main that serves."""
        return int(self.system.stats("main")["workers"][0]["pid"])

    def workers(self) -> list[int]:
        """Return the worker processes of main that serve."""
        stats = self.system.stats("main") or {"workers": []}
        return [int(each["pid"]) for each in stats["workers"] if each.get("pid")]

    def held(self, *pids: int) -> dict[int, Any]:
        """Request the caches of processes (DIGEST_WATCH), except of those that die before they respond."""
        self._count += 1
        name = f"held-{self._count}"
        (self.place / f"ask-{name}").touch()
        paths = {pid: self.place / f"{name}-{pid}" for pid in pids}
        until(lambda: all(path.exists() or not is_alive(pid) for pid, path in paths.items()), "what is held")
        return {pid: json.loads(path.read_text()) for pid, path in paths.items() if path.exists()}

    def reload(self) -> float:
        """Reload main; return the seconds until the new process is ready."""
        began, port, before = time.time(), self.system.ports["main_admin"], set(self.workers())
        status, answer = fetch("POST", f"http://127.0.0.1:{port}/reload")
        assert status == 200, answer
        until(lambda: self.workers() and not before & set(self.workers()), "the new process to serve")
        return float(self.ready(self.worker())["at"]) - began

    def digests(self, *pids: int) -> list[Any]:
        """Describe the caches of the bot's processes, once all events have arrived."""
        until(self.system.is_settled, "all events to be handled")
        self._count += 1
        name = f"digest-{self._count}"
        said = {"channel": self._channel(), "user": "olivia", "content": f"!digest {name}"}
        self.system.sandbox("POST", "/say", said)
        paths = [self.place / f"{name}-{pid}" for pid in pids]
        until(lambda: all(path.exists() for path in paths), "the digests")
        return [json.loads(path.read_text()) for path in paths]

    def reload_under_changes(self, rate: float) -> int:
        """Reload while the world changes, wait until the cache matches, and return the number of events."""
        self.world.ask(f"change {rate}")
        self.reload()
        events = int(self.world.ask("hold")["events"])
        worker, world = self.worker(), self.world.ask("world")
        try:
            until(lambda: self.digests(worker)[0]["cache"] == world, "the cache to be the world")
        except AssertionError as error:
            found = differences(world, self.digests(worker)[0]["cache"])
            raise AssertionError("\n".join([str(error), *found[:20]])) from None
        return events

    def commands_during_reloads(self, count: int) -> tuple[list[int], int]:
        """Use a slash command over and over while main reloads continuously.

        Returns the numbers of the unanswered ones (after 3 s), and the number of reloads.
        """
        guild, ended, reloads = self.system.guilds()[0], threading.Event(), [0]
        until(lambda: self._command(guild, 0) == 200, "the command to be known")

        def reload() -> None:
            while not ended.is_set():
                self.reload()
                reloads[0] += 1

        with ThreadPoolExecutor(1) as pool:
            reloading = pool.submit(reload)
            unanswered = [number for number in range(count) if self._command(guild, number) != 200]
            ended.set()
            reloading.result()
        return unanswered, reloads[0]

    def _command(self, guild: str, number: int) -> int:
        """Return 200 if it was answered correctly within 3 s."""
        body = {"channel": self._channel(), "guild": guild, "user": "olivia", "command": "now"}
        url = f"http://127.0.0.1:{self.system.ports['sandbox']}/sandbox/interact"
        status, answer = fetch("POST", url, body | {"options": {"number": number}, "wait": 3})
        if status != 200:
            return status
        right = answer["responded"] and answer["message"]["content"] == str(number)
        return 200 if right else 504

    def _channel(self) -> str:
        """Return a text channel of the first guild."""
        state = self.system.sandbox("GET", "/state?limit=1&tail=0")["guilds"][0]
        return str(next(each["id"] for each in state["channels"] if each["type"] == 0))
