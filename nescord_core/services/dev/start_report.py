"""Shows the table of services and the page's address once all services are ready."""

from __future__ import annotations

from rich.table import Table

from nescord_core.services.dev.commands import facts
from nescord_core.supervisor.lifecycle import State
from nescord_core.supervisor.output import Output
from nescord_core.supervisor.supervisor import ServiceView
from nescord_core.supervisor.systemd import SystemdNotifier

__all__ = ["StartReport"]


class StartReport:
    """Shows the table of services once all of them are ready, and reports their state to systemd."""

    def __init__(self, output: Output, page: str, notifier: SystemdNotifier, *, keys: bool) -> None:
        self._output = output
        self._keys = keys
        self._page = page
        self._notifier = notifier
        self._shown = False
        self._is_stopping = False

    def update(self, views: list[ServiceView], *, stopping: bool) -> None:
        """Take the current services; called at every change of state."""
        services = [view for view in views if not view.task]
        status = ", ".join(f"{view.name} {view.state.value}" for view in services)
        self._notifier.tell(
            f"STATUS={status}", *(["STOPPING=1"] if stopping and not self._is_stopping else [])
        )
        self._is_stopping = stopping
        if self._shown or any(view.state is not State.READY for view in services):
            return
        self._shown = True
        self._notifier.tell("READY=1")
        facts_by_name = {view.name: {**facts(view), "start_ms": view.start_ms} for view in services}
        self._output.show(
            self._text(services), service=self._output.own, message="ready", services=facts_by_name
        )

    def _text(self, services: list[ServiceView]) -> str:
        table = Table(box=None, pad_edge=False)
        for title in ("service", "pid", "address", "state", "ms"):
            table.add_column(title, justify="right" if title in ("pid", "ms") else "left")
        for view in services:
            table.add_row(
                view.name, str(view.pid), view.address, view.state.value, f"{view.start_ms or 0:.0f}"
            )
        keys = ", h shows the keys" if self._keys else ""
        page = f"Talk to the bot at {self._page}\n" if self._page else ""
        return f"\n{self._output.rendered(table)}\n{page}^C stops everything{keys}.\n"
