"""Shows the page's address and the bot as soon as they are there, and reports the start to systemd."""

from __future__ import annotations

import time
from collections.abc import Callable

from nescord_core.services.dev.display.start import StartFacts, address_lines, ready_lines
from nescord_core.services.dev.service_facts import facts
from nescord_core.supervisor.lifecycle import State
from nescord_core.supervisor.output import Output
from nescord_core.supervisor.supervisor import ServiceView
from nescord_core.supervisor.systemd import SystemdNotifier
from nescord_core.terminal.look import Look

__all__ = ["StartReport"]


class StartReport:
    """Shows the address once the sandbox is ready, so before the bot's code can fail, and then the bot.

    ``began`` is in epoch seconds. ``bot`` is what the bot handles, once main has reported it.
    """

    def __init__(
        self,
        output: Output,
        about: StartFacts,
        notifier: SystemdNotifier,
        *,
        began: float,
        look: Callable[[], Look],
    ) -> None:
        self._output = output
        self._about = about
        self._notifier = notifier
        self._began = began
        self._look = look
        self.bot = ""
        self._has_address = False
        self._shown = False
        self._is_stopping = False
        self._again_since: float | None = None
        self._was_down = False

    def begin(self) -> None:
        """Show which Discord is used, if that is no sandbox that is yet to start."""
        if not self._about.page:
            self._show_address()

    def begin_again(self) -> None:
        """Say once more when all services are ready: they have just been told to restart."""
        self._again_since = time.time()
        self._was_down = False

    def update(self, views: list[ServiceView], *, stopping: bool) -> None:
        """Take the current services; called at every change of state."""
        services = [view for view in views if not view.task]
        status = ", ".join(f"{view.name} {view.state.value}" for view in services)
        self._notifier.tell(
            f"STATUS={status}", *(["STOPPING=1"] if stopping and not self._is_stopping else [])
        )
        self._is_stopping = stopping
        if any(view.name == "sandbox" and view.state is State.READY for view in services):
            self._show_address()
        is_ready = all(view.state is State.READY for view in services)
        if self._again_since is not None:
            self._was_down = self._was_down or not is_ready
            if self._was_down and is_ready:
                self._output.say(f"ready again in {time.time() - self._again_since:.1f} s")
                self._again_since = None
        if self._shown or stopping or not is_ready:
            return
        self._shown = True
        self._notifier.tell("READY=1")
        facts_by_name = {view.name: {**facts(view), "start_ms": view.start_ms} for view in services}
        lines = ready_lines(self._about, self.bot, time.time() - self._began, self._look())
        self._output.show("\n".join(lines), service=self._output.own, message="ready", services=facts_by_name)

    def _show_address(self) -> None:
        if not self._has_address:
            self._has_address = True
            self._output.paragraph("\n".join(address_lines(self._about, self._look())))
