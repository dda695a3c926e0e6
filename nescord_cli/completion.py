"""What the shell offers while a command is typed: templates, services, events, intents."""

from __future__ import annotations

__all__ = [
    "event_names",
    "levels",
    "permission_names",
    "services",
    "stopped_processes",
    "targets",
    "template_names",
]

_SERVICES = ("sandbox", "rest", "main", "ws")
_TARGETS = ("compose", "k8s", "systemd", "grafana")


def template_names(incomplete: str) -> list[tuple[str, str]]:
    """Return the templates of `nescord init` with what each is for."""
    from nescord_core.services.project import templates as scaffold

    return [(name, about) for name, about in scaffold.templates().items() if name.startswith(incomplete)]


def services(incomplete: str) -> list[str]:
    """Return the services that `nescord dev` runs."""
    return [name for name in _SERVICES if name.startswith(incomplete)]


def levels(incomplete: str) -> list[str]:
    """Return the levels of `nescord log-level`."""
    return [name for name in ("debug", "info", "warning", "error") if name.startswith(incomplete)]


def stopped_processes(incomplete: str) -> list[tuple[str, str]]:
    """Return the processes at breakpoints in the project of the working directory, with their places."""
    import asyncio

    from nescord_core import config
    from nescord_core.errors import NescordError
    from nescord_core.services.control.debug_session import waiting_stops

    try:
        stops = asyncio.run(waiting_stops(config.load().state_dir))
    except NescordError:
        return []
    found = [(str(stop.pid), f"{stop.file}:{stop.line}") for stop in stops if stop.socket]
    return [(pid, place) for pid, place in found if pid.startswith(incomplete)]


def targets(incomplete: str) -> list[str]:
    """Return what `nescord generate` makes."""
    return [name for name in _TARGETS if name.startswith(incomplete)]


def event_names(incomplete: str) -> list[str]:
    """Return the events, the last of several that are separated by commas being completed."""
    from nescord_core.events import EventType

    before, comma, last = incomplete.rpartition(",")
    names = [each.value.lower() for each in EventType]
    return [f"{before}{comma}{name}" for name in names if name.startswith(last.lower())]


def permission_names(incomplete: str) -> list[str]:
    """Return the permissions, the last of several that are separated by commas being completed."""
    from nescord_core.services.project.invitation import permission_names as known

    before, comma, last = incomplete.rpartition(",")
    return [f"{before}{comma}{name}" for name in known() if name.startswith(last.lower())]
