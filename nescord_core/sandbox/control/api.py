"""The control API below /sandbox: what tests, the CLI and the page use to be the people in the sandbox.

Errors are JSON, ``{"error": sentence}``, and the sentence names the valid values. Documented in
docs/sandbox.md.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import msgspec
from aiohttp import web

from nescord_core.sandbox.control.actions import ACTIONS, ANSWERED, Action, arguments, voice
from nescord_core.sandbox.control.json_bodies import (
    Answer,
    answer_json,
    in_words,
    path_arguments,
    read_body,
    read_number,
    read_seconds,
)
from nescord_core.sandbox.control.load import Load, LoadPlan
from nescord_core.sandbox.control.views import (
    commands_view,
    connection_fault,
    gateway_view,
    limits_changed,
    limits_view,
    state_view,
    with_reactors,
)
from nescord_core.sandbox.control.wait import WaitFor
from nescord_core.sandbox.faults import FaultError
from nescord_core.sandbox.gateway.protocol import Close, Op
from nescord_core.sandbox.gateway.server import GatewayServer
from nescord_core.sandbox.world.lookup import ActionError
from nescord_core.sandbox.world.world import World

__all__ = ["Control"]

POLL = 0.02
"""Seconds between two looks at an interaction that the bot has not answered yet."""

NOTICE_LENGTH = 8000

LOOK_AGAIN = 0.2
"""Seconds between two looks for a message that no event may tell of."""

Spawn = Callable[[Coroutine[Any, Any, None]], object]


class Control:
    """Answers the control API. ``spawn`` gives a background run its parent task."""

    def __init__(self, world: World, wire: GatewayServer, *, spawn: Spawn, wall: Callable[[], float]) -> None:
        self.world = world
        self.wire = wire
        self.load: Load | None = None
        self.notice = ""
        self.on_change: Callable[[], None] = lambda: None
        self._spawn = spawn
        self._wall = wall

    def add_routes(self, app: web.Application) -> None:
        """Install everything below /sandbox."""
        for action in ACTIONS:
            app.router.add_route(action.method, f"/sandbox{action.path}", self._action(action))
        for method, path, answer in (
            ("POST", "/voice", self._voice),
            ("GET", "/state", self._state),
            ("GET", "/messages", self._messages),
            ("GET", "/commands", self._commands),
            ("GET", "/interactions/{interaction}", self._interaction),
            ("POST", "/wait", self._wait),
            ("POST", "/load", self._start_load),
            ("GET", "/load", self._show_load),
            ("DELETE", "/load", self._stop_load),
            ("GET", "/gateway", self._gateway),
            ("POST", "/fault", self._fault),
            ("GET", "/fault", self._show_faults),
            ("DELETE", "/fault", self._clear_faults),
            ("POST", "/notice", self._set_notice),
            ("POST", "/settings", self._settings),
            ("GET", "/settings", self._show_settings),
        ):
            app.router.add_route(method, f"/sandbox{path}", in_words(answer))
        app.router.add_route("*", "/sandbox/{rest:.*}", self._unknown)

    def _action(self, action: Action) -> Answer:
        async def answer(request: web.Request) -> web.StreamResponse:
            given = {**await read_body(request), **path_arguments(request)}
            seconds = read_seconds(given.pop("wait", 0)) if action.name in ANSWERED else 0.0
            result = getattr(self.world, action.name)(**arguments(action, given))
            if seconds:
                result = await self._answered(result, seconds)
            return answer_json(result if result is not None else {})

        return in_words(answer)

    async def _answered(self, started: Mapping[str, Any], seconds: float) -> Mapping[str, Any]:
        """Wait for the bot to answer an interaction; returns what became of it."""
        deadline = self.wire.now() + seconds
        while True:
            shown = self.world.interaction(started["id"])
            if (shown["responded"] and not shown["deferred"]) or self.wire.now() > deadline:
                return shown
            await asyncio.sleep(POLL)

    async def _voice(self, request: web.Request) -> web.StreamResponse:
        voice(self.world, await read_body(request))
        return answer_json({})

    async def _state(self, request: web.Request) -> web.StreamResponse:
        query = request.query
        shown = state_view(
            self.world,
            guild=query.get("guild"),
            limit=read_number(query.get("limit", "100"), "limit"),
            tail=read_number(query.get("tail", "5"), "tail"),
        )
        return answer_json(
            {
                **shown,
                "bot_online": self.wire.online(),
                "faults": self.wire.faults.active(),
                "notice": self.notice,
            }
        )

    async def _messages(self, request: web.Request) -> web.StreamResponse:
        query = request.query
        if "channel" not in query:
            raise ActionError("messages needs channel=NAME or ID; it takes guild, after and limit as well.")
        found = self.world.messages(
            query["channel"],
            guild=query.get("guild"),
            after=read_number(query.get("after", "0"), "after"),
            limit=read_number(query.get("limit", "50"), "limit"),
        )
        return answer_json([with_reactors(self.world, each) for each in found])

    async def _commands(self, request: web.Request) -> web.StreamResponse:
        return answer_json(commands_view(self.world, request.query.get("guild")))

    async def _interaction(self, request: web.Request) -> web.StreamResponse:
        interaction = request.match_info["interaction"]
        read_number(interaction, "interaction")
        return answer_json(self.world.interaction(interaction))

    async def _wait(self, request: web.Request) -> web.StreamResponse:
        wanted = WaitFor.read(await read_body(request), self.world)
        changed = asyncio.Event()
        # Listen before looking, so that nothing falls between the two.
        unsubscribe = self.world.subscribe(lambda *_: changed.set())
        try:
            async with asyncio.timeout(wanted.timeout):
                while (found := wanted.found(self.world)) is None:
                    # Ephemeral messages are announced to nobody: look now and then as well.
                    with suppress(TimeoutError):
                        async with asyncio.timeout(LOOK_AGAIN):
                            await changed.wait()
                    changed.clear()
            return answer_json(found)
        except TimeoutError:
            return answer_json({"error": wanted.sentence(), "seen": wanted.seen(self.world)}, status=408)
        finally:
            unsubscribe()

    async def _start_load(self, request: web.Request) -> web.StreamResponse:
        if self.load is not None and self.load.ended_at is None:
            raise ActionError("A load is running. Stop it with DELETE /sandbox/load.", status=409)
        try:
            plan = msgspec.convert(await read_body(request), LoadPlan)
        except msgspec.ValidationError as error:
            known = ", ".join(LoadPlan.__struct_fields__)
            raise ActionError(f"{error}; a load takes {known}.") from None
        load = Load(self.world, self.wire, plan, self.wire.now, self._wall)
        load.prepare()
        self.load = load
        self._spawn(load.run())
        return answer_json(load.report())

    async def _show_load(self, _request: web.Request) -> web.StreamResponse:
        return answer_json(self._known_load().report())

    async def _stop_load(self, _request: web.Request) -> web.StreamResponse:
        load = self._known_load()
        load.stopped = True
        return answer_json(load.report())

    def _known_load(self) -> Load:
        if self.load is None:
            raise ActionError("No load was started. Start one with POST /sandbox/load.", status=404)
        return self.load

    async def _gateway(self, _request: web.Request) -> web.StreamResponse:
        return answer_json(gateway_view(self.wire))

    async def _show_faults(self, _request: web.Request) -> web.StreamResponse:
        return answer_json(self.wire.faults.active())

    async def _clear_faults(self, _request: web.Request) -> web.StreamResponse:
        self.wire.faults.clear()
        self.on_change()
        return answer_json(self.wire.faults.active())

    async def _fault(self, request: web.Request) -> web.StreamResponse:
        given = await read_body(request)
        unknown = sorted(given.keys() - {"gateway", "rest", "connections"})
        if unknown or not given or not all(isinstance(each, dict) for each in given.values()):
            raise FaultError("A fault is an object with one or more of: gateway, rest, connections.")
        if "gateway" in given:
            self.wire.faults.set_gateway(given["gateway"])
        if "rest" in given:
            self.wire.faults.add_rest(given["rest"])
        hit = self._hit(**connection_fault(given["connections"])) if "connections" in given else 0
        self.on_change()
        return answer_json({**self.wire.faults.active(), "connections": hit})

    def _hit(self, do: str, code: int, resumable: bool, shard: int | None) -> int:
        """Let something happen to open connections; returns to how many."""
        peers = self.wire.peers(shard)
        for peer in peers:
            match do:
                case "reset":
                    peer.reset()
                case "close":
                    peer.close(Close(code, "Closed by a fault."))
                case "reconnect":
                    peer.push(Op.RECONNECT, None)
                case _:
                    peer.apply(peer.rules.invalidate(resumable))
        return len(peers)

    async def _settings(self, request: web.Request) -> web.StreamResponse:
        changed = limits_changed(await read_body(request))
        self.wire.table.limits = replace(self.wire.table.limits, **changed)
        return answer_json(limits_view(self.wire.table.limits))

    async def _set_notice(self, request: web.Request) -> web.StreamResponse:
        """What stands above the conversation: why the new code does not run. An empty text removes it."""
        given = await read_body(request)
        text = given.get("text")
        if given.keys() != {"text"} or not isinstance(text, str) or len(text) > NOTICE_LENGTH:
            raise ActionError(
                f"notice takes text, of at most {NOTICE_LENGTH} characters; empty takes it away."
            )
        self.notice = text
        self.on_change()
        return answer_json({"notice": text})

    async def _show_settings(self, _request: web.Request) -> web.StreamResponse:
        return answer_json(limits_view(self.wire.table.limits))

    async def _unknown(self, request: web.Request) -> web.StreamResponse:
        paths = sorted(
            {each.path for each in ACTIONS} | {"/voice", "/state", "/messages", "/commands", "/wait", "/load"}
        )
        listed = ", ".join(
            [*paths, "/gateway", "/fault", "/notice", "/settings", "/events", "/interactions/{id}"]
        )
        return answer_json(
            {"error": f"There is no {request.method} {request.path}. Known: {listed}."}, status=404
        )
