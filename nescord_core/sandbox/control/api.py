"""The control API below /sandbox: acts as the people of the sandbox, shows its state, sets faults.

Tests, the CLI and the page use it. Errors are JSON, ``{"error": sentence}``, and name the valid values.
Documented in docs/sandbox/control-api.md.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import msgspec
from aiohttp import web

from nescord_core.sandbox.control.actions import (
    ACTIONS,
    INTERACTION_ACTIONS,
    Action,
    move_voice,
    parse_arguments,
)
from nescord_core.sandbox.control.connection_faults import apply_connection_fault
from nescord_core.sandbox.control.json_bodies import (
    Endpoint,
    json_response,
    path_arguments,
    read_body,
    read_number,
    read_seconds,
    with_json_errors,
)
from nescord_core.sandbox.control.load import Load, LoadPlan
from nescord_core.sandbox.control.reaction_time import ReactionTime
from nescord_core.sandbox.control.settings import parse_settings, settings_view
from nescord_core.sandbox.control.views import commands_view, gateway_view, state_view, with_users
from nescord_core.sandbox.control.wait import MessageWait
from nescord_core.sandbox.faults import FaultError
from nescord_core.sandbox.gateway.server import GatewayServer
from nescord_core.sandbox.seeds.export import export
from nescord_core.sandbox.voice.server import VoiceServer
from nescord_core.sandbox.world.lookup import ActionError
from nescord_core.sandbox.world.world import World

__all__ = ["ControlApi"]

POLL_INTERVAL = 0.02
"""Seconds between two checks whether the bot has responded to an interaction."""

POSITION_HEADER = "Sandbox-Position"
"""An id from just before the action: `after` for everything that the bot does because of it."""

MAX_NOTICE = 8000

EPHEMERAL_POLL_INTERVAL = 0.2
"""Seconds between two checks for an ephemeral message, which no event announces."""

Spawn = Callable[[Coroutine[Any, Any, None]], object]


class ControlApi:
    """Answers the control API. ``spawn`` starts a background task."""

    def __init__(
        self,
        world: World,
        gateway: GatewayServer,
        voice: VoiceServer,
        *,
        spawn: Spawn,
        wall_clock: Callable[[], float],
    ) -> None:
        self.world = world
        self.gateway = gateway
        self.voice = voice
        self.load: Load | None = None
        self.notice = ""
        self.notice_serving = True
        self.on_change: Callable[[], None] = lambda: None
        self.on_action: Callable[[], None] = lambda: None
        """Called after each action of people."""
        self.on_forget: Callable[[], None] = lambda: None
        self.on_build: Callable[[dict[str, Any]], None] = lambda _build: None
        self.on_replay: Callable[[dict[str, Any]], bool] = lambda _record: False
        self._reaction_time = ReactionTime()
        self._spawn = spawn
        self._wall_clock = wall_clock

    def on_write(self) -> None:
        """Note that a request of the bot that may have sent or changed something has been answered."""
        self._reaction_time.written(self.gateway.now())

    def add_routes(self, app: web.Application) -> None:
        """Add the routes below /sandbox."""
        for action in ACTIONS:
            app.router.add_route(action.method, f"/sandbox{action.path}", self._action(action))
        for method, path, answer in (
            ("POST", "/voice", self._voice),
            ("GET", "/voice", self._show_voice),
            ("GET", "/state", self._state),
            ("GET", "/messages", self._messages),
            ("GET", "/commands", self._commands),
            ("GET", "/interactions/{interaction}", self._interaction),
            ("GET", "/export", self._export),
            ("POST", "/forget", self._forget),
            ("POST", "/wait", self._wait),
            ("POST", "/load", self._start_load),
            ("GET", "/load", self._show_load),
            ("DELETE", "/load", self._stop_load),
            ("GET", "/gateway", self._gateway),
            ("POST", "/fault", self._fault),
            ("GET", "/fault", self._show_faults),
            ("DELETE", "/fault", self._clear_faults),
            ("POST", "/notice", self._set_notice),
            ("POST", "/build", self._show_build),
            ("POST", "/replay", self._replay),
            ("POST", "/settings", self._settings),
            ("GET", "/settings", self._show_settings),
        ):
            app.router.add_route(method, f"/sandbox{path}", with_json_errors(answer))
        app.router.add_route("*", "/sandbox/{rest:.*}", self._unknown)

    def _action(self, action: Action) -> Endpoint:
        async def answer(request: web.Request) -> web.StreamResponse:
            body = {**await read_body(request), **path_arguments(request)}
            seconds = read_seconds(body.pop("wait", 0)) if action.name in INTERACTION_ACTIONS else 0.0
            arguments = parse_arguments(action, body)
            for pause in self._reaction_time.pauses(action.name, self.gateway.now()):
                await asyncio.sleep(pause)
            position = self.world.position()
            result = getattr(self.world, action.name)(**arguments)
            if seconds:
                result = await self._wait_for_response(result, seconds)
            self.on_action()
            response = json_response(result if result is not None else {})
            response.headers[POSITION_HEADER] = str(position)
            return response

        return with_json_errors(answer)

    async def _wait_for_response(self, started: Mapping[str, Any], seconds: float) -> Mapping[str, Any]:
        """Return an interaction once the bot has responded to it, or after ``seconds``."""
        deadline = self.gateway.now() + seconds
        while True:
            payload = self.world.interaction(started["id"])
            if (payload["responded"] and not payload["deferred"]) or self.gateway.now() > deadline:
                return payload
            await asyncio.sleep(POLL_INTERVAL)

    async def _voice(self, request: web.Request) -> web.StreamResponse:
        move_voice(self.world, await read_body(request))
        return json_response({})

    async def _show_voice(self, _request: web.Request) -> web.StreamResponse:
        return json_response(self.voice.view())

    async def _state(self, request: web.Request) -> web.StreamResponse:
        query = request.query
        payload = state_view(
            self.world,
            guild=query.get("guild"),
            limit=read_number(query.get("limit", "100"), "limit"),
            tail=read_number(query.get("tail", "5"), "tail"),
        )
        return json_response(
            {
                **payload,
                "bot_online": self.gateway.online(),
                "bot_speaks_in": [str(each.channel_id) for each in self.voice.calls.speaking()],
                "faults": self.gateway.faults.active(),
                "notice": self.notice,
                "notice_serving": self.notice_serving,
            }
        )

    async def _messages(self, request: web.Request) -> web.StreamResponse:
        query = request.query
        if "channel" not in query:
            raise ActionError("messages needs channel=NAME or ID. It also takes guild, after and limit.")
        found = self.world.messages(
            query["channel"],
            guild=query.get("guild"),
            after=read_number(query.get("after", "0"), "after"),
            limit=read_number(query.get("limit", "50"), "limit"),
        )
        return json_response([with_users(self.world, each) for each in found])

    async def _commands(self, request: web.Request) -> web.StreamResponse:
        return json_response(commands_view(self.world, request.query.get("guild")))

    async def _export(self, _request: web.Request) -> web.StreamResponse:
        return json_response({"toml": export(self.world)})

    async def _forget(self, _request: web.Request) -> web.StreamResponse:
        """Store the world no more, so that its files can be removed; it ends with the process."""
        self.on_forget()
        return json_response({})

    async def _interaction(self, request: web.Request) -> web.StreamResponse:
        interaction = request.match_info["interaction"]
        read_number(interaction, "interaction")
        return json_response(self.world.interaction(interaction))

    async def _wait(self, request: web.Request) -> web.StreamResponse:
        wanted = MessageWait.parse(await read_body(request), self.world)
        changed = asyncio.Event()
        # Subscribe before the first check, so that no message is missed in between.
        unsubscribe = self.world.subscribe(lambda *_: changed.set())
        try:
            async with asyncio.timeout(wanted.timeout):
                while (found := wanted.find(self.world)) is None:
                    # No event announces ephemeral messages, so check from time to time as well.
                    with suppress(TimeoutError):
                        async with asyncio.timeout(EPHEMERAL_POLL_INTERVAL):
                            await changed.wait()
                    changed.clear()
            return json_response(found)
        except TimeoutError:
            return json_response(
                {"error": wanted.timeout_message(), "seen": wanted.messages_since(self.world)}, status=408
            )
        finally:
            unsubscribe()

    async def _start_load(self, request: web.Request) -> web.StreamResponse:
        if self.load is not None and self.load.ended_at is None:
            raise ActionError("A load is already running. Stop it with DELETE /sandbox/load.", status=409)
        try:
            plan = msgspec.convert(await read_body(request), LoadPlan)
        except msgspec.ValidationError as error:
            known = ", ".join(LoadPlan.__struct_fields__)
            raise ActionError(f"{error}. A load takes: {known}.") from None
        load = Load(self.world, self.gateway, plan, self.gateway.now, self._wall_clock)
        load.prepare()
        self.load = load
        self._spawn(load.run())
        return json_response(load.report())

    async def _show_load(self, _request: web.Request) -> web.StreamResponse:
        return json_response(self._require_load().report())

    async def _stop_load(self, _request: web.Request) -> web.StreamResponse:
        load = self._require_load()
        load.stopped = True
        return json_response(load.report())

    def _require_load(self) -> Load:
        if self.load is None:
            raise ActionError("No load has been started. Start one with POST /sandbox/load.", status=404)
        return self.load

    async def _gateway(self, _request: web.Request) -> web.StreamResponse:
        return json_response(gateway_view(self.gateway))

    async def _show_faults(self, _request: web.Request) -> web.StreamResponse:
        return json_response(self.gateway.faults.active())

    async def _clear_faults(self, _request: web.Request) -> web.StreamResponse:
        self.gateway.faults.clear()
        self.on_change()
        return json_response(self.gateway.faults.active())

    async def _fault(self, request: web.Request) -> web.StreamResponse:
        body = await read_body(request)
        unknown = sorted(body.keys() - {"gateway", "rest", "connections"})
        if unknown or not body or not all(isinstance(each, dict) for each in body.values()):
            raise FaultError("A fault must be an object with one or more of: gateway, rest, connections.")
        if "gateway" in body:
            self.gateway.faults.set_gateway(body["gateway"])
        if "rest" in body:
            self.gateway.faults.add_rest(body["rest"])
        affected = apply_connection_fault(self.gateway, body["connections"]) if "connections" in body else 0
        self.on_change()
        return json_response({**self.gateway.faults.active(), "connections": affected})

    async def _settings(self, request: web.Request) -> web.StreamResponse:
        changed = parse_settings(await read_body(request))
        self.gateway.table.limits = replace(self.gateway.table.limits, **changed)
        return json_response(settings_view(self.gateway.table.limits))

    async def _set_notice(self, request: web.Request) -> web.StreamResponse:
        """Set the notice above the messages: why new code does not run. An empty text removes it."""
        body = await read_body(request)
        text, serving = body.get("text"), body.get("serving", True)
        if body.keys() - {"serving"} != {"text"} or not isinstance(text, str) or len(text) > MAX_NOTICE:
            raise ActionError(
                f"notice takes text, at most {MAX_NOTICE} characters (an empty text removes it), and"
                " serving?: whether the previous code still serves."
            )
        self.notice, self.notice_serving = text, bool(serving)
        self.on_change()
        return json_response({"notice": text})

    async def _show_build(self, request: web.Request) -> web.StreamResponse:
        """Show a reload on the page: ``{files?, ms?, generation?, line?}``."""
        self.on_build(await read_body(request))
        return json_response({})

    async def _replay(self, request: web.Request) -> web.StreamResponse:
        """Have the bot handle an event of the trace again: the record of SANDBOX_TRACE."""
        try:
            is_sent = self.on_replay(await read_body(request))
        except ValueError as error:
            raise ActionError(str(error)) from None
        if not is_sent:
            raise ActionError("No bot of `nescord dev` or `nescord run main` is connected.", status=409)
        return json_response({})

    async def _show_settings(self, _request: web.Request) -> web.StreamResponse:
        return json_response(settings_view(self.gateway.table.limits))

    async def _unknown(self, request: web.Request) -> web.StreamResponse:
        paths = sorted(
            {each.path for each in ACTIONS} | {"/voice", "/state", "/messages", "/commands", "/wait", "/load"}
        )
        others = "/gateway /fault /notice /build /replay /history /settings /export /forget /events"
        others += " /interactions/{id}"
        listed = ", ".join([*paths, *others.split()])
        return json_response(
            {"error": f"There is no {request.method} {request.path}. Known: {listed}."}, status=404
        )
