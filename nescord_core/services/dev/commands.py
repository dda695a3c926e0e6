"""The commands of a running `nescord dev`, from keys, from its control socket and from its own main."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import webbrowser
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from nescord_core.config import Config
from nescord_core.errors import NescordError
from nescord_core.services.control import control_socket
from nescord_core.services.control.subscription import Wanted, subscribed
from nescord_core.services.control.world_names import learn_names
from nescord_core.services.dev import plan
from nescord_core.services.dev.display.keys import key_lines, services_by_key
from nescord_core.services.dev.saved_sessions import forget_sessions_once_ws_is_down
from nescord_core.services.dev.screen import Screen
from nescord_core.services.dev.service_facts import facts
from nescord_core.services.dev.start_report import StartReport
from nescord_core.services.dev.terminal_keys import TerminalKeys
from nescord_core.supervisor.output import Output
from nescord_core.supervisor.spec import ServiceSpec
from nescord_core.supervisor.supervisor import Supervisor
from nescord_core.tracing.rendering import Rendering

__all__ = ["DevCommands", "Replan"]

CLEAR = "\x1b[2J\x1b[3J\x1b[H"
NOTICE_TIMEOUT = 5.0
NOTICE_LENGTH = 8000

Replan = Callable[[], tuple[Config, list[ServiceSpec]]]
"""Re-reads the configuration; raises ConfigError if it is wrong or requires other services."""


@dataclass
class DevCommands:
    """Runs the commands. ``page`` is the sandbox's address, empty without a sandbox."""

    supervisor: Supervisor
    screen: Screen
    report: StartReport
    settings: Config
    page: str
    replan: Replan
    tasks: asyncio.TaskGroup
    events: asyncio.Task[None] | None = None
    keys: TerminalKeys | None = None

    @property
    def output(self) -> Output:
        return self.screen.output

    def commands(self) -> Mapping[str, control_socket.Command]:
        """Return the commands of the control socket."""
        return {
            "status": self._status,
            "stop": self._stop,
            "restart": self._restart,
            "reload": self._reload,
            "logs": self._logs,
            "configured": self._configured,
            "notice": self._notice,
            "build": self._build,
            "asked": self._asked,
            "serves": self._serves,
        }

    def pressed(self, key: str) -> None:
        """Run the command of a key; other keys do nothing."""
        actions: dict[str, Callable[[], object]] = {
            "r": lambda: self.tasks.create_task(self._reload_by_key()),
            "R": self._restart_all,
            "o": self._open_page,
            "e": self._toggle_events,
            "l": self.screen.lines.next,
            "0": lambda: self.screen.lines.show(None),
            "c": lambda: self.output.show(CLEAR.rstrip("\n")),
            "q": self.supervisor.request_stop,
            "h": lambda: self.output.paragraph("\n".join(key_lines(self.output.names, self.screen.look()))),
        }
        services = services_by_key(self.output.names)
        action = actions.get("h" if key == "?" else key)
        if key in services:
            self.screen.lines.show(services[key])
        if action is not None:
            action()

    def close(self) -> None:
        """Stop the display of events, if it is on."""
        if self.events is not None:
            self.events.cancel()

    def _say(self, text: str) -> None:
        self.output.say(text)

    # ---------------------------------------------------------------- the control socket

    async def _status(self, _: control_socket.Answer) -> control_socket.Answer:
        return {"services": {v.name: facts(v) for v in self.supervisor.views() if not v.task}}

    async def _stop(self, _: control_socket.Answer) -> control_socket.Answer:
        self.supervisor.request_stop()
        return {}

    async def _restart(self, request: control_socket.Answer) -> control_socket.Answer:
        self._require_project(request)
        self.supervisor.restart(str(request.get("service")))
        return {}

    async def _reload(self, _: control_socket.Answer) -> control_socket.Answer:
        return await control_socket.reload(self.settings.state_dir)

    def _require_project(self, request: control_socket.Answer) -> None:
        """Refuse if the caller means another directory than the one that services are started in."""
        wanted, own = str(request.get("project") or ""), str(self.settings.project.resolve())
        if wanted and wanted != own:
            raise NescordError(
                f"{self.output.own} runs {own}, not {wanted}.",
                hint="Stop it and start it there, or start it from a link such as `current`.",
            )

    def _logs(self, request: control_socket.Answer) -> AsyncIterator[control_socket.Answer]:
        service = request.get("service")
        known = [*(view.name for view in self.supervisor.views()), self.output.own]
        if service is not None and service not in known:
            raise NescordError(f"there is no service {service!r} here; there are {', '.join(known)}.")
        return self._lines(service, request)

    async def _lines(
        self, service: str | None, request: control_socket.Answer
    ) -> AsyncIterator[control_socket.Answer]:
        lines = int(request.get("lines", 100))
        async for line in self.output.follow(service, lines=lines, onward=bool(request.get("follow"))):
            yield {"time": line.time, "service": line.service, "stream": line.stream, "text": line.text}

    async def _configured(self, request: control_socket.Answer) -> control_socket.Answer:
        """Restart the services that a changed configuration affects."""
        try:
            settings, specs = self.replan()
            self.supervisor.replan(specs)
        except NescordError as error:
            self._say(str(error))
            return {}
        self.output.hide(plan.secrets(settings))
        known = {spec.name for spec in specs}
        for name in [name for name in request.get("services", ()) if name in known]:
            self._say(f"restarting {name} with the changed configuration")
            self.supervisor.restart(name)
        return {}

    async def _notice(self, request: control_socket.Answer) -> control_socket.Answer:
        """Show on the sandbox's page why the new code cannot be loaded; an empty text removes the notice."""
        text, serving = str(request.get("text", ""))[:NOTICE_LENGTH], bool(request.get("serving", True))
        return await self._post_to_page("notice", {"text": text, "serving": serving})

    async def _build(self, request: control_socket.Answer) -> control_socket.Answer:
        """Show a reload on the sandbox's page."""
        shown = {name: request[name] for name in ("files", "ms", "generation", "line") if name in request}
        return await self._post_to_page("build", shown)

    async def _post_to_page(self, path: str, body: Mapping[str, Any]) -> control_socket.Answer:
        if not self.page:
            return {}
        limit = aiohttp.ClientTimeout(total=NOTICE_TIMEOUT)
        try:
            async with (
                aiohttp.ClientSession(timeout=limit) as session,
                session.post(f"{self.page}sandbox/{path}", json=body),
            ):
                return {}
        except (aiohttp.ClientError, TimeoutError):
            return {}  # the terminal shows it anyway

    async def _serves(self, request: control_socket.Answer) -> control_socket.Answer:
        """Take what the bot handles, which main knows once it has loaded it."""
        self.report.bot = str(request.get("bot", ""))
        await learn_names(self.screen.places, self.page)
        return {}

    async def _asked(self, request: control_socket.Answer) -> control_socket.Answer:
        """Take what is typed for an answer to the bot's prompt, up to Enter: it is no command of ours."""
        self._say(
            f"the bot reads its standard input{_place(request)}, which is empty in a worker: it got an end of"
            " file. Take the value from .env or a file instead"
        )
        if self.keys is not None:
            self.keys.expect_line()
            self._say("keys are off until you press Enter")
        return {}

    # ---------------------------------------------------------------- keys

    async def _reload_by_key(self) -> None:
        try:
            await control_socket.reload(self.settings.state_dir)  # main reports the outcome itself
        except NescordError as error:
            if "Still serving" not in str(error):
                self._say(str(error))

    def _restart_all(self) -> None:
        try:
            self.supervisor.restart_all()
        except NescordError as error:
            self._say(str(error))
            return
        self._say("restarting all services")
        self.report.begin_again()
        if self.page:
            self.tasks.create_task(forget_sessions_once_ws_is_down(self.settings, self.supervisor))

    def _open_page(self) -> None:
        """Open the page in a browser, if there is a display to show one."""
        if not self.page:
            self._say("only the sandbox has a page")
        elif sys.platform == "linux" and not {"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys():
            self._say(f"no display here; open {self.page} in a browser")
        else:
            self._say(f"opening {self.page}")
            # A daemon thread: some browsers run until they are closed, and must not delay the end.
            threading.Thread(target=webbrowser.open, args=(self.page,), daemon=True).start()

    def _toggle_events(self) -> None:
        if self.events is not None and not self.events.done():
            self.events.cancel()
            self._say("events off")
        else:
            self.events = self.tasks.create_task(self._show_events())

    async def _show_events(self) -> None:
        """Show the bot's events and calls as `nescord events tail` does."""
        shown = Rendering(self.screen.look(), self.screen.places)
        is_on = False
        try:
            async with subscribed(self.settings.state_dir, Wanted(types=frozenset())) as subscription:
                async for traced in subscription:
                    if not is_on:  # a worker has connected: from now on nothing is missed
                        is_on = True
                        self._say("events on")
                    if traced.record is not None and (line := shown.record(traced.record)):
                        self.output.paragraph(line)
        except NescordError as error:
            self._say(f"events off: {error}")


def _place(request: control_socket.Answer) -> str:
    return f" at {request['file']}:{request['line']}" if request.get("file") else ""
