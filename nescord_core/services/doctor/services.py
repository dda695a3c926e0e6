"""Checks of the services: which ones are running and healthy, and who holds the ports of the others."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import aiohttp

from nescord_core._version import __version__
from nescord_core.config import Config
from nescord_core.process.ports import holder_of
from nescord_core.services.control import running_services, status
from nescord_core.services.doctor.findings import Finding, passed, warning

__all__ = ["examine"]

_TIMEOUT = aiohttp.ClientTimeout(total=3)
_SERVICES = ("sandbox", "rest", "main", "ws")


async def examine(config: Config) -> list[Finding]:
    """Check each service with this state_dir, then the ports if none is running, then remote services."""
    running = running_services.read_all(config.state_dir)
    states = await status.collect(config.state_dir)
    services = [_service(name, states[name], running.get(name)) for name in _SERVICES if name in states]
    services += [finding for finding in await asyncio.gather(*_problems(running, states)) if finding]
    ports = [] if states else _ports(config)
    return [*services, *ports, *await _remote(config, running)]


def _service(name: str, state: Mapping[str, Any], present: running_services.RunningService | None) -> Finding:
    text = f"{state['state']} on {state['address'] or 'no address'}, process {state['pid']}"
    if present is not None and present.version not in ("", __version__):
        return warning(
            f"{name} runs",
            f"{text}, version {present.version}",
            f"This is {__version__}: restart {name}, so that both ends speak the same protocol.",
        )
    if state["state"] != "ready":
        return warning(f"{name} runs", text, f"See its logs: nescord logs {name}")
    return passed(f"{name} runs", text)


def _problems(running: Mapping[str, running_services.RunningService], states: Mapping[str, Any]) -> list[Any]:
    """Ask the services that are not ready for their problems."""
    return [
        _ask(name, present)
        for name, present in running.items()
        if present.admin and states.get(name, {}).get("state") != "ready"
    ]


async def _ask(name: str, present: running_services.RunningService) -> Finding | None:
    try:
        async with (
            aiohttp.ClientSession(timeout=_TIMEOUT) as session,
            session.get(f"http://{present.admin}/readyz") as answer,
        ):
            said = await answer.json()
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return None
    problems = "; ".join(said.get("problems", ()))
    return warning(name, problems, f"See its logs: nescord logs {name}") if problems else None


def _ports(config: Config) -> list[Finding]:
    """Check the ports while no service of the project is running: a taken port blocks the next start."""
    addresses = {
        "sandbox.listen": config["sandbox.listen"],
        "rest.port": (config["rest.host"], config["rest.port"]),
        "main.listen": config["main.listen"],
        "ws.admin": config["ws.admin"],
        "main.admin": config["main.admin"],
    }
    findings = []
    for key, (host, port) in addresses.items():
        holder = holder_of(host, port)
        if not holder:
            findings.append(passed(key, f"{host}:{port} is free"))
            continue
        fix = f"Stop that process, or set {key} ({config.values[key].key.env}) to another port."
        findings.append(warning(key, f"{host}:{port} is taken by {holder}", fix))
    return findings


async def _remote(config: Config, running: Mapping[str, running_services.RunningService]) -> list[Finding]:
    """Check services on other machines or in other projects, if the configuration names any."""
    findings = []
    if config.values["rest.url"].source != "default" and "rest" not in running:
        findings.append(await _rest(config["rest.url"]))
    if config.values["ws.grpc_host"].source != "default" and "main" not in running:
        findings += [await _main(address) for address in config["ws.grpc_host"]]
    return findings


async def _rest(url: str) -> Finding:
    try:
        async with (
            aiohttp.ClientSession(timeout=_TIMEOUT) as session,
            session.get(f"{url}/readyz") as answer,
        ):
            reached = answer.status == 200
    except (aiohttp.ClientError, TimeoutError):
        reached = False
    if reached:
        return passed("rest.url", f"{url} answers")
    return warning(
        "rest.url", f"{url} does not answer", "Start `nescord run rest` there, or correct NESCORD_REST_URL."
    )


async def _main(address: str) -> Finding:
    host, _, port = address.removeprefix("dns:///").rpartition(":")
    try:
        async with asyncio.timeout(3):
            _, writer = await asyncio.open_connection(host.strip("[]"), int(port))
        writer.close()
    except (OSError, TimeoutError):
        return warning(
            "ws.grpc_host",
            f"{address} cannot be reached",
            "Start `nescord run main` there, or correct GRPC_HOST.",
        )
    return passed("ws.grpc_host", f"{address} can be reached")
