"""Generates deployment files from a project's configuration, for `nescord generate`."""

from __future__ import annotations

import getpass
import json
import re
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jinja2

from nescord_core._version import __version__
from nescord_core.config import Config
from nescord_core.config.values import format_value
from nescord_core.errors import ConfigError
from nescord_core.events import Intents
from nescord_core.services.project.templates import PlannedFile, plan_files, template_root

__all__ = ["TARGETS", "container_files", "generate"]

TARGETS: Mapping[str, str] = {
    "compose": "compose.yaml, Dockerfile, .dockerignore and .env.example for Docker",
    "k8s": "one YAML file for Kubernetes with rest, ws and main",
    "systemd": "a unit for each service, and a target for all of them",
    "grafana": "a dashboard for the services' Prometheus metrics",
}
GRACE = 5
"""Seconds to stop that a process gets on top of its own time-out."""
OWN = frozenset(
    {"rest.host", "rest.port", "rest.url", "ws.grpc_host", "ws.admin", "main.listen", "main.admin"}
    | {"bot.intents", "bot.events", "state_dir"}
)
"""Keys that the templates set themselves."""
UNITS = {
    "rest": ("The proxy in front of Discord's HTTP API: rate limits and cache.", "", ""),
    "main": (
        "The bot's code. `systemctl reload` reloads it without losing an event.",
        " {name}-rest.service",
        '"{nescord}" reload',
    ),
    "ws": (
        "The gateway connections. `systemctl reload` replaces its processes one by one, keeping sessions.",
        " {name}-rest.service {name}-main.service",
        "/bin/kill -HUP $MAINPID",
    ),
}
"""By service: description, units to start after, reload command."""
Rendered = dict[str, str]


def generate(config: Config, target: str, *, image: str = "") -> Rendered:
    """Return the files of a target, keyed by name; the first is the main one.

    Raises:
        ConfigError: the target does not exist.

    """
    makers: Mapping[str, Callable[[Mapping[str, Any]], Rendered]] = {
        "compose": _compose,
        "k8s": _k8s,
        "systemd": _systemd,
        "grafana": lambda facts: {"dashboard.json": _dashboard(facts)},
    }
    if target not in makers:
        raise ConfigError(
            f"there is no target {target!r}.",
            where="nescord generate",
            hint=f"Choose one of {', '.join(makers)}.",
        )
    return makers[target](_facts(config, image))


def container_files(config: Config, target: Path) -> list[PlannedFile]:
    """Return the files that `nescord init --docker` adds to a project."""
    return plan_files(generate(config, "compose"), target)


def _facts(config: Config, image: str) -> Mapping[str, Any]:
    name = re.sub(r"[^a-z0-9]+", "-", config.project.name.lower()).strip("-")[:40].rstrip("-") or "bot"
    name = name if name[0].isalpha() else f"bot-{name}"
    return {
        "name": name,
        "project": str(config.project),
        "version": __version__,
        "python": f"{sys.version_info.major}.{sys.version_info.minor}",
        "image": json.dumps(image or f"{name}:latest"),
        "user": getpass.getuser(),
        "nescord": shutil.which("nescord", path=str(Path(sys.executable).parent)) or "/usr/bin/env nescord",
        "intents": _intents(config["bot.intents"]),
        "events": "*" if config["bot.events"] is None else format_value(config["bot.events"]),
        "rest_port": config["rest.port"] or 7401,
        "ws_admin": config["ws.admin"][1] or 7402,
        "main_admin": config["main.admin"][1] or 7403,
        "main_port": config["main.listen"][1] or 7410,
        "replicas": max(config["main.workers"], 2),
        "main_grace": int(config["main.drain_timeout"]) + GRACE,
        "rest_grace": 10 + GRACE,
        "ws_grace": 15 + GRACE,
        "ws_storage": config["ws.outbox_disk_mb"] + 512,
        "rest": _variables(config, ("discord.", "rest.")),
        "ws": _variables(config, ("discord.", "ws.")),
    }


def _intents(bits: int) -> str:
    """Return a value for DISCORD_INTENTS: names, or a number if a bit has no name."""
    names = Intents(bits).names
    known = all(name.isidentifier() for name in names)
    return ",".join(name.lower() for name in names) if known and names else str(int(bits))


def _variables(config: Config, prefixes: tuple[str, ...]) -> Mapping[str, str]:
    """Return the project's settings under these prefixes; a container of rest or ws has no nescord.toml."""
    return {
        effective.key.env: format_value(effective.value)
        for key, effective in config.values.items()
        if key.startswith(prefixes)
        and key not in OWN
        and not effective.key.secret
        and effective.source != "default"
        and effective.value is not None
    }


def _compose(facts: Mapping[str, Any]) -> Rendered:
    names = ("compose.yaml.j2", "Dockerfile.j2", "dot_dockerignore", "dot_env.example")
    return {_output(name): _render(f"compose/{name}", facts) for name in names}


def _k8s(facts: Mapping[str, Any]) -> Rendered:
    rest_url = f"http://{facts['name']}-rest:{facts['rest_port']}"
    values = {
        "rest_values": {
            "NESCORD_REST_HOST": "0.0.0.0",  # noqa: S104 - within its pod, and with a secret
            "NESCORD_REST_PORT": str(facts["rest_port"]),
            **facts["rest"],
        },
        "ws_values": {
            "GRPC_HOST": f"dns:///{facts['name']}-main:{facts['main_port']}",
            "DISCORD_INTENTS": facts["intents"],
            "EVENTS": facts["events"],
            "NESCORD_REST_URL": rest_url,
            "NESCORD_WS_ADMIN": f"0.0.0.0:{facts['ws_admin']}",
            **facts["ws"],
        },
        "main_values": {
            "NESCORD_REST_URL": rest_url,
            "NESCORD_MAIN_LISTEN": f"0.0.0.0:{facts['main_port']}",
            "NESCORD_MAIN_ADMIN": f"0.0.0.0:{facts['main_admin']}",
        },
    }
    return {"nescord.yaml": _render("k8s/nescord.yaml.j2", {**facts, **values})}


def _systemd(facts: Mapping[str, Any]) -> Rendered:
    # % starts a specifier in a unit (systemd.unit(5)).
    facts = {
        key: value.replace("%", "%%") if isinstance(value, str) else value for key, value in facts.items()
    }
    name = facts["name"]
    files = {f"{name}.target": _render("systemd/target.j2", facts)}
    for service, (about, after, reload) in UNITS.items():
        own = {
            "service": service,
            "about": about,
            "after": after.format_map(facts),
            "reload": reload.format_map(facts),
            "grace": facts[f"{service}_grace"] + GRACE,
            "type": "notify",
        }
        files[f"{name}-{service}.service"] = _render("systemd/unit.service.j2", {**facts, **own})
    return files


def _dashboard(facts: Mapping[str, Any]) -> str:
    return json.dumps(json.loads(_render("grafana/dashboard.json.j2", facts)), indent=2) + "\n"


def _render(template: str, facts: Mapping[str, Any]) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(template_root() / "deploy"),
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 - it renders YAML, units and JSON, not HTML
    )
    environment.policies["json.dumps_function"] = _plain_json
    return environment.get_template(template).render(facts)


def _plain_json(value: Any, **_: Any) -> str:
    """Encode JSON for any format; jinja2's own encoder escapes & and < for HTML."""
    return json.dumps(value, ensure_ascii=False)


def _output(name: str) -> str:
    return re.sub(r"^dot_", ".", name.removesuffix(".j2"))
