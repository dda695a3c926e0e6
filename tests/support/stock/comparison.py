"""Plays a scenario with a stock client twice, on the sandbox and through the REST proxy, and compares.

The client cannot tell which one it uses, so the statuses and bodies that it receives must be the same.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nescord_core.ratelimit.route import route_of
from nescord_core.settings import RestSettings
from support.network.http_relay import Relay, Seen, running_relay
from support.rest.running_proxy import serving
from support.sandbox.running import RunningSandbox, running_sandbox

Play = Callable[["Stage"], Awaitable[None]]

VOLATILE = (
    (re.compile(r"(webhooks|interactions)/(\d+)/[\w-]{20,}"), r"\1/\2/<token>"),
    (re.compile(r'("(?:token|nonce|hash)": )"[^"]+"'), r"\1<token>"),
    (re.compile(r'("sandbox_world": )"[^"]+"'), r"\1<world>"),
    (re.compile(r"127\.0\.0\.1:\d+"), "<address>"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.\d]*(\+00:00|Z)"), "<time>"),
    (re.compile(r"\b\d{17,20}\b"), "<id>"),
    (re.compile(r'("code": )"[\w-]{6,16}"'), r"\1<invite>"),
    (re.compile(r'("key": "code", "(?:old|new)_value": )"[\w-]+"'), r"\1<invite>"),
    (re.compile(r"/invites/[\w-]+"), "/invites/<invite>"),
)


@dataclass
class Stage:
    """A running scenario: the test acts as a user of ``sandbox``; the client uses ``url`` and ``token``."""

    sandbox: RunningSandbox
    relay: Relay

    @property
    def url(self) -> str:
        return self.relay.url

    @property
    def token(self) -> str:
        return self.sandbox.token

    async def say(self, content: str, answer: str | None = None, *, timeout: float = 30) -> str:
        """Send a message as alice in #general; return the id of the bot's answer, or of the message."""
        said = await self.sandbox.post("/say", channel="general", user="alice", content=content)
        if answer is None:
            return str(said["id"])
        return await self.hear(answer, after=said["id"], timeout=timeout)

    async def hear(self, content: str, *, after: str, timeout: float = 30) -> str:
        """Wait for a message of the bot in #general; return its id."""
        message = await self.sandbox.post(
            "/wait", channel="general", content=content, after=after, timeout=timeout
        )
        return str(message["id"])

    def transcript(self) -> Counter[str]:
        """Return every answer as a line, without values that differ from run to run.

        429s are left out: the proxy waits where a client without it exceeds the limit.
        """
        return Counter(_line(each) for each in self.relay.seen if each.status != 429)

    def operations(self) -> set[str]:
        """Return the distinct operations that were called successfully."""
        done = (each for each in self.relay.seen if each.status < 400)
        routes = (route_of(each.method, each.path, unix_ms=0) for each in done)
        return {f"{route.method} {route.template}" for route in routes}

    def wrong(self) -> list[str]:
        return [line for each in self.relay.seen for line in each.wrong]


async def on_both(play: Play, state_dir: Path, *, least: int, operations: int = 40) -> None:
    """Play on the sandbox and through the proxy: all answers must conform to the API and be the same.

    ``least`` is the minimum number of answers and ``operations`` that of distinct successful operations, so
    that a scenario cannot pass by doing nothing.
    """
    async with asyncio.TaskGroup() as group:
        direct = group.create_task(_played(play, None))
        proxied = group.create_task(_played(play, state_dir))
    for stage in (direct.result(), proxied.result()):
        assert stage.wrong() == []
        assert len(stage.relay.seen) >= least
        assert len(stage.operations()) >= operations, sorted(stage.operations())
    one, other = direct.result().transcript(), proxied.result().transcript()
    assert {"without the proxy only": dict(one - other), "with it only": dict(other - one)} == {
        "without the proxy only": {},
        "with it only": {},
    }


async def _played(play: Play, state_dir: Path | None) -> Stage:
    async with running_stage(state_dir) as stage:
        await play(stage)
    return stage


@asynccontextmanager
async def running_stage(state_dir: Path | None, **settings: Any) -> AsyncIterator[Stage]:
    """Run a sandbox behind a relay; with ``state_dir``, the proxy runs in between."""
    async with running_sandbox(**{"guilds": 2, "shards": 2, "max_concurrency": 2, **settings}) as sandbox:
        if state_dir is None:
            async with running_relay(sandbox.url) as relay:
                yield Stage(sandbox, relay)
        else:
            async with (
                serving(_settings(sandbox, state_dir)) as rest,
                running_relay(f"http://{rest.address}") as relay,
            ):
                yield Stage(sandbox, relay)


def _settings(sandbox: RunningSandbox, state_dir: Path) -> RestSettings:
    return RestSettings(
        token=sandbox.token, api_url=f"{sandbox.url}/api/v10", port=0, state_dir=state_dir, stop_timeout=2.0
    )


def _line(seen: Seen) -> str:
    text = f"{seen.method} {seen.path} {seen.status} {json.dumps(seen.body, sort_keys=True)}"
    for pattern, label in VOLATILE:
        text = pattern.sub(label, text)
    return f"{text} {seen.content_type}"
